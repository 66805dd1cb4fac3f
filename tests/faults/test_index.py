"""The index of faults names every fault, and only tests that exist."""

from __future__ import annotations

import re
from pathlib import Path

from tests.faults.feeds import FAULTS
from tests.faults.untruths import UNTRUTHS

HERE = Path(__file__).parent
INDEX = (HERE / "README.md").read_text()


def test_every_fault_of_a_feed_is_in_the_index_and_the_reverse() -> None:
    assert set(re.findall(r"`test_feeds\.py: (.+?)`", INDEX)) == set(FAULTS)


def test_every_untruth_of_a_feed_is_in_the_index_and_the_reverse() -> None:
    assert set(re.findall(r"`test_untruths\.py: (.+?)`", INDEX)) == set(UNTRUTHS)


def test_every_test_that_the_index_names_is_there() -> None:
    named = re.findall(r"`([\w/]+\.py)::(\w+)`", INDEX)
    assert len(named) > 20
    for file, test in named:
        assert f"\ndef {test}(" in (HERE.parent / file).read_text(), f"{file}::{test}"


def test_every_line_of_the_index_names_one() -> None:
    rows = [row for row in INDEX.splitlines() if row.startswith("| ") and row.count("|") == 3]
    for row in rows:
        if not row.startswith("| **") and "shown by" not in row:
            assert re.search(r"`[\w/]*test_", row), row
