"""What people read comes from `dashboard/words`: no other room of the pages has a sentence of its own."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

DASHBOARD = Path(__file__).resolve().parents[3] / "dashboard"
ROOMS = ("charts", "components", "maps", "screens", "state")
FILES = [path for room in ROOMS for path in sorted((DASHBOARD / room).rglob("*.py"))]

SHOWN_FROM = {"tag": 1, "together": 0, "filled": 0, "notice": 0, "button": 1, "offer": 2}
"""The first position at which a function of ours takes words. What lies before it is a name."""

SHOWN_BY_NAME = {"alt", "aria_label", "help", "label", "name", "page_title", "placeholder", "title"}
"""Arguments that are words in every call."""


def shown(call: ast.Call) -> Iterator[ast.expr]:
    """Give the arguments of a call that a page shows."""
    called = call.func
    name = called.attr if isinstance(called, ast.Attribute) else getattr(called, "id", "")
    first = SHOWN_FROM.get(name)
    if first is None and isinstance(called, ast.Attribute) and getattr(called.value, "id", "") == "st":
        first = 0
    if first is not None:
        yield from call.args[first:]
    yield from (each.value for each in call.keywords if each.arg in SHOWN_BY_NAME)


def own_words(node: ast.AST) -> Iterator[str]:
    """Give the literals with words in an argument, those in f-strings too, but not those in inner calls."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        if re.search(r"[^\W\d_]{2}", node.value) and "<" not in node.value:
            yield node.value
    elif not isinstance(node, ast.Call | ast.Subscript | ast.Compare | ast.Lambda):
        for child in ast.iter_child_nodes(node):
            yield from own_words(child)


def words_in(source: str) -> list[str]:
    calls = (node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call))
    return [words for call in calls for argument in shown(call) for words in own_words(argument)]


@pytest.mark.parametrize("path", sorted((DASHBOARD / "words").glob("*.py")), ids=lambda path: path.name)
def test_no_message_hides_in_an_f_string(path: Path) -> None:
    """Babel on Python 3.11 does not look there, so nobody could translate it."""
    hidden = [
        call.func.id
        for part in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(part, ast.JoinedStr)
        for call in ast.walk(part)
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Name)
    ]
    assert not {"tr", "plural", "mark", "mark_plural"} & set(hidden)


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(DASHBOARD)))
def test_a_page_has_no_words_of_its_own(path: Path) -> None:
    own = words_in(path.read_text(encoding="utf-8"))
    assert not own, f"move these into dashboard/words, then run `make words`: {own}"


@pytest.mark.parametrize(
    "source",
    [
        'st.text("No bikes")',
        'st.selectbox(f"{n} bikes", key="k")',
        'tag("p", "closed" if closed else "", cls="note")',
        'tag("p", tag("b", name), f": {n} left")',
        'alt.X("at:T", title="Hour")',
        'page_shell.notice(first, "Try " + more)',
        'browser.button("near", "Near me")',
    ],
)
def test_the_search_finds_words(source: str) -> None:
    assert len(words_in(source)) == 1


@pytest.mark.parametrize(
    "source",
    [
        "st.text(words.NO_BIKES())",
        'st.session_state.get("list")',
        'tag("p", f"{a} · {b}", cls="note", role="status")',
        'tag("time", words.moment(at, "UTC"))',
        'tag("b", TITLES["map"])',
    ],
)
def test_the_search_passes_over_names(source: str) -> None:
    assert words_in(source) == []
