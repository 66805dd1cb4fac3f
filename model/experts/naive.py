"""The naive expert: nothing changes."""

from __future__ import annotations


class NaiveExpert:
    """Puts all mass on the count of now, for every minute ahead. All other models are measured against it."""
