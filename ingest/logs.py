"""Writes the logs of worker and app: plain lines for people or JSON lines for programs, without secrets.

Addresses of stores have passwords, addresses of feeds have keys, and libraries quote both in their errors. So
the formatters clean every line. Nothing logs who requests what.
"""

from __future__ import annotations

import json
import logging
import re
from collections import OrderedDict
from contextvars import ContextVar
from datetime import UTC, datetime
from threading import Lock
from typing import Literal

Format = Literal["plain", "json"]

system: ContextVar[str | None] = ContextVar("system", default=None)
"""The system that this thread works on."""

_SECRETS = (
    (re.compile(r"(?<=://)[^\s/@]+@"), "…@"),
    (re.compile(r"\?[^\s\"'<>()]*=[^\s\"'<>()]*"), "?…"),
    (re.compile(r"(?i)\b(password|token|api_?key|secret)\b(['\"]?\s*[=:]\s*['\"]?)[^\s&,;'\"]+"), r"\1\2…"),
)  # fmt: skip
MOST_ALIKE, FOLD_SECONDS = 3, 60.0
"""How many lines that are alike are written within so many seconds."""
_MOST_SEEN = 1000
_QUIET = ("apscheduler", "alembic", "urllib3", "uvicorn.access", "uvicorn.error")


def redact(text: str) -> str:
    """Take out users and passwords, and everything after the question mark of an address.

    >>> redact("no answer from postgresql://me:pa55@db/dockcast nor https://a.example/gbfs.json?token=x")
    'no answer from postgresql://…@db/dockcast nor https://a.example/gbfs.json?…'
    """
    for pattern, instead in _SECRETS:
        text = pattern.sub(instead, text)
    return text


class Plain(logging.Formatter):
    """Formats a line for people, with tracebacks below it."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(message)s", "%Y-%m-%d %H:%M:%S")

    def format(self, record: logging.LogRecord) -> str:
        """Format a record, without secrets."""
        return redact(super().format(record))


class Json(logging.Formatter):
    """Formats a line as a JSON object: time, level, logger, message; system and error where there are any."""

    def format(self, record: logging.LogRecord) -> str:
        """Format a record, without secrets."""
        fields = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": redact(record.getMessage()),
            "system": system.get(),
            "error": redact(self.formatException(record.exc_info)) if record.exc_info else None,
        }
        return json.dumps({name: value for name, value in fields.items() if value is not None})


class Folded(logging.Filter):
    """Lets a line through three times a minute; the next one later says how many more there were.

    Lines with a traceback are alike where message and kind of error are, others where all of the text is, and
    both are of one system. Without this, somebody who makes a page fail all the time fills the disk.
    """

    def __init__(self) -> None:
        super().__init__()
        self._seen: OrderedDict[tuple[object, ...], tuple[float, int]] = OrderedDict()
        self._lock = Lock()

    def filter(self, record: logging.LogRecord) -> bool:
        """Count a line, and tell whether it is written."""
        error = record.exc_info[0] if record.exc_info else None
        text = record.getMessage() if error is None else record.msg
        alike = (record.name, record.levelno, text, error, system.get())
        with self._lock:
            since, count = self._seen.pop(alike, (record.created, 0))
            if abs(record.created - since) >= FOLD_SECONDS:
                if count > MOST_ALIKE:
                    more = f"{record.getMessage()} (and {count - MOST_ALIKE} times more meanwhile)"
                    record.msg, record.args = more, None
                since, count = record.created, 0
            self._seen[alike] = since, count + 1
            if len(self._seen) > _MOST_SEEN:
                self._seen.popitem(last=False)
        return count < MOST_ALIKE


def set_up(style: Format, *libraries: str) -> None:
    """Log everything to standard error in one style, also what the named `libraries` log."""
    handler = logging.StreamHandler()
    handler.setFormatter(Json() if style == "json" else Plain())
    handler.addFilter(Folded())
    logging.basicConfig(level=logging.INFO, handlers=[handler])
    for name in _QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)
    for name in [*logging.root.manager.loggerDict]:
        if name.partition(".")[0] in libraries:
            logger = logging.getLogger(name)
            logger.handlers.clear()
            logger.propagate = True
