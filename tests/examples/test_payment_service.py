"""The shipped pack and its three changes: decisions come out as their pages say, and evidence as its script says."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
from shell import ROOT, blocks, copy_of_example, reader, run, session

from gatecheck.evidence.read import read_evidence_file
from gatecheck.model.document import parse_document, read_bytes

PACK = ROOT / "rules" / "payment-service"
EXAMPLES = sorted(path for path in (PACK / "examples").iterdir())
DECISIONS = [
    "ALLOW  payment-service 2.14.0 -> dev",
    "ALLOW  payment-service 2.14.0 -> staging",
    "ALLOW  payment-service 2.14.0 -> production",
    "ALLOW  payment-service 3.0.0 -> dev",
    "ALLOW  payment-service 3.0.0 -> staging",
    "PENDING  payment-service 3.0.0 -> production",
    "ALLOW  payment-service 2.14.1 -> dev",
    "ALLOW  payment-service 2.14.1 -> staging",
    "DENY  payment-service 2.14.1 -> production",
]


def by_name(path: Path) -> str:
    return path.name


def decisions(shown: str) -> list[str]:
    return re.findall(r"^(?:ALLOW|PENDING|DENY)  .*? -> \w+", shown, re.MULTILINE)


def test_pack_is_without_warnings(tmp_path: Path) -> None:
    done = run("gatecheck check rules/payment-service --as-of 2026-11-24T09:00:00Z", ROOT, reader(tmp_path))
    assert (done.returncode, done.stdout) == (
        0, "ok: 6 files, 3 environments, 7 gates, 8 rules (29 statements)\n")  # fmt: skip


@pytest.mark.parametrize("example", EXAMPLES, ids=by_name)
def test_page_shows_the_decision(example: Path, tmp_path: Path) -> None:
    (block,) = blocks(example / "README.md", "console")
    script, shown = session(block)
    assert run(script, example, reader(tmp_path)).stdout == shown


def test_run_decides_records_verifies_and_replays_and_does_so_twice(tmp_path: Path) -> None:
    clone, environment = copy_of_example(tmp_path / "a clone"), reader(tmp_path / "home")
    first = run("rules/payment-service/run.sh", clone, environment)
    assert first.returncode == 0, first.stdout
    assert decisions(first.stdout) == DECISIONS
    assert "verified 9 entries: records, chain and signatures are good\n" in first.stdout
    assert "replayed 9 decisions: all the same bytes\n" in first.stdout
    second = run("rules/payment-service/run.sh", clone, environment)
    assert second.returncode == 0, second.stdout
    assert second.stdout == re.sub("^made a signing key .*\n", "", first.stdout, flags=re.MULTILINE)
    # The reader's own key and memory are left alone.
    assert not (tmp_path / "home" / ".config").exists()
    assert not (tmp_path / "home" / ".local").exists()


def test_run_ends_where_a_decision_is_not_as_said(tmp_path: Path) -> None:
    clone = copy_of_example(tmp_path / "clone")
    gates = clone / "rules" / "payment-service" / "gates.gate"
    gates.write_text(gates.read_text().replace("value <= 1%", "value <= 5%"))
    done = run("rules/payment-service/run.sh elsewhere/ledger", clone, reader(tmp_path / "home"))
    assert done.returncode == 1
    assert done.stdout.endswith("run.sh: this should have ended with 3, and ended with 0\n")
    assert decisions(done.stdout) == [*DECISIONS[:-1], DECISIONS[-1].replace("DENY", "ALLOW")]


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("made")
    done = run(f"{PACK}/evidence/service.sh service", folder, reader(folder / "home"))
    assert done.returncode == 0, done.stdout
    return folder / "service"


def git(service: Path, *command: str) -> str:
    return subprocess.run(["git", *command], cwd=service, capture_output=True, text=True, check=True).stdout.strip()


@pytest.mark.parametrize("example", EXAMPLES, ids=by_name)
def test_change_is_the_commit_that_the_script_makes(example: Path, service: Path) -> None:
    change = parse_document(read_bytes(example / "change.yaml"), "change.yaml")
    branch = example.name
    assert change["commit"] == git(service, "rev-parse", branch)
    packed = f"git archive --format=tar {branch} payments api | sha256sum | cut -d' ' -f1"
    assert (
        change["artifact"]["digest"] == f"sha256:{run(packed, service, reader(service.parent / branch)).stdout.strip()}"
    )
    assert change["title"] == git(service, "log", "-1", "--format=%s", branch)
    assert change["author"] == git(service, "log", "-1", "--format=%ae", branch)
    touched = [f"{file['added']}\t{file['deleted']}\t{file['path']}" for file in change["files"]]
    assert touched == git(service, "diff", "--numstat", f"main..{branch}").splitlines()


@pytest.mark.parametrize("example", EXAMPLES, ids=by_name)
@pytest.mark.parametrize("kind", ["unit", "integration"])
def test_reports_hold_what_the_tests_say(example: Path, kind: str, service: Path, tmp_path: Path) -> None:
    git(service, "worktree", "add", "-q", "-f", str(tmp_path / "tree"), example.name)
    pytest_again = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", f"--junitxml={tmp_path}/again.xml"]
    done = subprocess.run([*pytest_again, f"tests/{kind}"], cwd=tmp_path / "tree", capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
    again = read_evidence_file(tmp_path / "again.xml", "again.xml")
    shipped = read_evidence_file(example / "evidence" / f"{kind}-tests.xml", "shipped")
    assert {**again.fields, "duration": ""} == {**shipped.fields, "duration": ""}


def test_reports_name_no_machine() -> None:
    reports = [path for path in PACK.glob("examples/*/evidence/*") if path.is_file()]
    assert len(reports) == 3 * 7
    for path in reports:
        found = re.findall(r"file://|hostname|/(?:tmp|home|root|Users|var|usr)\b", path.read_text("utf-8"))
        assert found == [], path


def test_contracts_are_data() -> None:
    folders = [ROOT / name for name in ("grammar", "rules", "schemas")]
    assert [str(path) for folder in folders for path in folder.rglob("*.py")] == []


def test_pack_is_tested_whole(tmp_path: Path) -> None:
    done = run("gatecheck test rules/payment-service --fail-under 100", ROOT, reader(tmp_path))
    assert (done.returncode, done.stdout) == (
        0,
        "coverage 100%: 29 of 29 statements in scope, 10 of 10 guards false, 3 of 3 cases of risk\n\n"
        "ok: 33 cases of 28 tests passed\n",
    )
