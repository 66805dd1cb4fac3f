"""What colours mean: the legends of maps and the keys of charts, with the style rules that colour them."""

from __future__ import annotations

from collections.abc import Mapping

from markupsafe import Markup

from dashboard import palette
from dashboard.components.html import style, tag
from dashboard.words import accuracy as accuracy_words
from dashboard.words import shell as shell_words


def marks(credit: str) -> Markup:
    """Explain the marks of a map, and name the makers of its ground where `credit` does."""
    steps = [
        tag("li", f"{word} ", tag("small", shell_words.bounds(index)))
        for index, word in shell_words.STEPS.items()
    ]
    others = (
        shell_words.NO_FORECAST(),
        shell_words.LEGEND_CLOSED(),
        shell_words.LEGEND_FADED(),
        shell_words.LEGEND_SIZE(),
    )
    makers = tag("p", credit, cls="small") if credit else ""
    return _legend(*steps, *(tag("li", word) for word in others), makers=makers)


def skill() -> Markup:
    """Explain the colours of the skill map."""
    return _legend(*(tag("li", word) for word in accuracy_words.SKILL_STEPS.values()))


def _legend(*items: Markup, makers: str = "") -> Markup:
    return tag("div", tag("ul", *items), makers, cls="legend", role="group", aria_label=shell_words.LEGEND())


def chart_key(colours: Mapping[str, str]) -> Markup:
    """Write the key of a chart, colours by name, as a list that wraps. Vega's own does not."""
    items = (tag("li", tag("i", style=f"background:{colour}"), name) for name, colour in colours.items())
    return tag("ul", *items, cls="colours", aria_label=shell_words.LEGEND())


def colour_steps() -> None:
    """Give the legends' items and the words for a chance their colours."""
    fills = enumerate((*palette.STEPS, palette.UNKNOWN), 1)
    rules = [f".legend li:nth-child({place})::before{{background:{fill}}}" for place, fill in fills]
    rules += [f".step{step}::before{{background:{fill}}}" for step, fill in enumerate(palette.STEPS)]
    style("".join(rules))
