"""Draw the made-up cities: stations into ingest/city/names/, ground into dashboard/static/ground/."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT))

from dashboard.maps import ground_style  # noqa: E402
from ingest.city.ground import features  # noqa: E402
from ingest.city.plans import PLANS, SEED  # noqa: E402
from ingest.city.stations import place, write  # noqa: E402
from ingest.city.streets import draw  # noqa: E402


def main() -> None:
    """Draw all."""
    for name, (plan, count) in PLANS.items():
        streets = draw(plan, np.random.default_rng(SEED))
        path = ROOT / "ingest" / "city" / "names" / f"{name}.csv"
        table = place(plan, streets, count, np.random.default_rng(SEED))
        path.write_text(write(table, plan), encoding="utf-8")
        ground = features(plan, streets)
        for scheme in ("light", "dark"):
            style = ground_style.style(ground, scheme == "dark", plan.latitude)
            drawn = ROOT / "dashboard" / "static" / "ground" / f"{name}-{scheme}.json"
            drawn.parent.mkdir(exist_ok=True)
            drawn.write_text(json.dumps(style, separators=(",", ":")) + "\n", encoding="utf-8")
        print(f"{path}: {count} stations, {len(streets.streets)} streets")


if __name__ == "__main__":
    main()
