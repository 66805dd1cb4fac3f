"""Each catalogue is whole: all messages, no others, with the placeholders of the English and without markup.

`make words` runs this too. It is what a translator reads who has forgotten something.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog, Message
from babel.messages.plurals import get_plural
from babel.messages.pofile import read_po

from dashboard.words import catalogue
from tests.support import pseudo

FILES = {path.parts[-3]: path for path in sorted(catalogue.FOLDER.glob("*/LC_MESSAGES/dockcast.po"))}
EACH = pytest.mark.parametrize("name", FILES)
ENGLISH = Path(catalogue.__file__).parent / "dockcast.pot"
PATTERNS = re.compile(r"pattern of ")
"""Contexts of messages that are patterns of the Unicode locale data, no words."""

MARKUP = re.compile(r"<|>|&\w+;|\*\*|__|`|\]\(|\$|:\w+\[|^#", re.MULTILINE)
"""What a page could take for HTML or for Markdown."""


def read(path: Path, locale: str) -> Catalog:
    with path.open("rb") as file:
        return read_po(file, locale=locale)


def key(entry: Message) -> tuple[str, ...]:
    words = (entry.id,) if isinstance(entry.id, str) else tuple(entry.id)
    return (entry.context or "", *words)


def forms(entry: Message) -> list[str]:
    return list(pseudo.forms(entry.string))


def entries(catalog: Catalog) -> Iterator[Message]:
    return (entry for entry in catalog if entry.id)


def test_there_are_eight_languages_beside_english() -> None:
    assert set(FILES) == {"de", "es", "fr", "it", "ja", "nb", "nl", "pt_BR"}


@EACH
def test_no_message_is_missing_and_none_is_unused(name: str) -> None:
    english = {key(entry) for entry in entries(read(ENGLISH, "en"))}
    theirs = read(FILES[name], name)
    there = {key(entry): entry for entry in entries(theirs)}
    assert not english - set(there), "new messages: run `make words`, then translate them"
    assert not set(there) - english, "unused messages: run `make words`"
    assert not theirs.obsolete
    assert not [of for of, entry in there.items() if entry.fuzzy], "guesses: check them, then drop the mark"
    assert not [of for of, entry in there.items() if not all(forms(entry))], "not translated"


@EACH
def test_placeholders_are_those_of_the_english(name: str) -> None:
    assert not [
        key(entry)
        for entry in entries(read(FILES[name], name))
        if all(forms(entry)) and not catalogue._fits(entry)
    ]


@EACH
def test_a_message_has_no_markup_and_no_space_at_its_ends(name: str) -> None:
    wrong = [
        key(entry)
        for entry in entries(read(FILES[name], name))
        for form in forms(entry)
        if (MARKUP.search(form) and not MARKUP.search("".join(key(entry)[1:]))) or form != form.strip()
    ]
    assert not wrong


@EACH
def test_a_message_has_the_lines_and_the_sign_of_its_slider(name: str) -> None:
    """A tooltip has a line for each thing; Streamlit's slider needs its %d."""
    for entry in entries(read(FILES[name], name)):
        for form in forms(entry):
            assert form.count("\n") == key(entry)[1].count("\n"), key(entry)
            assert form.count("%d") == key(entry)[1].count("%d"), key(entry)


@EACH
def test_the_plural_forms_are_enough_for_every_number_on_a_page(name: str) -> None:
    """CLDR's form for a million may be left out; whoever has it gives it in each message."""
    theirs, rule = read(FILES[name], name), get_plural(name)
    assert theirs.num_plurals in (rule.num_plurals, min(rule.num_plurals, 2))
    plural = [entry for entry in entries(theirs) if entry.pluralizable]
    assert {len(forms(entry)) for entry in plural} == {theirs.num_plurals}


@EACH
def test_the_header_says_who_drafted_it_and_that_readers_are_wanted(name: str) -> None:
    begin = FILES[name].read_text(encoding="utf-8").partition("msgid")[0]
    comment = " ".join(line.lstrip("# ") for line in begin.splitlines())
    assert "developers" in comment
    assert "drafted" in comment.lower()
    assert re.search("native (readers|speakers) are wanted", comment.lower())


@EACH
def test_a_glossary_says_which_word_stands_for_which(name: str) -> None:
    glossary = (FILES[name].parents[1] / "glossary.md").read_text(encoding="utf-8")
    first = [line.split("|")[1] for line in glossary.splitlines() if line.startswith("| ")]
    terms = {term.strip() for cell in first for term in cell.split(",")}
    assert {"station", "dock", "chance", "almost sure", "likely", "even", "unlikely", "hardly"} <= terms


@EACH
def test_a_pattern_is_one_that_babel_can_write(name: str) -> None:
    for entry in entries(read(FILES[name], name)):
        if entry.context and PATTERNS.search(entry.context):
            assert not set(re.findall("[A-Za-z]", re.sub("'[^']*'", "", forms(entry)[0]))) - set("HhmaEcdMLy")


def test_markup_is_found() -> None:
    assert all(MARKUP.search(words) for words in ("<b>", "**a**", "[a](b)", "`a`", "&amp;", ":red[a]", "# a"))
    assert not any(MARKUP.search(words) for words in ("a · b", "5 % & more", "1: 2", "{n} (a)", "№ 3", "a_b"))
