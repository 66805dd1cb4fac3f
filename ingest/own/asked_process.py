"""The process of an own model as a worker sees it: a question, and an answer before a deadline."""

from __future__ import annotations

import os
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from typing import Any

from numpy.typing import NDArray

from ingest.own.messages import LENGTH_BYTES, packed
from ingest.settings import ROOT
from model import codec
from model.codec import Arrays

_END_SECONDS = 2.0
_THREADS = dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"), "1")


class OwnModelError(Exception):
    """The own model did not do as asked. `kind` is that of the finding, the text an example of it."""

    def __init__(self, kind: str, words: str) -> None:
        super().__init__(words)
        self.kind = kind


class AskedProcess:
    """The process that runs the own model `name` within so many megabytes. End it with `end`."""

    def __init__(self, name: str, megabytes: int) -> None:
        command = [sys.executable, "-m", "ingest.own.process", name, str(megabytes)]
        self._process = subprocess.Popen(
            command,
            cwd=ROOT,
            env={**os.environ, **_THREADS},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            bufsize=0,
            start_new_session=True,  # Ctrl-C is for the worker, which ends it
        )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._in, self._out = self._process.stdin.fileno(), self._process.stdout.fileno()
        os.set_blocking(self._in, False)
        os.set_blocking(self._out, False)

    def ask(self, request: Mapping[str, NDArray[Any]], seconds: float, most_bytes: int) -> Arrays:
        """Send a request, and give the answer.

        Raises `OwnModelError` where there is none within so many seconds, where it is larger than
        `most_bytes` or broken, where the model raised an error, and where its process has ended.
        """
        deadline = time.monotonic() + seconds
        try:
            self._send(packed(request), deadline)
            length = int.from_bytes(self._receive(LENGTH_BYTES, deadline), "little")
            if length > most_bytes:
                raise OwnModelError("own_wrong", f"{length} bytes, where {most_bytes} are enough")
            answer = codec.unpack(self._receive(length, deadline), most_bytes)
        except TimeoutError:
            raise OwnModelError("own_hung", f"{seconds:g} s") from None
        except (BrokenPipeError, EOFError):
            raise OwnModelError("own_died", self._last_words()) from None
        except codec.DamagedError as error:
            raise OwnModelError("own_wrong", str(error)) from None
        if "error" in answer:
            raise OwnModelError("own_failed", str(answer["error"]))
        return answer

    def end(self) -> None:
        """End it at once."""
        self._process.kill()
        self._process.wait()
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                stream.close()

    def _send(self, message: bytes, deadline: float) -> None:
        rest = memoryview(message)
        while rest:
            _wait(self._in, selectors.EVENT_WRITE, deadline)
            rest = rest[os.write(self._in, rest) :]

    def _receive(self, size: int, deadline: float) -> bytes:
        parts, missing = [], size
        while missing:
            _wait(self._out, selectors.EVENT_READ, deadline)
            part = os.read(self._out, missing)
            if not part:
                raise EOFError
            parts.append(part)
            missing -= len(part)
        return b"".join(parts)

    def _last_words(self) -> str:
        """Say how the process ended."""
        try:
            code = self._process.wait(_END_SECONDS)
        except subprocess.TimeoutExpired:
            return "?"
        return signal.Signals(-code).name if code < 0 else f"exit {code}"


def _wait(file: int, event: int, deadline: float) -> None:
    """Wait until a file can be read or written. Raises `TimeoutError` at the deadline."""
    with selectors.DefaultSelector() as selector:
        selector.register(file, event)
        if not selector.select(max(deadline - time.monotonic(), 0)):
            raise TimeoutError
