"""The boxes of the model page's diagram: a pipeline's parts by stage, in words and without a screen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from dashboard.pipeline import Competitor, Pipeline, PipelinePart
from dashboard.words import accuracy as accuracy_words
from dashboard.words import formats
from dashboard.words import model as model_words

Times = Mapping[str, tuple[float, float]]
"""Median and 95th percentile in seconds by what was measured: see `Health.times`."""

_LATER = {"pool": "mix", "shift": "mix", "guard": "mix", "drift_monitor": "judge", "seed": "compete"}
"""The stages of parts that do not belong to `learn`."""


@dataclass(frozen=True)
class PartBox:
    """A box of the diagram: a title, the kind of object, what it does in `words`, and its facts."""

    title: str
    kind: str = ""
    words: str = ""
    facts: list[str] = field(default_factory=list)


def stages(found: Pipeline, times: Times) -> dict[str, list[PartBox]]:
    """Lay the pipeline out: the boxes of each stage in `model_words.STAGES`."""
    boxes: dict[str, list[PartBox]] = {name: [] for name in model_words.STAGES}
    weather = next((part for part in found.parts if part.name == "weather"), None)
    hours = [] if weather is None else [model_words.fact("hours_told", weather.facts.get("hours_told", 0))]
    boxes["in"] += [
        PartBox(
            model_words.FEED_PART(),
            facts=[
                model_words.feed_stations(len(found.station_id)),
                model_words.answers_in(times.get("seconds")),
            ],
        ),
        PartBox(model_words.WEATHER_PART(), facts=hours),
    ]
    boxes["compete"] += map(_competitor, found.competitors)
    for part in found.parts:
        boxes[_LATER.get(part.name, "learn")].append(_part(part, found))
    boxes["judge"].insert(0, _waiting(found))
    return boxes


def _part(part: PipelinePart, found: Pipeline) -> PartBox:
    title = model_words.PARTS.get(part.name, part.name)
    # How many numbers a part keeps says little. A part without words of its own has nothing else to show.
    counts = [
        (name, value) for name, value in part.facts.items() if name != "numbers" or len(part.facts) == 1
    ]
    lines = [model_words.fact(name, value) for name, value in counts]
    if part.name == "seed":
        lines = [" → ".join(found.steps), *lines]
    if part.name == "guard":
        lines.append(model_words.held_share(float(found.held.mean())))
    return PartBox(title, part.kind, model_words.PART_HINTS.get(part.name, ""), lines)


def _competitor(competitor: Competitor) -> PartBox:
    lines = [model_words.reads(competitor.reads)] if competitor.reads else []
    lines += [model_words.fact(name, value) for name, value in competitor.settings.items()]
    words = formats.capital(formats.sentence(accuracy_words.MODELS.get(competitor.name, "")))
    return PartBox(competitor.name, competitor.kind, words, [*lines, model_words.reach(competitor.reach)])


def _waiting(found: Pipeline) -> PartBox:
    near = sum(n for minutes, n in found.waiting.items() if minutes <= 120)
    lines = [model_words.waiting_near(near), model_words.waiting_far(sum(found.waiting.values()) - near)]
    return PartBox(model_words.TRUTH_PART(), words=model_words.WAITING_WORDS(), facts=lines)
