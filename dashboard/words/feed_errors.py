"""Words for the reasons why a feed failed or is silent. The worker stores a kind and arguments.

A text argument comes from a stranger's server: show the words as plain text.
"""

from __future__ import annotations

from datetime import UTC, datetime

from dashboard.words.catalogue import Message, mark
from dashboard.words.formats import exactly, moment
from ingest.store import Reason
from ingest.system import zone_of

DOCUMENTS: dict[str, Message] = {
    "discovery_document": mark("the discovery document"),
    "station_information": mark("the station information"),
    "station_status": mark("the station status"),
    "system_information": mark("the system information"),
    "vehicle_types": mark("the vehicle types"),
    "system_hours": mark("the opening hours"),
    "system_calendar": mark("the calendar of seasons"),
}
"""The documents of a feed, as the messages below name them."""

FEED_ERRORS: dict[str, Message] = {
    # fetching a document
    "fetch": mark("{host} could not be read: {error}"),
    "unknown_host": mark("{host} cannot be found: no network, or no such host"),
    "no_connection": mark("the connection to {host} broke"),
    "not_listening": mark("{host} does not accept connections"),
    "tls": mark("no safe connection to {host}: its certificate or TLS is not in order"),
    "too_slow": mark("{host} took longer than {seconds} seconds"),
    "no_answer": mark("{host} does not answer in time"),
    "too_many_requests": mark("{host} says that we ask too often (HTTP 429)"),
    "server_error": mark("{host} has trouble of its own (HTTP {status})"),
    "key_needed": mark("{host} wants a key, or does not let us read (HTTP {status})"),
    "not_found": mark("{host} has no document at this address (HTTP {status})"),
    "unexpected_status": mark("{host} answered HTTP {status} instead of a document"),
    "too_large": mark("the document has more than {megabytes} MB"),
    "garbled": mark("{host} sent a document whose compression does not unpack"),
    "bad_redirect": mark("{host} redirects to no address"),
    "redirect_not_http": mark("{address} is no http or https address"),
    "circular_redirect": mark("{host} redirects in a circle"),
    "too_many_redirects": mark("{host} redirects more than {hops} times"),
    "private_address": mark("{address} lies in a private network, where no public feed is read"),
    "bad_address": mark("{address} is no http or https address"),
    "bad_host": mark("{host} is no name of a host"),
    # reading a document
    "empty_document": mark("{document} came without a single byte"),
    "web_page": mark("a web page came instead of {document}"),
    "nested": mark("{document} is nested too deeply to be read"),
    "truncated": mark("{document} breaks off in the middle"),
    "not_json": mark("{document} is not valid JSON"),
    "not_gbfs": mark("{document} is not a GBFS document"),
    "no_station_list": mark("{document} has no list of stations"),
    "no_stations_now": mark("{document} came without a single station"),
    # what is in the documents
    "no_usable_station": mark("the station information has no station with an id and a position"),
    "nothing_in_common": mark("station status and information have no station in common"),
    "no_counts": mark("the feed tells no station's number of bikes"),
    "too_many_stations": mark("there are {stations} stations, more than the {most} that one feed may have"),
    "not_discovery": mark("the address does not lead to a GBFS discovery document"),
    "no_feeds": mark("the discovery document names no feed at a web address"),
    "no_station_information": mark("the discovery document names no station information"),
    "no_station_status": mark("the discovery document names no station status"),
    "no_stations": mark("the system has no stations: its bikes float freely, and nothing can be forecast"),
    "no_bicycles": mark("the system has no bicycles: all that it rents is cars, scooters or the like"),
    # a feed that answers
    "only_older": mark("what it sends is older than what it sent before"),
    "unchanged_since": mark("its counts are unchanged since {time}"),
    # what a finding is about
    "clock_behind": mark("the feed's clock is {hours} h {minutes} min behind"),
    "clock_ahead": mark("the feed's clock is {hours} h {minutes} min ahead"),
    # what an older release stored
    "sentence": mark("{text}"),
}
"""A message for each kind of reason, with the kind's arguments as placeholders."""


def feed_error(reason: Reason | None) -> str:
    """Word a reason; nothing where there is none, and the kind itself where a newer worker stored it.

    >>> feed_error(Reason("not_json", {"document": "station_status"}))
    'the station status is not valid JSON'
    >>> feed_error(Reason("too_slow", {"host": "bikes.example", "seconds": 30.0}))
    'bikes.example took longer than 30 seconds'
    >>> noon = {"at": 1772445120, "now": 1772450000, "zone": "Europe/Paris"}
    >>> feed_error(Reason("unchanged_since", noon))
    'its counts are unchanged since 10:52'
    """
    if reason is None:
        return ""
    message = FEED_ERRORS.get(reason.kind)
    if message is None:
        return reason.kind
    arguments: dict[str, str | int | float] = dict(reason.arguments)
    if "document" in arguments:
        name = str(arguments["document"])
        arguments["document"] = DOCUMENTS[name]() if name in DOCUMENTS else name
    if reason.kind == "unchanged_since":
        at, now = (datetime.fromtimestamp(float(arguments.pop(name)), UTC) for name in ("at", "now"))
        arguments["time"] = moment(at, now, zone_of(str(arguments.pop("zone"))))
    written = {
        name: exactly(value) if isinstance(value, float) else value for name, value in arguments.items()
    }
    return message(**written)
