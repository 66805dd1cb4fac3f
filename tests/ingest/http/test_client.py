"""Fetching from servers that misbehave: each test is named for what happened."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import urllib3

import tests.support.misbehaving as server_that
from ingest.http import client, connections, errors
from ingest.http.client import Document, Fetcher
from ingest.http.errors import FetchError
from tests.support.misbehaving import Behaviour, Misbehaving

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


@pytest.fixture
def fetcher() -> Iterator[Fetcher]:
    made = Fetcher(lambda: NOW, seconds=5, max_bytes=1_000_000)
    yield made
    made.close()


@pytest.fixture
def hasty() -> Iterator[Fetcher]:
    """A fetcher that waits no longer than a test may."""
    made = Fetcher(lambda: NOW, seconds=0.4)
    yield made
    made.close()


def got(fetcher: Fetcher, url: str, **given: Any) -> Document:
    document = fetcher.get(url, **given)
    assert document is not None
    return document


def test_a_document_comes_with_the_time_of_its_receipt(server: Misbehaving, fetcher: Fetcher) -> None:
    server.at("/a", server_that.body(b'{"a": 1}'))
    document = got(fetcher, server.url("/a"))
    assert (document.body, document.received_at, document.url) == (b'{"a": 1}', NOW, server.url("/a"))
    assert document.seconds > 0
    assert server.asked[0][1]["User-Agent"].startswith("Dockcast/")


def test_a_packed_document_is_unpacked(server: Misbehaving, fetcher: Fetcher) -> None:
    server.at("/a", server_that.gzipped(b"[]" * 1000))
    assert got(fetcher, server.url("/a")).body == b"[]" * 1000


@pytest.mark.parametrize(
    "behaviour",
    [
        pytest.param(server_that.tagged(b"{}", '"v1"'), id="etag"),
        pytest.param(server_that.dated(b"{}", "Sun, 01 Mar 2026 11:59:00 GMT"), id="last_modified"),
    ],
)
def test_304_is_no_document_unless_the_caller_lost_his(
    server: Misbehaving, fetcher: Fetcher, behaviour: Behaviour
) -> None:
    server.at("/a", behaviour)
    held = got(fetcher, server.url("/a"))
    assert held.body == b"{}"
    assert fetcher.get(server.url("/a"), validators=held.validators) is None
    assert got(fetcher, server.url("/a")).body == b"{}"


def test_a_document_that_lost_its_etag_is_fetched_whole_again(server: Misbehaving, fetcher: Fetcher) -> None:
    server.at("/a", server_that.tagged(b"1", '"v1"'), server_that.body(b"2"))
    first = got(fetcher, server.url("/a"))
    second = got(fetcher, server.url("/a"), validators=first.validators)
    assert second.body == b"2"
    assert (first.validators, second.validators) == ({"If-None-Match": '"v1"'}, {})
    assert ["If-None-Match" in headers for _, headers in server.asked] == [False, True]


def test_a_long_etag_is_not_kept(server: Misbehaving, fetcher: Fetcher) -> None:
    """65 kB of it, at ever new addresses, took 532 MB in 20 hours."""
    server.at("/a", server_that.tagged(b"1", '"' + "v" * 199 + '"'))
    assert got(fetcher, server.url("/a")).validators == {}


def test_304_to_a_request_without_conditions_is_no_answer(server: Misbehaving, fetcher: Fetcher) -> None:
    server.at("/a", server_that.status(304))
    with pytest.raises(errors.UnexpectedStatus):
        fetcher.get(server.url("/a"))


@pytest.mark.parametrize(
    ("code", "error"),
    [
        (400, errors.UnexpectedStatus),
        (401, errors.KeyNeeded),
        (403, errors.KeyNeeded),
        (404, errors.NotFound),
        (410, errors.NotFound),
        (429, errors.TooManyRequests),
        (500, errors.ServerError),
        (503, errors.ServerError),
    ],
)
def test_a_status_is_an_error_without_the_text_of_the_page(
    server: Misbehaving, fetcher: Fetcher, code: int, error: type[FetchError]
) -> None:
    server.at("/a", server_that.status(code))
    with pytest.raises(error) as caught:
        fetcher.get(server.url("/a?key=hunter2"))
    assert str(code) in str(caught.value)
    assert "hunter2" not in str(caught.value)
    assert len(str(caught.value)) < 150
    assert caught.value.retry_after is None
    assert server.times("/a?key=hunter2") == 1, "a refusal must not be asked again at once"


@pytest.mark.parametrize(
    ("header", "wait"),
    [
        pytest.param("120", timedelta(minutes=2), id="seconds"),
        pytest.param("Sun, 01 Mar 2026 12:05:00 GMT", timedelta(minutes=5), id="date"),
        pytest.param("Sun, 01 Mar 2026 13:05:00 +0100", timedelta(minutes=5), id="date_with_zone"),
        pytest.param("Sun, 01 Mar 2020 12:05:00 GMT", timedelta(0), id="date_that_is_over"),
        pytest.param("99999999999999999999", timedelta(days=1), id="for_ever"),
        pytest.param("-5", None, id="negative"),
        pytest.param("soon", None, id="no_time"),
        pytest.param("²", None, id="no_ascii_digit"),
    ],
)
@pytest.mark.parametrize("code", [429, 503])
def test_retry_after_is_read(
    server: Misbehaving, fetcher: Fetcher, code: int, header: str, wait: timedelta | None
) -> None:
    server.at("/a", server_that.status(code, {"Retry-After": header}))
    with pytest.raises(FetchError) as caught:
        fetcher.get(server.url("/a"))
    assert caught.value.retry_after == wait


@pytest.mark.parametrize(
    "behaviour",
    [
        pytest.param(server_that.drips_body(), id="body"),
        pytest.param(server_that.drips_headers(), id="headers"),
        pytest.param(server_that.drips_chunk_size(), id="chunk_size"),
    ],
)
def test_slow_loris_is_cut_though_each_byte_comes_in_time(
    server: Misbehaving, hasty: Fetcher, behaviour: Behaviour
) -> None:
    server.at("/a", behaviour)
    with pytest.raises(errors.TooSlow) as caught:
        hasty.get(server.url("/a"))
    assert str(caught.value) == "127.0.0.1 took longer than 0.4 seconds"
    assert not server.listened_to_the_end


def test_a_server_that_says_nothing_is_too_slow(server: Misbehaving, hasty: Fetcher) -> None:
    server.at("/a", server_that.silent())
    with pytest.raises(errors.TooSlow):
        hasty.get(server.url("/a"))


def test_one_slow_server_does_not_spoil_the_next_request(server: Misbehaving, hasty: Fetcher) -> None:
    server.at("/slow", server_that.drips_body())
    server.at("/a", server_that.body(b"{}"))
    with pytest.raises(errors.TooSlow):
        hasty.get(server.url("/slow"))
    assert got(hasty, server.url("/a")).body == b"{}"


def test_a_document_that_breaks_off_is_no_document(server: Misbehaving, fetcher: Fetcher) -> None:
    server.at("/a", server_that.breaks_off(b'{"a": '))
    with pytest.raises(errors.NoConnection, match="broke"):
        fetcher.get(server.url("/a"))


def test_a_server_that_hangs_up_once_gets_a_second_request(server: Misbehaving, fetcher: Fetcher) -> None:
    """A kept connection may be closed by the server just as we use it."""
    server.at("/a", server_that.hangs_up(), server_that.body(b"{}"))
    assert got(fetcher, server.url("/a")).body == b"{}"


def test_a_server_that_always_hangs_up_is_given_up(
    server: Misbehaving, fetcher: Fetcher, caplog: pytest.LogCaptureFixture
) -> None:
    server.at("/a", server_that.hangs_up())
    with pytest.raises(errors.NoConnection):
        fetcher.get(server.url("/a?key=hunter2"))
    assert server.times("/a?key=hunter2") == 2
    assert "hunter2" not in caplog.text


@pytest.mark.parametrize(
    "behaviour",
    [
        pytest.param(server_that.zeros(2_000_000), id="as_it_is"),
        pytest.param(server_that.gzip_bomb(200_000_000), id="gzip_bomb"),
    ],
)
def test_a_document_too_large_is_not_read_to_its_end(
    server: Misbehaving, fetcher: Fetcher, behaviour: Behaviour
) -> None:
    server.at("/a", behaviour)
    with pytest.raises(errors.TooLarge, match="more than 1 MB"):
        fetcher.get(server.url("/a"))


def test_50_megabytes_are_more_than_any_feed_has(server: Misbehaving) -> None:
    server.at("/a", server_that.gzip_bomb(50_000_000))
    with pytest.raises(errors.TooLarge):
        Fetcher().get(server.url("/a"))


def test_gzip_that_is_none_is_garbled(server: Misbehaving, fetcher: Fetcher) -> None:
    server.at("/a", server_that.falsely_gzipped())
    with pytest.raises(errors.Garbled):
        fetcher.get(server.url("/a"))


def test_nobody_listens(fetcher: Fetcher) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        with pytest.raises(errors.NoConnection, match="does not accept connections"):
            fetcher.get(f"http://127.0.0.1:{free.getsockname()[1]}/")


def test_a_name_that_does_not_exist(fetcher: Fetcher) -> None:
    with pytest.raises(errors.UnknownHost, match=r"nobody\.invalid"):
        fetcher.get("http://nobody.invalid/gbfs.json?key=hunter2")


def test_tls_with_a_server_that_has_none_fails(server: Misbehaving, fetcher: Fetcher) -> None:
    with pytest.raises(errors.TlsFailure, match="certificate or TLS"):
        fetcher.get(server.url("/a").replace("http://", "https://"))


@pytest.mark.parametrize(
    "url",
    [
        "ftp://example.org/gbfs.json",
        "file:///etc/passwd",
        "gbfs.json",
        "",
        "http://",
        "http://[broken/",
        "http://a..b/",
        "http://localhost:99999/",
        f"http://{'a' * 70}.example/",
    ],
)
def test_a_text_that_is_no_web_address_is_refused(fetcher: Fetcher, url: str) -> None:
    with pytest.raises(errors.BadAddress):
        fetcher.get(url)


def test_passwords_in_an_address_stay_out_of_the_words(fetcher: Fetcher) -> None:
    for url in ("ftp://user:hunter2@example.org/", "http://user:hunter2@nobody.invalid/"):
        with pytest.raises(FetchError) as caught:
            fetcher.get(url)
        assert "hunter2" not in str(caught.value)


# ---------------------------------------------------------------- redirects


def test_a_redirect_is_followed(server: Misbehaving, fetcher: Fetcher) -> None:
    server.at("/old", server_that.redirect("/new", 301))
    server.at("/new", server_that.body(b"{}"))
    assert got(fetcher, server.url("/old")).body == b"{}"


def test_a_redirect_to_another_host_is_followed(server: Misbehaving, fetcher: Fetcher) -> None:
    server.at("/a", server_that.redirect(server.url("/b", host="localhost")))
    server.at("/b", server_that.body(b"{}"))
    assert got(fetcher, server.url("/a")).body == b"{}"


def test_the_page_that_comes_with_a_redirect_is_not_read(server: Misbehaving, hasty: Fetcher) -> None:
    server.at("/a", server_that.redirect_with_endless_page("/b"))
    server.at("/b", server_that.body(b"{}"))
    assert got(hasty, server.url("/a")).body == b"{}"


def test_a_redirect_in_a_circle_is_left(server: Misbehaving, fetcher: Fetcher) -> None:
    server.at("/a", server_that.redirect("/b"))
    server.at("/b", server_that.redirect("/a"))
    with pytest.raises(errors.BadRedirect, match="circle"):
        fetcher.get(server.url("/a"))


def test_redirects_without_end_are_left(server: Misbehaving, fetcher: Fetcher) -> None:
    for step in range(20):
        server.at(f"/{step}", server_that.redirect(f"/{step + 1}"))
    with pytest.raises(errors.BadRedirect, match="more than 5"):
        fetcher.get(server.url("/0"))


@pytest.mark.parametrize("to", ["file:///etc/passwd", "http://[broken/", "http://"])
def test_a_redirect_to_no_web_address_is_left(server: Misbehaving, fetcher: Fetcher, to: str) -> None:
    server.at("/a", server_that.redirect(to))
    with pytest.raises((errors.BadRedirect, errors.BadAddress)):
        fetcher.get(server.url("/a"))


# ---------------------------------------------------------------- private addresses

PUBLIC = "https://gbfs.example.org/gbfs.json"


def test_a_public_feed_cannot_make_us_ask_a_private_address(server: Misbehaving, fetcher: Fetcher) -> None:
    server.at("/a", server_that.body(b"{}"))
    with pytest.raises(errors.PrivateAddress, match=r"127\.0\.0\.1 lies in a private network"):
        fetcher.get(server.url("/a"), named=PUBLIC)
    assert not server.asked


def test_an_open_port_of_ours_looks_like_a_closed_one(server: Misbehaving, fetcher: Fetcher) -> None:
    """A feed that names ports of ours in turn would learn from our page which of them are open."""
    with socket.create_server(("127.0.0.1", 0)) as closed:
        ports = closed.getsockname()[1], server.server_address[1]
    words = set()
    for port in ports:
        with pytest.raises(errors.PrivateAddress) as caught:
            fetcher.get(f"http://127.0.0.1:{port}/a", named=PUBLIC)
        words.add((caught.value.outcome, str(caught.value)))
    assert len(words) == 1
    assert server.connections == 0


def test_of_a_name_with_public_and_private_addresses_the_public_ones_are_asked(
    server: Misbehaving, fetcher: Fetcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    """127.0.0.2 plays a public address."""
    resolve = socket.getaddrinfo
    both = [*resolve("127.0.0.1", server.server_address[1], 0, socket.SOCK_STREAM)]
    both += resolve("127.0.0.2", server.server_address[1], 0, socket.SOCK_STREAM)
    monkeypatch.setattr(
        socket, "getaddrinfo", lambda host, *rest: both if host == "two.example" else resolve(host, *rest)
    )
    monkeypatch.setattr(connections, "is_private", lambda address: address != "127.0.0.2")
    with pytest.raises(errors.NotListening):  # the server listens at 127.0.0.1 alone
        fetcher.get(server.url("/a", host="two.example"), named=PUBLIC)
    assert server.connections == 0


def test_all_addresses_of_a_host_have_one_time_limit(hasty: Fetcher, monkeypatch: pytest.MonkeyPatch) -> None:
    """Four addresses that do not answer turned 4 s into 32."""
    waits = []

    def black_hole(address: tuple[str, int], timeout: float, **_: object) -> None:
        waits.append(timeout)
        time.sleep(timeout)
        raise TimeoutError

    resolve = socket.getaddrinfo
    four = [each for n in range(1, 5) for each in resolve(f"192.0.2.{n}", 80, 0, socket.SOCK_STREAM)]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_: four)
    monkeypatch.setattr(urllib3.util.connection, "create_connection", black_hole)
    hasty._timeout = (0.2, 5)
    with pytest.raises(errors.TooSlow):
        hasty.get("http://four.example/a", named="http://localhost/")
    assert len(waits) == 4
    assert sum(waits) <= 0.2 + 4 * 0.001


def test_a_public_name_that_resolves_to_a_private_address_is_refused(
    server: Misbehaving, fetcher: Fetcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    resolve = socket.getaddrinfo
    monkeypatch.setattr(socket, "getaddrinfo", lambda host, *rest: resolve("127.0.0.1", *rest))
    with pytest.raises(errors.PrivateAddress):
        fetcher.get(server.url("/a", host="rebound.example.org"))
    assert not server.asked


def test_a_redirect_to_a_private_address_is_refused(
    server: Misbehaving, fetcher: Fetcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first server plays a public one here."""
    private = iter([False, True])
    monkeypatch.setattr(connections, "is_private", lambda address: next(private))
    with Misbehaving() as inner:
        inner.at("/b", server_that.body(b"{}"))
        server.at("/a", server_that.redirect(inner.url("/b")))
        with pytest.raises(errors.PrivateAddress):
            fetcher.get(server.url("/a"), named=PUBLIC)
        assert server.times("/a") == 1
        assert not inner.asked


def test_a_connection_made_for_the_operator_does_not_serve_a_stranger(
    server: Misbehaving, fetcher: Fetcher
) -> None:
    server.at("/a", server_that.body(b"{}"))
    assert got(fetcher, server.url("/a")).body == b"{}"
    with pytest.raises(errors.PrivateAddress):
        fetcher.get(server.url("/a"), named=PUBLIC)


@pytest.mark.parametrize(
    ("address", "private"),
    [
        ("127.0.0.1", True),
        ("10.1.2.3", True),
        ("172.16.0.1", True),
        ("192.168.1.1", True),
        ("169.254.169.254", True),
        ("100.64.0.1", True),
        ("0.0.0.0", True),
        ("224.0.0.1", True),
        ("::1", True),
        ("fe80::1%eth0", True),
        ("fd00::1", True),
        ("::ffff:127.0.0.1", True),
        ("64:ff9b::a9fe:a9fe", True),
        ("2002:a00:1::1", True),
        ("2001:0:4136:e378:8000:63bf:f5ff:fffe", True),
        ("192.0.0.192", True),
        ("168.63.129.16", True),
        ("::ffff:168.63.129.16", True),
        ("fec0::1", True),
        ("64:ff9b:1::7f00:1", True),
        ("::7f00:1", True),
        ("::ffff:8.8.8.8", False),
        ("64:ff9b::808:808", False),
        ("8.8.8.8", False),
        ("2606:4700::1111", False),
    ],
)
def test_private_addresses_are_known(address: str, private: bool) -> None:
    assert connections.is_private(address) is private


@pytest.mark.parametrize(
    ("url", "private"),
    [
        ("http://localhost:8600/a", True),
        ("http://127.0.0.1:8600/a", True),
        ("http://[::1]:8600/a", True),
        ("http://feeds:8600/a", True),
        ("http://bikes.internal/a", True),
        ("https://gbfs.example.org/a", False),
        ("https://localhost.example.org/a", False),
        ("https://8.8.8.8/a", False),
    ],
)
def test_a_host_is_private_by_what_the_operator_wrote(url: str, private: bool) -> None:
    assert client.names_private(url) is private


def test_every_error_has_a_kind_of_its_own() -> None:
    def below(error: type[FetchError]) -> list[type[FetchError]]:
        return [error] + [found for child in error.__subclasses__() for found in below(child)]

    kinds = [error.kind for error in below(FetchError) if "kind" in vars(error)]
    assert len(kinds) == len(set(kinds))
    groups = [error for error in below(FetchError) if "kind" not in vars(error)]
    assert groups == [errors.Unreachable, errors.Refused], "which are never raised themselves"
