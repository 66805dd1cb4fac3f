"""Which stations of a new description are those of before: by place, name and id."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from model.globe import EARTH_KM, points_in_space
from model.identity import (
    NEAR_KM,
    SPOT_KM,
    Identities,
    Renumbering,
    after_renumbering,
    renumbering,
    rows_before,
)

KM = 1 / 111.2
"""A kilometre, in degrees of latitude."""


def places(*entries: tuple[str, str, float]) -> Identities:
    """Name stations by id, name, and kilometres north of a point."""
    ids, names, km = zip(*entries, strict=True) if entries else ((), (), ())
    return Identities(
        np.array(ids, dtype=np.str_),
        np.array(names, dtype=np.str_),
        53.0 + KM * np.array(km, dtype=np.float64),
        np.zeros(len(ids)),
    )


def rows(known: Identities, now: Identities) -> list[int]:
    return [int(row) for row in rows_before(known, now)]


OLD = places(("1", "Quay", 0), ("2", "Mill", 2), ("3", "Park", 4))


def test_stations_that_are_the_same_keep_their_rows() -> None:
    assert rows(OLD, OLD) == [0, 1, 2]
    assert rows(OLD, OLD.take(np.array([2, 0]))) == [2, 0]
    assert rows(places(), OLD) == [-1, -1, -1]
    assert rows(OLD, places()) == []


def test_an_id_that_comes_back_kilometres_away_with_another_name_is_new() -> None:
    now = places(("1", "Quay", 0), ("2", "Airport", 9), ("3", "Park", 4))
    assert rows(OLD, now) == [0, -1, 2]
    assert renumbering(OLD, now, rows_before(OLD, now)) == Renumbering({}, frozenset({"2"}))


def test_a_station_that_moves_or_is_renamed_stays_the_same() -> None:
    assert rows(OLD, places(("2", "Mill", 9))) == [1], "moved"
    assert rows(OLD, places(("2", "Watermill", 2.2))) == [1], "renamed, and moved across the square"
    assert rows(OLD, places(("2", "Watermill", 2.4))) == [-1], "renamed, and moved by more"


def test_all_ids_are_new_and_the_stations_are_the_old_ones() -> None:
    now = places(("101", "Park", 4.01), ("102", "QUAY ", 0.02), ("103", "Mill", 2), ("104", "New", 6))
    found = rows_before(OLD, now)
    assert found.tolist() == [2, 0, 1, -1]
    changed = renumbering(OLD, now, found)
    assert changed == Renumbering({"3": "101", "1": "102", "2": "103"}, frozenset())
    assert rows(OLD, places(("101", "Park", 4.2))) == [-1], "the name alone, but not on the spot"


def test_two_stations_that_swap_their_ids_keep_what_is_theirs() -> None:
    for apart in (0.1, 5.0):
        known = places(("1", "Quay", 0), ("2", "Mill", apart))
        now = places(("1", "Mill", apart), ("2", "Quay", 0))
        assert rows(known, now) == [1, 0]
        assert renumbering(known, now, rows_before(known, now)).renamed == {"1": "2", "2": "1"}


def test_a_feed_that_shuffles_names_changes_nothing() -> None:
    assert rows(OLD, places(("1", "Mill", 0), ("2", "Park", 2), ("3", "Quay", 4))) == [0, 1, 2]


def test_two_stations_of_one_name_on_one_square_each_find_the_nearest() -> None:
    known = places(("1", "Square", 0), ("2", "Square", 0.03))
    assert rows(known, places(("8", "Square", 0.025), ("9", "Square", 0.002))) == [1, 0]
    assert rows(known, places(("8", "Square", 0.02))) == [1], "one of them is gone"
    assert rows(known, places(("2", "Square", 0.03), ("9", "Square", 0.01))) == [1, 0]
    assert rows(known.take(np.array([0])), places(("8", "Square", 0.02), ("9", "Square", 0.01))) == [-1, 0]


def test_a_missing_name_says_nothing() -> None:
    """The reader of station information gives a nameless station its id for a name."""
    known = places(("1", "1", 0), ("2", "Mill", 2))
    assert rows(known, places(("1", "1", 5), ("2", "2", 7))) == [0, 1], "nobody says that they are others"
    assert rows(places(("1", "x", 0)), places(("x", "x", 0))) == [-1], "its id is not its name"
    assert rows(places(("1", "?", 0)), places(("2", "?", 0))) == [-1]


def test_where_only_the_id_is_known_it_decides() -> None:
    """A checkpoint of an earlier release has no places of dropped stations."""
    known = Identities(np.array(["1"]), np.array([""]), np.array([np.nan]), np.array([np.nan]))
    assert rows(known, OLD) == [0, -1, -1]


def test_ids_of_old_lead_to_the_station_of_today() -> None:
    first = after_renumbering(
        {}, Renumbering({"1": "101", "2": "102"}, frozenset()), np.array(["101", "102"])
    )
    again = Renumbering({"101": "201"}, frozenset({"102"}))
    second = after_renumbering(first, again, np.array(["201", "102"]))
    assert second == {"1": "201", "101": "201"}, "102 is another station now, so 2 leads nowhere"
    back = Renumbering({"201": "1"}, frozenset())
    assert after_renumbering(second, back, np.array(["1"])) == {"101": "1", "201": "1"}


NAMES = st.sampled_from(["", "Quay", "quay", "Mill", "Square", "1", "2"])
ENTRIES = st.lists(
    st.tuples(st.sampled_from("12345678"), NAMES, st.sampled_from([0, 0.02, 0.045, 0.06, 0.2, 0.29, 0.5, 3])),
    max_size=8,
    unique_by=lambda entry: entry[0],
)


@given(ENTRIES, ENTRIES)
def test_matching_is_one_to_one_and_never_over_the_limits(
    before: list[tuple[str, str, float]], after: list[tuple[str, str, float]]
) -> None:
    known, now = places(*before), places(*after)
    found = rows_before(known, now)
    used = found[found >= 0]
    assert len(found) == len(now)
    assert len(set(used.tolist())) == len(used)
    for row, (key, name, km) in zip(found.tolist(), after, strict=True):
        if row < 0:
            continue
        old_key, old_name, old_km = before[row]
        apart, folded = abs(km - old_km), (old_name.casefold(), name.casefold())
        one_name = folded[0] == folded[1] != ""
        if key != old_key:
            assert one_name
            assert apart <= SPOT_KM * 1.01
        elif apart > NEAR_KM * 1.01:
            assert one_name or "" in folded or old_name == old_key or name == key
    changed = renumbering(known, now, found)
    assert set(changed.renamed.values()) <= set(now.station_id.tolist())
    assert not changed.begun & changed.renamed.keys()
    assert rows_before(now, now).tolist() == [*range(len(now))]


def test_distances_hold_across_the_date_line_and_at_the_pole() -> None:
    points = points_in_space(np.array([0.0, 0.0, 90.0]), np.array([180.0, -180.0, 12.0]))
    assert np.allclose(points[0], points[1])
    assert np.allclose(points[2], [0, 0, EARTH_KM])
