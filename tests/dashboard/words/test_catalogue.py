"""Messages in another language: a made-up one with three plural forms."""

from __future__ import annotations

import asyncio
import logging
import shlex
from pathlib import Path

import pytest
from babel.messages.frontend import CommandLineInterface

from dashboard.words.catalogue import Language, Words, load, mark, plural, speaking, tr

ROOT = Path(__file__).resolve().parents[3]

HEADER = r"""
msgid ""
msgstr ""
"Content-Type: text/plain; charset=utf-8\n"
"Plural-Forms: nplurals=3; plural=(n==1 ? 0 : n%10>=2 && n%10<=4 && (n%100<12 || n%100>14) ? 1 : 2);\n"
"""

MESSAGES = """
msgid "Map"
msgstr "Mapu"

msgid "{city} cannot be reached: {reason}"
msgstr "{reason}! Neni {city}"

msgid "{n} bike"
msgid_plural "{n} bikes"
msgstr[0] "jedo kolo"
msgstr[1] "{n} kola"
msgstr[2] "{n} kolu"

msgctxt "place"
msgid "From"
msgstr "Otkud"

msgctxt "time"
msgid "From"
msgstr "Otdoby"

msgid "Not translated"
msgstr ""

#, fuzzy
msgid "Guessed"
msgstr "Hadano"

msgid "{n} space"
msgid_plural "{n} spaces"
msgstr[0] "{n} misto"
msgstr[1] ""
msgstr[2] ""
"""


def made_up(folder: Path, messages: str = MESSAGES) -> Language:
    """Write a catalogue and read it. It goes by a language that writes numbers as English does not."""
    file = folder / "pl" / "LC_MESSAGES" / "dockcast.po"
    file.parent.mkdir(parents=True)
    file.write_text(HEADER + messages, encoding="utf-8")
    return load("pl", folder)


@pytest.fixture
def language(tmp_path: Path) -> Language:
    return made_up(tmp_path)


def test_a_message_has_the_words_and_the_order_of_the_language(language: Language) -> None:
    with speaking(language):
        assert tr("Map") == "Mapu"
        assert tr("{city} cannot be reached: {reason}", city="Lyon", reason="nic") == "nic! Neni Lyon"
    assert tr("Map") == "Map"


@pytest.mark.parametrize(
    ("n", "words"),
    [
        (1, "jedo kolo"),
        (3, "3 kola"),
        (5, "5 kolu"),
        (12, "12 kolu"),
        (22, "22 kola"),
        (12345, "12\xa0345 kolu"),
    ],
)
def test_a_plural_has_the_forms_and_the_numbers_of_the_language(
    language: Language, n: int, words: str
) -> None:
    with speaking(language):
        assert plural("{n} bike", "{n} bikes", n) == words


@pytest.mark.parametrize("words", ["Not translated", "Guessed", "Not in the catalogue"])
def test_an_untranslated_message_is_english(language: Language, words: str) -> None:
    with speaking(language):
        assert tr(words) == words


def test_a_plural_that_lacks_a_form_is_english(language: Language) -> None:
    with speaking(language):
        assert [plural("{n} space", "{n} spaces", n) for n in (1, 2)] == ["1 space", "2 spaces"]


def test_a_constant_is_translated_when_it_is_used(language: Language) -> None:
    start, since, table = mark("From", "place"), mark("From", "time"), Words({"map": mark("Map")})
    with speaking(language):
        assert [start(), since(), f"{start}"] == ["Otkud", "Otdoby", "Otkud"]
        assert {**table} == {"map": "Mapu"}
    assert [start(), since(), table["map"], table.get("trip")] == ["From", "From", "Map", None]


@pytest.mark.parametrize(
    "wrong",
    [
        "bez mista",
        "{mesto} {n}",
        "{city.__class__} {n}",
        "{city} {n:.9999}",
        "{city!r} {n}",
        "{city {n}",
        "{} {n}",
    ],
)
def test_wrong_placeholders_are_english_and_logged_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, wrong: str
) -> None:
    language = made_up(tmp_path, f'msgid "{{city}}: {{n}}"\nmsgstr "{wrong}"\n\nmsgid "Map"\nmsgstr "Mapu"\n')
    with speaking(language):
        assert [tr("{city}: {n}", city="Lyon", n=1) for _ in range(2)] == ["Lyon: 1"] * 2
        assert tr("Map") == "Mapu"
    assert [record.levelno for record in caplog.records] == [logging.WARNING]
    assert load("pl", tmp_path) is language
    assert len(caplog.records) == 1


def test_a_plural_form_without_its_other_placeholders_is_english(tmp_path: Path) -> None:
    forms = '\nmsgstr[0] "{n}"\nmsgstr[1] "{n} {city}"\nmsgstr[2] "{n} {city}"\n'
    language = made_up(tmp_path, f'msgid "{{n}} in {{city}}"\nmsgid_plural "{{n}} all in {{city}}"{forms}')
    with speaking(language):
        assert plural("{n} in {city}", "{n} all in {city}", 2, city="Lyon") == "2 all in Lyon"


def test_a_plural_form_may_leave_out_what_the_english_one_does(tmp_path: Path) -> None:
    forms = '\nmsgstr[0] "{first}"\nmsgstr[1] "{n}: {first}, {last}"\nmsgstr[2] "{n}: {first}, {last}"\n'
    language = made_up(tmp_path, f'msgid "{{n}}, {{first}}"\nmsgid_plural "{{n}}, {{first}}–{{last}}"{forms}')
    with speaking(language):
        assert plural("{n}, {first}", "{n}, {first}–{last}", 1, first="a", last="b") == "a"


def test_values_are_not_read_as_placeholders(language: Language) -> None:
    with speaking(language):
        words = tr("{city} cannot be reached: {reason}", city="{reason}", reason="{0}")
    assert words == "{0}! Neni {reason}"


def test_the_language_of_one_viewer_does_not_reach_another(language: Language) -> None:
    seen: dict[str, list[str]] = {"theirs": [], "ours": []}

    async def read(name: str) -> None:
        for _ in range(3):
            seen[name].append(tr("Map"))
            await asyncio.sleep(0)

    async def foreign() -> None:
        with speaking(language):
            await read("theirs")

    async def both() -> None:
        await asyncio.gather(foreign(), read("ours"))

    asyncio.run(both())
    assert seen == {"theirs": ["Mapu"] * 3, "ours": ["Map"] * 3}


def test_a_language_without_a_catalogue_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        load("pl", tmp_path)


def test_the_english_catalogue_is_up_to_date(tmp_path: Path) -> None:
    """Runs what `make words` runs, and compares."""
    recipe = (ROOT / "Makefile").read_text(encoding="utf-8").replace("\\\n", " ")
    command = next(shlex.split(line) for line in recipe.splitlines() if "pybabel" in line)[1:]
    kept, made = ROOT / command[command.index("--output") + 1], tmp_path / "dockcast.pot"
    command[command.index("--output") + 1] = str(made)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(ROOT)
        CommandLineInterface().run(["pybabel", *command])  # type: ignore[no-untyped-call]
    assert kept.read_text(encoding="utf-8") == made.read_text(encoding="utf-8"), (
        "a message changed: run `make words` and commit dashboard/words/dockcast.pot"
    )
