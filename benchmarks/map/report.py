"""Write `results.md` from the results of each script of this folder."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
PAGES = ("ours", "bare", "bare, stock settings")


def machine() -> str:
    """Give the machine of a result, its date and its load."""
    on = f"Python {platform.python_version()}, {os.cpu_count()} cores, load {os.getloadavg()[2]:.0f}"
    return f"{on}, {datetime.now(UTC):%d %b %Y}"


def moves(results: dict[str, Any]) -> list[str]:
    """Write the cost of a slider move, with each number as a ratio to ours."""
    pages, ours = results["pages"], results["pages"]["ours"]
    lines = [
        f"| {results['stations']:,} stations | {' | '.join(PAGES)} | bare ÷ ours |",
        "|---|" + "---:|" * (len(PAGES) + 1),
    ]
    for name, value in ours.items():
        cells = " | ".join(f"{pages[page][name]:,.{0 if value >= 100 else 1}f}" for page in PAGES)
        ratio = pages["bare"][name] / value if value else float("nan")
        lines.append(f"| {name} | {cells} | {ratio:.3g} |")
    if "new colours, ours ÷ bare, by turns" in results:
        low, middle, high = results["new colours, ours ÷ bare, by turns"]
        by = f"median {middle:.2f}, quartiles {low:.2f} and {high:.2f}"
        lines += ["", f"New colours, ours ÷ bare, turn by turn: {by}."]
    return lines


def first(results: dict[str, Any]) -> list[str]:
    """Write what the first map costs."""
    lines = [
        "| first map, empty cache | MB over the wire | requests | seconds |",
        "|---|---:|---:|---:|",
    ]
    for name, its in results["pages"].items():
        lines.append(f"| {name} | {its['bytes'] / 1e6:.2f} | {its['requests']:.0f} | {its['seconds']:.1f} |")
    largest = ", ".join(f"{name.partition('.')[0]} {size / 1000:.0f}" for name, size in its_largest(results))
    return [*lines, "", f"The largest of ours, kB: {largest}."]


def its_largest(results: dict[str, Any]) -> list[tuple[str, float]]:
    """Give our page's largest files."""
    return [(name, size) for name, size in results["pages"]["ours, slow 3G"]["largest"]]


def memory(results: dict[str, Any]) -> list[str]:
    """Write whether the page grows, and what an idle page fetches."""
    settled = [
        reading for reading in results["readings"] if reading["minute"] >= results["settled after, minutes"]
    ]
    page = "a station open" if results["a station open"] else "the map alone"
    seconds = results["an answer every, seconds"]
    often = f"{results['minutes']:.0f} minutes, {page}, an answer every {seconds:.0f} s"
    lines = [
        f"| {often} | then | at the end | growth an hour ± standard error |",
        "|---|---:|---:|---:|",
    ]
    for name, (rise, error) in results["growth an hour, standard error"].items():
        start, end = settled[0][name], settled[-1][name]
        lines.append(f"| {name} | {start:,.1f} | {end:,.1f} | {rise:+,.2f} ± {error:,.2f} |")
    quiet = results["an idle minute, bytes"]
    total = sum(quiet[kind] for kind in ("http", "websocket down", "websocket up")) / 1000
    parts = ", ".join(
        f"{kind} {quiet[kind] / 1000:.1f}" for kind in ("http", "websocket down", "websocket up")
    )
    return [
        *lines,
        "",
        f"An idle minute of a live feed, {results['stations']:,} stations: {total:.0f} kB ({parts}).",
    ]


PARTS: tuple[tuple[str, Callable[[dict[str, Any]], list[str]]], ...] = (
    ("results.json", moves),
    ("browser.json", moves),
    ("first.json", first),
    ("memory.json", memory),
    ("memory-station.json", memory),
)


def write() -> None:
    """Put the parts together."""
    lines: list[str] = []
    for name, part in PARTS:
        path = HERE / name
        if path.exists():
            results = json.loads(path.read_text(encoding="utf-8"))
            lines += [*part(results), "", results["machine"], ""]
    (HERE / "results.md").write_text("\n".join(lines), encoding="utf-8")


if __name__ == "__main__":
    write()
