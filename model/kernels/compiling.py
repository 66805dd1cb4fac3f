"""Tells when kernels are compiled, which takes half a minute in all, instead of loaded."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from numba.core.event import Event, Listener, install_listener


class _First(Listener):
    """Calls a function at the first start."""

    def __init__(self, call: Callable[[], None]) -> None:
        self._call: Callable[[], None] | None = call

    def on_start(self, event: Event) -> None:
        """Call the function, unless that was done already: a kernel compiles those that it calls."""
        call, self._call = self._call, None
        if call is not None:
            call()

    def on_end(self, event: Event) -> None:
        """Do nothing."""


@contextmanager
def noticed(compiling: Callable[[], None]) -> Iterator[None]:
    """Call `compiling` once, as soon as a kernel is compiled within the block, in whatever thread."""
    with install_listener("numba:compile", _First(compiling)):
        yield
