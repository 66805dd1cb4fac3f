"""Where compiled kernels are kept: by processes at once, anew after a change, or not at all."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

CODE = """
import sys
import numpy as np
from model import kernels
from model.kernels.compiling import noticed
weight = np.full((1, 3), 1 / 3)
with noticed(lambda: print("compiling", file=sys.stderr)):
    kernels.minimise(np.diag([1.0, 2.0, 4.0])[None], np.zeros((1, 3)), weight, 20, 1e-5)
print(weight.tobytes().hex())
"""


def start(folder: Path) -> subprocess.Popen[str]:
    """Call a kernel in a process of its own that keeps what it compiles in a folder."""
    return subprocess.Popen(
        [sys.executable, "-c", CODE],
        env=os.environ | {"NUMBA_CACHE_DIR": str(folder)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_processes_that_compile_at_once_do_each_other_no_harm(tmp_path: Path) -> None:
    folder = tmp_path / "kernels"
    together = [start(folder) for _ in range(3)]
    answers = [process.communicate(timeout=300) for process in together]
    assert [process.returncode for process in together] == [0, 0, 0], answers
    assert len({said for said, _ in answers}) == 1, "the same bits"
    logs = [log for _, log in answers]
    assert "compiling\n" in logs, "once, however many kernels it compiles"
    assert set(logs) <= {"compiling\n", ""}
    kept = {path: path.stat().st_mtime_ns for path in folder.rglob("*.nbc")}
    assert kept
    assert start(folder).communicate(timeout=300) == (answers[0][0], "")
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*.nbc")} == kept, (
        "nothing is compiled again"
    )


def test_without_a_folder_to_write_to_kernels_work_and_the_log_says_what_to_do(tmp_path: Path) -> None:
    nowhere = tmp_path / "a file"
    nowhere.write_text("")
    said, log = start(nowhere).communicate(timeout=300)
    assert len(said.strip()) == 3 * 16
    assert log.count("cannot be kept") == 1
    assert "NUMBA_CACHE_DIR" in log
