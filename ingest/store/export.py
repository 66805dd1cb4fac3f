"""A day's scores and forecasts as files, for people who compute with them elsewhere."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Literal
from zoneinfo import ZoneInfo

from ingest.store import Store
from ingest.store.hub_files import HubFiles
from ingest.store.issued_forecasts import IssuedForecast
from ingest.store.scores import FIVE_MINUTES, measured
from model.frame import Frame

if TYPE_CHECKING:
    import pandas as pd

Format = Literal["csv", "parquet"]

_FORMULA = ("=", "+", "-", "@", "\t", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
"""A formula begins with one of these, also with the wide signs of East Asia."""

_KEYS = ["at", "model", "minutes", "n", "n_dock", "expired"]


class ExportError(Exception):
    """There is nothing to export. The text says what there is."""


def export(
    store: Store,
    system_id: str,
    folder: Path,
    day: date | None = None,
    kind: Format = "csv",
    progress: Callable[[int, int], None] = lambda done, of: None,
) -> dict[Path, int]:
    """Write what the store has of a system's local `day`, by default its newest; count the rows of each file.

    `scores` are the measures by five minutes of the target time, model and horizon. `stations` are the sums
    of the day by station. `calibration` counts stated odds and how often they came true. `forecasts` are the
    kept forecasts of bikes issued on the day, beside their truth. `progress` is called with the number of
    the day's forecasts that are done, and of all.

    Raises `ExportError` when the system is not known, or nothing is kept of that day.
    """
    import pandas as pd

    day, newest, begin, end = _bounds(store, system_id, day)
    scores = store.scores.over_time(system_id, FIVE_MINUTES, since=begin, until=end)
    by_station = store.daily_scores.by_station(system_id, since=day)
    calibration = store.daily_scores.calibration(system_id, since=day)
    tables = {
        "scores": pd.concat([scores[_KEYS], measured(scores)], axis=1),
        "stations": _only(by_station, day),
        "calibration": _only(calibration, day),
        "forecasts": _forecasts(store, system_id, begin, end, progress),
    }
    if all(table.empty for table in tables.values()):
        raise ExportError(f"nothing is kept of {system_id} on {day}: its newest day is {newest}")
    folder.mkdir(parents=True, exist_ok=True)
    written = {}
    for name, table in tables.items():
        path = folder / f"{name}.{kind}"
        path.write_bytes(csv(table) if kind == "csv" else parquet(table))
        written[path] = len(table)
    return written


def export_hub(
    store: Store,
    system_id: str,
    folder: Path,
    day: date | None = None,
    progress: Callable[[int, int], None] = lambda done, of: None,
) -> dict[Path, int]:
    """Write the judged forecasts of all models for a local `day` as `HubFiles` does; count the rows.

    Raises `ExportError` when the system is not known, or none are kept of that day.
    """
    day, _, begin, end = _bounds(store, system_id, day)
    kept = store.judged_forecasts.target_times(system_id, begin, end)
    if not kept:
        raise ExportError(
            f"no judged forecasts are kept of {system_id} on {day}: "
            "set DOCKCAST_KEEP_FORECAST_DAYS to 2, and the worker keeps them from then on"
        )
    with HubFiles(folder, system_id, str(begin.tzinfo)) as files:
        for done, (target_at, minutes) in enumerate(kept, 1):
            forecast = store.judged_forecasts.get(system_id, target_at, minutes)
            if forecast is not None:
                files.add(forecast)
            progress(done, len(kept))
    return files.written


def _bounds(store: Store, system_id: str, day: date | None) -> tuple[date, date, datetime, datetime]:
    """Give a system's day, by default its newest; its newest; and when that day begins and ends."""
    stations, state = store.systems.stations(system_id), store.systems.state(system_id)
    if stations is None or state is None or state.at is None:
        known = ", ".join(system.system_id for system in store.systems.followed()) or "none"
        raise ExportError(f"the store knows nothing of {system_id}: name one of those followed ({known})")
    zone = ZoneInfo(stations.timezone)
    newest = state.at.astimezone(zone).date()
    day = day or newest
    begin, end = (
        datetime(each.year, each.month, each.day, tzinfo=zone) for each in (day, day + timedelta(1))
    )
    return day, newest, begin, end


def csv(table: pd.DataFrame) -> bytes:
    """Write a table as CSV in UTF-8; times are ISO 8601 with their offset.

    A spreadsheet reads a cell that begins with `=` as a formula, and feeds choose their stations' names. So
    an apostrophe is put before such a text, as spreadsheets do themselves; Parquet files have it unchanged.

    >>> import pandas as pd
    >>> csv(pd.DataFrame({"name": ["Quay", "=1+1"], "mae": [0.5, -0.5]}))
    b"name,mae\\nQuay,0.5\\n'=1+1,-0.5\\n"
    """
    texts = table.select_dtypes(["object", "str", "category"]).columns
    return table.assign(**{name: table[name].map(_cell) for name in texts}).to_csv(
        index=False, lineterminator="\n"
    ).encode()  # fmt: skip


def parquet(table: pd.DataFrame) -> bytes:
    """Write a table as Parquet.

    >>> import io
    >>> import pandas as pd
    >>> pd.read_parquet(io.BytesIO(parquet(pd.DataFrame({"n": [1, 2]}))))["n"].tolist()
    [1, 2]
    """
    return table.to_parquet(index=False)


def _cell(value: object) -> object:
    if not isinstance(value, str):
        return value
    value = value.replace("\r", " ")  # unquoted, it would begin a row
    return f"'{value}" if value.startswith(_FORMULA) else value


def _only(table: pd.DataFrame, day: date) -> pd.DataFrame:
    return table if table.empty else table[table["day"] == day.isoformat()]


def _forecasts(
    store: Store, system_id: str, begin: datetime, end: datetime, progress: Callable[[int, int], None]
) -> pd.DataFrame:
    import pandas as pd

    kept = [at for at in store.issued_forecasts.issue_times(system_id) if begin <= at < end]
    tables = []
    for done, at in enumerate(kept, 1):
        blob = store.issued_forecasts.get(system_id, at)
        if blob is not None:
            frame = Frame.from_bytes(blob)
            forecasts = (
                IssuedForecast.of(frame, timedelta(minutes=int(minutes))) for minutes in frame.minutes
            )
            tables.append(store.issued_forecasts.beside_truth(system_id, forecasts))
        progress(done, len(kept))
    full = [table for table in tables if not table.empty]
    return pd.concat(full, ignore_index=True) if full else pd.DataFrame()
