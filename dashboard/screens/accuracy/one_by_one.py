"""The last part of the accuracy screen: issued forecasts, one by one, beside their truths."""

from __future__ import annotations

from datetime import timedelta

import streamlit as st

from dashboard.components import downloads
from dashboard.components.html import show, tag
from dashboard.screens.accuracy import tables
from dashboard.state import address_bar
from dashboard.store_reader import reading
from dashboard.words import text
from ingest.system import System


def draw(system: System) -> None:
    """List issued forecasts beside their truths, with filters. Runs again by itself."""
    source, screen = reading(), address_bar.screen()
    view = source.view(system)
    if view.frame is None:
        return
    show(tag("h2", text.SAID_TITLE, cls="chart"))
    ahead = timedelta(minutes=screen.horizon)
    table = source.forecasts_and_truth(system.system_id, ahead)
    if table.empty:
        show(tag("p", text.NO_SAID, cls="note"))
        return
    with st.container(horizontal=True, key="said-filters"):
        name = st.text_input(text.SAID_FIND, placeholder=text.SEARCH, max_chars=80, key="said-find")
        only = st.segmented_control(
            text.SAID_SHOW, list(text.SAID_SHOWN), default="all", required=True,
            format_func=text.SAID_SHOWN.__getitem__, key="said-show",
        )  # fmt: skip
    known = view.frame.stations
    table = tables.chosen(tables.named(table, known), known, name or "", only)
    st.dataframe(
        tables.issued_and_true(table, view.zone),
        hide_index=True, height=320, alt=text.SAID_TITLE,
    )  # fmt: skip
    downloads.offer(table, "said", text.SAID_TITLE)
