"""Describe the API as OpenAPI 3.1 [1]_, from the same table as its routes.

References
----------
.. [1] https://spec.openapis.org/oas/v3.1.1.html
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from dashboard.api.answers import JSON, STATUS
from dashboard.api.parameters import Parameter

Schema = dict[str, Any]

# ---------------------------------------------------------------- helpers to write JSON Schema

TEXT: Schema = {"type": "string"}
FLAG: Schema = {"type": "boolean"}
NUMBER: Schema = {"type": "number"}
TIME: Schema = {"type": "string", "format": "date-time"}
COUNT: Schema = {"type": "integer", "minimum": 0}


def record(title: str = "", /, **parts: Schema) -> Schema:
    """Describe an object with exactly these parts. Other schemas can refer to it by its title."""
    schema = {
        "type": "object", "properties": parts, "required": list(parts), "additionalProperties": False,
    }  # fmt: skip
    return {"title": title, **schema} if title else schema


def listed(item: Schema, text: str = "") -> Schema:
    """Describe an array."""
    return described({"type": "array", "items": item}, text)


def maybe(schema: Schema, text: str = "") -> Schema:
    """Describe a value that may be null."""
    if "enum" in schema:
        schema = {**schema, "enum": [*schema["enum"], None]}
    return described({**schema, "type": [schema["type"], "null"]}, text)


def described(schema: Schema, text: str) -> Schema:
    """Add a description to a schema."""
    return {**schema, "description": text} if text else schema


PROBLEM = record(
    "Problem",
    **{
        "code": described({**TEXT, "enum": [*STATUS]}, "What it is, for programs. A code stays."),
        "error": described(TEXT, "What is wrong, for people."),
        "try": described(TEXT, "What to do about it."),
    },
)

# ---------------------------------------------------------------- the table


@dataclass(frozen=True)
class Operation:
    """One address of the API: the function that answers, and its description.

    `answer` gets the parameters by name, `media_type` where `gives` has more than one, and the server's
    `address` where it is `addressed`; `gives` has the schema of each type. `problems` are its errors beside
    those that every address has.
    """

    path: str
    answer: Callable[..., Any]
    summary: str
    gives: Mapping[str, Schema]
    text: str = ""
    parameters: Sequence[Parameter] = ()
    problems: Mapping[int, str] | None = None
    cache: str = "no-cache"
    also: int | None = None
    """Another status with the same answer."""
    addressed: bool = False

    @property
    def described(self) -> dict[str, Any]:
        """The description in OpenAPI's form."""
        content = {media_type: {"schema": schema} for media_type, schema in self.gives.items()}
        answers: dict[str, Any] = {"200": {"description": self.summary, "content": content}}
        if self.also is not None:
            answers[str(self.also)] = {"description": "The same, where it is not so.", "content": content}
        answers["304"] = {"description": "What you have is still right."}
        problems = {
            400: "A parameter is unknown or beyond its limits.",
            **(self.problems or {}),
            405: "Only GET, HEAD and OPTIONS are answered.",
            406: "It cannot be had as what you accept.",
        }
        for status, words in problems.items():
            answers[str(status)] = {"description": words, "content": {JSON: {"schema": PROBLEM}}}
        return {
            "operationId": getattr(self.answer, "__name__", self.path).strip("_"),
            "summary": self.summary,
            **({"description": self.text} if self.text else {}),
            "parameters": [parameter.described for parameter in self.parameters],
            "responses": answers,
        }


def document(operations: Sequence[Operation], version: str) -> dict[str, Any]:
    """Describe the whole API."""
    named: dict[str, Schema] = {}
    paths = {operation.path: {"get": _lift(operation.described, named)} for operation in operations}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Dockcast",
            "version": version,
            "summary": "How many bikes and free docks there will be when you arrive.",
            "description": (
                "Times are ISO 8601 in UTC, of the feed's own clock where a replay has another. A `label` of "
                "*replayed* or *simulated* marks what is not live. Counts that are not known are null. "
                "Errors say what is wrong and what to do. Ask with If-None-Match, and what has not changed "
                "is answered by 304. The feeds' data belongs to their operators."
            ),
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "paths": paths,
        "components": {"schemas": dict(sorted(named.items()))},
    }


def _lift(value: Any, named: dict[str, Schema]) -> Any:
    """Move each schema with a title to `named`, and leave a reference in its place."""
    if isinstance(value, list):
        return [_lift(item, named) for item in value]
    if not isinstance(value, dict):
        return value
    lifted = {key: _lift(item, named) for key, item in value.items()}
    if value.get("type") == "object" and "title" in value:
        named[value["title"]] = lifted
        return {"$ref": f"#/components/schemas/{value['title']}"}
    return lifted
