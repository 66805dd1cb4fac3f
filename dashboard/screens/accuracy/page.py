"""Accuracy: how right every model has been, live, on the forecasts that people saw."""

from __future__ import annotations

from typing import get_args

import streamlit as st

from dashboard.components import page_shell
from dashboard.components.html import show, tag
from dashboard.screens.accuracy import details, one_by_one, over_time
from dashboard.screens.accuracy.read import kind, kinds
from dashboard.state import address_bar
from dashboard.state.address_bar import Measure, Past, Third
from dashboard.store_reader import reader
from dashboard.words import accuracy as accuracy_words
from dashboard.words import formats
from ingest.settings import Settings
from ingest.store import Days
from ingest.system import System
from model.scoring.issue import SCORED_MINUTES
from model.scoring.own import OWN

HOURS = ("", "7-10,16-19", "7-10", "10-16", "16-19", "19-0", "0-7")
"""The hours of the day to choose from: the rush hours, and each of the parts of a day."""


def page() -> None:
    system = page_shell.enter("accuracy")
    if system is None:
        return
    controls(system)
    if kinds(system) and address_bar.screen().kind != kind(system):
        page_shell.notice(accuracy_words.KINDS_SCORED())
    beside = other(system)
    if beside is None:
        draw(system)
        return
    show(tag("p", accuracy_words.BESIDE_KEY(), cls="note"))
    for column, city in zip(st.columns(2), (system, beside), strict=True):
        with column:
            show(tag("h2", page_shell.label(city)))
            draw(city)


def draw(system: System) -> None:
    """Draw all that there is of a system, or of all together."""
    st.fragment(over_time.draw, run_every=page_shell.often(system, 5, 60))(system)
    st.fragment(details.draw, run_every=60)(system)
    if not address_bar.screen().everywhere:
        st.fragment(one_by_one.draw, run_every=60)(system)


def other(system: System) -> System | None:
    """Find the city that is to stand beside a system; None for none."""
    screen, followed = address_bar.screen(), reader().overview()
    if screen.everywhere or screen.beside == system.system_id or screen.beside not in followed:
        return None
    return followed[screen.beside][0]


def finer(system: System) -> None:
    """Ask for a part of the forecasts, and for another city beside this one."""
    screen, days, thirds = address_bar.screen(), get_args(Days), get_args(Third)
    others = {key: row for key, (row, _) in reader().overview().items() if key != system.system_id}
    if screen.beside and screen.beside not in others:
        address_bar.drop("beside")
    hours = list(dict.fromkeys([*HOURS, screen.hours]))
    part = accuracy_words.finer(screen.days, screen.hours, screen.third)
    with st.popover(f"{accuracy_words.FINER()}: {part}" if part else accuracy_words.FINER()):
        st.selectbox(
            accuracy_words.DAYS_ASKED(), days, days.index(screen.days),
            format_func=accuracy_words.DAYS.__getitem__,
            key=address_bar.key("days"), on_change=address_bar.take, args=("days",),
        )  # fmt: skip
        st.selectbox(
            accuracy_words.HOURS_ASKED(), hours, hours.index(screen.hours),
            format_func=accuracy_words.hours, accept_new_options=True, help=accuracy_words.HOURS_HINT(),
            key=address_bar.key("hours"), on_change=take_hours, disabled=screen.third != "all",
        )  # fmt: skip
        if screen.everywhere:
            return
        st.selectbox(
            accuracy_words.THIRD(), thirds, thirds.index(screen.third),
            format_func=accuracy_words.THIRDS.__getitem__,
            key=address_bar.key("third"), on_change=address_bar.take, args=("third",),
        )  # fmt: skip
        st.selectbox(
            accuracy_words.BESIDE(), ["", *others],
            format_func=lambda key: page_shell.label(others[key]) if key else accuracy_words.NO_OTHER(),
            key=address_bar.key("beside"), on_change=address_bar.take, args=("beside",),
        )  # fmt: skip


def take_hours() -> None:
    """Take the hours that were chosen or typed; say so where they are none."""
    key = address_bar.key("hours")
    hours = address_bar.written(st.session_state[key] or "")
    if hours is None:
        st.toast(accuracy_words.HOURS_WRONG())
    st.session_state[key] = address_bar.screen().hours if hours is None else hours
    address_bar.take("hours")


def controls(system: System) -> None:
    """Ask how far ahead, by which measure, over which stretch, which models, and of which bikes."""
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
        of = kinds(system)
        if of:
            st.selectbox(
                accuracy_words.KIND(), of, of.index(screen.kind) if screen.kind in of else 0,
                format_func=accuracy_words.KINDS.__getitem__,
                key=address_bar.key("kind"), on_change=address_bar.take, args=("kind",),
            )  # fmt: skip
        st.toggle(
            accuracy_words.EVERYWHERE(),
            screen.everywhere,
            key=address_bar.key("everywhere"),
            on_change=address_bar.take,
            args=("everywhere",),
        )
        finer(system)
        st.pills(
            accuracy_words.MODELS_SHOWN(),
            list(dict.fromkeys([*offered(), *screen.models])),
            default=list(screen.models), selection_mode="multi",
            key=address_bar.key("models"), on_change=address_bar.take, args=("models",),
        )  # fmt: skip


def offered() -> list[str]:
    """List the models to choose from; the own model only where the operator has one."""
    absent = {accuracy_words.ELDER} if Settings.read().own_model else {accuracy_words.ELDER, OWN}
    return [name for name in accuracy_words.MODELS if name not in absent]


if __name__ == "__main__":
    page()
