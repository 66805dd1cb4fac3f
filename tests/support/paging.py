"""Runs pages in Streamlit's own test runner, and reads their text."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

from streamlit.proto.WidgetStates_pb2 import WidgetState
from streamlit.runtime.state.session_state import STREAMLIT_INTERNAL_KEY_PREFIX
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


def _mounted(page: AppTest) -> Any:
    """Give the component that listens to our buttons, as the browser gets it."""
    return next(each.proto for each in page.get("bidi_component") if "browser" in str(each.proto))


def mended(page: AppTest) -> dict[str, Any]:
    """Give the query that was opened, and the one that the browser is to put in its place; empty for none."""
    found: dict[str, Any] = json.loads(_mounted(page).json)["address"]
    return {**found, "right": dict(parse_qsl(found["right"]))} if found else {}


def touch(page: AppTest, verb: str, identity: str = "") -> AppTest:
    """Report one of our buttons, or a choice from one of our lists, as the browser does."""
    states = page._tree.get_widget_states()
    event = {"event": "did", "value": {"do": verb, "id": identity}}
    trigger = f"{STREAMLIT_INTERNAL_KEY_PREFIX}_{_mounted(page).id}__events"
    states.widgets.append(WidgetState(id=trigger, json_trigger_value=json.dumps([event])))
    return page._run(states)


def offered(page: AppTest, verb: str) -> dict[str, str]:
    """Give the words of the buttons for a choice, by what each stands for."""
    return dict(re.findall(f'data-do="{verb}:([^"]*)"[^>]*>([^<]*)<', html(page)))


def pressed(page: AppTest, verb: str) -> str:
    """Give what is chosen in a row of buttons."""
    (found,) = re.findall(f'data-do="{verb}:([^"]*)" aria-current="true"', html(page))
    return str(found)


def picker(page: AppTest) -> list[str]:
    """Give the entries of the city picker."""
    options = re.search('<select[^>]*class="city">(.*?)</select>', html(page))
    return re.findall("<option[^>]*>([^<]*)<", options[1]) if options else []


def picked(page: AppTest) -> str:
    """Give the id of the city that the picker shows."""
    options = re.search('<select[^>]*class="city">(.*?)</select>', html(page))
    found = re.search('<option value="([^"]*)" selected', options[1]) if options else None
    return found[1] if found else ""


def html(page: AppTest) -> str:
    """Give all that a page writes as HTML."""
    return "".join(element.proto.body for element in page.get("html"))


def text_of(page: AppTest) -> str:
    """Read a page as a person does."""
    plain = [element.value for element in (*page.text, *page.caption, *page.error)]
    return "\n".join([*plain, unescape(re.sub("<[^>]*>", " ", html(page)))])
