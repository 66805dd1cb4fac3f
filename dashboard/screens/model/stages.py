"""The boxes of the model page's diagram: a pipeline's parts by stage, in words and without a screen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from dashboard.pipeline import Competitor, Pipeline, PipelinePart
from dashboard.words import text

Times = Mapping[str, tuple[float, float]]
"""Median and 95th percentile in seconds by what was measured: see `Health.times`."""

_LATER = {"pool": "mix", "guard": "mix", "drift_monitor": "judge", "seed": "compete"}
"""The stages of parts that do not belong to `learn`."""


@dataclass(frozen=True)
class PartBox:
    """A box of the diagram: a title, the kind of object, what it does in `words`, and its facts."""

    title: str
    kind: str = ""
    words: str = ""
    facts: list[str] = field(default_factory=list)


def stages(found: Pipeline, times: Times) -> dict[str, list[PartBox]]:
    """Lay the pipeline out: the boxes of each stage in `text.STAGES`."""
    boxes: dict[str, list[PartBox]] = {name: [] for name in text.STAGES}
    weather = next((part for part in found.parts if part.name == "weather"), None)
    hours = [] if weather is None else [text.fact("hours_told", weather.facts.get("hours_told", 0))]
    answered = text.both_times(times.get("seconds"))
    boxes["in"] += [
        PartBox(text.FEED_PART, facts=[f"{len(found.station_id):,} stations", f"answers in {answered}"]),
        PartBox(text.SKY_PART, facts=hours),
    ]
    boxes["compete"] += map(_competitor, found.competitors)
    for part in found.parts:
        boxes[_LATER.get(part.name, "learn")].append(_part(part, found))
    boxes["judge"].insert(0, _waiting(found))
    return boxes


def _part(part: PipelinePart, found: Pipeline) -> PartBox:
    title, words = text.PARTS.get(part.name, (part.name, ""))
    # How many numbers a part keeps says little. A part without words of its own has nothing else to show.
    counts = [
        (name, value) for name, value in part.facts.items() if name != "numbers" or len(part.facts) == 1
    ]
    lines = [text.fact(name, value) for name, value in counts]
    if part.name == "seed":
        lines = [" → ".join(found.steps), *lines]
    if part.name == "guard":
        lines.append(text.held_share(float(found.held.mean())))
    return PartBox(title, part.kind, words, lines)


def _competitor(competitor: Competitor) -> PartBox:
    read = [text.PARTS.get(name, (name, ""))[0].lower() for name in competitor.reads]
    lines = [f"{text.READS}: {', '.join(read)}"] if read else []
    lines += [text.fact(name, value) for name, value in competitor.settings.items()]
    words = text.capital(text.sentence(text.MODELS.get(competitor.name, "")))
    return PartBox(competitor.name, competitor.kind, words, [*lines, text.reach(competitor.reach)])


def _waiting(found: Pipeline) -> PartBox:
    near = sum(n for minutes, n in found.waiting.items() if minutes <= 120)
    lines = [text.waiting_near(near), text.waiting_far(sum(found.waiting.values()) - near)]
    return PartBox(text.TRUTH_PART, words=text.WAITING_WORDS, facts=lines)
