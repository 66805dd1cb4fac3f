"""What a language costs a slider move: server time and bytes in English and others, of one server in turns.

python benchmarks/language/run.py            some minutes
python benchmarks/language/run.py --quick    a look; writes nothing down
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parents[1]), str(HERE.parent / "map")]

from run import Server, moves, serve_all  # type: ignore[attr-defined]  # noqa: E402

LANGUAGES = ("en", "ja", "de")
"""English asked for by the address too: so all addresses are as long."""


def measure(rounds: int, count: int) -> dict[str, list[dict[str, float]]]:
    """Let one viewer of each language move the slider, by turns, each round in another order."""
    seen: dict[str, list[dict[str, float]]] = {language: [] for language in LANGUAGES}
    with tempfile.TemporaryDirectory() as folder, serve_all(Path(folder)) as servers:
        ours = servers[0]
        for turn in range(rounds):
            for place in range(len(LANGUAGES)):
                language = LANGUAGES[(turn + place) % len(LANGUAGES)]
                asked: Server = replace(ours, query=f"{ours.query}&lang={language}")
                seen[language].append(asyncio.run(moves(asked, count)))
            print(f"round {turn + 1} of {rounds}", file=sys.stderr)
    return seen


def summary(seen: dict[str, list[dict[str, float]]]) -> dict[str, dict[str, float]]:
    """Give medians by language, and quartiles of its server time over that of English in the same round."""
    english = np.array([run["server ms"] for run in seen["en"]])
    found = {}
    for language, runs in seen.items():
        ratios = np.array([run["server ms"] for run in runs]) / english
        low, middle, high = np.quantile(ratios, (0.25, 0.5, 0.75))
        found[language] = {
            name: round(float(np.median([run[name] for run in runs])), 2)
            for name in ("server ms", "wall ms", "bytes down", "bytes down, a station chosen")
        } | {name: round(float(value), 3) for name, value in
             (("÷ English, median", middle), ("lower quartile", low), ("upper quartile", high))}  # fmt: skip
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--quick", action="store_true")
    quick = parser.parse_args().quick
    found = summary(measure(2 if quick else 15, 20 if quick else 48))
    text = json.dumps(found, indent=1, ensure_ascii=False) + "\n"
    print(text)
    if not quick:
        (HERE / "results.json").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
