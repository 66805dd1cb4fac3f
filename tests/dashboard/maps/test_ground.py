"""Streets or plain ground, by the operator's setting. A made-up city has no streets."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from dashboard.maps import ground
from dashboard.words import shell as shell_words


@pytest.fixture(autouse=True)
def _fresh() -> Iterator[None]:
    ground.setting.cache_clear()
    yield
    ground.setting.cache_clear()


def test_streets_follow_the_theme_and_name_their_makers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DOCKCAST_MAP_STYLE", raising=False)
    light, dark = ground.style(False, ""), ground.style(True, "replayed")
    assert light is not None
    assert dark is not None
    assert light != dark
    assert "OpenStreetMap" in ground.credit("")
    # Only the browser knows whether the streets loaded, so the credit must be true without them too.
    assert "where they can be had" in ground.credit("")


def test_a_made_up_city_lies_on_no_streets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DOCKCAST_MAP_STYLE", raising=False)
    assert ground.style(False, ground.SIMULATED) is None
    assert ground.credit(ground.SIMULATED) == ""


def test_plain_ground_loads_nothing_and_names_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKCAST_MAP_STYLE", "plain")
    assert ground.style(False, "") is ground.style(True, "") is None
    assert ground.credit("") == ""


def test_an_operators_own_style_is_used_and_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKCAST_MAP_STYLE", "https://maps.example/style.json")
    assert ground.style(True, "") == "https://maps.example/style.json"
    assert ground.credit("") == shell_words.map_by("maps.example")
