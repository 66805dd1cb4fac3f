"""How Vega writes numbers, weekdays and months on axes and in tips: as the viewer's language does.

Vega knows one language at a time, English without more. Here each chart says its own, from the Unicode locale
data that the words of the pages use too. English charts carry nothing.
"""

from __future__ import annotations

import re
from typing import Any

import altair as alt
from babel.core import Locale
from babel.numbers import format_percent

from dashboard.words import formats
from dashboard.words.catalogue import ENGLISH, current

_D3 = {
    "HH": "%H", "H": "%-H", "mm": "%M", "EEE": "%a", "E": "%a", "ccc": "%a", "dd": "%d", "d": "%-d",
    "MMM": "%b", "LLL": "%b", "MM": "%m", "M": "%-m",
}  # fmt: skip
_PART = re.compile(r"'([^']*)'|([A-Za-z])\2*")

DAY = "%a %d %b"
"""How English charts write a day."""


def pattern(unicode: str) -> str:
    """Write a pattern of the Unicode locale data, such as that of a time, as Vega does.

    >>> pattern("HH:mm"), pattern("E, d 'de' MMM"), pattern("M月d日(E)")
    ('%H:%M', '%a, %-d de %b', '%-m月%-d日(%a)')
    """
    return _PART.sub(lambda found: found[1] if found[1] is not None else _D3[found[0]], unicode)


def clock() -> str:
    """Give Vega's pattern of a time of day."""
    return pattern(formats.clock_pattern())


def day() -> str:
    """Give Vega's pattern of a weekday with its date."""
    language = current()
    if language is ENGLISH:
        return DAY
    return pattern(str(language.locale.datetime_skeletons["MMMEd"]))


def moment() -> str:
    """Give Vega's pattern of a time of day with its weekday and date."""
    return f"{day()} {clock()}"


def spoken(chart: Any, *, times: bool = False) -> Any:
    """Have a chart write numbers as the viewer's language does, and with `times` its days too.

    Vega names axes and marks for screen readers in English alone, by the names of columns. In other languages
    it names none: the chart has its own description, and the numbers stand beside it.
    """
    language = current()
    if language is ENGLISH:
        return chart
    if chart.config is alt.Undefined:
        chart.config = alt.Config()
    found = {"number": _numbers(language.locale)} | ({"time": _times(language.locale)} if times else {})
    chart.config.locale = alt.Locale.from_dict(found)
    chart.config.aria = False
    return chart


def _numbers(locale: Locale) -> dict[str, Any]:
    signs = locale.number_symbols["latn"]
    return {
        "decimal": signs["decimal"], "thousands": signs["group"], "grouping": [3], "currency": ["", ""],
        "percent": format_percent(0, locale=locale).lstrip("0"), "minus": signs["minusSign"],
    }  # fmt: skip


def _times(locale: Locale) -> dict[str, Any]:
    days, months = locale.days["format"], locale.months["format"]
    sunday_first = (6, 0, 1, 2, 3, 4, 5)
    return {
        "dateTime": moment(), "date": day(), "time": clock(), "periods": ["AM", "PM"],
        "days": [days["wide"][n] for n in sunday_first],
        "shortDays": [days["abbreviated"][n] for n in sunday_first],
        "months": [months["wide"][n] for n in range(1, 13)],
        "shortMonths": [months["abbreviated"][n] for n in range(1, 13)],
    }  # fmt: skip
