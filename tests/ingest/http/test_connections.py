"""Connections: kept for the next poll, few at a host and few in all, with one look at who may certify."""

from __future__ import annotations

import gc
import os
import shutil
import ssl
import subprocess
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import requests

import tests.support.misbehaving as server_that
from ingest.http import connections, errors
from ingest.http.client import Fetcher
from tests.support.misbehaving import Misbehaving
from tests.support.processes import wait_for


@pytest.fixture
def hosts() -> Iterator[Misbehaving]:
    """A server that is many hosts: 127.0.0.1, 127.0.0.2 and so on."""
    with Misbehaving("") as running:
        running.at("/a", server_that.body(b"{}"))
        yield running


def test_polls_of_one_host_share_a_connection(hosts: Misbehaving) -> None:
    fetcher = Fetcher()
    for _ in range(20):
        assert fetcher.get(hosts.url("/a"))
    assert len(hosts.asked) == 20
    assert hosts.connections == 1


def test_a_proxy_of_the_environment_is_asked_except_for_hosts_that_it_leaves_out(
    hosts: Misbehaving, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    class Proxy(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(200)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"[]")

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Proxy) as proxy:
        threading.Thread(target=proxy.serve_forever, daemon=True).start()
        for name in ("HTTP_PROXY", "http_proxy"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.server_port}")
        for name in ("NO_PROXY", "no_proxy"):
            monkeypatch.setenv(name, "127.0.0.1")
        fetcher = Fetcher()
        for _ in range(2):
            through, beside = fetcher.get("http://feeds.example/a"), fetcher.get(hosts.url("/a"))
            assert through is not None
            assert beside is not None
            assert (through.body, beside.body) == (b"[]", b"{}")
        proxy.shutdown()
    assert asked == ["http://feeds.example/a"] * 2


def test_the_environment_is_read_once_a_host(hosts: Misbehaving, monkeypatch: pytest.MonkeyPatch) -> None:
    read, real = [], requests.sessions.get_environ_proxies

    def noted(url: str, no_proxy: str | None = None) -> dict[str, str]:
        read.append(url)
        return real(url, no_proxy)

    monkeypatch.setattr(requests.sessions, "get_environ_proxies", noted)
    fetcher, other = Fetcher(), hosts.url("/a", host="127.0.0.2")
    for url in (hosts.url("/a"), other, hosts.url("/a"), other):
        assert fetcher.get(url)
    assert read == [hosts.url("").rstrip("/"), other.removesuffix("/a")]


def test_polls_at_one_time_keep_no_more_connections_to_a_host_than_a_host_has(hosts: Misbehaving) -> None:
    fetcher, before = Fetcher(), _open_files()
    together = threading.Barrier(20)

    def poll(_: int) -> None:
        together.wait(30)
        assert fetcher.get(hosts.url("/a"))

    with ThreadPoolExecutor(20) as threads:
        list(threads.map(poll, range(20)))
        wait_for(lambda: _open_files() <= before + 2 * connections.KEPT_AT_A_HOST)  # ours, and the server's
        first = hosts.connections
        list(threads.map(lambda _: fetcher.get(hosts.url("/a")), range(connections.KEPT_AT_A_HOST)))
        assert hosts.connections == first


def test_many_hosts_leave_few_open_files(hosts: Misbehaving, monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine often allows a process 1,024 of them."""
    monkeypatch.setattr(connections, "HOSTS_KEPT", 5)
    fetcher, before = Fetcher(), _open_files()
    for number in range(60):
        assert fetcher.get(hosts.url("/a", host=f"127.0.1.{number + 1}"))
    assert hosts.connections == 60

    def are_few() -> bool:
        gc.collect()
        return _open_files() <= before + 2 * 5

    wait_for(are_few)


def test_many_polls_have_one_thread_for_their_deadlines(hosts: Misbehaving) -> None:
    hosts.at("/slow", server_that.silent())
    fetcher = Fetcher(seconds=0.5)

    def poll(number: int) -> None:
        with pytest.raises(errors.TooSlow):
            fetcher.get(hosts.url("/slow", host=f"127.0.2.{number + 1}"))

    with ThreadPoolExecutor(20, thread_name_prefix="poll") as threads:
        polls = [threads.submit(poll, number) for number in range(20)]
        wait_for(lambda: hosts.connections == 20)
        others = [thread.name for thread in threading.enumerate() if thread.name == "deadlines"]
        timers = [thread for thread in threading.enumerate() if isinstance(thread, threading.Timer)]
        for each in polls:
            each.result()
    assert len(others) == 1
    assert timers == []


def test_a_host_that_does_not_answer_in_time_is_not_asked_again_at_once(hosts: Misbehaving) -> None:
    """A second try would hold a thread of the pool for twice as long."""
    hosts.at("/slow", server_that.silent())
    fetcher = Fetcher(seconds=20)
    fetcher._timeout = (1, 0.2)
    with pytest.raises(errors.NoAnswer):
        fetcher.get(hosts.url("/slow"))
    assert hosts.times("/slow") == 1


def _open_files() -> int:
    return len(os.listdir("/proc/self/fd"))


# ---------------------------------------------------------------- TLS


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate for 127.0.0.1 to 127.0.0.3 that nobody else trusts, with its key beside it."""
    if shutil.which("openssl") is None:
        pytest.skip("needs the openssl command")
    folder = tmp_path_factory.mktemp("tls")
    names = ",".join(f"IP:127.0.0.{n}" for n in (1, 2, 3))
    command = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=test"
    command += f" -keyout key.pem -out certificate.pem -addext subjectAltName={names}"
    subprocess.run(command.split(), cwd=folder, check=True, capture_output=True)
    return folder / "certificate.pem"


@pytest.fixture
def safe_hosts(hosts: Misbehaving, certificate: Path) -> Misbehaving:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, certificate.with_name("key.pem"))
    hosts.socket = context.wrap_socket(hosts.socket, server_side=True)
    return hosts


def _https(server: Misbehaving, host: str) -> str:
    return server.url("/a", host=host).replace("http://", "https://")


def test_authorities_are_read_once_for_many_hosts(
    safe_hosts: Misbehaving, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """To read them takes 19 ms: at 1,500 new connections a minute half a core would do nothing else."""
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate))
    reads, load = [], ssl.SSLContext.load_verify_locations

    def counted(self: ssl.SSLContext, *args: str, **more: str) -> None:
        reads.append(args or more)
        load(self, *args, **more)

    monkeypatch.setattr(ssl.SSLContext, "load_verify_locations", counted)
    for fetcher in (Fetcher(), Fetcher()):
        for host in ("127.0.0.1", "127.0.0.2", "127.0.0.3"):
            assert fetcher.get(_https(safe_hosts, host))
    assert safe_hosts.connections == 6
    assert len(reads) == 1


def test_a_certificate_that_nobody_trusts_is_refused(safe_hosts: Misbehaving) -> None:
    with pytest.raises(errors.TlsFailure):
        Fetcher().get(_https(safe_hosts, "127.0.0.1"))
    assert safe_hosts.asked == []


def test_a_certificate_for_another_host_is_refused(
    safe_hosts: Misbehaving, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate))
    with pytest.raises(errors.TlsFailure):
        Fetcher().get(_https(safe_hosts, "127.0.0.4"))
    assert safe_hosts.asked == []
