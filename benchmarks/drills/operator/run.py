"""The operator's day, by the documents alone, on either database: see README.md beside this file.

    sudo python benchmarks/drills/operator/run.py [sqlite] [postgresql] [--before COMMIT] [--away SECONDS]

It needs root, for the services run under users of their own; nginx, OpenSSL and PostgreSQL of the system.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[2]
sys.path.insert(0, str(HERE))

from documents import NOT_HERE, OTHERWISE, commands, documented, marked  # noqa: E402
from machine import Machine, Service  # noqa: E402

BEFORE = "6d1db6e"
"""The commit before this drill's issue, from which it upgrades."""

APP, FEEDS, DATABASE, TLS, PLAIN = 18401, 18410, 18420, 18443, 18480
TOWNS = ("harbourton", "sandmouth")
LIST = "/etc/dockcast/systems.toml"
BACKUPS = "/var/backups/dockcast"
DOCKCAST = "/opt/dockcast/deploy/dockcast"
POSTGRES = "/etc/postgresql/18/main"
USER = "dockcast"


class Day:
    """One day of an operator, on one database."""

    def __init__(self, kind: str, machine: Machine) -> None:
        self.kind, self.machine = kind, machine
        self.ran: set[str] = set()
        self.steps: dict[str, Any] = {}

    # ---------------------------------------------------------------- what an operator does and sees

    def do(self, beginning: str, user: str = "", check: bool = True, **instead: str) -> str:
        """Run the documented command that begins so; `instead` puts other words in."""
        command = documented(beginning)
        self.ran.add(command)
        if command.startswith("python -m ingest"):
            command = command.replace("python -m", DOCKCAST, 1)
        for word, own in instead.items():
            command = command.replace(word, own)
        return self.machine.run(command, user, check)

    def health(self) -> dict[str, Any]:
        """Ask the app how it is; an empty answer where it does not answer."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{APP}/healthz", timeout=30) as answer:
                return dict(json.loads(answer.read()))
        except urllib.error.HTTPError as error:  # alive, and not ready yet
            return dict(json.loads(error.read()))
        except OSError:
            return {}

    def learnt(self) -> dict[str, float]:
        """Read in the metrics how often each system has learnt."""
        with urllib.request.urlopen(f"http://127.0.0.1:{APP}/metrics", timeout=60) as answer:
            lines = answer.read().decode().splitlines()
        rows = (line.partition(" ") for line in lines if line.startswith("dockcast_frame_version{"))
        return {name.split('"')[1]: float(value) for name, _, value in rows}

    def wait(self, what: str, condition: Callable[[], object], seconds: float = 600) -> None:
        """Wait for what has to come; note how long it took."""
        begun = time.monotonic()
        while not _true(condition):
            if time.monotonic() > begun + seconds:
                raise TimeoutError(f"{self.kind}: {what} did not come within {seconds:.0f} s")
            time.sleep(0.5)
        self.steps[what] = round(time.monotonic() - begun, 1)
        print(f"  {what}: {self.steps[what]} s", flush=True)

    def goes_on(self, what: str, systems: int) -> None:
        """Wait until so many systems, and all of them, have learnt again."""
        self.wait(f"{what}: {systems} systems followed", lambda: self.health().get("systems") == systems)
        before: dict[str, float] = {}
        self.wait(f"{what}: metrics", lambda: before.update(self.learnt()) or before)
        self.wait(f"{what}: all learn", lambda: len(self.learnt()) == systems and all(
            count > before.get(name, 0) for name, count in self.learnt().items()))  # fmt: skip

    def worker_log(self) -> str:
        """Read the worker's log."""
        return self.machine.services["dockcast-worker"].log.read_text()

    def write_list(self, ids: list[str], broken: bool = False, played: bool = False) -> None:
        """Write the list of systems as an editor does; `played` adds a made-up city."""
        entries = []
        for name in ids:
            town, _, number = name.partition("-")
            key = "nam" if broken and name == ids[0] else "name"
            # Each at a host of its own, as cities are.
            url = f"http://127.0.0.{int(number) + 2}:{FEEDS}/{town}/gbfs.json"
            lines = ["[[systems]]", f'id = "{name}"', f'{key} = "{name}"', f'url = "{url}"']
            entries += [*lines, 'label = "simulated"', "speed = 6", "poll_seconds = 10", ""]
        if played:
            entries += ["[[systems]]", 'id = "played"', 'name = "Played"', 'url = "simulated:fellgate"']
            entries += ['label = "simulated"', ""]
        self.machine.path(LIST).write_text("\n".join(entries))

    # ---------------------------------------------------------------- the day

    def install(self, source: Path, store: str) -> None:
        """Install the earlier release under a plain user, with twelve cities."""
        if not self.machine.path("/opt/dockcast").exists():
            self.do("useradd --system", check=False)
            self.do("git clone ADDRESS", ADDRESS=str(source))
        else:
            self.machine.run("git -C /opt/dockcast fetch && git -C /opt/dockcast reset --hard origin/main")
            self.machine.run("make -C /opt/dockcast install")
        self.do("install -d /etc/dockcast")
        settings = self.machine.path("/etc/dockcast/dockcast.env")
        self.machine.move([settings])
        lines = [line for line in settings.read_text().splitlines() if not line.startswith("DOCKCAST_STORE")]
        more = [
            f"DOCKCAST_STORE='{store}'",
            f"DOCKCAST_SYSTEMS={self.machine.here(LIST)}",
            "DOCKCAST_WEATHER=",
        ]
        settings.write_text("\n".join([*lines, *more]) + "\n")
        self.cities = [f"{TOWNS[n % 2]}-{n}" for n in range(12)]
        self.write_list(self.cities)
        shutil.chown(self.machine.path("/var/lib/dockcast"), USER, USER)
        self.units(check=False)  # the earlier release has no timer
        self.do("systemctl daemon-reload && systemctl enable")
        self.goes_on("installed", 12)

    def units(self, check: bool = True) -> None:
        """Install the units."""
        self.do("cp /opt/dockcast/deploy/systemd/", check=check)
        self.machine.move(self.machine.path("/etc/systemd/system").glob("dockcast-*"))

    def upgrade(self, source: Path) -> None:
        """Upgrade to this commit. The earlier release saves by the command of its own documents."""
        self.do("install -d -o dockcast")
        self.do("systemctl stop dockcast-app dockcast-worker")
        saved = self.machine.path(BACKUPS) / "before"
        settings = "set -a; . /etc/dockcast/dockcast.env; cd /opt/dockcast"
        # On PostgreSQL the earlier release cannot save where the address has a password.
        self.machine.run(
            f"{settings}; .venv/bin/python -m deploy.backup save {saved}", check=self.kind == "sqlite"
        )
        subprocess.run(["git", "-C", str(ROOT), "push", "-q", "-f", str(source), "HEAD:main"], check=True)
        begun = time.monotonic()
        self.do("git -C /opt/dockcast pull")
        self.units()
        self.do("systemctl daemon-reload && systemctl start")
        self.goes_on("upgraded", 12)
        self.steps["upgrade"] = round(time.monotonic() - begun, 1)
        said = self.do("/opt/dockcast/deploy/dockcast ingest --version")
        assert self.health()["version"] in said
        assert self.health()["commit"] in said

    def change_cities(self) -> None:
        """Check the list, mistype it, add a city and remove one; follow one by command, end and forget it."""
        fellgate = f"http://127.0.0.1:{FEEDS}/fellgate/gbfs.json"
        self.do("python -m ingest systems")
        self.do("python -m ingest check /etc")
        self.do("python -m ingest check https", **{"https://bikes.example/gbfs.json": fellgate})
        self.write_list(self.cities, broken=True)
        self.wait("a wrong list is told", lambda: "the one before stays in use" in self.worker_log())
        assert self.worker_log().count("the one before stays in use") == 1
        assert "wrong: " in self.machine.run(f"{DOCKCAST} ingest check {LIST}", check=False)
        self.goes_on("with a wrong list", 12)
        self.cities = [*self.cities[1:], "fellgate-12", "sandmouth-13"]
        self.write_list(self.cities)
        self.goes_on("one removed, two added by the list", 13)
        self.do("python -m ingest follow", **{"nextbike_al https://bikes.example/gbfs.json": fellgate})
        self.goes_on("one followed by command", 14)
        self.do("python -m ingest unfollow", nextbike_al="fellgate")
        self.wait("its lease is given up", lambda: "fellgate: not followed any more" in self.worker_log())
        self.do("python -m ingest forget", ID="fellgate --yes")
        self.do("/opt/dockcast/deploy/dockcast ingest follow", ID="fellgate")
        self.goes_on("forgotten, and followed again", 14)
        self.machine.run(f"{DOCKCAST} ingest unfollow fellgate")

    def use_tools(self) -> None:
        """Play a made-up city; record a city, replay the recording, and export a day."""
        self.write_list(self.cities, played=True)
        self.goes_on("a made-up city added", 14)
        assert "at 60 times its speed" in self.do("python -m ingest play", SYSTEM="played --speed 60")
        self.goes_on("played faster", 14)
        self.write_list(self.cities)
        self.machine.run("systemctl reload dockcast-worker")
        own, data = "sandmouth-1", "/var/lib/dockcast"
        self.do("python -m ingest record", SYSTEM=own, PATH=f"{data}/recording")
        told = self.do("python -m ingest backtest", **{"PATH…": f"{data}/recording"})
        assert "polls of 90 stations" in told
        assert "scores.csv" in self.do("python -m ingest export", SYSTEM=own, FOLDER=f"{data}/exported")
        self.goes_on("the made-up city removed", 13)

    def back_up(self, elsewhere: str) -> None:
        """Save while all runs, restore to another store, and restore in place."""
        self.do("/opt/dockcast/deploy/dockcast deploy.backup save /var/backups/dockcast/$(")
        self.do("/opt/dockcast/deploy/dockcast deploy.backup save /var/backups/dockcast/before")
        self.do("systemctl enable --now dockcast-backup.timer")
        nightly = self.machine.services["dockcast-backup"]
        nightly.start()
        assert nightly.process is not None
        assert nightly.process.wait(120) == 0, "the backup of the night"
        today = datetime.now(UTC).date().isoformat()
        other = self.machine.path("/etc/dockcast/other.env")
        other.write_text(f"DOCKCAST_STORE='{elsewhere}'\n")
        said = self.machine.run(
            f"DOCKCAST_ENVIRONMENT={other} {DOCKCAST} deploy.backup restore {BACKUPS}/{today}"
        )
        assert "restored" in said
        assert "systems, up to" in said
        self.do("systemctl stop dockcast-app dockcast-worker")
        time.sleep(16)
        self.do("/opt/dockcast/deploy/dockcast deploy.backup restore", **{"2026-03-01": today})
        self.machine.run("systemctl start dockcast-worker dockcast-app")
        self.goes_on("restored", 13)

    def lose_the_database(self, seconds: float, away: Callable[[], Any]) -> None:
        """Take the database away for a while; the log has a line a minute, and no traceback."""
        before = len(self.worker_log())
        with away():
            time.sleep(seconds)
        self.goes_on("the database away", 13)
        log = self.worker_log()[before:]
        lines = [line for line in log.splitlines() if "without a store" in line]
        self.steps["lines about the outage"] = len(lines)
        assert 1 <= len(lines) <= seconds / 60 + 2, lines
        assert "the store answers again" in log

    def kill(self) -> None:
        """Kill each process."""
        for name in ("dockcast-worker", "dockcast-app"):
            self.machine.services[name].kill()
            time.sleep(2)
            self.wait(f"{name} killed: it answers", lambda: self.health().get("alive"))
            self.goes_on(f"{name} killed", 13)

    def proxy(self) -> None:
        """Put nginx before the app, with a certificate of its own; try its limits."""
        path, crt = self.machine.path, self.machine.path("/etc/letsencrypt/live/bikes.example.org")
        crt.mkdir(parents=True)
        _certificate(crt / "fullchain.pem", crt / "privkey.pem", "bikes.example.org")
        path("/etc/nginx/nginx.conf").write_text(
            f"pid {path('/run')}/nginx.pid; error_log {path('/run')}/nginx.log; events {{}}\n"
            f"http {{ include {path('/etc/nginx/conf.d')}/*.conf; }}\n"
        )
        self.do("cp /opt/dockcast/deploy/nginx.conf")
        conf = path("/etc/nginx/conf.d/dockcast.conf")
        self.machine.move([conf])
        text = conf.read_text().replace("listen 80", f"listen {PLAIN}").replace("[::]:80", f"[::]:{PLAIN}")
        text = text.replace("listen 443", f"listen {TLS}").replace("[::]:443", f"[::]:{TLS}")
        conf.write_text(text.replace("/etc/letsencrypt", str(path("/etc/letsencrypt"))))
        main = path("/etc/nginx/nginx.conf")
        self.machine.services["nginx"] = Service(
            ["nginx", "-c", str(main), "-g", "daemon off;"], "root", self.machine.root,
            self.machine.env, path("/run") / "nginx.out", restarts=True,
        )  # fmt: skip
        self.machine.services["nginx"].start()
        time.sleep(2)
        self.do("nginx -t", **{"nginx -t": f"nginx -t -c {main}"})
        name = f"--resolve bikes.example.org:{TLS}:127.0.0.1 --resolve bikes.example.org:{PLAIN}:127.0.0.1"
        curl = f"curl -sk -o /dev/null -w '%{{http_code}}\\n' {name}"
        site = f"https://bikes.example.org:{TLS}"
        codes = {
            "a page": f"{curl} {site}/",
            "the API": f"{curl} {site}/api/systems",
            "metrics": f"{curl} {site}/metrics",
            "without TLS": f"{curl} http://bikes.example.org:{PLAIN}/",
            "another name": f"{curl} https://127.0.0.1:{TLS}/ || :",
            "a WebSocket": f"{curl} --http1.1 --max-time 3 -H 'Connection: Upgrade' -H 'Upgrade: websocket' "
            f"-H 'Sec-WebSocket-Version: 13' -H 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==' "
            f"-H 'Origin: https://bikes.example.org' {site}/_stcore/stream || :",
        }
        found = {what: self.machine.run(command).strip() for what, command in codes.items()}
        expected = {"a page": "200", "the API": "200", "metrics": "403", "without TLS": "301",
                    "another name": "000", "a WebSocket": "101"}  # fmt: skip
        self.steps["nginx"] = found
        assert found == expected, found
        at_once = f"{curl} -Z --parallel-max 100 '{site}/api/systems#[1-200]' 2>/dev/null"
        many = self.machine.run(f"{at_once} | grep -x '[2-5][0-9][0-9]'")
        self.steps["nginx, 200 requests of the API at once"] = {
            code: many.split().count(code) for code in sorted(set(many.split()))
        }
        assert many.split().count("429") >= 20, many

    def check_logs(self) -> None:
        """Find no traceback in any log."""
        for name, service in self.machine.services.items():
            if service.log.exists() and name.startswith("dockcast"):
                assert "Traceback" not in service.log.read_text(), f"{name}: see {service.log}"


def _true(condition: Callable[[], object]) -> bool:
    try:
        return bool(condition())
    except (OSError, LookupError):
        return False


def _certificate(crt: Path, key: Path, name: str) -> None:
    kind = "IP" if name[0].isdigit() else "DNS"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", f"/CN={name}",
         "-addext", f"subjectAltName={kind}:{name}", "-keyout", str(key), "-out", str(crt)],
        check=True, capture_output=True,
    )  # fmt: skip


# ---------------------------------------------------------------- the two databases


@contextmanager
def held(path: Path) -> Iterator[None]:
    """Hold the lock of an SQLite file, as a disk that stands still does."""
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.execute("BEGIN EXCLUSIVE")
        yield
        db.execute("ROLLBACK")


@contextmanager
def stopped(service: Service) -> Iterator[None]:
    """Stop a service for a while."""
    service.stop()
    yield
    service.start()


def on_sqlite(day: Day, source: Path, away: float) -> None:
    """Live the day on SQLite."""
    data = day.machine.path("/var/lib/dockcast")
    day.install(source, f"sqlite:///{data}/dockcast.db")
    day.upgrade(source)
    day.change_cities()
    day.use_tools()
    day.back_up(f"sqlite:///{data}/other.db")
    day.lose_the_database(away, lambda: held(data / "dockcast.db"))
    day.kill()
    day.proxy()
    day.do("install -D -m 644")
    day.check_logs()


def server(day: Day) -> None:
    """Set up a server as Debian does, and then as the documents say; its roles have the password `secret`."""
    machine, own = day.machine, str(ROOT / "deploy" / "postgres")
    etc, data = machine.path(POSTGRES), machine.path("/var/lib/postgresql/18/main")
    for folder in (etc / "conf.d", data.parent):
        folder.mkdir(parents=True, exist_ok=True)
        subprocess.run(["chown", "-R", "postgres", str(folder)], check=True)
    shutil.chown(machine.path("/run"), "postgres")
    machine.run(f"initdb -D {data} -A peer > /dev/null", "postgres")
    (etc / "postgresql.conf").write_text(
        f"data_directory = '{data}'\nhba_file = '{etc}/pg_hba.conf'\nident_file = '{data}/pg_ident.conf'\n"
        f"port = {DATABASE}\nunix_socket_directories = '{machine.path('/run')}'\ninclude_dir = 'conf.d'\n"
    )
    (etc / "pg_hba.conf").write_text("local all all peer\n")
    binary = shutil.which("postgres") or "postgres"
    service = Service(
        [binary, "-D", str(data), "-c", f"config_file={etc}/postgresql.conf"], "postgres", data.parent,
        machine.env, machine.logs / "postgresql.log", restarts=False, stop_signal=signal.SIGINT,
    )  # fmt: skip
    machine.services["postgresql"] = service
    service.start()
    time.sleep(3)
    roles = {"deploy/postgres/roles.sql": f"{own}/roles.sql"}
    day.do("createdb", "postgres", **roles)
    for role in ("dockcast_worker", "dockcast_app"):
        machine.run(f"psql -d dockcast -c \"ALTER ROLE {role} PASSWORD 'secret'\"", "postgres")
    server_crt, server_key = (
        machine.path("/etc/postgresql/server.crt"),
        machine.path("/etc/postgresql/server.key"),
    )
    _certificate(server_crt, server_key, "127.0.0.1")
    shutil.chown(server_key, "postgres")
    server_key.chmod(0o600)
    shutil.copy(server_crt, machine.path("/etc/dockcast/root.crt"))
    for name in ("dockcast.conf", "pg_hba.conf"):
        day.do(f"install -o postgres -m 600 /opt/dockcast/deploy/postgres/{name}",
               **{f"/opt/dockcast/deploy/postgres/{name}": f"{own}/{name}"})  # fmt: skip
    machine.move([etc / "conf.d" / "dockcast.conf"])
    hba = etc / "pg_hba.conf"
    hba.write_text(hba.read_text().replace("10.0.0.0/8", "127.0.0.0/8"))
    day.do("install -d -o postgres -m 700")
    day.do("systemctl restart postgresql")
    time.sleep(3)


def url(day: Day, database: str = "dockcast") -> str:
    """Give the address of a database as the documents write it."""
    command = documented("DOCKCAST_STORE='postgresql").partition("=")[2].strip("'")
    text = (
        day.machine.here(command).replace("PASSWORD", "secret").replace("db.example", f"127.0.0.1:{DATABASE}")
    )
    return text.replace("/dockcast?", f"/{database}?")


def on_postgresql(day: Day, source: Path, away: float) -> None:
    """Live the day on PostgreSQL, by TLS and passwords; and go back to a moment by the archive."""
    server(day)
    plain = url(day).replace("sslmode=verify-full", "sslmode=disable").replace("+psycopg", "")
    refused = day.machine.run(f"psql '{plain}' -c 'SELECT 1'", check=False)
    assert "pg_hba.conf" in refused, "a connection without TLS is refused"
    day.install(source, url(day))
    day.upgrade(source)
    day.change_cities()
    day.use_tools()
    day.machine.run(f"createdb other && psql -d other -f {ROOT}/deploy/postgres/roles.sql", "postgres")
    hba = day.machine.path(POSTGRES) / "pg_hba.conf"
    hba.write_text(hba.read_text().replace("hostssl    dockcast ", "hostssl    dockcast,other "))
    day.machine.run("psql -c 'SELECT pg_reload_conf()'", "postgres")
    day.back_up(url(day, "other"))
    postgres = day.machine.services["postgresql"]
    day.lose_the_database(away, lambda: stopped(postgres))
    day.kill()
    kill_a_connection(day)
    day.goes_on("a process of the database killed", 13)
    by_archive(day)
    day.check_logs()


def kill_a_connection(day: Day) -> None:
    """Kill the process behind a connection of the worker: the server ends all of them, and goes on."""
    first = day.machine.services["postgresql"].process
    assert first is not None
    for child in Path(f"/proc/{first.pid}/task/{first.pid}/children").read_text().split():
        if "dockcast_worker" in Path(f"/proc/{child}/cmdline").read_text():
            os.kill(int(child), signal.SIGKILL)
            return
    raise LookupError("no process of the server belongs to the worker")


def by_archive(day: Day) -> None:
    """Go back to a moment after the base backup, by the archived log."""
    day.do("runuser -u postgres -- pg_basebackup")
    day.do("find /var/backups/postgresql/wal")
    time.sleep(30)
    moment = datetime.now(UTC)
    before = day.learnt()
    time.sleep(30)
    day.machine.run("psql -c 'SELECT pg_switch_wal()'", "postgres")
    time.sleep(5)
    day.do("systemctl stop dockcast-app dockcast-worker postgresql")
    day.do("mv /var/lib/postgresql")
    day.do("cp -a /var/backups/postgresql")
    day.do('echo "restore_command')
    day.do('echo "recovery_target_time', **{"2026-03-02 12:00+00": moment.isoformat(sep=" ")})
    day.do('echo "recovery_target_action')
    day.do("touch /var/lib/postgresql")
    day.do("systemctl start postgresql dockcast-worker")
    day.goes_on("back by the archive", 13)
    after = day.learnt()
    assert all(after[name] >= before[name] - 2 for name in before), (before, after)


def main() -> None:
    """Live the days, say which commands were run, and write results.json."""
    parser = argparse.ArgumentParser()
    parser.add_argument("kinds", nargs="*", default=["sqlite", "postgresql"])
    parser.add_argument("--before", default=BEFORE)
    parser.add_argument("--away", type=float, default=180)
    chosen = parser.parse_args()
    root = Path(tempfile.mkdtemp(prefix="dockcast-operator-"))
    root.chmod(0o755)
    source = root / "origin.git"
    subprocess.run(["git", "clone", "-q", "--bare", str(ROOT), str(source)], check=True)
    results: dict[str, Any] = {"run_at": datetime.now(UTC).isoformat(timespec="minutes"), "days": {}}
    ran: set[str] = set()
    feeds = subprocess.Popen(
        [str(ROOT / ".venv/bin/python"), "-m", "ingest", "serve", *TOWNS, "fellgate", "--port", str(FEEDS),
         "--host", "0.0.0.0", "--speed", "6"],
        cwd=ROOT, stderr=(root / "feeds.log").open("w"),
    )  # fmt: skip
    try:
        for kind in chosen.kinds:
            print(f"== {kind}, in {root}", flush=True)
            subprocess.run(
                ["git", "-C", str(ROOT), "push", "-q", "-f", str(source), f"{chosen.before}:main"], check=True
            )
            own = {"8501": str(APP)}
            env = {
                # A plain user has no way to what lies below another's home.
                "PATH": ":".join(each for each in os.environ["PATH"].split(":") if "/root" not in each),
                "DOCKCAST_ENVIRONMENT": f"{root}/etc/dockcast/dockcast.env", "DOCKCAST_USER": USER,
                "DOCKCAST_HOME": f"{root}/var/lib/dockcast", "PGHOST": f"{root}/run", "PGPORT": str(DATABASE),
                "GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "safe.directory", "GIT_CONFIG_VALUE_0": "*",
            }  # fmt: skip
            day = Day(kind, Machine(root, kind, own, env, sys.stdout))
            try:
                {"sqlite": on_sqlite, "postgresql": on_postgresql}[kind](day, source, chosen.away)
            finally:
                day.machine.stop()
            results["days"][kind] = day.steps
            ran |= day.ran
        left = [command for command in commands() if command not in ran and not marked(command)]
        results["commands"] = {"run": len(ran), "otherwise": OTHERWISE, "not here": NOT_HERE, "left": left}
        print(json.dumps(results, indent=1))
        if set(chosen.kinds) == {"sqlite", "postgresql"}:
            assert not left, left
            (HERE / "results.json").write_text(json.dumps(results, indent=1) + "\n")
            shutil.rmtree(root)
    finally:
        feeds.terminate()
        subprocess.run(["userdel", USER], check=False)


if __name__ == "__main__":
    main()
