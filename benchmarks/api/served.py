"""Serves Dockcast as app.py does, and a bare route that returns the same bytes."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT))

import streamlit as st  # noqa: E402
from starlette.middleware import Middleware  # noqa: E402
from starlette.requests import Request  # noqa: E402
from starlette.responses import Response  # noqa: E402
from starlette.routing import Route  # noqa: E402
from starlette.types import ASGIApp, Receive, Scope, Send  # noqa: E402

from dashboard import store_reader  # noqa: E402
from dashboard.api import routes  # noqa: E402
from dashboard.web.request_guard import RequestGuard  # noqa: E402
from dashboard.web.static_files import CompressedStatics  # noqa: E402
from ingest.settings import Settings  # noqa: E402
from ingest.store import Store  # noqa: E402

kept: dict[str, tuple[bytes, dict[str, str], int]] = {}
"""The answers of the bare route, by the address of ours that gave them."""


async def keep(request: Request) -> Response:
    """Take a body, its headers and its status, which the benchmark got from our route."""
    headers = {name[2:]: value for name, value in request.headers.items() if name.startswith("x-")}
    status = int(headers.pop("status"))
    kept[request.url.query] = (await request.body(), headers, status)
    return Response(status_code=204)


async def bare(request: Request) -> Response:
    """Return the same bytes without any work."""
    body, headers, status = kept[request.url.query]
    return Response(body, status, headers)


@asynccontextmanager
async def lifespan(_: st.App) -> AsyncIterator[None]:
    """Open the store; the benchmark needs no worker."""
    store = Store(settings.store)
    store_reader.use(store)
    yield
    store.close()


class GuardOfOurs:
    """Puts the request guard before all routes but the bare one."""

    def __init__(self, app: ASGIApp) -> None:
        self._bare = app
        self._guarded = RequestGuard(app, settings.hosts, settings.map_style)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Choose by the path."""
        app = self._bare if scope.get("path") in ("/bare", "/keep") else self._guarded
        await app(scope, receive, send)


settings = Settings.read()
app = st.App(
    ROOT / "dashboard" / "start.py",
    lifespan=lifespan,
    routes=(Route("/bare", bare), Route("/keep", keep, methods=["POST"]), *routes.ROUTES),
    middleware=[Middleware(GuardOfOurs), Middleware(CompressedStatics)],
)
