"""Which release this is."""

from __future__ import annotations

import re
from pathlib import Path

from ingest import release

COMMIT = "0123456789abcdef0123456789abcdef01234567"


def test_the_version_is_that_of_the_project() -> None:
    assert re.fullmatch(r"\d+\.\d+\.\d+", release.version())


def test_the_commit_is_read_from_the_files_of_git(tmp_path: Path) -> None:
    git = tmp_path / ".git"
    assert release.commit.__wrapped__(tmp_path) == release.UNKNOWN
    git.mkdir()
    (git / "HEAD").write_text(f"{COMMIT}\n")
    assert release.commit.__wrapped__(tmp_path) == COMMIT[:12]
    (git / "HEAD").write_text("ref: refs/heads/main\n")
    (git / "packed-refs").write_text(f"# pack-refs\n{COMMIT} refs/heads/main\n")
    assert release.commit.__wrapped__(tmp_path) == COMMIT[:12]
    (git / "packed-refs").write_text("")
    assert release.commit.__wrapped__(tmp_path) == release.UNKNOWN
