"""The ground map of made-up cities: drawn from the plan, light and dark, no request to others."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dashboard.maps import ground, ground_style
from ingest.city.cities import CITIES
from ingest.city.ground import features
from ingest.city.plans import PLANS, SEED
from ingest.city.streets import draw

STATIC = Path(__file__).resolve().parents[3] / "dashboard" / "static"

KINDS = {"town", "district", "park", "water", "railway", "side", "main", "bridge"}


@pytest.fixture(autouse=True)
def _fresh() -> Iterator[None]:
    ground.setting.cache_clear()
    yield
    ground.setting.cache_clear()


@pytest.fixture(scope="module", params=PLANS)
def drawn(request: pytest.FixtureRequest) -> tuple[str, dict[str, Any]]:
    plan, _ = PLANS[request.param]
    streets = draw(plan, np.random.default_rng(SEED))
    return request.param, features(plan, streets)


def test_the_ground_has_streets_water_parks_and_districts(drawn: tuple[str, dict[str, Any]]) -> None:
    kinds = {feature["properties"]["kind"] for feature in drawn[1]["features"]}
    assert kinds >= KINDS
    for feature in drawn[1]["features"]:
        if feature["geometry"]["type"] == "Polygon":
            (ring,) = feature["geometry"]["coordinates"]
            assert ring[0] == ring[-1]


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_the_served_file_is_as_drawn(drawn: tuple[str, dict[str, Any]], dark: bool) -> None:
    name, features = drawn
    file = STATIC / "ground" / f"{name}-{'dark' if dark else 'light'}.json"
    style = ground_style.style(features, dark, PLANS[name][0].latitude)
    assert json.loads(file.read_text(encoding="utf-8")) == style, "run benchmarks/city/draw.py"
    assert file.stat().st_size < 200_000


@pytest.mark.parametrize("path", sorted((STATIC / "ground").glob("*.json")), ids=lambda path: path.stem)
def test_a_style_requests_nothing_from_other_servers(path: Path) -> None:
    words = path.read_text(encoding="utf-8")
    style = json.loads(words)
    assert style["version"] == 8
    assert "//" not in words  # no address of anybody's
    assert not {"glyphs", "sprite"} & set(style)
    assert {layer["type"] for layer in style["layers"]} <= {"background", "fill", "line", "circle"}
    assert {source["type"] for source in style["sources"].values()} == {"geojson"}
    assert len({layer["id"] for layer in style["layers"]}) == len(style["layers"])


@pytest.mark.parametrize("name", CITIES)
def test_stations_lie_in_the_town_that_is_drawn_under_them(name: str) -> None:
    style = json.loads((STATIC / "ground" / f"{name}-light.json").read_text(encoding="utf-8"))
    features = style["sources"]["city"]["data"]["features"]
    (town,) = (f["geometry"]["coordinates"][0] for f in features if f["properties"]["kind"] == "town")
    ring = np.array(town)
    stations = CITIES[name].stations
    assert (stations.lon > ring[:, 0].min()).all()
    assert (stations.lon < ring[:, 0].max()).all()
    assert (stations.lat > ring[:, 1].min()).all()
    assert (stations.lat < ring[:, 1].max()).all()


@pytest.mark.parametrize("name", CITIES)
def test_a_made_up_city_lies_on_its_own_ground(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DOCKCAST_MAP_STYLE", raising=False)
    for dark in (False, True):
        address = ground.style(dark, ground.SIMULATED, name)
        assert address is not None
        assert (STATIC.parent / address.replace("app/static", "static")).is_file()
    assert ground.style(False, "", name) != ground.style(False, ground.SIMULATED, name)
    assert ground.credit(ground.SIMULATED) == ""


def test_a_city_without_drawn_ground_lies_on_plain_ground(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DOCKCAST_MAP_STYLE", raising=False)
    for system_id in ("", "elsewhere", "../ground/harbourton", "harbourton-light.json?"):
        assert ground.style(False, ground.SIMULATED, system_id) is None


def test_the_setting_for_plain_ground_is_followed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKCAST_MAP_STYLE", "plain")
    assert ground.style(True, ground.SIMULATED, "harbourton") is None
