"""The commands of the documents: what is run, what is run otherwise, and what cannot be run here, and why."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
DOCUMENTS = ("docs/operations.md", "deploy/README.md")

OTHERWISE = {
    "runuser -u postgres -- psql -d dockcast -c '\\password": "a person types them; ALTER ROLE sets them",
    "DOCKCAST_STORE=postgresql+psycopg://dockcast_worker@": "the services start the worker",
    "DOCKCAST_STORE=postgresql+psycopg://dockcast_app@": "the services start the app",
    "DOCKCAST_STORE='postgresql+psycopg": "a setting, which the services have",
    "streamlit run app.py": "the services start the app",
    "python -m ingest run": "the services start the worker",
    "python -m ingest serve PATH…": "the drill's feeds are served so, from the tree that it is run in",
}
"""Commands, by how they begin, in whose place the drill does something else."""

NOT_HERE = {
    "podman ": "there is no container engine",
    "pg_dump -U": "there is no container engine",
    "pg_restore -U": "there is no container engine",
    "journalctl ": "systemd does not run here",
}
"""Commands, by how they begin, that this machine cannot run."""


def commands() -> list[str]:
    """List the commands in the documents, without the comments behind them.

    They stand in blocks of code. One that a table alone has counts, too: where no block begins as it does up
    to its first word in capitals.
    """
    found, tabled = _blocks(), []
    for name in DOCUMENTS:
        text = (ROOT / name).read_text(encoding="utf-8")
        tabled += re.findall(r"^\| `((?:streamlit|python) [^`]+)` \|", text, re.MULTILINE)
    begun = {command: re.split(r" [A-Z]", command)[0] for command in tabled}
    alone = [each for each in tabled if not any(known.startswith(begun[each]) for known in found)]
    return list(dict.fromkeys([*found, *alone]))


def _blocks() -> list[str]:
    """List the commands in the documents' blocks of code."""
    found: list[str] = []
    for name in DOCUMENTS:
        continued = False
        for line in (ROOT / name).read_text(encoding="utf-8").splitlines():
            if not line.startswith("    "):
                continued = False
                continue
            command = line.strip().partition("  #")[0].strip()
            if continued:
                found[-1] = f"{found[-1].removesuffix(chr(92)).strip()} {command}"
            else:
                found.append(command)
            continued = command.endswith("\\")
    return found


def documented(beginning: str) -> str:
    """Give the one documented command that begins so."""
    known = commands()
    fitting = [command for command in known if command == beginning]
    fitting = fitting or [command for command in known if command.startswith(beginning)]
    if len(fitting) != 1:
        raise LookupError(f"the documents have {len(fitting)} commands that begin with {beginning!r}")
    return fitting[0]


def marked(command: str) -> bool:
    """Tell whether a command is marked as one that is run otherwise, or not here."""
    return command.startswith((*OTHERWISE, *NOT_HERE))
