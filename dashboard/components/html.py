"""Builds all HTML of the pages, and escapes every text in it.

A plain string is text: it shows on the page as it is. Only `tag` makes markup. So a
station's name cannot break out of its element, and no screen has to remember to escape it.
"""

from __future__ import annotations

from pathlib import Path

import streamlit as st
from markupsafe import Markup, escape

STATIC = Path(__file__).parents[1] / "static"

DOCTYPE = Markup("<!doctype html>")
"""The beginning of a whole page that Streamlit does not write."""

BREAK = Markup("<br>")
"""A line break; `BREAK.join` puts one between parts, which it escapes."""


def tag(name: str, /, *children: str, **attributes: str | None) -> Markup:
    """Make an element. Children that are markup stay as they are, all others are escaped.

    `cls` stands for the attribute `class`, and `_` in a name for `-`. An attribute that is None is left out.

    >>> tag("p", "1 < 2 ", tag("b", "yes"), cls="note", aria_label=None)
    Markup('<p class="note">1 &lt; 2 <b>yes</b></p>')
    """
    return Markup(f"{opening(name, **attributes)}{together(*children)}</{name}>")


def opening(name: str, /, **attributes: str | None) -> Markup:
    """Write the beginning of an element, which is all of one that has no end.

    >>> opening("meta", name="description", content="1 < 2")
    Markup('<meta name="description" content="1 &lt; 2">')
    """
    written = "".join(
        f' {"class" if key == "cls" else key.replace("_", "-")}="{escape(value)}"'
        for key, value in attributes.items()
        if value is not None
    )
    return Markup(f"<{name}{written}>")


def together(*children: str) -> Markup:
    """Put children beside each other; those that are plain strings are escaped.

    >>> together(tag("i"), "a & b")
    Markup('<i></i>a &amp; b')
    """
    return Markup("").join(children)


def filled(words: str, /, **parts: str) -> Markup:
    """Put markup into the placeholders of a sentence, wherever its language has them.

    >>> filled("Take a bike at {place} & go", place=tag("b", "Quay <1>"))
    Markup('Take a bike at <b>Quay &lt;1&gt;</b> &amp; go')
    """
    return escape(words).format(**parts)


def show(markup: Markup) -> None:
    """Put markup into the page."""
    st.html(str(markup))


def style(rules: str) -> None:
    """Put CSS rules of our own into the page.

    Raises `ValueError` for rules with a `<` in them, which could end the block.
    """
    if "<" in rules:
        raise ValueError("a style block must not hold a <")
    st.html(f"<style>{rules}</style>")


def stylesheet(name: str) -> None:
    """Put a file of `dashboard/static` into the page as its style."""
    st.html(STATIC / name)
