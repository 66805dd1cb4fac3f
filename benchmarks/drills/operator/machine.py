"""A machine below a folder: paths of documents lead into it, and its own systemctl starts what units name.

The commands are those of the documents, word for word but for paths, ports and names. What a unit says is
followed where it tells how to start, stop, reload and restart; its restrictions are not applied here.
"""

from __future__ import annotations

import os
import pwd
import re
import shlex
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

FOLDERS = (
    "/opt/dockcast", "/etc/dockcast", "/var/lib/dockcast", "/var/backups/dockcast", "/etc/systemd",
    "/etc/nginx", "/etc/postgresql", "/var/lib/postgresql", "/var/backups/postgresql",
)  # fmt: skip


@dataclass
class Service:
    """What a unit says, and the process that runs now."""

    command: list[str]
    user: str
    folder: Path
    env: dict[str, str]
    log: Path
    restarts: bool
    stop_signal: int = signal.SIGTERM
    process: subprocess.Popen[bytes] | None = None
    wanted: bool = False
    watcher: threading.Thread | None = field(default=None, repr=False)

    def start(self) -> None:
        """Start the process, and again five seconds after it has ended by itself."""
        if self.wanted:
            return
        self.wanted = True
        self._spawn()
        self.watcher = threading.Thread(target=self._watch, daemon=True)
        self.watcher.start()

    def _spawn(self) -> None:
        account = pwd.getpwnam(self.user)
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                self.command, cwd=self.folder, env=self.env, user=account.pw_uid, group=account.pw_gid,
                extra_groups=[], stdout=log, stderr=log, stdin=subprocess.DEVNULL,
            )  # fmt: skip

    def _watch(self) -> None:
        watched = self.process
        while watched is not None:
            watched.wait()
            time.sleep(5)
            if not self.wanted or not self.restarts or self.process is not watched:
                return  # stopped, or stopped and started again since
            self._spawn()
            watched = self.process

    def stop(self) -> None:
        """Ask the process to end; kill it after twenty seconds."""
        self.wanted = False
        if self.process is None:
            return
        self.process.send_signal(self.stop_signal)
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def kill(self) -> None:
        """Kill the process, as a lack of memory does."""
        assert self.process is not None
        self.process.kill()


class Machine:
    """A folder that stands for a machine, its services, and the commands that it runs."""

    def __init__(
        self, root: Path, name: str, names: Mapping[str, str], env: Mapping[str, str], say: IO[str]
    ) -> None:
        self.root, self.logs = root, root / f"logs-{name}"
        self.logs.mkdir(mode=0o755)
        self.services: dict[str, Service] = {}
        self._names, self._say = names, say
        self.env = {**os.environ, **env}
        for folder in (*FOLDERS, "/etc/systemd/system", "/etc/nginx/conf.d", "/run"):
            if folder != "/opt/dockcast":
                self.path(folder).mkdir(parents=True, exist_ok=True)

    def path(self, path: str) -> Path:
        """Give where a path of the documents lies."""
        return Path(f"{self.root}{path}")

    def here(self, text: str) -> str:
        """Put this machine's names and paths in the place of those of the documents."""
        for name, own in self._names.items():
            text = text.replace(name, own)
        for folder in FOLDERS:
            text = re.sub(f"(?<!{re.escape(str(self.root))}){folder}", f"{self.root}{folder}", text)
        return text

    def move(self, files: Iterable[Path]) -> None:
        """Put this machine's names and paths into files that were just installed."""
        for file in files:
            file.write_text(self.here(file.read_text()))

    def run(self, command: str, user: str = "", check: bool = True, given: str = "") -> str:
        """Run a documented command, part by part; give what it printed."""
        printed = []
        for part in self.here(command).split(" && "):
            print(f"  $ {part}", file=self._say, flush=True)
            if part.startswith("systemctl "):
                self._systemctl(part.split()[1:])
                continue
            words = ["bash", "-c", part]
            ran = subprocess.run(
                ["runuser", "-u", user, "--", *words] if user else words, input=given, text=True,
                env=self.env, cwd=self.root, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False,
            )  # fmt: skip
            printed.append(ran.stdout)
            for line in ran.stdout.splitlines()[-8:]:
                print(f"    {line}", file=self._say, flush=True)
            if check and ran.returncode:
                raise RuntimeError(f"{part} ended with {ran.returncode}")
        return "".join(printed)

    def _systemctl(self, words: list[str]) -> None:
        verb, names = words[0], [word for word in words[1:] if not word.startswith("-")]
        if verb == "daemon-reload":
            for unit in self.path("/etc/systemd/system").glob("*.service"):
                self._read(unit)
            return
        actions: dict[str, Callable[[Service], None]] = {
            "start": Service.start, "enable": Service.start, "stop": Service.stop,
            "reload": lambda service: service.process.send_signal(signal.SIGHUP),  # type: ignore[union-attr]
        }  # fmt: skip
        for name in names:
            if name.endswith(".timer"):
                continue  # the drill runs what it would start
            if verb == "restart":
                self.services[name].stop()
                self.services[name].start()
            else:
                actions[verb](self.services[name])

    def _read(self, unit: Path) -> None:
        """Read a unit; a service that runs goes on as it was until it starts the next time."""
        fields: dict[str, list[str]] = {}
        for line in unit.read_text().splitlines():
            name, is_field, value = line.partition("=")
            if is_field and not line.startswith("#"):
                fields.setdefault(name, []).append(value)
        env = {"PATH": self.env["PATH"], "LANG": "C.UTF-8"}
        for file in fields.get("EnvironmentFile", []):
            for line in Path(file).read_text().splitlines():
                if line and not line.startswith("#"):
                    name, _, value = line.partition("=")
                    env[name] = value.strip("'")
        for line in fields.get("Environment", []):
            env |= dict(word.split("=", 1) for word in shlex.split(line))
        made: dict[str, Any] = {
            "command": shlex.split(fields["ExecStart"][0].replace("%%", "%")),
            "user": fields["User"][0],
            "folder": Path(fields["WorkingDirectory"][0]),
            "env": env,
            "restarts": "always" in fields.get("Restart", []),
        }
        known = self.services.get(unit.stem)
        if known is None:
            log = self.logs / f"{unit.stem}.log"
            self.services[unit.stem] = Service(**made, log=log)
        else:
            for name, value in made.items():
                setattr(known, name, value)

    def stop(self) -> None:
        """Stop all services."""
        for name in sorted(self.services, key=lambda name: name == "postgresql"):
            self.services[name].stop()
