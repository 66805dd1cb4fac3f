"""The last part of the accuracy screen: issued forecasts, one by one, beside their truths."""

from __future__ import annotations

from datetime import timedelta

import streamlit as st

from dashboard.components.html import show, tag
from dashboard.screens.accuracy import tables
from dashboard.screens.accuracy.read import offer, stretch, suffix
from dashboard.state import address_bar
from dashboard.store_reader import reader
from dashboard.words import accuracy as accuracy_words
from dashboard.words import station as station_words
from ingest.system import System
from model.records import ANY


def draw(system: System) -> None:
    """List issued forecasts beside their truths, with filters. Runs again by itself."""
    source, screen, last, found = reader(), address_bar.screen(), suffix(system), stretch(system)
    view = source.view(system)
    if view.frame is None or found is None or found.kind != ANY:  # those kept one by one are of any bike
        return
    show(tag("h2", accuracy_words.ISSUED_TITLE(), cls="chart"))
    ahead = timedelta(minutes=screen.horizon)
    table = source.forecasts_and_truth(system.system_id, ahead)
    if table.empty:
        show(tag("p", accuracy_words.NO_ISSUED(), cls="note"))
        return
    with st.container(horizontal=True, key=f"said-filters{last}"):
        name = st.text_input(
            accuracy_words.ISSUED_FIND(), placeholder=station_words.SEARCH(), max_chars=80,
            key=f"said-find{last}",
        )  # fmt: skip
        only = st.segmented_control(
            accuracy_words.ISSUED_SHOW(), list(accuracy_words.ISSUED_SHOWN), default="all", required=True,
            format_func=accuracy_words.ISSUED_SHOWN.__getitem__, key=f"said-show{last}",
        )  # fmt: skip
    known = view.frame.stations
    table = tables.chosen(tables.named(table, known), known, name or "", only)
    st.dataframe(
        tables.issued_and_true(table, view.zone),
        hide_index=True, height=320, alt=accuracy_words.ISSUED_TITLE(),
    )  # fmt: skip
    offer(table, "said", accuracy_words.ISSUED_TITLE(), found)
