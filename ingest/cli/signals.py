"""How a command ends when a signal asks it to."""

from __future__ import annotations

import signal
import threading


def stop_on_signals() -> threading.Event:
    """Give an event that Ctrl-C, or a request to terminate, sets from now on.

    An exception instead could come in the middle of a commit, or be lost in a function that may not raise.
    """
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    return stop
