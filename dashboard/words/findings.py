"""Words for what is odd in a feed. The worker stores a kind, a number of cases and an example."""

from __future__ import annotations

from collections.abc import Sequence

from dashboard.words.catalogue import Message, mark
from dashboard.words.feed_errors import feed_error
from ingest.store import Oddity, Reason

FINDINGS: dict[str, tuple[Message, Message]] = {
    # Counts that are wrong or missing: a rider finds no bike where the list has one, or the reverse.
    "contradicted": (
        mark("open stations that show neither a bike nor a space in spite of their capacity"),
        mark("taken as unknown; the last known counts are shown with their age"),
    ),
    "bad_count": (
        mark("counts that are missing or make no sense"),
        mark("taken as unknown; the last known counts are shown with their age"),
    ),
    "status_missing": (
        mark("stations without counts"),
        mark("taken as unknown; the last known counts are shown with their age"),
    ),
    "old_report": (
        mark("stations not heard of for a day while others are"),
        mark("their counts are taken as unknown and not learnt"),
    ),
    "contradictory_types": (
        mark("stations whose counts by vehicle type do not add up to their total"),
        mark("only what is known to be no bike is taken off the total"),
    ),
    "unknown_type": (
        mark("stations with vehicle types that are not described"),
        mark("taken for bicycles, until the list of types has them"),
    ),
    "form_factor": (
        mark("vehicle types without a form factor that can be read"),
        mark("taken for bicycles"),
    ),
    "type_twice": (
        mark("vehicle types described twice and differently"),
        mark("taken for bicycles"),
    ),
    "no_types": (
        mark("an empty list of vehicle types"),
        mark("the last good list is used"),
    ),
    "some_round_trip": (
        mark("types of bikes that must come back to their station"),
        mark("not counted as bikes here, since others need not come back"),
    ),
    "not_a_number": (
        mark("NaN or Infinity where a number should be"),
        mark("taken as not given"),
    ),
    "duplicate_key": (
        mark("keys given twice in one object"),
        mark("the last one is taken"),
    ),
    # When a rider may ride at all.
    "bad_hours": (
        mark("opening hours that cannot be read"),
        mark("taken for always open"),
    ),
    "bad_seasons": (
        mark("seasons that cannot be read"),
        mark("taken for all year"),
    ),
    "never_open": (
        mark("opening hours or seasons that are over for good"),
        mark("taken for always open"),
    ),
    "round_trip": (
        mark("types of bikes that must come back to their station, as all do here"),
        mark("no trip to another station is planned"),
    ),
    # Stations that a rider may look for.
    "no_position": (
        mark("stations without a position"),
        mark("left out"),
    ),
    "no_id": (
        mark("stations without an id"),
        mark("left out"),
    ),
    "status_only": (
        mark("stations with counts that the station information does not describe yet"),
        mark("left out until it does"),
    ),
    "duplicate_station": (
        mark("stations given twice"),
        mark("the first one is taken"),
    ),
    "far_away": (
        mark("stations far from all others of the city, as tests are"),
        mark("left out"),
    ),
    "reused_id": (
        mark("ids that name another station at another place now"),
        mark("what is learnt of the station begins anew"),
    ),
    "renumbered": (
        mark("stations that came back under new ids"),
        mark("what was learnt of them goes with them"),
    ),
    "duplicate_feed": (
        mark("documents named twice with different addresses"),
        mark("the first address is used"),
    ),
    # Places to leave a bike.
    "no_docks": (
        mark("stations without a number of free docks"),
        mark("they have no forecast of spaces"),
    ),
    "docks_always_0": (
        mark("stations that never show a free dock though bikes come and go"),
        mark("their docks are taken as not given"),
    ),
    # Times: how old the counts are, and which hour they teach.
    "false_304": (
        mark("a server that says that nothing has changed though counts do"),
        mark("whole documents are fetched, for a day at a time"),
    ),
    "wrong_zone": (
        mark("a time zone with other clocks than the stations' position has"),
        mark("the zone of the position is used"),
    ),
    "wrong_clock": (
        mark("a clock that is set wrong"),
        mark("counts are dated by the time of receipt"),
    ),
    "slow_time": (
        mark("a feed's time that went back for good"),
        mark("counts are dated by the time of receipt"),
    ),
    "still_time": (
        mark("a feed's time that stands still though its counts change"),
        mark("counts are dated by the time of receipt"),
    ),
    "future_time": (
        mark("a feed's time that lies in the future"),
        mark("counts are dated by the time of receipt"),
    ),
    "old_time": (
        mark("a feed's time that is more than a day old"),
        mark("counts are dated by the time of receipt"),
    ),
    "no_time": (
        mark("a feed that does not give its time"),
        mark("counts are dated by the time of receipt"),
    ),
    "long_ttl": (
        mark("a feed that asks for longer waits than live counts can have"),
        mark("polled every five minutes at least"),
    ),
    # What a rider hardly notices.
    "bad_document": (
        mark("documents that cannot be read, beside the counts"),
        mark("what was last read of them is used, if anything"),
    ),
    "no_zone": (
        mark("a feed without a time zone"),
        mark("the zone of the stations' position is used"),
    ),
    "charset": (
        mark("text that is not in UTF-8"),
        mark("read as Windows-1252, in which letters of names may be wrong"),
    ),
    "no_name": (
        mark("stations without a name"),
        mark("shown by their id"),
    ),
    # No rider notices: the forecasts do not need the operator's own model.
    "own_died": (
        mark("an own model whose process ended by itself"),
        mark("it begins anew after a while; all other models go on without it"),
    ),
    "own_hung": (
        mark("an own model that gave no answer in time"),
        mark("its process was ended and begins anew after a while"),
    ),
    "own_failed": (
        mark("an own model that raised an error"),
        mark("its process was ended and begins anew after a while"),
    ),
    "own_wrong": (
        mark("an own model whose answer is no forecast"),
        mark("none of it is used; its process was ended and begins anew after a while"),
    ),
    "own_late": (
        mark("answers of an own model that came after their truth"),
        mark("not judged"),
    ),
}
"""What is odd, by kind, and what Dockcast does about it. What harms a rider most comes first."""

_RANKS = {kind: rank for rank, kind in enumerate(FINDINGS)}


def finding(kind: str) -> str:
    """Word a kind of finding; the kind itself where a newer worker stored it.

    >>> finding("status_missing"), finding("of_tomorrow")
    ('stations without counts', 'of_tomorrow')
    """
    return str(FINDINGS[kind][0]) if kind in FINDINGS else kind


def done_about(kind: str) -> str:
    """Say what Dockcast does about a kind of finding, or assumes instead; nothing where a newer worker knows.

    >>> done_about("no_name"), done_about("of_tomorrow")
    ('shown by their id', '')
    """
    return str(FINDINGS[kind][1]) if kind in FINDINGS else ""


def rank(kind: str) -> int:
    """Rank a kind by its harm to a rider: 0 harms most. A kind of a newer worker comes last.

    >>> rank("contradicted"), rank("bad_count") < rank("no_name") < rank("of_tomorrow")
    (0, True)
    """
    return _RANKS.get(kind, len(_RANKS))


def by_harm(found: Sequence[Oddity]) -> list[Oddity]:
    """Order oddities by their harm to a rider; those that are gone follow those that are not."""
    return sorted(found, key=lambda each: (each.gone, rank(each.finding.kind), each.finding.kind))


def example(of: str | Reason) -> str:
    """Write the example of a finding: what the feed sent, or why a document cannot be read.

    >>> example("s1"), example(Reason("not_json", {"document": "vehicle_types"}))
    ('s1', 'the vehicle types is not valid JSON')
    """
    return feed_error(of) if isinstance(of, Reason) else of
