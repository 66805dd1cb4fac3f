"""The two ends of a trip: which are chosen, and how to choose them by name or near me."""

from __future__ import annotations

from typing import Literal

import streamlit as st
from markupsafe import Markup

from dashboard import itinerary
from dashboard.components import browser, station_search
from dashboard.components.html import show, tag
from dashboard.itinerary import End
from dashboard.state import address_bar
from dashboard.store_reader import reader
from dashboard.words import station as station_words
from dashboard.words import trip as trip_words
from ingest.system import System
from model.frame import Frame

Side = Literal["start", "goal"]


def found(frame: Frame) -> dict[Side, End | None]:
    """Find both ends in the city."""
    screen, here = address_bar.screen(), browser.here()
    return {
        "start": itinerary.end(frame, screen.start, here),
        "goal": itinerary.end(frame, screen.goal, here),
    }


def draw(system: System) -> None:
    """Ask where the trip starts and where it goes. A chosen end shows its name and can be changed."""
    frame = reader().view(system).frame
    if frame is None:
        return
    chosen = found(frame)
    with st.container(horizontal=True, key="ends"):
        for side, end in chosen.items():
            with st.container(key=f"end-{side}"):
                if end is None:
                    ask_for(side)
                else:
                    show(chosen_end(side, end, swap=side == "start" and all(chosen.values())))


def chosen_end(side: Side, end: End, *, swap: bool) -> Markup:
    """Write a chosen end, with buttons to change it and to swap both ends."""
    swap_button = browser.button("swap", trip_words.SWAP, name=trip_words.SWAP_NAME()) if swap else ""
    change = browser.button(side, trip_words.CHANGE(), name=trip_words.change_end(side, end.name))
    return tag("div", tag("span", trip_words.ENDS[side]), tag("b", end.name), swap_button, change, cls="end")


def ask_for(side: Side) -> None:
    """Ask for an end: by name, near me, or by a touch on the map."""
    with st.container(horizontal=True, key=f"find-{side}"):
        station_search.draw(side, trip_words.ENDS[side], trip_words.SEARCH_OR_TOUCH(), labelled=True)
        if side == "start":
            show(browser.button("near", station_words.NEAR()))
    note = lost(side)
    if note:
        show(tag("p", note, cls="note", role="status"))


def lost(side: Side) -> str:
    """Say why the end in the address cannot be used; "" where there is nothing to say."""
    wanted = getattr(address_bar.screen(), side)
    if side == "start" and browser.lost():
        return browser.lost()
    if wanted == address_bar.HERE:
        return trip_words.HERE_UNKNOWN()
    return trip_words.END_GONE() if wanted else ""
