"""What the feeds page says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from dashboard.words.catalogue import Message, Words, mark, plural, tr
from dashboard.words.formats import count, number, sentence
from dashboard.words.shell import STATES

FEEDS_HEADING = mark("All feeds")
FEEDS_TABLE = mark("all feeds")
FEEDS_WINDOW = mark(
    "Polls are counted over the last 24 hours, forecasts over the last 24 hours of each city's own time: "
    "one is of one station at one time ahead. Times of day are each city's own. What harms riders most comes "
    "first: feeds that fail, then those with the worst oddities."
)
LIST_FAULT = mark(
    "The list of cities has a fault, so cities are followed as they were before it. The worker's log says "
    "what is wrong."
)
FEED_COLUMNS: Words[str] = Words(
    {
        "feed": mark("Feed"),
        "state": mark("State"),
        "answered": mark("Last answer"),
        "age": mark("Age of counts"),
        "took": mark("Answers in"),
        "ttl": mark("Holds (ttl)"),
        "next": mark("Next poll"),
        "polls": mark("Polls"),
        "failed": mark("Failed"),
        "day": mark("Last 24 hours"),
        "oddities": mark("Oddities"),
        "waiting": mark("Forecasts waiting"),
        "settled": mark("Settled"),
        "expired": mark("Expired"),
    }
)
STRIP_KEY: Words[str] = Words(
    {
        "news": mark("tall: something new"),
        "still": mark("half: answered, nothing new"),
        "failed": mark("low: at least one poll failed"),
        "none": mark("empty: not polled"),
    }
)
"""What the bars of a feed's day mean, a quarter of an hour each."""

OUTCOMES: Words[str] = Words(
    {"news": mark("something new"), "still": mark("nothing new"), "failed": mark("failed")}
)
"""The three results of a poll."""

POLLS_CHART = mark("Polls of the last 24 hours, by the quarter-hour")
POLLS_CHART_ALT = mark("Polls by quarter-hour and by what they came to; the numbers below say the same.")
ODDITIES = mark("Oddities in what it sends")
NO_ODDITIES = mark("Nothing odd in its answers of the last 24 hours.")
LAST_FAILURE = mark("The last failure")
NO_FAILURE = mark("No poll has failed in the last 24 hours.")
NEVER = mark("never")
CLOSER = mark("Closer ↓")
NO_POLLS = mark("It has not been polled in the last 24 hours.")
POLLS_TABLE = mark("polls by quarter-hour")
ODDITIES_TABLE = mark("oddities in the last answers, with an example each")
ODD_COLUMNS: Words[str] = Words(
    {
        "what": mark("What is odd"),
        "done": mark("What is done about it"),
        "since": mark("Since"),
        "today": mark("Today"),
        "example": mark("For example"),
    }
)


def feed_stands(state: str, why: str, failures: int) -> str:
    """Write the state of a feed, the reason, and how often it failed in a row.

    >>> feed_stands("live", "", 0), feed_stands("unreachable", "no answer", 3)
    ('live', 'not reached: no answer. Failed 3 times in a row.')
    """
    stands = STATES.get(state, state)
    if why:
        stands = tr("{state}: {reason}", state=stands, reason=sentence(why))
    if failures <= 1:
        return stands
    again = plural("Failed {n} time in a row.", "Failed {n} times in a row.", failures, n=count(failures))
    return f"{stands} {again}"


def failed(at: str, words: str) -> str:
    """Write a failure in full. Plain text: it may quote what a feed's server answered.

    >>> failed("18:02", "it takes too long")
    '18:02: it takes too long.'
    """
    return tr("{time}: {reason}", time=at, reason=sentence(words or tr("no reason given")))


def lasted(since: str, until: str) -> str:
    """Write since when an oddity is there, or from when to when it was.

    >>> lasted("Mon 18:02", ""), lasted("18:02", "19:10")
    ('Mon 18:02', '18:02 to 19:10')
    """
    return tr("{begin} to {end}", begin=since, end=until) if until else since


def today(polls: int, cases: int) -> str:
    """Write how often an oddity occurred today.

    >>> today(1314, 2628), today(1, 1), today(0, 0)
    ('2,628 × in 1,314 polls', '1 × in 1 poll', 'not yet')
    """
    if not polls:
        return tr("not yet")
    return plural(
        "{cases} × in {n} poll", "{cases} × in {n} polls", polls, cases=number(cases), n=number(polls)
    )


def feeds_summary(names: Sequence[str], live: int, wrong: Sequence[str]) -> str:
    """Sum up in one sentence how all feeds are doing.

    >>> feeds_summary(["Dublin", "Lyon"], 2, [])
    'All 2 feeds are up.'
    >>> feeds_summary(["Dublin", "Lyon"], 1, ["Lyon silent since 18:02"])
    '1 of 2 feeds is up; Lyon silent since 18:02.'
    >>> feeds_summary(list("abcdefg"), 1, list("bcdefg"))
    '1 of 7 feeds is up; b; c; d; and 3 more.'
    """
    if live == len(names):
        if live == 1:
            return tr("{feed} is up.", feed=names[0])
        return plural("All {n} feed is up.", "All {n} feeds are up.", live, n=count(live))
    listed = [*wrong] if len(wrong) <= 4 else [*wrong[:3], tr("and {n} more", n=count(len(wrong) - 3))]
    return plural(
        "{n} of {all} feeds is up; {wrong}.",
        "{n} of {all} feeds are up; {wrong}.",
        live,
        n=count(live),
        all=count(len(names)),
        wrong="; ".join(listed),
    )


_NOT_LIVE: dict[str, tuple[Message, Message]] = {
    "waiting": (mark("{feed} waiting"), mark("{feed} waiting since {time}")),
    "silent": (mark("{feed} silent"), mark("{feed} silent since {time}")),
    "unreachable": (mark("{feed} not reached"), mark("{feed} not reached since {time}")),
    "refused": (mark("{feed} not usable"), mark("{feed} not usable since {time}")),
}


def not_live(name: str, state: str, since: str) -> str:
    """Say of a feed that it is not live, and since when.

    >>> not_live("Lyon", "silent", "18:02"), not_live("Lyon", "waiting", "")
    ('Lyon silent since 18:02', 'Lyon waiting')
    """
    alone, dated = _NOT_LIVE[state]
    return dated(feed=name, time=since) if since else alone(feed=name)


def kinds(many: int) -> str:
    """Write how many kinds of findings there are.

    >>> kinds(0), kinds(1), kinds(3)
    ('none', '1 kind', '3 kinds')
    """
    return plural("{n} kind", "{n} kinds", many, n=count(many)) if many else tr("none")


def strip_alt(quarters: Mapping[str, int]) -> str:
    """Describe the bars of a feed's day to people who do not see them.

    >>> strip_alt({"news": 90, "failed": 2, "none": 4})
    'Of 96 quarter-hours: something new 90, nothing new 0, failed 2, not polled 4'
    """
    return tr(
        "Of {all} quarter-hours: something new {news}, nothing new {still}, failed {failed}, not polled "
        "{none}",
        all=sum(quarters.values()),
        **{head: quarters.get(head, 0) for head in ("news", "still", "failed", "none")},
    )


def polls_tip(at: str, polls: int, outcome: str) -> str:
    """Write the tooltip of a bar: when, how many polls, and what they came to."""
    return tr("{time} · {polls} × {outcome}", time=at, polls=polls, outcome=OUTCOMES[outcome])
