"""Finding a station without the map: by name with typos forgiven, near me, and in a list of all."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

import numpy as np
import pandas as pd
import streamlit as st
from markupsafe import Markup
from rapidfuzz import fuzz, process

from dashboard import nearby
from dashboard.components import browser
from dashboard.components.html import show, tag
from dashboard.components.station_panel import choice
from dashboard.outlook import chances, is_open, side, station_index
from dashboard.state import address_bar
from dashboard.store_reader import View, reading
from dashboard.words import text
from ingest.system import System
from model.arrays import Floats, Ints
from model.frame import Frame
from model.trip import Point

SHOWN = "show-list"
"""The toggle of the list."""

_TOGGLED = "list-toggled"
_SEARCH = "search"
_MATCHES = 5
_CUTOFF = 65
_BEST = 8


def find(system: System) -> None:
    """Search by name, ask for the viewer's place, open the list.

    Outside of what the slider redraws: whatever stands there costs each move 200 bytes.
    """
    with st.container(horizontal=True, key="find"):
        query = st.text_input(
            text.SEARCH, placeholder=text.SEARCH, key=_SEARCH, label_visibility="collapsed", max_chars=80
        )
        show(browser.button("near", text.NEAR))
        st.toggle(text.LIST, key=SHOWN, on_change=_toggled)
    if st.session_state.pop(_TOGGLED, False):
        st.rerun()
    frame = reading().view(system).frame
    if frame is None:
        return
    if query:
        show(_matches(frame, query))
    if browser.lost():
        show(tag("p", browser.lost(), cls="note", role="status"))


def _toggled() -> None:
    """The list is drawn elsewhere: by what the slider redraws."""
    st.session_state[_TOGGLED] = True


def _matches(frame: Frame, query: str) -> Markup:
    found = search(frame.stations.name.tolist(), query)
    if not found:
        return tag("p", text.NO_MATCH, cls="note", role="status")
    items = (choice(frame, row, _now(frame, row)) for row in found)
    return tag("ul", *items, cls="choices matches", aria_label=text.MATCHES)


def _now(frame: Frame, row: int) -> str:
    return text.counted_now(int(frame.bikes[row]), int(frame.docks[row]))


def plain(name: str) -> str:
    """Write a name as people type it: small letters, no accents, no punctuation.

    >>> plain("Gare de l'Est – Départ")
    'gare de l est depart'
    """
    bare = (c for c in unicodedata.normalize("NFKD", name.casefold()) if not unicodedata.combining(c))
    return " ".join("".join(c if c.isalnum() else " " for c in bare).split())


def search(names: Sequence[str], query: str, at_most: int = _MATCHES) -> list[int]:
    """Find names like what was typed, best first, by position; none where nothing is like it.

    >>> search(["Parnell Square North", "Pearse Street", "Eccles Street"], "parnel squar")
    [0]
    """
    wanted = plain(query)
    if not wanted:
        return []
    found = process.extract(
        wanted, [plain(name) for name in names], scorer=fuzz.WRatio, limit=at_most, score_cutoff=_CUTOFF
    )
    best = found[0][1] if found else 0
    return [row for _, score, row in found if score >= best - 15]


def draw(view: View, horizon: int | None, at: str) -> None:
    """List the stations by chance and nearness, favourites first: the best as buttons, all as a table."""
    frame, screen = view.frame, address_bar.screen()
    assert frame is not None
    stations = frame.stations
    place, word = _place(frame)
    walk = None if place is None else nearby.walks(place, stations.lat, stations.lon)
    chance = chances(frame, screen.what, screen.n, horizon)
    starred = np.isin(stations.station_id, browser.favourites(view.system.system_id))
    order = nearby.order(chance, walk, starred)
    items = (
        choice(
            frame,
            row,
            (text.STAR_MARK if starred[row] else "") + _words(frame, int(chance[row]), row),
            None if walk is None else float(walk[row]),
        )
        for row in order[:_BEST].tolist()
        if starred[row] or chance[row] <= 100
    )
    far = text.far(float(walk.min())) if walk is not None and len(walk) and word == text.BY_PLACE else ""
    more = tag("p", far, cls="note") if far else ""
    show(tag("section", tag("h3", text.best(word)), more, tag("ul", *items, cls="choices"), cls="best"))
    _table(frame, horizon, at, order, chance, walk, starred)


def _place(frame: Frame) -> tuple[Point | None, str]:
    """Choose where one walks from: where the viewer is, else the station that is open, else nowhere."""
    here = browser.here()
    if here is not None:
        return here, text.BY_PLACE
    index = station_index(frame, address_bar.screen().station)
    if index is None:
        return None, text.BY_CHANCE
    return (float(frame.stations.lat[index]), float(frame.stations.lon[index])), text.BY_STATION


def _words(frame: Frame, chance: int, row: int) -> str:
    what = address_bar.screen().what
    return text.chance(chance) if is_open(frame, what)[row] else text.CLOSED[what]


def _table(
    frame: Frame,
    horizon: int | None,
    at: str,
    order: Ints,
    chance: Ints,
    walk: Floats | None,
    starred: np.ndarray,
) -> None:
    """Say in rows what the map says in marks."""
    screen, size = address_bar.screen(), len(frame.stations)
    outlook, none = side(frame, screen.what), np.full(size, -1)
    median, low, high = (
        (none, none, none)
        if horizon is None
        else (outlook.median[horizon], outlook.low[horizon], outlook.high[horizon])
    )
    said = [_words(frame, odds, row).split(" · ")[0] for row, odds in enumerate(chance.tolist())]
    spans = [text.span(a, b) for a, b in zip(low.tolist(), high.tolist(), strict=True)]
    values = (
        np.where(starred, text.STAR_MARK.strip(), ""), frame.stations.name,
        counts(np.where(chance <= 100, chance, -1)), said, counts(median), spans,
        counts(frame.bikes), counts(frame.ebikes), counts(frame.docks),
        counts(none if walk is None else np.rint(walk)),
    )  # fmt: skip
    columns = dict(zip(text.columns(screen.what, screen.n, at), values, strict=True))
    if not starred.any():
        del columns[text.FAVOURITE_COLUMN]
    if (frame.ebikes < 0).all():
        del columns[text.EBIKES_COLUMN]
    if walk is None:
        del columns[text.WALK_COLUMN]
    st.dataframe(
        pd.DataFrame(columns).iloc[order], hide_index=True, placeholder=text.count(-1), key="table-rows",
        height=420, alt=text.LIST_ALT,
    )  # fmt: skip


def counts(values: np.ndarray) -> pd.api.extensions.ExtensionArray:
    """Make a column of counts in which the unknown stay empty."""
    column = pd.array(values.astype(np.int64), dtype="Int64")
    column[values < 0] = pd.NA
    return column
