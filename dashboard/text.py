"""Every word on screen, and how numbers, times and ages are written.

Functions that take a name or a sentence from outside return plain text: show it with `st.text`, a table cell
or a `text` tooltip, never through `st.markdown`, where an image link in a station's name would call a
stranger's server from the rider's browser.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta, tzinfo
from typing import Literal

from model.trip import DETOUR, MISS_MINUTES, RIDING_KMH, WALKING_KMH, WALKING_LIMIT_MINUTES

What = Literal["bike", "space"]

TITLE = "Dockcast"
SUBTITLE = "Bikes and spaces at the moment you arrive"

NAVIGATION = "Pages"
PAGES: dict[Literal["map", "trip"], str] = {"map": "Map", "trip": "Trip"}
TRIP_TITLE = f"Trip · {TITLE}"

LATER = "Later…"
SOON = "Within 2 hours"
CITY = "City"
WHAT = "I want"
HOW_MANY = "How many"
WHAT_OPTION: dict[What, str] = {"bike": "a bike", "space": "a space"}

STEPS = ("almost sure", "likely", "even", "unlikely", "hardly")
"""The five steps of chance, best first."""

BOUNDS = (90, 65, 35, 10)
"""Per cent at which each step but the last begins."""

STREETS_BY = "Streets, where they can be had: © OpenStreetMap contributors, © CARTO"

NO_FORECAST = "no forecast"
CLOSED: dict[What, str] = {"bike": "closed: no bikes handed out", "space": "closed: no bikes taken back"}

STATES = {
    "waiting": "waiting",
    "live": "live",
    "silent": "silent",
    "unreachable": "not reached",
    "refused": "not usable",
}

NO_WORKER_YET = "Nothing is being fetched yet: the worker is starting, or not running."
NO_WORKER_HINT = "This page goes on by itself as soon as a worker is at work (python -m ingest run)."
NO_SYSTEMS = "The list of systems to follow is empty."
NO_SYSTEMS_HINT = "Name some in the list that DOCKCAST_SYSTEMS points to; this page goes on by itself."
NO_WORKER = "No worker is at work, so nothing new comes in. Start one with: python -m ingest run"
NO_STATIONS = "The feed answers, but lists no station at all. It is asked again at every poll."
NO_DOCKS = "This feed does not tell how many docks are free, so spaces are not forecast here."
BROKEN = "Something went wrong on our side. Nothing is lost: the page tries again by itself, or reload it."

NOW = "Now"
EBIKES_NOW = "Of them electric"
STAR, STARRED = "☆ Favourite", "★ Favourite"
STAR_NAME = "Favourite, kept in this browser"
SHARE = "Share a link"
ALTERNATIVES = "Nearest good alternatives"
NO_ALTERNATIVES = "None within half an hour on foot is likely or better."
CHART_TIP = "At"
SAID = "We said, half an hour before · it was"
CHART_KEY = "Line: what stood there. Dashes: expected. Band: 8 times in 10 it will lie within."
BUTTON_WORDS = {
    "copied": "Link copied",
    "not_copied": "Copy the address above",
    "locating": "Locating…",
}
"""What a button says for a moment, in place of its label."""
SEARCH = "Find a station"
MATCHES = "Stations found"
NO_MATCH = "No station here has a name like that."
NEAR = "Near me"
LIST = "List"
LIST_ALT = "All stations: what the map says of each, in rows."
BY_PLACE, BY_STATION, BY_CHANCE = "near you", "near this station", "by chance alone"
STAR_MARK = "★ "
FAVOURITE_COLUMN, EBIKES_COLUMN, WALK_COLUMN = "Favourite", "Electric now", "Walk, min"
CLOSE = "Close this station"
MAP_ALT = "Map of the stations by chance and expected number; the list says the same."
LEGEND = "What the marks mean"
LEGEND_CLOSED = "hollow: closed"
LEGEND_FADED = "faded: old counts"
LEGEND_SIZE = "bigger, and the number: how many are expected"
OTHERS = "Other cities have answered: choose one above."
NONE_YET = "No city has answered yet. Each is asked again by itself, and the map opens as soon as one does."
PICK_HINT = "Choose a station on the map to see its numbers."


def step(chance: int) -> int:
    """Tell which of the `STEPS` a chance in per cent belongs to.

    >>> [step(chance) for chance in (100, 90, 89, 50, 10, 9)]
    [0, 0, 1, 2, 3, 4]
    """
    return sum(chance < bound for bound in BOUNDS)


def bounds(index: int) -> str:
    """Write the per cent that a step covers.

    >>> [bounds(index) for index in range(5)]
    ['90 % and more', '65–89 %', '35–64 %', '10–34 %', 'below 10 %']
    """
    if index == 0:
        return f"{BOUNDS[0]} % and more"
    if index == len(BOUNDS):
        return f"below {BOUNDS[-1]} %"
    return f"{BOUNDS[index]}–{BOUNDS[index - 1] - 1} %"


def chance(per_cent: int) -> str:
    """Write a chance in words and per cent; 255 is no forecast.

    >>> chance(62), chance(255)
    ('even · 62 %', 'no forecast')
    """
    return f"{STEPS[step(per_cent)]} · {per_cent} %" if per_cent <= 100 else NO_FORECAST


def count(number: int) -> str:
    """Write a count; below 0 is unknown.

    >>> count(3), count(-1)
    ('3', '–')
    """
    return str(number) if number >= 0 else "–"


def things(number: int, what: What) -> str:
    """Write a number of bikes or spaces.

    >>> things(1, "bike"), things(0, "space"), things(-1, "bike")
    ('1 bike', '0 spaces', '– bikes')
    """
    return f"{count(number)} {what}{'' if number == 1 else 's'}"


def wanted(what: What, number: int) -> str:
    """Write what the rider looks for.

    >>> wanted("bike", 1), wanted("space", 3)
    ('a bike', '3 spaces')
    """
    return f"a {what}" if number == 1 else things(number, what)


def span(low: int, high: int) -> str:
    """Write an 80 % interval.

    >>> span(2, 9), span(0, 0), span(-1, -1)
    ('2–9', '0', '–')
    """
    return count(low) if low == high else f"{count(low)}–{count(high)}"


def clock(at: datetime, zone: tzinfo) -> str:
    """Write a time of day as the city's clocks show it."""
    return f"{at.astimezone(zone):%H:%M}"


def moment(at: datetime, now: datetime, zone: tzinfo) -> str:
    """Write a time of day, with its day where that is not today, and which of two where clocks go back.

    >>> from zoneinfo import ZoneInfo
    >>> dublin, at = ZoneInfo("Europe/Dublin"), datetime.fromisoformat("2026-10-25T00:30+00:00")
    >>> moment(at, at, dublin), moment(at + timedelta(hours=1), at, dublin)
    ('01:30 IST', '01:30 GMT')
    """
    local, today = at.astimezone(zone), now.astimezone(zone).date()
    time = f"{local:%H:%M %Z}" if _comes_twice(local) else f"{local:%H:%M}"
    if local.date() == today:
        return time
    return f"{local:%a} {time}" if abs((local.date() - today).days) < 6 else f"{local:%d %b %Y}, {time}"


def _comes_twice(local: datetime) -> bool:
    first, second = local.replace(fold=0).utcoffset(), local.replace(fold=1).utcoffset()
    return first is not None and second is not None and first > second


def both_clocks(at: datetime, now: datetime, zone: tzinfo, viewer: tzinfo | None) -> str:
    """Write a moment by the city's clocks, and by the viewer's where these show another time.

    >>> from zoneinfo import ZoneInfo
    >>> at = datetime.fromisoformat("2026-03-02T12:00+00:00")
    >>> both_clocks(at, at, ZoneInfo("Europe/Dublin"), ZoneInfo("Asia/Tokyo"))
    '12:00 (21:00 on your clock)'
    >>> both_clocks(at, at, ZoneInfo("Europe/Dublin"), ZoneInfo("Europe/London"))
    '12:00'
    """
    theirs = moment(at, now, zone)
    if viewer is None or at.astimezone(viewer).utcoffset() == at.astimezone(zone).utcoffset():
        return theirs
    return f"{theirs} ({moment(at, now, viewer)} on your clock)"


def duration(length: timedelta) -> str:
    """Write a length of time in its largest unit.

    >>> [duration(timedelta(seconds=s)) for s in (-3, 40, 119, 7300, 3 * 86400)]
    ['0 s', '40 s', '1 min', '2 h', '3 days']
    """
    seconds = max(int(length.total_seconds()), 0)
    if seconds < 60:
        return f"{seconds} s"
    if seconds < 3600:
        return f"{seconds // 60} min"
    if seconds < 2 * 86400:
        return f"{seconds // 3600} h"
    return f"{seconds // 86400} days"


def arrival(minutes: float) -> str:
    """Write when the rider arrives, counted from now.

    >>> arrival(0), arrival(25), arrival(120), arrival(734.6)
    ('now', 'in 25 min', 'in 2 h', 'in 12 h 15 min')
    """
    minutes = round(minutes)
    if minutes == 0:
        return "now"
    hours, rest = divmod(minutes, 60)
    return f"in {minutes} min" if not hours else f"in {hours} h" + (f" {rest} min" if rest else "")


def arrive_at(at: str, minutes: float) -> str:
    """Label the slider, or the clock of a later arrival: the clock time, and how far off that is."""
    return f"Arriving at {at} · {arrival(minutes)}"


def city(name: str, city: str, label: str) -> str:
    """Name a system for people: its city, its own name where that adds something, and its label.

    >>> city("dublinbikes", "Dublin", "replayed"), city("Paris", "Paris", "")
    ('Dublin · dublinbikes · replayed', 'Paris')
    >>> city("Divvy, Chicago", "Chicago", ""), city("Nice Ride", "Nice", "")
    ('Chicago · Divvy', 'Nice Ride')
    """
    name = name.removesuffix(f", {city}")
    # "Nice Ride" names Nice well enough; "dublinbikes" does not name Dublin.
    named = f"{name} ".casefold().startswith((f"{city} ".casefold(), f"{city}, ".casefold()))
    parts = [name] if named else [city, name]
    return " · ".join(part for part in (*parts, label) if part)


def picked(name: str, state: str, label: str) -> str:
    """Write an entry of the city picker. What is replayed is not called live.

    >>> picked("Paris", "unreachable", ""), picked("Dublin · replayed", "live", "replayed")
    ('Paris · not reached', 'Dublin · replayed')
    """
    return name if label and state == "live" else f"{name} · {STATES.get(state, state)}"


def sentence(words: str) -> str:
    """Close a sentence that came from elsewhere.

    >>> sentence("the server did not answer"), sentence("Gone."), sentence("")
    ('the server did not answer.', 'Gone.', '')
    """
    words = words.strip()
    return words if not words or words[-1] in ".!?" else f"{words}."


def _retry(next_in: timedelta | None) -> str:
    if next_in is None:
        return "It is tried again in the background."
    return f"Next try in {duration(next_in)}." if next_in > timedelta(0) else "It is being tried again now."


def waiting(name: str, state: str, why: str, next_in: timedelta | None) -> str:
    """Say what a city without any forecast waits for."""
    if state == "unreachable":
        return f"{name} cannot be reached: {sentence(why or 'no answer')} {_retry(next_in)}"
    if state == "refused":
        why = sentence(why or "no reason given")
        return f"{name} answers, but its feed cannot be used: {why} {_retry(next_in)}"
    return f"Waiting for the first answer of {name}." + (f" {sentence(why)}" if why else "")


def trouble(name: str, state: str, why: str, next_in: timedelta | None) -> str | None:
    """Say what is wrong with a city whose last forecast is still on screen; None when nothing is."""
    kept = "The forecast goes on from the last counts, less sure with every minute."
    if state == "silent":
        return f"{name} has fallen silent: {sentence(why or 'nothing new comes in')} {kept}"
    if state == "unreachable":
        return f"{name} cannot be reached: {sentence(why or 'no answer')} {_retry(next_in)} {kept}"
    if state == "refused":
        return (
            f"{name} sends what cannot be used: {sentence(why or 'no reason given')} {_retry(next_in)} {kept}"
        )
    return None


def too_old(name: str, at: str, age: timedelta) -> str:
    """Say that the newest counts are too old to forecast from."""
    return f"{name}: the newest counts are from {at}, {duration(age)} ago. That is too old to forecast from."


def ages(at: str, age: timedelta, learning: timedelta, label: str, zone: str) -> str:
    """Write the line that is always in sight: how old the counts are and how long the model has learnt.

    >>> ages("18:02", timedelta(seconds=40), timedelta(minutes=14), "replayed", "")
    'counts from 18:02, 40 s ago · learning for 14 min · replayed'
    """
    parts = [f"counts from {at}, {duration(age)} ago", f"learning for {duration(learning)}"]
    return " · ".join([*parts, *(part for part in (label, zone) if part)])


def stale(age: timedelta) -> str:
    """Say that a feed which is otherwise well has told nothing new for a while.

    >>> stale(timedelta(minutes=12))
    'The newest counts are 12 min old. Marks are faded, and the odds are those of so much later.'
    """
    old = f"The newest counts are {duration(age)} old."
    return f"{old} Marks are faded, and the odds are those of so much later."


def zone_note(city: str) -> str:
    """Say whose time it is, where the viewer's clock shows another."""
    return f"times are those of {city}"


def summary(what: What, number: int, at: str, good: int, known: int) -> str:
    """Say the whole map in one line."""
    if not known:
        return "Nothing is forecast for this moment."
    verb = "is" if number == 1 else "are"
    return f"At {at}, {wanted(what, number)} {verb} likely or almost sure at {good:,} of {known:,} stations."


def heading(what: What, number: int) -> str:
    """Say what the colours mean."""
    return f"Chance of {wanted(what, number)}"


def tooltip(at: str, what: What, number: int, columns: Sequence[int]) -> str:
    """Make a mark's tooltip: `columns` are where name, bikes, docks, expected and chance are in a row."""
    name, bikes, docks, expected, odds = (f"{{{column}}}" for column in columns)
    return (
        f"{name}\nnow: {bikes} bikes · {docks} spaces\n"
        f"at {at}: {expected} {what}s expected\n{wanted(what, number)}: {odds}"
    )


def columns(what: What, number: int, at: str) -> tuple[str, ...]:
    """Head the table."""
    return (
        FAVOURITE_COLUMN, "Station", f"{wanted(what, number).capitalize()}, %", "In words",
        f"{what.capitalize()}s at {at}", "80 % interval", "Bikes now", EBIKES_COLUMN, "Spaces now",
        WALK_COLUMN,
    )  # fmt: skip


def expected_at(at: str) -> str:
    """Head the expected number in a station's panel."""
    return f"Expected at {at}"


def expectation(median: int, low: int, high: int, what: What) -> str:
    """Write an expected number with its 80 % interval.

    >>> expectation(5, 2, 9, "bike"), expectation(3, 3, 3, "space")
    ('5 bikes (2–9)', '3 spaces')
    """
    return things(median, what) if low == high else f"{things(median, what)} ({span(low, high)})"


def minutes_walk(minutes: float) -> str:
    """Write minutes on foot, at least one.

    >>> minutes_walk(0.2), minutes_walk(7.6)
    ('1 min walk', '8 min walk')
    """
    return f"{max(round(minutes), 1)} min walk"


def said_columns(what: What, number: int) -> tuple[str, ...]:
    """Head the table of what was said and what came."""
    return ("At", "We said", f"{wanted(what, number).capitalize()}", "It was")


def chart_title(what: What) -> str:
    """Head the fan chart."""
    return f"{what.capitalize()}s, last 3 hours and next 2"


def chart_alt(name: str, what: What) -> str:
    """Describe the fan chart to people who do not see it. Plain text: it names a station."""
    return f"{name}: {what}s of the last 3 hours and expected in the next 2; the numbers above say the same."


def lost(code: int) -> str:
    """Say why a browser did not tell where it is: `code` is that of the geolocation API.

    >>> lost(1)
    'Your browser was not allowed to tell where you are. Search for a station instead.'
    """
    reasons = {
        1: "Your browser was not allowed to tell where you are.",
        3: "Your browser did not find out in time where you are.",
    }
    return f"{reasons.get(code, 'Your browser cannot tell where you are.')} Search for a station instead."


def passed(at: str) -> str:
    """Say that the moment in the address is past, so the screen is for now."""
    return f"{at} has passed, or is more than a day ahead: this is now"


def stands_for(at: str) -> str:
    """Say for which moment a forecast was made that is shown for another."""
    return f"forecast made for {at}, the nearest there is"


def beyond(reach: str) -> str:
    """Say that nothing is forecast for so late a moment."""
    return f"The forecast reaches until {reach}. Choose an earlier time."


def counted_now(bikes: int, docks: int) -> str:
    """Say what stands at a station now, in short.

    >>> counted_now(3, -1)
    'now 3 bikes, – spaces'
    """
    return f"now {things(bikes, 'bike')}, {things(docks, 'space')}"


def best(by: str) -> str:
    """Head the best of the list, and say what makes them so."""
    return f"Best stations {by}"


def far(minutes: float) -> str:
    """Say that the viewer is nowhere near; "" for somebody within an hour's walk.

    >>> far(20.0), far(1500)
    ('', 'You are far from this city: it is about 120 km to its nearest station.')
    """
    if minutes <= 60:
        return ""
    kilometres = minutes / 60 * WALKING_KMH
    return f"You are far from this city: it is about {kilometres:,.0f} km to its nearest station."


def map_by(host: str) -> str:
    """Say where the ground of the map comes from, where the operator has chosen it."""
    return f"Map, where it can be had: {host}"


FROM, TO = "From", "To"
RIDERS = "Riders"
WHERE_YOU_ARE = "where you are"
CHANGE, SWAP = "Change", "⇅"
SWAP_NAME = "Swap from and to"
SEARCH_OR_TOUCH = "Search, or touch the map"
ASK: dict[Literal["start", "goal"], str] = {
    "start": "Where do you start? Search, touch a station on the map, or Near me.",
    "goal": "Where do you go? Search, or touch a station on the map.",
}
HERE_UNKNOWN = "This trip starts where you are, which this page does not know yet. Touch Near me."
END_GONE = "The place in the address is not known here. Choose another."
SAME_PLACE = "Both ends are the same place: there is nothing to ride. Choose another place to go to."
RECOMMENDED, NEXT_BEST = "Recommended", ("Next best", "Third")
BOTH_WORK = "That both work"
TRIP_ALT = "Map of the trip: its ways and the stations near both ends; the words beside it say the same."
ONE_STATION = "The same station is nearest to both ends, and there is no other within reach."
NEAR_ENDS = "Marks near the start: chance of {bike} when you get there. Near the end: of {space}."
_WHERE: dict[What, str] = {"bike": "where you start", "space": "where you go"}
_ON_FOOT = f"{WALKING_LIMIT_MINUTES:.0f} min on foot"

TRIP_SETTINGS = (
    f"Reckoned with {WALKING_KMH:g} km/h on foot and {RIDING_KMH:g} km/h by bike, on ways {DETOUR:g} times "
    f"as long as the crow's, and at most {_ON_FOOT} at either end. Plans are weighed by their minutes, a "
    f"miss counting as {MISS_MINUTES:.0f}. Lines on the map are straight: streets are not looked at."
)
"""The settings that a plan rests on."""


def leave_at(at: str, minutes: float) -> str:
    """Label the slider, or the clock of a later start: the clock time, and how far off that is."""
    return f"Leaving at {at} · {arrival(minutes)}"


def place(lat: float, lon: float) -> str:
    """Name a place that has no name.

    >>> place(53.345, -6.26512)
    '53.3450, -6.2651'
    """
    return f"{lat:.4f}, {lon:.4f}"


def change_end(what: str, name: str) -> str:
    """Name the button that lets go of an end, for people who do not see its surroundings. Plain text."""
    return f"{CHANGE} {what.lower()}: {name}"


def marks_for_trip(what: What, number: int, at: str) -> str:
    """Say what the marks mean while a trip's ends are chosen."""
    return f"Marks: chance of {wanted(what, number)} at {at}."


def marks_near_ends(number: int) -> str:
    """Say what the marks of a trip's map mean."""
    return NEAR_ENDS.format(bike=wanted("bike", number), space=wanted("space", number))


def near_tooltip(name: int, bikes: int, docks: int, said: int) -> str:
    """Make the tooltip of a mark on a trip's map: the arguments are where in a row each thing is."""
    return f"{{{name}}}\nnow: {{{bikes}}} bikes · {{{docks}}} spaces\non your arrival, {{{said}}}"


def minutes(number: int) -> str:
    """Write whole minutes, with hours where there are any.

    >>> minutes(4), minutes(60), minutes(135)
    ('4 min', '1 h', '2 h 15 min')
    """
    hours, rest = divmod(number, 60)
    return " ".join([*([f"{hours} h"] if hours else []), *([f"{rest} min"] if rest or not hours else [])])


def walk_for(number: int) -> str:
    """Write a way on foot."""
    return f"{minutes(number)} walk"


def ride_for(number: int) -> str:
    """Write a way by bike."""
    return f"{minutes(number)} ride"


def take(number: int) -> str:
    """Write what to do at the pick-up, before the station's name.

    >>> take(1), take(3)
    ('Take a bike at', 'Take 3 bikes at')
    """
    return f"Take {wanted('bike', number)} at"


def leave(number: int) -> str:
    """Write what to do at the drop-off, before the station's name.

    >>> leave(1), leave(2)
    ('Leave it at', 'Leave them at')
    """
    return f"Leave {'it' if number == 1 else 'them'} at"


SET_OUT, ARRIVE = "Set out from", "Arrive:"


def there_at(at: str) -> str:
    """Write when one arrives."""
    return f"there at {at}"


def on_foot(number: float) -> str:
    """Write what walking all the way takes."""
    return f"On foot all the way: {minutes(max(round(number), 1))}."


def walk_instead(number: float) -> str:
    """Say that no plan is quicker than walking."""
    return f"Walk: on foot it is {minutes(max(round(number), 1))} all the way, and no bike is quicker."


def none_near(what: What) -> str:
    """Say that an end is too far from every station.

    >>> none_near("bike")
    'No plan: there is no station within 15 min on foot of where you start.'
    """
    return f"No plan: there is no station within {_ON_FOOT} of {_WHERE[what]}."


def none_open(what: What) -> str:
    """Say that everything near an end is closed."""
    return f"No plan: every station within {_ON_FOOT} of {_WHERE[what]} is {CLOSED[what]}."


def none_known(what: What) -> str:
    """Say that nothing is known near an end."""
    return f"No plan: nothing is known of {what}s at the stations within {_ON_FOOT} of {_WHERE[what]}."


def no_pair(number: int) -> str:
    """Say that no pair of stations can have what is wanted."""
    bike, space = wanted("bike", number), wanted("space", number)
    return f"No plan: no two stations within {_ON_FOOT} of both ends may have {bike} and {space}."


def end_closed(name: str, what: What) -> str:
    """Say that a chosen station is closed, so that the plan is by way of another. Plain text."""
    return f"{name} is {CLOSED[what]}. The plan goes by another station."


# Tables and files of what a chart shows.

AS_CSV, AS_PARQUET = "Download CSV", "Download Parquet"


def numbers_of(what: str) -> str:
    """Head the numbers of a chart.

    >>> numbers_of(""), numbers_of("polls")
    ('The numbers', 'The numbers: polls')
    """
    return f"The numbers: {what}" if what else "The numbers"
