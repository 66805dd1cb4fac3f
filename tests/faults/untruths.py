"""What feeds say that is not so, by name: how to say it, and what is right.

A feed that tells an untruth answers properly, in valid documents, and seems well. Each untruth was seen in
real feeds. `tell` changes an operator's documents before each poll.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from model.records import CountState
from tests.support.gbfs_world import (
    STATION_FEEDS,
    Json,
    Operator,
    feed_list,
    holding,
    information,
    place,
    status,
    wrap,
)
from tests.support.misbehaving import Behaviour, Handler, tagged

BEGINS = 3
"""The poll from which on an untruth is told that begins in a feed which was right."""


@dataclass(frozen=True)
class Untruth:
    """One way to say what is not so.

    After `polls` polls the forecaster holds `bikes` and `docks` at each station, -1 for unknown, though
    nobody rode. Some poll had the `finding`, where there is one. The status is dated right where `dated` is
    set. `about` has other facts: `state` and `reason` of the feed, `names`, `riders` who rode indeed, whether
    stations are `closed` by their hours, whether there is no one-way trip (`round_trip`), `example` of the
    finding, and columns of the frame.
    """

    tell: Callable[[Operator, int], None]
    bikes: tuple[int, ...] = (5, 7)
    docks: tuple[int, ...] = (15, 13)
    finding: str = ""
    polls: int = 8
    dated: bool = True
    about: tuple[tuple[str, Any], ...] = ()


def types(*listed: tuple[str, Any, Any], round_trip: str = "") -> Json:
    """Describe vehicle types by id, form factor and propulsion; a field that is `...` is left out.

    Those whose ids are in `round_trip` must come back to their station.
    """
    names = ("vehicle_type_id", "form_factor", "propulsion_type")
    entries = [dict(zip(names, each, strict=True)) for each in listed]
    for entry in entries:
        if entry["vehicle_type_id"] in round_trip.split():
            entry["return_constraint"] = "roundtrip_station"
    return wrap({"vehicle_types": [
        {name: value for name, value in entry.items() if value is not ...} for entry in entries
    ]})  # fmt: skip


BIKE, KICK = ("bike", "bicycle", "human"), ("kick", "scooter_standing", "electric")


def standing(*listed: tuple[str, int]) -> list[Json]:
    """List what stands at a station."""
    return [{"vehicle_type_id": key, "count": count} for key, count in listed]


def docks_of(*listed: tuple[str, int]) -> list[Json]:
    """List free docks, each for one type."""
    return [{"vehicle_type_ids": [key], "count": count} for key, count in listed]


def with_types(described: Json | None, *stations: Json) -> Callable[[Operator, int], None]:
    """Describe vehicle types, and show these stations."""

    def tell(operator: Operator, poll: int) -> None:
        feeds = (*STATION_FEEDS, "system_information", "vehicle_types")
        operator.discovery = wrap({"feeds": feed_list(*feeds, at=operator.server.url(""))})
        operator.types, operator.status = described, status(*stations)

    return tell


def types_go_away(operator: Operator, poll: int) -> None:
    """Describe no vehicle type any more: six of seven are scooters, and the total does not say so."""
    shown = [holding(key, 7, 13, vehicle_types_available=standing(("bike", 1), ("kick", 6))) for key in "12"]
    with_types(types(BIKE, KICK) if poll < BEGINS else None, *shown)(operator, poll)


def shown(*stations: Json) -> Callable[[Operator, int], None]:
    """Show these stations from some poll on."""

    def tell(operator: Operator, poll: int) -> None:
        if poll >= BEGINS:
            operator.status = status(*stations)

    return tell


def described(*places: Json, ids: str = "") -> Callable[[Operator, int], None]:
    """Describe these stations from some poll on; with `ids`, the status has these instead."""

    def tell(operator: Operator, poll: int) -> None:
        if poll >= BEGINS:
            operator.information = information(*places)
            if ids:
                counts = zip(ids.split(), ((5, 15), (7, 13)), strict=True)
                operator.status = status(*(holding(key, *held) for key, held in counts))

    return tell


def late_by(minutes: int) -> Callable[[Operator, int], None]:
    """Set the feed's clock wrong, by a constant distance."""

    def tell(operator: Operator, poll: int) -> None:
        operator.status = status(holding("1", 5, 15), holding("2", 7, 13))
        operator.status["last_updated"] = int(operator.now.timestamp()) - 60 * minutes

    return tell


def always_304(operator: Operator, poll: int) -> None:
    """Say to each conditional request that nothing has changed, though a bike came at station 1."""

    def behave(handler: Handler) -> None:
        bikes = 5 if poll < BEGINS else 6
        shown = status(holding("1", bikes, 20 - bikes), holding("2", 7, 13))
        shown["last_updated"] = int(operator.now.timestamp())
        answer: Behaviour = tagged(json.dumps(shown).encode(), '"for ever"')
        answer(handler)

    operator.server.at("/station_status.json", behave)


def says_of_itself(**fields: Any) -> Callable[[Operator, int], None]:
    """Say this in the system information."""

    def tell(operator: Operator, poll: int) -> None:
        assert operator.system is not None
        operator.system["data"] |= fields

    return tell


def names_a_feed_twice(operator: Operator, poll: int) -> None:
    """List the station status a second time, at an address of last year."""
    assert operator.discovery is not None
    at = operator.server.url("")
    operator.discovery = wrap({"feeds": [
        *feed_list(*STATION_FEEDS, "system_information", at=at),
        *feed_list("station_status", at=f"{at}/2025"),
    ]})  # fmt: skip


def reported_long_ago(operator: Operator, poll: int) -> None:
    """Show a station that lost its connection 76 days ago, with its last count, among others that report."""
    now = int(operator.now.timestamp())
    operator.status = status(
        holding("1", 5, 15, last_reported=now), holding("2", 7, 13, last_reported=now - 76 * 86400),
        holding("3", 4, 16, last_reported=now),
    )  # fmt: skip
    operator.information = information(place("1"), place("2"), place("3"))


def with_a_test_station(operator: Operator, poll: int) -> None:
    """Describe a third station, and one in the ocean where somebody tried the software."""
    test = [place("99", name="Test", lat=0.5, lon=0.5)] if poll >= BEGINS else []
    operator.information = information(place("1"), place("2"), place("3"), *test)
    operator.status = status(
        holding("1", 5, 15), holding("2", 7, 13), holding("3", 4, 16), holding("99", 1, 1)
    )
    if poll < BEGINS:
        operator.status["data"]["stations"].pop()


def full_and_filling(operator: Operator, poll: int) -> None:
    """Say that station 1 has no free dock, while bikes come: locked beside it. Seven are evidence."""
    operator.status = status(holding("1", 20 + poll, 0), holding("2", 7, 13))


CLOSED = {"is_renting": False, "is_returning": False}
_MOVED = place("1", name="Ramp", lat=43.65)

UNTRUTHS: dict[str, Untruth] = {
    # Vehicles
    "a type that is not described": Untruth(
        with_types(
            types(("classic", "bicycle", "human")),
            holding("1", 8, 12, vehicle_types_available=standing(("classic", 4), ("new", 4))),
            holding("2", 7, 13, vehicle_types_available=standing(("new", 7))),
        ), (8, 7), (12, 13), "unknown_type",
    ),
    "a type without a form factor, and one in capitals": Untruth(
        with_types(
            types(("pedelec", ..., "electric_assist"), ("old", "BICYCLE", "human")),
            holding("1", 6, 9, vehicle_types_available=standing(("old", 1), ("pedelec", 5))),
            holding("2", 4, 9, vehicle_types_available=standing(("old", 4))),
        ), (6, 4), (9, 9), "form_factor",
    ),
    "the same type twice": Untruth(
        with_types(
            types(BIKE, KICK),
            holding("1", 7, 13, vehicle_types_available=standing(("bike", 2), ("bike", 3), ("kick", 2))),
            holding("2", 7, 13),
        ), (5, 7), (13, 13),
    ),
    "cars alone": Untruth(
        with_types(
            types(("kombi", "car", "combustion"), KICK),
            holding("1", 3, 2, vehicle_types_available=standing(("kombi", 3))),
        ), (), (), about=(("state", "refused"), ("reason", "no_bicycles")),
    ),
    "cargo bikes alone": Untruth(
        with_types(
            types(BIKE, ("box", "cargo_bicycle", "human")),
            holding("1", 3, 9, vehicle_types_available=standing(("bike", 0), ("box", 3))),
            holding("2", 7, 13),
        ), (0, 7), (9, 13), about=(("cargo", [3, -1]),),
    ),
    "types that go away": Untruth(types_go_away, (1, 1), (13, 13), "bad_document"),
    "docks by type": Untruth(
        with_types(
            types(BIKE, KICK),
            holding("1", 10, 9, vehicle_docks_available=docks_of(("bike", 0), ("kick", 9))),
            holding("2", 4, ..., vehicle_docks_available=docks_of(("bike", 6))),
        ), (10, 4), (0, 6),
    ),
    # Round trips
    "bikes that must all come back": Untruth(
        with_types(
            types(BIKE, KICK, round_trip="bike"),
            holding("1", 5, 15, vehicle_types_available=standing(("bike", 5))), holding("2", 7, 13),
        ), finding="round_trip", about=(("round_trip", True),),
    ),
    "some bikes that must come back": Untruth(
        with_types(
            types(BIKE, ("rental", "bicycle", "human"), round_trip="rental"),
            holding("1", 8, 12, vehicle_types_available=standing(("bike", 5), ("rental", 3))),
            holding("2", 7, 13, vehicle_types_available=standing(("bike", 0), ("rental", 7))),
        ), (5, 0), (12, 13), "some_round_trip",
    ),
    # Clocks
    "local time written as UTC": Untruth(
        late_by(300), finding="wrong_clock", dated=False, about=(("example", {"hours": 5, "minutes": 0}),)
    ),
    "a clock fifty minutes behind": Untruth(
        late_by(50), finding="wrong_clock", dated=False, about=(("example", {"hours": 0, "minutes": 50}),)
    ),
    "304 for ever while counts change": Untruth(
        always_304, (6, 7), (14, 13), "false_304", polls=16, about=(("riders", 1),)
    ),
    # Counts
    "a blackout": Untruth(
        shown(holding("1", 0, 0), holding("2", 7, 13)), (-1, 7), (-1, 13), "contradicted",
        about=(("states", [CountState.CONTRADICTED, CountState.KNOWN]), ("last_bikes", [5, -1])),
    ),
    "zeros as a station closes": Untruth(
        shown(holding("1", 0, 0, **CLOSED), holding("2", 7, 13)), (0, 7), (0, 13),
        about=(("states", [CountState.CLOSED, CountState.KNOWN]),),
    ),
    "full by its docks while bikes come": Untruth(
        full_and_filling, (35, 7), (0, 13), polls=16, about=(("riders", 8), ("overflow", [True, False]))
    ),
    # Hours
    "closed by its hours, flags open": Untruth(
        says_of_itself(opening_hours="Mo-Su 15:00-00:30"), about=(("closed", [True, True]),)
    ),
    "hours that cannot be read": Untruth(
        says_of_itself(opening_hours="daily, but not at night"), finding="bad_hours",
        about=(("closed", None),),
    ),
    # Stations
    "all ids renumbered": Untruth(
        described(place("a", name="Place 1"), place("b", name="Place 2"), ids="a b"), finding="renumbered"
    ),
    "an id for a station elsewhere": Untruth(described(_MOVED, place("2")), finding="reused_id"),
    "a test station far off": Untruth(
        with_a_test_station, (5, 7, 4), (15, 13, 16), "far_away"
    ),
    # Texts
    "names encoded twice": Untruth(
        described(place("1", name="Caf&amp;eacute;"), place("2", name="CafÃ© B")),
        about=(("names", ["Café", "Café B"]),),
    ),
    "a zone of elsewhere": Untruth(
        says_of_itself(timezone="America/New_York"), finding="wrong_zone"
    ),
    "a feed named twice": Untruth(names_a_feed_twice, finding="duplicate_feed"),
    "a report of 76 days ago": Untruth(reported_long_ago, (5, -1, 4), (15, -1, 16), "old_report",
        about=(("states", [CountState.KNOWN, CountState.OLD, CountState.KNOWN]),),
    ),
}  # fmt: skip
