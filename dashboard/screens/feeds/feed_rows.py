"""The state of every feed, a row each, for the feeds page and for its downloads."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd

from dashboard.store_reader import DAY, StoreReader
from dashboard.words import feeds as feeds_words
from dashboard.words import formats
from dashboard.words import shell as shell_words
from dashboard.words.feed_errors import feed_error
from dashboard.words.findings import by_harm, done_about, example, finding, rank
from ingest.store import ANSWERED_OUTCOMES, OUTCOME_LEARNT, Health, NewestAnswer, Oddity, SystemState
from ingest.system import System, zone_of

QUARTER = timedelta(minutes=15)
QUARTERS = DAY // QUARTER

_STATES = {"refused": 0, "unreachable": 0, "silent": 1, "waiting": 2, "live": 3}
"""The states of a feed, ranked by harm to a rider."""

_NOTHING_ODD = sys.maxsize

Times = tuple[float, float]
"""Median and 95th percentile, in seconds."""


@dataclass(frozen=True)
class FeedRow:
    """The state of one feed. `quarters` are the last 24 hours by the quarter, named as in `STRIP_KEY`.

    `oddities` are what is odd now and what was in the last day, by harm to a rider.
    `answered_at` is the wall clock's, `age` how far its newest counts lie behind its own time.
    """

    system: System
    state: SystemState
    zone: ZoneInfo
    wall: datetime
    answer: NewestAnswer | None
    took: dict[str, Times]
    polls: int
    failed: int
    quarters: tuple[str, ...]
    settled: int
    expired: int
    oddities: tuple[Oddity, ...] = ()

    @property
    def harm(self) -> tuple[int, int]:
        """How much it harms a rider, the least number the most: its state first, then its worst finding."""
        worst = min((rank(each.finding.kind) for each in self.odd_now), default=_NOTHING_ODD)
        return _STATES.get(self.state.state, 0), worst

    @property
    def odd_now(self) -> list[Oddity]:
        """What is odd in its newest answer."""
        return [each for each in self.oddities if not each.gone]

    @property
    def name(self) -> str:
        """The name on screen."""
        return shell_words.city(self.system.name, self.system.city, self.system.label)

    @property
    def answered_at(self) -> datetime | None:
        """When it answered last; None where that is not known."""
        known = [self.state.received_at, None if self.answer is None else self.answer.received_at]
        return max((at for at in known if at is not None), default=None)

    @property
    def age(self) -> timedelta | None:
        """How old the newest counts are; None before there are any."""
        if self.state.received_at is None:
            return None
        return max(self.wall - self.state.received_at, timedelta(0)) * self.system.speed

    @property
    def next_in(self) -> timedelta | None:
        """The time until the next poll."""
        return None if self.state.next_poll_at is None else self.state.next_poll_at - self.wall


def feeds(source: StoreReader, only: str | None = None) -> list[FeedRow]:
    """Read the state of all followed feeds, or of one: what harms a rider most first, else in their order."""
    known = source.overview()
    wall, health = source.clock(), source.health(list(known))
    counts = dict(list(health.counts.groupby("system_id")))
    none = health.counts[:0]
    odd = source.oddities(list(known))
    rows = [
        feed(system, state, health, counts.get(system_id, none), odd[system_id], wall)
        for system_id, (system, state) in known.items()
        if only in (None, system_id)
    ]
    return sorted(rows, key=lambda row: row.harm)


def feed(
    system: System,
    state: SystemState,
    health: Health,
    counts: pd.DataFrame,
    odd: Sequence[Oddity],
    wall: datetime,
) -> FeedRow:
    """Make the row of one feed; `counts` are numbers of its polls by quarter-hour and outcome."""
    system_id = system.system_id
    outcomes = [*zip(counts["outcome"].tolist(), counts["n"].tolist(), strict=True)]
    settled, expired = health.settled.get(system_id, (0, 0))
    return FeedRow(
        system=system,
        state=state,
        zone=zone_of(health.zones.get(system_id, "UTC")),
        wall=wall,
        answer=health.newest.get(system_id),
        took=health.times[system_id],
        polls=sum(n for _, n in outcomes),
        failed=sum(n for outcome, n in outcomes if outcome not in ANSWERED_OUTCOMES),
        quarters=tuple(quarters(counts, wall)),
        settled=settled,
        expired=expired,
        oddities=tuple(by_harm(odd)),
    )


def result_of(outcome: str) -> str:
    """Sum up the outcome of a poll as one of three results: see `feeds_words.OUTCOMES`.

    >>> [result_of(outcome) for outcome in ("learnt", "late", "timeout")]
    ['news', 'still', 'failed']
    """
    return "news" if outcome == OUTCOME_LEARNT else "still" if outcome in ANSWERED_OUTCOMES else "failed"


def first_quarter(wall: datetime) -> datetime:
    """Give the beginning of the first quarter-hour of the last day's 96: the running one is the last."""
    quarter = QUARTER.total_seconds()
    running = datetime.fromtimestamp(wall.timestamp() // quarter * quarter, UTC)
    return running - (QUARTERS - 1) * QUARTER


def quarters(counts: pd.DataFrame, wall: datetime) -> Iterator[str]:
    """Sum up the polls of each quarter-hour of the last day: a failure outweighs all else."""
    heads: dict[int, set[str]] = {}
    for at, outcome in zip(counts["at"].astype(np.int64).tolist(), counts["outcome"].tolist(), strict=True):
        heads.setdefault(at, set()).add(result_of(outcome))
    first = int(first_quarter(wall).timestamp())
    for at in range(first, first + int(DAY.total_seconds()), int(QUARTER.total_seconds())):
        seen = heads.get(at, set())
        yield next((head for head in ("failed", "news", "still") if head in seen), "none")


def summary(known: Sequence[FeedRow]) -> str:
    """Sum up the state of all feeds in a line."""
    wrong = [
        feeds_words.not_live(feed.system.city or feed.system.name, feed.state.state, _since(feed))
        for feed in known
        if feed.state.state != "live"
    ]
    return feeds_words.feeds_summary([feed.name for feed in known], len(known) - len(wrong), wrong)


def _since(feed: FeedRow) -> str:
    """Write since when a feed is not live: its last answer, or the last news of a silent one."""
    at = feed.state.received_at if feed.state.state == "silent" else feed.answered_at
    return "" if at is None else formats.moment(at, feed.wall, feed.zone)


def table(known: Sequence[FeedRow]) -> pd.DataFrame:
    """Lay the feeds out as numbers, seconds and aware times, for a download."""
    rows = []
    for feed in known:
        (p50, p95), answer = feed.took.get("seconds", (None, None)), feed.answer
        rows.append(
            {
                "system_id": feed.system.system_id,
                "name": feed.name,
                "state": shell_words.STATES.get(feed.state.state, feed.state.state),
                "why": feed_error(feed.state.reason),
                "answered_at": feed.answered_at,
                "age_seconds": None if feed.age is None else feed.age.total_seconds(),
                "answer_p50_seconds": p50,
                "answer_p95_seconds": p95,
                "ttl_seconds": None if answer is None else answer.ttl_seconds,
                "next_poll_at": feed.state.next_poll_at,
                "failures_in_a_row": feed.state.failures,
                "polls": feed.polls,
                "failed": feed.failed,
                "kinds_of_oddities": None if answer is None else len(feed.odd_now),
                "forecasts_waiting": None if answer is None else answer.waiting,
                "forecasts_settled": feed.settled,
                "forecasts_expired": feed.expired,
            }
        )
    return pd.DataFrame(rows)


ODDITY_KEYS = (
    "system_id", "name", "kind", "what", "done", "since", "last_at", "now", "polls_today", "cases_today",
    "cases_in_last_poll", "example",
)  # fmt: skip
"""The columns of the oddities as a file."""


def oddities(known: Sequence[FeedRow]) -> pd.DataFrame:
    """Lay out what is odd in every feed, for a download: by feed, what harms a rider most first."""
    rows = [
        (feed.system.system_id, feed.name, each.finding.kind, finding(each.finding.kind),
         done_about(each.finding.kind), each.since, each.last_at, not each.gone, each.polls, each.cases,
         each.finding.count, example(each.finding.example))
        for feed in known
        for each in feed.oddities
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=[*ODDITY_KEYS])


def last_24_hours(wall: datetime, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """Give where the last day's quarter-hours begin and end, by the city's clocks, without a zone."""
    first = first_quarter(wall).astimezone(zone).replace(tzinfo=None)
    return first, first + DAY


def history(counts: pd.DataFrame, wall: datetime, zone: ZoneInfo) -> pd.DataFrame:
    """Count a feed's polls of the last day by the quarter-hour `at` and by outcome.

    `begin` and `end` are what the city's clocks show, without a zone: charts write times as they are. The
    polls of a quarter-hour are stacked from `low` to `high`.
    """
    recent = counts[counts["at"] >= first_quarter(wall)]
    heads = recent.assign(head=[result_of(outcome) for outcome in recent["outcome"]])
    known = heads.groupby(["at", "head"])["n"].sum().reset_index()
    begin = [at.astimezone(zone).replace(tzinfo=None) for at in known["at"]]
    high = known.groupby("at")["n"].cumsum()
    return pd.DataFrame(
        {
            "at": known["at"],
            "outcome": [feeds_words.OUTCOMES[head] for head in known["head"]],
            "polls": known["n"],
            "low": high - known["n"],
            "high": high,
            "begin": begin,
            "end": [at + QUARTER for at in begin],
            "tip": [
                feeds_words.polls_tip(formats.clock(at), n, head)
                for at, n, head in zip(begin, known["n"], known["head"], strict=True)
            ],
        }
    )
