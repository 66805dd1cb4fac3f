"""What the model page says of a pipeline: its parts by stage, and a station's rates and weights as tables."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import numpy as np
import pandas as pd

from dashboard.pipeline import Competitor, Pipeline, PipelinePart
from dashboard.words import text
from model.scoring.issue import SCORED_MINUTES

Box = Callable[[str, str, str, Iterable[str]], str]
Times = Mapping[str, tuple[float, float]]

_LATER = {"pool": "mix", "guard": "mix", "watch": "judge", "seed": "compete"}
"""Parts that stand elsewhere than among what is learnt from every update."""


def stages(found: Pipeline, times: Times, box: Box) -> Iterator[tuple[str, list[str]]]:
    """Lay the pipeline out: the boxes of each stage in `text.STAGES`, made by `box`."""
    drawn: dict[str, list[str]] = {name: [] for name in text.STAGES}
    weather = next((part for part in found.parts if part.name == "weather"), None)
    told = [] if weather is None else [text.fact("hours_told", weather.facts.get("hours_told", 0))]
    answered = text.both_times(times.get("seconds"))
    drawn["in"].append(
        box(text.FEED_PART, "", "", [f"{len(found.station_id):,} stations", f"answers in {answered}"])
    )
    drawn["in"].append(box(text.SKY_PART, "", "", told))
    for competitor in found.competitors:
        drawn["compete"].append(_competitor(competitor, box))
    for part in found.parts:
        drawn[_LATER.get(part.name, "learn")].append(_part(part, found, box))
    drawn["judge"].insert(0, _waiting(found, box))
    yield from drawn.items()


def _part(part: PipelinePart, found: Pipeline, box: Box) -> str:
    title, words = text.PARTS.get(part.name, (part.name, ""))
    # How many numbers a part keeps says little, but it is all there is of one that nobody has written of.
    counts = [
        (name, value) for name, value in part.facts.items() if name != "numbers" or len(part.facts) == 1
    ]
    lines = [text.fact(name, value) for name, value in counts]
    if part.name == "seed":
        lines = [" → ".join(found.steps), *lines]
    if part.name == "guard":
        lines.append(text.held_share(float(found.held.mean())))
    return box(title, part.kind, words, lines)


def _competitor(competitor: Competitor, box: Box) -> str:
    read = [text.PARTS.get(name, (name, ""))[0].lower() for name in competitor.reads]
    lines = [f"{text.READS}: {', '.join(read)}"] if read else []
    lines += [text.fact(name, value) for name, value in competitor.settings.items()]
    words = text.capital(text.sentence(text.MODELS.get(competitor.name, "")))
    return box(competitor.name, competitor.kind, words, [*lines, text.reach(competitor.reach)])


def _waiting(found: Pipeline, box: Box) -> str:
    near = sum(n for minutes, n in found.waiting.items() if minutes <= 120)
    lines = [text.waiting_near(near), text.waiting_far(sum(found.waiting.values()) - near)]
    return box(text.TRUTH_PART, "", text.WAITING_WORDS, lines)


def parts(found: Pipeline) -> pd.DataFrame:
    """List every count of every part, to download."""
    rows = [
        (part.name, part.kind, name, float(value))
        for part in found.parts
        for name, value in part.facts.items()
    ]
    return pd.DataFrame(rows, columns=["part", "kind", "count", "value"])


def rates(found: Pipeline, index: int | None) -> pd.DataFrame:
    """Lay a station's rates out, or the sum of all: riders `rate` an hour by kind of day and `hour`."""
    table = (
        found.rates.sum(axis=3, dtype=np.float64) if index is None else found.rates[..., index].astype(float)
    )
    slots = table.shape[1]
    rows: list[tuple[Any, ...]] = []
    for day, kind in enumerate(text.DAY_KINDS):
        for side, name in enumerate(text.RIDERS_SIDE.values()):
            for slot, rate in enumerate([*table[day, :, side].tolist(), float(table[day, 0, side])]):
                minutes = slot * 1440 // slots
                clock = f"{minutes // 60:02}:{minutes % 60:02}"
                rows.append((kind, clock, minutes / 60, name, rate, f"{clock} · {rate:.1f} {name} an hour"))
    return pd.DataFrame(rows, columns=["days", "clock", "hour", "side", "rate", "said"])


def evidence(found: Pipeline, index: int | None) -> str:
    """Say what the rates rest on."""
    riders = found.riders.sum(axis=1, dtype=np.float64) if index is None else found.riders[:, index]
    hours = found.hours.sum(dtype=np.float64) if index is None else found.hours[:, index].sum()
    return text.learnt_from(float(riders[0]), float(riders[1]), float(hours) / 2)


def weights(found: Pipeline, index: int | None) -> pd.DataFrame:
    """Lay out whom the pool trusts at a station, or in the city as a whole, by scored minutes ahead."""
    table = found.city if index is None else found.weights[..., index]
    rows = [
        (
            minutes, text.minutes(minutes), place, competitor.name,
            float(weight), f"{text.minutes(minutes)} ahead · {competitor.name}: {weight:.0%}",
        )
        for minutes, row in zip(SCORED_MINUTES, table, strict=True)
        for place, (competitor, weight) in enumerate(zip(found.competitors, row, strict=True))
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=["minutes", "ahead", "order", "expert", "weight", "said"])


def trust(found: Pipeline, index: int | None) -> str:
    """Say what the weights rest on, and where the guard holds the median."""
    if index is None:
        return text.trusted(float(found.settled.sum(dtype=np.float64)))
    held = [minutes for minutes, row in zip(SCORED_MINUTES, found.held, strict=True) if row[index]]
    return f"{text.trusted(float(found.settled[:, index].sum()))} {text.held_at(held, len(SCORED_MINUTES))}"
