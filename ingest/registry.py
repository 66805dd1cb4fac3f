"""Reads the list of systems to follow: packaged, or the operator's own, which replaces it or adds to it."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

import holidays
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from ingest.city.cities import CITIES
from ingest.http.client import Fetcher, names_private
from ingest.http.errors import FetchError
from ingest.settings import ROOT
from ingest.system import SIMULATED, System
from ingest.text import readable

PACKAGED = Path(__file__).with_name("systems.toml")


class RegistryError(Exception):
    """A list of systems that cannot be used. `words` say what to do."""

    def __init__(self, words: str) -> None:
        super().__init__(words)
        self.words = words


def check_address(url: str) -> str:
    """Give an address of a system as it is. Raises `ValueError` where it can be none."""
    if url.startswith(SIMULATED):
        name = url.removeprefix(SIMULATED)
        if name not in CITIES:
            raise ValueError(f"there is no made-up city {name!r}: choose among {', '.join(CITIES)}")
        return url
    try:
        parts = urlsplit(url)
    except ValueError:
        parts = urlsplit("")
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("give an address that begins with http:// or https://")
    return url


_LONGEST_NAME = 200
_Text = Annotated[str, StringConstraints(strip_whitespace=True, max_length=_LONGEST_NAME)]


def _readable(text: str) -> str:
    """Decode a name that somebody copied from a feed as it was."""
    return readable(text, _LONGEST_NAME)


class _Entry(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    id: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]
    name: Annotated[_Text, StringConstraints(min_length=1), AfterValidator(_readable)]
    city: Annotated[_Text, AfterValidator(_readable)] = ""
    country: Annotated[str, StringConstraints(pattern=r"^([A-Z]{2})?$")] = ""
    region: Annotated[str, StringConstraints(pattern=r"^([A-Z0-9]{1,3})?$")] = ""
    url: Annotated[str, AfterValidator(check_address)]
    poll_seconds: Annotated[float, Field(ge=0.1, le=86400, allow_inf_nan=False)] = 60
    speed: Annotated[float, Field(gt=0, le=86400, allow_inf_nan=False)] = 1
    label: Literal["", "replayed", "simulated"] = ""


_ADVICE = {
    "missing": "is missing: add it",
    "extra_forbidden": "is no key of a system: take it out or mend its spelling",
    "string_pattern_mismatch": "is not of the right form",
    "string_too_short": "is empty: fill it in",
}
_FORMS = {
    "id": "use letters, digits, dots, dashes and underscores only",
    "country": "use two capital letters, as in FR",
    "region": "use what follows the country in ISO 3166-2, as BY for DE-BY",
}


def load(source: str | None, fetcher: Fetcher) -> list[System]:
    """Read a list of systems: the packaged one, or the operator's own at a path or http(s) address.

    A list that says `add_to_default` adds to the packaged one; where both have an id, its own entry counts.

    Raises `RegistryError`, with advice on its first fault, when the list cannot be read or any entry in it is
    wrong: a worker that followed a part of the list would hide that a city is missing.
    """
    systems, faults = read(source, fetcher)
    if faults:
        raise RegistryError(faults[0])
    return systems


def read(source: str | None, fetcher: Fetcher) -> tuple[list[System], list[str]]:
    """Read a list of systems with all its faults; the systems are those of the entries without any.

    Raises `RegistryError` where there are no entries to read.
    """
    where = source or str(PACKAGED)
    return parse(_text(where, fetcher), where)


def parse(text: str, where: str) -> tuple[list[System], list[str]]:
    """Read the text of a list, see `read`; `where` names it."""
    try:
        listed = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise RegistryError(f"{where} is not TOML ({error}): write it like {PACKAGED}") from error
    entries = listed.pop("systems", None)
    adds = listed.pop("add_to_default", False)
    if not isinstance(entries, list) or not entries or listed or not isinstance(adds, bool):
        raise RegistryError(
            f"{where} must hold [[systems]] entries, before them add_to_default = true if you want, and "
            f"nothing else: write it like {PACKAGED}"
        )
    systems, faults = [], []
    for number, entry in enumerate(entries, start=1):
        try:
            systems.append(_system(entry, number, where))
        except RegistryError as error:
            faults.append(error.words)
    ids = [system.system_id for system in systems]
    faults += [f"{where} has the id {each!r} twice: give each system an id of its own"
               for each in sorted(set(ids)) if ids.count(each) > 1]  # fmt: skip
    if adds:
        default, _ = parse(PACKAGED.read_text("utf-8"), str(PACKAGED))
        systems = [system for system in default if system.system_id not in ids] + systems
    return systems, faults


def is_web(where: str) -> bool:
    """Tell whether a list or a system is at an http(s) address."""
    return where.startswith(("http://", "https://"))


def _text(where: str, fetcher: Fetcher) -> str:
    try:
        if is_web(where):
            document = fetcher.get(where)
            assert document is not None
            return document.body.decode("utf-8-sig")
        return (ROOT / Path(where).expanduser()).read_text("utf-8-sig")
    except FetchError as error:
        raise RegistryError(f"the list of systems cannot be had: {error}") from error
    except OSError as error:
        words = f"{where} cannot be read ({error.strerror}): check DOCKCAST_SYSTEMS"
        raise RegistryError(words) from error
    except UnicodeDecodeError as error:
        raise RegistryError(f"{where} is not UTF-8 text: save it as UTF-8") from error


def _system(entry: Any, number: int, where: str) -> System:
    called = f"system {number} of {where}"
    if isinstance(entry, dict) and isinstance(entry.get("id"), str):
        called = f"system {entry['id']!r} of {where}"
    try:
        read = _Entry.model_validate(entry)
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"]) or "the entry"
        advice = _ADVICE.get(first["type"], f"is wrong: {first['msg'].removeprefix('Value error, ')}")
        raise RegistryError(
            "; ".join(filter(None, (f"{called}: {key} {advice}", _FORMS.get(key))))
        ) from error
    if read.url.startswith(SIMULATED) and read.label != "simulated":
        raise RegistryError(f"{called}: label is not simulated: a made-up city has to say that it is one")
    if not read.label and read.poll_seconds < 60:
        raise RegistryError(f"{called}: poll_seconds is below 60: a live feed is asked once a minute at most")
    if not read.label and read.speed != 1:
        raise RegistryError(
            f"{called}: speed is not 1: only a replayed or simulated feed has another, label it"
        )
    if is_web(where) and not names_private(where) and is_web(read.url) and names_private(read.url):
        raise RegistryError(f"{where} names {read.url}, in your own network: a public list may not")
    if read.region and read.region not in holidays.list_supported_countries().get(read.country, ()):
        raise RegistryError(f"{called}: country {read.country!r} has no region {read.region!r} with holidays")
    return System(**{"system_id" if key == "id" else key: value for key, value in read.model_dump().items()})
