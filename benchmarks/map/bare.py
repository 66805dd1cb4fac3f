"""The page to compare with: a slider, and the same points as one `st.pydeck_chart` of rows.

Written as Streamlit's documentation shows it, and as lean as it can be: the frame is decoded once for
everybody, a move makes nothing but the rows of its arrival time, and only columns that are drawn are sent.
"""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pandas as pd
import pydeck
import streamlit as st

from dashboard import palette
from dashboard.maps import deck
from dashboard.words import rules
from model.frame import Frame
from model.moments import frame_at


@st.cache_resource
def made_up() -> Frame:
    frame = Frame.from_bytes(Path(os.environ["BENCHMARK_FRAME"]).read_bytes())
    return frame_at(frame, range(0, 121, 5))


st.set_page_config(layout="wide")
frame = made_up()
minutes = st.slider("Arriving in", 0, 120, 0, step=5, format="%d min")
horizon = minutes // 5
chance, expected = frame.bike.chance[0, horizon], frame.bike.median[horizon]
steps = np.searchsorted([-bound for bound in rules.BOUNDS], -chance.astype(int), side="right")
colours = np.array([[*bytes.fromhex(colour[1:])] for colour in palette.STEPS])[np.clip(steps, 0, 4)]
rows = pd.DataFrame(
    {
        "lon": frame.stations.lon.round(5),
        "lat": frame.stations.lat.round(5),
        "name": frame.stations.name,
        "bikes": frame.bikes,
        "docks": frame.docks,
        "expected": expected,
        "chance": chance,
        "r": colours[:, 0],
        "g": colours[:, 1],
        "b": colours[:, 2],
    }
)
view = deck.viewport(frame.stations.lat, frame.stations.lon, 1000, 460)
st.pydeck_chart(
    pydeck.Deck(
        [
            pydeck.Layer(
                "ScatterplotLayer", data=rows, id="stations", pickable=True,
                get_position=["lon", "lat"], get_fill_color=["r", "g", "b"],
                get_radius="expected", radius_scale=20, radius_min_pixels=3,
            )
        ],
        initial_view_state=pydeck.ViewState(view.latitude, view.longitude, view.zoom),
        map_provider=None,
        tooltip={"text": "{name}\nnow: {bikes} bikes, {docks} spaces\nexpected: {expected}, {chance} %"},
    ),
    height=460,
)  # fmt: skip
