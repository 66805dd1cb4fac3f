"""`python -m deploy.at_work`: exit code 0 where a worker works on the store, or prepares; else 1."""

from __future__ import annotations

import sys
from contextlib import closing
from datetime import UTC, datetime

from ingest.settings import Settings
from ingest.store import Store


def main() -> int:
    """Ask the store who works on it; give the exit code."""
    now = datetime.now(UTC)
    with closing(Store(Settings.read().store, migrate=False)) as store:
        return int(store.leases.holder(now) is None and store.preparations.holder(now) is None)


if __name__ == "__main__":
    sys.exit(main())
