"""The command line: each command does its work, and an error that a person can mend is one sentence."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
import tomllib
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from typer.testing import CliRunner

from ingest import release
from ingest.cli.app import app
from ingest.replay.recording import Recording
from ingest.store import Store
from ingest.store.playback import Playback
from tests.support.processes import free_port, wait_for
from tests.support.serving import make_recording, serving
from tests.support.store_world import DUBLIN, NOON, claim, commit, counted, described, learnt, store_url

ROOT = Path(__file__).resolve().parents[3]
runner = CliRunner()


def environment(tmp_path: Path, **more: str) -> dict[str, str]:
    return os.environ | {"DOCKCAST_STORE": store_url(tmp_path)} | more


@pytest.fixture
def dublin(tmp_path: Path) -> Path:
    """Fill a store with three polls of a system; give its file."""
    store = Store(store_url(tmp_path))
    store.systems.follow([DUBLIN])
    for minute in range(3):
        at = NOON.replace(minute=minute)
        commit(store, learnt(at, counted(at, a=minute, b=5), stations=described("a", "b")))
    store.leases.drop_all("me")
    store.close()
    path = tmp_path / "dockcast.db"
    path.touch()
    return path


# ---------------------------------------------------------------- run


@pytest.mark.parametrize("ending", ["SIGTERM", "SIGINT", "parent"])
def test_a_worker_works_until_a_signal_or_its_parents_end(tmp_path: Path, ending: str) -> None:
    store = Store(store_url(tmp_path))
    command = [sys.executable, "-m", "ingest", "run"]
    with serving(
        [make_recording(tmp_path / "one", polls=range(0, 6000, 60))], clock=time.monotonic, speed=120
    ) as address:
        worker = subprocess.Popen(
            [*command, "--with-parent"] if ending == "parent" else command,
            cwd=ROOT,
            env=environment(tmp_path, DOCKCAST_SYSTEMS=f"{address}/systems.toml"),
            stdin=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        try:
            wait_for(lambda: len(store.observations.poll_times("one")) >= 2)
            assert store.leases.holder(datetime.now(UTC)) is not None
            if ending != "parent":
                worker.send_signal(signal.SIGHUP)  # which ends nothing
                learnt = len(store.observations.poll_times("one"))
                wait_for(lambda: len(store.observations.poll_times("one")) > learnt + 1)
                worker.send_signal(getattr(signal, ending))
            # Only with --with-parent does the end of the standard input that follows mean anything.
            _, output = worker.communicate(timeout=30)
        finally:
            worker.kill()
            worker.wait()
    assert worker.returncode == 0, output
    assert store.leases.holder(datetime.now(UTC)) is None
    assert "one: live, 3 stations" in output
    assert "the store is " in output
    assert "Traceback" not in output
    store.close()


@pytest.mark.parametrize(
    ("variable", "value", "words"),
    [
        ("DOCKCAST_STORE", "sqlite://", "names no file"),
        ("DOCKCAST_SYSTEMS", "/nowhere/systems.toml", "cannot be read"),
        ("DOCKCAST_KEEP_DAYS", "a week", "DOCKCAST_KEEP_DAYS is wrong"),
    ],
)
def test_a_worker_that_cannot_start_says_why_in_one_sentence(
    tmp_path: Path, variable: str, value: str, words: str
) -> None:
    # Its standard input stays open meanwhile, as the app that starts it keeps it.
    with subprocess.Popen(
        [sys.executable, "-m", "ingest", "run", "--with-parent"],
        cwd=ROOT, env=environment(tmp_path) | {variable: value}, text=True,
        stdin=subprocess.PIPE, stderr=subprocess.PIPE,
    ) as worker:  # fmt: skip
        worker.wait(60)
        _, output = worker.communicate()
    assert worker.returncode == 2, output
    assert words in output
    assert len(output.strip().splitlines()) == 1


# ---------------------------------------------------------------- version


def test_the_release_is_told_by_its_version_and_by_its_commit_where_git_has_it(tmp_path: Path) -> None:
    ran = runner.invoke(app, ["--version"])
    assert ran.exit_code == 0, ran.output
    assert ran.output == f"Dockcast {release.version()}, commit {release.commit()}\n"
    assert release.version() == tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    assert release.commit(tmp_path / "none") == release.UNKNOWN
    (tmp_path / ".git").mkdir()
    (tmp_path / ".git" / "HEAD").write_text("ref: refs/heads/main\n")
    (tmp_path / ".git" / "packed-refs").write_text(f"# pack-refs\n{'ab' * 20} refs/heads/main\n")
    assert release.commit(tmp_path) == "ab" * 6


# ---------------------------------------------------------------- forget


@pytest.mark.both
def test_a_system_is_forgotten_once_somebody_has_said_so_and_no_other_is_touched(
    tmp_path: Path, dublin: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ingest.store.forgetting.AT_ONCE", 2)
    monkeypatch.setattr("ingest.cli.forget.stop_on_signals", threading.Event)
    env = {"DOCKCAST_STORE": store_url(dublin.parent)}
    store = Store(env["DOCKCAST_STORE"])
    other = replace(DUBLIN, system_id="cork")
    store.systems.follow_one(other)
    commit(store, learnt(NOON, counted(NOON, a=1), stations=described("a", system_id="cork")), "cork")
    before, version = store.forgetting.rows("cork"), store.systems.states()["dublin"].frame_version
    assert version is not None

    def forget(*arguments: str, say: str = "") -> tuple[int, str]:
        ran = runner.invoke(app, ["forget", *arguments], env=env, input=say)
        return ran.exit_code, ran.output

    assert forget("dublin") == (2, "Error: dublin is followed: take it out of the list, or run first: "
                                   "unfollow dublin\n")  # fmt: skip
    store.systems.unfollow("dublin")
    assert "no atlantis; not followed any more are: dublin" in forget("atlantis")[1]
    assert store.leases.take(claim("another worker", datetime.now(UTC)))
    assert "a worker still has dublin" in forget("dublin", say="y\n")[1]
    store.leases.drop_all("another worker")
    code, words = forget("dublin", say="n\n")
    assert (code, "nothing was deleted" in words, "observations: 6" in words) == (2, True, True), words
    assert sum(store.forgetting.rows("dublin").values()) == 16
    code, words = forget("dublin", "--yes")
    assert (code, "16 rows were deleted" in words) == (0, True), words

    assert store.forgetting.rows("dublin") == {}
    assert store.systems.stations("dublin") is None
    assert store.forgetting.rows("cork") == before
    assert store.systems.unfollowed() == {"dublin"}, "a list that has it does not bring it back"
    assert store.leases.holder(datetime.now(UTC)) is None
    store.systems.follow_one(DUBLIN)
    assert commit(store, learnt(NOON, counted(NOON, a=1))) == version + 1, "browsers keep frames for ever"
    store.close()


# ---------------------------------------------------------------- serve, record, play


@pytest.mark.both
def test_a_recording_is_written_and_can_be_served_again(tmp_path: Path, dublin: Path) -> None:
    target = tmp_path / "written"
    env = {"DOCKCAST_STORE": store_url(dublin.parent)}
    ran = runner.invoke(app, ["record", "dublin", str(target)], env=env)
    assert ran.exit_code == 0, ran.output
    assert f"dublinbikes: polls written to {target}: 3" in ran.output
    assert [s.bikes.tolist() for s in Recording.read(target).snapshots()] == [[0, 5], [1, 5], [2, 5]]
    between = ["--since", "2026-03-02T12:01:00", "--until", "2026-03-02T12:02:00"]
    ran = runner.invoke(app, ["record", "dublin", str(target), *between], env=env)
    assert f"{target}: 1" in ran.output


def test_the_last_days_of_a_system_are_recorded(tmp_path: Path, dublin: Path) -> None:
    env = {"DOCKCAST_STORE": store_url(dublin.parent)}
    ran = runner.invoke(app, ["record", "dublin", str(tmp_path / "last"), "--days", "0.0101"], env=env)
    assert ran.exit_code == 0, ran.output
    assert len(Recording.read(tmp_path / "last").polls) == 3
    ran = runner.invoke(app, ["record", "dublin", str(tmp_path / "last"), "--days", "0"], env=env)
    assert ran.exit_code == 2


@pytest.mark.both
def test_a_played_city_obeys_the_command_line(tmp_path: Path) -> None:
    url = store_url(tmp_path)
    env, noon = {"DOCKCAST_STORE": url}, datetime(2026, 3, 2, 12, tzinfo=UTC)
    store = Store(url)
    store.playback.set("harbourton", Playback(noon, datetime.now(UTC)))

    def playback(*options: str) -> Playback:
        ran = runner.invoke(app, ["play", "harbourton", *options], env=env)
        assert ran.exit_code == 0, ran.output
        found = store.playback.get("harbourton")
        assert found is not None
        return found

    assert playback("--speed", "60").speed == 60
    assert playback("--pause").paused
    assert playback("--jump", "08:30").at == datetime(2026, 3, 3, 8, 30, tzinfo=UTC)
    assert not playback("--go-on").paused
    assert (playback("--begin", "nothing").run, playback().begin) == (2, "nothing")
    for options in (["--speed", "601"], ["--jump", "25:00"], ["--begin", "again"]):
        assert runner.invoke(app, ["play", "harbourton", *options], env=env).exit_code == 2, options
    ran = runner.invoke(app, ["play", "dublin", "--pause"], env=env)
    assert ran.exit_code == 2
    assert "not played by any worker" in ran.output
    store.close()


def test_a_recording_or_server_that_cannot_start_says_why_in_one_sentence(
    tmp_path: Path, dublin: Path
) -> None:
    env = {"DOCKCAST_STORE": store_url(dublin.parent)}
    serve = ["serve", "--port", str(free_port())]
    for command, words in (
        (["record", "boulder", str(tmp_path / "new")], "no polls of boulder"),
        (["record", "dublin", str(dublin)], "is a file"),
        ([*serve, str(tmp_path / "nothing")], "no recording at"),
        ([*serve, str(make_recording(tmp_path / "one")), "--gbfs", "9"], "GBFS 9"),
        ([*serve, str(tmp_path / "one"), "--speed", "0"], "speed"),
        ([*serve, str(tmp_path / "one"), "--start", "1999-01-01"], "was recorded from"),
    ):
        ran = runner.invoke(app, command, env=env)
        assert ran.exit_code == 2, command
        assert words in ran.output
        assert isinstance(ran.exception, SystemExit)


def test_a_taken_port_is_refused_in_a_sentence(tmp_path: Path) -> None:
    folder = make_recording(tmp_path / "one")
    with serving([folder]) as address:
        ran = runner.invoke(app, ["serve", str(folder), "--port", address.rpartition(":")[2]])
    assert ran.exit_code == 2
    assert "in use" in ran.output


@pytest.mark.parametrize(
    "command", ["run", "serve", "play", "record", "export", "backtest", "systems", "follow", "unfollow"]
)
def test_every_command_explains_itself(command: str) -> None:
    assert command in runner.invoke(app, ["--help"]).output
    ran = runner.invoke(app, [command, "--help"])
    assert ran.exit_code == 0
    assert "Usage" in ran.output


def test_a_misspelt_command_is_told_the_right_one() -> None:
    ran = runner.invoke(app, ["backtst"])
    assert ran.exit_code == 2
    assert "backtest" in ran.output


def test_a_worker_that_starts_loads_nothing_that_only_other_commands_and_pages_need() -> None:
    """Pandas takes a third of a second to load, Alembic a tenth; an empty store waits for its first frame."""
    script = (
        "import sys; from ingest.cli.app import app; import typer\n"
        "typer.main.get_command(app).commands['run']\n"
        "print(*sorted({name.partition('.')[0] for name in sys.modules}), *sys.modules)"
    )
    ran = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    loaded = set(ran.stdout.split())
    assert "ingest.cli.run" in loaded
    assert "sqlalchemy" in loaded
    for unneeded in ("ingest.cli.backtest", "ingest.cli.follow", "pandas", "pyarrow", "alembic", "river"):
        assert unneeded not in loaded
