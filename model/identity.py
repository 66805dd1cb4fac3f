"""Tells which stations of a new description are those of an earlier one: by place, name and id.

Operators give an old id to a new station kilometres away, or number all stations anew. So an id that moves by
more than `NEAR_KM` and gets another name is a new station, and a name that is on its spot under another id is
the old one. A name that is missing says nothing. The price: a station that gets another id and another name
at once begins anew.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from model.arrays import Bools, Floats, Ints, Strings, frozen, rows_of
from model.globe import kilometres
from model.records import Stations

NEAR_KM = 0.3
"""How far a station may move and keep its identity by its id alone: across a square, not across a town."""

SPOT_KM = 0.05
"""How near a station must be to one of the same name that had another id."""

_MOST_RENAMED = 10_000
"""Ids of old that are remembered for links and favourites."""


@dataclass(frozen=True, eq=False)
class Identities:
    """Ids, names and places of stations, `(S,)`: a place is not a number where it is not known any more."""

    station_id: Strings
    name: Strings
    lat: Floats
    lon: Floats

    def __post_init__(self) -> None:
        for name, dtype in (("station_id", np.str_), ("name", np.str_), ("lat", np.float64),
                            ("lon", np.float64)):  # fmt: skip
            object.__setattr__(self, name, frozen(getattr(self, name), dtype))
            if getattr(self, name).shape != self.station_id.shape:
                raise ValueError(f"Identities.{name} and station_id are not of the same stations")

    def __len__(self) -> int:
        return len(self.station_id)

    @classmethod
    def of(cls, stations: Stations) -> Identities:
        """Take them from a description."""
        return cls(stations.station_id, stations.name, stations.lat, stations.lon)

    def take(self, rows: Ints) -> Identities:
        """Give some of them, by position."""
        return Identities(self.station_id[rows], self.name[rows], self.lat[rows], self.lon[rows])

    def then(self, more: Identities) -> Identities:
        """Give these, and `more` after them."""
        return Identities(
            *(
                np.concatenate([getattr(self, name), getattr(more, name)])
                for name in ("station_id", "name", "lat", "lon")
            )
        )


@dataclass(frozen=True)
class Renumbering:
    """What a new description changed in the meaning of ids.

    `renamed` has the new id of each station that is known under another. `begun` are the ids that name
    another station than before, of which nothing is known.
    """

    renamed: dict[str, str]
    begun: frozenset[str]

    def __bool__(self) -> bool:
        return bool(self.renamed or self.begun)


def rows_before(known: Identities, now: Identities) -> Ints:
    """Give the row in `known` of each station of `now`, -1 for a new one; no row is given twice.

    An id on its spot comes first, then a name on its spot, then an id that moved a little or kept its name.
    So two stations that swap their ids keep what is theirs. Where only the id is known, it decides.
    """
    by_id = rows_of(now.station_id, known.station_id)
    has = by_id >= 0
    apart = np.full(len(now), np.inf)
    apart[has] = _kilometres(known.take(by_id[has]), now.take(np.flatnonzero(has)))
    rows = np.where(has & ((apart <= SPOT_KM) | np.isnan(apart)), by_id, -1)
    if (rows >= 0).all():
        return rows
    _match_names(known, now, rows)
    free = has & (rows < 0)
    free[free] = ~np.isin(by_id[free], rows)
    left = np.flatnonzero(free)
    kept = (apart[left] <= NEAR_KM) | ~_renamed(known.take(by_id[left]), now.take(left))
    rows[left[kept]] = by_id[left[kept]]
    return rows


def renumbering(known: Identities, now: Identities, rows: Ints) -> Renumbering:
    """Say what changed in the meaning of ids, where `rows` are those of `rows_before`."""
    old = np.where(rows >= 0, known.station_id[rows], "") if len(known) else np.zeros(len(now), np.str_)
    other = old != now.station_id
    pairs = zip(old[other].tolist(), now.station_id[other].tolist(), strict=True)
    renamed = {before: after for before, after in pairs if before}
    taken = set(now.station_id[other].tolist()) & set(known.station_id.tolist())
    return Renumbering(renamed, frozenset(taken - set(renamed)))


def after_renumbering(renamed: Mapping[str, str], changed: Renumbering, now: Strings) -> dict[str, str]:
    """Bring the table of all ids that stations once had up to date: which station each names today.

    An id that names a station of now is left out, and the oldest are, once there are `_MOST_RENAMED`.
    """
    present = set(now.tolist())
    moved = {old: changed.renamed.get(new, new) for old, new in renamed.items() if new not in changed.begun}
    known = {old: new for old, new in (moved | changed.renamed).items() if old not in present}
    return dict(list(known.items())[-_MOST_RENAMED:])


def pack_identities(known: Identities, described: int, renamed: Mapping[str, str]) -> dict[str, NDArray[Any]]:
    """Give as arrays what the descriptions of the first `described` stations do not say, if anything."""
    arrays: dict[str, NDArray[Any]] = {}
    if len(known) > described:
        for name in ("name", "lat", "lon"):
            arrays[f"remembered.{name}"] = getattr(known, name)[described:]
    return arrays | pack_renamed(renamed)


def pack_renamed(renamed: Mapping[str, str]) -> dict[str, NDArray[Any]]:
    """Give the table of ids as arrays, where there is one."""
    if not renamed:
        return {}
    return {"renamed.old": np.array([*renamed]), "renamed.new": np.array([*renamed.values()])}


def unpack_renamed(arrays: Mapping[str, NDArray[Any]]) -> dict[str, str]:
    """Read what `pack_renamed` gave."""
    if "renamed.old" not in arrays:
        return {}
    return dict(zip(arrays["renamed.old"].tolist(), arrays["renamed.new"].tolist(), strict=True))


def unpack_identities(
    arrays: Mapping[str, NDArray[Any]], described: Identities
) -> tuple[Identities, dict[str, str]]:
    """Read what `pack_identities` gave, or that of a release before it: then ids alone are remembered.

    Raises `ValueError` where shapes do not fit together.
    """
    ids = arrays["station_id"][len(described) :]
    blank = {"name": np.zeros(len(ids), np.str_), "lat": np.full(len(ids), np.nan)}
    blank["lon"] = blank["lat"]
    remembered = Identities(
        ids, *(arrays.get(f"remembered.{name}", default) for name, default in blank.items())
    )
    return described.then(remembered), unpack_renamed(arrays)


def _match_names(known: Identities, now: Identities, rows: Ints) -> None:
    """Match stations of one name on one spot, the nearest first; write their positions into `rows`."""
    old_rows, new_rows = defaultdict[str, list[int]](list), defaultdict[str, list[int]](list)
    for row in np.flatnonzero(rows < 0).tolist():
        new_rows[_spoken(now, row)].append(row)
    for row in np.setdiff1d(np.arange(len(known)), rows).tolist():
        old_rows[_spoken(known, row)].append(row)
    for name in sorted((new_rows.keys() & old_rows.keys()) - {""}):
        free = np.array(old_rows[name])
        nearest = []
        for row in new_rows[name]:
            apart = _kilometres(known.take(free), now.take(np.full(len(free), row)))
            nearest.append((float(np.nan_to_num(apart, nan=np.inf).min()), row))
        for _, row in sorted(nearest):
            apart = _kilometres(known.take(free), now.take(np.full(len(free), row)))
            best = int(np.nan_to_num(apart, nan=np.inf).argmin()) if len(free) else -1
            if best >= 0 and apart[best] <= SPOT_KM:
                rows[row], free = free[best], np.delete(free, best)


def _renamed(known: Identities, now: Identities) -> Bools:
    """Tell which stations have a name where they had another; one that lost its name is not renamed."""
    names = [(_spoken(known, row), _spoken(now, row)) for row in range(len(now))]
    return np.array([bool(old and new and old != new) for old, new in names], dtype=np.bool_)


def _spoken(of: Identities, row: int) -> str:
    """Give a station's name as people would compare it; empty where its id stands for it."""
    name = str(of.name[row])
    return "" if name == of.station_id[row] else "".join(filter(str.isalnum, name.casefold()))


def _kilometres(one: Identities, other: Identities) -> Floats:
    """Give the distances of stations, row by row."""
    return kilometres((one.lat, one.lon), (other.lat, other.lon))
