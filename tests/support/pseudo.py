"""Makes languages that nobody speaks, to see whether pages hold words that are longer, or of another script.

They go by the codes of languages that the app has no catalogue of, and are never shipped.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path

from babel.messages.pofile import read_po, write_po

from dashboard.words import catalogue

ENGLISH = Path(catalogue.__file__).parent / "dockcast.pot"
PATTERNS = {"HH:mm", "EEE", "dd MMM yyyy", "%d min"}
"""Messages that are no words: patterns of dates, and of Streamlit's slider."""

LONGER = 1.4
_FILL = "ëlengthénînmàåndør"
_GLYPHS = "自転車台空港駅今時間予測満車率確認"

_PLACEHOLDER = re.compile(r"(\{[^}]*\})")


def made(folder: Path, code: str, write: Callable[[str], str]) -> None:
    """Write the catalogue of a language, each message with a function of the English one."""
    with ENGLISH.open("rb") as file:
        messages = read_po(file, locale="en")
    messages.locale = code
    for entry in messages:
        if not entry.id:
            continue
        if isinstance(entry.id, str):
            entry.string = entry.id if entry.id in PATTERNS else write(entry.id)
        else:
            one, *others = [write(form) for form in entry.id]
            entry.string = (one, *others * (messages.num_plurals - 1))[: messages.num_plurals]
    added = folder / code / "LC_MESSAGES" / "dockcast.po"
    added.parent.mkdir(parents=True)
    with added.open("wb") as out:
        write_po(out, messages)


def forms(string: str | Sequence[str] | None) -> Sequence[str]:
    """List the forms of a translation, one or several."""
    return [string or ""] if string is None or isinstance(string, str) else string


def parts(message: str, write: Callable[[str], str]) -> str:
    """Write what lies between the placeholders of a message with a function."""
    found = _PLACEHOLDER.split(message)
    return "".join(part if part.startswith("{") else write(part) for part in found)


def shouted(message: str) -> str:
    """Write a message in capital letters.

    >>> shouted("{n} bikes at {time}")
    '{n} BIKES AT {time}'
    """
    return parts(message, str.upper)


def longer(message: str) -> str:
    """Make a message longer by two fifths of its letters, within its last words."""
    letters = len(_PLACEHOLDER.sub("", message))
    more = max(round((LONGER - 1) * letters), 1)
    words = " ".join([_FILL] * (more // len(_FILL) + 1))[:more].rstrip()
    text, end = (message[:-1], message[-1]) if message[-1:] in ".:?!" else (message, "")
    return f"{text}{words if len(words) < 6 else ' ' + words[1:]}{end}"


def glyphs(message: str) -> str:
    """Write each two letters of a message as a Japanese one, without spaces, as Japanese does."""

    def write(part: str) -> str:
        words = re.sub(r"[^\W\d_]+", lambda word: _drawn(len(word[0])), part)
        return re.sub(r"(?<=\w) (?=\w)", "", words)

    return parts(message, write)


def _drawn(letters: int) -> str:
    many = max((letters + 1) // 2, 1)
    return (_GLYPHS * (many // len(_GLYPHS) + 1))[letters % 5 :][:many]
