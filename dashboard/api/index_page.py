"""A page for people at /api: every route, what it takes, and an example that can be tried by a click."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from urllib.parse import quote, urlencode

from markupsafe import Markup

from dashboard.api.answers import Body
from dashboard.api.openapi import Operation
from dashboard.components.html import DOCTYPE, tag, together
from dashboard.store_reader import StoreReader

HTML = "text/html"

_STYLE = """
body { font: 1rem/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
:root { color-scheme: light dark; }
section { border-top: 1px solid #8888; padding: .5rem 0; overflow-wrap: anywhere; }
h2 { font: 600 1rem ui-monospace, monospace; margin: .5rem 0; }
p, ul { margin: .3rem 0; }
a { display: inline-block; padding: .6rem 0; }
"""


def index_page(operations: Sequence[Operation], source: StoreReader) -> Body:
    """Write the page. Examples are of a system that has answered, where there is one."""
    examples = _examples(source)
    head = together(
        tag("meta", charset="utf-8"),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("title", "Dockcast: API"), tag("style", _STYLE),
    )  # fmt: skip
    intro = tag(
        "p", "Everything is read with GET, needs no key, and answers in JSON unless said otherwise. ",
        tag("a", "The same for programs, as OpenAPI", href="/api/openapi.json"),
    )  # fmt: skip
    sections = [_section(operation, examples) for operation in operations]
    body = tag("main", tag("h1", "Dockcast: API"), intro, *sections)
    page = tag("html", tag("head", head), tag("body", body), lang="en")
    return Body(together(DOCTYPE, page).encode(), f"{HTML}; charset=utf-8")


def _examples(source: StoreReader) -> dict[str, Any]:
    """Find a system with a frame, and a station of it, to ask for; the described examples where none has."""
    for system, state in source.overview().values():
        view = source.view(system, state)
        if view.frame is not None and len(view.frame.stations):
            station = str(view.frame.stations.station_id[0])
            return {
                "system_id": system.system_id, "station_id": station, "version": view.version,
            }  # fmt: skip
    return {}


def _section(operation: Operation, examples: dict[str, Any]) -> Markup:
    path, query = operation.path, dict[str, str]()
    for parameter in operation.parameters:
        example = examples.get(parameter.name, parameter.example)
        if parameter.required:
            path = path.replace(f"{{{parameter.name}}}", quote(str(example), safe=""))
        elif example is not None and parameter.name != "system":
            listed = example if isinstance(example, list) else [example]
            query[parameter.name] = ",".join(map(str, listed))
    address = f"{path}?{urlencode(query, safe=',')}" if query else path
    parameters = [
        tag("li", tag("code", each.name), f": {each.text} It must be {each.kind.words}.")
        for each in operation.parameters
    ]
    return tag(
        "section", tag("h2", operation.path), tag("p", operation.summary, ". ", operation.text),
        tag("ul", *parameters) if parameters else "", tag("p", tag("a", address, href=address)),
    )  # fmt: skip
