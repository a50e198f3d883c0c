"""Each run in a pipeline starts cold, so a command must not import what it does not need: told by modules, not time."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from gatecheck.cli.exits import Exit

ROOT = Path(__file__).resolve().parents[2]
EXAMPLE = ROOT / "rules" / "payment-service" / "examples" / "allow"
HEAVY = {
    "asyncio", "attr", "cryptography", "ctypes", "dataclasses", "email", "importlib.metadata", "importlib.resources",
    "inspect", "jsonschema", "lark", "logging", "multiprocessing", "pygit2", "rpds", "socket", "sqlite3", "subprocess",
    "tabulate", "tempfile", "yaml", "zoneinfo",
}  # fmt: skip
PROBE = """
import json, sys
before = set(sys.modules)
from gatecheck.cli.app import run
code = run(sys.argv[1:])
sys.stdout.flush()
json.dump([code, sorted(set(sys.modules) - before)], sys.stderr)
"""


def imported(folder: Path, cache: Path, *command: str) -> tuple[int, set[str]]:
    """Return a command's exit code, and the modules that it imports on top of the interpreter's own."""
    environment = {**os.environ, "GATECHECK_CACHE": str(cache), "PYTHONPATH": str(ROOT / "evaluator")}
    done = subprocess.run(
        [sys.executable, "-c", PROBE, *command], cwd=folder, env=environment, capture_output=True, text=True
    )
    code, modules = json.loads(done.stderr)
    return code, set(modules)


def heavy(modules: set[str]) -> set[str]:
    return {name for name in HEAVY if name in modules or any(each.startswith(f"{name}.") for each in modules)}


def click_alone() -> set[str]:
    """Return what importing click costs: no command can do without it."""
    script = "import sys; before = set(sys.modules); import click; print(*sorted(set(sys.modules) - before))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


@pytest.mark.parametrize(
    ("environment", "as_of", "verdict", "needed"),
    [
        ("dev", "2026-11-24T09:05:00+01:00", Exit.ALLOW, set()),
        ("staging", "2026-11-24T10:30:00+01:00", Exit.PENDING, set()),  # no ledger says that dev allowed it
        ("production", "2026-11-25T11:00:00+01:00", Exit.ALLOW, {"zoneinfo"}),  # asks windows
    ],
)
def test_evaluate(environment: str, as_of: str, verdict: Exit, needed: set[str], tmp_path: Path) -> None:
    command = ("evaluate", "--no-ledger", "-e", environment, "--as-of", as_of)
    cold_code, cold = imported(EXAMPLE, tmp_path, *command)
    assert cold_code == verdict
    assert {"lark", "yaml"} <= heavy(cold)  # the probe sees what is imported
    code, warm = imported(EXAMPLE, tmp_path, *command)
    assert code == verdict
    assert heavy(warm - click_alone()) == needed


@pytest.mark.parametrize("command", [("--version",), ("--help",), ("-h",)])
def test_words_about_itself(command: tuple[str, ...], tmp_path: Path) -> None:
    code, modules = imported(tmp_path, tmp_path, *command)
    assert code == 0
    more = modules - click_alone()
    assert heavy(more) == set()
    assert {name for name in more if name.startswith("gatecheck.")} == {
        "gatecheck.cli", "gatecheck.cli.app", "gatecheck.cli.exits", "gatecheck.text", "gatecheck.text.diagnostic",
        "gatecheck.text.source", "gatecheck.version",
    }  # fmt: skip
