"""The command line on a copy of the shipped example, away from whatever the machine has: home, caches, configuration.

``run`` calls the command in this process, which is the same and quicker; ``spawn`` and ``start`` make a process where
the process itself is asked about.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from contextlib import ExitStack, chdir, redirect_stderr, redirect_stdout
from io import BytesIO, TextIOWrapper
from pathlib import Path
from typing import Any, NamedTuple

import pytest

import gatecheck
from gatecheck.assets import shipped
from gatecheck.cli.app import run

DEV = ("-e", "dev", "--as-of", "2026-11-24T09:05:00+01:00")
STAGING = ("-e", "staging", "--as-of", "2026-11-24T10:30:00+01:00")
PRODUCTION = ("-e", "production", "--as-of", "2026-11-25T11:00:00+01:00")
DENIED = ("-e", "production", "--as-of", "2026-11-25T12:00:00+01:00")
PENDING = ("-e", "production", "--as-of", "2026-11-25T17:30:00+01:00")
_SOURCE = Path(gatecheck.__file__).parents[1]


class Done(NamedTuple):
    """What a command came to."""

    code: int
    out: str
    err: str


class World:
    """A copy of the example pack, ``folder``, in which ``here`` is the example that commands run in."""

    def __init__(self, root: Path, cache: Path) -> None:
        self.root = root
        self.folder = root / "pack"
        shutil.copytree(Path(str(shipped("rules", "payment-service"))), self.folder)
        self.here = self.folder / "examples" / "allow"
        self.key = root / "config" / "gatecheck" / "id_ed25519"
        self.env = {
            "PATH": os.environ["PATH"],
            "HOME": str(root / "home"),
            "XDG_CONFIG_HOME": str(root / "config"),
            "XDG_STATE_HOME": str(root / "state"),
            "XDG_CACHE_HOME": str(cache),
            "GIT_CONFIG_NOSYSTEM": "1",
            "PYTHONPATH": str(_SOURCE),
            "PYTHONDONTWRITEBYTECODE": "1",
        }

    @property
    def ledger(self) -> Path:
        return self.here / ".gatecheck" / "ledger"

    def example(self, name: str) -> "World":
        """Go to another of the examples."""
        self.here = self.folder / "examples" / name
        return self

    def write(self, path: str, content: str | bytes) -> Path:
        """Write a file below the example."""
        file = self.here / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content.encode() if isinstance(content, str) else content)
        return file

    def replace(self, path: str, old: str, new: str) -> Path:
        """Replace what stands once in a file of the example."""
        text = (self.here / path).read_text()
        assert text.count(old) == 1
        return self.write(path, text.replace(old, new))

    def run(self, *args: str, cwd: Path | None = None, env: Mapping[str, str] | None = None) -> Done:
        out, err = (TextIOWrapper(BytesIO(), "utf-8", "backslashreplace", "") for _ in range(2))
        with ExitStack() as stack:
            patch = stack.enter_context(pytest.MonkeyPatch.context())
            for name in os.environ:
                patch.delenv(name)
            for name, value in {**self.env, **(env or {})}.items():
                patch.setenv(name, value)
            stack.enter_context(chdir(cwd or self.here))
            stack.enter_context(redirect_stdout(out))
            stack.enter_context(redirect_stderr(err))
            code = int(run(list(args)))
        out.flush()
        err.flush()
        return Done(code, *(stream.buffer.getvalue().decode() for stream in (out, err)))

    def evaluate(self, *args: str, cwd: Path | None = None, env: Mapping[str, str] | None = None) -> Done:
        return self.run("evaluate", *args, cwd=cwd, env=env)

    def decide(self, *args: str, cwd: Path | None = None, env: Mapping[str, str] | None = None) -> Done:
        """Evaluate without a ledger."""
        return self.run("evaluate", "--no-ledger", *args, cwd=cwd, env=env)

    def start(self, *args: str, cwd: Path | None = None, **options: Any) -> "subprocess.Popen[bytes]":
        env = {**self.env, **options.pop("env", {})}
        options = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **options}
        command = [sys.executable, "-m", "gatecheck", *args]
        return subprocess.Popen(command, cwd=cwd or self.here, env=env, **options)

    def spawn(self, *args: str, cwd: Path | None = None, **options: Any) -> Done:
        with self.start(*args, cwd=cwd, **options) as process:
            out, err = process.communicate(timeout=60)
        return Done(process.returncode, out.decode(), err.decode())

    def git(self, *args: str, stdin: bytes = b"", folder: Path | None = None) -> str:
        """Run git on the ledger, or in another folder."""
        command = ["git", "-C", str(folder or self.ledger), *args]
        env = {**self.env, "GIT_CONFIG_GLOBAL": "/dev/null"}
        return subprocess.run(command, env=env, input=stdin, check=True, capture_output=True).stdout.decode().strip()

    def verified(self) -> str:
        """Return what is verified of the ledger, or what is wrong with it."""
        done = self.run("ledger", "verify")
        return done.out.partition("\n")[0] or done.err
