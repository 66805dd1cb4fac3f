"""What the page shows, and the same in the address bar.

The widgets' own binding to query parameters would write their labels there ("Dublin · dublinbikes · live")
and take `in=7` as it is, so the five values go through here instead.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, cast

import streamlit as st

from dashboard.text import What
from model.frame import AT_LEAST

MINUTES = tuple(range(0, 121, 5))
"""The arrival times to choose from."""

_KEY = "screen"
_SEEN = "screen-address"
_WIDGETS = ("what", "n", "minutes")


@dataclass(frozen=True)
class Screen:
    """The five choices that make a screen. `city` and `station` are ids, "" for none chosen."""

    city: str = ""
    station: str = ""
    what: What = "bike"
    n: int = 1
    minutes: int = 0

    @classmethod
    def from_address(cls, query: Mapping[str, str]) -> Screen:
        """Read an address; what is missing or makes no sense falls back.

        >>> Screen.from_address({"city": "dublin", "n": "3", "in": "26", "what": "car"})
        Screen(city='dublin', station='', what='bike', n=3, minutes=25)
        """
        what = query.get("what", "bike")
        return cls(
            city=query.get("city", ""),
            station=query.get("station", ""),
            what=cast(What, what if what in ("bike", "space") else "bike"),
            n=min(max(_whole(query.get("n"), 1), AT_LEAST[0]), AT_LEAST[-1]),
            minutes=min(max(5 * round(_whole(query.get("in"), 0) / 5), MINUTES[0]), MINUTES[-1]),
        )

    def address(self) -> dict[str, str]:
        """Write the query parameters; what is not chosen is left out.

        >>> Screen(city="dublin", n=2, minutes=25).address()
        {'city': 'dublin', 'what': 'bike', 'n': '2', 'in': '25'}
        """
        query = {"city": self.city, "station": self.station, "what": self.what,
                 "n": str(self.n), "in": str(self.minutes)}  # fmt: skip
        return {name: value for name, value in query.items() if value}


def _whole(value: str | None, default: int) -> int:
    try:
        # A number of a million digits is refused by int() itself.
        return int(value) if value is not None else default
    except ValueError:
        return default


def adopt() -> None:
    """Take over an address that was changed from outside: opened, edited, or gone back to.

    For the whole script's runs alone. A fragment that refreshes itself may come with the address as it was
    before the viewer's last move, which would undo that move.
    """
    query = st.query_params.to_dict()
    if _KEY not in st.session_state or query != st.session_state[_SEEN]:
        st.session_state[_KEY] = Screen.from_address(query)
        st.session_state[_SEEN] = query
        for name in _WIDGETS:
            st.session_state[_widget(name)] = getattr(st.session_state[_KEY], name)


def screen() -> Screen:
    """Give back what is on this viewer's screen."""
    return cast(Screen, st.session_state[_KEY])


def change(**choices: Any) -> None:
    """Change some of the five choices, and the address with them."""
    changed = replace(screen(), **choices)
    if changed != screen():
        st.session_state[_KEY] = changed
        st.session_state[_SEEN] = changed.address()
        st.query_params.from_dict(changed.address())


def take(name: str) -> None:
    """Take over what a widget was just set to."""
    change(**{name: st.session_state[_widget(name)]})


def key(name: str) -> str:
    """Name the widget that sets a choice, and remind it of its value: Streamlit forgets undrawn widgets."""
    if _widget(name) not in st.session_state:
        st.session_state[_widget(name)] = getattr(screen(), name)
    return _widget(name)


def _widget(name: str) -> str:
    return f"choice-{name}"
