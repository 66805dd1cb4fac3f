"""The style of a made-up city's ground: a MapLibre style without anyone's glyphs, sprites or tiles.

It is pale or dark, and calm, so that the marks stand out. `benchmarks/city/draw.py` writes it, with the
ground in it, into `static/ground/`.
"""

from __future__ import annotations

import math
from typing import Any

_COLOURS: dict[str, tuple[str, str]] = {
    "background": ("#eef0ea", "#15191a"),
    "town": ("#f4f1ec", "#1b1e20"),
    "park": ("#dbe7d0", "#1d2a22"),
    "water": ("#c9dbe6", "#10222e"),
    "shore": ("#b5cad8", "#17303f"),
    "side": ("#ffffff", "#2b2f32"),
    "main": ("#fffdf6", "#3b4145"),
    "casing": ("#d9d3c8", "#111416"),
    "railway": ("#b9b4ae", "#4a4f53"),
    "sleepers": ("#f4f1ec", "#1b1e20"),
    "pier": ("#f4f1ec", "#2b2f32"),
    "offices": ("#c3c9d6", "#39465a"),
    "nightlife": ("#ecd0c4", "#54382f"),
    "campus": ("#d8cfe4", "#43395a"),
    "station": ("#d5d0c8", "#4a4640"),
    "shops": ("#ecdfc0", "#4f452e"),
}
"""In the light and in the dark."""

_METRES = {"side": 9.0, "main": 15.0, "pier": 16.0}
_FEWEST = {"side": 0.35, "main": 1.3, "pier": 1.0}
"""Least width of a line in pixels at zoom 12; a narrower one cannot be seen."""

Layer = dict[str, Any]


def style(ground: dict[str, Any], dark: bool, latitude: float) -> dict[str, Any]:
    """Make the style that draws a FeatureCollection of `ingest.city_ground` around a latitude."""
    colour = {name: pair[dark] for name, pair in _COLOURS.items()}
    layers: list[Layer] = [
        {"id": "background", "type": "background", "paint": {"background-color": colour["background"]}},
        _fill("town", colour["town"]),
        *(_glow(use, colour[use], latitude, dark) for use in _USES),
        _fill("park", colour["park"]),
        # Under the water, so that no shore is drawn where a river meets the sea.
        _line("shore", "water", colour["shore"], ["interpolate", ["linear"], ["zoom"], 11, 0.8, 16, 3.2]),
        _fill("water", colour["water"]),
        _line("pier", "pier", colour["pier"], _width(latitude, "pier")),
        {**_line("side", "side", colour["side"], _width(latitude, "side")), "minzoom": 11.5},
        _line("railway", "railway", colour["railway"], ["interpolate", ["linear"], ["zoom"], 10, 0.8, 16, 4]),
        _line(
            "sleepers", "railway", colour["sleepers"], ["interpolate", ["linear"], ["zoom"], 10, 0.4, 16, 2.4]
        ),
        _line("main-casing", "main", colour["casing"], _width(latitude, "main", 1.5)),
        _line("bridge-casing", "bridge", colour["casing"], _width(latitude, "main", 2.2)),
        _line("main", "main", colour["main"], _width(latitude, "main")),
        _line("bridge", "bridge", colour["main"], _width(latitude, "main", 1.15)),
    ]
    for layer in layers:
        if layer["id"] == "sleepers":
            layer["paint"]["line-dasharray"] = [4, 4]
            layer["layout"]["line-cap"] = "butt"
        elif layer["id"].startswith("bridge"):
            layer["layout"]["line-cap"] = "butt"
    return {
        "version": 8,
        "name": "Dockcast, made-up ground",
        "sources": {"city": {"type": "geojson", "data": ground, "tolerance": 0.2}},
        "layers": layers,
    }


_USES = ("offices", "nightlife", "campus", "station", "shops")


def _fill(kind: str, colour: str) -> Layer:
    return {
        "id": kind,
        "type": "fill",
        "source": "city",
        "filter": ["==", ["get", "kind"], kind],
        "paint": {"fill-color": colour, "fill-antialias": True},
    }


def _line(name: str, kind: str, colour: str, width: list[Any]) -> Layer:
    return {
        "id": name,
        "type": "line",
        "source": "city",
        "filter": ["==", ["get", "kind"], kind],
        "layout": {"line-cap": "round", "line-join": "round"},
        "paint": {"line-color": colour, "line-width": width},
    }


def _glow(use: str, colour: str, latitude: float, dark: bool) -> Layer:
    """Tint a district softly, without an edge."""
    at_20 = 1 / _metres_per_pixel(latitude, 20)
    radius = ["interpolate", ["exponential", 2], ["zoom"], 0, 0, 20, ["*", ["get", "metres"], at_20]]
    return {
        "id": use,
        "type": "circle",
        "source": "city",
        "filter": ["all", ["==", ["get", "kind"], "district"], ["==", ["get", "use"], use]],
        "paint": {
            "circle-color": colour,
            "circle-blur": 1,
            "circle-opacity": 0.55 if dark else 0.6,
            "circle-pitch-alignment": "map",
            "circle-radius": radius,
        },
    }


def _metres_per_pixel(latitude: float, zoom: float) -> float:
    return 40_075_017 * math.cos(math.radians(latitude)) / 512 / 2**zoom


def _width(latitude: float, kind: str, more: float = 1.0) -> list[Any]:
    """Give a street its true width from zoom 15 on, and enough to be seen before.

    `more` than one makes its edge: it widens a thin street by that factor, a wide one by as many pixels.
    """
    near = {zoom: _METRES[kind] / _metres_per_pixel(latitude, zoom) for zoom in (15, 18, 22)}
    edge = 0.0 if more == 1.0 else 1.6 * more
    stops: list[float] = [10, 0.5 * _FEWEST[kind] * more, 12, _FEWEST[kind] * more]
    for zoom, pixels in near.items():
        stops += [zoom, round(pixels + edge, 2)]
    return ["interpolate", ["exponential", 1.6], ["zoom"], *stops]
