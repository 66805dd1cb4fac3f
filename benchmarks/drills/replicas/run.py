"""Two workers and three apps on one PostgreSQL, one of the five killed each minute: see README.md.

DOCKCAST_SHARED=… python benchmarks/drills/replicas/run.py --minutes 60
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from collections import defaultdict
from contextlib import ExitStack
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import sqlalchemy as sa
from threadpoolctl import threadpool_limits

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "benchmarks" / "drills" / "kill"), str(ROOT / "benchmarks")]

from run import RECORDINGS, Witness, served  # noqa: E402
from shared import add_shared  # noqa: E402

from ingest.replay.recording import Recording  # noqa: E402
from ingest.store import Store  # noqa: E402
from tests.support.processes import free_port, wait_for  # noqa: E402
from tests.support.store_world import postgres, postgres_database  # noqa: E402

WORKERS, APPS = ("worker-1", "worker-2"), ("app-1", "app-2", "app-3")
SPEED = 60.0
LOOK_SECONDS = 1.0
SETTLE_SECONDS = 30.0
FROZEN_SECONDS = 35.0

AUDIT = """
CREATE TABLE audit (
    number bigserial PRIMARY KEY, at double precision NOT NULL DEFAULT extract(epoch FROM clock_timestamp()),
    kind text NOT NULL, system_id text NOT NULL, process text NOT NULL, holder text, outcome text,
    event bigint);
CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$ BEGIN
    IF TG_TABLE_NAME = 'polls' THEN
        INSERT INTO audit (kind, system_id, process, holder, outcome, event)
        SELECT 'poll', NEW.system_id, current_setting('application_name'),
            (SELECT holder FROM leases WHERE system_id = NEW.system_id), NEW.outcome, NEW.at;
    ELSE
        INSERT INTO audit (kind, system_id, process, holder)
        VALUES ('lease', NEW.system_id, current_setting('application_name'), NEW.holder);
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER note AFTER INSERT ON polls FOR EACH ROW EXECUTE FUNCTION note();
CREATE TRIGGER taken AFTER INSERT ON leases FOR EACH ROW EXECUTE FUNCTION note();
CREATE TRIGGER passed AFTER UPDATE OF holder ON leases FOR EACH ROW WHEN (OLD.holder <> NEW.holder)
    EXECUTE FUNCTION note();
"""
"""Makes the database write down which connection committed each poll, and who held the lease then."""


class Place:
    """One of the five: a named process that is started again whenever it has ended."""

    def __init__(
        self, name: str, env: dict[str, str], command: list[str], folder: Path, port: int | None = None
    ) -> None:
        self.name, self.port = name, port
        self._env, self._command = env, command
        self._runs = 0
        self._log = (folder / f"{name}.log").open("wb")
        self.process = self._start()

    @property
    def run_name(self) -> str:
        """Name this run, its host and its connections."""
        return f"{self.name}.{self._runs}"

    def _start(self) -> subprocess.Popen[bytes]:
        self._runs += 1
        command = self._command
        if self.name in WORKERS and apart():
            # Each on a machine of its own: nobody can see then that it is dead, and all wait for the lease.
            command = ["unshare", "--uts", "sh", "-c", 'hostname "$0" && exec "$@"', self.run_name, *command]
        env = self._env | {"PGAPPNAME": self.run_name}
        return subprocess.Popen(command, cwd=ROOT, env=env, stdout=self._log, stderr=self._log)

    def keep(self) -> None:
        """Start it again if it has ended."""
        if self.process.poll() is not None:
            self.process = self._start()

    def kill(self) -> str:
        """Kill it without a warning; give the name of the run that was."""
        was = self.run_name
        self.process.kill()
        self.process.wait()
        return was

    def freeze(self) -> str:
        """Stop the process for longer than a lease, unknown to it; give the name of the run."""
        self.process.send_signal(signal.SIGSTOP)
        threading.Timer(FROZEN_SECONDS, self.process.send_signal, [signal.SIGCONT]).start()
        return self.run_name

    def stop(self) -> None:
        """Let it end by itself."""
        self.process.terminate()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()


def apart() -> bool:
    """Tell whether a process can be given a host name of its own here."""
    return os.geteuid() == 0 and shutil.which("unshare") is not None


def answers(port: int, system_id: str) -> bool:
    """Tell whether an app is ready and gives a forecast."""
    base = f"http://127.0.0.1:{port}"
    try:
        for path in ("/healthz/ready", f"/api/systems/{system_id}/forecast?minutes=30"):
            with urllib.request.urlopen(base + path, timeout=5) as answer:
                answer.read()
    except (urllib.error.URLError, ConnectionError, TimeoutError):
        return False
    return True


class Watch(threading.Thread):
    """Looks each second: who holds what by the database, and which app answers."""

    def __init__(self, url: str, apps: list[Place], system_id: str) -> None:
        super().__init__(daemon=True)
        self.samples: list[dict[str, Any]] = []
        self.ended = threading.Event()
        self._engine = sa.create_engine(url)
        self._apps, self._system_id = apps, system_id

    def run(self) -> None:
        """Look until told to end."""
        query = sa.text(
            "SELECT system_id, holder FROM leases WHERE until > extract(epoch FROM clock_timestamp())"
        )
        while not self.ended.wait(LOOK_SECONDS):
            at = time.time()  # a kill may come while we ask
            with self._engine.connect() as connection:
                held = [(row.system_id, row.holder.partition(":")[0]) for row in connection.execute(query)]
            up = {app.name: answers(app.port or 0, self._system_id) for app in self._apps}
            self.samples.append({"at": at, "done": time.time(), "held": held, "up": up})
        self._engine.dispose()


def run_psql(url: str, script: str) -> None:
    """Run SQL of several statements."""
    engine = sa.create_engine(url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        cursor = connection.connection.cursor()
        cursor.execute(script)
    engine.dispose()


def as_role(url: str, role: str) -> str:
    """Give the same database's address for a role; the server on this machine asks for no password."""
    return sa.make_url(url).set(username=role, password=None).render_as_string(hide_password=False)


def play(
    paths: list[Path], folder: Path, minutes: int, seed: int, every: float, freeze: bool
) -> dict[str, Any]:
    """Run it all; give the observations. The logs of the five go into the folder."""
    rng = random.Random(seed)
    witnesses = [Witness(Recording.read(path)) for path in paths]
    ids = [witness.recording.system.system_id for witness in witnesses]
    with ExitStack() as stack:
        stack.enter_context(threadpool_limits(1))
        url = stack.enter_context(postgres_database(stack.enter_context(postgres()), "dockcast"))
        run_psql(url, (ROOT / "deploy" / "postgres" / "roles.sql").read_text())
        systems = stack.enter_context(served(paths, SPEED))
        env = os.environ | {"DOCKCAST_SYSTEMS": systems, "DOCKCAST_CHECKPOINT_SECONDS": "10"}
        worker_env = env | {"DOCKCAST_STORE": as_role(url, "dockcast_worker")}
        app_env = env | {"DOCKCAST_STORE": as_role(url, "dockcast_app"), "DOCKCAST_WORKER": "false"}
        learn = [sys.executable, "-m", "ingest", "run"]
        places = {name: Place(name, worker_env, learn, folder) for name in WORKERS}
        stack.callback(lambda: [place.stop() for place in places.values()])
        wait_for_tables(url)
        store = Store(url, migrate=False)
        stack.callback(store.close)
        run_psql(url, AUDIT)
        for name in APPS:
            port = free_port()
            serve = [sys.executable, "-m", "streamlit", "run", "app.py", "--server.headless", "true"]
            places[name] = Place(name, app_env, [*serve, "--server.port", str(port)], folder, port)
        wait_for(lambda: all(answers(places[name].port or 0, ids[0]) for name in APPS))
        watch = Watch(url, [places[name] for name in APPS], ids[0])
        watch.start()
        begun, kills = time.time(), []
        for number in range(1, minutes + 1):
            moment = begun + every * number - rng.uniform(0, every / 4)
            while time.time() < moment:
                for place in places.values():
                    place.keep()
                if moment - time.time() > 5:
                    for witness in witnesses:
                        witness.learn(store)
                time.sleep(0.5)
            victim = places[rng.choice(WORKERS if freeze else sorted(places))]
            at, was = time.time(), victim.freeze() if freeze else victim.kill()
            kills.append({"at": at, "run": was})
            print(f"{number}: {was} {'frozen' if freeze else 'killed'}", flush=True)
        until = time.time() + max(SETTLE_SECONDS, FROZEN_SECONDS + 10)
        while time.time() < until:
            for place in places.values():
                place.keep()
            time.sleep(0.5)
        watch.ended.set()
        watch.join()
        used = sum(cpu(place.process.pid) for place in places.values())
        for place in places.values():
            place.stop()
        checked = [witness.check(store) for witness in witnesses]
        engine = sa.create_engine(url)
        with engine.connect() as connection:
            rows = connection.execute(sa.text("SELECT * FROM audit ORDER BY number"))
            audit = [row._asdict() for row in rows]
            count = "SELECT count(*), count(DISTINCT (system_id, at)) FROM polls WHERE outcome = 'learnt'"
            logged = connection.execute(sa.text(count)).one()
        engine.dispose()
    assert logged[0] == logged[1] == sum(witness.polls for witness in witnesses), "a poll was learnt twice"
    return report(audit, watch.samples, kills, ids, begun) | {
        "polls_learnt": logged[0],
        "polls_learnt_twice": logged[0] - logged[1],
        "differences_from_witness": 0,
        "learnt_since_last_checkpoint": sum(again for _, again in checked),
        "cpu_seconds_of_last_runs": round(used, 1),
        "seed": seed,
    }


def wait_for_tables(url: str) -> None:
    """Wait until a worker has made the tables."""
    engine = sa.create_engine(url)

    def made() -> bool:
        with engine.connect() as connection:
            return bool(connection.execute(sa.text("SELECT to_regclass('alembic_version')")).scalar())

    wait_for(made)
    engine.dispose()


def cpu(process: int) -> float:
    """Give the CPU time of a process in seconds."""
    try:
        times = psutil.Process(process).cpu_times()
    except psutil.NoSuchProcess:
        return 0.0
    return float(times.user + times.system)


def spread(seconds: list[float]) -> dict[str, float]:
    """Describe a distribution."""
    if not seconds:
        return {"n": 0}
    low, middle, high, most = np.quantile(seconds, (0, 0.5, 0.95, 1)).tolist()
    return {"n": len(seconds), "min": round(low, 1), "median": round(middle, 1), "p95": round(high, 1),
            "max": round(most, 1)}  # fmt: skip


def report(
    audit: list[dict[str, Any]], samples: list[dict[str, Any]], kills: list[dict[str, Any]], ids: list[str],
    begun: float,
) -> dict[str, Any]:  # fmt: skip
    """Compare the observations with the claim."""
    polls = defaultdict(list)
    strangers, returned = 0, 0
    for row in audit:
        if row["kind"] == "poll":
            # With host names apart, a holder's name begins with its run's.
            strangers += apart() and row["holder"].partition(":")[0] != row["process"]
            polls[row["system_id"]].append((row["at"], row["process"]))
    for each in polls.values():
        runs = [process for n, (_, process) in enumerate(each) if n == 0 or each[n - 1][1] != process]
        returned += len(runs) - len(set(runs))
    again = []
    for kill in kills:
        kill["learner_of"] = []
        for system_id in ids:
            before = [process for at, process in polls[system_id] if at <= kill["at"]]
            if before and before[-1] == kill["run"]:
                kill["learner_of"].append(system_id)
                later = (at for at, run in polls[system_id] if at > kill["at"] and run != kill["run"])
                first = next(later, None)
                kill.setdefault("learner_again", []).append(first and round(first - kill["at"], 1))
    for kill in kills:
        again += kill.get("learner_again", [])
        if kill["run"].startswith("app"):
            name = kill["run"].partition(".")[0]
            up = [sample["done"] for sample in samples if sample["at"] > kill["at"] and sample["up"][name]]
            kill["up_again"] = round(up[0] - kill["at"], 1) if up else None
    at_once = max((len(held) - len(dict(held)) for held in (sample["held"] for sample in samples)), default=0)
    down = defaultdict(int)
    for sample in samples:
        for name, is_up in sample["up"].items():
            excused = any(
                kill["run"].startswith(name)
                and sample["at"] - (kill["up_again"] or 1e9) <= kill["at"] <= sample["done"]
                for kill in kills
            )
            down[name] += not is_up and not excused
    gaps = [b - a for each in polls.values() for (a, _), (b, _) in pairwise(each) if a > begun]
    return {
        "date": f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC",
        "minutes": round((samples[-1]["at"] - begun) / 60, 1),
        "workers_on_machines_of_their_own": apart(),
        "kills": len(kills),
        "kills_of_a_learner": sum(bool(kill["learner_of"]) for kill in kills),
        "kills_of_a_worker": sum(kill["run"].startswith("worker") for kill in kills),
        "kills_of_an_app": sum(kill["run"].startswith("app") for kill in kills),
        "samples": len(samples),
        "samples_with_two_holders_of_a_system": at_once,
        "samples_with_each_system_held": sum(len(dict(s["held"])) == len(ids) for s in samples),
        "polls_committed": sum(map(len, polls.values())),
        "polls_committed_without_the_lease": int(strangers),
        "leases_that_came_back_to_the_same_run": returned,
        "leases_passed_on": sum(row["kind"] == "lease" for row in audit),
        "seconds_to_next_learner": spread([seconds for seconds in again if seconds is not None]),
        "never_learnt_again": sum(seconds is None for seconds in again),
        "longest_seconds_between_two_polls_of_a_system": round(max(gaps), 1),
        "seconds_until_a_killed_app_answers": spread(
            [kill["up_again"] for kill in kills if kill.get("up_again") is not None]
        ),
        "samples_where_an_app_did_not_answer_that_was_not_killed": dict(down),
        "each": [kill | {"at": round(kill["at"] - begun, 1)} for kill in kills],
    }


def main() -> None:
    """Run, print, and write results.json."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--minutes", type=int, default=60, help="how many kills, one a minute")
    parser.add_argument("--every", type=float, default=60.0, help="seconds between kills")
    parser.add_argument("--freeze", action="store_true", help="freeze workers for 35 s instead of killing")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--logs", type=Path, help="a folder for what the five say")
    parser.add_argument("--out", type=Path, default=HERE / "results.json")
    add_shared(parser)
    chosen = parser.parse_args()
    paths = [chosen.shared / "recordings" / name for name in RECORDINGS]
    with tempfile.TemporaryDirectory() as folder:
        logs = chosen.logs or Path(folder)
        found = play(paths, logs, chosen.minutes, chosen.seed, chosen.every, chosen.freeze)
    chosen.out.write_text(json.dumps(found, indent=1) + "\n")
    print(json.dumps({key: value for key, value in found.items() if key != "each"}, indent=1))


if __name__ == "__main__":
    main()
