"""What the accuracy page says."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from dashboard.words.catalogue import Words, mark, plural, tr
from dashboard.words.formats import duration, minutes, number, per_cent
from model.experts.registry import EXPERTS
from model.records import Drift
from model.scoring.own import OWN

BEST_KNOWN = ("pool", "naive", "climatology", "chain", "seed")
"""The models that people are shown first."""

_DESCRIPTIONS = {
    "pool": mark("what the map shows: all others, weighed by how right they have been"),
    "seed": mark("the linear regression that all this began with"),
    "learnt": mark("the pool with a month of the town learnt, beside one that began from nothing"),
    OWN: mark("the operator's own model, in a process of its own"),
} | {entry.name: mark(entry.description) for entry in EXPERTS}

ELDER = "learnt"
"""The model that only a city begun from nothing has beside its pool."""

MODELS: Words[str] = Words(
    {name: _DESCRIPTIONS[name] for name in dict.fromkeys((*BEST_KNOWN, *_DESCRIPTIONS))}
)
"""The models by the names that scores come under, and what each is, best known first."""

MEASURES: Words[str] = Words(
    {
        "mae": mark("Mean error, bikes (MAE)"),
        "rmse": mark("Root mean square error, bikes (RMSE)"),
        "crps": mark("Error of the whole forecast, bikes (CRPS)"),
        "brier_bike": mark("Error of the chance of a bike (Brier)"),
        "brier_dock": mark("Error of the chance of a space (Brier)"),
        "cover80": mark("Truth within the 80 % interval"),
    }
)
PASTS: Words[str] = Words(
    {
        "hours": mark("6 hours"),
        "day": mark("24 hours"),
        "week": mark("7 days"),
        "month": mark("30 days"),
        "year": mark("a year"),
        "all": mark("since the start"),
    }
)
MEASURE, PAST = mark("Measure"), mark("Over the last")
KIND = mark("Bikes", "of which kind")
KINDS: Words[str] = Words(
    {
        "any": mark("any bike"),
        "plain": mark("plain bikes"),
        "electric": mark("e-bikes"),
        "cargo": mark("cargo bikes"),
    }
)
"""What a forecast may be of, where a feed tells kinds of bikes apart."""

KINDS_SCORED = mark(
    "Kinds of bikes are scored at 15, 30, 60 and 120 minutes, and not by spaces: this is of any bike."
)
MODELS_SHOWN, HORIZON = mark("Models"), mark("Minutes ahead")
EVERYWHERE = mark("All cities together")
FINER, DAYS_ASKED, HOURS_ASKED = mark("Ask finer"), mark("Days"), mark("Hours of the day")
THIRD, BESIDE, NO_OTHER = mark("Stations"), mark("Another city beside it"), mark("no other city")
DAYS: Words[str] = Words(
    {
        "all": mark("every day"),
        "weekdays": mark("Monday to Friday"),
        "weekend": mark("Saturday and Sunday"),
    }
)
THIRDS: Words[str] = Words(
    {
        "all": mark("all stations"),
        "quiet": mark("quiet third"),
        "middle": mark("middle third"),
        "busy": mark("busy third"),
    }
)
HOURS_HINT = mark("Type other hours, such as 6-9 or 7-10, 16-19.")
HOURS_WRONG = mark("These are no hours of a day: write 6-9, or 7-10, 16-19.")
LEARNT_KEY = mark(
    "learnt is the pool of a model that knows this town since a month before. It answers the same questions "
    "beside the one that began from nothing: what lies between the two is what is still to be learnt."
)
BESIDE_KEY = mark(
    "The two cities have other stations and other riders. Compare how much better than naive their models "
    "are, not their errors."
)
THIRD_KEY = mark(
    "The answers are those of these stations alone, by day. Days of single stations are kept for a week "
    "or so, which is too few to tell luck from skill: all stations together tell. Each point is a day."
)
OF_ALL_HOURS = mark("Of all hours: scores of single stations and stated chances are kept by day.")
AT, MODEL = mark("At", "column of times"), mark("Model", "that forecasts")
SKILL, N = mark("Better than naive by"), mark("Forecasts of a station")
SINCE, UNTIL = mark("From", "time"), mark("To", "time")
MARK, DRIFT = mark("What", "mark on a chart"), mark("Drift noticed")
OUTAGE = mark("no data from the feed: nothing scored")
SKILL_AXIS = mark("Better than naive by")
HOW_FAR = mark("How far ahead (hours denser than minutes)")
STATED, CAME = mark("Chance that was stated"), mark("Came true")
TENTHS, SHARE_OF = mark("Where in the forecast the truth lay"), mark("Share of forecasts")
CURVES: Words[str] = Words(
    {
        "error": mark("Error over time: lower is better"),
        "skill": mark("Skill over time: above the line is better than naive"),
    }
)
CURVE_KEY = mark(
    "A line breaks where nothing was scored. A model that leaves the picture is named at its edge. "
    "▼ and a dotted line: drift noticed, the forecasts are no longer as good or bad as they were. "
    "Grey: the feed was down, nothing was scored."
)
TABLE_TITLE = mark("All models on the same forecasts")
BY_HORIZON, BY_HOUR = mark("By how far ahead"), mark("By hour of the day")
RELIABLE: Words[str] = Words(
    {
        "bike": mark("Is a stated chance of a bike right?"),
        "dock": mark("Is a stated chance of a space right?"),
    }
)
RELIABLE_KEY = mark("On the dashed line, odds are what they say; below it they promise too much.")
PIT_TITLE = mark("Is the spread right? (pool)")
PIT_KEY = mark("Level bars: right. High at both ends: too sure of itself. A hill in the middle: too unsure.")
COVER_TITLE = mark("How often the truth lay within the 80 % interval")
STATION_MAP, WORST = mark("Where it is better than naive"), mark("Stations where it does worst")
STATION_MAP_ALT = mark("Map of the stations by skill; the table of the worst ones says which they are.")
BUSY_TITLE = mark("Busy and quiet stations")
BUSY = ("quiet", "middle", "busy")
"""The thirds of the stations by how much their counts move, least first."""

ISSUED_TITLE = mark("We said / it was")
ISSUED_FIND, ISSUED_SHOW = mark("Station"), mark("Show")
ISSUED_SHOWN: Words[str] = Words(
    {
        "all": mark("all"),
        "outside": mark("outside the interval"),
        "missed": mark("off by 3 or more"),
    }
)
NO_ISSUED = mark(
    "Nothing that was said has come due yet: half an hour after the first forecast there is a row a station."
)
CITY_ONLY = mark("Stations, calibration and single forecasts are shown of one city at a time.")
SKILL_STEPS: Words[int] = Words(
    dict(
        enumerate(
            (
                mark("over 10 % better"),
                mark("1–10 % better"),
                mark("as good"),
                mark("1–10 % worse"),
                mark("over 10 % worse"),
            )
        )
    )
)
"""The five steps of skill by their number in `rules`, best first."""

SCORE_COLUMNS: Words[str] = Words(
    {
        "model": mark("Model", "that forecasts"),
        "mae": mark("MAE"),
        "better": mark("Against naive"),
        "rmse": mark("RMSE"),
        "crps": mark("CRPS"),
        "brier_bike": mark("Brier, bike"),
        "brier_dock": mark("Brier, space"),
        "cover80": mark("In 80 %"),
        "n": mark("Forecasts"),
        "what": mark("What it is"),
    }
)
STATION_COLUMNS: Words[str] = Words(
    {
        "name": mark("Station"),
        "skill": mark("Better by, %"),
        "pool": mark("Pool, bikes off"),
        "naive": mark("Naive, bikes off"),
        "n": mark("Forecasts"),
    }
)
BUSY_COLUMNS: Words[str] = Words(
    {
        "busy": mark("Stations"),
        "stations": mark("Number"),
        "naive": mark("Naive, bikes off"),
        "pool": mark("Pool, bikes off"),
        "skill": mark("Better by, %"),
        "worse": mark("Surely worse than naive, %"),
    }
)
ISSUED_COLUMNS: Words[str] = Words(
    {
        "said_at": mark("Said at"),
        "target_at": mark("For", "time"),
        "name": mark("Station"),
        "median": mark("We said"),
        "interval": mark("80 % interval"),
        "chance": mark("A bike, %", "column"),
        "was": mark("It was"),
        "off": mark("Off by"),
    }
)


def hours(chosen: str) -> str:
    """Write ranges of hours of the day, as `address_bar.written` gives them.

    >>> hours("7-10,16-19"), hours("")
    ('07:00–10:00, 16:00–19:00', 'all day')
    """
    ends = [part.split("-") for part in chosen.split(",") if part]
    return ", ".join(f"{int(a):02}:00–{int(b):02}:00" for a, b in ends) or tr("all day")


def finer(days: str, chosen: str, third: str) -> str:
    """Say which part of the forecasts is shown; "" for all.

    >>> finer("weekdays", "7-10", "all"), finer("all", "", "busy"), finer("all", "", "all")
    ('Monday to Friday · 07:00–10:00', 'busy third', '')
    """
    words = {DAYS[days]: days != "all", hours(chosen): chosen != "", THIRDS[third]: third != "all"}
    return " · ".join(word for word, is_asked in words.items() if is_asked)


def answers_for(chosen: str, everywhere: bool) -> str:
    """Say what the answers of a part of the forecasts rest on."""
    if everywhere:
        return tr("The answers are for {part} alone, by each city's own clocks.", part=chosen)
    return tr(
        "The first two answers are for {part} alone, since the start. Stations are judged at all hours.",
        part=chosen,
    )


def none_lately(newest: str) -> str:
    """Say that nothing was scored in the stretch on screen, but before."""
    return tr("Nothing in this stretch has been scored; the newest score is of {time}.", time=newest)


def hour_of_day(zone: str) -> str:
    """Head the axis of the hours of the day."""
    return tr("Hour of the day, {zone}", zone=zone)


def skill_tip() -> str:
    """Make the tooltip of a station on the map of skill. The browser fills in the names in braces."""
    columns = {name: f"{{{name}}}" for name in ("name", "pool", "naive", "said", "n")}
    return tr("{name}\npool: {pool} bikes off · naive: {naive}\n{said}, {n} forecasts", **columns)


def days_kept(horizon: int) -> str:
    """Say at which horizon and over which days single stations are compared."""
    return tr(
        "{duration} ahead, over the last days, for as long as scores of single stations are kept.",
        duration=minutes(horizon),
    )


def questions(horizon: int) -> tuple[str, str, str]:
    """Write the three questions of the page. One explains naive, for people who read nothing else."""
    return (
        tr("Which model is best {duration} ahead?", duration=minutes(horizon)),
        tr("Is the pool ever worse than “it stays as it is now” (naive)?"),
        tr("At which stations?"),
    )


def not_scored(horizon: int) -> str:
    """Say why there is nothing yet, and when there is.

    >>> not_scored(30)
    'No forecast 30 min ahead has come due in this stretch yet. The first does 30 min after the start.'
    """
    return tr(
        "No forecast {duration} ahead has come due in this stretch yet. The first does {duration} after the "
        "start.",
        duration=minutes(horizon),
    )


def only_scored_until(age: timedelta) -> str:
    """Say that counts are old, so the newest forecasts have no score yet.

    >>> only_scored_until(timedelta(minutes=46))
    'The newest counts are 46 min old: what has come due since then is not judged yet.'
    """
    return tr(
        "The newest counts are {duration} old: what has come due since then is not judged yet.",
        duration=duration(age),
    )


def measured(value: float, measure: str) -> str:
    """Write an error with its unit.

    >>> measured(1.234, "mae"), measured(0.0456, "brier_bike")
    ('1.23 bikes', '0.046')
    """
    return number(value, 3) if measure.startswith("brier") else tr("{n} bikes", n=number(value, 2))


def better(share: float) -> str:
    """Write how much better or worse than naive an error is.

    >>> better(0.194), better(-0.02), better(0.0001)
    ('19.4 % better than naive', '2.0 % worse than naive', 'as good as naive')
    >>> better(-2.74)
    '3.7 times as far off as naive'
    """
    if share <= -1:
        return tr("{n} times as far off as naive", n=number(1 - share, 1))
    if not round(100 * share, 1):
        return tr("as good as naive")
    if share > 0:
        return tr("{n} % better than naive", n=per_cent(share, 1))
    return tr("{n} % worse than naive", n=per_cent(-share, 1))


def _better_shortly(share: float) -> str:
    """Write how much better or worse than naive an error is, after a sentence that names naive."""
    if share <= -1:
        return tr("{n} times as far off as naive", n=number(1 - share, 1))
    if not round(100 * share, 1):
        return tr("as good as naive")
    if share > 0:
        return tr("{n} % better", n=per_cent(share, 1))
    return tr("{n} % worse", n=per_cent(-share, 1))


def best_model(
    name: str, alike: Sequence[str], since: str, error: float, pool: float, naive: float, measure: str
) -> str:
    """Say which model is best, since when that is more than luck, and how good the pool is.

    `alike` are the models that cannot be told apart from it; `since` is "" where there are any.

    >>> best_model("pool", [], "14 Nov 2026, 10:00", 1.0, 1.0, 1.25, "mae")
    'pool, by more than luck since 14 Nov 2026, 10:00: 1.00 bikes off, 20.0 % better than naive.'
    >>> best_model("pool", ["chain", "pull"], "", 1.0, 1.0, 1.25, "mae")
    'pool, chain and pull cannot be told apart yet. So far pool is 1.00 bikes off, 20.0 % better than naive.'
    >>> best_model("chain", ["pool"], "", 0.9, 1.0, 1.25, "mae").partition("naive. ")[2]
    'The map shows the pool: 1.00 bikes off, 20.0 % better.'
    """
    gain, pooled = (1 - each / naive if naive else 0.0 for each in (error, pool))
    values = {"model": name, "error": measured(error, measure), "better": better(gain)}
    if alike:
        *first, last = [name, *alike]
        words = " ".join(
            (
                tr("{models} and {model} cannot be told apart yet.", models=", ".join(first), model=last),
                tr("So far {model} is {error} off, {better}.", **values),
            )
        )
    else:
        words = tr("{model}, by more than luck since {time}: {error} off, {better}.", time=since, **values)
    if name == "pool":
        return words
    shown = tr(
        "The map shows the pool: {error} off, {better}.",
        error=measured(pool, measure),
        better=_better_shortly(pooled),
    )
    return f"{words} {shown}"


def worse_when(sign: int, since: str, worse: int, days: int, last: str) -> str:
    """Say whether the pool is better (1) or worse (-1) than naive by more than luck, and on which days.

    >>> worse_when(1, "14 Nov 2026, 10:00", 0, 12, "")
    'On none of 12 days. All in all it is better, by more than luck since 14 Nov 2026, 10:00.'
    >>> worse_when(0, "", 2, 12, "24 Nov 2026")
    'On 2 of 12 days, last on 24 Nov 2026. All in all the two cannot be told apart yet.'
    >>> worse_when(-1, "Tue 14:00", 1, 1, "24 Nov 2026")
    'On 1 of 1 day, last on 24 Nov 2026. All in all it is worse, by more than luck since Tue 14:00.'
    """
    if worse:
        on = plural(
            "On {worse} of {n} day, last on {date}.", "On {worse} of {n} days, last on {date}.", days,
            worse=number(worse), date=last,
        )  # fmt: skip
    else:
        on = plural("On none of {n} day.", "On none of {n} days.", days)
    if not sign:
        whole = tr("All in all the two cannot be told apart yet.")
    elif sign > 0:
        whole = tr("All in all it is better, by more than luck since {time}.", time=since)
    else:
        whole = tr("All in all it is worse, by more than luck since {time}.", time=since)
    return f"{on} {whole}"


def worse_where(worse: int, stations: int, names: Sequence[str]) -> str:
    """Say at how many stations a model is worse than naive, and at which most. Plain text: it names stations.

    >>> worse_where(0, 0, [])
    'No station has been judged yet.'
    >>> worse_where(0, 102, [])
    'Worse by more than luck at none of 102.'
    >>> worse_where(2, 102, ["Quay", "Park"])
    'Worse by more than luck at 2 of 102: Quay, Park.'
    >>> worse_where(9, 102, ["Quay"])
    'Worse by more than luck at 9 of 102: Quay and 8 more.'
    """
    values = {"worse": number(worse), "stations": number(stations), "names": ", ".join(names)}
    if not stations:
        return tr("No station has been judged yet.")
    if not worse:
        return tr("Worse by more than luck at none of {stations}.", **values)
    if worse > len(names):
        return tr(
            "Worse by more than luck at {worse} of {stations}: {names} and {more} more.",
            more=worse - len(names),
            **values,
        )
    return tr("Worse by more than luck at {worse} of {stations}: {names}.", **values)


def drift(noticed: Drift) -> str:
    """Describe a drift that the monitor noticed."""
    if noticed.after > noticed.before:
        return tr(
            "forecasts {minutes} min ahead became worse against naive than is usual at that hour",
            minutes=noticed.minutes,
        )
    return tr(
        "forecasts {minutes} min ahead became better against naive than is usual at that hour",
        minutes=noticed.minutes,
    )


def stretch(window: timedelta | None, zone: str) -> str:
    """Say what each point of a curve is."""
    if window is None:
        return tr("Each point is the average since the start. Times are those of {zone}.", zone=zone)
    return tr(
        "Each point is the average of the {duration} before it. Times are those of {zone}.",
        duration=duration(window),
        zone=zone,
    )


def since_when(at: str, n: float) -> str:
    """Say what the numbers rest on."""
    return plural(
        "Scored since {time}: {n} forecast.", "Scored since {time}: {n} forecasts.", round(n), time=at
    )


def same_issues(n: int, first: str, last: str, chosen: str) -> str:
    """Say which issue times, of the `chosen` hours, stand behind the comparison by how far ahead."""
    times = plural(
        "Every point is of the same {n} issue time, {first}.",
        "Every point is of the same {n} issue times, from {first} to {last}.",
        n,
        first=first,
        last=last,
    )
    words = [times, tr("The numbers above count forecasts of a station.")]
    if chosen:
        words.insert(1, tr("They were issued then: {part}.", part=chosen))
    return " ".join(words)


def judged_later(model: str, since: str, n: float, error: float, pool: float, measure: str) -> str:
    """Compare a model that was judged on a part of the forecasts alone; `since` is "" where that is no part.

    >>> judged_later("seed", "Tue 14:00", 3220, 0.82, 0.61, "mae")
    'seed is judged since Tue 14:00 alone. On these 3,220 forecasts it is 0.82 bikes off, pool 0.61 bikes.'
    >>> judged_later("seed", "", 0, 0.0, 0.0, "mae")
    'seed is judged on a few of these forecasts alone, so it is not compared.'
    """
    if not since:
        return tr("{model} is judged on a few of these forecasts alone, so it is not compared.", model=model)
    return plural(
        "{model} is judged since {since} alone. On this {n} forecast it is {error} off, pool {pool}.",
        "{model} is judged since {since} alone. On these {n} forecasts it is {error} off, pool {pool}.",
        round(n),
        model=model,
        since=since,
        error=measured(error, measure),
        pool=measured(pool, measure),
    )
