"""Vehicles that are no bikes, types that nobody describes, docks for some types: named for what happened."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from ingest.gbfs.documents import parse
from ingest.gbfs.errors import NoBicycles
from ingest.gbfs.findings import Findings
from ingest.gbfs.stations import StationCounts
from ingest.gbfs.vehicles import MOST_TYPES, VehicleTypes, vehicle_types
from tests.support.gbfs_world import Json, counted, holding, status, wrap

MIXED = VehicleTypes(
    {"bike": "plain", "pedelec": "electric", "box": "cargo", "kick": "other", "riddle": "unknown"}
)


def described(*types: Any) -> tuple[VehicleTypes, dict[str, int]]:
    """Read these vehicle types; count the findings."""
    findings = Findings()
    read = vehicle_types(wrap({"vehicle_types": list(types)}), findings)
    return read, {finding.kind: finding.count for finding in findings.all()}


def of_type(key: Any, form: Any = ..., propulsion: Any = ...) -> Json:
    """Describe a vehicle type; a field that is `...` is left out."""
    entry = {"vehicle_type_id": key, "form_factor": form, "propulsion_type": propulsion}
    return {name: value for name, value in entry.items() if value is not ...}


def standing(**types: Any) -> list[Json]:
    """List what stands at a station."""
    return [{"vehicle_type_id": key, "count": count} for key, count in types.items()]


def at_station(
    total: Any, listed: Any, types: VehicleTypes = MIXED, **fields: Any
) -> tuple[StationCounts, dict[str, int]]:
    """Read the counts of one station that lists vehicle types."""
    return counted(status(holding("1", total, vehicle_types_available=listed, **fields)), types=types)


def incident(shared: Path, name: str) -> tuple[StationCounts, VehicleTypes, dict[str, int]]:
    """Read the counts of an incident with its own vehicle types, where it has some."""
    folder = shared / "gbfs" / "incidents" / name
    types, odd = VehicleTypes(), Findings()
    if (folder / "vehicle_types.json").exists():
        document = parse((folder / "vehicle_types.json").read_bytes(), "vehicle_types", odd)
        types = vehicle_types(document, odd)
    read, findings = counted(json.loads((folder / "station_status.json").read_bytes()), types=types)
    return read, types, findings | {each.kind: each.count for each in odd.all()}


# ---------------------------------------------------------------- vehicle types


@pytest.mark.parametrize(
    ("form", "propulsion", "kind", "odd"),
    [
        pytest.param("bicycle", "human", "plain", {}, id="plain"),
        pytest.param("bicycle", ..., "plain", {}, id="no_propulsion"),
        pytest.param("bicycle", "electric_assist", "electric", {}, id="assist"),
        pytest.param("bicycle", "electric", "electric", {}, id="electric"),
        pytest.param("BICYCLE", "Human", "plain", {}, id="capitals"),
        pytest.param(" Cargo-Bicycle", "human", "cargo", {}, id="capitals_and_a_dash"),
        pytest.param("cargo_bicycle", "electric_assist", "cargo", {}, id="cargo_with_a_motor"),
        pytest.param("ebike", ..., "electric", {}, id="a_word_of_its_own"),
        pytest.param("car", "combustion", "other", {}, id="car"),
        pytest.param("scooter_standing", "electric", "other", {}, id="kick_scooter"),
        pytest.param("other", "electric", "other", {}, id="other"),
        pytest.param(..., "electric_assist", "electric", {"form_factor": 1}, id="no_form_but_assist"),
        pytest.param(None, "human", "plain", {"form_factor": 1}, id="no_form_but_human"),
        pytest.param(..., "electric", "unknown", {"form_factor": 1}, id="no_form_and_a_motor"),
        pytest.param("hovercraft", "human", "unknown", {"form_factor": 1}, id="unheard_of"),
        pytest.param(["bicycle"], ..., "unknown", {"form_factor": 1}, id="a_list"),
        pytest.param(7, 8, "unknown", {"form_factor": 1}, id="numbers"),
    ],
)
def test_a_vehicle_type_is_of_one_kind(form: Any, propulsion: Any, kind: str, odd: dict[str, int]) -> None:
    types, findings = described(of_type("x", form, propulsion))
    assert types.kinds == {"x": kind}
    assert findings == odd


def test_types_described_twice_and_differently_are_of_unknown_kind() -> None:
    types, odd = described(
        of_type("a", "bicycle"), of_type("a", "car"), of_type("b", "bicycle"), of_type("b", "bicycle")
    )
    assert types.kinds == {"a": "unknown", "b": "plain"}
    assert odd == {"type_twice": 1}


def test_types_without_an_id_and_rubbish_are_passed_over() -> None:
    assert described(of_type(..., "car"), of_type(None, "car"), None, 3, [])[0] == VehicleTypes()
    findings = Findings()
    assert vehicle_types(wrap([]), findings) == vehicle_types({}, findings) == VehicleTypes()


def test_a_flood_of_types_is_cut_off() -> None:
    types, _ = described(*(of_type(f"t{n}", "bicycle") for n in range(MOST_TYPES + 10)))
    assert len(types.kinds) == MOST_TYPES


def test_a_table_of_types_survives_the_store() -> None:
    assert VehicleTypes.from_json(MIXED.to_json()) == MIXED


# ---------------------------------------------------------------- at a station


def test_cars_at_a_station_are_no_bikes() -> None:
    read, odd = at_station(5, standing(bike=2, kick=3))
    assert (read.bikes.tolist(), odd) == ([2], {})


def test_a_type_that_nobody_describes_is_taken_for_a_bike_and_asked_for() -> None:
    read, odd = at_station(8, standing(bike=3, pedelec=1, ASTRO=4))
    assert (read.bikes.tolist(), read.ebikes) == ([8], None)
    assert odd == {"unknown_type": 1}
    assert read.new_types == {"ASTRO"}


def test_before_any_type_is_described_the_total_stands_without_a_finding() -> None:
    read, odd = at_station(8, standing(bike=3, kick=5), VehicleTypes())
    assert (read.bikes.tolist(), read.ebikes, odd) == ([8], None, {})
    assert read.new_types == {"bike", "kick"}


def test_a_described_type_of_unknown_kind_is_a_bike_and_not_asked_for() -> None:
    read, odd = at_station(5, standing(bike=3, riddle=2))
    assert (read.bikes.tolist(), odd, read.new_types) == ([5], {}, frozenset())


def test_the_same_type_twice_at_a_station_adds_up() -> None:
    read, odd = at_station(..., [*standing(bike=2, kick=1), *standing(bike=3, pedelec=1)])
    assert (read.bikes.tolist(), odd) == ([6], {})
    assert read.ebikes is not None
    assert read.ebikes.tolist() == [1]


def test_a_station_of_cargo_bikes_alone_has_no_bike() -> None:
    read, odd = at_station(3, standing(bike=0, box=3))
    assert read.cargo is not None
    assert (read.bikes.tolist(), read.cargo.tolist(), odd) == ([0], [3], {})


def test_where_no_station_has_a_cargo_bike_nothing_is_said_of_them() -> None:
    read = at_station(3, standing(bike=3, box=0))[0]
    assert read.cargo is not None
    assert read.cargo.tolist() == [0]
    assert at_station(3, None)[0].cargo is None, "no types are listed"


def test_a_cargo_bike_that_comes_is_news() -> None:
    assert not at_station(3, standing(bike=2, box=1))[0].same_as(at_station(2, standing(bike=2))[0])


@pytest.mark.parametrize("listed", [[], None, "none", [None, 3], {"bike": 3}])
def test_a_list_of_types_that_lists_none_leaves_the_total(listed: Any) -> None:
    read, odd = at_station(5, listed)
    assert (read.bikes.tolist(), odd) == ([5], {})


@pytest.mark.parametrize(
    ("total", "listed", "bikes", "odd"),
    [
        pytest.param(2, standing(bike=2, kick=6), 2, 0, id="total_of_bikes_alone"),
        pytest.param(5, standing(bike=2, kick=6, box=3), 2, 0, id="total_of_bikes_and_cargo_bikes"),
        pytest.param(9, standing(bike=2, kick=6), 3, 1, id="one_is_not_listed"),
        pytest.param(5, standing(bike=2, kick=6), 2, 1, id="total_below_the_scooters"),
        pytest.param(1, standing(bike=2, kick=6), 1, 1, id="total_below_the_bikes"),
        pytest.param(5, standing(bike=2, pedelec=1), 5, 1, id="bikes_alone_and_more_in_total"),
        pytest.param(2, standing(bike=2, pedelec=1), 2, 1, id="bikes_alone_and_less_in_total"),
        pytest.param(5, standing(bike=-1, kick=2), 3, 0, id="bikes_unreadable"),
        pytest.param(5, standing(bike=1, kick=None), 1, 0, id="scooters_unreadable"),
        pytest.param(5, standing(bike=-1, kick=None), -1, 0, id="all_unreadable"),
    ],
)
def test_types_that_contradict_the_total_take_off_what_is_known_to_be_no_bike(
    total: int, listed: list[Json], bikes: int, odd: int
) -> None:
    read, findings = counted(
        status(holding("1", total, vehicle_types_available=listed), holding("2")), types=MIXED
    )
    assert read.bikes.tolist() == [bikes, 5]
    assert findings.get("contradictory_types", 0) == odd
    assert findings.get("bad_count", 0) == (bikes == -1)


# ---------------------------------------------------------------- docks


def docks(**types: int) -> list[Json]:
    """List free docks, each for one type."""
    return [{"vehicle_type_ids": [key], "count": count} for key, count in types.items()]


@pytest.mark.parametrize(
    ("total", "listed", "free", "odd"),
    [
        pytest.param(9, docks(bike=0, kick=9), 0, {}, id="all_free_docks_are_for_scooters"),
        pytest.param(..., docks(bike=6, kick=3), 6, {}, id="no_total"),
        pytest.param(6, docks(bike=6, kick=3), 6, {}, id="total_of_docks_for_bikes"),
        pytest.param(
            7, [{"vehicle_type_ids": ["kick", "bike"], "count": 4}, *docks(kick=3)], 4, {}, id="for_both"
        ),
        pytest.param(5, docks(box=2, bike=3), 3, {}, id="for_cargo_bikes"),
        pytest.param(5, docks(nobody=5), 5, {}, id="for_a_type_that_nobody_describes"),
        pytest.param(5, [{"vehicle_type_ids": [], "count": 5}], 5, {}, id="for_no_type_in_particular"),
        pytest.param(9, docks(bike=4, kick=3), 6, {"contradictory_types": 1}, id="two_are_not_listed"),
        pytest.param(9, [], 9, {}, id="empty"),
        pytest.param(9, "none", 9, {}, id="text"),
        pytest.param(9, [None, {"vehicle_type_ids": 3, "count": 1}], 9, {}, id="rubbish"),
        pytest.param(..., docks(bike=-4), -1, {"bad_count": 1}, id="unreadable"),
    ],
)
def test_a_dock_for_scooters_is_no_space(total: Any, listed: Any, free: int, odd: dict[str, int]) -> None:
    read, findings = counted(status(holding("1", 5, total, vehicle_docks_available=listed)), types=MIXED)
    assert (read.docks.tolist(), findings) == ([free], odd)


# ---------------------------------------------------------------- systems without bicycles


def test_a_system_of_cars_and_scooters_has_no_bicycles() -> None:
    types = VehicleTypes({"kombi": "other", "roller": "other"})
    for listed in (standing(kombi=3), ...):
        with pytest.raises(NoBicycles, match="no bicycles"):
            at_station(3, listed, types)


def test_a_system_of_cars_that_names_a_new_type_may_have_bicycles() -> None:
    read, odd = at_station(3, standing(kombi=1, velo=2), VehicleTypes({"kombi": "other"}))
    assert (read.bikes.tolist(), odd) == ([2], {"unknown_type": 1})


# ---------------------------------------------------------------- incidents


@pytest.mark.parametrize(
    ("name", "bikes", "free", "odd"),
    [
        ("unknown-vehicle-type", [8, 7], [12, 13], {"unknown_type": 2}),
        ("form-factor-missing", [6, 4], [9, 9], {"form_factor": 1}),
        ("types-away-at-restart", [1, 1], [13, 13], {}),
        ("docks-by-type", [10, 4], [0, 6], {}),
        ("cargo-bikes-only", [0, 5], [9, 15], {}),
    ],
)
def test_an_incident_has_the_right_counts(
    shared: Path, name: str, bikes: list[int], free: list[int], odd: dict[str, int]
) -> None:
    read, _, findings = incident(shared, name)
    assert (read.bikes.tolist(), read.docks.tolist(), findings) == (bikes, free, odd)
    if name == "cargo-bikes-only":
        assert read.cargo is not None
        assert read.cargo.tolist() == [3, -1], "the second station lists no types"


def test_the_incident_of_only_cars_is_no_system_of_bicycles(shared: Path) -> None:
    with pytest.raises(NoBicycles):
        incident(shared, "only-cars")


# ---------------------------------------------------------------- bikes that must come back


@pytest.mark.parametrize(
    ("constraint", "found"),
    [("roundtrip_station", True), ("Roundtrip-Station", True), ("any_station", False),
     ("free_floating", False), ("hybrid", False), (None, False), (7, False), ([], False)],
)  # fmt: skip
def test_a_return_constraint_is_read(constraint: Any, found: bool) -> None:
    read, findings = described(of_type("b", "bicycle", "human") | {"return_constraint": constraint})
    assert read.is_round_trip == found
    assert findings == ({"round_trip": 1} if found else {})
    assert VehicleTypes.from_json(read.to_json()) == read


def test_cars_that_may_be_left_anywhere_make_no_one_way_trip_by_bike() -> None:
    back = {"return_constraint": "roundtrip_station"}
    read, _ = described(of_type("b", "bicycle", "human") | back, of_type("car", "car", "combustion"))
    assert read.is_round_trip
    assert not read.apart
    assert at_station(4, standing(b=4), read)[0].bikes.tolist() == [4], "they are bikes all the same"
    only_boxes, findings = described(of_type("b", "bicycle", "human"), of_type("x", "cargo_bicycle") | back)
    assert (only_boxes.is_round_trip, only_boxes.apart, findings) == (False, frozenset(), {})


def test_where_some_bikes_must_come_back_only_the_others_are_counted() -> None:
    back = {"return_constraint": "roundtrip_station"}
    read, findings = described(of_type("b", "bicycle", "human"), of_type("r", "bicycle", "human") | back)
    assert findings == {"some_round_trip": 1}
    counts, odd = at_station(7, standing(b=3, r=4), read)
    assert (counts.bikes.tolist(), odd) == ([3], {})
    assert at_station(4, standing(b=0, r=4), read)[0].bikes.tolist() == [0]
    assert VehicleTypes.from_json(read.to_json()) == read
