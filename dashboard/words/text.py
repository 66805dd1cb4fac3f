"""Every word on screen, and how numbers, times and ages are written.

Functions that take a name or a sentence from outside return plain text: show it with `st.text`, a table cell
or a `text` tooltip, never through `st.markdown`, where an image link in a station's name would call a
stranger's server from the rider's browser.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta, tzinfo
from typing import Literal

from model.records import Drift
from model.trip import DETOUR, MISS_MINUTES, RIDING_KMH, WALKING_KMH, WALKING_LIMIT_MINUTES

What = Literal["bike", "space"]

TITLE = "Dockcast"
SUBTITLE = "Bikes and spaces at the moment you arrive"

NAVIGATION = "Pages"


def page_title(name: str) -> str:
    """Name a page in the browser's tab."""
    return f"{name} · {TITLE}"


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
NOTHING_YET = "Nothing is followed yet: the worker is starting, is not running, or its list is empty."
NOTHING_HINT = (
    "This page goes on by itself as soon as a worker is at work (python -m ingest run) and the list that "
    "DOCKCAST_SYSTEMS points to, if it is set, names a system."
)
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


# The feeds page.

FEEDS_HEADING = "All feeds"
FEEDS_WINDOW = (
    "Polls are counted over the last 24 hours, forecasts over the last 24 hours of each city's own time: "
    "one is of one station at one time ahead. Times of day are each city's own."
)
FEED_COLUMNS = (
    "Feed", "State", "Last answer", "Age of counts", "Answers in", "Holds (ttl)", "Next poll", "Polls",
    "Failed", "Last 24 hours", "Oddities", "Forecasts waiting", "Settled", "Expired",
)  # fmt: skip
STRIP_KEY: dict[str, str] = {
    "news": "tall: something new",
    "still": "half: answered, nothing new",
    "failed": "low: at least one poll failed",
    "none": "empty: not polled",
}
"""What the bars of a feed's day mean, a quarter of an hour each."""
OUTCOMES: dict[str, str] = {"news": "something new", "still": "nothing new", "failed": "failed"}
"""What polls came to, in three."""
POLLS_CHART = "Polls of the last 24 hours, by the quarter-hour"
POLLS_CHART_ALT = "Polls by quarter-hour and by what they came to; the numbers below say the same."
ODDITIES = "Oddities in what it sends"
NO_ODDITIES = "Nothing odd in its answers of the last 24 hours."
LAST_FAILURE = "The last failure"
NO_FAILURE = "No poll has failed in the last 24 hours."
NEVER, NOTHING = "never", "–"
CLOSER = "Closer ↓"
NO_POLLS = "It has not been polled in the last 24 hours."
POLLS_TABLE = "polls by quarter-hour"
ODDITIES_NOW = "oddities in the last answers, with an example each"
ODD_COLUMNS = ("Feed", "How often", "What", "For example")


def feed_stands(state: str, why: str, failures: int) -> str:
    """Say how one feed stands, and why.

    >>> feed_stands("live", "", 0), feed_stands("unreachable", "no answer", 3)
    ('live', 'not reached: no answer. Failed 3 times in a row.')
    """
    said = STATES.get(state, state) + (f": {sentence(why)}" if why else "")
    return f"{said} Failed {failures} times in a row." if failures > 1 else said


def failed(at: str, kind: str, words: str) -> str:
    """Write a failure in full. Plain text: it may quote what a feed's server answered.

    >>> failed("18:02", "timeout", "it takes too long")
    '18:02: it takes too long. (timeout)'
    """
    return f"{at}: {sentence(words or 'no reason given')} ({kind})"


def oddity(number: int, words: str, polls: int, at: str, example: str) -> str:
    """Write a kind of oddity as it was last. Plain text: the example comes from the feed.

    >>> oddity(2, "stations without counts", 1314, "22:52", "9001")
    '2 × stations without counts, for example "9001"; in 1,314 polls, last at 22:52'
    """
    such = f', for example "{example}"' if example else ""
    return f"{number:,} × {words}{such}; in {polls:,} poll{'' if polls == 1 else 's'}, last at {at}"


def feeds_summary(names: Sequence[str], live: int, wrong: Sequence[str]) -> str:
    """Say in a line how all feeds are doing.

    >>> feeds_summary(["Dublin", "Lyon"], 2, [])
    'All 2 feeds are up.'
    >>> feeds_summary(["Dublin", "Lyon"], 1, ["Lyon silent since 18:02"])
    '1 of 2 feeds is up; Lyon silent since 18:02.'
    >>> feeds_summary(list("abcdefg"), 1, list("bcdefg"))
    '1 of 7 feeds is up; b; c; d; and 3 more.'
    """
    if live == len(names):
        return f"All {live} feeds are up." if live > 1 else f"{names[0]} is up."
    said = [*wrong] if len(wrong) <= 4 else [*wrong[:3], f"and {len(wrong) - 3} more"]
    return "; ".join([f"{live} of {len(names)} feeds {'is' if live == 1 else 'are'} up", *said]) + "."


def not_live(name: str, state: str, since: str) -> str:
    """Say of a feed that it is not live, and since when.

    >>> not_live("Lyon", "silent", "18:02"), not_live("Lyon", "waiting", "")
    ('Lyon silent since 18:02', 'Lyon waiting')
    """
    return f"{name} {STATES.get(state, state)}" + (f" since {since}" if since else "")


def seconds(value: float) -> str:
    """Write a short time as precisely as it is worth.

    >>> [seconds(value) for value in (0.0042, 0.25, 1.24, 31.4)]
    ['4 ms', '250 ms', '1.2 s', '31 s']
    """
    if value < 0.9995:
        return f"{value * 1000:.0f} ms"
    return f"{value:.1f} s" if value < 9.95 else f"{value:.0f} s"


def both_times(times: tuple[float, float] | None) -> str:
    """Write a median and a 95th percentile.

    >>> both_times((0.2, 1.5)), both_times(None)
    ('200 ms · 95 %: 1.5 s', '–')
    """
    return "–" if times is None else f"{seconds(times[0])} · 95 %: {seconds(times[1])}"


def ago(length: timedelta) -> str:
    """Write how long ago something was.

    >>> ago(timedelta(seconds=40))
    '40 s ago'
    """
    return f"{duration(length)} ago"


def due(next_in: timedelta | None) -> str:
    """Write when a feed is polled next.

    >>> due(timedelta(seconds=20)), due(timedelta(seconds=-1)), due(None)
    ('in 20 s', 'now', '–')
    """
    if next_in is None:
        return "–"
    return f"in {duration(next_in)}" if next_in >= timedelta(seconds=1) else "now"


def kinds(number: int) -> str:
    """Count kinds of oddities.

    >>> kinds(0), kinds(1), kinds(3)
    ('none', '1 kind', '3 kinds')
    """
    return "none" if not number else f"{number} kind{'' if number == 1 else 's'}"


def strip_alt(quarters: Mapping[str, int]) -> str:
    """Say in words what a feed's day shows.

    >>> strip_alt({"news": 90, "failed": 2, "none": 4})
    'Of 96 quarter-hours: something new 90, nothing new 0, failed 2, not polled 4'
    """
    said = [f"{words} {quarters.get(name, 0)}" for name, words in OUTCOMES.items()]
    none = f"not polled {quarters.get('none', 0)}"
    return f"Of {sum(quarters.values())} quarter-hours: {', '.join([*said, none])}"


# The accuracy page.

MODELS = {
    "pool": "what the map shows: all others, weighed by how right they have been",
    "naive": "it stays as it is now",
    "climatology": "as is usual at that hour of such a day",
    "chain": "riders come and go as is usual at that hour",
    "seed": "the linear regression that all this began with",
    "spread": "naive, less sure of itself",
    "more": "chain, on a day when more bikes come",
    "fewer": "chain, on a day when fewer bikes come",
    "pull": "chain, drawn back to how full a station usually is",
    "calm": "pull, with fewer riders",
}
"""The models by the names that scores come under, and what each is, best known first."""

MEASURES = {
    "mae": "Mean error, bikes (MAE)",
    "rmse": "Root mean square error, bikes (RMSE)",
    "crps": "Error of the whole forecast, bikes (CRPS)",
    "brier_bike": "Error of the chance of a bike (Brier)",
    "brier_dock": "Error of the chance of a space (Brier)",
    "cover80": "Truth within the 80 % interval",
}
PASTS = {
    "hours": "6 hours",
    "day": "24 hours",
    "week": "7 days",
    "month": "30 days",
    "year": "a year",
    "all": "since the start",
}
MEASURE, PAST, MODELS_SHOWN, HORIZON = "Measure", "Over the last", "Models", "Minutes ahead"
EVERYWHERE = "All cities together"
AT, MODEL, SKILL, N, SINCE, UNTIL = (
    "At",
    "Model",
    "Better than naive by",
    "Forecasts of a station",
    "From",
    "To",
)
MARK, OUTAGE, DRIFT = "What", "no data from the feed: nothing scored", "Drift noticed"
SKILL_AXIS = "Better than naive by"
MINUTES_AHEAD, HOUR_OF_DAY = "Minutes ahead", "Hour of the day"
STATED, CAME = "Chance that was stated", "Came true"
TENTHS, SHARE_OF = "Where in the forecast the truth lay", "Share of forecasts"
ERROR_TITLE, SKILL_TITLE = (
    "Error over time: lower is better",
    "Skill over time: above the line is better than naive",
)
CURVE_KEY = (
    "A line that leaves the picture is far off. "
    "▼ and a dotted line: drift noticed, the forecasts are no longer as good or bad as they were. "
    "Grey: the feed was down, nothing was scored."
)
TABLE_TITLE = "All models on the same forecasts"
BY_HORIZON, BY_HOUR = "By how far ahead", "By hour of the day"
RELIABLE = {"bike": "Is a stated chance of a bike right?", "dock": "Is a stated chance of a space right?"}
RELIABLE_KEY = "On the dashed line, odds are what they say; below it they promise too much."
PIT_TITLE = "Is the spread right? (pool)"
PIT_KEY = "Level bars: right. High at both ends: too sure of itself. A hill in the middle: too unsure."
COVER_TITLE = "How often the truth lay within the 80 % interval"
STATION_MAP, WORST = "Where it is better than naive", "Stations where it does worst"
STATION_MAP_ALT = "Map of the stations by skill; the table of the worst ones says which they are."
BUSY_TITLE = "Busy and quiet stations"
BUSY = ("quiet third", "middle third", "busy third")
SAID_TITLE = "We said / it was"
SAID_FIND, SAID_SHOW = "Station", "Show"
SAID_SHOWN = {"all": "all", "outside": "outside the interval", "missed": "off by 3 or more"}
NO_SAID = (
    "Nothing that was said has come due yet: half an hour after the first forecast there is a row a station."
)
CITY_ONLY = "Stations, calibration and single forecasts are shown of one city at a time."
DAYS_KEPT = "over the last days, for as long as scores of single stations are kept"
SKILL_STEPS = ("over 10 % better", "1–10 % better", "as good", "1–10 % worse", "over 10 % worse")
SKILL_TIP = "{name}\npool: {pool} bikes off · naive: {naive}\n{said}, {n} forecasts"
SKILL_BOUNDS = (0.10, 0.01, -0.01, -0.10)
NONE_TO_SAY = "–"


def questions(horizon: int) -> tuple[str, str, str]:
    """Ask what people come with; naive is said in words, for whoever has read nothing yet."""
    return (
        f"Which model is best {minutes(horizon)} ahead?",
        "Is the pool ever worse than “it stays as it is now” (naive)?",
        "At which stations, over the last days?",
    )


def not_scored(horizon: int) -> str:
    """Say why there is nothing yet, and when there is.

    >>> not_scored(30)
    'No forecast 30 min ahead has come due in this stretch yet. The first does 30 min after the start.'
    """
    ahead = minutes(horizon)
    return (
        f"No forecast {ahead} ahead has come due in this stretch yet. The first does {ahead} after the start."
    )


def only_scored_until(age: timedelta) -> str:
    """Say why nothing is new.

    >>> only_scored_until(timedelta(minutes=46))
    'The newest counts are 46 min old: what has come due since then is not judged yet.'
    """
    return f"The newest counts are {duration(age)} old: what has come due since then is not judged yet."


def measured(value: float, measure: str) -> str:
    """Write an error with its unit.

    >>> measured(1.234, "mae"), measured(0.0456, "brier_bike")
    ('1.23 bikes', '0.046')
    """
    return f"{value:.3f}" if measure.startswith("brier") else f"{value:.2f} bikes"


def better(share: float) -> str:
    """Write how much less an error is, or more.

    >>> better(0.194), better(-0.02), better(0.0001)
    ('19.4 % better than naive', '2.0 % worse than naive', 'as good as naive')
    >>> better(-2.74)
    '3.7 times as far off as naive'
    """
    if share <= -1:
        return f"{1 - share:,.1f} times as far off as naive"
    per_cent = round(100 * share, 1)
    if not per_cent:
        return "as good as naive"
    return f"{abs(per_cent):.1f} % {'better' if per_cent > 0 else 'worse'} than naive"


def best_model(name: str, error: float, pool: float, naive: float, measure: str) -> str:
    """Say which model is best, and how the pool does where that is another one. A last place is 0.

    >>> best_model("pool", 1.0, 1.0, 1.25, "mae")
    'pool, what the map shows: 1.00 bikes off, 20.0 % better than naive.'
    >>> best_model("chain", 0.9, 1.0, 1.25, "mae")
    'chain: 0.90 bikes off, 28.0 % better than naive. The map shows the pool: 1.00 bikes off, 20.0 % better.'
    """
    gain, pooled = (better(1 - each / naive if naive else 0.0) for each in (error, pool))
    if name == "pool":
        return f"pool, what the map shows: {measured(error, measure)} off, {gain}."
    shown = f" The map shows the pool: {measured(pool, measure)} off, {pooled.removesuffix(' than naive')}."
    return f"{name}: {measured(error, measure)} off, {gain}.{shown}"


def worse_when(share: float, since: str, until: str) -> str:
    """Say when the curve was last on the wrong side of naive's: `until` is "" where it still is.

    >>> worse_when(0.0, "", "")
    'No, at no time in this stretch.'
    >>> worse_when(0.1, "Tue 14:00", "")
    'Yes, since Tue 14:00; in all 10 % of this stretch.'
    """
    if not share:
        return "No, at no time in this stretch."
    of = (
        f"in all {100 * share:.0f} % of this stretch"
        if share >= 0.005
        else "in all less than 1 % of this stretch"
    )
    if until:
        return f"Not now. It last was from {since} to {until}; {of}."
    return f"Yes, since {since}; {of}."


def worse_where(worse: int, stations: int, names: Sequence[str]) -> str:
    """Say at how many stations a model is worse than naive, and at which most. Plain text: it names stations.

    >>> worse_where(0, 102, [])
    'Worse by over 1 % at none of 102.'
    >>> worse_where(2, 102, ["Quay", "Park"])
    'Worse by over 1 % at 2 of 102: Quay, Park.'
    """
    if not worse:
        return f"Worse by over 1 % at none of {stations:,}."
    more = f" and {worse - len(names)} more" if worse > len(names) else ""
    return f"Worse by over 1 % at {worse:,} of {stations:,}: {', '.join(names)}{more}."


def drift(noticed: Drift) -> str:
    """Say what a drift was."""
    way = "worse" if noticed.after > noticed.before else "better"
    return f"forecasts {noticed.minutes} min ahead became {way} against naive than is usual at that hour"


def stretch(window: timedelta | None, zone: str) -> str:
    """Say what each point of a curve is."""
    what = (
        "the average since the start"
        if window is None
        else f"the average of the {duration(window)} before it"
    )
    return f"Each point is {what}. Times are those of {zone}."


def since_when(at: str, n: float) -> str:
    """Say what the numbers rest on."""
    return f"Scored since {at}: {n:,.0f} forecasts."


SCORE_COLUMNS = (
    "Model",
    "MAE",
    "Against naive",
    "RMSE",
    "CRPS",
    "Brier, bike",
    "Brier, space",
    "In 80 %",
    "Forecasts",
    "What it is",
)
STATION_COLUMNS = ("Station", "Better by, %", "Pool, bikes off", "Naive, bikes off", "Forecasts")
BUSY_COLUMNS = (
    "Stations",
    "Number",
    "Naive, bikes off",
    "Pool, bikes off",
    "Better by, %",
    "Worse than naive, %",
)
SAID_COLUMNS = ("Said at", "For", "Station", "We said", "80 % interval", "A bike, %", "It was", "Off by")


# The model page.

MODEL_HEADING = "The pipeline as it stands"
MODEL_HINT = (
    "Read from the forecaster itself, as it was last written down: what it has learnt since is not in it. "
    "Each box is a running part, with what it has learnt so far; older evidence counts less."
)
STAGES: dict[str, str] = {
    "in": "Comes in",
    "learn": "Is learnt, at every update",
    "compete": "Competes, on the same questions",
    "mix": "Is mixed and mended",
    "judge": "Is judged when its moment comes",
}
STAGE_HINTS: dict[str, str] = {
    "in": "What the feed and the weather told last.",
    "learn": "From what changed between two updates, and from forecasts whose truth has come.",
    "compete": "Each says how likely every number of bikes is, at each station and time ahead.",
    "mix": "What people see is the pool of all experts, mended by the guard.",
    "judge": "Its truth then teaches the pool, the guard and the seed pipeline.",
}
STAGE_TIMES: dict[str, tuple[str, str]] = {
    "learn": ("learn_seconds", "One update: {}"),
    "mix": ("forecast_seconds", "All experts, stations and times ahead: {}"),
}
"""What of a tick is measured at which stage, and how to say it."""
PARTS: dict[str, tuple[str, str]] = {
    "long": (
        "Demand, long memory",
        "How many bikes want to come to and go from each station, by kind of day and time.",
    ),
    "short": ("Demand, short memory", "The same, forgetting faster, so that a new habit shows sooner."),
    "occupancy_effect": ("Pull", "How riders and vans draw a station back to how full it usually is."),
    "changes": ("Changes", "By how much the count at each station differs after so many minutes."),
    "climatology": ("Climate", "How full each station usually is at each hour of such a day."),
    "pool": ("Pool", "Trusts each expert as far as it has earned, by station and time ahead."),
    "guard": ("Guard", "Mends the spread, and holds the median at as-now until it has been better."),
    "calendar": ("Calendar", "Tells weekdays from weekends, and what a holiday is like here."),
    "weather": ("Weather", "How much more or fewer people ride in such weather, in the whole city."),
    "drift_monitor": ("Drift watch", "Notices when the edge over no change is no longer what it was."),
    "seed": (
        "Seed pipeline",
        "The River pipeline that this goes back to, as a rival: learns one label at a time.",
    ),
}
"""The forecaster's parts by name: what to call each, and what it does."""
FEED_PART, SKY_PART, TRUTH_PART = "Feed", "Weather service", "Waiting for truth"
READS = "reads"
ALL_STATIONS = "All stations together"
STATION = "Station"
RIDERS_SIDE: dict[str, str] = {"arrivals": "bikes arriving", "departures": "bikes leaving"}
DAY_KINDS = ("Weekdays", "Saturdays, Sundays and holidays")
RATES_ALT = "Riders an hour through the day, arrivals and departures; the numbers below say the same."
WEIGHTS = "Who is trusted, by time ahead"
WEIGHTS_ALT = "The pool's weights by time ahead, a bar each; the numbers below say the same."
RATES_TABLE, WEIGHTS_TABLE, PARTS_TABLE = "riders an hour", "weights", "what each part has learnt"
NO_CHECKPOINT = "What this city's forecaster has learnt has not been written down yet."
NO_CHECKPOINT_HINT = "That happens with the first answer of its feed; this page goes on by itself."
BAD_CHECKPOINT = "What was written down of this city's forecaster cannot be read."
BAD_CHECKPOINT_HINT = "The worker learns it from its log again and writes it anew; forecasts go on meanwhile."
FIRST_DAY = (
    "In its first day odds are wide, the median stays at what stands there now, and the shape of the day is "
    "borrowed from other cities until this one has shown its own."
)
LEARNING, CHECKPOINT, LEARN_TIME, FORECAST_TIME, WAITING_TRUTH = (
    "Learning for", "This picture is from", "One update is learnt in", "All is forecast in",
    "Forecasts waiting",
)  # fmt: skip


def rates_title(name: str) -> str:
    """Head a station's rates. Plain text: it may name a station."""
    return f"Riders an hour through the week: {name}"


def learnt_from(arrivals: float, departures: float, hours: float) -> str:
    """Say what rates rest on.

    >>> learnt_from(1234.2, 0, 50.4).split(";")[0]
    'Learnt from 1,234 arrivals and 0 departures in 50 hours'
    """
    return (
        f"Learnt from {arrivals:,.0f} arrivals and {departures:,.0f} departures in {hours:,.0f} hours; older "
        "ones count less, times without a bike or a dock do not count."
    )


def held_at(ahead: Sequence[int], of: int) -> str:
    """Say where the guard holds a station's median.

    >>> held_at([], 12)
    'The median is free at every time ahead.'
    >>> held_at([5, 120], 12)
    'The median is held at what stands there now at 5 min, 2 h ahead.'
    """
    if not ahead:
        return "The median is free at every time ahead."
    where = "every time" if len(ahead) == of else ", ".join(minutes(number) for number in ahead)
    return f"The median is held at what stands there now at {where} ahead."


def trusted(truths: float) -> str:
    """Say what weights rest on.

    >>> trusted(0.4)
    'No truth has come in yet: these are the first weights.'
    """
    if truths < 1:
        return "No truth has come in yet: these are the first weights."
    return f"Weighed by {truths:,.0f} truths; older ones count less."


WAITING_WORDS = "Forecasts as they were issued, one a station and time ahead, never recomputed."


def waiting_near(number: int) -> str:
    """Count what waits for up to two hours."""
    return f"{number:,} wait for up to 2 h"


def waiting_far(number: int) -> str:
    """Count what waits for up to a day."""
    return f"{number:,} wait for up to 24 h"


def held_share(share: float) -> str:
    """Say how often the median is held."""
    return f"median held at as-now in {share:.0%} of cases"


def capital(words: str) -> str:
    """Begin a sentence with a capital letter and leave the rest as it is.

    >>> capital("as in Dublin."), capital("")
    ('As in Dublin.', '')
    """
    return words[:1].upper() + words[1:]


def reach(number: int) -> str:
    """Say how far an expert answers.

    >>> reach(120)
    'up to 2 h ahead'
    """
    return f"up to {minutes(number)} ahead"


_FACTS: dict[str, str] = {
    "riders": "{:,.0f} riders",
    "station_hours": "{:,.0f} station-hours",
    "slot_minutes": "in steps of {:.0f} min",
    "half_life_days": "half forgotten in {:.0f} days",
    "arrivals_now": "arrivals now × {:.2f}",
    "departures_now": "departures now × {:.2f}",
    "hours_told": "{:,.0f} hours of weather known",
    "truths": "{:,.0f} truths",
    "outside": "{:.0%} of truths in the outer tenths; 20 % is right",
    "labels": "{:,.0f} labels",
    "regressions": "{:.0f} regressions, one a time ahead",
    "forecasts": "{:,.0f} forecasts",
    "horizons": "{:.0f} times ahead",
    "numbers": "{:,.0f} numbers kept",
    "tilt": "arrivals × {:.2f}, departures × {:.2f}",
    "calm": "all rates × {:.2f}",
}


def fact(name: str, value: float) -> str:
    """Write a count of what a part has learnt; "" for one that says nothing, as of no holiday.

    >>> fact("riders", 28988.5), fact("hours_told", 0), fact("day_type", 1), fact("holiday", 0)
    ('28,988 riders', 'no weather known', 'today: weekend', '')
    >>> fact("tilt", 1.45), fact("new_count", 7)
    ('arrivals × 1.45, departures × 0.69', 'new count 7')
    """
    if name == "hours_told" and not value:
        return "no weather known"
    if name == "day_type":
        return f"today: {('weekday', 'weekend')[int(value)]}"
    if name == "holiday":
        return "a public holiday" if value else ""
    return (
        _FACTS[name].format(value, 1 / (value or 1))
        if name in _FACTS
        else f"{name.replace('_', ' ')} {value:g}"
    )


# The control of a played city.

SPEED, JUMP_TO, JUMP = "Speed", "Jump to", "Jump"
PLAY, PAUSE = "▶ Play", "⏸ Pause"
BEGIN_MADE_UP = {
    "learnt": "Begin anew, a month learnt",
    "nothing": "Begin anew, from nothing",
}
BEGIN_RECORDED = {
    "learnt": "Begin in the middle, half learnt",
    "nothing": "Begin at the beginning",
}


def times(speed: float) -> str:
    """Write a speed.

    >>> times(60.0)
    '60×'
    """
    return f"{speed:g}×"


def playing(speed: float, paused: bool) -> str:
    """Label the control of a played city.

    >>> playing(60.0, False), playing(1.0, True)
    ('▶ 60×', '⏸ paused')
    """
    return "⏸ paused" if paused else f"▶ {times(speed)}"


# The kiosk: a stage screen, read from ten metres.

KIOSK_LOST = "No connection: what you see is old. It goes on by itself."
KIOSK_NO_COUNTS = "no counts yet"


def if_you_arrive(minutes: float) -> str:
    """Say when the rider of a stage screen arrives; the clock time follows.

    >>> if_you_arrive(0), if_you_arrive(25)
    ('if you arrive now', 'if you arrive in 25 min')
    """
    return f"if you arrive {arrival(minutes)}"


def how_right(ahead: str, past: str) -> tuple[str, str, str]:
    """Say what the curves of a stage screen are of."""
    return "How right it is", f"forecasts {ahead} ahead", f"past: {past}"


def counted(age: timedelta) -> str:
    """Say how old the counts are.

    >>> counted(timedelta(seconds=40))
    'counted 40 s ago'
    """
    return f"counted {duration(age)} ago"
