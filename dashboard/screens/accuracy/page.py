"""Accuracy: how right every model has been, live, on the forecasts that people saw."""

from __future__ import annotations

from typing import get_args

import streamlit as st

from dashboard.components import page_shell
from dashboard.screens.accuracy import details, one_by_one, over_time
from dashboard.state import address_bar
from dashboard.state.address_bar import Measure, Past
from dashboard.words import accuracy as accuracy_words
from dashboard.words import formats
from ingest.settings import Settings
from model.scoring.issue import SCORED_MINUTES
from model.scoring.own import OWN


def page() -> None:
    system = page_shell.enter("accuracy")
    if system is None:
        return
    controls()
    st.fragment(over_time.draw, run_every=page_shell.often(system, 5, 60))(system)
    st.fragment(details.draw, run_every=60)(system)
    if not address_bar.screen().everywhere:
        st.fragment(one_by_one.draw, run_every=60)(system)


def controls() -> None:
    """Ask how far ahead, by which measure, over which stretch, and which models."""
    screen, measures, pasts = address_bar.screen(), get_args(Measure), get_args(Past)
    with st.container(horizontal=True, key="questions"):
        st.selectbox(
            accuracy_words.HORIZON(), SCORED_MINUTES, SCORED_MINUTES.index(screen.horizon),
            format_func=lambda minutes: formats.minutes(minutes),
            key=address_bar.key("horizon"), on_change=address_bar.take, args=("horizon",),
        )  # fmt: skip
        st.selectbox(
            accuracy_words.MEASURE(), measures, measures.index(screen.measure),
            format_func=accuracy_words.MEASURES.__getitem__,
            key=address_bar.key("measure"), on_change=address_bar.take, args=("measure",),
        )  # fmt: skip
        st.selectbox(
            accuracy_words.PAST(), pasts, pasts.index(screen.past),
            format_func=accuracy_words.PASTS.__getitem__,
            key=address_bar.key("past"), on_change=address_bar.take, args=("past",),
        )  # fmt: skip
        st.toggle(
            accuracy_words.EVERYWHERE(),
            screen.everywhere,
            key=address_bar.key("everywhere"),
            on_change=address_bar.take,
            args=("everywhere",),
        )
        st.pills(
            accuracy_words.MODELS_SHOWN(),
            list(dict.fromkeys([*offered(), *screen.models])),
            default=list(screen.models), selection_mode="multi",
            key=address_bar.key("models"), on_change=address_bar.take, args=("models",),
        )  # fmt: skip


def offered() -> list[str]:
    """List the models to choose from; the own model only where the operator has one."""
    return [name for name in accuracy_words.MODELS if name != OWN or Settings.read().own_model]


if __name__ == "__main__":
    page()
