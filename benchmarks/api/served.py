"""What the benchmark serves: Dockcast as app.py has it, and a bare route that gives the same bytes."""

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

from dashboard import api, reading  # noqa: E402
from dashboard.statics import CompressedStatics  # noqa: E402
from ingest.settings import Settings  # noqa: E402
from ingest.store import Store  # noqa: E402

kept: dict[str, tuple[bytes, dict[str, str], int]] = {}
"""What the bare route gives, by the address of ours that gave it."""


async def keep(request: Request) -> Response:
    """Take a body, its headers and its status: whoever measures had them from our route."""
    headers = {name[2:]: value for name, value in request.headers.items() if name.startswith("x-")}
    status = int(headers.pop("status"))
    kept[request.url.query] = (await request.body(), headers, status)
    return Response(status_code=204)


async def bare(request: Request) -> Response:
    """Give the same bytes, with no work at all."""
    body, headers, status = kept[request.url.query]
    return Response(body, status, headers)


@asynccontextmanager
async def lifespan(_: st.App) -> AsyncIterator[None]:
    """Open the store; the benchmark needs no worker."""
    store = Store(Settings().store)
    reading.use(store)
    yield
    store.close()


app = st.App(
    ROOT / "dashboard" / "start.py",
    lifespan=lifespan,
    routes=(Route("/bare", bare), Route("/keep", keep, methods=["POST"]), *api.ROUTES),
    middleware=[Middleware(CompressedStatics)],
)
