"""Read the scores of a running worker's forecasts from its store: see README.md beside this file."""

from __future__ import annotations

import argparse
import sys
from datetime import timedelta
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from ingest.settings import Settings
from ingest.store import Store

MINUTES = (10, 30, 60, 120)
SUMS = {"MAE": "abs_error", "CRPS": "crps", "Brier bike ≥ 1": "brier_bike", "Brier dock ≥ 1": "brier_dock"}


def main() -> None:
    """Print each system's scores since so many hours after it was first learnt, pool against naive."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--after", type=float, default=24, help="hours of learning before scores count")
    after = timedelta(hours=parser.parse_args().after)
    store = Store(Settings().store)
    states = store.systems.states()
    print("| city | learnt for | min | n | naive MAE |", " | ".join(SUMS), "|")
    print("|---|---:|---:|---:|---:|" + "---:|" * len(SUMS))
    for system in store.systems.followed():
        state = states[system.system_id]
        if state.learning_since is None or state.at is None:
            continue
        hours = (state.at - state.learning_since) / timedelta(hours=1)
        scores = store.scores.over_time(system.system_id, minutes=MINUTES, since=state.learning_since + after)
        for minutes in MINUTES:
            sums = scores[scores["minutes"] == minutes].groupby("model")[["n", *SUMS.values()]].sum()
            if "pool" not in sums.index or not sums.at["pool", "n"]:
                continue
            naive, pool = sums.loc["naive"], sums.loc["pool"]
            change = " | ".join(f"{100 * (pool[name] / naive[name] - 1):+.1f} %" for name in SUMS.values())
            mean = naive["abs_error"] / naive["n"]
            print(f"| {system.city} | {hours:.0f} h | {minutes} | {pool['n']:.0f} | {mean:.2f} | {change} |")
    store.close()


if __name__ == "__main__":
    main()
