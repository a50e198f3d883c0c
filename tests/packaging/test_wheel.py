"""What is built is what is in the checkout, and works installed, from any folder, without the checkout."""

import os
import subprocess
import sys
import sysconfig
import tarfile
import tomllib
import zipfile
from pathlib import Path

import pytest

from gatecheck.version import GATECHECK

ROOT = Path(__file__).resolve().parents[2]
SHIPPED = "gatecheck/_shipped"


class Built:
    """An sdist, the wheel that was built from it, and a virtual environment with the wheel installed."""

    def __init__(self, folder: Path) -> None:
        build = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(folder), str(ROOT)]
        subprocess.run(build, check=True, capture_output=True, text=True)
        (self.sdist,) = folder.glob("*.tar.gz")
        (self.wheel,) = folder.glob("*.whl")
        self.venv = folder / "venv"
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(self.venv)], check=True)
        self.site = Path(sysconfig.get_path("purelib", "venv", {"base": str(self.venv)}))
        # What gatecheck depends on is borrowed from here, after the environment's own packages.
        borrowed = {sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}
        (self.site / "borrowed.pth").write_text("".join(f"{path}\n" for path in sorted(borrowed)))
        pip = [sys.executable, "-m", "pip", "--python", str(self.venv / "bin" / "python"), "install", "--quiet"]
        subprocess.run([*pip, "--no-deps", "--no-index", str(self.wheel)], check=True, capture_output=True, text=True)

    def gatecheck(self, folder: Path, *command: str) -> subprocess.CompletedProcess[str]:
        """Run the installed command in a folder; a warning of Python's is an error."""
        kept = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
        environment = {**kept, "HOME": str(self.venv), "PYTHONWARNINGS": "error", "NO_COLOR": "1"}
        program = self.venv / "bin" / "gatecheck"
        return subprocess.run([program, *command], cwd=folder, env=environment, capture_output=True, text=True)


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    return Built(tmp_path_factory.mktemp("built"))


def files(folder: str, under: str) -> set[str]:
    """Return the files of a folder of the checkout by the names that they have in the wheel."""
    found = (path for path in (ROOT / folder).rglob("*") if path.is_file() and "__pycache__" not in path.parts)
    return {f"{under}/{path.relative_to(ROOT / folder).as_posix()}" for path in found}


def test_wheel_holds_the_package_and_the_contracts_and_no_more(built: Built) -> None:
    names = set(zipfile.ZipFile(built.wheel).namelist())
    about = {name for name in names if name.startswith(f"gatecheck-{GATECHECK}.dist-info/")}
    expected = files("evaluator/gatecheck", "gatecheck")
    for folder in ("grammar", "schemas", "rules"):
        expected |= files(folder, f"{SHIPPED}/{folder}")
    expected -= files("grammar/vscode", f"{SHIPPED}/grammar/vscode")
    expected.add(f"{SHIPPED}/docs/diagnostics.md")
    assert names - about == expected
    assert {
        "gatecheck/py.typed",
        f"{SHIPPED}/grammar/gatecheck.lark",
        f"{SHIPPED}/schemas/evidence/junit.schema.json",
        f"{SHIPPED}/rules/payment-service/production.gate",
    } <= names
    assert {Path(name).name for name in about} == {"METADATA", "WHEEL", "RECORD", "entry_points.txt", "LICENSE"}


def test_sdist_holds_what_the_tests_need(built: Built) -> None:
    top = f"gatecheck-{GATECHECK}"
    with tarfile.open(built.sdist) as archive:
        names = set(archive.getnames())
    wanted = {"pyproject.toml", "README.md", "LICENSE", "CHANGELOG.md", ".ci/run", "grammar/gatecheck.lark"}
    wanted |= (
        files("evaluator/gatecheck", "evaluator/gatecheck") | files("schemas", "schemas") | files("rules", "rules")
    )
    wanted |= {f"tests/packaging/{Path(__file__).name}"}
    assert {f"{top}/{name}" for name in wanted} <= names
    ours = (".venv/", ".git/", ".gatecheck/", "dist/")
    assert [name for name in names if name.removeprefix(f"{top}/").startswith(ours) or "__pycache__" in name] == []


def test_version_is_one(built: Built, tmp_path: Path) -> None:
    assert tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["version"] == GATECHECK
    assert built.gatecheck(tmp_path, "--version").stdout == f"gatecheck {GATECHECK}\n"


def test_installed_command_reads_what_was_shipped(built: Built, tmp_path: Path) -> None:
    pack = built.site / SHIPPED / "rules" / "payment-service"
    checked = built.gatecheck(tmp_path, "check", str(pack), "--as-of", "2026-11-24T09:00:00Z")
    assert (checked.returncode, checked.stdout[:4], checked.stderr) == (0, "ok: ", "")

    explained = built.gatecheck(tmp_path, "explain-code", "GC202")
    assert (explained.returncode, explained.stdout[:7], explained.stderr) == (0, "GC202: ", "")

    command = ("evaluate", "--no-ledger", "-e", "production", "--as-of", "2026-11-25T12:00:00+01:00")
    decided = [built.gatecheck(pack / "examples" / "deny", *command) for _ in range(2)]
    assert [(done.returncode, done.stderr) for done in decided] == [(3, ""), (3, "")]
    assert decided[0].stdout.startswith("DENY  payment-service 2.14.1 -> production ")
    assert decided[0].stdout == decided[1].stdout  # compiled, and out of the cache


def test_every_module_imports_without_a_warning(built: Built) -> None:
    script = (
        "import importlib, pkgutil, gatecheck\n"
        "for module in pkgutil.walk_packages(gatecheck.__path__, 'gatecheck.'): importlib.import_module(module.name)\n"
        "print(gatecheck.__file__)"
    )
    python = [str(built.venv / "bin" / "python"), "-W", "error", "-c", script]
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(python, env=environment, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert Path(done.stdout.strip()) == built.site / "gatecheck" / "__init__.py"
