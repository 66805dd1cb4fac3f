"""Runs the own model of one system beside a forecaster, so that nobody waits for it.

A thread talks to the model's process. A tick only hands snapshots over and takes the answers that are there.
Where the model fails, its process is ended; it begins anew after a while, and learns the kept log again.
"""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from ingest.gbfs.findings import Finding
from ingest.own.asked_process import AskedProcess, OwnModelError
from ingest.own.messages import snapshot_arrays
from ingest.text import clean
from model.arrays import Bools, Ints
from model.codec import Arrays
from model.forecaster import Forecaster
from model.records import Snapshot, Stations, pack_stations
from model.scoring.issue import Pending
from model.scoring.own import OwnForecast, OwnOddsError

log = logging.getLogger(__name__)

OwnFinding = Literal["own_failed", "own_died", "own_hung", "own_wrong", "own_late"]
"""The kinds of findings about the own model."""

_MOST_WAITING = 30
"""Snapshots that may wait for the model. One that is farther behind learns the log where it has time."""

_FIRST_WAIT, _LONGEST_WAIT = 60.0, 3600.0
_TRIES_IN_BACKTEST = 3

_SMALL_ANSWER = 2**16

History = Callable[[Snapshot | None, Snapshot], Iterable[Snapshot]]
"""Gives the logged snapshots after one, or from the first on, and before another one."""


@dataclass(frozen=True)
class OwnLimits:
    """Which model runs, how many seconds each answer may take, and the megabytes its process may have."""

    name: str
    seconds: float
    megabytes: int


@dataclass(frozen=True)
class _Turn:
    """A snapshot to learn, and the `minutes` asked; `places` and whether `asked`, `(S,)`, where any are."""

    snapshot: Snapshot
    minutes: tuple[int, ...] = ()
    asked: Bools = field(default_factory=lambda: np.zeros(0, dtype=np.bool_))
    places: Ints = field(default_factory=lambda: np.zeros(0, dtype=np.int64))

    @classmethod
    def of(cls, snapshot: Snapshot, questions: Sequence[Pending]) -> _Turn:
        if not questions:
            return cls(snapshot)
        counts = questions[0].counts
        minutes = tuple(each.minutes for each in questions)
        return cls(snapshot, minutes, counts.bikes >= 0, counts.places.astype(np.int64))


def no_history(after: Snapshot | None, before: Snapshot) -> Iterator[Snapshot]:
    """Give none: a backtest shows each snapshot once."""
    return iter(())


def wait_ever_longer(failures: int) -> float | None:
    """Wait a minute after the first failure in a row, then twice as long each time, an hour at most."""
    return min(_FIRST_WAIT * 2.0 ** min(failures - 1, 10), _LONGEST_WAIT)


def try_thrice(failures: int) -> float | None:
    """Begin again at once after two failures in a row; then give the model up."""
    return 0.0 if failures < _TRIES_IN_BACKTEST else None


class OwnModelRunner:
    """The own model of one system: `show` it each snapshot, and `put_answers` before the next is learnt.

    `history` gives the snapshots that it has not been shown, `pause` the seconds before a new start after so
    many failures in a row, None to give it up. `findings` tell what is wrong with it now. Its thread and
    process begin with the first snapshot; `close` ends them. Only `wait` waits for the model.
    """

    def __init__(
        self,
        limits: OwnLimits,
        system_id: str,
        history: History = no_history,
        pause: Callable[[int], float | None] = wait_ever_longer,
    ) -> None:
        self._limits = limits
        self._system_id = system_id
        self._history = history
        self._pause = pause
        self._stations: Stations | None = None
        self._turns: deque[_Turn] = deque(maxlen=_MOST_WAITING)
        self._answers: list[OwnForecast] = []
        self._finding: Finding | None = None
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        self._busy = self._closed = self._anew = self._has_gap = False

    # ------------------------------------------------------------------ for a tick, which never waits

    def show(self, forecaster: Forecaster) -> None:
        """Hand over the newest snapshot, with the questions that were put on record at it."""
        snapshot = forecaster.snapshot()
        if snapshot is None or self._closed:
            return
        with self._changed:
            self._stations = forecaster.stations
            if len(self._turns) == _MOST_WAITING:
                self._has_gap = True
                if self._turns[0].minutes:
                    self._find("own_late", f"{_MOST_WAITING} snapshots")
            self._turns.append(_Turn.of(snapshot, forecaster.asked()))
            self._changed.notify_all()
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name=f"own-{self._system_id}", daemon=True)
            self._thread.start()

    def put_answers(self, forecaster: Forecaster) -> list[OwnForecast]:
        """Put the answers that are there beside their questions; give those that were in time."""
        with self._changed:
            answers, self._answers = self._answers, []
        put = [each for each in answers if forecaster.put_own(each)]
        if len(put) < len(answers):
            self._find("own_late", f"{min(each.minutes for each in answers)} min", len(answers) - len(put))
        return put

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What is wrong with the model, until it answers again."""
        return () if self._finding is None else (self._finding,)

    def begin_anew(self) -> None:
        """Have the model forget everything, with the next snapshot."""
        with self._changed:
            self._anew = self._thread is not None
            self._turns.clear()
            self._answers.clear()

    def close(self) -> None:
        """End thread and process; the thread may take a moment."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def wait(self) -> None:
        """Wait until the model has seen all that it was shown, or has failed: a backtest has the time."""
        with self._changed:
            self._changed.wait_for(lambda: self._closed or not (self._turns or self._busy))

    # ------------------------------------------------------------------ the thread

    def _run(self) -> None:
        failures = 0
        while not self._closed:
            learnt: Snapshot | None = None
            process = None
            try:
                process = AskedProcess(self._limits.name, self._limits.megabytes)
                while (turn := self._next()) is not None:
                    if learnt is None and not self._begin(process):
                        log.info("%s: the own model %s is not for it", self._system_id, self._limits.name)
                        self.close()
                        break
                    learnt = self._take(process, turn, learnt)
                    if turn.minutes:
                        failures = 0
            except OwnModelError as error:
                failures += 1
                self._find(error.kind, str(error))
                log.warning("%s: the own model %s: %s %s", self._system_id, self._limits.name,
                            error.kind, error)  # fmt: skip
            except Exception:
                failures += 1
                log.exception("%s: a bug beside the own model", self._system_id)
            finally:
                if process is not None:
                    process.end()
            self._rest(failures)

    def _next(self) -> _Turn | None:
        """Wait for the next turn; None where the process has to end."""
        with self._changed:
            self._busy = False
            self._changed.notify_all()
            self._changed.wait_for(lambda: self._closed or self._anew or self._turns)
            if self._closed or self._anew:
                self._anew = False
                return None
            self._busy = True
            return self._turns.popleft()

    def _begin(self, process: AskedProcess) -> bool:
        """Have the model made; False where it is not for this system."""
        assert self._stations is not None
        made = process.ask(pack_stations(self._stations), self._limits.seconds, _SMALL_ANSWER)
        return bool(made.get("made"))

    def _take(self, process: AskedProcess, turn: _Turn, learnt: Snapshot | None) -> Snapshot:
        """Have the model learn the snapshots up to a turn's and answer its question; give the last one."""
        if learnt is None or self._has_gap:
            self._has_gap = False
            for missed in self._history(learnt, turn.snapshot):
                if self._closed or self._anew:
                    return missed
                self._ask(process, _Turn(missed))
        odds = self._ask(process, turn).get("odds")
        if turn.minutes:
            answers = list(_answers(turn, odds))
            with self._changed:
                self._answers += answers
            self._finding = None
        return turn.snapshot

    def _ask(self, process: AskedProcess, turn: _Turn) -> Arrays:
        request = snapshot_arrays(turn.snapshot) | {"minutes": np.array(turn.minutes, dtype=np.int64)}
        most = _SMALL_ANSWER
        if turn.minutes:
            request["places"] = turn.places
            most += 8 * len(turn.minutes) * len(turn.places) * (int(turn.places.max(initial=0)) + 2)
        return process.ask(request, self._limits.seconds, most)

    def _rest(self, failures: int) -> None:
        """Wait after a failure; what is shown meanwhile is dropped, and learnt from the log."""
        with self._changed:
            if failures:
                self._turns.clear()
            self._busy = False
            self._changed.notify_all()
            pause = self._pause(failures) if failures else 0.0
            if pause is None:
                self._closed = True
                self._changed.notify_all()
            elif pause:
                self._changed.wait_for(lambda: self._closed, pause)
                self._turns = deque(list(self._turns)[-1:], maxlen=_MOST_WAITING)

    def _find(self, kind: str, example: str, count: int = 1) -> None:
        self._finding = Finding(kind, count, clean(example, 80))


def _answers(turn: _Turn, odds: object) -> Iterator[OwnForecast]:
    """Check the answers to a question, `(H, S, N)`. A horizon of NaN alone is left out."""
    shape = len(turn.minutes), len(turn.places)
    if not isinstance(odds, np.ndarray) or odds.ndim != 3 or odds.shape[:2] != shape or not odds.shape[2]:
        found = odds.shape if isinstance(odds, np.ndarray) else None
        raise OwnModelError("own_wrong", f"odds are {found} instead of ({shape[0]}, {shape[1]}, N)")
    for minutes, each in zip(turn.minutes, odds, strict=True):
        if not np.isnan(each).all():
            try:
                yield OwnForecast.of(
                    turn.snapshot.at, minutes, turn.snapshot.station_id, turn.asked, turn.places, each
                )
            except OwnOddsError as error:
                raise OwnModelError("own_wrong", str(error)) from None
