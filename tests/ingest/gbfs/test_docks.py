"""A station whose docks always say 0 while its bikes come and go does not tell its docks."""

from __future__ import annotations

import numpy as np
import pytest

from ingest.gbfs.docks import DockEvidence
from ingest.gbfs.findings import Findings
from ingest.gbfs.stations import StationCounts, counts
from ingest.gbfs.vehicles import VehicleTypes
from model.records import CountState
from tests.support.gbfs_world import SECONDS, Operator, described, holding, information, place, status

Shown = tuple[int, int]


def read(
    *shown: Shown, evidence: DockEvidence | None = None, **fields: object
) -> tuple[StationCounts, dict[str, int]]:
    """Read documents one after the other, with a healthy station beside; give what the last one holds."""
    known = described(place("1", capacity=15), place("2", capacity=20))
    evidence = evidence or DockEvidence()
    for bikes, docks in shown:
        findings = Findings()
        document = status(holding("1", bikes, docks, **fields), holding("2", 7, 13))
        last = counts(document, known, VehicleTypes(), findings, evidence)
    return last, {finding.kind: finding.count for finding in findings.all()}


def test_an_empty_station_that_never_showed_a_dock_has_0_bikes_and_no_docks() -> None:
    """It contradicted itself each time it was empty, and was unknown just when a rider needs to know."""
    got, odd = read((4, 0), (3, 0), (0, 0), (0, 0))
    assert got.bikes.tolist() == [0, 7]
    assert got.docks.tolist() == [-1, 13]
    assert got.state.tolist() == [CountState.KNOWN, CountState.KNOWN]
    assert odd == {"docks_always_0": 1}


def test_two_counts_are_no_evidence() -> None:
    got, odd = read((4, 0), (0, 0), (4, 0), (0, 0))
    assert got.state.tolist()[0] == CountState.CONTRADICTED
    assert odd == {"contradicted": 1}


@pytest.mark.parametrize(
    "shown",
    [
        pytest.param([(15, 0), (16, 0), (17, 0), (18, 0)], id="full_and_more"),
        pytest.param([(14, 1), (4, 0), (3, 0), (2, 0), (5, 0)], id="has_shown_a_dock"),
        pytest.param([(15, 0), (0, 0), (15, 0), (0, 0)], id="blackouts_of_a_full_one"),
    ],
)
def test_a_station_that_tells_its_docks_keeps_them(shown: list[Shown]) -> None:
    got, odd = read(*shown)
    assert "docks_always_0" not in odd
    assert got.docks.tolist()[1] == 13
    assert got.docks.tolist()[0] in (0, -1)


def test_the_zeros_of_a_closed_station_are_no_evidence() -> None:
    evidence = DockEvidence()
    read((3, 0), (2, 0), (1, 0), (0, 0), evidence=evidence, is_renting=False, is_returning=False)
    assert evidence.silent == set()


def test_bikes_out_of_order_take_up_places_that_show_no_dock() -> None:
    """At a full station a bike may break while the docks stay taken: 15 places, all in use."""
    evidence = DockEvidence()
    for broken in range(5):
        read((15 - broken, 0), evidence=evidence, num_bikes_disabled=broken)
    assert evidence.silent == set()


def test_the_first_dock_that_such_a_station_shows_ends_it() -> None:
    evidence = DockEvidence()
    read((4, 0), (3, 0), (2, 0), evidence=evidence)
    assert evidence.silent == {"1"}
    got, odd = read((2, 9), evidence=evidence)
    assert (got.docks.tolist(), odd) == ([9, 13], {})


def test_what_is_known_of_docks_outlasts_a_restart(operator: Operator) -> None:
    operator.information = information(place("1", capacity=15), place("2"))
    for minute, bikes in enumerate((4, 3, 2)):
        operator.status = status(holding("1", bikes, 0), holding("2", 7, 13))
        poll = operator.poll(60, feed_time=SECONDS + 60 * minute)
    assert poll.snapshot is not None
    assert poll.snapshot.docks.tolist()[0] == -1
    operator.feed = operator.follow()
    operator.feed.resume(poll.stations, poll.at, poll.documents)
    operator.status = status(holding("1", 0, 0), holding("2", 7, 13))
    poll = operator.poll(60, feed_time=SECONDS + 180)
    assert poll.snapshot is not None
    assert poll.snapshot.bikes.tolist() == [0, 7]
    assert poll.snapshot.docks.tolist() == [-1, 13]
    np.testing.assert_array_equal(poll.snapshot.state, [CountState.KNOWN] * 2)
    assert "docks_always_0" in {finding.kind for finding in poll.findings}
