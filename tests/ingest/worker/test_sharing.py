"""Systems are divided among workers: each has one, few move, and no worker has much more than another."""

from __future__ import annotations

from collections import Counter

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from ingest.worker.sharing import BOUND, share

systems = st.dictionaries(st.text(min_size=1, max_size=8), st.integers(0, 3000), max_size=40)
workers = st.sets(st.text(min_size=1, max_size=8), min_size=1, max_size=6)


def held(sizes: dict[str, int], shares: dict[str, str]) -> Counter[str]:
    """Sum what each worker holds."""
    found = Counter[str]()
    for system_id, worker in shares.items():
        found[worker] += max(sizes[system_id], 1)
    return found


def cities(count: int, seed: int) -> dict[str, int]:
    """Draw as many cities as log-normal sizes: the largest of 400 has a thirtieth of all stations."""
    sizes = np.random.default_rng(seed).lognormal(3.4, 1.26, count)
    return {f"city-{seed}-{n}": 1 + int(size) for n, size in enumerate(sizes)}


@given(systems, workers)
def test_every_system_has_one_of_the_workers_in_whatever_order_they_are_named(
    sizes: dict[str, int], names: set[str]
) -> None:
    shares = share(sizes, names)
    assert shares.keys() == sizes.keys()
    assert set(shares.values()) <= names
    assert share(dict(reversed(sizes.items())), sorted(names, reverse=True)) == shares


@given(systems.filter(bool), workers)
def test_no_worker_holds_more_than_the_bound_unless_a_system_is_too_large_for_that(
    sizes: dict[str, int], names: set[str]
) -> None:
    total, largest = sum(max(size, 1) for size in sizes.values()), max(1, *sizes.values(), 1)
    most = max(held(sizes, share(sizes, names)).values())
    assert most <= max(BOUND * total / len(names), total / len(names) + largest)
    if largest * 10 * (len(names) - 1) <= total:
        assert most <= BOUND * total / len(names)


def test_a_system_larger_than_an_even_share_is_alone_and_the_others_share_the_rest() -> None:
    sizes = {"metropolis": 3000} | {f"town-{n}": 20 for n in range(30)}
    shares = share(sizes, ["one", "two", "three"])
    assert [each for each in sizes if shares[each] == shares["metropolis"]] == ["metropolis"]
    rest = held(sizes, shares)
    del rest[shares["metropolis"]]
    assert max(rest.values()) <= BOUND * 300


def test_no_worker_is_idle_where_each_can_have_a_system() -> None:
    for seed in range(20):
        assert len(set(share(cities(8, seed), ["one", "two", "three", "four"]).values())) == 4


def test_two_workers_hold_less_than_1_3_times_each_other() -> None:
    for seed in range(10):
        found = held(sizes := cities(400, seed), share(sizes, [f"{seed}-one", f"{seed}-two"]))
        assert max(found.values()) < 1.3 * min(found.values())


def moved(sizes: dict[str, int], before: list[str], after: list[str]) -> tuple[float, float]:
    """Give the part of all stations that move, and the least that has to: what one worker holds."""
    old, new = share(sizes, before), share(sizes, after)
    moves = sum(size for system_id, size in sizes.items() if old[system_id] != new[system_id])
    return moves / sum(sizes.values()), 1 / max(len(before), len(after))


def test_few_stations_move_when_a_worker_joins_or_leaves() -> None:
    """Dividing by the hash modulo the number of workers would move two thirds of all from two to three."""
    for count, most in ((2, 1.3), (3, 1.5), (4, 1.8)):
        found = []
        for seed in range(10):
            names = [f"worker-{seed}-{n}" for n in range(count)]
            joined, least = moved(sizes := cities(400, seed), names[:-1], names)
            left, _ = moved(sizes, names, names[1:])
            found += [joined / least, left / least]
        assert np.mean(found) < most


def test_a_worker_that_goes_and_comes_back_finds_its_share_again() -> None:
    sizes = cities(100, 1)
    first = share(sizes, ["one", "two", "three"])
    share(sizes, ["one", "three"])
    assert share(sizes, ["three", "two", "one"]) == first
