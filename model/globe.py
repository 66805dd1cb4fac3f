"""Places on the earth: how far they are from each other."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from model.arrays import Floats

EARTH_KM = 6371.0


def kilometres(point: tuple[ArrayLike, ArrayLike], others: tuple[ArrayLike, ArrayLike]) -> Floats:
    """Give the distance as the crow flies between points, by the haversine formula.

    Points are latitudes and longitudes in degrees, whose shapes broadcast. A place that is not a number is as
    far from any other.
    """
    lat, lon, other_lat, other_lon = (np.radians(degrees) for degrees in (*point, *others))
    chord = (
        np.sin((other_lat - lat) / 2) ** 2
        + np.cos(lat) * np.cos(other_lat) * np.sin((other_lon - lon) / 2) ** 2
    )
    return np.asarray(2 * EARTH_KM * np.arcsin(np.sqrt(np.minimum(chord, 1))))


def points_in_space(lat: Floats, lon: Floats) -> Floats:
    """Give places as points, in kilometres from the earth's centre, `(S, 3)`: these have a middle."""
    north, east = np.radians(lat), np.radians(lon)
    flat = np.cos(north)
    return EARTH_KM * np.stack([flat * np.cos(east), flat * np.sin(east), np.sin(north)], axis=1)
