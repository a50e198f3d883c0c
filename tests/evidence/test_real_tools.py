"""Reports that tools really write, made here: pytest's JUnit XML, coverage.py in its three formats, ruff's SARIF."""

import subprocess
import sys
from pathlib import Path

import pytest
from evidence_claims import opens, read

CODE = """
def grade(score):
    if score > 90:
        return "a"
    if score > 50:
        return "b"
    return "c"
"""
TESTS = """
import unittest
import pytest
from grades import grade

def test_best():
    assert grade(95) == "a"

def test_middle():
    assert grade(60) == "b"

@pytest.mark.skip(reason="not yet")
def test_later():
    pass

class Many(unittest.TestCase):
    def test_many(self):
        for score in (91, 92, 93):
            with self.subTest(score=score):
                self.assertEqual(grade(score), "a")
"""
FAILING = """
import pytest

def test_wrong():
    assert 1 == 2, "<not> & \\x00 equal"

@pytest.fixture
def broken():
    raise RuntimeError("no database")

def test_setup(broken):
    pass
"""


def tool(folder: Path, *command: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", *command], cwd=folder, capture_output=True, text=True, env={"PYTHONHASHSEED": "0"}
    )
    assert done.returncode in (0, 1), done.stdout + done.stderr


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("project")
    (folder / "grades.py").write_text(CODE)
    (folder / "test_grades.py").write_text(TESTS)
    (folder / "test_failing.py").write_text(FAILING)
    (folder / "unused.py").write_text("import os\n")
    plain = ("pytest", "-q", "-p", "no:cacheprovider", "-p", "no:xdist")
    tool(
        folder,
        "coverage",
        "run",
        "--branch",
        "--include=grades.py",
        "-m",
        *plain,
        "--junitxml=passing.xml",
        "test_grades.py",
    )
    tool(folder, *plain, "--junitxml=failing.xml", "test_failing.py")
    for command in (("json", "-o", "c.json"), ("xml", "-o", "c.xml"), ("lcov", "-o", "c.lcov")):
        tool(folder, "coverage", *command)
    tool(folder, "ruff", "check", "--isolated", "--no-cache", "--output-format=sarif", "-o", "r.sarif", ".")
    tool(folder, "ruff", "check", "--isolated", "--no-cache", "--output-format=sarif", "-o", "ok.sarif", "grades.py")
    return folder


def test_pytest(project: Path) -> None:
    passing = read((project / "passing.xml").read_bytes())
    assert [passing.fields[f] for f in ("tests", "passed", "failures", "errors", "skipped")] == [4, 3, 0, 0, 1]
    assert (passing.producer, passing.flaw) == ("pytest", "")
    assert passing.produced_at is not None
    assert opens(passing)
    failing = read((project / "failing.xml").read_bytes())
    assert [failing.fields[f] for f in ("tests", "passed", "failures", "errors", "skipped")] == [2, 0, 1, 1, 0]
    assert [(f["suite"], f["name"], f["outcome"]) for f in failing.fields["failed"]] == [
        ("test_failing", "test_wrong", "failure"), ("test_failing", "test_setup", "error")]  # fmt: skip


def test_coverage_py_says_the_same_in_its_three_formats(project: Path) -> None:
    found = [read((project / name).read_bytes()).fields for name in ("c.json", "c.xml", "c.lcov")]
    for fields in found:
        assert (fields["lines_covered"], fields["lines_valid"], fields["line_rate"]) == (5, 6, "0.833333333")
        assert (fields["branches_covered"], fields["branches_valid"], fields["branch_rate"]) == (3, 4, "0.75")
        assert fields["files"] == 1
    assert found[2]["functions_valid"] == 1
    made = read((project / "c.xml").read_bytes()).produced_at
    assert made is not None and made.year >= 2024


def test_ruff(project: Path) -> None:
    evidence = read((project / "r.sarif").read_bytes())
    (one,) = [f for f in evidence.fields["findings"] if f["rule"] == "F401" and f["path"].endswith("/unused.py")]
    assert (one["level"], one["severity"], one["line"], one["suppressed"]) == ("error", "high", 1, False)
    assert evidence.fields["tools"] == ["ruff"]
    assert evidence.producer.startswith("ruff 0.")
    assert not opens(evidence)
    assert opens(read((project / "ok.sarif").read_bytes()))
