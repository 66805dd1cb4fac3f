"""Tells the browser with the page what it will ask for: the scripts of what is on it, and the map's rows.

Otherwise each waits for the one before: the page for Streamlit's script, that for the first run of ours, the
map's script for that, what it imports for it, and the rows for all of these. The bytes are the same, fetched
side by side.
"""

from __future__ import annotations

import asyncio
import re
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

_SCRIPTS = ("DeckGlJsonChart", "webgl-device", "Html", "BidiComponent", "Slider")
"""What Streamlit loads when the map's page asks for it, by the beginning of its name."""

_OWN = "index"
"""What Streamlit's page loads by itself, and names with all that it imports."""

_IMPORT = re.compile(r"""(?:from|import)\s*["']\./([\w.-]+\.js)["']""")


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
    """Name the scripts, whose names change with each release of Streamlit."""
    static = Path(streamlit.__file__).parent / "static"
    folder = static / "static" / "js"
    named = sorted(_with_imports(folder, *_SCRIPTS) - _with_imports(folder, _OWN))
    where = folder.relative_to(static).as_posix()
    return tuple(f"<{where}/{name}>; rel=modulepreload; crossorigin" for name in named)


def _with_imports(folder: Path, *beginnings: str) -> set[str]:
    """List scripts and all that they import, and what these do."""
    found: set[str] = set()
    ahead = [path.name for name in beginnings for path in folder.glob(f"{name}.*.js")]
    while ahead:
        name = ahead.pop()
        if name not in found:
            found.add(name)
            ahead += _IMPORT.findall((folder / name).read_text(encoding="utf-8"))
    return found


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
