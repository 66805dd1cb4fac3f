"""Finds a station by its name while the viewer types, with the chance at the chosen time beside it.

The browser searches the rows that its map has fetched, so that a letter costs no run of the page: see
`static/search.js`. Each page says by `rows` which these are.
"""

from __future__ import annotations

from functools import partial
from typing import Literal

import streamlit as st
from markupsafe import Markup

from dashboard.components import browser
from dashboard.components.html import STATIC, tag, together
from dashboard.maps import deck
from dashboard.maps.deck import FramePart
from dashboard.state import address_bar
from dashboard.store_reader import View
from dashboard.words import station as station_words
from dashboard.words.rules import What

Verb = Literal["find", "start", "goal"]
"""What becomes of the station that was found: it opens on the map, or it is an end of a trip."""

_TAKEN = "search-taken"

_component = st.components.v2.component(
    "dockcast_search", js=(STATIC / "search.js").read_text(encoding="utf-8"), isolate_styles=False
)


def draw(verb: Verb, label: str, placeholder: str, *, labelled: bool = False) -> None:
    """Draw the search. Its label is for screen readers alone, unless it is to be `labelled`.

    A choice changes all of the page: a fragment that draws it looks at `taken` and runs the whole.
    """
    key = f"search-{verb}"
    words = {
        "matches": station_words.MATCHES(), "none": station_words.NO_MATCH(),
        "loading": station_words.LOADING(), "unknown": station_words.NO_ROWS(),
    }  # fmt: skip
    data = {
        "id": key, "verb": verb, "label": label, "labelled": labelled, "placeholder": placeholder,
        "words": words,
    }  # fmt: skip
    _component(key=key, data=data, on_did_change=partial(_found, key))


def rows(view: View, verb: Verb, what: What, horizon: int | None, of: FramePart | None = None) -> Markup:
    """Tell the search which rows of a frame to read, and the column of the chance; without a horizon none.

    The horizon is in minutes. `of` is the file of rows if it is not the horizon's.
    """
    if view.version is None:
        return together()
    of = of or deck.part(0 if horizon is None else horizon)
    column = None if horizon is None else str(of.column(horizon, deck.CHANCE))
    url = deck.frame_url(view.system.system_id, view.version, what, address_bar.screen().n, of)
    return tag("i", hidden="", data_for=verb, data_rows=url, data_column=column)


def _found(key: str) -> None:
    browser.act(browser.sent(key, "did"))
    st.session_state[_TAKEN] = True


def taken() -> bool:
    """Tell, once, whether a station was chosen."""
    return bool(st.session_state.pop(_TAKEN, False))
