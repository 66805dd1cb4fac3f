"""Checks the defences that SECURITY.md names: source, settings, headers, logs, files."""

from __future__ import annotations

import ast
import asyncio
import io
import json
import logging
import os
import re
import resource
import subprocess
import sys
import tomllib
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pandas as pd
import pytest
from starlette.types import Message, Receive, Scope, Send
from streamlit import config

from dashboard.web import page_limits, request_guard
from dashboard.web.request_guard import RequestGuard, policy
from ingest import logs, open_files
from ingest.store.export import csv

ROOT = Path(__file__).resolve().parents[1]
ROOMS = ("model", "ingest", "dashboard")
SOURCES = [ROOT / "app.py", *(path for room in ROOMS for path in sorted((ROOT / room).rglob("*.py")))]
SECRET = "hunter2"

# ---------------------------------------------------------------- the source

RUNS_WHAT_IT_READS = {"pickle", "cPickle", "_pickle", "marshal", "shelve", "dill", "cloudpickle", "joblib"}
NEVER_CALLED = {
    "eval",
    "exec",
    "compile",
    "__import__",
    "read_pickle",
    "to_pickle",
    "markdown",
    "system",
    "popen",
}


def walk(path: Path) -> list[ast.AST]:
    return list(ast.walk(ast.parse(path.read_text(encoding="utf-8"))))


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_nothing_that_is_read_can_run(path: Path) -> None:
    """No pickle, no eval, no shell; no Markdown, in which a station's name would call a stranger's server."""
    for node in walk(path):
        if isinstance(node, ast.Import | ast.ImportFrom):
            names = {getattr(node, "module", None) or "", *(alias.name for alias in node.names)}
            assert not {name.partition(".")[0] for name in names} & RUNS_WHAT_IT_READS
        if isinstance(node, ast.Call):
            whole = ast.unparse(node.func)
            name = whole.rpartition(".")[2]
            assert name not in NEVER_CALLED or whole in ("re.compile",), whole
            keywords = {word.arg: ast.unparse(word.value) for word in node.keywords}
            assert whole != "np.load" or keywords.get("allow_pickle") == "False"
            assert keywords.get("shell", "False") == "False"
            assert not {"unsafe_allow_html", "unsafe_allow_javascript"} & set(keywords)


def test_the_search_for_code_that_can_run_finds_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.modules[__name__], "ROOT", tmp_path)
    for bad in ("import pickle", "from marshal import loads", "np.load(f)", "st.markdown(name)", "eval(x)",
                "subprocess.run(x, shell=True)"):  # fmt: skip
        (tmp_path / "bad.py").write_text(bad)
        with pytest.raises(AssertionError):
            test_nothing_that_is_read_can_run(tmp_path / "bad.py")


# ---------------------------------------------------------------- settings

HARDENED = {
    "client.showErrorDetails": "none",
    "client.showErrorLinks": "false",
    "client.allowedOrigins": [],
    "client.disableDataExport": True,
    "client.toolbarMode": "viewer",
    "server.enableCORS": True,
    "server.enableXsrfProtection": True,
    "server.enableAgentApi": False,
    "server.enableWebsocketCompression": False,
    "server.allowRunOnSave": False,
    "server.fileWatcherType": "none",
    "server.maxUploadSize": 1,
    "server.maxWidgetStateSize": 1,
    "server.maxMessageSize": 20,
    "browser.gatherUsageStats": False,
}


@pytest.mark.parametrize(("name", "value"), HARDENED.items())
def test_streamlit_is_hardened_by_an_option_that_exists(name: str, value: Any) -> None:
    section, option = name.split(".")
    settings = tomllib.loads((ROOT / ".streamlit" / "config.toml").read_text(encoding="utf-8"))
    assert settings[section][option] == value
    assert name in config._config_options_template


# ---------------------------------------------------------------- the guard


class App:
    """Answers every request with a page, or holds it until it is let go."""

    def __init__(self, kind: bytes = b"text/html; charset=utf-8", status: int = 200) -> None:
        named = [(b"content-type", kind), (b"referrer-policy", b"unsafe-url")] if kind else []
        self.start: Message = {"type": "http.response.start", "status": status, "headers": named}
        self.go = asyncio.Event()
        self.go.set()
        self.open = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.open += 1
        await self.go.wait()
        if scope["type"] == "http":
            await send(self.start)
            await send({"type": "http.response.body", "body": b"", "more_body": False})


async def ask(
    guard: RequestGuard, host: str = "localhost", kind: str = "http", scheme: str = "http"
) -> list[Message]:
    messages: list[Message] = []

    async def receive() -> Message:
        return {"type": f"{kind}.disconnect"}

    async def send(message: Message) -> None:
        messages.append(message)

    scope = {
        "type": kind,
        "method": "GET",
        "path": "/",
        "raw_path": b"/",
        "query_string": b"",
        "scheme": scheme,
    }
    await guard({**scope, "headers": [(b"host", host.encode())]}, receive, send)
    return messages


def answer(guard: RequestGuard, **more: str) -> tuple[int, dict[str, str]]:
    start = asyncio.run(ask(guard, **more))[0]
    return start["status"], {name.decode(): value.decode() for name, value in start["headers"]}


@pytest.mark.parametrize(
    ("hosts", "host", "status"),
    [
        ("", "127.0.0.1:8501", 200),
        ("", "[::1]:8501", 200),
        ("", "203.0.113.7", 200),
        ("", "dockcast", 200),
        ("", "dockcast.local.", 200),
        ("", "bikes.example.org", 421),
        ("bikes.example.org", "bikes.example.org", 200),
        ("a.example, Bikes.example.org", "BIKES.example.org.", 200),
        ("bikes.example.org", "evil-bikes.example.org", 421),
        ("*.example.org", "bikes.example.org", 200),
        ("*.example.org", "example.org", 421),
        ("*.example.org", "bikes-example.org", 421),
        ("*", "anything.example", 200),
        ("*", "any thing", 421),
        ("*", "", 421),
    ],
)
def test_it_answers_to_the_names_it_was_given(hosts: str, host: str, status: int) -> None:
    assert answer(RequestGuard(App(), hosts), host=host)[0] == status


def test_every_answer_tells_the_browser_to_be_careful() -> None:
    for guard, host in ((RequestGuard(App()), "localhost"), (RequestGuard(App()), "evil.example")):
        _, headers = answer(guard, host=host)
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["x-frame-options"] == "SAMEORIGIN"
        assert headers["referrer-policy"] == "same-origin"
        assert "geolocation=(self)" in headers["permissions-policy"]
        assert headers["cross-origin-opener-policy"] == "same-origin"
        assert "frame-ancestors" in headers["content-security-policy"]
        assert "strict-transport-security" not in headers


def test_behind_tls_a_browser_is_told_to_keep_to_it() -> None:
    """Without TLS the header is not there."""
    guard = RequestGuard(App())
    assert answer(guard, scheme="https")[1]["strict-transport-security"] == "max-age=31536000"
    assert "strict-transport-security" not in answer(guard)[1]


def test_a_page_that_is_kept_keeps_its_policy() -> None:
    """An answer 304 has no type. With the policy for other files, a reload of the page showed nothing."""
    assert "content-security-policy" not in answer(RequestGuard(App(b"", 304)))[1]


def test_a_page_may_run_its_own_scripts_alone() -> None:
    directives = dict(part.split(" ", 1) for part in policy("localhost:8501").split("; "))
    assert directives["default-src"] == "'none'"
    scripts = directives["script-src"].split()
    assert scripts[:3] == ["'self'", "blob:", "'wasm-unsafe-eval'"]
    assert all(script.startswith("'sha256-") for script in scripts[3:])
    assert len(scripts) > 3, "Streamlit's page has a script of its own"
    assert "https:" not in policy("localhost")


@pytest.mark.parametrize(
    ("style", "sources"),
    [
        ("plain", ()),
        ("streets", ("https://*.cartocdn.com",)),
        ("https://maps.example.org/style.json", ("https:",)),
        ("http://maps.lan/style.json", ("http:", "https:")),
    ],
)
def test_the_map_loads_from_the_operators_map_server(style: str, sources: tuple[str, ...]) -> None:
    header = answer(RequestGuard(App(), map_style=style))[1]["content-security-policy"]
    assert header == policy("localhost", sources)


def test_requests_beyond_the_limit_are_told_when_to_come_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(request_guard, "MOST_REQUESTS", 2)
    monkeypatch.setattr(page_limits, "MOST_PAGES", 2)

    async def crowd(kind: str) -> list[list[Message]]:
        app = App()
        guard = RequestGuard(app)
        app.go.clear()
        first = [asyncio.create_task(ask(guard, kind=kind)) for _ in range(2)]
        while app.open < 2:
            await asyncio.sleep(0)
        refused = await ask(guard, kind=kind)
        app.go.set()
        await asyncio.gather(*first)
        return [refused, await ask(guard, kind=kind)]

    refused, later = asyncio.run(crowd("http"))
    assert (refused[0]["status"], later[0]["status"]) == (503, 200)
    assert (b"retry-after", b"1") in refused[0]["headers"]
    refused, later = asyncio.run(crowd("websocket"))
    assert refused == [{"type": "websocket.close", "code": 1008}]
    assert later == []


@pytest.mark.parametrize(
    ("allowed", "pages"), [(-1, 1000), (20_000, 1000), (4768, 1000), (1024, 64), (256, 1)]
)
def test_the_most_pages_follow_from_the_descriptors(
    allowed: int, pages: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(resource, "getrlimit", lambda _: (allowed, allowed))
    assert page_limits.most_pages() == pages


@pytest.mark.parametrize(
    ("most", "raised"), [(resource.RLIM_INFINITY, 8192), (20_000, 8192), (4096, 4096), (1024, None)]
)
def test_a_process_allows_itself_the_descriptors_that_it_may_have(
    most: int, raised: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_to: list[tuple[int, int]] = []
    monkeypatch.setattr(resource, "getrlimit", lambda _: (1024, most))
    monkeypatch.setattr(resource, "setrlimit", lambda _, limits: set_to.append(limits))
    open_files.raise_limit()
    assert set_to == ([] if raised is None else [(raised, most)])


@pytest.mark.parametrize(
    ("clients", "refused"),
    [
        (["8.8.8.8"] * 3, True),
        (["8.8.8.8", "8.8.8.8", "8.8.4.4"], False),
        (["2606:4700::1", "2606:4700::2", "2606:4700::3"], True),
        (["127.0.0.1"] * 3, False),
        ([None] * 3, False),
    ],
    ids=["one", "two", "one_network", "proxy", "unknown"],
)
def test_one_client_has_few_pages(
    clients: list[str | None], refused: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A proxy on this machine that does not say whose request it is stands for everybody."""
    monkeypatch.setattr(page_limits, "MOST_OF_A_CLIENT", 2)
    pages = page_limits.OpenPages()
    names = [page_limits.client_of(client) for client in clients]
    assert [pages.enter(name) for name in names] == [True, True, not refused]
    pages.leave(names[0])
    assert pages.enter(names[2])


def test_a_page_that_asks_all_the_time_waits_between_its_messages(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ten sockets with fifty messages a second each made API and health check answer after nine seconds."""
    now, read = [100.0], []

    async def sleep(seconds: float) -> None:
        now[0] += seconds

    async def app(_: Scope, receive: Receive, __: Send) -> None:
        while (await receive())["type"] != "websocket.disconnect":
            read.append(now[0] - 100)

    messages = iter([{"type": "websocket.connect"}, *[{"type": "websocket.receive"}] * 100])

    async def receive() -> Message:
        return next(messages, {"type": "websocket.disconnect"})

    async def send(_: Message) -> None:
        raise AssertionError("refused")

    monkeypatch.setattr(request_guard, "asyncio", SimpleNamespace(sleep=sleep))
    monkeypatch.setattr(request_guard, "time", SimpleNamespace(monotonic=lambda: now[0]))
    asyncio.run(RequestGuard(app)({"type": "websocket", "headers": [(b"host", b"localhost")]}, receive, send))
    assert read == [0.0] * 41 + [number / 4 for number in range(1, 61)]


# ---------------------------------------------------------------- files for spreadsheets


@pytest.mark.parametrize(
    "name", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\n=1", "＝1+1", '=HYPERLINK("//x")']
)
def test_no_name_is_a_formula(name: str) -> None:
    table = pd.DataFrame({"name": ["Quay", name, None], "mae": [0.5, -0.5, 1.0]})
    read = pd.read_csv(io.BytesIO(csv(table)))
    assert read["name"][1] == "'" + name
    assert read["name"][0] == "Quay"
    assert b"\n=" not in csv(table.replace({name: "Quay\r=1+1"})).replace(b"\r", b"\n")
    assert read["mae"].tolist() == [0.5, -0.5, 1.0]


# ---------------------------------------------------------------- logs


@pytest.mark.parametrize(
    "line",
    [
        f"cannot connect to postgresql+psycopg://dockcast:{SECRET}@db:5432/dockcast",
        f"GET https://gbfs.example.org/gbfs.json?token={SECRET} failed",
        f"Max retries exceeded with url: /gbfs.json?lang=en&key={SECRET} (Caused by NewConnectionError())",
        f"connection failed: user=dockcast password={SECRET} host=db",
        f"{{'password': '{SECRET}'}}",
    ],
)
@pytest.mark.parametrize("style", [logs.Plain(), logs.Json()], ids=["plain", "json"])
def test_no_secret_is_logged(style: logging.Formatter, line: str) -> None:
    try:
        raise OSError(line)
    except OSError:
        record = logging.LogRecord("x", logging.ERROR, "", 0, "%s", (line,), sys.exc_info())
    written = style.format(record)
    assert SECRET not in written
    assert "OSError" in written


def test_lines_that_repeat_are_folded() -> None:
    """Malformed selections wrote 840 kB of tracebacks in eight seconds."""
    folded, at = logs.Folded(), 0.0

    def written(message: str, *args: object, error: type[Exception] | None = None) -> str | None:
        exc = (error, error(), None) if error else None
        record = logging.LogRecord("x", logging.ERROR, "", 0, message, args, exc)
        record.created = at
        return record.getMessage() if folded.filter(record) else None

    for number in range(100):
        line = written("a page failed", error=ValueError)
        assert (line is not None) == (number < 3)
    assert written("a page failed", error=KeyError)
    assert all(written("%s: live", city) for city in "abcdef")
    assert [written("the same") is not None for _ in range(5)] == [True] * 3 + [False] * 2
    at = 61.0
    assert written("a page failed", error=ValueError) == "a page failed (and 97 times more meanwhile)"
    assert written("a page failed", error=ValueError) == "a page failed"
    at = -3600.0
    assert written("the same") == "the same (and 2 times more meanwhile)"
    for number in range(2000):
        written(f"line {number}")
    assert len(folded._seen) <= 1000


def test_a_log_line_in_json_has_time_level_logger_message_and_system() -> None:
    token = logs.system.set("dublin")
    try:
        record = logging.LogRecord(
            "ingest.worker.tick", logging.WARNING, "", 0, "two\nlines of %s", ("it",), None
        )
        line = logs.Json().format(record)
    finally:
        logs.system.reset(token)
    logged = json.loads(line)
    assert "\n" not in line
    assert logged.pop("time").endswith("+00:00")
    assert logged == {
        "level": "warning", "logger": "ingest.worker.tick", "message": "two\nlines of it", "system": "dublin",
    }  # fmt: skip


def test_a_worker_without_its_store_does_not_log_the_password() -> None:
    env = {
        "DOCKCAST_STORE": f"postgresql+psycopg://dockcast:{SECRET}@127.0.0.1:1/dockcast",
        "DOCKCAST_LOG_FORMAT": "json",
    }
    command = [sys.executable, "-m", "ingest", "run"]
    ended = subprocess.run(
        command, cwd=ROOT, env=os.environ | env, capture_output=True, timeout=60, check=False
    )
    output = (ended.stdout + ended.stderr).decode()
    assert ended.returncode == 2
    assert "Error: " in output
    assert SECRET not in output
    assert "Traceback" not in output


# ---------------------------------------------------------------- the threat model


def test_every_test_that_the_threat_model_names_is_there() -> None:
    """A long name may be shortened by …."""
    words = (ROOT / "SECURITY.md").read_text(encoding="utf-8")
    tests = {path.name: path.read_text(encoding="utf-8") for path in (ROOT / "tests").rglob("test_*.py")}
    every = "\n".join(tests.values())
    named = re.findall(
        r"`([^`\s]*)`", "".join(line.rpartition("|")[0].rpartition("|")[2] for line in words.splitlines())
    )
    assert len(named) > 40
    for name in named:
        if name.endswith(".py"):
            assert "*" in name or name in tests, name
        elif not name.startswith(("deploy/", "tests/")):
            assert re.search(r"\w*".join(map(re.escape, name.split("…"))), every), name
