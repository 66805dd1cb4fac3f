"""Ticks compute in the order in which they asked, and few at a time."""

from __future__ import annotations

import threading

import pytest

from ingest.worker.turns import Turns
from tests.support.processes import wait_for


def begin(turns: Turns, name: str, served: list[str], behind: int) -> threading.Thread:
    """Let a thread ask that notes its name when it is served; return when `behind` others wait before it."""

    def ask() -> None:
        with turns:
            served.append(name)

    thread = threading.Thread(target=ask, daemon=True)
    thread.start()
    wait_for(lambda: len(turns.waiting) == behind + 1)
    return thread


def end(threads: list[threading.Thread]) -> None:
    for thread in threads:
        thread.join(10)
    assert not any(thread.is_alive() for thread in threads)


def test_who_asks_first_is_served_first() -> None:
    turns, served = Turns(1), list[str]()
    with turns:
        threads = [begin(turns, name, served, behind) for behind, name in enumerate("abcdefgh")]
        assert not served
    end(threads)
    assert served == list("abcdefgh")


def test_who_ends_and_asks_again_passes_nobody_that_waits() -> None:
    """A semaphore would admit this thread: it runs already, while the one that waits must wake first."""
    turns, served = Turns(1), list[str]()
    threads: list[threading.Thread] = []
    for _ in range(100):
        with turns:
            threads.append(begin(turns, "waited", served, 0))
        with turns:
            served.append("came back")
    end(threads)
    assert served == ["waited", "came back"] * 100


def fail(turns: Turns) -> None:
    with turns:
        raise KeyError


def test_at_most_so_many_have_a_turn_and_a_failure_ends_one() -> None:
    turns, served = Turns(2), list[str]()
    with turns:
        with turns:
            thread = begin(turns, "second", served, 0)
            assert not served
        end([thread])
        with pytest.raises(KeyError):
            fail(turns)
        with turns:
            thread = begin(turns, "third", served, 0)
            assert served == ["second"]
    end([thread])
    assert served == ["second", "third"]
    with turns, turns:
        assert not turns.waiting
