"""Every setting is documented, and the environment sets it."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from ingest.settings import ROOT, Settings


@pytest.mark.parametrize("name", Settings.model_fields)
def test_the_readme_names_every_setting_and_its_default(name: str) -> None:
    lines = (ROOT / "README.md").read_text(encoding="utf-8").splitlines()
    row = next(line for line in lines if line.startswith(f"| `DOCKCAST_{name.upper()}` |"))
    default = Settings.model_fields[name].default
    assert ("ingest/systems.toml" if default is None else str(default)) in row.split("|")[2]


@pytest.mark.parametrize("name", Settings.model_fields)
def test_every_setting_says_what_it_is_for(name: str) -> None:
    assert Settings.model_fields[name].description


def test_the_environment_sets_what_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in Settings.model_fields:
        monkeypatch.delenv(f"DOCKCAST_{name.upper()}", raising=False)
    assert Settings() == Settings(
        store="sqlite:///data/dockcast.db",
        systems=None,
        seed=True,
        weather="https://api.open-meteo.com/v1/forecast",
        keep_days=8,
        checkpoint_seconds=7200,
    )
    monkeypatch.setenv("DOCKCAST_KEEP_DAYS", "2.5")
    monkeypatch.setenv("DOCKCAST_SYSTEMS", "mine.toml")
    assert (Settings().keep_days, Settings().systems) == (2.5, "mine.toml")


@pytest.mark.parametrize(
    ("name", "value"),
    [("KEEP_DAYS", "0"), ("KEEP_DAYS", "a week"), ("CHECKPOINT_SECONDS", "-1"), ("MAP_STYLE", "pretty")],
)
def test_a_value_that_makes_no_sense_is_refused(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(f"DOCKCAST_{name}", value)
    with pytest.raises(ValidationError):
        Settings()


def test_relative_paths_start_where_the_front_door_is() -> None:
    assert (Path(ROOT) / "app.py").is_file()
