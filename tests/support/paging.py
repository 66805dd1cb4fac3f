"""Pages run by Streamlit's own test runner, and what they say."""

from __future__ import annotations

import re
from collections.abc import Mapping
from html import unescape
from pathlib import Path

from streamlit.testing.v1 import AppTest

from dashboard.start import SCREENS

START = str(Path(__file__).parents[2] / "dashboard" / "start.py")


def run_page(query: Mapping[str, str], page: str = "", timeout: float = 20) -> AppTest:
    """Open an address: the map's, or that of another screen by its name."""
    opened = AppTest.from_file(START, default_timeout=timeout)
    if page:
        opened.run()
        opened.switch_page(SCREENS[page])
    for name, value in query.items():
        opened.query_params[name] = value
    opened.run()
    assert not opened.exception
    return opened


def html(page: AppTest) -> str:
    """Give all that a page writes as HTML."""
    return "".join(element.proto.body for element in page.get("html"))


def said(page: AppTest) -> str:
    """Read a page as a person does."""
    plain = [element.value for element in (*page.text, *page.caption, *page.error)]
    return "\n".join([*plain, unescape(re.sub("<[^>]*>", " ", html(page)))])
