"""What the model page says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta

from dashboard.words.catalogue import PluralMessage, Words, mark, mark_plural, plural, tr
from dashboard.words.formats import ago, both_times, minutes, number, per_cent

MODEL_HEADING = mark("The pipeline as it stands")
MODEL_HINT = mark(
    "Read from the forecaster itself, as it was last written down: what it has learnt since is not in it. "
    "Each box is a running part, with what it has learnt so far; older evidence counts less."
)
STAGES: Words[str] = Words(
    {
        "in": mark("Comes in"),
        "learn": mark("Is learnt, at every update"),
        "compete": mark("Competes, on the same questions"),
        "mix": mark("Is mixed and mended"),
        "judge": mark("Is judged when its moment comes"),
    }
)
STAGE_HINTS: Words[str] = Words(
    {
        "in": mark("What the feed and the weather told last."),
        "learn": mark("From what changed between two updates, and from forecasts whose truth has come."),
        "compete": mark("Each says how likely every number of bikes is, at each station and time ahead."),
        "mix": mark(
            "What people see is the pool of all experts, shifted by what today is like, and guarded."
        ),
        "judge": mark("Its truth then teaches the pool, the shift, the guard and the seed pipeline."),
    }
)
PARTS: Words[str] = Words(
    {
        "long": mark("Demand, long memory"),
        "short": mark("Demand, short memory"),
        "occupancy_effect": mark("Pull"),
        "changes": mark("Changes"),
        "climatology": mark("Climate"),
        "overflow": mark("Overflow"),
        "last_bikes": mark("Last bikes"),
        "today": mark("Today"),
        "hours": mark("Opening hours"),
        "pool": mark("Pool"),
        "shift": mark("Shift"),
        "guard": mark("Guard"),
        "calendar": mark("Calendar"),
        "weather": mark("Weather"),
        "drift_monitor": mark("Drift watch"),
        "seed": mark("Seed pipeline"),
    }
)
"""The titles of the forecaster's parts by name."""

PART_HINTS: Words[str] = Words(
    {
        "long": mark("How many bikes want to come to and go from each station, by kind of day and time."),
        "short": mark("The same, forgetting faster, so that a new habit shows sooner."),
        "occupancy_effect": mark("How riders and vans draw a station back to how full it usually is."),
        "changes": mark("By how much the count at each station differs after so many minutes."),
        "climatology": mark("How full each station usually is at each hour of such a day."),
        "overflow": mark("Which stations take bikes although their docks are full."),
        "last_bikes": mark(
            "How many riders take one or two bikes that others have left: they may be broken."
        ),
        "today": mark("What is unusual today: at each station, at those beside it, and on the way."),
        "hours": mark("When each station is open by its own hours: nobody rides while it is closed."),
        "pool": mark("Trusts each expert as far as it has earned, by station and time ahead."),
        "shift": mark("Moves the odds by what is unusual today, as far as that has been right before."),
        "guard": mark("Mends the spread, and holds the median at as-now until it has been better."),
        "calendar": mark("Tells weekdays from weekends, and what a holiday is like here."),
        "weather": mark("How much more or fewer people ride in such weather, in the whole city."),
        "drift_monitor": mark("Notices when the edge over no change is no longer what it was."),
        "seed": mark("The River pipeline that this goes back to, as a rival: learns one label at a time."),
    }
)
"""What each part does."""

FEED_PART, WEATHER_PART, TRUTH_PART = mark("Feed"), mark("Weather service"), mark("Waiting for truth")
ALL_STATIONS = mark("All stations together")
STATION = mark("Station")
RIDERS_SIDE: Words[str] = Words({"arrivals": mark("bikes arriving"), "departures": mark("bikes leaving")})
DAY_KINDS: Words[str] = Words(
    {"weekday": mark("Weekdays"), "weekend": mark("Saturdays, Sundays and holidays")}
)
RATES_ALT = mark("Riders an hour through the day, arrivals and departures; the numbers below say the same.")
WEIGHTS = mark("Who is trusted, by time ahead")
WEIGHTS_ALT = mark("The pool's weights by time ahead, a bar each; the numbers below say the same.")
RATES_TABLE, WEIGHTS_TABLE = mark("riders an hour"), mark("weights")
PARTS_TABLE = mark("what each part has learnt")
NO_CHECKPOINT = mark("What this city's forecaster has learnt has not been written down yet.")
NO_CHECKPOINT_HINT = mark("That happens with the first answer of its feed; this page goes on by itself.")
BAD_CHECKPOINT = mark("What was written down of this city's forecaster cannot be read.")
BAD_CHECKPOINT_HINT = mark(
    "The worker learns it from its log again and writes it anew; forecasts go on meanwhile."
)
FIRST_DAY = mark(
    "In its first day odds are wide, the median stays at what stands there now, and the shape of the day is "
    "borrowed from other cities until this one has shown its own."
)
LEARNING, CHECKPOINT = mark("Learning for"), mark("This picture is from")
LEARN_TIME, FORECAST_TIME = mark("One update is learnt in"), mark("All is forecast in")
WAITING_TRUTH = mark("Forecasts waiting")
WAITING_WORDS = mark("Forecasts as they were issued, one a station and time ahead, never recomputed.")


def stage_times(stage: str, times: Mapping[str, tuple[float, float]]) -> str:
    """Say how long a stage takes; "" for one that nobody measures."""
    if stage == "learn":
        return tr("One update: {times}", times=both_times(times.get("learn_seconds")))
    if stage == "mix":
        return tr(
            "All experts, stations and times ahead: {times}", times=both_times(times.get("forecast_seconds"))
        )
    return ""


def feed_stations(many: int) -> str:
    """Count the stations of a feed."""
    return plural("{n} station", "{n} stations", many)


def answers_in(times: tuple[float, float] | None) -> str:
    """Say how long a feed takes to answer."""
    return tr("answers in {times}", times=both_times(times))


def reads(parts: Sequence[str]) -> str:
    """List the parts that an expert reads, by name."""
    return tr("reads: {parts}", parts=", ".join(PARTS.get(name, name) for name in parts))


def checkpoint(at: str, age: timedelta, size: float) -> str:
    """Write the time and age of a checkpoint, and its size in MB."""
    return tr("{time}, {ago} · {size} MB", time=at, ago=ago(age), size=number(size / 1e6, 1))


def rates_title(name: str) -> str:
    """Head a station's rates. Plain text: it may name a station."""
    return tr("Riders an hour through the week: {station}", station=name)


def rate_tip(clock: str, rate: float, side: str) -> str:
    """Write the tooltip of a point of the rates: when, how many, and arriving or leaving."""
    if side == "arrivals":
        return tr("{time} · {rate} bikes arriving an hour", time=clock, rate=number(rate, 1))
    return tr("{time} · {rate} bikes leaving an hour", time=clock, rate=number(rate, 1))


def weight_tip(horizon: int, expert: str, weight: float) -> str:
    """Write the tooltip of a weight."""
    return tr(
        "{duration} ahead · {expert}: {weight}%",
        duration=minutes(horizon),
        expert=expert,
        weight=per_cent(weight),
    )


def learnt_from(arrivals: float, departures: float, hours: float) -> str:
    """Say what rates rest on.

    >>> learnt_from(1234.2, 0, 50.4).split(";")[0]
    'Learnt from 1,234 arrivals and 0 departures in 50 hours'
    """
    return tr(
        "Learnt from {arrivals} arrivals and {departures} departures in {hours} hours; older ones count "
        "less, times without a bike or a dock do not count.",
        arrivals=number(arrivals),
        departures=number(departures),
        hours=number(hours),
    )


def held_at(ahead: Sequence[int], of: int) -> str:
    """Say where the guard holds a station's median.

    >>> held_at([], 12)
    'The median is free at every time ahead.'
    >>> held_at([5, 120], 12)
    'The median is held at what stands there now at 5 min, 2 h ahead.'
    """
    if not ahead:
        return tr("The median is free at every time ahead.")
    if len(ahead) == of:
        return tr("The median is held at what stands there now at every time ahead.")
    return tr(
        "The median is held at what stands there now at {durations} ahead.",
        durations=", ".join(minutes(horizon) for horizon in ahead),
    )


def trusted(truths: float) -> str:
    """Say what weights rest on.

    >>> trusted(0.4)
    'No truth has come in yet: these are the first weights.'
    """
    if truths < 1:
        return tr("No truth has come in yet: these are the first weights.")
    return plural(
        "Weighed by {n} truth; older ones count less.",
        "Weighed by {n} truths; older ones count less.",
        round(truths),
    )


def waiting_near(many: int) -> str:
    """Count what waits for up to two hours."""
    return plural("{n} waits for up to 2 h", "{n} wait for up to 2 h", many)


def waiting_far(many: int) -> str:
    """Count what waits for up to a day."""
    return plural("{n} waits for up to 24 h", "{n} wait for up to 24 h", many)


def held_share(share: float) -> str:
    """Say how often the median is held."""
    return tr("median held at as-now in {share}% of cases", share=per_cent(share))


def reach(horizon: int) -> str:
    """Say how far an expert answers.

    >>> reach(120)
    'up to 2 h ahead'
    """
    return tr("up to {duration} ahead", duration=minutes(horizon))


_COUNTS: dict[str, PluralMessage] = {
    "riders": mark_plural("{n} rider", "{n} riders"),
    "station_hours": mark_plural("{n} station-hour", "{n} station-hours"),
    "slot_minutes": mark_plural("in steps of {n} min", "in steps of {n} min"),
    "half_life_days": mark_plural("half forgotten in {n} day", "half forgotten in {n} days"),
    "hours_told": mark_plural("{n} hour of weather known", "{n} hours of weather known"),
    "overflow_stations": mark_plural("{n} such station", "{n} such stations"),
    "truths": mark_plural("{n} truth", "{n} truths"),
    "labels": mark_plural("{n} label", "{n} labels"),
    "regressions": mark_plural("{n} regression, one a time ahead", "{n} regressions, one a time ahead"),
    "forecasts": mark_plural("{n} forecast", "{n} forecasts"),
    "horizons": mark_plural("{n} time ahead", "{n} times ahead"),
    "numbers": mark_plural("{n} number kept", "{n} numbers kept"),
}
_FACTORS = {
    "arrivals_now": mark("arrivals now × {factor}"),
    "departures_now": mark("departures now × {factor}"),
    "arrivals": mark("arrivals × {factor}"),
    "departures": mark("departures × {factor}"),
}


def fact(name: str, value: float) -> str:
    """Write a count of what a part has learnt; "" where there is nothing to say, as without a holiday.

    >>> fact("riders", 28988.5), fact("hours_told", 0), fact("day_type", 1), fact("holiday", 0)
    ('28,988 riders', 'no weather known', 'today: weekend', '')
    >>> fact("arrivals", 1.45), fact("new_count", 7)
    ('arrivals × 1.45', 'new count 7')
    """
    if name == "hours_told" and not value:
        return tr("no weather known")
    if name == "day_type":
        return tr("today: weekend") if int(value) else tr("today: weekday")
    if name == "holiday":
        return tr("a public holiday") if value else ""
    if name == "outside":
        return tr("{share}% of truths in the outer tenths; 20 % is right", share=per_cent(value))
    if name in _COUNTS:
        return _COUNTS[name](round(value))
    if name in _FACTORS:
        return _FACTORS[name](factor=number(value, 2))
    return f"{name.replace('_', ' ')} {value:g}"
