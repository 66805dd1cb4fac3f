"""Draw the figures of results.json: python benchmarks/accuracy/plots.py draws them again."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import altair as alt
import pandas as pd

HERE = Path(__file__).resolve().parent
SHOWN = ("climatology", "chain", "seed", "lightgbm weekly", "forest on Tuesdays", "pool")
COLOURS = ("#999999", "#56b4e9", "#cc79a7", "#e69f00", "#009e73", "#0072b2")
"""Okabe and Ito's, which colour-blind people tell apart."""

MEASURES = {
    "mae": "MAE of the median",
    "crps": "CRPS",
    "brier_bike": "Brier, bike ≥ 1",
    "brier_dock": "Brier, dock ≥ 1",
}


def plot(results: dict[str, Any], out: Path) -> None:
    """Write an SVG for each measure: change against naive by horizon, a panel a recording."""
    rows = pd.DataFrame([row for result in results.values() for row in result["rows"]])
    naive = rows[rows["model"] == "naive"].set_index(["recording", "minutes"])
    for measure, title in MEASURES.items():
        table = rows[rows["model"].isin(SHOWN)].copy()
        base = naive.loc[list(zip(table["recording"], table["minutes"], strict=True)), measure].to_numpy()
        table["change"] = table[measure] / base - 1
        # Far worse than "as now" is off the scale: the table has the figure.
        table["change"] = table["change"].clip(upper=0.25)
        line = alt.Chart().encode(
            x=alt.X("minutes:O", title="minutes ahead"),
            y=alt.Y("change:Q", title=f"{title}, against as now", axis=alt.Axis(format="+%")),
            color=alt.Color("model:N", scale=alt.Scale(domain=SHOWN, range=COLOURS), title=None),
        )
        zero = alt.Chart().mark_rule(color="#555555").encode(y=alt.datum(0))
        layers = alt.layer(zero, line.mark_line(), line.mark_point(filled=True, size=45), data=table)
        chart = layers.properties(width=190, height=230).facet(alt.Column("recording:N", title=None))
        chart.save(out / f"{measure}.svg")


if __name__ == "__main__":
    plot(json.loads((HERE / "results.json").read_text(encoding="utf-8"))["results"], HERE)
