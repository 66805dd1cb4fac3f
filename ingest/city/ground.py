"""Draw the ground under the stations of a made-up town as GeoJSON; each feature has its `kind`."""

from __future__ import annotations

from typing import Any

import numpy as np

from ingest.city.plan import CityPlan, ribbon, smooth
from ingest.city.streets import Streets
from model.arrays import Floats

Feature = dict[str, Any]


def features(plan: CityPlan, streets: Streets) -> dict[str, Any]:
    """Give a FeatureCollection: `town`, `park`, `water`, `pier`, `railway`, `side`, `main` and `bridge`.

    Districts are points, of the kind `district`, with their `use`, `strength` and radius in `metres`.
    """
    turn = np.linspace(0, 2 * np.pi, 181)[:-1]
    circle = np.stack([np.cos(turn), np.sin(turn)], axis=1) * plan.stretch
    reach = np.linspace(0.7, 1.3, 601)
    town = plan.built_up(circle[:, None] * (reach * plan.radius)[:, None])
    edge = circle * (reach[town.argmin(axis=1)] * plan.radius * 1.015)[:, None]
    out = [_area("town", plan, edge)]
    out += [_district(plan, each.use, each.x, each.y, each.radius, each.strength) for each in plan.districts]
    out += [_area("park", plan, outline) for outline in plan.land("parks")]
    out += [_area("water", plan, outline) for outline in plan.land("shores")]
    out += [_area("water", plan, ribbon(river.course(), river.width)) for river in plan.rivers]
    out += [_line("pier", plan, smooth(np.array(pier), 40.0)) for pier in plan.piers]
    out.append(_line("railway", plan, smooth(np.array(plan.railway), 60.0)))
    out += [_line(street.kind, plan, street.points) for street in streets.streets]
    out += [_line("bridge", plan, bridge) for bridge in streets.bridges]
    return {"type": "FeatureCollection", "features": out}


def _feature(kind: str, geometry: str, coordinates: Any, **more: Any) -> Feature:
    return {
        "type": "Feature",
        "properties": {"kind": kind, **more},
        "geometry": {"type": geometry, "coordinates": coordinates},
    }


def _area(kind: str, plan: CityPlan, outline: Floats) -> Feature:
    ring = plan.globe(outline).tolist()
    return _feature(kind, "Polygon", [[*ring, ring[0]] if ring[0] != ring[-1] else ring])


def _line(kind: str, plan: CityPlan, points: Floats) -> Feature:
    return _feature(kind, "LineString", plan.globe(points).tolist())


def _district(plan: CityPlan, use: str, x: float, y: float, radius: float, strength: float) -> Feature:
    where = plan.globe(np.array([x, y])).tolist()
    return _feature("district", "Point", where, use=use, metres=radius, strength=strength)
