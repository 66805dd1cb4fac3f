"""The browser's half of the kiosk: its style, its watchdog, and the size of its screen.

`static/kiosk.js` brings a screen back to life that was cut off or asleep.
"""

from __future__ import annotations

from typing import Any, cast

import streamlit as st

from dashboard.components.html import STATIC, stylesheet
from dashboard.state import address_bar

_KEY = "kiosk"
_SIZE = "kiosk-size"
_MOST_PIXELS = 8000

_component = st.components.v2.component(
    "dockcast_kiosk", js=(STATIC / "kiosk.js").read_text(encoding="utf-8")
)


def mount(page: str) -> None:
    """Put style and watchdog into the page. Any page but the map gives way to the map."""
    if page != "map":
        address_bar.go("map")
        st.rerun()
    stylesheet("kiosk.css")
    _component(key=_KEY, data=[*size()], height=1, on_size_change=_sized)


def size() -> tuple[int, int]:
    """Give width and height of the screen in pixels; a common size until the browser sends its own."""
    return cast("tuple[int, int]", st.session_state.get(_SIZE, (1280, 720)))


def screen_size(sent: Any) -> tuple[int, int] | None:
    """Read the size that a browser sent; None where it is not a size.

    >>> screen_size([1920, 1080]), screen_size([0, 9]), screen_size("x")
    ((1920, 1080), None, None)
    """
    if not isinstance(sent, list) or len(sent) != 2 or not all(isinstance(side, int) for side in sent):
        return None
    return (sent[0], sent[1]) if all(100 <= side <= _MOST_PIXELS for side in sent) else None


def _sized() -> None:
    found = screen_size(getattr(st.session_state.get(_KEY), "size", None))
    if found is not None:
        st.session_state[_SIZE] = found
