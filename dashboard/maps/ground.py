"""The ground under the marks: streets from a map server, a made-up city's own, or plain ground.

The viewer's browser draws the streets, so only it knows whether the map server answers. Where it does not,
the ground is plain and the marks are there all the same.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from urllib.parse import urlsplit

from dashboard.words import shell as shell_words
from ingest.settings import Settings

_STREETS = {
    False: "https://basemaps.cartocdn.com/gl/positron-gl-style/style.json",
    True: "https://basemaps.cartocdn.com/gl/dark-matter-gl-style/style.json",
}
"""By whether the page is dark. Both have few colours, so that the marks stand out."""

SIMULATED = "simulated"
"""The label of a made-up city, which lies on no street."""


@lru_cache(maxsize=1)
def setting() -> str:
    """Give the operator's setting: `streets`, `plain`, or the address of a style."""
    return Settings.read().map_style


@lru_cache(maxsize=1)
def _drawn() -> frozenset[str]:
    """List our own styles, which draw the ground of made-up cities."""
    return frozenset(path.name for path in (Path(__file__).parents[1] / "static" / "ground").glob("*.json"))


def style(dark: bool, label: str, system_id: str = "") -> str | None:
    """Choose the address of the style to draw under a system's marks; None for plain ground.

    A made-up city has its own ground where one was drawn. The address is relative: pages lie beside each
    other, and a path before them stays.
    """
    chosen = setting()
    if chosen == "plain":
        return None
    if label == SIMULATED:
        name = f"{system_id}-{'dark' if dark else 'light'}.json"
        return f"app/static/ground/{name}" if name in _drawn() else None
    return _STREETS[dark] if chosen == "streets" else chosen


def credit(label: str) -> str:
    """Name the makers of the streets; "" on plain ground."""
    if label == SIMULATED or style(False, label) is None:
        return ""
    return (
        shell_words.STREETS_BY()
        if setting() == "streets"
        else shell_words.map_by(urlsplit(setting()).hostname or "")
    )
