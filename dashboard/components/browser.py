"""What only the browser can do, by one small component: favourites, the viewer's place, our own buttons.

Favourites stay in the browser's own storage, which sends a page those of its city. The browser asks for the
place when its button is touched and rounds it to ten metres. It is kept while the page is open, and never
written anywhere.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from contextlib import suppress
from datetime import date, datetime, time, tzinfo
from typing import Any, cast, get_args

import streamlit as st
from markupsafe import Markup

from dashboard.components.html import STATIC, tag
from dashboard.state import address_bar, clocks
from dashboard.store_reader import reader
from dashboard.words import languages
from dashboard.words import shell as shell_words
from dashboard.words import station as station_words
from dashboard.words.catalogue import current
from dashboard.words.rules import Direction, What
from dashboard.words.streamlit_own import streamlit_own
from model.frame import AT_LEAST
from model.trip import Point, Ride

_KEY = "browser"
_FAVOURITES = "favourites"
_HERE = "here"
_LOST = "lost"
_NAME = "here-name"
_TOUCHES = "here-touches"
_WHEN = "asked-when"
_FOUND = "found-station"
_LIST = "list-shown"
_MOST = 100

_component = st.components.v2.component(
    "dockcast_browser", js=(STATIC / "browser.js").read_text(encoding="utf-8")
)


def mount(system_id: str) -> None:
    """Put the component into the page. It draws nothing, and listens to our buttons wherever they are.

    Call it from the whole script, not from a fragment: a button may change any part of the page.
    """
    data = {
        "system": system_id, "known": favourites(system_id), "words": dict(shell_words.BUTTON_WORDS),
        "address": address_bar.mended(), "spoken": current().code, "cookie": languages.COOKIE,
        "theirs": streamlit_own(),
    }  # fmt: skip
    _component(key=_KEY, data=data, height=1, on_favourites_change=_kept, on_did_change=_did)


def button(
    verb: str, label: str, *, identity: str = "", name: str = "", pressed: bool | None = None
) -> Markup:
    """Write a button that the component listens to. `name` is for people who do not see what is around it.

    >>> button("station", "Quay <1>", identity="s1")
    Markup('<button data-do="station:s1">Quay &lt;1&gt;</button>')
    """
    return tag(
        "button", label, data_do=f"{verb}:{identity}" if identity else verb, aria_label=name or None,
        aria_pressed=None if pressed is None else str(pressed).lower(),
    )  # fmt: skip


def choices(name: str, verb: str, options: Mapping[Any, str], chosen: Any) -> Markup:
    """Write a row of buttons of which one is chosen. The style puts its name above it, which saves bytes.

    >>> choices("Riders", "n", {1: "1", 2: "2"}, 2)
    Markup('<div role="group" aria-label="Riders"><button data-do="n:1">1</button><button data-do="n:2" aria-current="true">2</button></div>')
    """  # noqa: E501
    buttons = (
        tag("button", label, data_do=f"{verb}:{value}", aria_current="true" if value == chosen else None)
        for value, label in options.items()
    )
    return tag("div", *buttons, role="group", aria_label=name)


def favourites(system_id: str) -> list[str]:
    """Give the ids of the viewer's favourites in a city, in the order they were chosen."""
    kept = st.session_state.get(_FAVOURITES, {})
    return list(kept["stations"]) if kept.get("system") == system_id else []


def here() -> Point | None:
    """Give the viewer's place; None until the browser has sent it."""
    return cast("Point | None", st.session_state.get(_HERE))


def place_name() -> str:
    """Give the name under which the store reader keeps the viewer's place; "" without a place."""
    found = here()
    if found is not None and _NAME not in st.session_state:
        st.session_state[_NAME] = reader().keep_place(found)
    return str(st.session_state.get(_NAME, ""))


def touches() -> int:
    """Count how often the viewer has asked for what is near."""
    return int(st.session_state.get(_TOUCHES, 0))


def lost() -> str:
    """Say why the browser did not give the viewer's place; "" otherwise."""
    code = st.session_state.get(_LOST)
    return "" if code is None else station_words.lost(code)


def place(sent: Mapping[str, Any]) -> Point | None:
    """Read a place that a browser sent; None where it is not a place.

    >>> place({"lat": 53.34, "lon": -6.26}), place({"lat": "x", "lon": 1}), place({"lat": 91, "lon": 0})
    ((53.34, -6.26), None, None)
    """
    lat, lon = sent.get("lat"), sent.get("lon")
    if not (isinstance(lat, int | float) and isinstance(lon, int | float)):
        return None
    sound = math.isfinite(lat) and math.isfinite(lon) and abs(lat) <= 90 and abs(lon) <= 180
    return (float(lat), float(lon)) if sound else None


def act(sent: Mapping[str, Any]) -> None:
    """Do what the touched button stands for."""
    verb, identity = sent.get("do"), sent.get("id")
    if verb in ("station", "find") and isinstance(identity, str):
        address_bar.change(station=identity)
        if verb == "find":
            st.session_state[_FOUND] = identity
    elif verb == "page" and isinstance(identity, str):
        address_bar.go(identity)
    elif verb == "feed" and isinstance(identity, str):
        address_bar.move(identity)
    elif verb == "try" and isinstance(identity, str):
        reader().ask_for_try(identity)
    elif verb in ("start", "goal") and isinstance(identity, str):
        address_bar.change(**{verb: identity})
    elif verb == "swap":
        address_bar.change(start=address_bar.screen().goal, goal=address_bar.screen().start)
    elif verb == "direction" and identity in get_args(Direction):
        address_bar.change(direction=identity)
    elif (verb == "what" and identity in get_args(What)) or (verb == "ride" and identity in get_args(Ride)):
        address_bar.change(**{verb: identity})
    elif verb == "n" and isinstance(identity, str) and identity in map(str, AT_LEAST):
        address_bar.change(n=int(identity))
    elif verb == "leave" and isinstance(identity, str) and (at := address_bar.moment(identity)):
        address_bar.change(at=at, direction="leave")
    elif verb in ("soon", "day", "clock"):
        st.session_state[_WHEN] = verb, str(identity or "")
    elif verb == "here":
        found = st.session_state[_HERE] = place(sent)
        st.session_state[_LOST] = None if found else 0
        if found:
            st.session_state.pop(_NAME, None)
            st.session_state[_TOUCHES] = touches() + 1
        if found and address_bar.shown() == "trip":
            address_bar.change(start=address_bar.HERE)
        elif found:
            address_bar.set_out_now()
    elif verb == "list":
        st.session_state[_LIST] = not has_list()
    elif verb == "away":
        st.session_state.pop(_HERE, None)
    elif verb == "lost":
        code = sent.get("code")
        st.session_state[_LOST] = code if isinstance(code, int) else 0


def has_list() -> bool:
    """Tell whether the viewer has opened the list of the stations."""
    return bool(st.session_state.get(_LIST))


def found() -> str:
    """Take the id of the station that was just found by its name, to which the map goes; "" for none."""
    return str(st.session_state.pop(_FOUND, ""))


def choose_when(now: datetime, zone: tzinfo) -> None:
    """Take over the day or the time that the viewer has just chosen. This needs the city's time."""
    verb, identity = st.session_state.pop(_WHEN, ("", ""))
    screen = address_bar.screen()
    chosen = screen.at.astimezone(zone) if screen.at and address_bar.is_later(screen, now) else None
    if verb == "soon":
        address_bar.change(at=None)
    with suppress(ValueError, OverflowError):  # only a browser that somebody has changed sends no day or time
        if verb == "day":
            clock = None if chosen is None else chosen.time()
            address_bar.change(at=clocks.on_day(date.fromisoformat(identity), clock, now, zone))
        elif verb == "clock":
            day = None if chosen is None else chosen.date()
            clock = time.fromisoformat(identity).replace(second=0, microsecond=0, tzinfo=None)
            address_bar.change(at=clocks.at_clock(clock, day, now, zone))


def _did() -> None:
    act(sent(_KEY, "did"))


def sent(key: str, name: str) -> Mapping[str, Any]:
    """Read what a component of ours has sent under a name; empty where that is nothing or makes no sense."""
    value = getattr(st.session_state.get(key), name, None)
    return value if isinstance(value, Mapping) else {}


def remember(sent: Mapping[str, Any]) -> None:
    """Take over a city's favourites from the browser: ids, and nothing else."""
    system, stations = sent.get("system"), sent.get("stations")
    if isinstance(system, str) and isinstance(stations, list):
        ids = [station for station in stations if isinstance(station, str)][:_MOST]
        st.session_state[_FAVOURITES] = {"system": system, "stations": ids}


def _kept() -> None:
    remember(sent(_KEY, "favourites"))
