"""Write the table of the months on both databases into the README, from the files of their results.

python benchmarks/drills/soak/months.py
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
BEGIN, END = "**A month of thirty cities.**", "**Result as last run**"


def rows(size: dict[str, Any]) -> str:
    """Tell the rows of the tables that retention bounds, at one moment."""
    return f"{size['observations']:,.0f}, {size['polls']:,.0f}"


def column(found: dict[str, Any]) -> dict[str, str]:
    """Tell what a month came to."""
    keep, sizes = found["plan"]["keep_days"], found["sizes"]
    full = next(size for size in sizes if size["day"] >= keep + 1)
    memory, store = found["memory"], found["store"]
    growth = store["growth_megabytes_a_day"]
    failed = sum(found["outcomes"].values()) - found["outcomes"]["learnt"]
    return {
        "polls": f"{found['outcomes']['learnt']:,} learnt, {failed:,} failed or brought nothing",
        "due outside of faults": f"{found['due']:,}, lost {len(found['lost'])}",
        "bugs": f"{found['bugs']}; {found['checkpoints_refused']} of {found['checkpoints_spoilt']} spoilt "
        "checkpoints refused",
        "memory of the last worker, once warm": f"{memory['first_day_mean']} MB on its first day, "
        f"{memory['last_day_mean']} on its last, {memory['megabytes_a_day']} MB a day",
        "oldest learnt poll kept": f"{store['oldest_days']} days ({keep:g} kept)",
        f"observations and polls, day {keep + 1:g}": rows(full),
        "observations and polls, last day": rows(sizes[-1]),
        f"the whole store, day {keep + 1:g} and last": f"{full['megabytes']:.0f} MB, "
        f"{sizes[-1]['megabytes']:.0f} MB",
        "growth with retention full": f"{growth} MB a day, {growth / found['plan']['count']:.2f} a city",
        "ran": f"{found['minutes']:.0f} minutes, {found['worker_cpu_minutes']:.0f} of processor time",
    }


def main() -> None:
    """Write the table."""
    months = [json.loads((HERE / f"month-{kind}.json").read_text()) for kind in ("sqlite", "postgresql")]
    left, right = map(column, months)
    plan = months[0]["plan"]
    text = (
        f"{BEGIN} {plan['count']} cities, {plan['days']:g} days, each polled every {plan['poll_minutes']:g} "
        f"minutes, with the same faults on both ({months[0]['date']}, other work beside it):\n\n"
        "| | SQLite | PostgreSQL |\n|---|---|---|\n"
    )
    text += "".join(f"| {name} | {left[name]} | {right[name]} |\n" for name in left)
    readme = HERE / "README.md"
    before, _, rest = readme.read_text(encoding="utf-8").partition(END)
    readme.write_text(f"{before.partition(BEGIN)[0]}{text}\n{END}{rest}", encoding="utf-8")


if __name__ == "__main__":
    main()
