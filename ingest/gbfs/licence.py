"""The terms under which a feed's data may be passed on, as its system information states them."""

from __future__ import annotations

import json
from collections.abc import Mapping

from ingest.gbfs import values
from ingest.gbfs.documents import Document, datum
from ingest.text import clean

REMEMBERED = "licence"
"""The name under which a feed's terms are kept."""

FIELDS = ("license_id", "license_url", "attribution_organization_name", "attribution_url")
"""The fields of system information that are passed on, by their names in GBFS."""

_LONGEST = 200


def licence(document: Document) -> dict[str, str]:
    """Read the terms from system information, by the names of `FIELDS`; without those that are not stated.

    An address counts only where it leads to the web.

    >>> licence({"data": {"license_id": "CC0-1.0", "attribution_organization_name": [{"text": "NTA"}]}})
    {'license_id': 'CC0-1.0', 'attribution_organization_name': 'NTA'}
    """
    stated = {name: datum(document, name) for name in FIELDS}
    texts = {
        name: clean(value, _LONGEST) if isinstance(value, str) else values.name(value)
        for name, value in stated.items()
        if isinstance(value, str | list)
    }
    return {
        name: text
        for name, text in texts.items()
        if text and (not name.endswith("_url") or text.startswith(("http://", "https://")))
    }


def to_json(terms: Mapping[str, str]) -> str:
    """Write terms to be kept."""
    return json.dumps(terms, ensure_ascii=False, sort_keys=True)


def from_json(text: str) -> dict[str, str]:
    """Read what `to_json` wrote."""
    found: dict[str, str] = json.loads(text)
    return found
