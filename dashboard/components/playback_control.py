"""The playback control: stage, speed, pause, jump to a time of day, begin anew. Live cities have none."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, time
from functools import partial

import streamlit as st

from dashboard.components import browser
from dashboard.components.html import show, tag
from dashboard.state import address_bar
from dashboard.store_reader import reader
from dashboard.words import formats
from dashboard.words import shell as shell_words
from ingest.settings import Settings
from ingest.store import SPEEDS, Begin, Playback
from ingest.system import System

STAGING_SECONDS = 1.0
"""Seconds between two looks at how far a jump is."""

RUSH_HOUR, _MONDAY, STAGE_SPEED = time(7, 30), 0, 60.0
"""When the stage is set, and how fast the city runs there: homes run empty and offices fill."""

_STAGED = "playback-staged"
_ARRIVED = "playback-arrived"

Change = Callable[[Playback, datetime], Playback]


def control(system: System) -> None:
    """Draw the control for a city from a playable source, where visitors may play it; else nothing."""
    playback = reader().store.playback.get(system.system_id) if system.is_played else None
    if playback is None or not Settings.read().play:
        return
    system_id = system.system_id
    with (
        st.container(key="playback-control"),
        st.popover(shell_words.playing(playback.speed, playback.paused)),
    ):
        st.button(shell_words.STAGE(), on_click=_set_stage, args=(system,), key="playback-stage")
        st.button(
            shell_words.PLAY() if playback.paused else shell_words.PAUSE(),
            on_click=lambda: _change(system_id, lambda now, wall: now.pause(not now.paused, wall)),
            key="playback-pause",
        )
        speed = playback.speed if playback.speed in SPEEDS else None
        # Another speed is another widget. What the browser still reports of the one before is the speed that
        # it was drawn with, and changes nothing: just after the stage was set, it brought that speed back.
        key = f"playback-speed-{system_id}-{speed}"
        st.session_state[key] = speed
        st.segmented_control(
            shell_words.SPEED(),
            SPEEDS,
            default=speed,
            format_func=formats.times,
            key=key,
            on_change=_speed,
            args=(system_id, key, speed),
        )
        with st.container(horizontal=True, vertical_alignment="bottom"):
            st.time_input(shell_words.JUMP_TO(), time(8, 0), step=900, key="playback-clock")
            st.button(shell_words.JUMP(), on_click=_jump, args=(system,), key="playback-jump")
        made_up = system.is_made_up
        begins: tuple[Begin, ...] = ("learnt", "nothing")
        for begin in begins:
            label = shell_words.BEGIN_MADE_UP[begin] if made_up else shell_words.BEGIN_RECORDED[begin]
            st.button(label, on_click=partial(_begin, system_id, begin), key=f"playback-begin-{begin}")


def staging(system: System) -> None:
    """Show how far a jump or a new beginning is, and say when it is there. Runs again by itself."""
    source = reader()
    now, was = source.staging(system), st.session_state.get(_STAGED)
    view = source.view(system)
    # The whole page has to run when the counts of before are gone, and at the end.
    is_anew = now is not None and now.kind in ("begin", "nothing") and view.frame is None
    st.session_state[_STAGED] = None if now is None else (system.system_id, now.kind, is_anew)
    goes_on = was is not None and was[0] == system.system_id and was[1] != "waits"
    if now is not None:
        if was is not None and goes_on and is_anew and not was[2]:
            st.rerun()
        at = formats.on_weekday(now.at, source.zone(system.system_id))
        words = shell_words.staging(now.kind, at, now.progress)
        if now.kind == "waits":
            show(tag("p", words, cls="note", role="status"))
        else:
            st.progress(now.progress or 0.0, text=words)
    elif goes_on:
        st.session_state[_ARRIVED] = system.system_id
        st.rerun()
    elif st.session_state.pop(_ARRIVED, None) == system.system_id:
        st.toast(shell_words.staged(formats.on_weekday(view.now, view.zone)))


def _set_stage(system: System) -> None:
    """Go to where there is most to see, and clear the screen for it."""
    zone = reader().view(system).zone
    _change(
        system.system_id,
        lambda now, wall: (
            now.jump(RUSH_HOUR, zone, wall, _MONDAY).faster(STAGE_SPEED, wall).pause(False, wall)
        ),
    )
    browser.act({"do": "away"})
    address_bar.clear()


def _change(system_id: str, change: Change) -> None:
    reader().play(system_id, change)


def _speed(system_id: str, key: str, drawn: float | None) -> None:
    chosen = st.session_state[key]
    if chosen is not None and chosen != drawn:
        _change(system_id, lambda now, wall: now.faster(chosen, wall))


def _jump(system: System) -> None:
    zone, clock = reader().view(system).zone, st.session_state["playback-clock"]
    _change(system.system_id, lambda now, wall: now.jump(clock, zone, wall))


def _begin(system_id: str, begin: Begin) -> None:
    if not reader().begin_anew(system_id, begin):
        st.toast(shell_words.BEGUN_JUST_NOW())
