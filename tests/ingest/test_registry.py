"""Lists of systems, right and wrong."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

import tests.support.misbehaving as server_that
from ingest import public_catalogue
from ingest.city.cities import CITIES
from ingest.gbfs.feed import Feed
from ingest.http.client import Fetcher, names_private
from ingest.registry import RegistryError, load, read
from ingest.system import System
from tests.support.misbehaving import Misbehaving

GOOD = """
[[systems]]
id = "dublin"
name = "dublinbikes"
city = "Dublin"
country = "IE"
url = "https://bikes.example/gbfs.json"
"""


@pytest.fixture
def fetcher() -> Iterator[Fetcher]:
    made = Fetcher(seconds=5)
    yield made
    made.close()


def written(tmp_path: Path, text: str | bytes) -> str:
    path = tmp_path / "own.toml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return str(path)


def refusal(source: str | None, fetcher: Fetcher) -> str:
    with pytest.raises(RegistryError) as caught:
        load(source, fetcher)
    return caught.value.words


# ---------------------------------------------------------------- the packaged list


def listed(fetcher: Fetcher) -> tuple[list[System], list[System]]:
    """The packaged list: what is made up, and what is real."""
    systems = load(None, fetcher)
    return [s for s in systems if s.label], [s for s in systems if not s.label]


def test_the_packaged_list_is_followed_by_default(fetcher: Fetcher) -> None:
    made_up, systems = listed(fetcher)
    assert [system.system_id for system in made_up] == list(CITIES)
    assert {system.label for system in made_up} == {"simulated"}
    assert load(None, fetcher)[0] == made_up[0], "what comes with the app is there first"
    assert systems[0].city == "Toulouse"
    assert 24 <= len(systems) <= 30
    assert len({system.country for system in systems}) >= 15
    for system in systems:
        assert (system.label, system.speed, system.poll_seconds) == ("", 1, 60)
        assert system.url.startswith("https://")
        assert "key" not in system.url.lower()
        assert all((system.name, system.city, system.country))


def test_the_packaged_list_is_of_four_continents(fetcher: Fetcher) -> None:
    countries = {system.country for system in listed(fetcher)[1]}
    for continent in ({"FR", "IE", "ES"}, {"US", "CA", "MX"}, {"BR", "AR", "CL"}, {"JP", "AE"}):
        assert continent <= countries


def test_the_packaged_addresses_are_in_the_catalogue_and_need_no_key(
    fetcher: Fetcher, tmp_path: Path
) -> None:
    entries = {entry.url: entry for entry in public_catalogue.newest(tmp_path).entries}
    for system in listed(fetcher)[1]:
        entry = entries[system.url]
        assert entry.country == system.country
        assert not entry.needs_key


# ---------------------------------------------------------------- one's own list


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (
            'url = "simulated:atlantis"\nlabel = "simulated"',
            "there is no made-up city 'atlantis': choose among",
        ),
        ('url = "simulated:harbourton"', "label is not simulated"),
    ],
)
def test_a_made_up_city_is_known_and_says_what_it_is(
    tmp_path: Path, fetcher: Fetcher, more: str, words: str
) -> None:
    with pytest.raises(RegistryError, match=words):
        load(written(tmp_path, f'[[systems]]\nid = "x"\nname = "X"\n{more}\n'), fetcher)


def test_an_operators_list_replaces_the_packaged_one(tmp_path: Path, fetcher: Fetcher) -> None:
    assert load(written(tmp_path, GOOD), fetcher) == [
        System("dublin", "dublinbikes", "Dublin", "IE", "https://bikes.example/gbfs.json")
    ]


def test_an_operators_list_may_add_to_the_packaged_one(tmp_path: Path, fetcher: Fetcher) -> None:
    default, mine = load(None, fetcher), load(written(tmp_path, GOOD), fetcher)
    own = "add_to_default = true\n" + GOOD
    assert load(written(tmp_path, own), fetcher) == [
        row for row in default if row.system_id != "dublin"] + mine, "its own entry counts"  # fmt: skip
    assert "dublin" in {row.system_id for row in default}
    assert load(written(tmp_path, own.replace("true", "false")), fetcher) == mine
    assert "must hold" in refusal(written(tmp_path, own.replace("true", "1")), fetcher)


def test_all_faults_of_a_list_are_found_at_once(tmp_path: Path, fetcher: Fetcher) -> None:
    bad = GOOD.replace("name", "nam").replace('"dublin"', '"cork"') + GOOD.replace('"IE"', '"ie"')
    systems, faults = read(written(tmp_path, bad + GOOD), fetcher)
    assert [row.system_id for row in systems] == ["dublin"]
    assert len(faults) == 2
    assert "system 'cork'" in faults[0]
    assert "two capital letters" in faults[1]


def test_a_name_copied_from_a_feed_as_it_was_is_decoded(tmp_path: Path, fetcher: Fetcher) -> None:
    own = GOOD.replace("dublinbikes", "V&eacute;lo &amp; Co").replace('"Dublin"', '"MontrÃ©al"')
    (system,) = load(written(tmp_path, own), fetcher)
    assert (system.name, system.city) == ("Vélo & Co", "Montréal")


def test_a_system_may_name_its_region(tmp_path: Path, fetcher: Fetcher) -> None:
    own = GOOD.replace('"IE"', '"DE"') + 'region = "BY"\n'
    (system,) = load(written(tmp_path, own), fetcher)
    assert (system.country, system.region) == ("DE", "BY")
    words = refusal(written(tmp_path, own.replace('"BY"', '"ENG"')), fetcher)
    assert "country 'DE' has no region 'ENG' with holidays" in words
    words = refusal(written(tmp_path, own.replace('"BY"', '"Bayern"')), fetcher)
    assert "use what follows the country in ISO 3166-2" in words


def test_a_list_with_a_byte_order_mark_is_read(tmp_path: Path, fetcher: Fetcher) -> None:
    assert len(load(written(tmp_path, b"\xef\xbb\xbf" + GOOD.encode()), fetcher)) == 1


def test_a_replayed_system_has_its_own_pace(tmp_path: Path, fetcher: Fetcher) -> None:
    own = GOOD + 'poll_seconds = 1\nspeed = 60\nlabel = "replayed"\n'
    (system,) = load(written(tmp_path, own), fetcher)
    assert (system.poll_seconds, system.speed, system.label) == (1, 60, "replayed")


def test_city_and_country_may_be_left_out(tmp_path: Path, fetcher: Fetcher) -> None:
    own = '[[systems]]\nid = "a"\nname = "A"\nurl = "http://localhost:8600/a/gbfs.json"\n'
    (system,) = load(written(tmp_path, own), fetcher)
    assert (system.city, system.country) == ("", "")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        pytest.param(('id = "dublin"\n', ""), "system 1 of .*: id is missing: add it", id="no_id"),
        pytest.param(('name = "dublinbikes"\n', ""), "system 'dublin' of .*: name is missing", id="no_name"),
        pytest.param(('"dublinbikes"', '" "'), "name is empty: fill it in", id="empty_name"),
        pytest.param(
            ('url = "https://bikes.example/gbfs.json"\n', ""), "url is missing: add it", id="no_url"
        ),
        pytest.param(("https://", "ftp://"), "url is wrong: .*begins with http:// or https://", id="ftp"),
        pytest.param(("https://bikes", "https:/bikes"), "begins with http:// or https://", id="no_host"),
        pytest.param(("https://bikes", "https://[bikes"), "begins with http:// or https://", id="broken"),
        pytest.param(('"dublin"', '"../etc"'), "use letters, digits, dots", id="id_with_slash"),
        pytest.param(('"dublin"', "7"), "id is wrong: .*valid string", id="id_a_number"),
        pytest.param(('"IE"', '"Ireland"'), "two capital letters, as in FR", id="country_in_full"),
        pytest.param(("city", "town"), "town is no key of a system", id="misspelt_key"),
        pytest.param(('city = "Dublin"', "poll_seconds = 5"), "once a minute at most", id="live_and_hurried"),
        pytest.param(('city = "Dublin"', "poll_seconds = nan"), "poll_seconds is wrong", id="nan"),
        pytest.param(
            ('city = "Dublin"', "speed = 60"), "speed is not 1: only a replayed", id="live_and_fast"
        ),
        pytest.param(('city = "Dublin"', 'label = "live"'), "'replayed' or 'simulated'", id="label"),
        pytest.param(("[[systems]]", "[[system]]"), r"must hold \[\[systems\]\] entries", id="wrong_table"),
        pytest.param(("[[systems]]", "[systems]"), r"must hold \[\[systems\]\] entries", id="one_table"),
        pytest.param((GOOD, ""), r"must hold \[\[systems\]\] entries", id="empty"),
        pytest.param((GOOD, "systems = [5]"), "system 1 of .*: the entry", id="entry_is_a_number"),
        pytest.param((GOOD, "[[systems"), "is not TOML .*: write it like", id="not_toml"),
        pytest.param(
            (GOOD, 2 * GOOD), "the id 'dublin' twice: give each system an id of its own", id="twice"
        ),
    ],
)
def test_a_wrong_list_says_what_to_do(
    tmp_path: Path, fetcher: Fetcher, change: tuple[str, str], words: str
) -> None:
    message = refusal(written(tmp_path, GOOD.replace(*change)), fetcher)
    assert re.search(words, message), message
    assert "own.toml" in message
    assert len(message.splitlines()) == 1


def test_a_list_that_is_not_there_says_what_to_check(tmp_path: Path, fetcher: Fetcher) -> None:
    for path in (tmp_path / "none.toml", tmp_path):
        assert "check DOCKCAST_SYSTEMS" in refusal(str(path), fetcher)


def test_a_list_that_is_not_utf_8_says_so(tmp_path: Path, fetcher: Fetcher) -> None:
    assert "save it as UTF-8" in refusal(written(tmp_path, "# Zürich".encode("latin-1")), fetcher)


def test_a_list_may_be_served(server: Misbehaving, fetcher: Fetcher) -> None:
    server.at("/systems.toml", server_that.tagged(GOOD.encode(), '"1"'))
    for _ in range(2):
        assert [s.system_id for s in load(server.url("/systems.toml"), fetcher)] == ["dublin"]


def test_a_served_list_that_cannot_be_had_says_why(server: Misbehaving, fetcher: Fetcher) -> None:
    assert "HTTP 404" in refusal(server.url("/systems.toml"), fetcher)


def test_a_public_list_may_not_name_private_addresses(
    server: Misbehaving, fetcher: Fetcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The list's own address is taken for a public one here."""
    monkeypatch.setattr("ingest.registry.names_private", lambda url: ":1/" in url and names_private(url))
    server.at("/systems.toml", server_that.body(GOOD.replace("bikes.example", "127.0.0.1:1").encode()))
    assert "in your own network: a public list may not" in refusal(server.url("/systems.toml"), fetcher)


# ---------------------------------------------------------------- the real world


@pytest.mark.live
@pytest.mark.parametrize("system_id", ["toulouse", "new-york"])
def test_a_real_system_is_polled(system_id: str) -> None:
    fetcher = Fetcher()
    system = next(system for system in load(None, fetcher) if system.system_id == system_id)
    poll = Feed(system, fetcher, lambda: datetime.now(UTC)).poll()
    assert poll.snapshot is not None
    assert len(poll.stations) > 200
    assert (poll.snapshot.bikes >= 0).mean() > 0.9
    assert abs((poll.snapshot.at - poll.received_at).total_seconds()) < 600
