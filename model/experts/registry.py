"""The registry of experts: one entry each. The pool, the checkpoint, the page and the API follow from it.

To add an expert, write a class with `odds` in a file of its own and add an entry here. Older checkpoints are
adapted by name. `naive` must stay: skill and drift are measured against it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from model.experts.chain import ChainExpert
from model.experts.climatology import ClimatologyExpert
from model.experts.expert import DAY_MINUTES, NEAR_MINUTES, Expert, ExpertModel
from model.experts.naive import NaiveExpert
from model.experts.spread import SpreadExpert

if TYPE_CHECKING:
    from model.demand.changes import Changes
    from model.demand.climatology import Climatology
    from model.demand.occupancy_effect import OccupancyEffect
    from model.demand.rates import Demand


@dataclass(frozen=True, eq=False)
class ExpertInputs:
    """The components that experts read. Each learns once, and several experts may share it.

    `long_demand` remembers for about twenty days and `short_demand` for about ten.
    """

    long_demand: Demand
    short_demand: Demand
    occupancy_effect: OccupancyEffect
    changes: Changes
    climatology: Climatology


@dataclass(frozen=True)
class ExpertEntry:
    """One expert of the registry.

    `name` goes into checkpoints and scores: never change it, and never use it for another idea. `reach` is in
    minutes. `first_weight` is relative to the other experts' and decides how a new city is forecast.
    `description` tells people in half a sentence what the expert does. It is a message of the catalogue:
    `make words` finds it as the fourth argument, so write it there, in English.
    """

    name: str
    reach: int
    first_weight: float
    description: str
    build: Callable[[ExpertInputs], ExpertModel]


EXPERTS: tuple[ExpertEntry, ...] = (
    ExpertEntry("naive", DAY_MINUTES, 20.0, "it stays as it is now", lambda inputs: NaiveExpert()),
    ExpertEntry(
        "spread",
        DAY_MINUTES,
        6.0,
        "naive, less sure of itself",
        lambda inputs: SpreadExpert(inputs.changes),
    ),
    ExpertEntry(
        "climatology",
        DAY_MINUTES,
        1.0,
        "as is usual at that hour of such a day",
        lambda inputs: ClimatologyExpert(inputs.climatology),
    ),
    ExpertEntry(
        "chain",
        DAY_MINUTES,
        1.0,
        "riders come and go as is usual at that hour",
        lambda inputs: ChainExpert(inputs.long_demand),
    ),
    ExpertEntry(
        "more",
        NEAR_MINUTES,
        0.2,
        "chain, on a day when more bikes come",
        lambda inputs: ChainExpert(inputs.long_demand, arrivals=1.45, departures=1 / 1.45),
    ),
    ExpertEntry(
        "fewer",
        NEAR_MINUTES,
        0.2,
        "chain, on a day when fewer bikes come",
        lambda inputs: ChainExpert(inputs.long_demand, arrivals=1 / 1.45, departures=1.45),
    ),
    ExpertEntry(
        "pull",
        DAY_MINUTES,
        1.0,
        "chain, drawn back to how full a station usually is",
        lambda inputs: ChainExpert(inputs.short_demand, occupancy_effect=inputs.occupancy_effect),
    ),
)
"""All experts, naive first. By the first weights a new city is forecast nearly as it is now."""


def build_experts(inputs: ExpertInputs) -> tuple[Expert, ...]:
    """Build every expert of the registry, in its order."""
    return tuple(
        Expert(entry.name, entry.reach, entry.first_weight, entry.build(inputs)) for entry in EXPERTS
    )
