"""Which languages there are, and which of them somebody gets who asks for several, or for another.

A language is one file, so this list is that of the folders. A reader of a language near one of ours gets that
one: Bokmål for Nynorsk, the Portuguese of Brazil for that of Portugal.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path

from babel.core import Locale

from dashboard.words import catalogue
from dashboard.words.catalogue import ENGLISH, Language, code, load

COOKIE = "dockcast-language"
"""Where a browser keeps the choice of its viewer. The server has to know it with the first request."""

_NEAR = {"no": "nb", "nn": "nb"}
"""Languages that go by another code here, or whose readers understand that one."""

_MOST = 200
"""Letters that are read of what a browser asks for; a long list of languages has some 60."""


def own_name(locale: Locale) -> str:
    """Name a language as its speakers do.

    >>> [own_name(Locale.parse(name)) for name in ("fr", "pt_BR", "ja")]
    ['Français', 'Português (Brasil)', '日本語']
    """
    name = locale.display_name or code(locale)
    return name[:1].upper() + name[1:]


@lru_cache(maxsize=8)
def offered(folder: Path) -> dict[str, Locale]:
    """Give the languages of a folder's catalogues, and English: by code, in the order of their own names."""
    names = [path.parents[1].name for path in folder.glob("*/LC_MESSAGES/dockcast.po")]
    locales = [ENGLISH.locale, *map(Locale.parse, sorted(names))]
    return {code(locale): locale for locale in sorted(locales, key=own_name)}


def match(wanted: str) -> str:
    """Give the code of the offered language that comes nearest to one; "" where none is near.

    >>> match("en-GB"), match("EN_us"), match("tlh"), match("../en")
    ('en', 'en', '', '')
    """
    return _match(wanted[:_MOST], catalogue.FOLDER)


@lru_cache(maxsize=256)
def _match(wanted: str, folder: Path) -> str:
    asked = wanted.replace("_", "-").lower()
    spoken = asked.partition("-")[0]
    spoken = _NEAR.get(spoken, spoken)
    by_code = {each.lower(): each for each in offered(folder)}
    alike = [known for lower, known in by_code.items() if lower.partition("-")[0] == spoken]
    return by_code.get(asked) or by_code.get(spoken) or next(iter(alike), "")


def accepted(header: str) -> list[str]:
    """Read the languages of an `Accept-Language` header, the best first.

    >>> accepted("fr-CA, en;q=0.5, de;q=0.9"), accepted("it;q=0, *"), accepted("")
    (['fr-CA', 'de', 'en'], [], [])
    """
    weighed: list[tuple[float, str]] = []
    for part in header[:_MOST].split(","):
        name, *more = (piece.strip() for piece in part.split(";"))
        weight = 1.0
        for piece in more:
            key, _, number = piece.partition("=")
            try:
                weight = float(number) if key.strip() == "q" else weight
            except ValueError:
                weight = 0.0
        if name not in ("", "*") and weight > 0:
            weighed.append((weight, name))
    return [name for _, name in sorted(weighed, key=lambda each: -each[0])]


def best(wanted: Iterable[str | None]) -> Language:
    """Give the first language of a list that is offered or near to one that is; English where none is.

    >>> best(["tlh", None, "", "en-GB"]).code
    'en'
    """
    return speak(next((found for each in wanted if each and (found := match(each))), ENGLISH.code))


def speak(code: str) -> Language:
    """Give an offered language by its code."""
    return ENGLISH if code == ENGLISH.code else load(code.replace("-", "_"), catalogue.FOLDER)


def chosen(address: str | None, kept: str | None, browser: Iterable[str | None]) -> Language:
    """Choose a viewer's language: of the address, else the kept choice, else what the browser asks for."""
    return best([address, kept, *browser])
