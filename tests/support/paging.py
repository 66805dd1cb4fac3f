"""Runs pages in Streamlit's own test runner, and reads their text."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

from streamlit.testing.v1 import AppTest

from dashboard.state.pages import HOME, PAGES

START = str(Path(__file__).parents[2] / "dashboard" / "start.py")


def run_page(query: Mapping[str, str], page: str = HOME, timeout: float = 20) -> AppTest:
    """Open a page by its name with the parameters of its address."""
    opened = AppTest.from_file(START, default_timeout=timeout)
    if page != HOME:
        opened.run()
        opened.switch_page(PAGES[page].script)
    for name, value in query.items():
        opened.query_params[name] = value
    opened.run()
    assert not opened.exception
    return opened


def mended(page: AppTest) -> dict[str, Any]:
    """Give the query that was opened, and the one that the browser is to put in its place; empty for none."""
    mounted = next(each.proto for each in page.get("bidi_component") if "browser" in str(each.proto))
    found: dict[str, Any] = json.loads(mounted.json)["address"]
    return {**found, "right": dict(parse_qsl(found["right"]))} if found else {}


def html(page: AppTest) -> str:
    """Give all that a page writes as HTML."""
    return "".join(element.proto.body for element in page.get("html"))


def text_of(page: AppTest) -> str:
    """Read a page as a person does."""
    plain = [element.value for element in (*page.text, *page.caption, *page.error)]
    return "\n".join([*plain, unescape(re.sub("<[^>]*>", " ", html(page)))])
