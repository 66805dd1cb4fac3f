"""Makes the page that Streamlit serves say what it is about, in the reader's language.

Streamlit serves one file for all addresses: `<html lang="en">`, titled "Streamlit". A messenger that shows a
preview of a link, a search engine and a screen reader that begins early read nothing else. So the head names
city, station or trip, and moment of the address. Its language is that of the address, or the kept choice, or
what the browser asks for, as in the session that follows.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from urllib.parse import parse_qsl

from babel.core import Locale, get_global
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import cookie_parser
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from dashboard import itinerary
from dashboard.components.html import opening, tag, together
from dashboard.state.address_bar import Screen
from dashboard.state.pages import HOME, PAGES
from dashboard.store_reader import reader
from dashboard.web.static_files import HeldResponse
from dashboard.words import formats, languages
from dashboard.words import map as map_words
from dashboard.words.catalogue import Language, current, speaking
from dashboard.words.preview import NO_SCRIPT, Preview, preview
from dashboard.words.shell import TITLE
from ingest.store import StoreUnreachableError
from ingest.system import System, zone_of
from model.frame import Frame

_HTML, _TITLE = b'<html lang="en">', b"<title>Streamlit</title>"
_NO_SCRIPT = re.compile(rb"<noscript>.*?</noscript>", re.DOTALL)
_NO_PAGES = {"api", "gbfs", "healthz", "metrics", "static", "app", "media", "component", "_stcore"}
"""First parts of the paths that never lead to a page."""

_DROPPED = (b"accept-encoding", b"if-none-match", b"if-modified-since", b"if-range", b"range")


class FrontPage:
    """ASGI middleware that rewrites the head of the page, and touches nothing else."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on; hold back an answer that is HTML: its length and validators change."""
        if scope["type"] != "http" or scope["method"] not in ("GET", "HEAD"):
            await self._app(scope, receive, send)
            return
        asked = scope
        if _leads_to_a_page(scope["path"]):
            kept = [each for each in scope["headers"] if each[0] not in _DROPPED]
            asked = {**scope, "method": "GET", "headers": kept}
        held, passes = HeldResponse(), False

        async def take(message: Message) -> None:
            nonlocal passes
            if message["type"] == "http.response.start":
                headers = Headers(raw=message["headers"])
                html = headers.get("content-type", "").startswith("text/html")
                passes = not html or "content-encoding" in headers
            await (send(message) if passes else held.take(message))

        await self._app(asked, receive, take)
        if held.whole:
            await self._send(scope, send, held)

    @staticmethod
    async def _send(scope: Scope, send: Send, held: HeldResponse) -> None:
        body, start = bytes(held.body), held.start
        if start["status"] == 200 and _TITLE in body:
            with speaking(spoken(scope)):
                query = query_of(scope)
                shown = await asyncio.to_thread(describe, scope["path"].rpartition("/")[2], query)
                body = rewritten(body, shown)
            changed = MutableHeaders(raw=list(start["headers"]))
            changed["Content-Length"] = str(len(body))
            changed.add_vary_header("Accept-Language, Cookie")
            for name in ("etag", "last-modified", "accept-ranges"):
                del changed[name]
            start = {**start, "headers": changed.raw}
        await send(start)
        body = b"" if scope["method"] == "HEAD" else body
        await send({"type": "http.response.body", "body": body, "more_body": False})


def _leads_to_a_page(path: str) -> bool:
    """Tell whether a path is one of a page: then the whole of it is asked for, as it is."""
    return path.split("/")[1] not in _NO_PAGES and "." not in path.rpartition("/")[2]


def query_of(scope: Scope) -> dict[str, str]:
    """Read what an address asks for; the last of several values of one name."""
    return dict(parse_qsl(scope["query_string"].decode("latin-1")))


def spoken(scope: Scope) -> Language:
    """Choose the language of a request, as its session will."""
    headers = Headers(scope=scope)
    kept = cookie_parser(headers.get("cookie", "")).get(languages.COOKIE)
    asks = languages.accepted(headers.get("accept-language", ""))
    return languages.chosen(query_of(scope).get("lang"), kept, asks)


def describe(page: str, query: Mapping[str, str]) -> Preview:
    """Say what an address leads to. Names come from the store: what an address says is not repeated."""
    page = page if page in PAGES else HOME
    about = "" if page == HOME else PAGES[page].title()
    screen = Screen.from_address(query)
    try:
        system, frame = _known(screen.city)
    except StoreUnreachableError:  # the page says so
        return preview(about, "", "")
    if system is None:
        return preview(about, "", "")
    if frame is not None and page in ("map", "trip"):
        about = _named(page, screen, frame) or about
    asked = _asked(page, query, screen, frame)
    return preview(about, system.city or system.name, asked)


def _known(city: str) -> tuple[System | None, Frame | None]:
    known = reader().overview().get(city)
    if known is None:
        return None, None
    system, state = known
    try:
        return system, reader().frame(city, state.frame_version or 0)
    except LookupError:
        return system, None


def _named(page: str, screen: Screen, frame: Frame) -> str:
    """Name the station of a map, or both ends of a trip; nothing where they are not known."""
    if page == "map":
        found = itinerary.end(frame, screen.station, None)
        return found.name if found is not None and found.row is not None else ""
    ends = [itinerary.end(frame, written, None) for written in (screen.start, screen.goal)]
    names = [each.name for each in ends if each is not None and each.row is not None]
    return " → ".join(names) if len(names) == len(ends) else ""


def _asked(page: str, query: Mapping[str, str], screen: Screen, frame: Frame | None) -> str:
    """Say what the address asks for, and when, where it says so. A moment has its date: previews are kept."""
    if page not in ("map", "trip"):
        return ""
    when = ""
    if screen.at is not None and frame is not None:
        when = formats.dated(screen.at, zone_of(frame.stations.timezone))
    elif screen.at is None and "in" in query:
        when = formats.arrival(screen.minutes)
    if page == "trip":
        return when
    if when:
        return map_words.chosen(screen.what, screen.n, when)
    return map_words.wish(screen.what, screen.n) if "what" in query else ""


def rewritten(page: bytes, shown: Preview) -> bytes:
    """Put language, title and preview into Streamlit's page. Its scripts stay as they are."""
    language = current()
    head = together(
        tag("title", shown.title),
        opening("meta", name="description", content=shown.line),
        opening("meta", property="og:type", content="website"),
        opening("meta", property="og:site_name", content=TITLE),
        opening("meta", property="og:locale", content=_with_country(language.locale)),
        opening("meta", property="og:title", content=shown.title),
        opening("meta", property="og:description", content=shown.line),
        opening("meta", name="twitter:card", content="summary"),
    )
    told = tag("noscript", tag("p", NO_SCRIPT())).encode()
    page = page.replace(_HTML, opening("html", lang=language.code).encode(), 1)
    page = page.replace(_TITLE, head.encode(), 1)
    return _NO_SCRIPT.sub(lambda _: told, page, count=1)


def _with_country(locale: Locale) -> str:
    """Write a language with the country that it is most likely of, as previews ask for.

    >>> _with_country(Locale("ja")), _with_country(Locale("pt", "BR"))
    ('ja_JP', 'pt_BR')
    """
    likely = Locale.parse(get_global("likely_subtags").get(str(locale), str(locale)))
    return f"{locale.language}_{likely.territory or locale.territory}"
