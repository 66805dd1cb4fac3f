"""Faults of feeds by name: how to make each, and the outcome to expect."""

from __future__ import annotations

import codecs
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.faults.town import Town
from tests.support import misbehaving
from tests.support.misbehaving import Behaviour, body, redirect, status


@dataclass(frozen=True)
class Fault:
    """One way to misbehave.

    `behave` makes the behaviour for a town. It spoils all documents where `everything`
    is set, else the status. A poll then has the `outcome`, and the feed is in `state`.
    """

    behave: Callable[[Town], Behaviour]
    outcome: str
    state: str = "unreachable"
    everything: bool = False


def _failing(behaviour: Behaviour, outcome: str, state: str = "unreachable") -> Fault:
    return Fault(lambda town: behaviour, outcome, state, everything=True)


def _spoilt(change: Callable[[bytes], bytes], outcome: str, state: str = "unreachable") -> Fault:
    """Send the status with its bytes changed."""
    return Fault(lambda town: lambda handler: body(change(_status(town)))(handler), outcome, state)


def _changed(change: Callable[[dict[str, Any]], object], outcome: str, state: str = "live") -> Fault:
    """Send the status with its fields changed."""

    def made(raw: bytes) -> bytes:
        document = json.loads(raw)
        change(document)
        return json.dumps(document).encode()

    return _spoilt(made, outcome, state)


def _status(town: Town) -> bytes:
    return json.dumps(town.document("station_status")).encode()


def _frozen(town: Town) -> Behaviour:
    return body(_status(town))


def _behind(town: Town) -> Behaviour:
    """Answer like a second server that is always 40 seconds behind the last answer."""
    document = town.document("station_status")
    document["last_updated"] -= 100
    return misbehaving.document(document)


def _unchanged(town: Town) -> Behaviour:
    return misbehaving.tagged(_status(town), '"1"')


def _to_localhost(town: Town) -> Behaviour:
    port = town.server.server_address[1]
    town.server.at("/elsewhere.json", lambda handler: body(_status(town))(handler))
    return redirect(f"http://localhost:{port}/elsewhere.json")


def _without_tls(town: Town) -> Behaviour:
    return redirect(f"https://127.0.0.1:{town.server.server_address[1]}/{town.name}/station_status.json")


def _no_stations(document: dict[str, Any]) -> None:
    document["data"]["stations"] = []


def _with_types(*listed: tuple[str, int]) -> Callable[[dict[str, Any]], None]:
    """List these types at each station beside its bikes, which its total does not count."""

    def change(document: dict[str, Any]) -> None:
        for entry in document["data"]["stations"]:
            rest = [("bike", entry["num_bikes_available"]), *listed]
            entry["vehicle_types_available"] = [
                {"vehicle_type_id": key, "count": count} for key, count in rest
            ]

    return change


def _docks_for_scooters(document: dict[str, Any]) -> None:
    for entry in document["data"]["stations"]:
        docks = [{"vehicle_type_ids": ["kick"], "count": entry["num_docks_available"]}]
        entry["vehicle_docks_available"] = docks


FAULTS: dict[str, Fault] = {
    # Operators
    "304 for good": Fault(_unchanged, "unchanged", "silent"),
    "401": _failing(status(401), "key_needed", "refused"),
    "403": _failing(status(403), "key_needed", "refused"),
    "404": _failing(status(404), "not_found", "refused"),
    "410": _failing(status(410), "not_found", "refused"),
    "429": _failing(status(429), "too_many_requests"),
    "429 with Retry-After": _failing(status(429, {"Retry-After": "7200"}), "too_many_requests"),
    "500": _failing(status(500), "server_error"),
    "503": _failing(status(503), "server_error"),
    "TLS failure": Fault(_without_tls, "tls"),
    "slow loris": _failing(misbehaving.drips_body(), "too_slow"),
    "silence": _failing(misbehaving.silent(), "too_slow"),
    "hangs up": _failing(misbehaving.hangs_up(), "no_connection"),
    # Documents
    "0 bytes": _spoilt(lambda raw: b"", "empty_document"),
    "truncated": _spoilt(lambda raw: raw[: len(raw) // 2], "truncated"),
    "breaks off": Fault(lambda town: misbehaving.breaks_off(b"{"), "no_connection"),
    "HTML with status 200": _spoilt(lambda raw: b"<!doctype html><p>Maintenance", "web_page"),
    "no stations with a fresh date": _changed(_no_stations, "no_stations_now", "unreachable"),
    "duplicate keys": _spoilt(lambda raw: raw.replace(b'"ttl"', b'"ttl": 1, "ttl"', 1), "learnt", "live"),
    "NaN and Infinity": _spoilt(
        lambda raw: raw.replace(b"true", b"NaN", 1).replace(b"true", b"-Infinity", 1), "learnt", "live"
    ),
    "nested 10,000 deep": _spoilt(lambda raw: b"[" * 10_000 + b"]" * 10_000, "nested"),
    "50 MB": Fault(lambda town: misbehaving.zeros(50_000_000), "too_large", "refused"),
    "gzip bomb": Fault(lambda town: misbehaving.gzip_bomb(50_000_000), "too_large", "refused"),
    "false gzip": Fault(lambda town: misbehaving.falsely_gzipped(), "garbled", "refused"),
    "wrong charset": _spoilt(lambda raw: raw.replace(b'"0"', b'"0", "x": "\xe9"', 1), "learnt", "live"),
    "BOM": _spoilt(lambda raw: codecs.BOM_UTF8 + raw, "learnt", "live"),
    "redirect loop": Fault(lambda town: redirect("station_status.json"), "bad_redirect", "refused"),
    "redirect to another host": Fault(_to_localhost, "learnt", "live"),
    "redirect to no address": Fault(lambda town: redirect("file:///etc/passwd"), "bad_redirect", "refused"),
    # Vehicles
    "scooters beside the bikes": _changed(_with_types(("kick", 6)), "learnt"),
    "a type that nobody describes": _changed(_with_types(("ghost", 4)), "learnt"),
    "a type twice at a station": _changed(_with_types(("bike", 2)), "learnt"),
    "docks for scooters": _changed(_docks_for_scooters, "learnt"),
    # Time
    "frozen": Fault(_frozen, "unchanged", "silent"),
    "going back": Fault(_behind, "late", "silent"),
    "jumping ahead": _changed(
        lambda document: document.update(last_updated=document["last_updated"] + 7200), "learnt"
    ),
    "no time": _changed(lambda document: document.pop("last_updated"), "learnt"),
}
