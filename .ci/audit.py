"""`make audit`: looks for known vulnerabilities in the packages of requirements.lock.

It fails on one that audit.toml does not list with a reason. Where it gets no advisories it prints so and does
not fail: a machine without a network can build too, but that is no proof of safety.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent


def main() -> int:
    """Run the audit and print its result."""
    lock = HERE.parent / "requirements.lock"
    command = [sys.executable, "-m", "pip_audit", "--requirement", str(lock), "--disable-pip"]
    command += ["--format", "json", "--progress-spinner", "off", "--timeout", "10"]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    try:
        report = json.loads(ended.stdout)
    except ValueError:
        last = (ended.stderr.strip().splitlines() or ["no answer"])[-1]
        sys.stdout.write(f"NOT AUDITED: no advisories could be had ({last[:200]})\n")
        return 0
    reasons = tomllib.loads((HERE / "audit.toml").read_text(encoding="utf-8")).get("ignored", {})
    code, lines = judge(report, reasons)
    sys.stdout.write("".join(f"{line}\n" for line in lines))
    return code


def judge(report: dict[str, Any], reasons: dict[str, str]) -> tuple[int, list[str]]:
    """Read pip-audit's report: give the exit code and the lines to print.

    `reasons` has ignored advisories by id.
    """
    packages = report["dependencies"]
    asked = [package for package in packages if "vulns" in package]
    missing = sorted(package["name"] for package in packages if "vulns" not in package)
    code, lines = 0, []
    for package in asked:
        for flaw in package["vulns"]:
            what = f"{package['name']} {package['version']}: {flaw['id']}"
            names = {flaw["id"], *flaw.get("aliases", ())} & set(reasons)
            if names:
                lines.append(f"{what}, not minded: {reasons[names.pop()]}")
            else:
                code = 1
                mended = ", ".join(flaw.get("fix_versions", ())) or "no release yet"
                lines.append(f"VULNERABLE: {what}, mended in {mended}")
    if not asked:
        lines.append("NOT AUDITED: the advisory service knows none of our packages, or there is no network")
    elif missing:
        lines.append(f"NOT AUDITED: {', '.join(missing)}")
    lines.append(f"{len(asked)} of {len(packages)} packages audited")
    return code, lines


if __name__ == "__main__":
    sys.exit(main())
