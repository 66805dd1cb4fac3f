"""Measures reading scores with a year of many systems in the store: see README.md beside this file."""

from __future__ import annotations

import argparse
import json
import platform
import statistics
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import sqlalchemy as sa
from starlette.applications import Starlette
from starlette.testclient import TestClient
from streamlit.testing.v1 import AppTest
from threadpoolctl import threadpool_limits

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path.insert(0, str(ROOT))

from dashboard import store_reader  # noqa: E402
from dashboard.api import routes  # noqa: E402
from dashboard.screens.accuracy import curves  # noqa: E402
from ingest.store import Store  # noqa: E402
from ingest.store.scores import DAY, FIVE_MINUTES, HOUR, SUMS, WEEK  # noqa: E402
from ingest.store.tables import scores, systems  # noqa: E402
from ingest.system import System  # noqa: E402
from model.experts.registry import EXPERTS  # noqa: E402
from model.records import ANY  # noqa: E402
from model.scoring.issue import FAR_SCORED, SCORED_MINUTES  # noqa: E402

MODELS = (*(entry.name for entry in EXPERTS), "seed", "pool")
NOW = datetime(2026, 11, 1, tzinfo=UTC)
SPANS = {
    FIVE_MINUTES: timedelta(days=8),
    HOUR: timedelta(days=400),
    DAY: timedelta(days=400),
    WEEK: timedelta(days=400),
}
TURNS = 9


def fill(store: Store, number: int, days: int) -> int:
    """Write made-up scores of so many systems and days, as a worker would have left them; count the rows."""
    rng = np.random.default_rng(1)
    rows = [
        System(f"city{i}", f"City {i}", f"City {i}", "IE", "http://127.0.0.1:1/", 60, 1.0, "")
        for i in range(number)
    ]
    store.systems.follow(rows)
    written = 0
    for row in rows:
        with store._database.write() as db:
            db.execute(
                systems.update().where(systems.c.system_id == row.system_id).values(
                    at=NOW, received_at=NOW, learning_since=NOW - timedelta(days=days), state="live"
                )
            )  # fmt: skip
            for span, kept in SPANS.items():
                begin = NOW - min(kept, timedelta(days=days))
                for minutes in SCORED_MINUTES:
                    # Every twenty minutes, the far horizons every two hours.
                    step = max(span, 7200 if minutes in FAR_SCORED else 1200)
                    at = (
                        np.arange(int(begin.timestamp()) // span * span, int(NOW.timestamp()), step)
                        // span
                        * span
                    )
                    for model in MODELS:
                        n = np.full(len(at), 300 * step // 1200)
                        error = rng.gamma(4, 0.25, (6, len(at))) * n
                        table = [
                            {
                                "system_id": row.system_id,
                                "span": span,
                                "kind": ANY,
                                "minutes": minutes,
                                "at": moment,
                                "model": model,
                                "n": count,
                                "n_dock": count,
                                "expired": 0,
                                **dict(zip(SUMS[3:], sums, strict=True)),
                            }
                            for moment, count, *sums in zip(
                                at.tolist(), n.tolist(), *error.tolist(), strict=True
                            )
                        ]
                        db.execute(RAW, table)
                        written += len(table)
    return written


RAW = sa.text(
    f"INSERT INTO scores (system_id, span, kind, minutes, at, model, {', '.join(SUMS)}) "
    f"VALUES (:system_id, :span, :kind, :minutes, :at, :model, {', '.join(f':{name}' for name in SUMS)})"
)


def by_hours_alone(store: Store, system_id: str | None, days: int) -> object:
    """Read the same curve from rows by the hour alone: the peer."""
    sums = store.scores.over_time(
        system_id, HOUR, minutes=[30], models=["pool", "naive"], since=NOW - timedelta(days=days)
    )
    return curves.curve(sums, timedelta(days=7))


def by_rollup(store: Store, system_id: str | None, past: str) -> object:
    """Read a curve as the page does."""
    chosen = curves.spread(past, timedelta(days=400))  # type: ignore[arg-type]
    since = chosen.since(NOW, NOW - timedelta(days=365))
    sums = store.scores.over_time(system_id, chosen.span, minutes=[30], models=["pool", "naive"], since=since)
    return curves.curve(sums, chosen.window)


def table(store: Store, system_id: str | None, span: int, days: int) -> object:
    """Sum all models and horizons up, as the page's table and the chart by horizon do."""
    return store.scores.totals(system_id, span, since=NOW - timedelta(days=days))


def page(all_cities: str) -> Callable[[], object]:
    """Run the accuracy page over a year, as Streamlit does for each viewer."""

    def run() -> object:
        made = AppTest.from_file(str(ROOT / "dashboard" / "start.py"), default_timeout=120)
        made.query_params.update({"past": ["year"], "all": [all_cities], "city": ["city7"]})
        made.switch_page("pages/accuracy.py")
        made.run()
        assert not made.exception
        return made

    return run


def main() -> None:
    """Fill a store unless there is one, then time each query by turns."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--systems", type=int, default=35)
    parser.add_argument("--days", type=int, default=365)
    parser.add_argument("--store", type=Path, default=Path("/tmp/dockcast-rollups.db"))
    given = parser.parse_args()
    new = not given.store.exists()
    store = Store(f"sqlite:///{given.store}")
    begun = time.perf_counter()
    if new:
        print(fill(store, given.systems, given.days), "rows in", round(time.perf_counter() - begun), "s")
    with store._database.read() as db:
        rows = db.scalar(sa.select(sa.func.count()).select_from(scores))
    clock = iter(range(10**9))  # each query at another minute, since answers are cached for a minute
    store_reader.use(store, lambda: NOW + timedelta(minutes=next(clock)))
    client = TestClient(Starlette(routes=list(routes.ROUTES)))

    def ask(query: str) -> Callable[[], object]:
        def get() -> object:
            answer = client.get(f"/api/scores?{query}")
            assert answer.status_code == 200, answer.text
            return answer

        return get

    questions: dict[str, Callable[[], object]] = {
        "a year's curve of a city, from hours alone": lambda: by_hours_alone(store, "city7", 365),
        "a year's curve of a city": lambda: by_rollup(store, "city7", "year"),
        "a year's curve of all cities, from hours alone": lambda: by_hours_alone(store, None, 365),
        "a year's curve of all cities": lambda: by_rollup(store, None, "year"),
        "a month's curve of a city": lambda: by_rollup(store, "city7", "month"),
        "a day's curve of a city": lambda: by_rollup(store, "city7", "day"),
        "a year's table of a city, from hours alone": lambda: table(store, "city7", HOUR, 365),
        "a year's table of a city": lambda: table(store, "city7", WEEK, 365),
        "a year's table of all cities, from days": lambda: table(store, None, DAY, 365),
        "a year's table of all cities": lambda: table(store, None, WEEK, 365),
        "API: a year of a city by the day": ask("system=city7&minutes=30&span=day"),
        "API: a week of a city by the hour": ask(
            "system=city7&minutes=30&span=hour&since=2026-10-25T00:00:00Z"
        ),
        "page: a year of a city": page(""),
        "page: a year of all cities": page("1"),
    }
    times: dict[str, list[float]] = {name: [] for name in questions}
    with threadpool_limits(1):
        for turn in range(TURNS):
            for name, question in questions.items():
                if "all cities, from" in name and turn >= 3:
                    continue
                begun = time.perf_counter()
                question()
                times[name].append(1000 * (time.perf_counter() - begun))
    median = {name: round(statistics.median(each), 1) for name, each in times.items()}
    result = {
        "systems": given.systems, "days": given.days, "rows": rows, "bytes": given.store.stat().st_size,
        "ms": median, "python": platform.python_version(), "at": f"{datetime.now(UTC):%Y-%m-%d}",
    }  # fmt: skip
    (HERE / "results.json").write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(result, indent=1))
    store.close()


if __name__ == "__main__":
    main()
