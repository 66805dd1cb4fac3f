"""The chain experts: the station as a queue, whose riders come and go at the learnt rates."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from model.demand.occupancy_effect import OccupancyEffect
    from model.demand.rates import Demand


@dataclass(frozen=True, eq=False)
class ChainExpert:
    """The birth–death chain on learnt demand, and its variants: see `model.kernels.chain`.

    `arrivals` and `departures` multiply the rates: a day is not its average, and the pool mixes days with
    more and with fewer bikes. With an `occupancy_effect`, rates depend on how full the station is.
    """

    demand: Demand
    arrivals: float = 1.0
    departures: float = 1.0
    occupancy_effect: OccupancyEffect | None = None
