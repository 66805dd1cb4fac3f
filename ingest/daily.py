"""Scores by local day and horizon: station by station, and how well calibrated each model was.

One row of the store holds a day of one horizon as two small Parquet tables, to which each tick adds what was
settled. Station by station they are too many for rows of their own: 35 systems would make two million a day.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd

from model.records import Strings
from model.scoring import BINS, STATION_SCORES, Score

STATION_KEYS = ["model", "station_id"]
"""What a row of the first table is of; its columns are `n`, `n_dock` and the sums of `STATION_SCORES`."""

CALIBRATION_KEYS = ["model", "of", "tenth"]
"""What a row of the second is of.

`of` is "pit", where `came` is the mass of the probability integral transform in that tenth; or "bike" or
"dock", where `n` forecasts stated odds of one in that tenth, `stated` is their sum and `came` how many came
true.
"""


@dataclass(frozen=True)
class Daily:
    """What was settled of one local `day` (ISO) and horizon, to be added to what the store has."""

    day: str
    minutes: int
    stations: pd.DataFrame
    calibration: pd.DataFrame


def daily(scores: Sequence[Score], station_id: Strings, timezone: str) -> list[Daily]:
    """Sort scores by day and horizon. `station_id` `(R,)` is what their `rows` point into."""
    zone = ZoneInfo(timezone)
    groups: dict[tuple[str, int], dict[str, list[Score]]] = {}
    for score in scores:
        if score.n:
            day = score.target_at.astimezone(zone).date().isoformat()
            groups.setdefault((day, score.minutes), {}).setdefault(score.model, []).append(score)
    return [
        Daily(
            day,
            minutes,
            pd.concat([_by_station(each, station_id) for each in group.values()], ignore_index=True),
            pd.concat([_calibration(each) for each in group.values()], ignore_index=True),
        )
        for (day, minutes), group in groups.items()
    ]


def _by_station(scores: Sequence[Score], station_id: Strings) -> pd.DataFrame:
    """Add one model's scores up by station; those never judged are left out."""
    sums = {name: np.zeros(len(station_id)) for name in ("n", "n_dock", *STATION_SCORES)}
    for score in scores:
        sums["n"][score.rows] += 1
        sums["n_dock"][score.rows] += ~np.isnan(score.brier_dock)
        for name in STATION_SCORES:
            sums[name][score.rows] += np.nan_to_num(getattr(score, name))
    judged = sums["n"] > 0
    keys = {"model": scores[0].model, "station_id": station_id[judged].astype(object)}
    return pd.DataFrame({**keys, **{name: values[judged] for name, values in sums.items()}})


def _calibration(scores: Sequence[Score]) -> pd.DataFrame:
    size, n = 3 * BINS, float(sum(score.n for score in scores))
    asked, stated, came = (sum(getattr(s, name) for s in scores) for name in ("asked", "stated", "came"))
    return pd.DataFrame(
        {
            "model": scores[0].model,
            "of": np.repeat(["pit", "bike", "dock"], BINS).astype(object),
            "tenth": np.arange(size) % BINS,
            "n": np.concatenate([np.full(BINS, n), *asked]),
            "stated": np.concatenate([np.full(BINS, n / BINS), *stated]),
            "came": np.concatenate([sum(s.tenths for s in scores), *came]),
        }
    )


def _total(tables: Sequence[pd.DataFrame], keys: list[str]) -> pd.DataFrame:
    return pd.concat(tables).groupby(keys, as_index=False, sort=True).sum()


def add(blob: bytes | None, table: pd.DataFrame, keys: list[str]) -> bytes:
    """Add a table to a stored one, None for nothing yet, and give the bytes to store."""
    total = table if blob is None else _total([read(blob), table], keys)
    buffer = io.BytesIO()
    # Single precision is enough for sums of a day, at half the bytes.
    total.astype({name: np.float32 for name in total.columns if name not in keys}).to_parquet(
        buffer, index=False, compression="zstd"
    )
    return buffer.getvalue()


def read(blob: bytes) -> pd.DataFrame:
    """Read what `add` gave."""
    table = pd.read_parquet(io.BytesIO(blob))
    return table.astype({name: np.float64 for name in table.columns if table[name].dtype == np.float32})
