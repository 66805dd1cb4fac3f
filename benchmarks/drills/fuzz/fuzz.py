"""Fuzzes one target in this process, which libFuzzer ends: see `run.py`, which starts one for each.

python benchmarks/drills/fuzz/fuzz.py document CORPUS -runs=1000
"""

from __future__ import annotations

import random
import sys
import time
import warnings
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parents[2])]

import atheris  # noqa: E402
from targets import TARGETS, mutate_json  # noqa: E402

HANG_SECONDS = 1.0


class Hang(Exception):  # noqa: N818
    """An input took more than a second of processor time."""


def main() -> None:
    """Fuzz until told to stop."""
    warnings.simplefilter("ignore")
    name, *options = sys.argv[1:]
    make, _, modules = TARGETS[name]
    with atheris.instrument_imports(include=list(modules)):
        run = make()
    run(b"")  # import late modules now, so that their import does not count as a hang

    def once(data: bytes) -> None:
        begun = time.process_time()
        run(data)
        if time.process_time() - begun > HANG_SECONDS:
            raise Hang(f"{time.process_time() - begun:.1f} s")

    # libFuzzer drops a seed that leads to no new branch, such as a good array beside other good ones.
    seeds = [path.read_bytes() for path in sorted(Path(options[0]).iterdir())]

    def mutate(data: bytes, size: int, seed: int) -> bytes:
        rng = random.Random(seed)
        if rng.random() < 0.2:
            data = rng.choice(seeds)[:size]
        changed = mutate_json(data, rng) if name == "document" and rng.random() < 0.7 else None
        if changed is None or len(changed) > size:
            changed = atheris.Mutate(data, size)
        return changed

    atheris.Setup([sys.argv[0], *options], once, custom_mutator=mutate)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
