"""Makes texts of strangers fit to be shown: decoded, short, and without characters that nobody sees."""

from __future__ import annotations

import html
import re
import unicodedata
from urllib.parse import unquote_plus


def readable(text: str, most: int) -> str:
    """Read a text for people, of at most `most` characters, whatever it was encoded in on its way.

    Operators write "Bl%c3%a9riot", "Caf&eacute;", or UTF-8 that somebody read as Latin-1: "CafÃ©". A text of
    20 MB is cut before anything decodes it.

    >>> readable("Caf&eacute; des Fr&#232;res", 120), readable("CafÃ© &amp; Bar", 120)
    ('Café des Frères', 'Café & Bar')
    """
    text = text[: _LONGEST_CHARACTER * most]
    if " " not in text and _ESCAPED.search(text):  # Calais: 10+%3a+Camping+de+Bl%c3%a9riot
        text = unquote_plus(text)
    for _ in range(2):  # some encode what is encoded already: Caf&amp;eacute;
        if "&" in text:
            text = _ENTITY.sub(lambda found: html.unescape(found[0]), text)
    if not text.isascii():
        import ftfy  # most texts do not need it

        text = ftfy.fix_encoding(text)
    return clean(text, most)


_LONGEST_CHARACTER = 16
"""Characters that one may take when encoded, as `&amp;eacute;` does."""
_ENTITY = re.compile("&(?:#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});")
"""With its semicolon only: "Bar&regents" is no "Bar®ents"."""
_ESCAPED = re.compile("%[0-9a-fA-F]{2}")
_UNSEEN = re.compile(
    r"[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff0-\uffff\ud800-\udfff]"
)


def without_accents(text: str) -> str:
    """Take the accents off letters.

    >>> without_accents("Vélib' in Łódź")
    "Velib' in Łodz"
    """
    apart = unicodedata.normalize("NFKD", text)
    return "".join(each for each in apart if not unicodedata.combining(each))


def clean(text: str, most: int) -> str:
    """Take out characters that nobody sees but that may do harm: control characters, marks of direction.

    A text of 20 MB is cut before anything else is done to it.
    """
    text = text[: 4 * most]
    if not text.isascii() or not text.isprintable():
        text = _UNSEEN.sub(" ", text)
    text = text.strip()
    if "  " in text:
        text = " ".join(text.split())
    return text if len(text) <= most else text[: most - 1] + "…"
