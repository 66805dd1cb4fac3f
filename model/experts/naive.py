"""The naive expert: nothing changes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from model.arrays import Array32
from model.experts.expert import Now, as_now


class NaiveExpert:
    """Puts all mass on the count of now, for every minute ahead. All other models are measured against it."""

    def odds(self, now: Now, minutes: Sequence[int]) -> Array32:
        """Repeat the count of now."""
        certain = as_now(now)
        return np.broadcast_to(certain, (len(minutes), *certain.shape))
