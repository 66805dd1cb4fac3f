"""Checks a feed that publishes station_forecast.json, whoever wrote it, and says in words what is wrong.

The check follows the feed as a program would: from the discovery document to the forecast, and to what the
forecast refers to. A form that the schema allows may still contradict itself, so the numbers are read too.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import jsonschema

from ingest.gbfs import discovery
from ingest.gbfs.documents import Document, listed
from ingest.gbfs.errors import FeedError
from ingest.gbfs.findings import Findings
from ingest.gbfs.forecast_writer import NAME, SCHEMA
from ingest.gbfs.licence import licence
from ingest.http.errors import FetchError
from ingest.text import clean

Fetch = Callable[[str], bytes]
"""Gives the body of an address; raises `FetchError`."""

LATE = timedelta(minutes=15)
"""How much older than its `ttl` a forecast may be: a feed or a server may pause."""

_TYPES = "vehicle_types"

_COUNTS = "num_vehicles_available", "num_docks_available"
_EARLY = timedelta(minutes=1)
_ROUNDED = 1
"""Per cent by which chances may differ from what the interval says: they are rounded."""

_SHOWN = 3
_LONGEST = 160


def check(url: str, fetch: Fetch, now: datetime) -> list[str]:
    """Check the feed whose discovery document is at `url`; give a sentence for each kind of fault.

    An empty list means that nothing was found. `now` is the wall clock's time, aware.
    """
    faults = _Faults()
    found = _document(url, "gbfs", fetch, faults)
    if found is None:
        return faults.sentences()
    try:
        urls = discovery.feeds(found, url, Findings())
    except FeedError as error:
        faults.note(f"gbfs does not lead to stations: {error}")
        return faults.sentences()
    if NAME not in urls:
        faults.note(f"gbfs does not list {NAME}: add it with its address")
        return faults.sentences()
    names = ("system_information", "station_information", "station_status", _TYPES, NAME)
    about, stations, status, types, forecast = (
        _document(urls[name], name, fetch, faults) if name in urls else None for name in names
    )
    if about is not None and not {"license_id", "license_url"} & licence(about).keys():
        faults.note("system_information states no licence: nobody knows what the data may be used for")
    if forecast is not None and _fits_schema(forecast, faults):
        _read(forecast, _capacities(stations, status), _types(types), now, faults)
    return faults.sentences()


class _Faults:
    """Collects faults by their words; each with how often it was found, and some examples."""

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()
        self._examples: dict[str, list[str]] = {}

    def note(self, words: str, example: object = "") -> None:
        self._counts[words] += 1
        examples = self._examples.setdefault(words, [])
        if example != "" and len(examples) < _SHOWN:
            examples.append(clean(str(example), _LONGEST))

    def sentences(self) -> list[str]:
        return [self._sentence(words, count) for words, count in self._counts.items()]

    def _sentence(self, words: str, count: int) -> str:
        examples = self._examples[words]
        times = f" ({count:,} times)" if count > 1 else ""
        return f"{words}{times}{': ' + ', '.join(examples) if examples else ''}"


def _document(url: str, name: str, fetch: Fetch, faults: _Faults) -> dict[str, Any] | None:
    try:
        found = json.loads(fetch(url))
    except FetchError as error:
        faults.note(f"{name} cannot be fetched: {error}")
        return None
    except (ValueError, RecursionError):
        faults.note(f"{name} is no JSON", url)
        return None
    if not isinstance(found, dict):
        faults.note(f"{name} is no JSON object", url)
        return None
    return found


def _fits_schema(document: Mapping[str, Any], faults: _Faults) -> bool:
    fits = True
    for error in jsonschema.Draft7Validator(SCHEMA).iter_errors(document):
        fits = False
        place = ".".join("*" if isinstance(part, int) else str(part) for part in error.absolute_path)
        where = "/".join(map(str, error.absolute_path))
        faults.note(f"{NAME} breaks the schema at {place or 'its top'} ({error.validator})", where)
    return fits


def _capacities(document: Document | None, status: Document | None) -> dict[str, int | None] | None:
    """Give each station's capacity by its id, or what stands there if that is more.

    Gives None where the stations are not known.
    """
    rows = None if document is None else listed(document, "stations")
    if rows is None:
        return None
    named = (row for row in rows if isinstance(row, dict) and isinstance(row.get("station_id"), str))
    found = {}
    for row in named:
        capacity = row.get("capacity")
        found[row["station_id"]] = capacity if isinstance(capacity, int) and capacity > 0 else None
    for row in (status is not None and listed(status, "stations")) or ():
        known = found.get(row.get("station_id")) if isinstance(row, dict) else None
        counts = [row.get(name) for name in _COUNTS] if known else []
        if known and all(isinstance(count, int) for count in counts):
            found[row["station_id"]] = max(known, sum(counts))
    return found


def _types(document: Document | None) -> set[str]:
    """Give the ids of the vehicle types; empty where there are none."""
    rows = None if document is None else listed(document, _TYPES)
    return {str(row.get("vehicle_type_id")) for row in rows or () if isinstance(row, dict)}


def _read(
    document: Mapping[str, Any],
    capacities: Mapping[str, int | None] | None,
    types: set[str],
    now: datetime,
    faults: _Faults,
) -> None:
    """Check the numbers of a forecast whose form is right."""
    data, issued = document["data"], _moment(document["data"]["issued_at"])
    if issued is None:
        faults.note("issued_at is no time with its zone", data["issued_at"])
        return
    is_live = "label" not in data  # a replay has times of its own
    if is_live and issued > now + _EARLY:
        faults.note("the forecast was issued in the future: a clock is wrong", data["issued_at"])
    elif is_live and now - issued > timedelta(seconds=document["ttl"]) + LATE:
        faults.note("the forecast is older than its ttl allows", data["issued_at"])
    ids = [station["station_id"] for station in data["stations"]]
    for station_id, times in Counter(ids).items():
        if times > 1:
            faults.note("a station is there twice", station_id)
        if capacities is not None and station_id not in capacities:
            faults.note("a station is not in station_information", station_id)
    outside = (100 - data["interval_percent"]) / 2
    for station in data["stations"]:
        capacity = None if capacities is None else capacities.get(station["station_id"])
        for words in _wrong(station, issued, capacity, outside):
            faults.note(words, station["station_id"])
        for forecast in station["forecasts"]:
            for words in _wrong_by_type(forecast, types, capacity, outside):
                faults.note(words, station["station_id"])


def _wrong(
    station: Mapping[str, Any], issued: datetime, capacity: int | None, outside: float
) -> Iterator[str]:
    """Say what is wrong with the forecasts of one station; `outside` is the per cent above the interval."""
    before = 0
    for forecast in station["forecasts"]:
        minutes, at = forecast["minutes_ahead"], _moment(forecast["forecast_time"])
        if minutes <= before:
            yield "minutes_ahead do not rise"
        before = minutes
        if at is None or abs(at - issued - timedelta(minutes=minutes)) > timedelta(seconds=30):
            yield "forecast_time is not minutes_ahead after issued_at"
        for name in forecast.keys() & {"vehicles", "docks"}:
            closed = forecast.get("is_closed", False)
            for words in _contradictions(forecast[name], capacity, outside, closed=closed):
                yield f"{name}: {words}"


def _wrong_by_type(
    forecast: Mapping[str, Any], types: set[str], capacity: int | None, outside: float
) -> Iterator[str]:
    """Say what is wrong with the types of vehicles in one forecast."""
    every, closed = forecast.get("vehicles"), forecast.get("is_closed", False)
    by_type = forecast.get("vehicle_types", [])
    ids = [counts["vehicle_type_id"] for counts in by_type]
    if len(set(ids)) < len(ids):
        yield "vehicle_types: a type is there twice"
    if not types.issuperset(ids):
        yield "vehicle_types: a type is not in vehicle_types.json"
    for counts in by_type:
        for words in _contradictions(counts, capacity, outside, closed=closed):
            yield f"vehicle_types: {words}"
        if every is not None and _surer(counts, every):
            yield "vehicle_types: more of one type are expected, or likelier, than of all vehicles"


def _surer(counts: Mapping[str, Any], every: Mapping[str, Any]) -> bool:
    chances = zip(counts["chance"], every["chance"], strict=True)
    return counts["expected"] > every["expected"] or any(one > of_all + _ROUNDED for one, of_all in chances)


def _contradictions(
    counts: Mapping[str, Any], capacity: int | None, outside: float, *, closed: bool
) -> Iterator[str]:
    low, expected, high, chance = (counts[name] for name in ("low", "expected", "high", "chance"))
    if not low <= expected <= high:
        yield "expected does not lie from low to high"
    if any(later > earlier for earlier, later in pairwise(chance)):
        yield "more are likelier than fewer"
    if capacity is not None and high > capacity:
        yield "high is more than the station's capacity"
    if closed:
        if any(chance):
            yield "there is a chance at a station that is closed then"
        return
    for number, per_cent in enumerate(chance, 1):
        least = 100 - outside if number <= low else 50 if number <= expected else 0
        most = outside if number > high else 50 if number > expected else 100
        if not least - _ROUNDED <= per_cent <= most + _ROUNDED:
            yield "chance contradicts expected and the interval"
            return


def _moment(text: str) -> datetime | None:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return None
    return None if at.tzinfo is None else at.astimezone(UTC)
