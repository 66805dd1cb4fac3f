"""What lies under the marks: streets from somebody's server, a made-up city's own, or plain ground.

Streets are drawn by the viewer's browser, so only that knows whether they can be had. Where they cannot, the
plain ground is what is left, and the marks are drawn all the same.
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
"""By whether the page is dark: few colours, so that those of the marks stay the loudest."""

SIMULATED = "simulated"
"""The label of a made-up city, which lies on no street."""


@lru_cache(maxsize=1)
def setting() -> str:
    """Give what the operator has chosen: `streets`, `plain`, or the address of a style."""
    return Settings.read().map_style


@lru_cache(maxsize=1)
def _drawn() -> frozenset[str]:
    """Name the styles of our own, which draw the ground of made-up cities."""
    return frozenset(path.name for path in (Path(__file__).parents[1] / "static" / "ground").glob("*.json"))


def style(dark: bool, label: str, system_id: str = "") -> str | None:
    """Choose the address of the style to draw under a system's marks; None for plain ground.

    A made-up city lies on its own ground where that was drawn. The address is relative: pages lie beside each
    other, and where the app has a path before them, it stays.
    """
    chosen = setting()
    if chosen == "plain":
        return None
    if label == SIMULATED:
        name = f"{system_id}-{'dark' if dark else 'light'}.json"
        return f"app/static/ground/{name}" if name in _drawn() else None
    return _STREETS[dark] if chosen == "streets" else chosen


def credit(label: str) -> str:
    """Name those whose streets these are, where any may be seen; "" on plain ground."""
    if label == SIMULATED or style(False, label) is None:
        return ""
    return (
        shell_words.STREETS_BY()
        if setting() == "streets"
        else shell_words.map_by(urlsplit(setting()).hostname or "")
    )
