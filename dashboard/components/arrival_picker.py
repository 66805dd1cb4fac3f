"""Asks for a moment: up to two hours ahead by a slider, up to a day ahead by the city's clocks."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta, tzinfo

import streamlit as st

from dashboard.components import browser
from dashboard.components.html import show, tag
from dashboard.state import address_bar
from dashboard.store_reader import View
from dashboard.words import formats
from dashboard.words import shell as shell_words


def ask(view: View, label_of: Callable[[str, float], str]) -> str:
    """Ask for a moment and give it back in words; `label_of` makes the label from clock time and minutes."""
    screen, now, zone = address_bar.screen(), view.now, view.zone
    minutes = address_bar.ahead(screen, now)
    at = now + timedelta(minutes=minutes)
    label = label_of(formats.both_clocks(at, now, zone, address_bar.viewer_zone()), minutes)
    if address_bar.is_later(screen, now):
        clock = at.astimezone(zone).time().replace(second=0, microsecond=0)
        st.session_state.setdefault(address_bar.CLOCK, clock)
        st.time_input(
            label, clock, key=address_bar.CLOCK, step=timedelta(minutes=5),
            on_change=at_clock, args=(now, zone),
        )  # fmt: skip
    else:
        st.slider(
            label, address_bar.MINUTES[0], address_bar.MINUTES[-1], screen.minutes, step=5,
            format=shell_words.MINUTES_FORMAT(), key=address_bar.key("minutes"), on_change=soon,
        )  # fmt: skip
    return formats.moment(at, now, zone)


def soon() -> None:
    """Take over the slider: a moment counted from now.

    A browser that is asked something else just as the slider leaves the page reports the slider once more,
    as it stood.
    """
    if st.session_state[address_bar.key("minutes")] != address_bar.screen().minutes:
        address_bar.change(at=None)
        address_bar.take("minutes")


def at_clock(now: datetime, zone: tzinfo) -> None:
    """Take over the clock of a later moment, unless it has just left the page, as in `soon`."""
    clock = st.session_state[address_bar.CLOCK]
    if clock is not None and address_bar.is_later(address_bar.screen(), now):  # emptied: the last one stays
        address_bar.change(at=address_bar.next_at(clock, now, zone))


def ages(view: View, first: str = "") -> None:
    """Show `first`, the age of the counts and how long the model has learnt.

    A viewer in another time zone sees whose times these are. The button to other moments is part of this
    element: one of its own would cost each move of the slider 200 bytes.
    """
    assert view.frame is not None
    screen, now, zone = address_bar.screen(), view.now, view.zone
    viewer = address_bar.viewer_zone()
    differs = viewer is not None and now.astimezone(viewer).utcoffset() != now.astimezone(zone).utcoffset()
    words = shell_words.ages(
        formats.moment(view.frame.at, now, zone),
        view.age,
        now - view.frame.learning_since,
        view.system.label,
        shell_words.zone_note(view.system.city or view.system.name) if differs else "",
    )
    later = address_bar.is_later(screen, now)
    notes = [first, words] if first else [words]
    if screen.at is not None and not later:
        notes.append(shell_words.passed(formats.moment(screen.at, now, zone)))
    other = (
        browser.button("soon", shell_words.SOON()) if later else browser.button("later", shell_words.LATER())
    )
    show(tag("p", " · ".join(notes), cls="ages") + other)
