"""`kill -9` at random moments, twice. `benchmarks/drills/kill` does it 250 times with recordings."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

from tests.support.model_world import riders
from tests.support.serving import make_recording
from tests.support.store_world import store_url

ROOT = Path(__file__).resolve().parents[3]
STATIONS = "station_id,name,lat,lon,capacity\n" + "".join(
    f"s{n},Station {n},53.{n},-6.2,12\n" for n in range(6)
)


@pytest.fixture(scope="module")
def benchmark() -> ModuleType:
    spec = importlib.util.spec_from_file_location(
        "kill_run", ROOT / "benchmarks" / "drills" / "kill" / "run.py"
    )
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # where dataclasses look for it
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def busy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Record a day of riders at six stations."""
    changes = [
        {"at": 60 * minute, "station_id": station, "bikes": bikes, "docks": docks}
        for minute, seen in enumerate(riders(1440, per_hour=20))
        for station, bikes, docks in zip(
            seen.station_id.tolist(), seen.bikes.tolist(), seen.docks.tolist(), strict=True
        )
    ]
    return make_recording(
        tmp_path_factory.mktemp("recorded") / "busy", changes, range(0, 86400, 60), stations=STATIONS
    )


@pytest.mark.both
def test_a_worker_killed_at_random_moments_loses_nothing_and_learns_nothing_twice(
    benchmark: ModuleType, busy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DOCKCAST_SEED")  # its witness runs the seed pipeline, which is on by default
    found = benchmark.run([busy], store_url(tmp_path), kills=2, seed=7)
    assert len(found) == 2
    assert all(kill.new > 0 for kill in found)
    assert found[-1].polls == sum(kill.new for kill in found)
