"""Have npm fetch what the tests of the editors' files run: VS Code's tokenizer and its packager.

Tests reach no network, so they are skipped until this has run: ``python tests/editors/node_packages.py``. The packages
lie in the virtual environment, under a name made of the lock file's bytes.
"""

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
EXTENSION = ROOT / "grammar" / "vscode"
_LISTS = ("package.json", "package-lock.json", ".npmrc")
_NAMED = hashlib.sha256(b"".join((EXTENSION / name).read_bytes() for name in _LISTS)).hexdigest()[:16]
_PACKAGES = Path(sys.prefix) / "share" / "gatecheck-editors" / _NAMED
# The packages' own programs come first, then a node that pip installed beside this Python.
_FIRST = [_PACKAGES / "node_modules" / ".bin", Path(sys.executable).parent]
_PATH = os.pathsep.join([*map(str, _FIRST), os.environ.get("PATH", os.defpath)])


def node(*arguments: str, folder: Path = ROOT, given: str = "") -> str:
    """Run one of node's programs and return what it printed."""
    program = shutil.which(arguments[0], path=_PATH)
    if not program:
        pytest.fail(f"there is no {arguments[0]}")
    command = [program, *arguments[1:]]
    environment = {**os.environ, "PATH": _PATH, "npm_config_offline": "true"}
    done = subprocess.run(command, cwd=folder, env=environment, input=given, capture_output=True, encoding="utf-8")
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def packages() -> Path:
    """Return the folder `node_modules`, or skip the test."""
    if not (_PACKAGES / "node_modules").is_dir():
        pytest.skip("no node packages: `python tests/editors/node_packages.py` has npm fetch them")
    return _PACKAGES / "node_modules"


def fetch() -> int:
    """Fetch the locked packages unless they are here, and return npm's exit code."""
    if _PACKAGES.is_dir():
        return 0
    npm = shutil.which("npm", path=_PATH)
    if not npm:
        print("there is no npm here", file=sys.stderr)
        return 1
    _PACKAGES.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=_PACKAGES.parent) as made:
        for name in _LISTS:
            shutil.copy(EXTENSION / name, made)
        command = [npm, "ci", "--ignore-scripts", "--omit=optional", "--no-audit", "--no-fund"]
        code = subprocess.run(command, cwd=made, env={**os.environ, "PATH": _PATH}).returncode
        if code == 0:
            Path(made).rename(_PACKAGES)
            Path(made).mkdir()  # for its own end
    return code


if __name__ == "__main__":
    sys.exit(fetch())
