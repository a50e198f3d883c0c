"""Run the shell blocks of the project's pages as a reader would: `gatecheck` is on the path, and they have a home."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def reader(folder: Path) -> dict[str, str]:
    """Return the environment of a reader whose home is ``folder``: `gatecheck` and `python3` are this interpreter's."""
    programs = folder / "bin"
    programs.mkdir(parents=True)
    for name, module in (("gatecheck", "-m gatecheck "), ("python3", "")):
        program = programs / name
        program.write_text(f'#!/bin/sh\nexec "{sys.executable}" {module}"$@"\n')
        program.chmod(0o755)
    kept = {name: os.environ[name] for name in ("TMPDIR", "SYSTEMROOT") if name in os.environ}
    return {
        **kept,
        "HOME": str(folder),
        "LC_ALL": "C.UTF-8",
        "NO_COLOR": "1",
        "PATH": f"{programs}:{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT / "evaluator"),
        "GIT_AUTHOR_NAME": "frank", "GIT_AUTHOR_EMAIL": "frank@example.com",
        "GIT_COMMITTER_NAME": "frank", "GIT_COMMITTER_EMAIL": "frank@example.com",
    }  # fmt: skip


def run(script: str, folder: Path, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """Run a bash script that stops at its first failing command; both outputs come as ``stdout``, in order."""
    command = ["bash", "-euo", "pipefail", "-c", script]
    return subprocess.run(
        command, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=300
    )


def blocks(page: Path, language: str) -> list[str]:
    """Return a page's fenced blocks of one language, in order."""
    return re.findall(rf"^```{language}\n(.*?)^```$", page.read_text("utf-8"), re.DOTALL | re.MULTILINE)


def session(block: str) -> tuple[str, str]:
    """Return what a console block types, as a script that goes on after a failing command, and what it then shows."""
    lines = block.splitlines(keepends=True)
    typed = "".join(line.removeprefix("$ ") for line in lines if line.startswith("$ "))
    return f"set +e\n{typed}", "".join(line for line in lines if not line.startswith("$ "))


def copy_of_example(folder: Path) -> Path:
    """Copy the shipped pack, where it would stand in a clone, and return the clone."""
    shutil.copytree(ROOT / "rules", folder / "rules")
    return folder
