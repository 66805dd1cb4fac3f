"""Writes the logs of worker and app: plain lines for people or JSON lines for programs, without secrets.

Addresses of stores have passwords, addresses of feeds have keys, and libraries quote both in their errors. So
the formatters clean every line. Nothing logs who requests what.
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
"""The system that this thread works on."""

_SECRETS = (
    (re.compile(r"(?<=://)[^\s/@]+@"), "…@"),
    (re.compile(r"\?[^\s\"'<>()]*=[^\s\"'<>()]*"), "?…"),
    (re.compile(r"(?i)\b(password|token|api_?key|secret)\b(['\"]?\s*[=:]\s*['\"]?)[^\s&,;'\"]+"), r"\1\2…"),
)  # fmt: skip
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


def set_up(style: Format, *libraries: str) -> None:
    """Log everything to standard error in one style, also what the named `libraries` log."""
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
