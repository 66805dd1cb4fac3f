"""Looks up every message in the language of the viewer.

The code holds the English messages. `tr` and `plural` translate a message where it is used. `mark` makes a
message of a module's constant, which is translated each time somebody uses it; `mark_plural` makes one with
two forms, and `Words` is a table of messages. A language is one file,
`locale/<language>/LC_MESSAGES/dockcast.po`; Babel reads it at first use, so there is no compile step.

The language belongs to the session of one viewer, where `dashboard.state.language` puts it, unless `speaking`
sets another in a `ContextVar`. A module-wide `gettext.install` would show one viewer's language to another.
Outside of a page, as in the API, messages are English.

A message in a catalogue must have the placeholders of the English message. One that has others is logged once
and shown in English: a rider would otherwise see no page, or a sentence without its number.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from gettext import GNUTranslations, NullTranslations
from io import BytesIO
from pathlib import Path
from string import Formatter
from typing import Generic, TypeVar

import streamlit as st
from babel.core import Locale
from babel.messages.catalog import Catalog
from babel.messages.catalog import Message as Entry
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.numbers import format_decimal
from streamlit.runtime.scriptrunner import get_script_run_ctx

log = logging.getLogger(__name__)

FOLDER = Path(__file__).parent / "locale"
"""Where the catalogues are, a folder a language."""

Key = TypeVar("Key")


def code(locale: Locale) -> str:
    """Write the code of a language as addresses and browsers do.

    >>> code(Locale("pt", "BR"))
    'pt-BR'
    """
    return str(locale).replace("_", "-")


@dataclass(frozen=True)
class Language:
    """A language to show pages in: how it writes numbers and dates, and its messages."""

    locale: Locale
    messages: NullTranslations

    @property
    def code(self) -> str:
        """Give the code of the language as addresses and browsers write it, such as "pt-BR"."""
        return code(self.locale)


ENGLISH = Language(Locale("en"), NullTranslations())
OF_SESSION = "language"
"""Where a viewer's session has its `Language`."""

_APART_FROM = {"es": 10_000, "it": 10_000}
"""What CLDR says of thousands, and Babel leaves out."""

_current: ContextVar[Language | None] = ContextVar("language", default=None)


def current() -> Language:
    """Give the language of this run: the one that is set, or else that of the viewer's session."""
    return _current.get() or _of_session()


def _of_session() -> Language:
    if get_script_run_ctx(suppress_warning=True) is None:
        return ENGLISH
    found = st.session_state.get(OF_SESSION)
    return found if isinstance(found, Language) else ENGLISH


@contextmanager
def speaking(language: Language) -> Iterator[None]:
    """Use a language within a block, in this thread or task alone."""
    before = _current.set(language)
    try:
        yield
    finally:
        _current.reset(before)


@lru_cache(maxsize=64)
def load(name: str, folder: Path = FOLDER) -> Language:
    """Read the catalogue of a language, such as "fr" or "pt_BR".

    Raises `FileNotFoundError` where there is no catalogue of that name.
    """
    with (folder / name / "LC_MESSAGES" / "dockcast.po").open("rb") as file:
        catalogue = read_po(file, locale=name)
    for entry in list(catalogue):
        if entry.id and _translated(entry) and not _fits(entry):
            log.warning("%s: %r has other placeholders than English, which is shown instead", name, entry.id)
            catalogue.delete(entry.id, entry.context)
    return Language(Locale.parse(name), _compiled(catalogue))


def _translated(entry: Entry) -> bool:
    return all(_forms(entry.string))


def _forms(words: str | Sequence[str] | None) -> Sequence[str]:
    return [words or ""] if words is None or isinstance(words, str) else words


def _fits(entry: Entry) -> bool:
    """Tell whether each form has the placeholders of the English.

    Of a plural, a form may leave out `n`, and what one of the English forms leaves out.
    """
    english = [_placeholders(each) for each in _forms(entry.id)]
    wanted: set[str] = set().union(*english)
    spare = {"n"} | (wanted - wanted.intersection(*english)) if entry.pluralizable else set()
    try:
        return all(wanted - spare <= _placeholders(each) <= wanted for each in _forms(entry.string))
    except ValueError:  # a brace without its other half
        return False


def _placeholders(message: str) -> set[str]:
    """Name the placeholders of a message, each with its conversion and format, if it has any.

    >>> sorted(_placeholders("{city}: {n:,} of {all!r}"))
    ['all!r:', 'city', 'n:,']
    """
    return {
        name if not (form or conversion) else f"{name}{f'!{conversion}' if conversion else ''}:{form}"
        for _, name, form, conversion in Formatter().parse(message)
        if name is not None
    }


def _compiled(catalogue: Catalog) -> GNUTranslations:
    """Hand a catalogue to gettext, which knows plurals. Fuzzy and half translated messages are left out."""
    for entry in list(catalogue):
        if entry.id and not _translated(entry):
            catalogue.delete(entry.id, entry.context)
    compiled = BytesIO()
    write_mo(compiled, catalogue)
    compiled.seek(0)
    return GNUTranslations(compiled)


def tr(message: str, /, **values: object) -> str:
    """Translate a message and fill in its placeholders.

    >>> tr("{city} cannot be reached: {reason}", city="Lyon", reason="no answer")
    'Lyon cannot be reached: no answer'
    """
    return current().messages.gettext(message).format(**values)


def thousands_apart(value: int | Decimal, locale: Locale) -> bool:
    """Tell whether a language writes the thousands of a number apart: some do from five digits on."""
    return abs(float(value)) >= _APART_FROM.get(str(locale.language), 0)


def plural(one: str, many: str, n: int, /, **values: object) -> str:
    """Translate a message in the form that the number asks for.

    `{n}` is the number as the language writes it, unless the caller gives `n` in words.

    >>> plural("{n} bike", "{n} bikes", 1), plural("{n} bike", "{n} bikes", 1234)
    ('1 bike', '1,234 bikes')
    """
    language = current()
    if "n" not in values:
        apart = thousands_apart(n, language.locale)
        values["n"] = format_decimal(n, locale=language.locale, group_separator=apart)
    return language.messages.ngettext(one, many, n).format(**values)


@dataclass(frozen=True)
class Message:
    """A message of a module's constant. Call it to have it in the viewer's language.

    It is no string, so that a checker of types finds the place where somebody shows it without a call.
    """

    words: str
    context: str = ""

    def __call__(self, **values: object) -> str:
        """Translate the message and fill in its placeholders."""
        messages = current().messages
        found = messages.pgettext(self.context, self.words) if self.context else messages.gettext(self.words)
        return found.format(**values)

    def __str__(self) -> str:
        """Translate a message without placeholders."""
        return self()


def mark(words: str, context: str = "") -> Message:
    """Mark a constant for translation. The context tells apart what English writes alike.

    >>> FROM, SINCE = mark("From", "place"), mark("From", "time")
    >>> FROM(), f"{SINCE}"
    ('From', 'From')
    """
    return Message(words, context)


@dataclass(frozen=True)
class PluralMessage:
    """A constant with a form for one and a form for several. Call it with the number."""

    one: str
    many: str

    def __call__(self, n: int, /, **values: object) -> str:
        """Translate the form that the number asks for and fill in its placeholders."""
        return plural(self.one, self.many, n, **values)


def mark_plural(one: str, many: str) -> PluralMessage:
    """Mark both forms of a constant for translation.

    >>> chance = mark_plural("Chance of a bike", "Chance of {n} bikes")
    >>> chance(1), chance(3)
    ('Chance of a bike', 'Chance of 3 bikes')
    """
    return PluralMessage(one, many)


class Words(Mapping[Key, str], Generic[Key]):
    """Words by key, each in the viewer's language whenever somebody reads it.

    >>> pages = Words({"map": mark("Map"), "trip": mark("Trip")})
    >>> pages["trip"], list(pages), list(pages.values())
    ('Trip', ['map', 'trip'], ['Map', 'Trip'])
    """

    def __init__(self, messages: Mapping[Key, Message]) -> None:
        self._messages = messages

    def __getitem__(self, key: Key) -> str:
        return self._messages[key]()

    def __iter__(self) -> Iterator[Key]:
        return iter(self._messages)

    def __len__(self) -> int:
        return len(self._messages)
