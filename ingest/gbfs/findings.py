"""What is odd in a feed, counted by kind, and what makes a poll fail; in words for people."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

from ingest.gbfs.values import clean

FINDINGS = {
    "bad_count": "counts that are missing or make no sense, taken as unknown",
    "bad_document": "a document beside the station feeds could not be read",
    "charset": "text that is not UTF-8",
    "duplicate_key": "keys given twice in one object, the last one taken",
    "duplicate_station": "stations given twice, the first one taken",
    "future_time": "the feed's time lies in the future, the time of receipt is used",
    "no_docks": "stations without a number of free docks, so without a forecast of spaces",
    "no_id": "stations without an id, passed over",
    "no_name": "stations without a name, shown by their id",
    "no_position": "stations without a position, passed over",
    "no_time": "the feed does not tell its time, the time of receipt is used",
    "no_zone": "the time zone is not told, so taken from the stations' position",
    "not_a_number": "NaN or Infinity where a number should be",
    "old_time": "the feed's time is more than a day old, the time of receipt is used",
    "status_only": "stations with counts that the station information does not describe yet",
    "status_missing": "stations without counts",
    "still_time": "the feed's time stands still though its counts change, the time of receipt is used",
    "slow_time": "the feed's time went back for good, the time of receipt is used",
    "long_ttl": "the feed asks for longer waits than live counts can have",
}
"""What each kind of finding means, in words that can follow a number of cases."""


@dataclass(frozen=True)
class Finding:
    """Something odd in a feed: of which kind, how often, and one case of it."""

    kind: str
    count: int
    example: str = ""

    @property
    def words(self) -> str:
        """Say it to a person."""
        return FINDINGS.get(self.kind, self.kind)


class Findings:
    """Counts what is odd while a document is read; the first case of each kind is kept as the example."""

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()
        self._examples: dict[str, str] = {}

    def add(self, kind: str, example: object = "", count: int = 1) -> None:
        """Count one more."""
        self._counts[kind] += count
        self._examples.setdefault(kind, clean(str(example), 80))

    def all(self) -> tuple[Finding, ...]:
        """Give all, by kind."""
        return tuple(Finding(kind, n, self._examples[kind]) for kind, n in sorted(self._counts.items()))


FeedState = Literal["unreachable", "refused"]


class FeedError(Exception):
    """A poll that brought nothing; the last good snapshot stays.

    `state` is "unreachable" where no usable answer came this time, and "refused" where the operator does not
    let us read or has nothing to read, until someone acts. `words` are for people, `kind` for tables.
    """

    def __init__(self, state: FeedState, words: str, kind: str, retry_after: timedelta | None = None) -> None:
        super().__init__(words)
        self.state = state
        self.words = words
        self.kind = kind
        self.retry_after = retry_after
