"""Every setting once: its name, default and help. Environment variables named `DOCKCAST_<NAME>` set them."""

from __future__ import annotations

from pathlib import Path
from typing import Self

from pydantic import Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from ingest.logs import Format


class SettingsError(ValueError):
    """A setting that makes no sense. The text names the first such setting and says why."""


class Settings(BaseSettings):
    """What an operator may choose. The README lists the same; a test fails where it leaves one out."""

    model_config = SettingsConfigDict(env_prefix="DOCKCAST_", frozen=True)

    store: str = Field(
        default="sqlite:///data/dockcast.db",
        description="Where everything is kept: any SQLAlchemy URL. "
        "A relative SQLite path starts at the folder of app.py.",
    )
    worker: bool = Field(
        default=True,
        description="Let the app keep a worker beside it where none is at work. False where workers are run "
        "apart: the app then waits for them to make the tables, and needs a role that reads and no more.",
    )
    systems: str | None = Field(
        default=None,
        description="The systems to follow: path or http(s) address of a list like ingest/systems.toml, "
        "which is the default. Read when the worker starts, when its file changes, and on SIGHUP. What "
        "commands follow stands above it.",
    )
    seed: bool = Field(
        default=True,
        description="Let the seed pipeline in River compete on every forecast that is scored.",
    )
    own_model: str = Field(
        default="",
        pattern=r"^([\w.]+:\w+)?$",
        description="A model of your own that competes on every forecast that is scored, as MODULE:FUNCTION; "
        "empty for none. See docs/own-model.md.",
    )
    own_seconds: float = Field(
        default=30,
        gt=0,
        description="Seconds in which the own model must have learnt a snapshot and answered.",
    )
    own_megabytes: int = Field(
        default=1024,
        ge=64,
        description="Megabytes of memory that the own model may have for each city.",
    )
    weather: str = Field(
        default="https://api.open-meteo.com/v1/forecast",
        description="Where to ask for each city's weather, once an hour: Open-Meteo or a server like it. "
        "Empty for nowhere.",
    )
    keep_days: float = Field(
        default=8,
        gt=0,
        description="Days of observations, polls, weather, scores by station and scores by five minutes to "
        "keep, for charts, recordings and recovery.",
    )
    keep_hourly_days: float = Field(
        default=400,
        gt=0,
        description="Days of scores by the hour to keep.",
    )
    keep_daily_days: float = Field(
        default=0,
        ge=0,
        description="Days of scores by day and week, outages and drifts to keep; 0 for good.",
    )
    keep_forecast_days: float = Field(
        default=0,
        ge=0,
        description="Days of judged forecasts of all models to keep, for `export --format hub`; 0 for none.",
    )
    checkpoint_seconds: float = Field(
        default=7200,
        ge=0,
        description="Seconds between checkpoints of a forecaster; a restart learns the log after it again. "
        "Played cities have one every ten minutes at least.",
    )
    worker_metrics: str = Field(
        default="",
        pattern=r"^(\S*:\d{1,5})?$",
        description="Address and port at which a worker serves its own metrics for Prometheus, such as "
        "127.0.0.1:9464. Empty for nowhere.",
    )
    map_style: str = Field(
        default="streets",
        pattern=r"^(streets|plain|https?://\S+)$",
        description="What lies under the map's marks: streets (the viewer's browser asks CARTO for them), "
        "plain (it asks nobody but Dockcast), or the http(s) address of another MapLibre style.",
    )
    play: bool = Field(
        default=True,
        description="Let visitors play made-up and recorded cities: pause them, change their speed, begin "
        "anew. False where strangers look on: the command play still can.",
    )
    hosts: str = Field(
        default="",
        description="Public names that the app answers to, between commas; * for any. By address, and by "
        "names of one's own network such as localhost, it always answers.",
    )
    log_format: Format = Field(
        default="plain",
        description="How worker and app write their logs: plain for people, json for programs.",
    )

    @classmethod
    def read(cls) -> Self:
        """Read the environment. Raises `SettingsError`."""
        try:
            return cls()
        except ValidationError as error:
            first = error.errors()[0]
            name = "_".join(str(part) for part in first["loc"]).upper()
            raise SettingsError(f"DOCKCAST_{name} is wrong: {first['msg']}") from None


ROOT = Path(__file__).resolve().parent.parent
"""The folder of app.py: relative paths in settings start here."""
