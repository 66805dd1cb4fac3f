"""Following by command: what is followed, what is refused and why, and every docked system of a catalogue."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

import tests.support.misbehaving as server_that
from ingest import asking
from ingest.asking import NotFollowedError
from ingest.following import Followed, Follower
from ingest.gbfs.survey import survey
from ingest.http.client import Fetcher
from ingest.public_catalogue import CatalogueEntry, PublicCatalogue
from ingest.store import Store
from ingest.system import System
from tests.support.gbfs_world import STATION_FEEDS, feed_list, holding, information, place, status, wrap
from tests.support.misbehaving import Behaviour, Misbehaving
from tests.support.store_world import DUBLIN, store_url

Json = dict[str, Any]
VIRTUAL = [place("1", is_virtual_station=True, capacity=...)]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = Store(store_url(tmp_path))
    opened.systems.follow([DUBLIN])
    yield opened
    opened.close()


class Town:
    """A server with many small feeds, and a catalogue of them."""

    def __init__(self, server: Misbehaving, store: Store) -> None:
        self.server = server
        self.store = store
        self.entries: list[CatalogueEntry] = []
        self.fetcher = Fetcher(seconds=2)

    @property
    def follower(self) -> Follower:
        catalogue = PublicCatalogue(date(2026, 11, 24), tuple(self.entries))
        return Follower(self.store, catalogue, self.fetcher, lambda: datetime.now(UTC))

    def feed(
        self, folder: str, places: list[Json] | None = None, counts: list[Json] | None = None, **about: Any
    ) -> str:
        """Serve a feed without a defect, unless places or counts have one; give its address."""
        address = self.server.url(f"/{folder}")
        feeds = feed_list(*STATION_FEEDS, "system_information", at=address)
        now = {"last_updated": int(datetime.now(UTC).timestamp())}
        documents = {
            "gbfs": wrap({"en": {"feeds": feeds}}),
            "station_information": information(*(places or [place("1"), place("2")])),
            "station_status": status(*(counts or [holding("1"), holding("2")]), **now),
            "system_information": wrap(
                {"system_id": folder, "name": folder.title(), "timezone": "Europe/Paris"} | about
            ),
        }
        for document, content in documents.items():
            self.server.at(f"/{folder}/{document}.json", server_that.document(content))
        return f"{address}/gbfs.json"

    def answers(self, name: str, behaviour: Behaviour) -> str:
        """Answer for a discovery document in a way of its own; give its address."""
        self.server.at(f"/{name}/gbfs.json", behaviour)
        return self.server.url(f"/{name}/gbfs.json")

    def put(self, system_id: str, url: str, **more: Any) -> None:
        """Put a system into the catalogue."""
        self.entries.append(CatalogueEntry(system_id, system_id.title(), "Here", "FR", url, **more))

    def followed(self) -> list[str]:
        return [system.system_id for system in self.store.systems.followed()]

    def refused(self, what: str) -> NotFollowedError:
        """Try to follow; check that nothing is written."""
        before = self.store.systems.known()
        with pytest.raises(NotFollowedError) as caught:
            self.follower.follow(what)
        assert self.store.systems.known() == before
        assert len(str(caught.value).splitlines()) == 1
        return caught.value


@pytest.fixture
def town(server: Misbehaving, store: Store) -> Iterator[Town]:
    made = Town(server, store)
    yield made
    made.fetcher.close()


# ---------------------------------------------------------------- one system


@pytest.mark.both
def test_an_address_is_followed_under_the_id_and_name_that_the_feed_has(town: Town) -> None:
    url = town.feed("ville", name="V&eacute;lo, Ville")
    followed = town.follower.follow(url)
    assert followed.system == System("ville", "Vélo, Ville", "", "FR", url)
    assert followed.found is not None
    assert (followed.found.stations, followed.found.docked) == (2, 2)
    assert town.store.systems.followed() == [DUBLIN, followed.system]


def test_an_id_of_the_catalogue_is_followed_as_the_catalogue_has_it(town: Town) -> None:
    url = town.feed("other")
    town.put("Pony_Liège", url)
    assert town.follower.follow("pony_liège").system == System("Pony_Liege", "Pony_Liège", "Here", "FR", url)


def test_an_address_of_the_catalogue_has_the_catalogues_id_and_place(town: Town) -> None:
    url = town.feed("other")
    town.put("velo", url)
    assert town.follower.follow(url).system == System("velo", "Velo", "Here", "FR", url)


def test_an_id_that_is_taken_gets_a_number(town: Town) -> None:
    for name in ("one", "two"):
        town.follower.follow(town.feed(name, system_id="dublin"))
    assert town.followed() == ["dublin", "dublin-2", "dublin-3"]


def test_a_feed_that_has_moved_goes_on_under_its_id_once_the_old_address_is_unfollowed(town: Town) -> None:
    town.follower.follow(town.feed("old", system_id="velo"))
    assert town.follower.unfollow("velo").system_id == "velo"
    url = town.feed("new", system_id="velo")
    assert town.follower.follow(url).system.system_id == "velo"
    assert town.store.systems.followed()[-1].url == url


def test_what_was_unfollowed_is_followed_again_as_it_was(town: Town) -> None:
    """A replay keeps its pace, and a played city need not be asked."""
    replay = System("replay", "Replay", "Here", "FR", town.feed("replay"), 0.5, 60, "replayed")
    made_up = System("port", "Port", "Port", "IE", "simulated:port", label="simulated")
    town.store.systems.follow([replay, made_up])
    for what in (replay.url, "port"):
        town.follower.unfollow(what)
    assert town.followed() == []
    assert town.follower.follow("port") == Followed(made_up, None)
    assert town.follower.follow("replay").system == replay
    assert town.store.systems.followed() == [made_up, replay]


# ---------------------------------------------------------------- what is refused


def test_what_is_followed_already_is_said_with_its_id(town: Town) -> None:
    url = town.feed("ville")
    town.put("catalogued", url)
    town.follower.follow("catalogued")
    for what, words in ((url, ", as catalogued"), ("catalogued", ""), ("dublin", "")):
        error = town.refused(what)
        assert (error.cause, str(error)) == (
            "followed", f"{what} is followed already{words}: there is nothing to do"
        )  # fmt: skip
    town.put("again", url)
    assert "again is followed already, as catalogued" in str(town.refused("again"))


def test_an_id_that_nobody_knows_says_where_to_look(town: Town) -> None:
    town.put("toulouse", "https://t.example/gbfs.json")
    error = town.refused("tulouse")
    assert error.cause == "unknown"
    assert str(error).startswith("nobody knows tulouse (did you mean toulouse?); search the public catalogue")


def test_an_id_that_the_catalogue_has_twice_asks_for_an_address(town: Town) -> None:
    """So has La Rochelle."""
    for number in (1, 2):
        town.put("rochelle", f"https://r{number}.example/gbfs.json")
    words = str(town.refused("rochelle"))
    assert words.endswith("https://r1.example/gbfs.json or https://r2.example/gbfs.json")


def test_a_system_that_needs_a_key_by_the_catalogue_is_not_asked(town: Town) -> None:
    town.put("locked", town.feed("locked"), needs_key=True, key_info="https://keys.example")
    error = town.refused("locked")
    assert (error.cause, town.server.asked) == ("key", [])
    assert "ask its operator for an address that has the key in it" in str(error)
    assert "https://keys.example" in str(error)


FLOATING = server_that.document(wrap({"en": {"feeds": feed_list("free_bike_status")}}))


@pytest.mark.parametrize(
    ("answer", "cause", "words"),
    [
        pytest.param(server_that.body(b"<html>"), "not_gbfs", "give the address of its", id="web_page"),
        pytest.param(server_that.body(b"id: 1"), "not_gbfs", "give the address of its", id="not_json"),
        pytest.param(server_that.document({"a": 1}), "not_gbfs", "give the address of its", id="other_json"),
        pytest.param(server_that.status(404), "not_gbfs", "HTTP 404.*; check it", id="not_found"),
        pytest.param(server_that.status(401), "key", "ask the operator for an address that has", id="key"),
        pytest.param(server_that.status(503), "away", "try again later", id="broken"),
        pytest.param(server_that.silent(), "away", "try again later", id="silent"),
        pytest.param(server_that.hangs_up(), "away", "try again later", id="hangs_up"),
        pytest.param(
            FLOATING, "no_docks", "has no stations: its bikes float freely", id="free_floating"
        ),
        pytest.param(
            server_that.document(wrap({"en": {"feeds": feed_list("station_information")}})),
            "unusable", "names no station status", id="no_status"
        ),
    ],
)  # fmt: skip
def test_an_address_that_cannot_be_followed_says_what_to_do(
    town: Town, answer: Behaviour, cause: str, words: str
) -> None:
    error = town.refused(town.answers("odd", answer))
    assert error.cause == cause
    assert re.search(words, str(error)), str(error)


def test_a_text_that_is_no_address_says_so(town: Town) -> None:
    for what in ("bikes.example/gbfs.json", "ftp://bikes.example/gbfs.json", "https:///gbfs.json"):
        error = town.refused(what)
        assert error.cause == "not_gbfs"
        assert "begins with http:// or https://" in str(error)


def test_a_system_of_virtual_stations_alone_has_no_docks(town: Town) -> None:
    error = town.refused(town.feed("zones", VIRTUAL, [holding("1", 4, 0)]))
    assert error.cause == "no_docks"
    assert "all 1 stations are virtual and tell no docks" in str(error)


def test_what_is_not_followed_cannot_be_unfollowed(town: Town) -> None:
    with pytest.raises(NotFollowedError, match=r"dublinn is not followed \(did you mean dublin\?\)"):
        town.follower.unfollow("dublinn")
    assert town.followed() == ["dublin"]


# ---------------------------------------------------------------- every docked system


def causes(town: Town) -> dict[str, str]:
    """Follow all; give what came of each."""
    outcomes = town.follower.follow_all(town.follower.round().to_ask, threading.Event())
    return {
        entry.system_id: "yes" if isinstance(answer, Followed) else answer.cause for entry, answer in outcomes
    }


@pytest.mark.both
def test_all_docked_systems_without_a_key_are_followed_and_the_others_named(town: Town) -> None:
    for number in range(5):
        town.put(f"town{number}", town.feed(f"town{number}"))
    town.put("zones", town.feed("zones", VIRTUAL, [holding("1", 4, 0)]))
    town.put("floating", town.answers("floating", FLOATING))
    town.put("broken", town.answers("broken", server_that.status(500)))
    town.put("elsewhere", "http://127.0.0.2:1/gbfs.json")
    town.put("locked", town.feed("locked"), needs_key=True)
    town.follower.follow("town0")
    town.follower.follow("town1")
    town.follower.unfollow("town1")

    work = town.follower.round()
    assert [entry.system_id for entry in work.already] == ["town0"]
    assert [entry.system_id for entry in work.unfollowed] == ["town1"], "a command took it out"
    assert [entry.system_id for entry in work.keyed] == ["locked"]
    assert causes(town) == {
        "town2": "yes", "town3": "yes", "town4": "yes", "zones": "no_docks", "floating": "no_docks",
        "broken": "away", "elsewhere": "away",
    }  # fmt: skip
    assert sorted(town.followed()) == ["dublin", "town0", "town2", "town3", "town4"]

    before, asked = town.store.systems.known(), len(town.server.asked)
    assert causes(town) == {
        "zones": "no_docks",
        "floating": "no_docks",
        "broken": "away",
        "elsewhere": "away",
    }
    assert town.store.systems.known() == before, "it is safe to run again"
    assert len(town.server.asked) == asked + 6, "what is followed is not asked again"


def test_what_was_followed_stays_when_the_rest_is_given_up(town: Town) -> None:
    for number in range(50):
        town.put(f"town{number}", town.feed(f"town{number}"))
    outcomes = town.follower.follow_all(town.follower.round().to_ask, threading.Event())
    for _ in range(3):
        next(outcomes)
    outcomes.close()  # as an interrupt does
    followed = town.followed()
    assert len(followed) == 4
    assert len(town.follower.round().to_ask) == 47
    assert set(causes(town).values()) == {"yes"}
    assert len(town.followed()) == 51
    assert town.followed()[:4] == followed


def test_a_host_is_asked_one_system_at_a_time_and_given_up_when_it_does_not_answer(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(8):
        town.put(f"silent{number}", town.answers(f"silent{number}", server_that.status(503)))
    town.put("well", f"http://localhost:{town.server.server_address[1]}/well/gbfs.json")
    town.feed("well")
    running, most = [0], [0]

    def counted(system: System, *more: Any) -> Any:
        is_ours = "127.0.0.1" in system.url
        running[0] += is_ours
        most[0] = max(most[0], running[0])
        try:
            return survey(system, *more)
        finally:
            running[0] -= is_ours

    monkeypatch.setattr(asking, "survey", counted)
    found = causes(town)
    assert found == {f"silent{number}": "away" for number in range(8)} | {"well": "yes"}
    assert most == [1]
    assert len([path for path, _ in town.server.asked if path.startswith("/silent")]) == 3


def test_systems_of_one_id_are_followed_under_two(town: Town) -> None:
    for number in (1, 2):
        town.put("rochelle", town.feed(f"r{number}"))
    assert causes(town) == {"rochelle": "yes"}
    assert town.followed() == ["dublin", "rochelle", "rochelle-2"]
    assert causes(town) == {}


def test_fifteen_hundred_systems_are_asked_and_those_that_answer_followed(town: Town) -> None:
    """As many as the world's catalogue has, most of them on a hundred hosts that are down."""
    url = town.feed("town")
    for number in range(1500):
        town.put(
            f"t{number}", f"{url if number < 60 else f'http://127.0.1.{number % 100}:1/gbfs.json'}?{number}"
        )
    found = causes(town)
    assert [sum(answer == cause for answer in found.values()) for cause in ("yes", "away")] == [60, 1440]
    assert len(town.followed()) == 61
    assert len(town.follower.round().to_ask) == 1440
