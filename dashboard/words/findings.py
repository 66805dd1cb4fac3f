"""Words for what is odd in a feed. The worker stores a kind, a number of cases and an example."""

from __future__ import annotations

from dashboard.words.catalogue import Message, mark
from dashboard.words.feed_errors import feed_error
from ingest.store import Reason

FINDINGS: dict[str, Message] = {
    "bad_count": mark("counts that are missing or make no sense, taken as unknown"),
    "bad_hours": mark("opening hours that cannot be read, taken for always open"),
    "bad_seasons": mark("seasons that cannot be read, taken for all year"),
    "never_open": mark("opening hours or seasons that are over for good, taken for always open"),
    "bad_document": mark("a document beside the station feeds could not be read"),
    "contradicted": mark(
        "open stations that show neither a bike nor a space in spite of their capacity, taken as unknown"
    ),
    "charset": mark("text that is not UTF-8"),
    "duplicate_feed": mark("feeds named twice with different addresses, the first one used"),
    "contradictory_types": mark(
        "stations whose counts by vehicle type do not add up to their total,"
        " only what is known to be no bike is taken off it"
    ),
    "docks_always_0": mark(
        "stations that never show a free dock though bikes come and go, their docks taken as not given"
    ),
    "duplicate_key": mark("keys given twice in one object, the last one taken"),
    "duplicate_station": mark("stations given twice, the first one taken"),
    "far_away": mark("stations far from all others of the city, as tests are, passed over"),
    "form_factor": mark("vehicle types without a form factor that can be read, taken for bicycles"),
    "future_time": mark("the feed's time lies in the future, the time of receipt is used"),
    "no_docks": mark("stations without a number of free docks, so without a forecast of spaces"),
    "no_id": mark("stations without an id, passed over"),
    "no_name": mark("stations without a name, shown by their id"),
    "no_position": mark("stations without a position, passed over"),
    "no_time": mark("the feed does not tell its time, the time of receipt is used"),
    "no_types": mark("the list of vehicle types is empty, the last good one is used"),
    "no_zone": mark("the time zone is not told, so taken from the stations' position"),
    "not_a_number": mark("NaN or Infinity where a number should be"),
    "old_report": mark("stations not heard of for a day while others are, their counts taken as unknown"),
    "old_time": mark("the feed's time is more than a day old, the time of receipt is used"),
    "renumbered": mark("stations that came back under new ids, what was learnt of them goes with them"),
    "reused_id": mark("ids that name another station at another place now, which begins anew"),
    "round_trip": mark(
        "types of bikes that must come back to their station, as all here, so no trip is planned"
    ),
    "some_round_trip": mark(
        "types of bikes that must come back to their station, not counted: others need not"
    ),
    "status_only": mark("stations with counts that the station information does not describe yet"),
    "status_missing": mark("stations without counts"),
    "still_time": mark("the feed's time stands still though its counts change, the time of receipt is used"),
    "slow_time": mark("the feed's time went back for good, the time of receipt is used"),
    "wrong_zone": mark("the time zone told has other clocks than the stations' position, whose zone is used"),
    "wrong_clock": mark("the feed's clock is set wrong, the time of receipt is used"),
    "false_304": mark("the server says that nothing changed while counts do, so whole documents are fetched"),
    "type_twice": mark("vehicle types described twice and differently, taken for bicycles"),
    "unknown_type": mark("stations with vehicle types that are not described, taken for bicycles"),
    "long_ttl": mark("the feed asks for longer waits than live counts can have"),
}
"""A message for each kind of finding, which can follow a number of cases."""


def finding(kind: str) -> str:
    """Word a kind of finding; the kind itself where a newer worker stored it.

    >>> finding("status_missing"), finding("of_tomorrow")
    ('stations without counts', 'of_tomorrow')
    """
    return str(FINDINGS[kind]) if kind in FINDINGS else kind


def example(of: str | Reason) -> str:
    """Write the example of a finding: what the feed sent, or why a document cannot be read.

    >>> example("s1"), example(Reason("not_json", {"document": "vehicle_types"}))
    ('s1', 'the vehicle types is not valid JSON')
    """
    return feed_error(of) if isinstance(of, Reason) else of
