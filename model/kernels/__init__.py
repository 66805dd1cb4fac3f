"""The compiled inner loops: the forecaster's, many stations side by side in one pass, and made-up riders.

Numba takes half a second and 100 MB to load. A process loads it at the first use of a kernel.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from model.kernels.judging import issued_odds, judge
    from model.kernels.learning import count_by_fill, count_riders, smoothed_rates, spend, usual_fill
    from model.kernels.outlook import expert_levels, frame_columns, pooled_odds
    from model.kernels.places import nearest_in_order
    from model.kernels.rates import flows_in_steps, put_stations
    from model.kernels.rides import ride
    from model.kernels.simplex import minimise

__all__ = [
    "count_by_fill",
    "count_riders",
    "expert_levels",
    "flows_in_steps",
    "frame_columns",
    "issued_odds",
    "judge",
    "minimise",
    "nearest_in_order",
    "pooled_odds",
    "put_stations",
    "ride",
    "smoothed_rates",
    "spend",
    "usual_fill",
]

_FILES = {
    "count_by_fill": "learning",
    "count_riders": "learning",
    "expert_levels": "outlook",
    "flows_in_steps": "rates",
    "frame_columns": "outlook",
    "issued_odds": "judging",
    "judge": "judging",
    "minimise": "simplex",
    "nearest_in_order": "places",
    "pooled_odds": "outlook",
    "put_stations": "rates",
    "ride": "rides",
    "smoothed_rates": "learning",
    "spend": "learning",
    "usual_fill": "learning",
}


def __getattr__(name: str) -> Any:
    """Load a kernel at its first use."""
    if name not in _FILES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    kernel = getattr(import_module(f"{__name__}.{_FILES[name]}"), name)
    globals()[name] = kernel
    return kernel
