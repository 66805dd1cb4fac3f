"""Tells the browser with the page what the map will ask for: its script, and the rows of the newest frame.

Otherwise each waits for the one before: the page for Streamlit's script, that for the first run of ours, the
map's script for that, and the rows for the map's script. The bytes are the same, fetched side by side.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from datetime import timedelta
from functools import lru_cache
from pathlib import Path

import streamlit
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from dashboard.maps import deck
from dashboard.state.address_bar import Screen
from dashboard.store_reader import reader
from dashboard.web.front_page import query_of, spoken
from dashboard.words.catalogue import speaking
from ingest.store import StoreUnreachableError

_SCRIPTS = ("DeckGlJsonChart.*.js", "webgl-device.*.js")


class Preloads:
    """ASGI middleware that adds a `Link` header to the page of the map."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, and add to the answer where it is the page."""
        if scope["type"] != "http" or scope["method"] != "GET" or scope["path"] != "/":
            await self._app(scope, receive, send)
            return
        with speaking(spoken(scope)):
            links = ", ".join([*_scripts(), *await asyncio.to_thread(_rows, query_of(scope))])

        async def with_links(message: Message) -> None:
            if message["type"] == "http.response.start" and message["status"] == 200:
                headers = MutableHeaders(raw=list(message["headers"]))
                if headers.get("content-type", "").startswith("text/html"):
                    headers.append("Link", links)
                    message = {**message, "headers": headers.raw}
            await send(message)

        await self._app(scope, receive, with_links)


@lru_cache(maxsize=1)
def _scripts() -> tuple[str, ...]:
    """Name the map's scripts, whose names change with each release of Streamlit."""
    folder = Path(streamlit.__file__).parent / "static"
    paths = (path for pattern in _SCRIPTS for path in sorted(folder.glob(f"static/js/{pattern}")))
    return tuple(f"<{path.relative_to(folder).as_posix()}>; rel=modulepreload; crossorigin" for path in paths)


def _rows(query: dict[str, str]) -> list[str]:
    """Name the rows that the map draws for an address; none where that is not sure."""
    screen = Screen.from_address(query)
    if not screen.city or screen.at is not None or screen.kiosk:
        return []
    try:
        known = reader().overview().get(screen.city)
    except StoreUnreachableError:
        return []  # the page says so
    if known is None:
        return []
    system, state = known
    if state.frame_version is None or state.at is None:
        return []
    reach = timedelta(minutes=deck.NEAR.minutes[-1] - screen.minutes)
    if reader().system_time(system, state) - state.at > reach:
        return []
    if screen.what not in ("bike", "space"):
        with suppress(LookupError):
            screen = screen.for_frame(reader().frame(system.system_id, state.frame_version))
    url = deck.frame_url(system.system_id, state.frame_version, screen.what, screen.n, deck.NEAR)
    return [f"<{url}>; rel=preload; as=fetch; crossorigin"]
