"""A document's bytes read as a JSON object, whatever they are."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

from ingest.gbfs.findings import FeedError, Findings

Document = dict[str, Any]


def parse(body: bytes, what: str, findings: Findings) -> dict[str, Any]:
    """Read a JSON object, forgiving what can be forgiven: BOM, charset, NaN, keys given twice.

    Raises `FeedError` when it is none, with words on what came instead.
    """

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) < len(pairs):
            findings.add("duplicate_key", Counter(key for key, _ in pairs).most_common(1)[0][0])
        return found

    def not_a_number(name: str) -> None:
        findings.add("not_a_number", name)

    text = _text(body, findings).lstrip()
    if not text:
        raise FeedError("unreachable", f"the {what} came without a single byte", "empty_document")
    if text[0] == "<":
        raise FeedError("unreachable", f"a web page came instead of the {what}", "web_page")
    try:
        document = json.loads(text, object_pairs_hook=unique, parse_constant=not_a_number)
    except RecursionError as error:
        raise FeedError("unreachable", f"the {what} is nested too deeply to be read", "nested") from error
    except json.JSONDecodeError as error:
        if error.pos >= len(text.rstrip()) - 1 or error.msg.startswith("Unterminated"):
            raise FeedError("unreachable", f"the {what} breaks off in the middle", "truncated") from error
        raise FeedError("unreachable", f"the {what} is not valid JSON", "not_json") from error
    except ValueError as error:  # an integer of thousands of digits
        raise FeedError("unreachable", f"the {what} is not valid JSON", "not_json") from error
    if not isinstance(document, dict):
        raise FeedError("unreachable", f"the {what} is not a GBFS document", "not_gbfs")
    return document


def _text(body: bytes, findings: Findings) -> str:
    encoding = json.detect_encoding(body)  # knows byte order marks, and UTF-16 and 32 by their zero bytes
    try:
        return body.decode(encoding)
    except UnicodeDecodeError:
        findings.add("charset", encoding)
        return body.decode("cp1252", errors="replace")
