"""What several pages say: navigation, city picker, states of a feed, notices, chances, legend.

Functions that take a name or a sentence from outside return plain text: show it with `st.text`, a table cell
or a `text` tooltip, never through `st.markdown`, where an image link in a station's name would call a
stranger's server from the rider's browser.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Literal

from dashboard.words.catalogue import Words, mark, mark_plural, tr
from dashboard.words.formats import ago, arrival, duration, sentence, share, times
from dashboard.words.rules import BOUNDS, Direction, What, step

TITLE = "Dockcast"
SUBTITLE = mark("Bikes and spaces at the moment you arrive")

NAVIGATION = mark("Pages")


def page_title(name: str) -> str:
    """Name a page in the browser's tab."""
    return f"{name} · {TITLE}"


CITY = mark("City")
LANGUAGE = mark("Language")
HOW_MANY = mark("How many")

STEPS: Words[int] = Words(
    dict(
        enumerate((mark("almost sure"), mark("likely"), mark("even"), mark("unlikely"), mark("hardly"))),
    )
)
"""The five steps of chance by their number in `rules`, best first."""

STREETS_BY = mark("Streets, where they can be had: © OpenStreetMap contributors, © CARTO")

NO_FORECAST = mark("no forecast")
_NO_BIKES = mark("closed: no bikes handed out")
CLOSED: Words[What] = Words(
    {
        "bike": _NO_BIKES,
        "ebike": _NO_BIKES,
        "plain_bike": _NO_BIKES,
        "space": mark("closed: no bikes taken back"),
    }
)

STATES: Words[str] = Words(
    {
        "waiting": mark("waiting"),
        "live": mark("live"),
        "silent": mark("silent"),
        "unreachable": mark("not reached"),
        "refused": mark("not usable"),
    }
)

NO_WORKER_YET = mark("Nothing is being fetched yet: the worker is starting, or not running.")
NOTHING_YET = mark("Nothing is followed yet: the worker is starting, is not running, or its list is empty.")
NOTHING_HINT = mark(
    "This page goes on by itself as soon as a worker is at work (python -m ingest run) and the list that "
    "DOCKCAST_SYSTEMS points to, if it is set, names a system."
)
NO_SYSTEMS = mark("No system is followed.")
NO_SYSTEMS_HINT = mark(
    "Follow one with: python -m ingest follow ID, or name some in the list that DOCKCAST_SYSTEMS points to; "
    "this page goes on by itself."
)
NO_WORKER = mark("No worker is at work, so nothing new comes in. Start one with: python -m ingest run")
PREPARING = mark("Dockcast prepares its forecaster. That takes about a minute, once on this machine.")
PREPARING_HINT = mark("This page goes on by itself.")
NO_STATIONS = mark("The feed answers, but lists no station at all. It is asked again at every poll.")
NO_DOCKS = mark("This feed does not tell how many docks are free, so spaces are not forecast here.")
NO_KINDS = mark("This feed does not tell e-bikes from plain ones, so these are bikes of any kind.")
BROKEN = mark(
    "Something went wrong on our side. Nothing is lost: the page tries again by itself, or reload it."
)

LEGEND = mark("What the marks mean")
LEGEND_CLOSED = mark("hollow: closed")
LEGEND_FADED = mark("faded: old counts")
LEGEND_SIZE = mark("bigger, and the number: how many are expected")
OTHERS = mark("Other cities have answered: choose one above.")
NONE_YET = mark(
    "No city has answered yet. Each is asked again by itself, and the map opens as soon as one does."
)

AS_CSV, AS_PARQUET = mark("Download CSV"), mark("Download Parquet")

BUTTON_WORDS: Words[str] = Words(
    {
        "copied": mark("Link copied"),
        "not_copied": mark("Copy the address above"),
        "locating": mark("Locating…"),
    }
)
"""What a button says for a moment, in place of its label."""

CHART_TIP = mark("At", "column of times")

HEADING = {
    "bike": mark_plural("Chance of a bike", "Chance of {n} bikes"),
    "ebike": mark_plural("Chance of an e-bike", "Chance of {n} e-bikes"),
    "plain_bike": mark_plural("Chance of a plain bike", "Chance of {n} plain bikes"),
    "space": mark_plural("Chance of a space", "Chance of {n} spaces"),
}


def heading(what: What, number: int) -> str:
    """Say what the colours mean."""
    return HEADING[what](number)


def bounds(index: int) -> str:
    """Write the per cent that a step covers.

    >>> [bounds(index) for index in range(5)]
    ['90 % and more', '65–89 %', '35–64 %', '10–34 %', 'below 10 %']
    """
    if index == 0:
        return tr("{per_cent} % and more", per_cent=BOUNDS[0])
    if index == len(BOUNDS):
        return tr("below {per_cent} %", per_cent=BOUNDS[-1])
    return tr("{low}–{high} %", low=BOUNDS[index], high=BOUNDS[index - 1] - 1)


def chance_word(per_cent: int) -> str:
    """Write a chance in words alone; 255 is no forecast.

    >>> chance_word(62), chance_word(255)
    ('even', 'no forecast')
    """
    return STEPS[step(per_cent)] if per_cent <= 100 else NO_FORECAST()


def chance(per_cent: int) -> str:
    """Write a chance in words and per cent; 255 is no forecast.

    >>> chance(62), chance(255)
    ('even · 62 %', 'no forecast')
    """
    if per_cent > 100:
        return NO_FORECAST()
    return tr("{step} · {per_cent} %", step=STEPS[step(per_cent)], per_cent=per_cent)


_LABELS = {"simulated": mark("simulated"), "replayed": mark("replayed")}


def not_live(label: str) -> str:
    """Say that a system is not live; nothing for one that is.

    >>> not_live("replayed"), not_live("")
    ('replayed', '')
    """
    return _LABELS[label]() if label in _LABELS else label


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
    return " · ".join(part for part in (*parts, not_live(label)) if part)


def picked(name: str, state: str, label: str) -> str:
    """Write an entry of the city picker. A replayed system is never called live.

    >>> picked("Paris", "unreachable", ""), picked("Dublin · replayed", "live", "replayed")
    ('Paris · not reached', 'Dublin · replayed')
    """
    return name if label and state == "live" else f"{name} · {STATES.get(state, state)}"


def _retry(next_in: timedelta | None) -> str:
    if next_in is None:
        return tr("It is tried again in the background.")
    if next_in <= timedelta(0):
        return tr("It is being tried again now.")
    return tr("Next try in {duration}.", duration=duration(next_in))


def _no_answer(name: str, why: str) -> str:
    reason = sentence(why or tr("no answer"))
    return tr("{city} cannot be reached: {reason}", city=name, reason=reason)


def waiting(name: str, state: str, why: str, next_in: timedelta | None) -> str:
    """Say what a city without any forecast waits for."""
    if state == "unreachable":
        return f"{_no_answer(name, why)} {_retry(next_in)}"
    if state == "refused":
        reason = sentence(why or tr("no reason given"))
        refused = tr("{city} answers, but its feed cannot be used: {reason}", city=name, reason=reason)
        return f"{refused} {_retry(next_in)}"
    first = tr("Waiting for the first answer of {city}.", city=name)
    return f"{first} {sentence(why)}" if why else first


def learning_month(name: str, from_nothing: bool) -> str:
    """Say what a made-up city without any forecast waits for."""
    if from_nothing:
        return tr("{city} is made up, and begins from nothing as soon as all is ready.", city=name)
    return tr("{city} is made up. Its last four weeks are being learnt.", city=name)


def trouble(name: str, state: str, why: str, next_in: timedelta | None) -> str | None:
    """Say what is wrong with a city whose last forecast is still on screen; None when nothing is."""
    kept = tr("The forecast goes on from the last counts, less sure with every minute.")
    if state == "silent":
        reason = sentence(why or tr("nothing new comes in"))
        silent = tr("{city} has fallen silent: {reason}", city=name, reason=reason)
        return f"{silent} {kept}"
    if state == "unreachable":
        return f"{_no_answer(name, why)} {_retry(next_in)} {kept}"
    if state == "refused":
        reason = sentence(why or tr("no reason given"))
        refused = tr("{city} sends what cannot be used: {reason}", city=name, reason=reason)
        return f"{refused} {_retry(next_in)} {kept}"
    return None


def too_old(name: str, at: str, age: timedelta) -> str:
    """Say that the newest counts are too old to forecast from."""
    return tr(
        "{city}: the newest counts are from {time}, {duration} ago. That is too old to forecast from.",
        city=name,
        time=at,
        duration=duration(age),
    )


def ages(at: str, age: timedelta, learning: timedelta, label: str, zone: str) -> str:
    """Write the line that every page shows: the age of the counts, and how long the model has learnt.

    >>> ages("18:02", timedelta(seconds=40), timedelta(minutes=14), "replayed", "")
    'counts from 18:02, 40 s ago · learning for 14 min · replayed'
    """
    counts = tr("counts from {time}, {ago}", time=at, ago=ago(age))
    learnt = tr("learning for {duration}", duration=duration(learning))
    return " · ".join(part for part in (counts, learnt, not_live(label), zone) if part)


def stale(age: timedelta) -> str:
    """Say that a live feed has sent nothing new for a while.

    >>> stale(timedelta(minutes=12))
    'The newest counts are 12 min old. Marks are faded, and the odds are those of so much later.'
    """
    return tr(
        "The newest counts are {duration} old. Marks are faded, and the odds are those of so much later.",
        duration=duration(age),
    )


def zone_note(city: str) -> str:
    """Say that times are the city's, to a viewer whose clock shows another."""
    return tr("times are those of {city}", city=city)


def map_by(host: str) -> str:
    """Name the host of the map style that the operator has chosen."""
    return tr("Map, where it can be had: {host}", host=host)


# A city that is not reached.

TRY_NOW = mark("Try now")
TRIED_SOON = mark("It is tried again within a minute; a feed that asks for a longer wait gets it.")


# The city on screen, where the address names none or an unknown one.


UNKNOWN_CITY = mark("No city here is called “{name}”.")
ONE_OF_THESE = mark("Did you mean one of these?")
FROM_THE_LIST = mark("Choose one from the list above.")


def made_up_first(name: str, others_have_answered: bool) -> str:
    """Say why a made-up city is on screen that nobody chose."""
    if others_have_answered:
        return tr("{name} is a made-up city. By now a real one has answered:", name=name)
    return tr(
        "{name} is a made-up city: no real one has answered yet. Each is asked again by itself.", name=name
    )


# The arrival picker.

WHEN, CLOCK = mark("When"), mark("Time by the city's clocks")
SOON, TODAY, TOMORROW = mark("Soon"), mark("Today"), mark("Tomorrow")
DIRECTION = mark("Leave or arrive then")
DIRECTIONS: Words[Direction] = Words({"leave": mark("Leave at"), "arrive": mark("Arrive by")})
MINUTES_FORMAT = mark("%d min")
"""The pattern by which Streamlit's slider writes its minutes."""


def arrive_at(at: str, minutes: float) -> str:
    """Label the slider, or a later arrival: the clock time with its day, and how far off that is."""
    return tr("Arriving {time} · {when}", time=at, when=arrival(minutes))


def leave_at(at: str, minutes: float) -> str:
    """Label the slider, or a later start: the clock time with its day, and how far off that is."""
    return tr("Leaving {time} · {when}", time=at, when=arrival(minutes))


def there_by(at: str, minutes: float) -> str:
    """Label the slider, or a later moment to be there by: the clock time with its day, and how far off."""
    return tr("There {time} at the latest · {when}", time=at, when=arrival(minutes))


def passed(at: str, instead: str) -> str:
    """Say that the moment in the address is past or too far off, so that the page shows another."""
    return tr("{time} has passed, or is more than a day ahead: this is {instead}", time=at, instead=instead)


def beyond(reach: str) -> str:
    """Say that nothing is forecast for so late a moment."""
    return tr("The forecast reaches until {time}. Choose an earlier time.", time=reach)


def beyond_kinds(reach: str) -> str:
    """Say that no kind of bikes is forecast for so late a moment."""
    return tr(
        "E-bikes and plain bikes are forecast two hours ahead, until {time}. Choose an earlier time, or a "
        "bike of any kind.",
        time=reach,
    )


# Tables and files of what a chart shows.


def numbers_of(what: str) -> str:
    """Head the numbers of a chart.

    >>> numbers_of(""), numbers_of("polls")
    ('The numbers', 'The numbers: polls')
    """
    return tr("The numbers: {what}", what=what) if what else tr("The numbers")


# The control of a played city.

SPEED, JUMP_TO, JUMP = mark("Speed"), mark("Jump to"), mark("Jump")
PLAY, PAUSE = mark("▶ Play"), mark("⏸ Pause")
# Translators: a button for people who present the app: Monday, the morning's rush hour, 60 times the speed.
STAGE = mark("Set the stage: Monday 07:30 at 60×")
BEGIN_MADE_UP: Words[str] = Words(
    {
        "learnt": mark("Begin anew, a month learnt"),
        "nothing": mark("Begin anew, from nothing"),
    }
)
BEGUN_JUST_NOW = mark("This city began anew just now: try again in half a minute.")
BEGIN_RECORDED: Words[str] = Words(
    {
        "learnt": mark("Begin in the middle, half learnt"),
        "nothing": mark("Begin at the beginning"),
    }
)


_STAGING = {
    "begin": mark("Begins anew. The time before is being learnt."),
    "nothing": mark("Begins anew from nothing. The model to compare it with learns the time before."),
    "jump": mark("Goes on to {time}. What lies between is being learnt."),
    "waits": mark("Goes on to {time} as soon as it is played."),
}


def staging(kind: Literal["begin", "nothing", "jump", "waits"], at: str, progress: float | None) -> str:
    """Say what a played city is on its way to, and how much of it is done.

    >>> staging("jump", "Saturday at 07:30", 0.4)
    'Goes on to Saturday at 07:30. What lies between is being learnt. 40 %'
    """
    words = _STAGING[kind](time=at)
    return words if progress is None else f"{words} {share(int(100 * progress) / 100)}"


def staged(at: str) -> str:
    """Say that a jump or a new beginning is there."""
    return tr("In the city it is now {time}.", time=at)


def playing(speed: float, paused: bool) -> str:
    """Label the control of a played city.

    >>> playing(60.0, False), playing(1.0, True)
    ('▶ 60×', '⏸ paused')
    """
    return tr("⏸ paused") if paused else f"▶ {times(speed)}"
