"""Reads the bytes of a document as a JSON object."""

from __future__ import annotations

import json
import threading
from collections import Counter
from contextlib import nullcontext
from typing import Any

from ingest.gbfs.errors import (
    DocumentName,
    EmptyDocument,
    NotGbfs,
    NotJson,
    TooDeeplyNested,
    Truncated,
    WebPage,
)
from ingest.gbfs.findings import Findings

Document = dict[str, Any]

LARGE = 2_000_000
"""The bytes from which on a document waits for others of its kind: each takes much memory for a moment."""

_large = threading.Lock()


def parse(body: bytes, name: DocumentName, findings: Findings) -> dict[str, Any]:
    """Read a JSON object; byte order marks, odd charsets, NaN and keys given twice are no obstacle.

    Of large documents one is read at a time. Raises `DocumentError` when it is none, by what it is instead.
    """
    with _large if len(body) >= LARGE else nullcontext():
        return _parse(body, name, findings)


def _parse(body: bytes, name: DocumentName, findings: Findings) -> dict[str, Any]:
    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) < len(pairs):
            findings.add("duplicate_key", Counter(key for key, _ in pairs).most_common(1)[0][0])
        return found

    def not_a_number(value: str) -> None:
        findings.add("not_a_number", value)

    text = _text(body, findings).lstrip()
    if not text:
        raise EmptyDocument(name)
    if text[0] == "<":
        raise WebPage(name)
    try:
        document = json.loads(text, object_pairs_hook=unique, parse_constant=not_a_number)
    except RecursionError as error:
        raise TooDeeplyNested(name) from error
    except json.JSONDecodeError as error:
        if error.pos >= len(text.rstrip()) - 1 or error.msg.startswith("Unterminated"):
            raise Truncated(name) from error
        raise NotJson(name) from error
    except ValueError as error:  # an integer of thousands of digits
        raise NotJson(name) from error
    if not isinstance(document, dict):
        raise NotGbfs(name)
    return document


def datum(document: Document, name: str) -> Any:
    """Give a field of a document's data; None where there is none.

    >>> datum({"data": {"timezone": "UTC"}}, "timezone"), datum({"data": []}, "timezone")
    ('UTC', None)
    """
    data = document.get("data")
    return data.get(name) if isinstance(data, dict) else None


def listed(document: Document, name: str) -> list[Any] | None:
    """Give a list in a document's data; None where there is none."""
    found = datum(document, name)
    return found if isinstance(found, list) else None


def _text(body: bytes, findings: Findings) -> str:
    encoding = json.detect_encoding(body)  # knows byte order marks, and UTF-16 and 32 by their zero bytes
    try:
        return body.decode(encoding)
    except UnicodeDecodeError:
        findings.add("charset", encoding)
        return body.decode("cp1252", errors="replace")
