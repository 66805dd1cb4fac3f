"""The charts of the accuracy page: what was scored, nothing between or beyond it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pandas as pd

from dashboard.charts import accuracy as charts

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
MODELS = ["pool", "naive", "climatology", "seed"]


def compared(errors: dict[str, list[float]]) -> pd.DataFrame:
    """Write hourly points of each model; not a number is a hole."""
    rows = [
        {"at": NOON + timedelta(hours=hour), "model": model, "n": 10.0, "error": error, "skill": 1 - error}
        for model, each in errors.items()
        for hour, error in enumerate(each)
    ]
    return pd.DataFrame(rows).astype({"at": "datetime64[s, UTC]"})


def drawn(table: pd.DataFrame, column: str = "error") -> dict[str, Any]:
    made: dict[str, Any] = charts.over_time(
        table, column, "mae", MODELS, ([], []), UTC, False
    ).to_dict()  # fmt: skip
    return made


def line(spec: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = next(layer for layer in spec["layer"] if layer["mark"]["type"] == "line")
    return found


def labels(spec: dict[str, Any]) -> list[str]:
    texts = [layer for layer in spec["layer"] if layer["mark"]["type"] == "text"]
    return [row["label"] for layer in texts for row in spec["datasets"][layer["data"]["name"]]]


def legend(spec: dict[str, Any]) -> list[str]:
    models: list[str] = spec["encoding"]["color"]["scale"]["domain"]
    return models


def test_a_curve_has_its_points_straight_lines_and_the_holes_that_it_was_given() -> None:
    spec = drawn(compared({"pool": [1, np.nan, 1.2], "naive": [1.5, np.nan, 1.4]}))
    mark = line(spec)["mark"]
    assert mark["point"]
    assert "interpolate" not in mark
    (rows,) = spec["datasets"].values()
    assert [row["error"] for row in rows if row["model"] == "pool"] == [1, None, 1.2]


def test_a_model_that_leaves_the_picture_is_named_at_its_edge_with_its_value() -> None:
    errors: dict[str, list[float]] = {
        "pool": [1.0, 1.1, 1.0],
        "naive": [1.4, 1.3, 1.5],
        "climatology": [4, 1.2, 3.25],
        "seed": [9] * 3,
    }
    spec = drawn(compared(errors))
    assert labels(spec) == ["climatology 3.25 ↑", "seed 9.00 ↑"]
    assert legend(line(spec)) == ["pool", "naive", "climatology"], "the seed pipeline is at the edge alone"
    spec = drawn(compared(errors), "skill")
    assert labels(spec) == ["climatology -225 % ↓", "seed -800 % ↓"]
    rows = [layer["mark"]["dy"] for layer in spec["layer"] if layer["mark"]["type"] == "text"]
    assert rows[0] - rows[1] == charts.EDGE_ROW, "names do not lie on each other"


def test_the_legend_has_no_model_without_a_point() -> None:
    spec = drawn(compared({"pool": [1.0, 1.1], "naive": [1.4, 1.3], "seed": [np.nan, np.nan]}))
    assert legend(line(spec)) == ["pool", "naive"]
    assert not labels(spec)
    table = pd.DataFrame({"minutes": [30, 60], "model": "pool", "n": 10.0, "mae": [1.0, 2.0], "cover80": 0.8})
    for spec in (
        charts.by_horizon(table, "mae", MODELS, False).to_dict()["layer"][0],
        charts.coverage(table, MODELS, False).to_dict()["layer"][1],
        charts.by_hour(table.assign(hour=[3, 5]), "", "mae", MODELS, False).to_dict(),
    ):
        assert legend(spec) == ["pool"]


def test_an_hour_without_a_score_breaks_the_line_of_the_day() -> None:
    table = pd.DataFrame({"hour": [3, 5], "model": "pool", "n": 10.0, "mae": [1.0, 2.0]})
    spec = charts.by_hour(table, "Hour", "mae", ["pool"], False).to_dict()
    rows = {row["hour"]: row["mae"] for row in spec["datasets"][spec["data"]["name"]]}
    assert (rows[3], rows[4], rows[5]) == (1, None, 2)


def test_horizons_have_their_counts_and_hours_take_less_room_than_minutes() -> None:
    minutes = [30, 60, 120, 1440]
    table = pd.DataFrame({"minutes": minutes, "model": "pool", "n": 1234.0, "mae": [1.0, 2, 3, 4]})
    spec = charts.by_horizon(table, "mae", ["pool"], False).to_dict()
    counts = spec["datasets"][spec["layer"][1]["data"]["name"]]
    assert [row["place"] for row in counts] == [30, 120, 240], "no count lies on another"
    assert {row["n"] for row in counts} == {"1,234"}
    assert spec["layer"][0]["encoding"]["x"]["axis"]["values"] == [30, 60, 120, 240]


def test_names_at_the_edge_grow_with_the_screen_and_stay_apart() -> None:
    table = compared({"pool": [1.0, 1.1], "naive": [1.4, 1.3], "climatology": [8, 9], "seed": [9, 9]})
    chart = charts.over_time(table, "error", "mae", MODELS, ([], []), UTC, False)
    spec = charts.enlarged(chart, 1080).to_dict()
    first, second = (layer["mark"]["dy"] for layer in spec["layer"] if layer["mark"]["type"] == "text")
    assert second - first >= spec["config"]["text"]["fontSize"] == 27
