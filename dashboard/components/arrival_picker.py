"""Asks when: within two hours by a slider, or on a day and at a time by the city's clocks."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta

import streamlit as st

from dashboard.components import browser
from dashboard.components.html import show, tag, together
from dashboard.state import address_bar
from dashboard.store_reader import View
from dashboard.words import formats
from dashboard.words import shell as shell_words

Drawn = tuple[date, datetime | None, str]


def drawn(view: View) -> Drawn:
    """Give what `moments` shows: today, the chosen moment by the city's clocks, and the direction.

    When it changes, the whole page has to run again.
    """
    screen, now = address_bar.screen(), view.now
    chosen = screen.at.astimezone(view.zone) if screen.at and address_bar.is_later(screen, now) else None
    return now.astimezone(view.zone).date(), chosen, screen.direction


def moments(view: View, *, directions: bool = False) -> None:
    """Offer the days and the time, and with `directions` whether to leave or to arrive then.

    Call it from the whole script, outside of the fragment that a slider redraws: it costs a move nothing
    there, and a time that is being typed is not disturbed. The browser reports all of it to `browser.act`,
    and the choice itself is in the address alone.
    """
    browser.choose_when(view.now, view.zone)
    today, chosen, direction = drawn(view)
    days = {"soon": shell_words.SOON()} | {
        f"day:{today + timedelta(days=off)}": name
        for off, name in enumerate((shell_words.TODAY(), shell_words.TOMORROW()))
    }
    pressed = "soon" if chosen is None else f"day:{chosen.date()}"
    offered = [_choice(what, name, what == pressed) for what, name in days.items()]
    clock = "" if chosen is None else f"{chosen:%H:%M}"
    time = tag("input", type="time", value=clock, data_do="clock", aria_label=shell_words.CLOCK())
    ways = [
        _choice(f"direction:{way}", name, way == direction) for way, name in shell_words.DIRECTIONS.items()
    ]
    groups = [_group(shell_words.DIRECTION(), *ways)] if directions else []
    show(tag("div", *groups, _group(shell_words.WHEN(), *offered, time), cls="when"))


def _choice(what: str, name: str, pressed: bool) -> str:
    verb, _, identity = what.partition(":")
    return browser.button(verb, name, identity=identity, pressed=pressed)


def _group(name: str, *choices: str) -> str:
    return tag("div", together(*choices), role="group", aria_label=name)


def ask(view: View, label_of: Callable[[str, float], str]) -> str:
    """Show the chosen moment, with a slider where it is within two hours, and give it back in words.

    `label_of` makes the label from clock time and minutes.
    """
    screen, now, zone = address_bar.screen(), view.now, view.zone
    minutes = address_bar.ahead(screen, now)
    at = now + timedelta(minutes=minutes)
    label = label_of(formats.both_clocks(at, now, zone, address_bar.viewer_zone()), minutes)
    if address_bar.is_later(screen, now):
        show(tag("p", label, cls="moment"))
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
    reported = st.session_state[address_bar.key("minutes")]
    if address_bar.is_from_before(reported):
        st.session_state[address_bar.key("minutes")] = address_bar.screen().minutes
    elif reported != address_bar.screen().minutes:
        address_bar.change(at=None)
        address_bar.take("minutes")


def ages(view: View, first: str = "") -> None:
    """Show `first`, the age of the counts and how long the model has learnt.

    A viewer in another time zone sees whose times these are.
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
    notes = [first, words] if first else [words]
    if screen.at is not None and not address_bar.is_later(screen, now):
        instead = formats.moment(now + timedelta(minutes=screen.minutes), now, zone)
        notes.append(shell_words.passed(formats.moment(screen.at, now, zone), instead))
    show(tag("p", " · ".join(notes), cls="ages"))
