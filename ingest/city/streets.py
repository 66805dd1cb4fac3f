"""Streets drawn the way towns grow: along a field of directions, never too near each other, not over water.

Two families of lines follow the field and cross each other at right angles, main roads first and side streets
between them [1]_. Near water they run along the bank and across it, and cross it on bridges alone.

References
----------
.. [1] G. Chen, G. Esch, P. Wonka, P. Müller, E. Zhang, Interactive procedural street modeling, 2008.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ingest.city.plan import CityPlan, filled, ribbon, smooth
from model.arrays import Bools, Floats

MAIN, SIDE = "main", "side"

_CELL = 20.0
_STEP = 20.0
_MARGIN = 300.0
_APART = {MAIN: 520.0, SIDE: 125.0}
_SHORTEST = {MAIN: 500.0, SIDE: 90.0}
_RAMP = 10
"""Steps from a bridge within which its road may be near to other roads."""
_BANK = 350.0
"""Metres from a bank within which the streets follow it."""


@dataclass(frozen=True, eq=False)
class Street:
    """A street of a kind, along `points` `(P, 2)` in metres; `family` 0 follows the field, 1 crosses it."""

    kind: str
    family: int
    points: Floats


@dataclass(frozen=True, eq=False)
class Streets:
    """All streets of a town, and its bridges as `(start, end)` pairs `(B, 2, 2)`."""

    streets: list[Street]
    bridges: Floats


class _DirectionField:
    """The directions of streets on a raster, and the cells that streets of each kind may cross."""

    def __init__(self, plan: CityPlan) -> None:
        half = plan.radius * max(plan.stretch) * 1.2 + _MARGIN
        self.size = int(2 * half / _CELL)
        self.half = half
        axis = (np.arange(self.size) + 0.5) * _CELL - half
        grid = np.stack(np.meshgrid(axis, axis), axis=-1).reshape(-1, 2)
        water = np.zeros(len(grid), dtype=np.bool_)
        park = np.zeros(len(grid), dtype=np.bool_)
        for outline in plan.land("shores"):
            water |= filled(outline, axis)
        for outline in plan.land("parks"):
            park |= filled(outline, axis)
        self.bridges = _bridges(plan)
        cosine, sine = _directions(plan, grid)
        for river in plan.rivers:
            course = river.course()
            water |= filled(ribbon(course, river.width + 30), axis)
            _follow(grid, course, river.width / 2, cosine, sine)
        for outline in plan.land("shores"):
            _follow(grid, outline, 0.0, cosine, sine)
        self.angle: list[float] = (0.5 * np.arctan2(sine, cosine)).tolist()
        town = plan.built_up(grid)
        open_water = water.copy()
        for start, end in self.bridges:
            open_water &= _away(grid, start, end) > 28
        self.water, self.town = water, town
        # Main roads may cross a river, on a bridge; side streets may not, and neither crosses a park.
        free = town & ~park
        self.allowed = {MAIN: (free & ~open_water).tolist(), SIDE: (free & ~water).tolist()}

    def cell(self, x: float, y: float) -> int:
        """Find the cell of a point; -1 outside the raster."""
        column, row = int((x + self.half) / _CELL), int((y + self.half) / _CELL)
        return row * self.size + column if 0 <= column < self.size and 0 <= row < self.size else -1


def _directions(plan: CityPlan, grid: Floats) -> tuple[Floats, Floats]:
    """Blend the directions into a field, as the cosine and sine of twice the angle, which has no sign."""
    cosine, sine = np.full(len(grid), 1e-6), np.zeros(len(grid))
    for direction in plan.directions:
        dx, dy = grid[:, 0] - direction.x, grid[:, 1] - direction.y
        weight = np.exp(-(dx**2 + dy**2) / direction.reach**2)
        angle = np.arctan2(dy, dx) if direction.degrees is None else np.radians(direction.degrees)
        cosine += weight * np.cos(2 * angle)
        sine += weight * np.sin(2 * angle)
    x, y = grid[:, 0] / 1000, grid[:, 1] / 1000
    bend = plan.waviness * (np.sin(1.1 * x + 0.7 * y) + np.sin(1.9 * y - 0.8 * x + 2) + np.sin(2.3 * x + 1))
    turned = np.arctan2(sine, cosine) + 2 * bend
    strength = np.hypot(cosine, sine)
    return strength * np.cos(turned), strength * np.sin(turned)


def _follow(grid: Floats, course: Floats, half_width: float, cosine: Floats, sine: Floats) -> None:
    """Turn the field along a course: the nearer, the more."""
    along = np.gradient(course, axis=0)
    angle = np.arctan2(along[:, 1], along[:, 0])
    seen = ((course > grid.min(axis=0) - _BANK) & (course < grid.max(axis=0) + _BANK)).all(axis=1)
    course, angle = course[seen], angle[seen]
    if not len(course):
        return
    near = np.flatnonzero(
        ((grid > course.min(axis=0) - 3 * _BANK) & (grid < course.max(axis=0) + 3 * _BANK)).all(axis=1)
    )
    best, which = np.full(len(near), np.inf), np.zeros(len(near), dtype=np.int64)
    for index, (x, y) in enumerate(course.tolist()):
        away = (grid[near, 0] - x) ** 2 + (grid[near, 1] - y) ** 2
        closer = away < best
        best[closer], which[closer] = away[closer], index
    weight = 6 * np.exp(-((np.maximum(np.sqrt(best) - half_width, 0) / _BANK) ** 2))
    scale = np.maximum(np.hypot(cosine[near], sine[near]), 1e-9)
    cosine[near] = cosine[near] / scale + weight * np.cos(2 * angle[which])
    sine[near] = sine[near] / scale + weight * np.sin(2 * angle[which])


def _bridges(plan: CityPlan) -> Floats:
    """Set the bridges square across their rivers, from bank to bank, `(B, 2, 2)`."""
    out = []
    for river in plan.rivers:
        course = river.course()
        along = np.gradient(course, axis=0)
        for share in river.bridges:
            index = int(share * (len(course) - 1))
            across = np.array([-along[index, 1], along[index, 0]]) / np.hypot(*along[index])
            reach = across * (river.width / 2 + 25)
            out.append([course[index] - reach, course[index] + reach])
    return np.array(out).reshape(-1, 2, 2)


def _away(grid: Floats, start: Floats, end: Floats) -> Floats:
    """Give the distance of each point from a straight piece."""
    line = end - start
    share = np.clip(((grid - start) @ line) / (line @ line), 0, 1)
    away: Floats = np.hypot(*(grid - start - share[:, None] * line).T)
    return away


class _DrawnPoints:
    """The points of one family drawn so far, in square cells."""

    def __init__(self, width: float) -> None:
        self._width = width
        self._cells: dict[tuple[int, int], list[tuple[float, float]]] = {}

    def add(self, points: list[tuple[float, float]]) -> None:
        for x, y in points:
            self._cells.setdefault((int(x // self._width), int(y // self._width)), []).append((x, y))

    def nearest(self, x: float, y: float, reach: float) -> tuple[float, float] | None:
        """Find the nearest point within `reach`, which is at most the cells' width."""
        best, found = reach * reach, None
        column, row = int(x // self._width), int(y // self._width)
        for i in (column - 1, column, column + 1):
            for j in (row - 1, row, row + 1):
                for px, py in self._cells.get((i, j), ()):
                    away = (px - x) ** 2 + (py - y) ** 2
                    if away < best:
                        best, found = away, (px, py)
        return found


def draw(plan: CityPlan, rng: np.random.Generator) -> Streets:
    """Draw a town's streets. The same plan and generator give the same streets."""
    field = _DirectionField(plan)
    streets: list[Street] = []
    drawn = {kind: [_DrawnPoints(_APART[kind]), _DrawnPoints(_APART[kind])] for kind in (MAIN, SIDE)}
    town: NDArray[np.int64] = np.flatnonzero(field.town & ~field.water)
    for corners in plan.roads:
        road = smooth(np.array(corners), _STEP)
        near = road[(np.abs(road) < field.half).all(axis=1)]
        along = np.gradient(near, axis=0)
        for (x, y), angle in zip(near.tolist(), np.arctan2(along[:, 1], along[:, 0]).tolist(), strict=True):
            family = int(abs(math.cos(angle - field.angle[field.cell(x, y)])) < 0.71)
            for each in (MAIN, SIDE):
                drawn[each][family].add([(x, y)])
        streets.append(Street(MAIN, 0, _thinned(road)))
    for kind in (MAIN, SIDE):
        starts = [(float(x), float(y)) for x, y in field.bridges.mean(axis=1)] if kind == MAIN else []
        some = rng.choice(town, min(len(town), 500 if kind == MAIN else 5000), replace=False)
        starts += [
            ((cell % field.size + 0.5) * _CELL - field.half, (cell // field.size + 0.5) * _CELL - field.half)
            for cell in some.tolist()
        ]
        bridges = len(field.bridges) if kind == MAIN else 0
        for number, start in enumerate(starts):
            for family in (1,) if number < bridges else (0, 1):
                line = _trace(field, drawn[kind][family], kind, family, start, number < bridges)
                if line is None:
                    continue
                for each in (MAIN, SIDE):
                    drawn[each][family].add(line)
                streets.append(Street(kind, family, _thinned(np.array(line))))
    return Streets(streets, field.bridges)


def _trace(
    field: _DirectionField,
    drawn: _DrawnPoints,
    kind: str,
    family: int,
    start: tuple[float, float],
    bridge: bool,
) -> list[tuple[float, float]] | None:
    """Follow the field in both directions from a point; None where a street has no room."""
    apart = _APART[kind]
    allowed = field.allowed[kind]
    cell = field.cell(*start)
    if not bridge and (cell < 0 or not allowed[cell] or drawn.nearest(*start, apart * 0.9)):
        return None
    sides: list[list[tuple[float, float]]] = []
    for way in (1.0, -1.0):
        (x, y), side = start, []
        angle = field.angle[cell] + family * math.pi / 2 + (math.pi if way < 0 else 0.0)
        for _ in range(500):
            middle = field.cell(x + _STEP / 2 * math.cos(angle), y + _STEP / 2 * math.sin(angle))
            if middle < 0:
                break
            turn = field.angle[middle] + family * math.pi / 2 - angle
            angle += turn - math.pi * round(turn / math.pi)
            x, y = x + _STEP * math.cos(angle), y + _STEP * math.sin(angle)
            here = field.cell(x, y)
            if here < 0 or not allowed[here]:
                break
            met = drawn.nearest(x, y, apart * 0.42)
            side.append((x, y))
            if len(side) > 12 and _winds(side, apart * 0.42):
                break
            if met is not None and not (bridge and len(side) < _RAMP):
                if math.hypot(met[0] - x, met[1] - y) < 60:
                    side.append(met)
                break
        sides.append(side)
    line = sides[1][::-1] + [start] + sides[0]
    return line if len(line) * _STEP >= _SHORTEST[kind] or bridge else None


def _winds(side: list[tuple[float, float]], apart: float) -> bool:
    """Tell whether a line comes back near an earlier point of itself, as a ring does."""
    x, y = side[-1]
    reach = int(apart / _STEP * 1.6) + 2
    return any((px - x) ** 2 + (py - y) ** 2 < apart * apart for px, py in side[:-reach:2])


def _thinned(points: Floats, most: float = 2.0) -> Floats:
    """Leave out the points within `most` metres of the straight line between the points that stay [2]_.

    .. [2] D. Douglas, T. Peucker, Algorithms for the reduction of the number of points, 1973.
    """
    keep: Bools = np.zeros(len(points), dtype=np.bool_)
    keep[[0, -1]] = True
    stack = [(0, len(points) - 1)]
    while stack:
        first, last = stack.pop()
        if last - first < 2:
            continue
        start, end = points[first], points[last]
        between = points[first + 1 : last]
        line = end - start
        length = float(np.hypot(*line)) or 1.0
        away = np.abs(line[0] * (between[:, 1] - start[1]) - line[1] * (between[:, 0] - start[0])) / length
        if not away.max() > most:
            continue
        split = first + 1 + int(away.argmax())
        keep[split] = True
        stack += [(first, split), (split, last)]
    return points[keep]
