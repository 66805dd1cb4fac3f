"""The builder of HTML: no text can become a tag, whatever it holds, and no other file writes tags."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markupsafe import Markup
from streamlit.testing.v1 import AppTest

from dashboard.components.html import BREAK, style, tag, together

DASHBOARD = Path(__file__).parents[3] / "dashboard"
BUILDER = DASHBOARD / "components" / "html.py"

HOSTILE = (
    "<img src=x onerror=alert(1)>", "</b><script>alert(1)</script>", '" onmouseover="alert(1)',
    "' autofocus='", "<!--", "]]>", "&lt;b&gt;", "&amp;", "\x00<b>", "{0}{cls}%s$x$",
)  # fmt: skip
TEXTS = st.sampled_from(HOSTILE) | st.text() | st.lists(st.sampled_from(HOSTILE), max_size=3).map("".join)

PATTERNS = {"<script>(.*?)</script>"}
"""Literals that look for tags and write none: the request guard finds Streamlit's own scripts by this one."""


class Reader(HTMLParser):
    """Reads HTML as a browser does: the tags with their attributes, and the text between them."""

    def __init__(self, markup: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []
        self.feed(markup)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text.append(data)

    def handle_comment(self, data: str) -> None:
        self.tags.append(("comment", {}))

    def unknown_decl(self, data: str) -> None:
        self.tags.append(("declaration", {}))


@given(TEXTS, TEXTS, TEXTS)
def test_no_text_breaks_out_of_its_element_or_attribute(child: str, value: str, other: str) -> None:
    made = tag("p", child, tag("b", other), cls=value, aria_label=other)
    read = Reader(made)
    assert read.tags == [("p", {"class": value, "aria-label": other}), ("b", {})]
    assert "".join(read.text) == child + other


@given(TEXTS, TEXTS)
def test_joining_and_adding_escape_too(one: str, other: str) -> None:
    for made in (BREAK.join([one, other]), together(one, BREAK, other), tag("i") + one + BREAK + other):
        read = Reader(made)
        assert {name for name, _ in read.tags} <= {"i", "br"}
        assert "".join(read.text) == one + other


def test_markup_is_not_escaped_twice_and_missing_attributes_are_left_out() -> None:
    inner = tag("b", "a & b")
    assert tag("p", inner, "", cls=None, data_do="near") == '<p data-do="near"><b>a &amp; b</b></p>'
    assert isinstance(inner, Markup)


def test_a_style_block_holds_nothing_that_could_end_it() -> None:
    with pytest.raises(ValueError, match="must not hold"):
        style("p{}</style><script>")

    def page() -> None:
        from dashboard.components.html import style

        style(".a{color:red}")

    shown = AppTest.from_function(page).run()
    assert [element.proto.body for element in shown.get("html")] == ["<style>.a{color:red}</style>"]


def literals(tree: ast.Module) -> Iterator[ast.Constant]:
    """Give the strings of a file, those in f-strings too, but not its docstrings."""
    bare = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in bare:
            yield node


def is_tag(literal: str) -> bool:
    return literal not in PATTERNS and re.search(r"</?[a-zA-Z!]", literal) is not None


@pytest.mark.parametrize(
    "path", [path for path in sorted(DASHBOARD.rglob("*.py")) if path != BUILDER],
    ids=lambda path: str(path.relative_to(DASHBOARD)),
)  # fmt: skip
def test_no_other_file_writes_a_tag_or_calls_text_markup(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    assert [node.value for node in literals(tree) if is_tag(str(node.value))] == []
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            assert called not in ("Markup", "html", "markdown", "escape"), (
                f"line {node.lineno} calls {called}"
            )
        if isinstance(node, ast.keyword):
            assert node.arg != "unsafe_allow_html", f"line {node.value.lineno}"


def test_the_search_for_tags_finds_them() -> None:
    tree = ast.parse('"""<p>"""\na = "<p>"\nb = f"{a}</b>"\nc = "a < b"\n')
    assert [node.value for node in literals(tree) if is_tag(str(node.value))] == ["<p>", "</b>"]
    assert any(is_tag(str(node.value)) for node in literals(ast.parse(BUILDER.read_text(encoding="utf-8"))))
