"""`python -m ingest.own.process MODULE:FUNCTION MEGABYTES`: the process in which an own model runs.

A request on standard input has the stations of a system, or a snapshot with or without a question. Each has
one answer on standard output. What the model prints goes to standard error, which is the worker's. The
process ends when its input does, also in the middle of a calculation.
"""

from __future__ import annotations

import os
import queue
import resource
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from importlib import import_module
from typing import Any

import numpy as np

from ingest.own.messages import LENGTH_BYTES, MOST_REQUEST_BYTES, packed, snapshot_of
from model import codec
from model.codec import Arrays
from model.own.own_model import OwnModel
from model.records import unpack_stations

_NICE = 10
"""A worker and its pages come first where processor time is short."""


def main() -> None:
    """Answer requests until the input ends, or the model fails."""
    name, megabytes = sys.argv[1], int(sys.argv[2])
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    _limit(megabytes)
    requests: queue.SimpleQueue[Arrays] = queue.SimpleQueue()
    threading.Thread(target=_read, args=[requests], daemon=True).start()
    model: OwnModel | None = None
    while True:
        request = requests.get()
        try:
            if "minutes" in request:
                assert model is not None
                answer = _answer(model, request)
            else:
                model = _find(name)(unpack_stations(request))
                answer = {"made": np.array(model is not None)}
        except Exception as error:
            answers.write(packed({"error": np.array(f"{type(error).__name__}: {error}"[:300])}))
            answers.flush()
            raise  # for the log
        answers.write(packed(answer))
        answers.flush()


def _limit(megabytes: int) -> None:
    """Bound the memory, and have all others come first where processor time or memory is short."""
    kind = resource.RLIMIT_DATA if sys.platform == "linux" else resource.RLIMIT_AS
    resource.setrlimit(kind, (megabytes * 2**20, megabytes * 2**20))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    with suppress(OSError):  # a hardened unit allows neither
        os.nice(_NICE)
    with suppress(OSError), open("/proc/self/oom_score_adj", "w", encoding="ascii") as file:
        file.write("1000")


def _read(requests: queue.SimpleQueue[Arrays]) -> None:
    """Read requests; end the process with the input, whatever it is at."""
    while length := _receive(LENGTH_BYTES):
        requests.put(codec.unpack(_receive(int.from_bytes(length, "little")), MOST_REQUEST_BYTES))
    os._exit(0)


def _receive(size: int) -> bytes:
    """Read so many bytes; fewer where the input ends.

    It has no buffer: Python aborts where one is still being read as an error ends the process.
    """
    parts = []
    while size and (part := os.read(0, size)):
        parts.append(part)
        size -= len(part)
    return b"".join(parts)


def _find(name: str) -> Callable[[Any], OwnModel | None]:
    module, _, function = name.partition(":")
    found: Callable[[Any], OwnModel | None] = getattr(import_module(module), function)
    return found


def _answer(model: OwnModel, request: Arrays) -> Arrays:
    """Have the model learn a snapshot, and answer a question where there is one."""
    model.learn(snapshot_of(request))
    minutes = request["minutes"].tolist()
    if not minutes:
        return {"learnt": np.array(True)}
    return {"odds": np.asarray(model.forecast(minutes, request["places"]), dtype=np.float32)}


if __name__ == "__main__":
    main()
