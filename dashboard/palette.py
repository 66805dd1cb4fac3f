"""Every colour with a meaning: the five steps of chance, unknown, edges, ink and grounds.

The steps go from blue to orange by way of sand. People who lack one kind of cone can tell each step from
every other, and nothing relies on red against green without words beside it. Sand would vanish on a pale
ground, deep blue on a dark one: so a mark has an edge of the other brightness. A test measures all of this.
"""

from __future__ import annotations

STEPS = ("#1667c0", "#6fb3ee", "#f1e3ab", "#f29a3c", "#b0440c")
"""Fill of the five steps of chance, best first."""

UNKNOWN = "#98a0aa"
"""Fill where nothing is forecast."""

GROUND = {False: "#f4f4f4", True: "#22211f"}
"""The ground behind the marks, by whether the page is dark. Streets have about the same brightness."""

EDGE = {False: "#475467", True: "#c9d1dc"}
"""The line around a mark, by whether the page is dark."""

RING = {False: "#101828", True: "#ffffff"}
"""The line around the chosen station and the viewer's own place, by whether the page is dark."""

HERE = "#8a3ffc"
"""The viewer's own place."""

MODELS = {
    False: {"pool": "#1667c0", "naive": "#667085", "climatology": "#b0440c", "chain": "#7a35d8",
            "seed": "#0f7b6c", "spread": "#9a6b00", "more": "#c2347e", "fewer": "#4a6fa5",
            "pull": "#5b7f00", "learnt": "#101828", "own": "#b3261e"},
    True: {"pool": "#6fb3ee", "naive": "#a9b1bd", "climatology": "#f29a3c", "chain": "#c3a1ff",
           "seed": "#4fd1b8", "spread": "#e6c229", "more": "#ff8fc7", "fewer": "#9fb8dd",
           "pull": "#b6d957", "learnt": "#ffffff", "own": "#ff9d94"},
}  # fmt: skip
"""The line of each model, by whether the page is dark."""

LIGHT_INK, DARK_INK = "#ffffff", "#101828"
"""The two colours of a number written on a mark."""


def rgb(colour: str) -> list[int]:
    """Split a colour into red, green and blue for deck.gl.

    >>> rgb("#1667c0")
    [22, 103, 192]
    """
    return [*bytes.fromhex(colour[1:])]


def luminance(colour: str) -> float:
    """Give the luminance of a colour, 0 to 1, as WCAG 2.2 defines it.

    >>> luminance("#ffffff"), luminance("#000000")
    (1.0, 0.0)
    """
    srgb = [value / 255 for value in rgb(colour)]
    red, green, blue = (v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4 for v in srgb)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    """Give the contrast of two colours, 1 to 21, as WCAG 2.2 defines it.

    >>> round(contrast("#ffffff", "#000000"), 1)
    21.0
    """
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def ink(fill: str) -> str:
    """Choose the colour of a number written on a mark: the more legible one.

    >>> ink("#1667c0"), ink("#f1e3ab")
    ('#ffffff', '#101828')
    """
    return max((LIGHT_INK, DARK_INK), key=lambda candidate: contrast(candidate, fill))
