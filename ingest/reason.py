"""Why a feed failed or is silent: a kind and named arguments, never a sentence.

The store keeps reasons. A page words each in the language of its reader: see `dashboard.words.feed_errors`.
The English template of an error is for logs and for the command line.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import timedelta
from typing import ClassVar, Self

Argument = str | int | float


@dataclass(frozen=True)
class Reason:
    """A kind and its arguments. A text argument may come from a stranger: show it as plain text.

    >>> Reason("too_slow", {"host": "bikes.example", "seconds": 30}).to_json()
    '{"kind": "too_slow", "arguments": {"host": "bikes.example", "seconds": 30}}'
    """

    kind: str
    arguments: Mapping[str, Argument] = field(default_factory=dict)

    def to_json(self) -> str:
        """Write the reason as the store keeps it."""
        return json.dumps(asdict(self), ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Read what `to_json` wrote."""
        return cls(**json.loads(text))


class ReasonedError(Exception):
    """An error with a reason. The class has the kind, and the arguments are the placeholders of its template.

    `counted_as` is the kind that failed polls are counted by, where that is coarser than `kind`.
    `retry_after` is how long the server wants to be left alone, if it says so.
    """

    kind: ClassVar[str]
    template: ClassVar[str]
    counted_as: ClassVar[str] = ""

    def __init__(self, *, retry_after: timedelta | None = None, **arguments: Argument) -> None:
        super().__init__(self.template.format(**arguments))
        self.reason = Reason(self.kind, arguments)
        self.outcome = self.counted_as or self.kind
        self.retry_after = retry_after
