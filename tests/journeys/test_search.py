"""The search by name in real Chromium: what is like what, and how it is used without a mouse."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.sync_api import Browser, expect

from dashboard.components.html import STATIC
from dashboard.words import station as station_words
from tests.support.browsing import DESK, EVERYBODY, PHONE, Site, Visit, barred, box_of, fits, small_targets
from tests.support.processes import wait_for

pytestmark = pytest.mark.browser

NAMES = [
    "Parnell Square North", "Pearse Street", "Gare de l’Est – Départ", "Straße des 17. Juni", "Station 3",
    "Station 31", "Station 20", "Wilmington Square", "Clerkenwell Road, Clerkenwell", "駅前",
]  # fmt: skip

FIND = "([names, typed]) => search.find(names.map(search.plain), typed)"

AMONG_THOUSANDS = """() => {
    const names = Array.from({ length: 2500 }, (_, n) => `station number ${n} of a long avenue`);
    return search.find(names, "station number 2499 of a log avenu")[0];
}"""


def test_a_name_is_found_by_its_beginning_a_part_or_with_typos_also_among_thousands(browser: Browser) -> None:
    page = browser.new_page()
    script = (STATIC / "search.js").read_text(encoding="utf-8")
    page.add_script_tag(type="module", content=f"{script};window.search = {{ find, plain }};")
    page.wait_for_function("window.search")
    for typed, best in {
        "par": 0, "parnel sqare": 0, "PEARSE": 1, "gare d l'est": 2, "depart": 2, "strasse": 3,
        "staton 3l": 4, "station 31": 5, "staton 2O": 6, "wilm": 7, "square wil": 7, "clerkenwel": 8, "駅": 9,
    }.items():  # fmt: skip
        assert page.evaluate(FIND, [NAMES, typed])[:1] == [best], typed
    for typed in ("xyzzy", "", " ", "–", "🚲"):
        assert page.evaluate(FIND, [NAMES, typed]) == []
    assert page.evaluate(AMONG_THOUSANDS) == 2499
    page.close()


@EVERYBODY
def test_a_station_is_found_while_one_types_and_the_map_goes_there(
    visit: Visit, site: Site, device: dict[str, Any], scheme: str
) -> None:
    page = visit("?city=dublin&in=30", device, scheme)
    search = page.get_by_role("combobox", name=station_words.SEARCH())
    options = page.get_by_role("listbox").get_by_role("option")
    search.click()
    page.keyboard.type("staton 3")
    expect(options.first).to_contain_text(re.compile(r"Station 3.*%", re.DOTALL))
    expect(search).to_have_attribute("aria-expanded", "true")
    assert not barred(page)
    assert fits(page)
    if device is PHONE:
        assert not small_targets(page)
    search.fill("xyzzy")
    assert options.count() == 0, "nothing old stays under new text"
    expect(page.get_by_text(station_words.NO_MATCH())).to_be_visible()
    search.fill("station 3")
    page.keyboard.press("ArrowDown")
    chosen = page.locator("#" + str(search.get_attribute("aria-activedescendant")))
    name, chance = chosen.locator("span").all_inner_texts()
    page.keyboard.press("Enter")
    panel = page.locator(".station")
    expect(panel.locator("h2")).to_have_text(name)
    expect(panel).to_contain_text(chance)
    expect(options).to_have_count(0)
    expect(search).to_have_value("")
    if device is DESK:
        page.get_by_role("button", name=station_words.CLOSE()).click()
        expect(panel).to_have_count(0)

        def the_station_is_in_the_middle() -> bool:
            box = box_of(page.locator("#deckgl-overlay"))
            page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
            page.wait_for_timeout(1500)
            return panel.locator("h2").all_inner_texts() == [name]

        wait_for(the_station_is_in_the_middle)
    search.fill("stat")
    page.keyboard.press("Escape")
    expect(search).to_have_value("")
    expect(options).to_have_count(0)
