"""The language of a session: chosen once for each run of the page, and never that of another session."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from dashboard.state.pages import PAGES
from dashboard.words import catalogue
from tests.support import pseudo
from tests.support.dashboard_world import World, frame
from tests.support.paging import html, run_page, text_of


@pytest.fixture(autouse=True)
def two_languages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, world: World) -> None:
    pseudo.made(tmp_path / "locale", "pl", pseudo.shouted)
    pseudo.made(tmp_path / "locale", "ko", lambda message: "자" if "{" not in message else message)
    monkeypatch.setattr(catalogue, "FOLDER", tmp_path / "locale")
    world.commit(frame())


def maps(page: AppTest) -> str:
    return "".join(each.proto.json + each.proto.tooltip for each in page.get("deck_gl_json_chart"))


SAID = {"en": "Nearest good alternatives", "pl": "NEAREST GOOD ALTERNATIVES", "ko": "자"}


def test_visitors_in_turn_have_each_their_own_language(world: World) -> None:
    """Everything that is kept for all visitors is asked for by three of them, in every order."""
    city = {"city": "dublin", "station": "s4"}
    pages = {code: run_page({**city, "lang": code} if code != "en" else city) for code in SAID}
    for code in ("en", "pl", "ko", "pl", "en", "ko", "en"):
        page = pages[code].run()
        assert SAID[code] in text_of(page)
        others = {other for name, other in SAID.items() if name not in (code, "ko")}
        assert not any(other in text_of(page) for other in others)
        assert ("?lang=" + code in maps(page)) == (code != "en")
        assert ("now: " in maps(page), "NOW: " in maps(page)) == (code == "en" or code == "ko", code == "pl")
        assert f'value="{code}" lang="{code}" selected=""' in html(page)


def test_links_between_pages_keep_a_language_that_the_address_has_and_force_no_other() -> None:
    asked, left = run_page({"city": "dublin", "lang": "pl"}), run_page({"city": "dublin"})
    links = re.findall('<a href="([^"]*)" data-do="page:', html(asked))
    assert ["lang=pl" in link for link in links] == [True] * len(PAGES)
    assert asked.query_params["lang"] in ("pl", ["pl"])
    assert "?lang=" not in html(left)
    assert "&amp;lang=" not in html(left)
    assert "lang" not in left.query_params


@pytest.mark.parametrize("wrong", ["tlh", "", "x" * 300, "<b>"])
def test_a_language_that_is_not_spoken_here_is_as_none(wrong: str) -> None:
    page = run_page({"city": "dublin", "lang": wrong, "station": "s4"})
    assert SAID["en"] in text_of(page)
    assert "&amp;lang=" not in html(page)
