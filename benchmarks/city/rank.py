"""Ranks models on a made-up city by a backtest, beside the real cities' results."""

from __future__ import annotations

import json
import sys
import tempfile
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent.parent))

from record_city import record_city  # noqa: E402

from ingest.city.cities import CITIES  # noqa: E402
from ingest.replay.backtest import backtest  # noqa: E402

START = datetime(2026, 9, 14, 3, 0, tzinfo=UTC)
HORIZONS = (10, 30, 60, 120)


def main(name: str, days: int, every: int, weather: bool) -> None:
    """Score the second half of so many days, polled every two minutes, and keep the result as JSON."""
    with tempfile.TemporaryDirectory() as scratch:
        recording = record_city(CITIES[name], START, days, 120, Path(scratch) / name, weather)
        report = backtest(recording, HORIZONS, every, START + timedelta(days=days // 2))
    results = {"city": name, "days": days, "every": every, "weather": weather, "seconds": report.seconds}
    results["rows"] = [asdict(row) for row in report.rows]
    path = HERE / f"rank-{name}{'-weather' if weather else ''}.json"
    path.write_text(json.dumps(results, indent=1) + "\n")
    print(f"{path.name}: {report.seconds:.0f} s")


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), "weather" in sys.argv)
