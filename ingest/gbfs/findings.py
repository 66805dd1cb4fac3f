"""What is odd in a feed, counted by kind. `dashboard.words.findings` words each kind for people."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from ingest.reason import Reason
from ingest.text import clean
from model.identity import Renumbering
from model.records import Stations


@dataclass(frozen=True)
class Finding:
    """Something odd in a feed: its kind, how often it occurs, and one example of it.

    The example is what the feed sent, or the reason why a document cannot be read.
    """

    kind: str
    count: int
    example: str | Reason = ""


class Findings:
    """Counts what is odd while a document is read; the first case of each kind is the example."""

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()
        self._examples: dict[str, str | Reason] = {}

    def add(self, kind: str, example: object = "", count: int = 1) -> None:
        """Count one case, or `count`. A test holds that there are words for each kind."""
        self._counts[kind] += count
        self._examples.setdefault(kind, example if isinstance(example, Reason) else clean(str(example), 80))

    def all(self) -> tuple[Finding, ...]:
        """Give all findings, ordered by kind."""
        return tuple(Finding(kind, n, self._examples[kind]) for kind, n in sorted(self._counts.items()))


def of_renumbering(changed: Renumbering, before: Stations, now: Stations) -> tuple[Finding, ...]:
    """Give the findings about a new description that changed what ids mean, with an example each."""
    findings = Findings()
    if changed.renamed:
        old, new = min(changed.renamed.items())
        findings.add("renumbered", f"{old}: {new}", len(changed.renamed))
    if changed.begun:
        key = min(changed.begun)
        names = (
            dict(zip(each.station_id.tolist(), each.name.tolist(), strict=True)) for each in (before, now)
        )
        was, is_now = (of.get(key, "?") for of in names)
        findings.add("reused_id", f"{key}: {was}, {is_now}", len(changed.begun))
    return findings.all()
