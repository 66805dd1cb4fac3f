"""Places on the earth: how far they are from each other."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from model import kernels
from model.arrays import Floats, Ints

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


def nearest(lat: Floats, lon: Floats, count: int) -> Ints:
    """Give the rows of the `count` other places nearest to each, `(S, count)`.

    -1 stands where there are too few, and all along where a place is not a number.

    >>> nearest(np.array([0.0, np.nan, 1.0, 1.1]), np.zeros(4), 2).tolist()
    [[2, 3], [-1, -1], [3, 0], [2, 0]]
    """
    points = points_in_space(lat, lon)
    order = np.argsort(points[:, 2])
    order = order[np.isfinite(points[order]).all(axis=1)]
    found = kernels.nearest_in_order(np.ascontiguousarray(points[order]), count)
    near: Ints = np.full((len(lat), count), -1)
    near[order] = np.where(found >= 0, order[found], -1) if len(order) else found
    return near
