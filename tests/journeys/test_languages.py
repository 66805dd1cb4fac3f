"""Every language in real Chromium: a map, a trip, an accuracy page and an error, without a word of English.

And two languages that nobody speaks, one of longer words and one of Japanese glyphs: nothing is cut.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

import pytest
from babel.core import Locale
from babel.messages.pofile import read_po
from playwright.sync_api import Page, expect

from dashboard.state.pages import PAGES
from dashboard.words import accuracy, catalogue
from dashboard.words.catalogue import code, load, speaking
from dashboard.words.feed_errors import feed_error
from ingest.reason import Reason
from tests.journeys.test_pages import write_down
from tests.support import pseudo
from tests.support.browsing import DESK, PHONE, Site, Visit, fits, serve, set_slider, unfold
from tests.support.dashboard_world import NASTY
from tests.support.processes import PATIENCE

pytestmark = pytest.mark.browser

LANGUAGES = sorted(path.parents[1].name for path in catalogue.FOLDER.glob("*/LC_MESSAGES/dockcast.po"))
LONGER, GLYPHS = "eo", "ko"
NO_ANSWER = Reason("no_connection", {"host": "bikes.example"})
NAMES = {
    "dockcast", "dublin", "dublinbikes", "boulder", "bcycle", "station", "quay", "bikes", "example",
    *accuracy.MODELS, "openstreetmap", "carto", "fr", "ja", "nb", "nl", "de", "es", "it", "pt",
}  # fmt: skip
"""Words that are the same in every language: cities, stations, models, makers of the map, and codes."""

READ = """() => {
  const found = [];
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT | NodeFilter.SHOW_ELEMENT);
  while (walk.nextNode()) {
    const node = walk.currentNode, element = node.parentElement;
    if (node.nodeType === Node.TEXT_NODE) {
      if (element.closest("style, script, noscript, option, .deck-tooltip, [data-testid=stIconMaterial]"))
        continue;
      if (element.checkVisibility({ visibilityProperty: true })) found.push(node.data);
    } else if (node.checkVisibility({ visibilityProperty: true })) {
      for (const name of ["aria-label", "title", "placeholder", "alt"])
        found.push(node.getAttribute(name) ?? "");
    }
  }
  return [...found, document.title].join("\\n");
}"""
"""Reads all that people see or hear of a page, but for the names of languages, which are each its own."""

CUT = """() => {
  const found = [];
  const main = document.querySelector("[data-testid=stMain]");
  const walk = document.createTreeWalker(main, NodeFilter.SHOW_TEXT);
  const range = document.createRange();
  while (walk.nextNode()) {
    const node = walk.currentNode, element = node.parentElement;
    if (!node.data.trim()) continue;
    if (element.closest("style, script, select, .unseen, [data-testid=stDataFrame]")) continue;
    if (!element.checkVisibility({ visibilityProperty: true, opacityProperty: true })) continue;
    range.selectNodeContents(node);
    const { left, right, top, bottom, width } = range.getBoundingClientRect();
    const picture = element.closest("svg")?.getBoundingClientRect();
    let from = 0, to = innerWidth, scrolls = false;
    if (picture) { // a letter's box is some pixels larger than the letter, also where it stands on its side
      [from, to] = [picture.left - 3, picture.right + 3];
      if (top < picture.top - 4 || bottom > picture.bottom + 4) found.push(node.data.trim());
    } else for (let outer = element; outer !== main && !scrolls; outer = outer.parentElement) {
      const { overflowX } = getComputedStyle(outer);
      if (overflowX === "auto" || overflowX === "scroll") scrolls = true;
      else if (overflowX !== "visible") {
        const box = outer.getBoundingClientRect();
        [from, to] = [Math.max(from, box.left), Math.min(to, box.right)];
      }
    }
    if (to - from < 3) continue; // for screen readers alone
    if (!scrolls && width > 1 && (left < from - 1.5 || right > to + 1.5)) found.push(node.data.trim());
  }
  return found;
}"""
"""Finds words that their box or the edge of the screen cuts. What can be scrolled is not cut."""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """One app for all languages, with something on every page and a feed that failed."""
    folder = tmp_path_factory.mktemp("languages")
    pseudo.made(folder / "locale", LONGER, pseudo.longer)
    pseudo.made(folder / "locale", GLYPHS, pseudo.glyphs)
    for name in LANGUAGES:
        (folder / "locale" / name).symlink_to(catalogue.FOLDER / name)
    with serve(folder, locales=folder / "locale") as running:
        write_down(running, 40)
        yield running


@pytest.fixture
def harmless() -> re.Pattern[str]:
    return re.compile(rf"/({'|'.join(PAGES)})/_stcore/")


def words(text: str) -> set[str]:
    return set(re.findall(r"[^\W\d_]{2,}", text.replace(NASTY, "").lower()))


@lru_cache
def vocabulary(name: str) -> set[str]:
    """List the words of a language: those of its messages, and what Babel writes by itself."""
    with (catalogue.FOLDER / name / "LC_MESSAGES" / "dockcast.po").open("rb") as file:
        messages = read_po(file, locale=name)
    text = [form for entry in messages if entry.id for form in pseudo.forms(entry.string)]
    locale = Locale.parse(name)
    text += [day for widths in locale.days.values() for days in widths.values() for day in days.values()]
    text += [
        month for widths in locale.months.values() for months in widths.values() for month in months.values()
    ]
    return words(re.sub(r"\{[^}]*\}", " ", "\n".join(text)))


def only_known(page: Page, name: str) -> None:
    """Check that a page has no word that is neither in the catalogue nor a name."""
    known, text = vocabulary(name) | NAMES, page.evaluate(READ)
    foreign = words(text) - known
    if name == "ja":  # which has no spaces: any Latin letters are foreign, all others are its own
        foreign = {word for word in foreign if re.search("[a-z]", word)}
        latin = {part for word in known for part in re.findall("[a-z]{2,}", word)}
        foreign = {part for word in foreign for part in re.findall("[a-z]{2,}", word)} - latin
    assert not foreign, f"{sorted(foreign)} in {page.url}"


def cut(page: Page) -> list[str]:
    """List the words that are cut. A chart that is being drawn has a moment to take its width."""
    found: list[str] = []
    for _ in range(4 * int(PATIENCE)):
        found = page.evaluate(CUT)
        if not found:
            break
        page.wait_for_timeout(250)
    return found


def go_to(page: Page, name: str) -> None:
    link = page.locator(f'[data-do="page:{name}"]')
    link.click(timeout=PATIENCE * 1000)
    expect(link).to_have_attribute("aria-current", "page")


@pytest.mark.parametrize("name", LANGUAGES)
def test_no_word_of_english(visit: Visit, site: Site, name: str) -> None:
    spoken = load(name)
    site.go_on()
    site.world.fail("boulder", "unreachable", NO_ANSWER)
    page = visit("trip?city=dublin&from=s4&to=s9", {**PHONE, "locale": code(spoken.locale)})
    expect(page.locator("html")).to_have_attribute("lang", code(spoken.locale))
    expect(page.locator(".plan").first).to_be_visible()
    expect(page.get_by_test_id("stVegaLiteChart").locator("svg")).to_be_visible()
    only_known(page, name)
    assert cut(page) == []

    go_to(page, "map")
    page.locator(".summary").wait_for()
    search = page.locator(".search input")
    search.fill("station 4")
    page.locator(".search li").first.wait_for()
    search.press("Enter")
    expect(page.locator(".station h2")).to_be_visible()
    unfold(page)
    set_slider(page, 20)
    expect(page.get_by_test_id("stVegaLiteChart").locator("svg")).to_be_visible()
    only_known(page, name)
    assert cut(page) == []

    go_to(page, "accuracy")
    expect(page.locator("dl.verdict dd").first).to_be_visible()
    expect(page.get_by_test_id("stVegaLiteChart").locator("svg")).to_have_count(8)
    only_known(page, name)
    assert cut(page) == []

    go_to(page, "feeds")
    page.locator('[data-do="feed:boulder"]').first.click()
    with speaking(spoken):
        why = feed_error(NO_ANSWER)
    expect(page.locator(".st-key-feed").get_by_text(why).first).to_be_visible()
    only_known(page, name)
    assert fits(page)


@pytest.mark.parametrize(("device", "width"), [(PHONE, 360), (DESK, 1280)], ids=["phone", "desk"])
@pytest.mark.parametrize("name", [LONGER, GLYPHS])
def test_longer_words_and_other_glyphs_have_room(
    visit: Visit, name: str, device: dict[str, Any], width: int
) -> None:
    page = visit("trip?city=dublin&from=s4&to=s9", {**device, "locale": name})
    expect(page.locator(".plan").first).to_be_visible()
    for each in ("trip", "map", "accuracy", "feeds", "model"):
        if each != "trip":
            go_to(page, each)
        if each in ("accuracy", "model"):
            expect(page.get_by_test_id("stVegaLiteChart").locator("svg").first).to_be_visible()
        assert fits(page), each
        assert cut(page) == [], each
    assert page.viewport_size is not None
    assert page.viewport_size["width"] == width


def test_a_choice_is_kept_in_the_browser_and_reaches_nobody_else(visit: Visit, site: Site) -> None:
    mine, other = visit("?city=dublin&lang=de"), visit("?city=dublin")
    expect(mine.locator("html")).to_have_attribute("lang", "de")
    switch = mine.locator("select[data-language]")
    assert switch.evaluate("e => [...e.options].map(o => o.text)") == [
        "Deutsch", "English", "Español", "Esperanto", "Français", "Italiano", "Nederlands", "Norsk bokmål",
        "Português (Brasil)", "日本語", "한국어",
    ]  # fmt: skip
    switch.select_option("ja")
    expect(mine.locator("html")).to_have_attribute("lang", "ja")
    expect(mine).to_have_url(re.compile(r"city=dublin(?!.*lang=)"))
    expect(mine.locator("nav a").first).to_have_text("地図")
    expect(other.locator("nav a").first).to_have_text("Map")
    again = mine.context.new_page()
    again.goto(site.url + "trip?city=dublin")
    expect(again.locator("nav a").first).to_have_text("地図")
    again.goto(site.url + "trip?city=dublin&lang=en")
    expect(again.locator("nav a").first).to_have_text("Map")
    expect(other.locator("html")).to_have_attribute("lang", "en")
