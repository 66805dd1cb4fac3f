"""The plan of a made-up city: where its water, parks and districts lie, and which way its streets run.

Positions are metres east and north of the middle of town. The last step puts them on the globe, in the open
sea, where a made-up street contradicts no real one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from model.arrays import Bools, Floats

METRES_PER_DEGREE = 111_195.0

_MOST_STEPS = 24
"""Most straight pieces between two corners of a curve: people see those far from town from afar only."""

USES = ("homes", "offices", "station", "campus", "nightlife", "shops", "leisure")
"""The uses of a place; riders go from one use to another."""


@dataclass(frozen=True)
class District:
    """A part of town with one use: `strength` at its middle `(x, y)`, fading over `radius` metres."""

    use: str
    x: float
    y: float
    radius: float
    strength: float = 1.0


@dataclass(frozen=True)
class StreetDirection:
    """The direction of streets near `(x, y)`: `degrees` from east, or None for rings around it."""

    x: float
    y: float
    reach: float
    degrees: float | None


@dataclass(frozen=True)
class River:
    """A stream along `points`, `width` metres wide, crossed by bridges at these shares of its length."""

    points: tuple[tuple[float, float], ...]
    width: float
    bridges: tuple[float, ...]

    def course(self, spacing: float = 40.0) -> Floats:
        """Give its middle as points about `spacing` metres apart, `(P, 2)`, smooth through `points`."""
        return smooth(np.array(self.points), spacing)


@dataclass(frozen=True)
class CityPlan:
    """A town as drawn by hand. `shores` and `parks` are outlines by corners; water lies inside a shore."""

    latitude: float
    longitude: float
    radius: float
    stretch: tuple[float, float]
    rivers: tuple[River, ...]
    shores: tuple[tuple[tuple[float, float], ...], ...]
    parks: tuple[tuple[tuple[float, float], ...], ...]
    districts: tuple[District, ...]
    directions: tuple[StreetDirection, ...]
    railway: tuple[tuple[float, float], ...]
    waviness: float
    roads: tuple[tuple[tuple[float, float], ...], ...] = ()
    """Roads that are older than the town: through it, along its shore, and out into the country."""
    piers: tuple[tuple[tuple[float, float], ...], ...] = ()
    hills: tuple[tuple[float, float, float, float], ...] = ()
    """Hills as `(x, y, radius, height)`, in metres."""

    def globe(self, points: Floats) -> Floats:
        """Turn metres `(…, 2)` into longitude and latitude, five decimals: a metre."""
        shrink = np.cos(np.radians(self.latitude))
        scale = np.array([METRES_PER_DEGREE * shrink, METRES_PER_DEGREE])
        degrees: Floats = np.round(points / scale + [self.longitude, self.latitude], 5)
        return degrees

    def land(self, kind: str) -> list[Floats]:
        """Give the outlines of `"shores"` or `"parks"`, rounded off, each `(P, 2)`."""
        return [smooth(np.array([*corners, corners[0]]), 40.0) for corners in getattr(self, kind)]

    def built_up(self, points: Floats) -> Bools:
        """Tell which points `(…, 2)` lie within the town and its ragged edge."""
        x, y = points[..., 0] / self.stretch[0], points[..., 1] / self.stretch[1]
        turn = np.arctan2(y, x)
        ragged = 1 + 0.08 * np.sin(3 * turn + 1) + 0.05 * np.sin(7 * turn) + 0.03 * np.sin(17 * turn)
        inside: Bools = np.hypot(x, y) < self.radius * ragged
        return inside

    def uses(self, points: Floats) -> Floats:
        """Tell how much of each of `USES` there is around points `(S, 2)`, as `(U, S)`."""
        out = np.full((len(USES), len(points)), 0.02)
        out[0] = 0.35
        for district in self.districts:
            away = np.hypot(points[:, 0] - district.x, points[:, 1] - district.y)
            out[USES.index(district.use)] += district.strength * np.exp(-((away / district.radius) ** 2))
        return out

    def height(self, points: Floats) -> Floats:
        """Give the height of the ground at points `(S, 2)` in metres."""
        metres = np.zeros(len(points))
        for x, y, radius, height in self.hills:
            away = np.hypot(points[:, 0] - x, points[:, 1] - y)
            metres += height * np.exp(-((away / radius) ** 2))
        return metres


def smooth(points: Floats, spacing: float) -> Floats:
    """Run a Catmull–Rom curve through points `(P, 2)`; one that ends where it began is closed smoothly."""
    closed = np.allclose(points[0], points[-1])
    before = points[-2] if closed else 2 * points[0] - points[1]
    after = points[1] if closed else 2 * points[-1] - points[-2]
    knots = np.vstack([before, points, after])
    pieces = []
    for a, b, c, d in zip(knots, knots[1:], knots[2:], knots[3:], strict=False):
        steps = int(np.clip(np.hypot(*(c - b)) / spacing, 1, _MOST_STEPS))
        t = np.arange(steps)[:, None] / steps
        cubic = 2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t**2 + (3 * b - a - 3 * c + d) * t**3
        pieces.append(cubic / 2)
    return np.vstack([*pieces, points[-1:]])


def filled(outline: Floats, axis: NDArray[np.floating[Any]]) -> Bools:
    """Tell which points of a square raster lie inside a closed outline `(P, 2)`, by the even-odd rule.

    `axis` holds the rising coordinates of its columns, and of its rows; the answer is flat, row by row.
    """
    size = len(axis)
    crossings = np.zeros((size, size + 1), dtype=np.int64)
    for (x0, y0), (x1, y1) in zip(outline.tolist(), np.roll(outline, -1, axis=0).tolist(), strict=True):
        first, stop = np.searchsorted(axis, sorted((y0, y1)))
        if stop > first:
            rows = np.arange(first, stop)
            columns = np.searchsorted(axis, x0 + (axis[rows] - y0) * (x1 - x0) / (y1 - y0))
            crossings[rows, columns] += 1
    odd: Bools = np.cumsum(crossings, axis=1)[:, :size].reshape(-1) % 2 == 1
    return odd


def ribbon(course: Floats, width: float) -> Floats:
    """Give the outline of a band of that width along a course, `(2 P, 2)`."""
    along = np.gradient(course, axis=0)
    along /= np.maximum(np.hypot(along[:, 0], along[:, 1]), 1e-9)[:, None]
    side = np.stack([-along[:, 1], along[:, 0]], axis=1) * width / 2
    return np.vstack([course + side, (course - side)[::-1]])
