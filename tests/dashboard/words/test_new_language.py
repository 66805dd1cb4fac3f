"""A new language is one file: every page speaks it, and nothing stays in English.

The made-up language has the English words in capital letters, so a small letter on a page is a word that
nobody can translate.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import unescape
from pathlib import Path

import pytest

from dashboard import store_reader
from dashboard.state.pages import PAGES
from dashboard.words import catalogue
from tests.support import pseudo
from tests.support.dashboard_world import NASTY, World, frame
from tests.support.paging import run_page, touch

NAMES = {
    "Dockcast",
    "English",
    "Polski",
    "Dublin",
    "dublinbikes",
    "Boulder",
    "BCycle",
    "Station",
    "Monday",
    "poniedziałek",
    "wt",
}
"""Words from the world of these tests, and a weekday, which Babel has."""

LABELLED = ("selectbox", "slider", "toggle", "text_input", "button_group", "expander")
SEEN: list[tuple[str, dict[str, str], str]] = [
    ("map", {"station": "s4"}, "EXPECTED AT 12:15"),
    ("map", {"station": "s4", "what": "space", "n": "2", "in": "45"}, "2 SPACES"),
    ("trip", {"from": "s4", "to": "s9"}, "RECOMMENDED"),
    ("feeds", {}, "ODDITIES"),
    ("accuracy", {}, "MEAN ERROR"),
    ("model", {}, "FORECASTER"),
]
SEEN += [
    (page, {}, entry.title().upper()) for page, entry in PAGES.items() if page not in {p for p, *_ in SEEN}
]
"""Pages, their choices, and words that they show. Of any other page, its title."""

DRAWN = ("deck_gl_json_chart", "vega_lite_chart", "arrow_data_frame")


@pytest.fixture
def language(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Add the file of a language, which the address asks for."""
    pseudo.made(tmp_path / "locale", "pl", pseudo.shouted)
    monkeypatch.setattr(catalogue, "FOLDER", tmp_path / "locale")


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path)
    made.commit(frame())
    store_reader.use(made.store, made.clock)
    yield made
    made.store.close()


@pytest.mark.parametrize(("page", "query", "seen"), SEEN)
def test_a_page_speaks_a_new_language(
    language: None, world: World, page: str, query: dict[str, str], seen: str
) -> None:
    shown = run_page({"city": "dublin", "lang": "pl", **query}, page, timeout=60)
    if page == "map":
        touch(shown, "list")
    markup = re.sub(
        "<style>.*?</style>", "", "".join(e.proto.body for e in shown.get("html")), flags=re.DOTALL
    )
    words = [unescape(re.sub("<[^>]*>", " ", markup)), *re.findall('aria-label="([^"]*)"', markup)]
    words += [element.value for element in (*shown.text, *shown.caption)]
    words += [element.proto.label for kind in LABELLED for element in shown.get(kind)]
    words += [str(option) for element in shown.selectbox for option in element.options]
    words += [column for element in shown.dataframe for column in element.value.columns]
    words += [getattr(element.proto, "alt", "") for kind in DRAWN for element in shown.get(kind)]
    text = unescape("\n".join(words)).replace(NASTY, "")
    assert seen in text
    assert set(re.findall(r"\w*[a-z]\w*", text)) - NAMES == set()
