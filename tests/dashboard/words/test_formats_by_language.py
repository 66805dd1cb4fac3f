"""Numbers, times and plurals of every language, by table: what CLDR says, in the words of its catalogue."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pandas as pd
import pytest

from dashboard.charts import locale
from dashboard.screens.accuracy.tables import written
from dashboard.words import formats
from dashboard.words.accuracy import since_when
from dashboard.words.catalogue import load, speaking

NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
TOMORROW = NOW + timedelta(hours=20, minutes=5)
NB, NARROW = "\xa0", "\u202f"

BIKES = {
    "fr": ["0 vélo", "1 vélo", "2 vélos", "5 vélos", "21 vélos"],
    "es": ["0 bicis", "1 bici", "2 bicis", "5 bicis", "21 bicis"],
    "de": ["0 Räder", "1 Rad", "2 Räder", "5 Räder", "21 Räder"],
    "it": ["0 bici", "1 bici", "2 bici", "5 bici", "21 bici"],
    "pt_BR": ["0 bike", "1 bike", "2 bikes", "5 bikes", "21 bikes"],
    "nl": ["0 fietsen", "1 fiets", "2 fietsen", "5 fietsen", "21 fietsen"],
    "nb": ["0 sykler", "1 sykkel", "2 sykler", "5 sykler", "21 sykler"],
    "ja": ["自転車0台", "自転車1台", "自転車2台", "自転車5台", "自転車21台"],
}

TABLE = {
    # eight in the morning tomorrow, a weekday, a share, 1,234 and 12,345.6, 2.08 bikes off
    "fr": ("demain à 08:05", "lundi", f"97{NB}%", f"1{NARROW}234", f"12{NARROW}345,6", "2,08"),
    "es": ("mañana a las 08:05", "lunes", f"97{NB}%", "1234", "12.345,6", "2,08"),
    "de": ("morgen um 08:05", "Montag", f"97{NB}%", "1.234", "12.345,6", "2,08"),
    "it": ("domani alle 08:05", "lunedì", "97%", "1234", "12.345,6", "2,08"),
    "pt_BR": ("amanhã às 08:05", "segunda-feira", "97%", "1.234", "12.345,6", "2,08"),
    "nl": ("morgen om 08:05", "maandag", "97%", "1.234", "12.345,6", "2,08"),
    "nb": ("i morgen kl. 08:05", "mandag", f"97{NB}%", f"1{NB}234", f"12{NB}345,6", "2,08"),
    "ja": ("明日 08:05", "月曜日", "97%", "1,234", "12,345.6", "2.08"),
}

AXES = {
    "fr": ("%a %-d %b", "lun.", "mars", ",", NARROW, f"{NB}%"),
    "es": ("%a, %-d %b", "lun", "mar", ",", ".", f"{NB}%"),
    "de": ("%a, %-d. %b", "Mo.", "März", ",", ".", f"{NB}%"),
    "it": ("%a %-d %b", "lun", "mar", ",", ".", "%"),
    "pt_BR": ("%a, %-d de %b", "seg.", "mar.", ",", ".", "%"),
    "nl": ("%a %-d %b", "ma", "mrt", ",", ".", "%"),
    "nb": ("%a %-d. %b", "man.", "mars", ",", NB, f"{NB}%"),
    "ja": ("%-m月%-d日(%a)", "月", "3月", ".", ",", "%"),
}


@pytest.mark.parametrize("name", BIKES)
def test_bikes_have_the_plural_of_their_number(name: str) -> None:
    with speaking(load(name)):
        assert [formats.things(n, "bike") for n in (0, 1, 2, 5, 21)] == BIKES[name]


@pytest.mark.parametrize("name", TABLE)
def test_times_numbers_and_shares_are_those_of_the_language(name: str) -> None:
    tomorrow, weekday, share, four, five, off = TABLE[name]
    with speaking(load(name)):
        assert formats.named(TOMORROW, NOW, UTC).replace(" 08", f"{NB}08") == tomorrow.replace(
            " 08", f"{NB}08"
        )
        assert formats.weekday(NOW, UTC) == weekday
        assert formats.share(0.97) == share
        assert (formats.number(1234), formats.number(12345.6, 1), formats.number(2.079, 2)) == (
            four,
            five,
            off,
        )
        assert four in since_when("08:05", 1234.0)


@pytest.mark.parametrize("name", AXES)
def test_axes_and_tables_write_as_the_sentences_do(name: str) -> None:
    day, monday, march, decimal, thousands, per_cent = AXES[name]
    with speaking(load(name)):
        number, time = locale._numbers(load(name).locale), locale._times(load(name).locale)
        assert locale.day() == day
        assert (time["shortDays"][1], time["shortMonths"][2]) == (monday, march)
        assert (number["decimal"], number["thousands"], number["percent"]) == (decimal, thousands, per_cent)
        table = written(pd.DataFrame({"a": [12345.678, float("nan")], "b": [0.805, 0.5]}), {"a": 2}, "b")
        assert f"12{thousands}345{decimal}68" in table.to_html()
        assert f"80{decimal}5{per_cent}" in table.to_html()
