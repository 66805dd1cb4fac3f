"""Compare the e-bikes of made-up cities with those of San Francisco: see README.md beside this file."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent.parent))

from ingest.city.cities import CITIES  # noqa: E402
from ingest.replay.recording import Recording  # noqa: E402
from model.records import Snapshot  # noqa: E402

REAL = "sf-2022-autumn"
START, DAYS, STEP = datetime(2026, 9, 14, 3, 0, tzinfo=UTC), 14, 300


def counted(snapshots: Iterator[Snapshot]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Give plain bikes and e-bikes `(T, S)` every five minutes; not a number where they are not known."""
    rows, last = [], -STEP
    for snapshot in snapshots:
        at = int(snapshot.at.timestamp())
        if at - last >= STEP and snapshot.ebikes is not None:
            rows.append((snapshot.bikes, snapshot.ebikes))
            last = at
    counts = np.array(rows, dtype=np.float64)
    bikes, electric = counts[:, 0], counts[:, 1]
    known = (bikes >= 0) & (electric >= 0)
    return np.where(known, bikes - electric, np.nan), np.where(known, electric, np.nan)


def figures(plain: NDArray[np.float64], electric: NDArray[np.float64]) -> dict[str, float]:
    """Give every figure by its name. A turnover is the changes by the mean stock."""
    bikes = plain + electric
    stands = bikes > 0
    turnover = [np.nansum(np.abs(np.diff(kind, axis=0))) / np.nansum(kind) for kind in (plain, electric)]
    share = np.nansum(electric, axis=0) / np.maximum(np.nansum(bikes, axis=0), 1)
    error = [np.nanmean(np.abs(kind[12:] - kind[:-12])) for kind in (bikes, electric)]
    # One kind is gone while the other still stands there.
    first = [
        np.sum((kind[:-1] > 0) & (kind[1:] == 0) & (other[1:] > 0))
        for kind, other in ((plain, electric), (electric, plain))
    ]
    return {
        "e-bikes, % of the bikes that stand": 100 * float(np.nansum(electric) / np.nansum(bikes)),
        "turnover of e-bikes over that of plain ones": float(turnover[1] / turnover[0]),
        "no e-bike though a bike stands, % of time": 100 * float((electric[stands] == 0).mean()),
        "no plain bike though a bike stands, % of time": 100 * float((plain[stands] == 0).mean()),
        "e-bikes ran out first, % of the times that one kind did": 100 * float(first[1] / sum(first)),
        "spread of stations' shares of e-bikes": float(share.std()),
        "naive MAE of e-bikes over that of bikes, 1 h": float(error[1] / error[0]),
    }


def main() -> None:
    """Measure all and write kinds.json."""
    folder = Path(os.environ["DOCKCAST_SHARED"]) / "recordings"
    found = {REAL: figures(*counted(Recording.read(folder / REAL).snapshots()))}
    print(REAL, json.dumps(found[REAL]), flush=True)
    for name, city in CITIES.items():
        if city.electric:
            found[name] = figures(*counted(city.snapshots(START, START + timedelta(days=DAYS), STEP)))
            print(name, json.dumps(found[name]), flush=True)
    (HERE / "kinds.json").write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()
