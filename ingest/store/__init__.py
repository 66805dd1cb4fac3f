"""Stores everything that Dockcast keeps. The only room that imports SQLAlchemy. See `ingest.store.store`.

Functions that give tables load pandas when they are called: a worker that starts needs none of them.
"""

from ingest.reason import Reason
from ingest.store.checkpoints import Checkpoint
from ingest.store.errors import (
    LeaseLostError,
    StoreError,
    StoreFailedError,
    StoreNotReadyError,
    StoreUnreachableError,
)
from ingest.store.feed_health import Failure, Health, NewestAnswer
from ingest.store.findings import Oddity, findings_json
from ingest.store.issued_forecasts import IssuedForecast
from ingest.store.leases import LeaseClaim
from ingest.store.local_hours import Days, LocalHours, hours_of, ranges
from ingest.store.observations import ANSWERED_OUTCOMES, OUTCOME_LEARNT, PollRow, snapshot_of
from ingest.store.playback import SPEEDS, Begin, Playback
from ingest.store.scores import (
    ALL_HOURS,
    DAY,
    FIVE_MINUTES,
    HOUR,
    SUMS,
    WEEK,
    Outage,
    SameIssues,
    measured,
    span_start,
    spans_kept,
)
from ingest.store.store import PollResult, Store, TickResult
from ingest.store.systems import SystemState

__all__ = [
    "ALL_HOURS",
    "ANSWERED_OUTCOMES",
    "DAY",
    "FIVE_MINUTES",
    "HOUR",
    "OUTCOME_LEARNT",
    "SPEEDS",
    "SUMS",
    "WEEK",
    "Begin",
    "Checkpoint",
    "Days",
    "Failure",
    "Health",
    "IssuedForecast",
    "LeaseClaim",
    "LeaseLostError",
    "LocalHours",
    "NewestAnswer",
    "Oddity",
    "Outage",
    "Playback",
    "PollResult",
    "PollRow",
    "Reason",
    "SameIssues",
    "Store",
    "StoreError",
    "StoreFailedError",
    "StoreNotReadyError",
    "StoreUnreachableError",
    "SystemState",
    "TickResult",
    "findings_json",
    "hours_of",
    "measured",
    "ranges",
    "snapshot_of",
    "span_start",
    "spans_kept",
]
