"""Start workers without waiting for their imports: each is forked from a process that has them all.

For each line that it reads, it starts a worker and prints the process number. It reads the next line when
that worker has ended. It never opens the store itself: SQLite's locks do not survive a fork.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[3]))

import river.compose
import river.linear_model  # noqa: F401

import model.seed_pipeline  # noqa: F401
from ingest.cli.run import run


def main() -> None:
    """Serve until standard input closes."""
    for _ in sys.stdin:
        worker = os.fork()
        if worker == 0:
            run(with_parent=False)
        print(worker, flush=True)
        os.waitpid(worker, 0)
        print("ended", flush=True)


if __name__ == "__main__":
    main()
