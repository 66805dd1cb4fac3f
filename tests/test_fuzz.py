"""Readers read any bytes or refuse them in words: a short run of `benchmarks/drills/fuzz`.

This file keeps every input that broke a reader in the long runs.
"""

from __future__ import annotations

import sys
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

FOLDER = Path(__file__).resolve().parents[1] / "benchmarks" / "drills" / "fuzz"
NAMES = ("document", "recording", "state", "address", "api")


@cache
def target(name: str) -> tuple[Any, list[bytes]]:
    """Give a target and its seeds, without those of real feeds."""
    sys.path.insert(0, str(FOLDER))
    try:
        make, seeds, _ = import_module("targets").TARGETS[name]
    finally:
        sys.path.remove(str(FOLDER))
    return make(), list(seeds(Path("nowhere")))


@st.composite
def spoilt(draw: st.DrawFn, name: str) -> bytes:
    """Take a good input, and change its bytes in one or two places."""
    data = draw(st.sampled_from(target(name)[1]))
    for _ in range(draw(st.integers(1, 2))):
        start = draw(st.integers(0, len(data)))
        end = min(start + draw(st.integers(0, 40)), len(data))
        data = data[:start] + draw(st.binary(max_size=40)) + data[end:]
    return data


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(chosen=st.data())
def test_no_input_breaks_a_reader(name: str, chosen: st.DataObject) -> None:
    target(name)[0](chosen.draw(spoilt(name)))


@pytest.mark.parametrize("name", NAMES)
def test_every_seed_is_taken(name: str) -> None:
    run, seeds = target(name)
    for seed in seeds:
        run(seed)


FOUND = {
    "api: a query that is no UTF-8, at an address that there is not": ("api", b"\x02no/such\nsince=\xcb"),
    "address: a moment of the year 226, which is written in three digits": ("address", b"at=2260302T0855Z"),
}
"""Inputs that broke a target once, as short as they can be."""


@pytest.mark.parametrize("what", FOUND)
def test_every_input_that_once_broke_a_reader_is_read_or_refused(what: str) -> None:
    name, data = FOUND[what]
    target(name)[0](data)
