"""The table of pages: each has a title and a link, runs by its own address, and writes no Markdown."""

from __future__ import annotations

from pathlib import Path

import pytest

from dashboard import start
from dashboard.state.address_bar import Screen
from dashboard.state.pages import HOME, PAGES, path
from tests.support.dashboard_world import NOON, World, frame
from tests.support.paging import html, mended, run_page


@pytest.mark.parametrize("page", PAGES)
def test_a_page_runs_by_its_address_and_links_all_others(world: World, page: str) -> None:
    world.commit(frame())
    shown = run_page({"city": "dublin"}, page)
    assert not shown.exception
    assert not shown.get("markdown"), "a name from a feed could load images from a stranger's server"
    for other, entry in PAGES.items():
        here = ' aria-current="page"' if other == page else ""
        assert f'href="{path(other)}?city=dublin' in html(shown)
        assert f'data-do="page:{other}"{here}>{entry.title()}</a>' in html(shown)


NONSENSE = ("-1", "9" * 5000, "<script>alert(1)</script>")


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("value", NONSENSE, ids=range(len(NONSENSE)))
def test_a_page_opens_with_nonsense_in_every_parameter_and_puts_its_address_right(
    world: World, page: str, value: str
) -> None:
    world.commit(frame())
    names = {*Screen(at=NOON, start="s4", goal="s5", everywhere=True, models=("seed",)).address(page)}
    query = dict.fromkeys(
        (*names, "city", "station", "from", "to", "at", "in", "all", "models", "kiosk"), value
    )
    shown = run_page({**query, "elsewhere": value}, page)
    assert not shown.exception
    assert not shown.error
    assert "<script>" not in html(shown)
    screen = shown.session_state["screen"]
    assert (screen.city, screen.station, screen.start, screen.goal) == ("dublin", "", "", "")
    assert mended(shown)["right"] == screen.address(page)
    assert ("No city here is called" in html(shown)) == (page in ("map", "trip"))


def test_the_table_names_scripts_and_choices_that_exist() -> None:
    assert path(HOME) == "./"
    for entry in PAGES.values():
        assert (Path(start.__file__).parent / entry.script).is_file()
        assert set(entry.choices) <= set(Screen.__dataclass_fields__)
