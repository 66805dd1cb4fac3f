"""The limits of the pages: from when on a chance is likely, a station far, or a model better. No words.

Words for each are in the modules of the pages.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal

from model.trip import Ride

What = Literal["bike", "ebike", "plain_bike", "space"]
"""What a rider wants on arrival: a bike to take, of any kind or of one, or a space to leave one.

The names are those of a frame's outlooks.
"""

TAKEN: Mapping[Ride, What] = MappingProxyType(
    {"bike": "bike", "ebike": "ebike", "ebike_first": "bike", "plain_bike": "plain_bike"}
)
"""What a rider takes on a trip, by what is to be ridden: a plain bike will do where an e-bike comes first."""

Direction = Literal["leave", "arrive"]
"""Whether the chosen moment is that of leaving on a trip, or the one to be there by."""

BOUNDS = (90, 65, 35, 10)
"""Per cent at which each of the five steps of chance begins, but for the last."""

NO_STEP, CLOSED_STEP = -1, -2
"""What stands for a step where nothing is forecast, and where a station is closed."""

LIKELY = BOUNDS[1]
"""Per cent from which a station counts as good: likely or almost sure."""

SKILL_BOUNDS = (0.10, 0.01, -0.01, -0.10)
"""Skill against naive at which each of the five steps of skill begins, but for the last."""

FAR_KM = 5
"""A viewer farther than this from every station is not in the city."""

SEVERAL_DAYS = 6
"""A moment fewer days off than this is named by its weekday, another by its date."""


def step(chance: int) -> int:
    """Tell which of the five steps a chance in per cent belongs to; 0 is the best.

    >>> [step(chance) for chance in (100, 90, 89, 50, 10, 9)]
    [0, 0, 1, 2, 3, 4]
    """
    return sum(chance < bound for bound in BOUNDS)
