"""The numbers of the model page: a pipeline's parts, and a station's rates and weights, as tables."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from dashboard.pipeline import Pipeline
from dashboard.words import formats
from dashboard.words import model as model_words
from model.scoring.issue import SCORED_MINUTES


def parts(found: Pipeline) -> pd.DataFrame:
    """List every count of every part, for a download."""
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
    for day, kind in enumerate(model_words.DAY_KINDS.values()):
        for side, (key, name) in enumerate(model_words.RIDERS_SIDE.items()):
            for slot, rate in enumerate([*table[day, :, side].tolist(), float(table[day, 0, side])]):
                minutes = slot * 1440 // slots
                clock = f"{minutes // 60:02}:{minutes % 60:02}"
                rows.append((kind, clock, minutes / 60, name, rate, model_words.rate_tip(clock, rate, key)))
    return pd.DataFrame(rows, columns=["days", "clock", "hour", "side", "rate", "tip"])


def evidence(found: Pipeline, index: int | None) -> str:
    """Write on how much evidence the rates rest."""
    riders = found.riders.sum(axis=1, dtype=np.float64) if index is None else found.riders[:, index]
    hours = found.hours.sum(dtype=np.float64) if index is None else found.hours[:, index].sum()
    return model_words.learnt_from(float(riders[0]), float(riders[1]), float(hours) / 2)


def weights(found: Pipeline, index: int | None) -> pd.DataFrame:
    """Lay out the pool's weights at a station, or in the whole city, by scored minutes ahead."""
    table = found.city if index is None else found.weights[..., index]
    rows = [
        (
            minutes, formats.minutes(minutes), place, competitor.name,
            float(weight), model_words.weight_tip(minutes, competitor.name, float(weight)),
        )
        for minutes, row in zip(SCORED_MINUTES, table, strict=True)
        for place, (competitor, weight) in enumerate(zip(found.competitors, row, strict=True))
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=["minutes", "ahead", "order", "expert", "weight", "tip"])


def trust(found: Pipeline, index: int | None) -> str:
    """Write on how many truths the weights rest, and where the guard holds the median."""
    if index is None:
        return model_words.trusted(float(found.settled.sum(dtype=np.float64)))
    held = [minutes for minutes, row in zip(SCORED_MINUTES, found.held, strict=True) if row[index]]
    weighed = model_words.trusted(float(found.settled[:, index].sum()))
    return f"{weighed} {model_words.held_at(held, len(SCORED_MINUTES))}"
