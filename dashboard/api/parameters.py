"""The parameters of the API. Each kind states its limits once, for people and for the check."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Protocol

from dashboard.api.answers import ApiError

_QUOTED = 60
"""Characters of a bad value that an error repeats."""


class Kind(Protocol):
    """What a parameter's text means, and which texts are allowed."""

    @property
    def schema(self) -> dict[str, Any]:
        """Describe the kind as JSON Schema."""

    @property
    def words(self) -> str:
        """Describe the kind to people, after "must be"."""

    def read(self, given: str) -> Any:
        """Read a text; raises `ValueError` where it is not allowed."""


@dataclass(frozen=True)
class Whole:
    """A whole number from `least` to `most`.

    >>> Whole(0, 1440).read("30")
    30
    """

    least: int
    most: int

    @property
    def schema(self) -> dict[str, Any]:
        return {"type": "integer", "minimum": self.least, "maximum": self.most}

    @property
    def words(self) -> str:
        return f"a whole number from {self.least} to {self.most}"

    def read(self, given: str) -> int:
        # Python takes "1_0" and "１" for numbers as well, and refuses those of more than 4,300 digits.
        if not re.fullmatch(r"-?[0-9]{1,12}", given) or not self.least <= int(given) <= self.most:
            raise ValueError(given)
        return int(given)


@dataclass(frozen=True)
class OneOf:
    """One of some words, or of some numbers.

    >>> OneOf((5, 10)).read("10"), OneOf(("hour", "day")).words
    (10, 'one of hour, day')
    """

    values: Sequence[str | int]

    @property
    def schema(self) -> dict[str, Any]:
        return {"type": "integer" if isinstance(self.values[0], int) else "string", "enum": list(self.values)}

    @property
    def words(self) -> str:
        return "one of " + ", ".join(map(str, self.values))

    def read(self, given: str) -> str | int:
        known = {str(value): value for value in self.values}
        if given not in known:
            raise ValueError(given)
        return known[given]


@dataclass(frozen=True)
class Text:
    """A text that matches a pattern as a whole; `of` describes it to people."""

    pattern: str
    of: str

    @property
    def schema(self) -> dict[str, Any]:
        return {"type": "string", "pattern": f"^{self.pattern}$"}

    @property
    def words(self) -> str:
        return self.of

    def read(self, given: str) -> str:
        if not re.fullmatch(self.pattern, given):
            raise ValueError(given)
        return given


@dataclass(frozen=True)
class Moment:
    """A time with its offset from UTC.

    >>> Moment().read("2026-03-02T12:30:00+01:00").isoformat()
    '2026-03-02T11:30:00+00:00'
    """

    @property
    def schema(self) -> dict[str, Any]:
        return {"type": "string", "format": "date-time"}

    @property
    def words(self) -> str:
        return "a time with its zone, like 2026-03-02T08:55:00Z or 2026-03-02T09:55:00+01:00"

    def read(self, given: str) -> datetime:
        # A plus sign that was not encoded arrives as a space.
        at = datetime.fromisoformat(given.strip().replace(" ", "+").upper())
        if at.tzinfo is None:
            raise ValueError(given)
        try:
            return at.astimezone(UTC)
        except OverflowError as error:
            raise ValueError(given) from error


@dataclass(frozen=True)
class Several:
    """Up to `most` values between commas.

    >>> Several(Whole(0, 9), 3).read("1,2")
    (1, 2)
    """

    of: Kind
    most: int

    @property
    def schema(self) -> dict[str, Any]:
        return {"type": "array", "items": self.of.schema, "minItems": 1, "maxItems": self.most}

    @property
    def words(self) -> str:
        return f"up to {self.most} values between commas, each {self.of.words}"

    def read(self, given: str) -> tuple[Any, ...]:
        parts = given.split(",")
        if len(parts) > self.most:
            raise ValueError(given)
        return tuple(dict.fromkeys(self.of.read(part) for part in parts))


@dataclass(frozen=True)
class Parameter:
    """A parameter of the address: in its path, where `required`, or after the question mark."""

    name: str
    kind: Kind
    text: str
    example: Any = None
    required: bool = False

    @property
    def described(self) -> dict[str, Any]:
        """The description in OpenAPI's form."""
        described: dict[str, Any] = {
            "name": self.name,
            "in": "path" if self.required else "query",
            "required": self.required,
            "description": self.text,
            "schema": self.kind.schema,
        }
        if isinstance(self.kind, Several):
            described |= {"style": "form", "explode": False}
        if self.example is not None:
            described["example"] = self.example
        return described

    def read(self, given: str) -> Any:
        """Read a value; raises an `ApiError` that states the limits."""
        try:
            return self.kind.read(given)
        except ValueError:
            quoted = given if len(given) <= _QUOTED else given[:_QUOTED] + "…"
            raise ApiError(
                "bad_value", f"{self.name} cannot be {quoted!r}.", f"It must be {self.kind.words}."
            ) from None


def read(
    parameters: Sequence[Parameter], path: Mapping[str, str], query: Iterable[tuple[str, str]]
) -> dict[str, Any]:
    """Read all parameters of a request by name. A missing one after the question mark is None.

    Raises an `ApiError` where one is unknown, given twice, or beyond its limits.
    """
    known = {parameter.name: parameter for parameter in parameters}
    values: dict[str, Any] = dict.fromkeys(known)
    for name, given in path.items():
        values[name] = known[name].read(given)
    optional = [parameter.name for parameter in parameters if not parameter.required]
    seen: set[str] = set()
    for name, given in query:
        if name not in optional:
            try_ = (
                f"It takes {', '.join(optional)}."
                if optional
                else "Leave out what follows the question mark."
            )
            raise ApiError("unknown_parameter", f"There is no parameter {name[:_QUOTED]!r} here.", try_)
        if name in seen:
            raise ApiError(
                "given_twice",
                f"{name} is given twice.",
                "Give it once; several values go between commas.",
            )
        seen.add(name)
        values[name] = known[name].read(given)
    return values
