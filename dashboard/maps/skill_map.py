"""The map of skill: at which stations the pool is better than naive."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pydeck

from dashboard import palette
from dashboard.maps import deck as marks
from dashboard.maps import ground
from dashboard.words import accuracy as accuracy_words
from dashboard.words import formats, rules

_PIXELS = (600, 320)


def step(skill: pd.Series[float]) -> pd.Series[int]:
    """Tell which of `accuracy_words.SKILL_STEPS` each skill belongs to.

    >>> step(pd.Series([0.3, 0.1, 0.0, -0.1, -0.5])).tolist()
    [0, 0, 2, 3, 4]
    """
    steps = sum((skill < bound).astype(int) for bound in rules.SKILL_BOUNDS)
    return pd.Series(steps, index=skill.index)


def deck(stations: pd.DataFrame, dark: bool, label: str, system_id: str) -> marks.Deck:
    """Draw stations (`name`, `lat`, `lon`, `n`, `pool`, `naive`, `skill`) by the step of their skill."""
    known = stations[stations["skill"].notna() & stations["lat"].notna()]
    fills = np.array([palette.rgb(colour) for colour in palette.STEPS])[step(known["skill"])]
    points = [
        {"name": name, "at": [round(lon, 5), round(lat, 5)], "fill": fill,
         "said": accuracy_words.better(skill), "n": formats.number(n),
         "pool": formats.number(pool, 2), "naive": formats.number(naive, 2)}
        for name, lon, lat, fill, skill, n, pool, naive in zip(
            known["name"], known["lon"], known["lat"], fills.tolist(), known["skill"], known["n"],
            known["pool"], known["naive"], strict=True)
    ]  # fmt: skip
    view = marks.viewport(known["lat"].to_numpy(), known["lon"].to_numpy(), *_PIXELS)
    layer = pydeck.Layer(
        "ScatterplotLayer", points, id="skill", get_position="at", get_fill_color="fill",
        get_line_color=palette.rgb(palette.EDGE[dark]), stroked=True, line_width_min_pixels=1,
        get_radius=5, radius_units=pydeck.types.String("pixels"), pickable=True,
    )  # fmt: skip
    style = ground.style(dark, label, system_id)
    return marks.Deck(
        [layer],
        initial_view_state=pydeck.ViewState(
            latitude=view.latitude, longitude=view.longitude, zoom=view.zoom, min_zoom=1, max_zoom=18
        ),
        views=None,
        map_provider=None,
        **({} if style is None else {"map_style": style}),
        tooltip={"text": accuracy_words.skill_tip()},
    )
