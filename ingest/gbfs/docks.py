"""Tells which stations never tell their free docks, though their feed writes a number: always 0.

At such a station 0 docks do not mean "full". Where no bike stands there either, it would seem to contradict
itself, and would be unknown whenever it is empty. Bikes that come and go while the docks stay at 0 give it
away: a full station shows a dock as soon as a bike leaves.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

REMEMBERED = "silent_docks"
"""The name under which a feed keeps these stations for a restart."""

_COUNTS = 3
"""So many different counts of bikes below the capacity, none with a dock, are clear evidence.

Of 5,000 stations in France one night none shows so many, though 80 show no dock: they are full or closed.
"""


class DockEvidence:
    """Remembers of each station of one feed whether it ever showed a dock, and else its counts of bikes.

    `silent` are the stations that are known never to tell; a restart keeps them, and loses what is not yet
    evidence.
    """

    def __init__(self, silent: Iterable[str] = ()) -> None:
        self.silent = set(silent)
        self._shown: set[str] = set()
        self._bikes: dict[str, set[int]] = {}

    def note(
        self, stations: Iterable[str], bikes: Sequence[int], docks: Sequence[int], usable: Sequence[int]
    ) -> None:
        """Note what stations show; `usable` are the places that are neither out of order nor taken.

        -1 is unknown. Leave out stations that are closed: their zeros say nothing.
        """
        for key, here, free, places in zip(stations, bikes, docks, usable, strict=True):
            if free > 0:
                self._shown.add(key)
                self.silent.discard(key)
                self._bikes.pop(key, None)
            elif free == 0 and 0 <= here < places and key not in self._shown and key not in self.silent:
                seen = self._bikes.setdefault(key, set())
                seen.add(here)
                if len(seen) == _COUNTS:
                    self.silent.add(key)
                    del self._bikes[key]
