"""What the worker and the app write down: plain lines for people or JSON lines for programs, never a secret.

Passwords stand in addresses of stores and keys in those of feeds, and libraries quote both in their errors.
So every line is cleaned where it is written, whoever wrote it. Who asks for what is not written down at all.
"""

from __future__ import annotations

import json
import logging
import re
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Literal

Format = Literal["plain", "json"]

system: ContextVar[str | None] = ContextVar("system", default=None)
"""The system that this thread is at work on."""

_SECRETS = (
    (re.compile(r"(?<=://)[^\s/@]+@"), "…@"),
    (re.compile(r"\?[^\s\"'<>()]*=[^\s\"'<>()]*"), "?…"),
    (re.compile(r"(?i)\b(password|token|api_?key|secret)\b(['\"]?\s*[=:]\s*['\"]?)[^\s&,;'\"]+"), r"\1\2…"),
)  # fmt: skip
_QUIET = ("apscheduler", "alembic", "urllib3", "uvicorn.access", "uvicorn.error")


def redact(text: str) -> str:
    """Take out users and passwords, and whatever follows the question mark of an address.

    >>> redact("no answer from postgresql://me:pa55@db/dockcast nor https://a.example/gbfs.json?token=x")
    'no answer from postgresql://…@db/dockcast nor https://a.example/gbfs.json?…'
    """
    for pattern, instead in _SECRETS:
        text = pattern.sub(instead, text)
    return text


class Plain(logging.Formatter):
    """A line as people read it, tracebacks below."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(message)s", "%Y-%m-%d %H:%M:%S")

    def format(self, record: logging.LogRecord) -> str:
        """Write it, without secrets."""
        return redact(super().format(record))


class Json(logging.Formatter):
    """An object a line: time, level, logger, message, the system where there is one, the traceback too."""

    def format(self, record: logging.LogRecord) -> str:
        """Write it, without secrets."""
        told = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": redact(record.getMessage()),
            "system": system.get(),
            "error": redact(self.formatException(record.exc_info)) if record.exc_info else None,
        }
        return json.dumps({name: value for name, value in told.items() if value is not None})


def set_up(style: Format, *libraries: str) -> None:
    """Write everything to standard error in one style, that of the `libraries` named too."""
    handler = logging.StreamHandler()
    handler.setFormatter(Json() if style == "json" else Plain())
    logging.basicConfig(level=logging.INFO, handlers=[handler])
    for name in _QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)
    for name in [*logging.root.manager.loggerDict]:
        if name.partition(".")[0] in libraries:
            logger = logging.getLogger(name)
            logger.handlers.clear()
            logger.propagate = True
