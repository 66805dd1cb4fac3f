"""Sends named attacks to a running server, page and API alike: the server refuses each, or it has no effect.

Most use a bare socket, since no proper client would send such requests.
"""

from __future__ import annotations

import gzip
import json
import resource
import socket
import sqlite3
from contextlib import ExitStack, closing, suppress
from dataclasses import dataclass
from urllib.parse import quote

import pytest
from streamlit.proto.BackMsg_pb2 import BackMsg
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Origin

from dashboard.web.page_limits import MOST_OF_A_CLIENT
from tests.support.browsing import ROOT, Site, Visit
from tests.support.processes import wait_for

FORECAST = "/api/systems/dublin/forecast"
EVIL = "evil.example"


@dataclass(frozen=True)
class Answer:
    """One answer: its status, its headers by lower-case name, its body."""

    status: int
    headers: dict[str, str]
    body: bytes


def send(site: Site, request: bytes) -> list[Answer]:
    """Send bytes as they are and read every answer until the server hangs up."""
    received = bytearray()
    with socket.create_connection(("127.0.0.1", site.port), timeout=20) as sock:
        with suppress(ConnectionError):  # a refusal may come before all is sent
            sock.sendall(request)
        with suppress(ConnectionError):
            while part := sock.recv(65536):
                received += part
    answers = []
    rest = bytes(received)
    while rest:
        head, _, rest = rest.partition(b"\r\n\r\n")
        status, *lines = head.decode("latin-1").split("\r\n")
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
        assert status.startswith("HTTP/1.1 "), status
        size = int(headers.get("content-length", len(rest)))
        answers.append(Answer(int(status.split()[1]), headers, rest[:size]))
        rest = rest[size:]
    return answers


def request(
    site: Site, target: str, *headers: str, method: str = "GET", host: str = "", body: bytes = b""
) -> bytes:
    """Write a proper request, apart from the given parts."""
    lines = (f"{method} {target} HTTP/1.1", f"Host: {host or f'127.0.0.1:{site.port}'}", "Connection: close")
    return "\r\n".join((*lines, *headers, "", "")).encode("latin-1") + body


def ask(site: Site, target: str, *headers: str, **more: str) -> Answer:
    """Send one request, and read its one answer."""
    (answer,) = send(site, request(site, target, *headers, **more))  # type: ignore[arg-type]
    return answer


def is_refused(answers: list[Answer]) -> bool:
    """Tell whether the server sent at most one refusal: a second answer would mean that smuggling worked."""
    return len(answers) <= 1 and all(400 <= answer.status < 502 for answer in answers)


def well(site: Site) -> bool:
    """Tell whether the server still answers other clients with both of its systems."""
    answer = ask(site, "/api/systems")
    return answer.status == 200 and len(json.loads(answer.body)["systems"]) == 2


def test_a_proper_request_is_answered(site: Site) -> None:
    """Without this, the other tests would pass for a server that refuses everything."""
    assert ask(site, f"{FORECAST}?minutes=30").status == 200
    assert ask(site, "/?city=dublin").status == 200
    assert ask(site, "/api/systems", host=f"localhost:{site.port}").status == 200
    assert ask(site, "/app/static/ground/harbourton-light.json").status == 200
    assert well(site)


# ---------------------------------------------------------------- smuggling

INNER = b"GET /api/systems HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
CHUNKED = b"0\r\n\r\n" + INNER


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        pytest.param(["Content-Length: 5", "Transfer-Encoding: chunked"], CHUNKED, id="length_and_chunks"),
        pytest.param(["Content-Length: 0", f"Content-Length: {len(INNER)}"], INNER, id="two_lengths"),
        pytest.param([f"Content-Length: 0, {len(INNER)}"], INNER, id="two_lengths_in_one"),
        pytest.param([f"Content-Length: +{len(INNER)}"], INNER, id="length_with_a_sign"),
        pytest.param(["Transfer-Encoding: identity, chunked"], CHUNKED, id="two_encodings"),
        pytest.param(["Transfer-Encoding: xchunked"], CHUNKED, id="unknown_encoding"),
        pytest.param(["Transfer-Encoding:\r\n chunked"], CHUNKED, id="folded_header"),
        pytest.param(["Transfer-Encoding : chunked"], CHUNKED, id="space_before_the_colon"),
        pytest.param(["X: a\rTransfer-Encoding: chunked"], CHUNKED, id="bare_carriage_return"),
        pytest.param(["X: a\0b"], b"", id="null_byte_in_a_header"),
        pytest.param([f"Content-Length: {len(INNER)}"], INNER, id="request_in_a_body"),
    ],
)
@pytest.mark.parametrize("target", ["/", "/api/systems"], ids=["page", "api"])
def test_smuggling(site: Site, target: str, headers: list[str], body: bytes) -> None:
    whole = request(site, target, *headers, body=body).replace(b"Connection: close\r\n", b"", 1)
    assert is_refused(send(site, whole))
    assert well(site)


@pytest.mark.parametrize(
    "start",
    [
        pytest.param("GET http://evil.example/api/systems HTTP/1.1", id="absolute_form"),
        pytest.param("CONNECT evil.example:443 HTTP/1.1", id="connect"),
        pytest.param("GET * HTTP/1.1", id="asterisk"),
        pytest.param("GET /api/systems\0 HTTP/1.1", id="null_byte"),
        pytest.param("GET /api/systems%00.json HTTP/1.1", id="encoded_null_byte"),
        pytest.param("GET //evil.example/%2f.. HTTP/1.1", id="two_slashes"),
        pytest.param("GET /api/systems", id="http_0_9"),
        pytest.param("PRI * HTTP/2.0", id="http_2_preface"),
    ],
)
def test_a_request_line_that_no_browser_sends(site: Site, start: str) -> None:
    whole = f"{start}\r\nHost: 127.0.0.1:{site.port}\r\nConnection: close\r\n\r\n"
    assert is_refused(send(site, whole.encode("latin-1")))


# ---------------------------------------------------------------- who is asked


@pytest.mark.parametrize(
    "host",
    [
        pytest.param(EVIL, id="dns_rebinding"),
        pytest.param(f"{EVIL}:8501", id="dns_rebinding_with_a_port"),
        pytest.param("localhost.evil.example", id="looks_like_home"),
        pytest.param("localhost/../evil", id="with_a_path"),
        pytest.param(f"localhost@{EVIL}", id="with_a_user"),
        pytest.param("localhost' ; script-src *", id="with_a_policy"),
        pytest.param("localhost, evil.example", id="two_in_one"),
        pytest.param("localhost\r\nHost: evil.example", id="two"),
    ],
)
@pytest.mark.parametrize("target", ["/", "/api/systems"], ids=["page", "api"])
def test_a_strangers_host(site: Site, target: str, host: str) -> None:
    assert is_refused(send(site, request(site, target, host=host)))


def test_forwarded_names_are_not_believed(site: Site) -> None:
    """A cache in front would serve a forged answer to every client."""
    forged = (f"X-Forwarded-Host: {EVIL}", f"Forwarded: host={EVIL}", f"X-Original-URL: /{EVIL}")
    for target in ("/", "/api/systems/dublin"):
        answer = ask(site, target, *forged)
        assert answer.status == 200
        assert EVIL not in str(answer)


# ---------------------------------------------------------------- cross-site


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "TRACE", "TRACK", "PROPFIND"])
@pytest.mark.parametrize("target", ["/", "/api/systems/dublin", "/_stcore/upload_file/a/b"])
def test_a_method_that_could_change_something(site: Site, target: str, method: str) -> None:
    assert ask(site, target, f"Origin: https://{EVIL}", "X-Secret: s3", method=method).status == 405


def test_a_method_override_header_is_ignored(site: Site) -> None:
    plain = ask(site, "/api/systems/dublin", method="HEAD")
    cloaked = ask(site, "/api/systems/dublin", "X-HTTP-Method-Override: DELETE", method="HEAD")
    assert (cloaked.status, cloaked.headers.get("etag")) == (200, plain.headers.get("etag"))


@pytest.mark.parametrize("path", ["interact", "mcp"])
def test_no_program_drives_the_pages(site: Site, path: str) -> None:
    target = f"/_stcore/agent/{path}"
    assert is_refused(send(site, request(site, target, "Content-Length: 2", method="POST", body=b"{}")))
    assert ask(site, target).status >= 400


def test_a_page_of_a_stranger_reads_no_more_than_what_is_public(site: Site) -> None:
    """Any page may read the API, without cookies. Only our own pages may read Streamlit's answers."""
    api = ask(site, "/api/systems", f"Origin: https://{EVIL}")
    assert api.headers["access-control-allow-origin"] == "*"
    assert "access-control-allow-credentials" not in api.headers
    for target in ("/", "/_stcore/host-config", "/_stcore/health"):
        assert "access-control-allow-origin" not in ask(site, target, f"Origin: https://{EVIL}").headers
    host = json.loads(ask(site, "/_stcore/host-config").body)
    assert host["allowedOrigins"] == []


@pytest.mark.parametrize(
    ("target", "origin", "host"),
    [
        pytest.param("/_stcore/stream", f"https://{EVIL}", "", id="cross_site_websocket_hijacking"),
        pytest.param("/_stcore/stream", "null", "", id="from_a_sandboxed_frame"),
        pytest.param("/_stcore/stream", "http://localhost:3000", "", id="from_another_server_here"),
        pytest.param("/_stcore/stream", "http://[", "", id="from_no_address"),
        pytest.param("/_stcore/stream", f"http://{EVIL}", EVIL, id="dns_rebinding"),
        pytest.param("/api/systems", "http://127.0.0.1", "", id="where_there_is_none"),
    ],
)
def test_a_strangers_websocket(site: Site, target: str, origin: str, host: str) -> None:
    upgrade = (
        "Upgrade: websocket", "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==",
        f"Origin: {origin}",
    )  # fmt: skip
    whole = request(site, target, *upgrade, host=host)
    (answer,) = send(site, whole.replace(b"Connection: close", b"Connection: Upgrade"))
    assert answer.status in (403, 404)


def talk(site: Site, client: str = "") -> ClientConnection:
    """Open a page's WebSocket, as its own script does; by a proxy where a client's address is given."""
    url, origin = f"ws://127.0.0.1:{site.port}/_stcore/stream", Origin(site.url.rstrip("/"))
    more = {"X-Forwarded-For": client} if client else {}
    return connect(
        url, origin=origin, additional_headers=more, open_timeout=20, close_timeout=1, max_size=2**24
    )


@pytest.mark.parametrize(
    "message",
    [
        pytest.param(b"\xff" * 100, id="no_message_of_ours"),
        pytest.param("text", id="text"),
        pytest.param(bytes(1_100_000), id="too_large"),
        pytest.param(bytes(21_000_000), id="far_too_large"),
    ],
)
def test_a_websocket_message_that_no_page_sends(site: Site, message: bytes | str) -> None:
    with talk(site) as page, pytest.raises(ConnectionClosed):  # noqa: PT012 - whichever notices it
        page.send(message)
        while True:
            assert "Traceback" not in str(page.recv(timeout=20))
    assert well(site)


def test_an_order_to_shut_down(site: Site) -> None:
    with talk(site) as page:
        page.send(BackMsg(debug_shutdown_runtime=True).SerializeToString())
        page.send(BackMsg(debug_disconnect_websocket=True).SerializeToString())
        assert page.ping().wait(20)
    assert well(site)


# ---------------------------------------------------------------- traversal

SECRETS = {path: (ROOT / path).read_bytes()[:60] for path in ("app.py", "ingest/settings.py", "Makefile")}


@pytest.mark.parametrize(
    "step",
    [
        "../",
        "..%2f",
        "%2e%2e/",
        "%2e%2e%2f",
        "%252e%252e%252f",
        "..\\",
        "..%5c",
        "....//",
        "..;/",
        "%c0%ae%c0%ae/",
    ],
)
@pytest.mark.parametrize(
    "folder",
    ["app/static/", "static/", "media/", "component/", "_stcore/bidi-components/x/", "api/frames/", ""],
)  # fmt: skip
def test_traversal(site: Site, folder: str, step: str) -> None:
    for path, secret in {**SECRETS, "etc/passwd": b"root:"}.items():
        for up in (1, 2, 6):
            answer = ask(site, f"/{folder}{step * up}{path}")
            assert secret not in answer.body
            assert answer.status >= 400 or answer.body == ask_for_the_shell(site)


def ask_for_the_shell(site: Site) -> bytes:
    """Get the page without content, which Streamlit serves for every unknown address."""
    return ask(site, "/").body


@pytest.mark.parametrize(
    "target", ["/app/static/", "/static/", "/app/static/ground", "/.git/config", "/data/dockcast.db"]
)
def test_no_folder_is_listed_and_no_file_beside_ours_given(site: Site, target: str) -> None:
    answer = ask(site, target)
    assert answer.status >= 300 or answer.body == ask_for_the_shell(site)


# ---------------------------------------------------------------- injection

SQL = ["dublin' OR '1'='1", "dublin'; DROP TABLE systems; --", 'dublin" UNION SELECT * FROM systems --', "%"]


@pytest.mark.parametrize("value", SQL)
@pytest.mark.parametrize(
    "target",
    [
        "/api/systems/{}",
        "/api/systems/{}/forecast",
        "/api/systems/dublin/stations/{}/forecast",
        "/api/systems/dublin/forecast?minutes={}",
        "/api/scores?system={}",
        "/api/scores?models={}",
        "/api/scores?since={}",
        "/api/findings?system={}",
        "/api/frames/{}/1/bike-1-near.json",
    ],
)
def test_sql_injection(site: Site, target: str, value: str) -> None:
    answer = ask(site, target.format(quote(value, safe="")))
    assert answer.status in (400, 404)
    assert b"sqlite" not in answer.body.lower()
    with closing(sqlite3.connect(site.world.url.removeprefix("sqlite:///"))) as store:
        assert store.execute("select count(*) from systems").fetchone() == (2,)


SCRIPT = "<script>window.pwned=1</script><img src=x onerror=window.pwned=1>"


@pytest.mark.parametrize(
    "target", ["/api/systems/{}", "/api/scores?format={}", "/api/{}", "/{}", "/?city={}", "/healthz/{}"]
)
def test_a_script_in_the_address_is_never_sent_as_one(site: Site, target: str) -> None:
    answer = ask(site, target.format(quote(SCRIPT, safe="")))
    assert answer.headers["x-content-type-options"] == "nosniff"
    if answer.headers["content-type"].startswith("text/html"):
        assert b"pwned" not in answer.body
    else:
        assert "script-src" not in answer.headers["content-security-policy"]
        assert "default-src 'none'" in answer.headers["content-security-policy"]


@pytest.mark.parametrize(
    "target", ["/api/systems/{}", "/{}", "/?city={}", "/app/static/{}", "/api/scores?since={}"]
)
def test_header_injection(site: Site, target: str) -> None:
    for ends in ("%0d%0a", "%0a", "%e5%98%8d%e5%98%8a", "\u0085".encode().decode("latin-1")):
        answer = ask(site, target.format(f"x{ends}Set-Cookie:%20pwned=1{ends}Location:%20//{EVIL}"))
        assert "pwned" not in answer.headers.get("set-cookie", "")
        assert "location" not in answer.headers


@pytest.mark.parametrize(
    "question",
    [
        pytest.param("__proto__[pwned]=1", id="prototype_pollution"),
        pytest.param("constructor.prototype.pwned=1", id="constructor_pollution"),
        pytest.param("callback=alert", id="jsonp"),
        pytest.param("format=../../etc/passwd", id="format_as_path"),
        pytest.param("minutes=30&minutes=60", id="parameter_twice"),
        pytest.param("minutes[]=30", id="parameter_as_list"),
        pytest.param("minutes=9" * 3, id="parameter_in_parameter"),
        pytest.param("minutes=1e9", id="number_in_disguise"),
        pytest.param("minutes=" + "9" * 5000, id="endless_number"),
        pytest.param("at=2026-03-02T08:55:00Z' --", id="time_and_more"),
    ],
)  # fmt: skip
def test_a_question_with_more_in_it(site: Site, question: str) -> None:
    answer = ask(site, f"{FORECAST}?{quote(question, safe='=&[].')}")
    assert answer.status == 400
    assert set(json.loads(answer.body)) == {"code", "error", "try"}


# ---------------------------------------------------------------- oversize


@pytest.mark.parametrize(
    ("target", "headers"),
    [
        pytest.param("/" + "a" * 9_000, [], id="address"),
        pytest.param("/api/systems?" + "a=1&" * 3_000, [], id="question"),
        pytest.param("/" + "a" * 200_000, [], id="endless_address"),
        pytest.param("/api/systems", ["X: " + "a" * 200_000], id="header"),
        pytest.param("/api/systems", [f"X-{i}: 1" for i in range(20_000)], id="headers"),
        pytest.param("/", ["Cookie: " + "; ".join(f"a{i}=1" for i in range(20_000))], id="cookies"),
        pytest.param("/app/static/style.css", ["Range: bytes=" + "0-,1-," * 500], id="ranges"),
    ],
)  # fmt: skip
def test_oversize(site: Site, target: str, headers: list[str]) -> None:
    assert is_refused(send(site, request(site, target, *headers)))
    assert well(site)


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        pytest.param(["Content-Length: 99999999999"], bytes(3_000_000), id="endless_body"),
        pytest.param(["Transfer-Encoding: chunked"], b"10000\r\n" + bytes(3_000_000), id="endless_chunks"),
        pytest.param(
            ["Content-Encoding: gzip", "Transfer-Encoding: chunked"],
            gzip.compress(bytes(50_000_000)), id="compressed_bomb",
        ),
    ],
)  # fmt: skip
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_body_is_not_even_read(site: Site, method: str, headers: list[str], body: bytes) -> None:
    assert is_refused(send(site, request(site, "/api/systems", *headers, method=method, body=body)))
    assert well(site)


def test_requests_beyond_the_limit_are_refused(site: Site) -> None:
    """Requests beyond the limit get 503; the others get their answers."""
    sockets = [socket.create_connection(("127.0.0.1", site.port), timeout=20) for _ in range(300)]
    try:
        for each in sockets:
            each.sendall(request(site, f"{FORECAST}?minutes=30"))
        statuses = set()
        for each in sockets:
            statuses.add(each.recv(65536).split()[1])
        assert statuses <= {b"200", b"503"}
        assert b"200" in statuses
    finally:
        for each in sockets:
            each.close()
    assert well(site)


def test_pages_beyond_what_there_is_are_refused_before_anything_else_is(site: Site) -> None:
    """254 open pages took the 1,024 descriptors that are usual: page and health check were reset for all."""
    assert site.process is not None
    allowed = resource.prlimit(site.process, resource.RLIMIT_NOFILE)
    resource.prlimit(site.process, resource.RLIMIT_NOFILE, (1024, allowed[1]))
    try:
        for _ in range(3):  # Streamlit keeps what 128 closed pages had
            with ExitStack() as pages:
                for _ in range(64):
                    wait_for(lambda: opened(site, pages))
                assert not opened(site, pages)
                idle = [socket.create_connection(("127.0.0.1", site.port), timeout=20) for _ in range(100)]
                assert ask(site, "/healthz/live").status == ask(site, "/").status == 200
                assert well(site)
                for each in idle:
                    each.close()
    finally:
        resource.prlimit(site.process, resource.RLIMIT_NOFILE, allowed)


def test_one_client_behind_a_proxy_has_few_pages(site: Site) -> None:
    with ExitStack() as pages:
        assert all(opened(site, pages, "8.8.8.8") for _ in range(MOST_OF_A_CLIENT))
        assert not opened(site, pages, "8.8.8.8")
        assert opened(site, pages, "8.8.4.4")
        assert opened(site, pages)


def opened(site: Site, pages: ExitStack, client: str = "") -> bool:
    """Open one more page; False where it is refused."""
    try:
        pages.enter_context(talk(site, client))
    except InvalidStatus:
        return False
    return True


# ---------------------------------------------------------------- in a browser


@pytest.mark.browser
def test_nothing_that_an_address_or_a_name_says_is_run(visit: Visit) -> None:
    """The name of station s0 holds a stranger's image. A request to that stranger fails this test."""
    evil = quote(SCRIPT, safe="")
    for query in (f"city={evil}&station={evil}", f"city=dublin&station=s0&in={evil}"):
        page = visit(f"?{query}&n={evil}&what={evil}&from={evil}")
        page.locator(".legend").wait_for()
        assert page.evaluate("window.pwned") is None
        assert page.locator("img[src=x]").count() == 0
