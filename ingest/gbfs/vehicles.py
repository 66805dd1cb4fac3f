"""Reads which vehicles are bikes, e-bikes, cargo bikes or no bicycles at all, and counts them by kind.

Feeds name types before they describe them, leave out form factors and write them in capitals. So only what is
known to be no bicycle is taken off a station's bikes. The price: a scooter of a type that nobody describes is
a bike until somebody does.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from ingest.gbfs import values
from ingest.gbfs.documents import Document, listed
from ingest.gbfs.findings import Findings
from model.records import UNKNOWN

VehicleKind = Literal["plain", "electric", "cargo", "other", "unknown"]
"""What a vehicle is. `other` is known to be no bicycle. `unknown` may be one, and is counted as one."""

KINDS: tuple[VehicleKind, ...] = ("plain", "electric", "cargo", "other", "unknown")
MOST_TYPES = 2000
"""Vehicle types that one feed may have, ten times the most known."""

_BICYCLES = ("bicycle", "bike", "ebike", "e_bike", "pedelec")
_CARGO_BIKES = ("cargo_bicycle", "cargo_bike", "cargobike", "cargo")
_NO_BICYCLES = ("car", "moped", "scooter", "scooter_standing", "scooter_seated", "other")
_MOTORS = ("electric", "electric_assist")
_ROUND_TRIP = "roundtrip_station"
"""The `return_constraint` that rules out a one-way trip; `any_station`, `free_floating`, `hybrid` do not."""


@dataclass(frozen=True)
class VehicleTypes:
    """The kind of each vehicle type by its id; of an id that it does not have, nothing is known.

    `round_trip` are the types that must come back to the station where they were taken. Where other bikes
    need not, "a bike" is one that can be ridden elsewhere: those of `round_trip` are then no bikes. The
    price: a rider who comes back does not see them.
    """

    kinds: Mapping[str, VehicleKind] = field(default_factory=dict)
    round_trip: frozenset[str] = frozenset()

    def kind(self, type_id: str) -> VehicleKind:
        """Give the kind of a vehicle type.

        A type that nobody describes, but whose very id is a word for cargo bikes, is one.

        >>> VehicleTypes({"kick": "other"}).kind("kick"), VehicleTypes().kind("kick")
        ('other', 'unknown')
        """
        found = self.kinds.get(type_id)
        return ("cargo" if _word(type_id) in _CARGO_BIKES else "unknown") if found is None else found

    @property
    def has_no_bicycle(self) -> bool:
        """Whether types are described, and none of them can be a bicycle."""
        return bool(self.kinds) and set(self.kinds.values()) == {"other"}

    @property
    def is_round_trip(self) -> bool:
        """Whether every bike must come back to the station where it was taken."""
        bikes = self._bikes
        return bool(bikes) and bikes <= self.round_trip

    @property
    def apart(self) -> frozenset[str]:
        """The types of bikes that are not counted, since they must come back and others need not."""
        return frozenset() if self.is_round_trip else self.round_trip & self._bikes

    @property
    def _bikes(self) -> frozenset[str]:
        return frozenset(key for key, kind in self.kinds.items() if kind not in ("cargo", "other"))

    def to_json(self) -> str:
        """Write the table as JSON, for the store: the kinds alone where nothing must come back."""
        kinds = dict(self.kinds)
        whole = {"kinds": kinds, "round_trip": sorted(self.round_trip)} if self.round_trip else kinds
        return json.dumps(whole, sort_keys=True)

    @staticmethod
    def from_json(text: str) -> VehicleTypes:
        """Read a table that `to_json` has written; what another release wrote and we do not know is left out.

        >>> VehicleTypes.from_json('{"a": "cargo", "b": "of tomorrow"}').kinds
        {'a': 'cargo'}
        """
        whole = json.loads(text)
        kinds, round_trip = whole, ()
        if isinstance(whole.get("kinds"), dict):
            kinds, round_trip = whole["kinds"], whole.get("round_trip", ())
        return VehicleTypes(
            {key: kind for key, kind in kinds.items() if kind in KINDS}, frozenset(map(str, round_trip))
        )


def vehicle_types(document: Document, findings: Findings) -> VehicleTypes:
    """Read the kind of each vehicle type; one feed may offer cars at its stations."""
    kinds: dict[str, VehicleKind] = {}
    round_trip = set()
    for entry in listed(document, "vehicle_types") or ():
        key = values.station_id(entry.get("vehicle_type_id")) if isinstance(entry, dict) else None
        if key is None:
            continue
        kind = _kind(entry, key, findings)
        if kinds.setdefault(key, kind) != kind:
            findings.add("type_twice", key)
            kinds[key] = "unknown"
        if _word(entry.get("return_constraint")) == _ROUND_TRIP:
            round_trip.add(key)
        if len(kinds) == MOST_TYPES:
            break
    types = VehicleTypes(kinds, frozenset(round_trip))
    if types.is_round_trip:
        findings.add("round_trip", min(round_trip), len(round_trip))
    elif types.apart:
        findings.add("some_round_trip", min(types.apart), len(types.apart))
    return types


def _kind(entry: Mapping[str, Any], key: str, findings: Findings) -> VehicleKind:
    form, propulsion = _word(entry.get("form_factor")), _word(entry.get("propulsion_type"))
    if form in _NO_BICYCLES:
        return "other"
    if form in _CARGO_BIKES:
        return "cargo"
    if form in _BICYCLES:
        return "electric" if propulsion in _MOTORS or form not in ("bicycle", "bike") else "plain"
    findings.add("form_factor", f"{key}: {entry.get('form_factor')}")
    if not form:
        # Pedelecs alone have a motor that assists, and what people move with their legs is mostly a bike.
        if propulsion == "electric_assist":
            return "electric"
        if propulsion == "human":
            return "plain"
    return "unknown"


def _word(value: Any) -> str:
    if not isinstance(value, str):
        return ""
    return value[: values.LONGEST_WORD].strip().lower().replace("-", "_").replace(" ", "_")


# ---------------------------------------------------------------- at a station


@dataclass(frozen=True)
class VehicleCounts:
    """What stands at a station by its vehicle types, -1 for unknown.

    `bikes` are all that a rider may take for a bike: plain and electric ones, and those of unknown kind.
    `undescribed` are the types that vehicle_types.json lacks.
    """

    bikes: int
    electric: int
    cargo: int
    other: int
    undescribed: frozenset[str]


def by_type(entry: Mapping[str, Any], types: VehicleTypes) -> VehicleCounts | None:
    """Count what stands at a station by kind; None where it does not list types.

    A type that is listed twice adds up.
    """
    parts = entry.get("vehicle_types_available")
    if not isinstance(parts, list):
        return None
    found: dict[VehicleKind, list[int]] = {kind: [] for kind in KINDS}
    undescribed, apart = set(), types.apart
    for part in parts:
        if isinstance(part, dict):
            key = values.station_id(part.get("vehicle_type_id")) or ""
            found["other" if key in apart else types.kind(key)].append(values.count(part.get("count")))
            if key not in types.kinds:
                undescribed.add(key)
    if not any(found.values()):
        return None
    # Those of unknown kind may have a motor; where there are none of them, nothing is in doubt.
    unknown = _sum(found["unknown"])
    return VehicleCounts(
        bikes=_sum(found["plain"] + found["electric"] + found["unknown"]),
        electric=_sum(found["electric"]) if unknown == 0 and types.kinds else UNKNOWN,
        cargo=_sum(found["cargo"]),
        other=_sum(found["other"]),
        undescribed=frozenset(undescribed),
    )


def docks_for_bikes(entry: Mapping[str, Any], types: VehicleTypes) -> tuple[int, int] | None:
    """Count the free docks that take bikes, and those that do not; None where they are not told apart.

    A dock takes bikes unless all its types are known to be none.
    """
    parts = entry.get("vehicle_docks_available")
    if not isinstance(parts, list):
        return None
    bikes: list[int] = []
    other: list[int] = []
    for part in parts:
        if isinstance(part, dict) and isinstance(part.get("vehicle_type_ids"), list):
            kinds = {types.kind(values.station_id(key) or "") for key in part["vehicle_type_ids"]}
            of = other if kinds and kinds <= {"cargo", "other"} else bikes
            of.append(values.count(part.get("count")))
    return (_sum(bikes), _sum(other)) if bikes or other else None


def of_total(total: int, wanted: int, *others: int) -> tuple[int, bool]:
    """Give how many of a station's `total` are `wanted`, and whether total and parts contradict each other.

    The total may count all, or the wanted alone, or the wanted and one of the others. What is known to be
    something else is taken off it, and what no part counts is taken for wanted.

    >>> of_total(7, 1, 6), of_total(1, 1, 6), of_total(8, 1, 6), of_total(4, 1, 6), of_total(-1, 1, 6)
    ((1, False), (1, False), (2, True), (1, True), (1, False))
    """
    off = _sum(others)
    if total == UNKNOWN or off == UNKNOWN:
        return wanted, False
    if wanted == UNKNOWN:
        return max(total - off, 0), False
    if total in (wanted, *(wanted + each for each in (off, *others))):
        return wanted, False
    return (total - off if total > wanted + off else min(total, wanted)), True


def _sum(counts: Iterable[int]) -> int:
    known = list(counts)
    return UNKNOWN if UNKNOWN in known else sum(known)
