"""Find a station without the map: by name, near me, or in a list of all."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

import numpy as np
import pandas as pd
import streamlit as st
from rapidfuzz import fuzz, process

from dashboard import nearby
from dashboard.components import browser, on_foot, station_search
from dashboard.components.html import show, tag
from dashboard.components.station_panel import choice, likely
from dashboard.outlook import by_hours, chances, is_open, shown_count, side, station_index
from dashboard.state import address_bar
from dashboard.store_reader import View
from dashboard.words import formats, rules
from dashboard.words import hours as hours_words
from dashboard.words import shell as shell_words
from dashboard.words import station as station_words
from model.arrays import Floats, Ints
from model.frame import Frame
from model.trip import Point

_MATCHES = 5
_CUTOFF = 65
_BEST = 8


def find() -> None:
    """Search by name, ask for the viewer's place, open the list.

    Call it outside of the fragment that the slider redraws: each element there costs a move 200 bytes.
    """
    with st.container(horizontal=True, key="find"):
        station_search.draw("find", station_words.SEARCH(), station_words.SEARCH())
        shown = browser.button("list", station_words.LIST(), pressed=browser.has_list())
        show(tag("div", browser.button("near", station_words.NEAR()), shown, cls="actions"))
    if station_search.taken():
        st.rerun()
    if browser.lost():
        show(tag("p", browser.lost(), cls="note", role="status"))


def counted_now(frame: Frame, row: int) -> str:
    """Say what stands at a station now; where that is not known, what stood there when it last was."""
    count = shown_count(frame, row)
    return station_words.counted_now(
        count.bikes, count.docks, None if count.at is None else frame.at - count.at
    )


def plain(name: str) -> str:
    """Write a name as people type it: small letters, no accents, no punctuation.

    >>> plain("Gare de l'Est – Départ")
    'gare de l est depart'
    """
    bare = (c for c in unicodedata.normalize("NFKD", name.casefold()) if not unicodedata.combining(c))
    return " ".join("".join(c if c.isalnum() else " " for c in bare).split())


def search(names: Sequence[str], query: str, at_most: int = _MATCHES) -> list[int]:
    """Find the positions of the names that are like the query, best first.

    >>> search(["Parnell Square North", "Pearse Street", "Eccles Street"], "parnel squar")
    [0]
    """
    plain_query = plain(query)
    if not plain_query:
        return []
    found = process.extract(
        plain_query, [plain(name) for name in names], scorer=fuzz.WRatio, limit=at_most, score_cutoff=_CUTOFF
    )
    best = found[0][1] if found else 0
    return [row for _, score, row in found if score >= best - 15]


def draw(view: View, horizon: int | None, at: str) -> None:
    """List the stations by chance and nearness, favourites first: the best as buttons, all as a table."""
    frame = view.frame
    assert frame is not None
    screen, stations = address_bar.screen().for_frame(frame), frame.stations
    place, by = _place(view)
    walk = None if place is None else nearby.walks(place, stations.lat, stations.lon)
    chance = chances(frame, screen.what, screen.n, horizon)
    starred = np.isin(
        stations.station_id,
        [frame.renamed.get(key, key) for key in browser.favourites(view.system.system_id)],
    )
    order = nearby.order(chance, walk, starred)
    items = (
        choice(
            frame,
            row,
            (f"{station_words.STAR_MARK} " if starred[row] else "")
            + likely(frame, screen.what, screen.n, horizon, row, view.now)
            + ("" if frame.last_at[row] < 0 else f" · {counted_now(frame, row)}"),
            None if walk is None else float(walk[row]),
        )
        for row in order[:_BEST].tolist()
        if starred[row] or chance[row] <= 100
    )
    show(
        tag(
            "section",
            tag("h3", station_words.BEST[by]),
            tag("ul", *items, cls="choices"),
            cls="best",
        )
    )
    _table(frame, horizon, at, order, chance, walk, starred)


def _place(view: View) -> tuple[Point | None, station_words.By]:
    """Choose where the walk starts: at the viewer's place if near, else at the open station, else nowhere."""
    frame, here, away = view.frame, browser.here(), on_foot.distance(view)
    assert frame is not None
    if here is not None and away is not None and away <= rules.FAR_KM:
        return here, "place"
    index = station_index(frame, address_bar.screen().station)
    if index is None:
        return None, "chance"
    return (float(frame.stations.lat[index]), float(frame.stations.lon[index])), "station"


def _table(
    frame: Frame,
    horizon: int | None,
    at: str,
    order: Ints,
    chance: Ints,
    walk: Floats | None,
    starred: np.ndarray,
) -> None:
    """List as rows what the map shows as marks."""
    screen, size = address_bar.screen().for_frame(frame), len(frame.stations)
    outlook, none = side(frame, screen.what), np.full(size, -1)
    median, low, high = (
        (none, none, none)
        if horizon is None
        else (outlook.median[horizon], outlook.low[horizon], outlook.high[horizon])
    )
    closed, closed_then = shell_words.CLOSED[screen.what], hours_words.CLOSED_THEN()
    # A message is looked up for the viewer each time: once for each chance, not for each station.
    word = {odds: shell_words.chance_word(odds) for odds in set(chance.tolist())}
    words = [
        closed_then if shut else word[odds] if can else closed
        for odds, can, shut in zip(
            chance.tolist(),
            is_open(frame, screen.what, horizon).tolist(),
            by_hours(frame, horizon).tolist(),
            strict=True,
        )
    ]
    for row in np.flatnonzero(frame.last_at >= 0).tolist():
        words[row] = f"{words[row]} · {counted_now(frame, row)}"
    spans = [formats.span(a, b) for a, b in zip(low.tolist(), high.tolist(), strict=True)]
    columns = {
        "favourite": np.where(starred, station_words.STAR_MARK, ""),
        "station": frame.stations.name,
        "chance": counts(np.where(chance <= 100, chance, -1)),
        "words": words,
        "expected": counts(median),
        "interval": spans,
        "bikes": counts(frame.bikes),
        "ebikes": counts(frame.ebikes),
        "cargo": counts(frame.cargo),
        "spaces": counts(frame.docks),
    }
    if not starred.any():
        del columns["favourite"]
    if (frame.ebikes < 0).all():
        del columns["ebikes"]
    if (frame.cargo <= 0).all():
        del columns["cargo"]
    if walk is not None:
        columns["walk"] = counts(np.rint(walk))
    titles = station_words.columns(screen.what, screen.n, at)
    st.dataframe(
        pd.DataFrame(columns).rename(columns=titles).iloc[order], hide_index=True,
        placeholder=formats.count(-1), key="table-rows", height=420, alt=station_words.LIST_ALT(),
    )  # fmt: skip


def counts(values: np.ndarray) -> pd.api.extensions.ExtensionArray:
    """Make a column of counts; unknown ones are empty."""
    column = pd.array(values.astype(np.int64), dtype="Int64")
    column[values < 0] = pd.NA
    return column
