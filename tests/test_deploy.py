"""What is installed and how it is run: the lock, the audit, units, alerts, backup and restore."""

from __future__ import annotations

import re
import runpy
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).parent.parent
AUDIT = runpy.run_path(str(ROOT / ".ci" / "audit.py"))

# ---------------------------------------------------------------- the lock and its audit


def pins(name: str) -> dict[str, set[str]]:
    """Read the pinned versions of a list of requirements, by name."""
    read: dict[str, set[str]] = {}
    for line in (ROOT / name).read_text(encoding="utf-8").splitlines():
        words = line.partition("#")[0].strip().rstrip("\\").strip()
        if words and not words.startswith("-"):
            wanted = Requirement(words)
            read.setdefault(wanted.name.lower().replace("_", "-"), set()).add(str(wanted.specifier))
    return read


def test_the_lock_is_that_of_the_requirements() -> None:
    """`make lock` was forgotten if this fails."""
    wanted, locked = pins("requirements.txt"), pins("requirements.lock")
    assert len(wanted) > 20
    assert {name: locked.get(name) for name in wanted} == wanted


def test_every_package_in_the_lock_is_known_by_its_hash() -> None:
    lock = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    entries = re.split(r"\n(?=[a-z0-9])", re.sub(r"^#.*\n", "", lock, flags=re.MULTILINE))
    assert len(entries) > 50
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
