"""README.md is run as it stands: its commands, its output, its rules, its table of exit codes, its links."""

import re
from pathlib import Path

import pytest
from shell import ROOT, blocks, copy_of_example, reader, run, session

from gatecheck.cli.exits import Exit

README = ROOT / "README.md"
SETUP, SUITE, *FIRST_USE, AUDIT = blocks(README, "sh")
INSTALL = "python3 -m venv .venv && .venv/bin/pip install --quiet . && "
PAGES = [README, ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").glob("*.md")), *sorted((ROOT / "rules").rglob("*.md"))]


def test_first_command_runs_the_example(tmp_path: Path) -> None:
    assert SETUP.startswith(INSTALL)  # tests/packaging installs; here the package is importable already
    clone = copy_of_example(tmp_path / "clone")
    done = run(SETUP.removeprefix(INSTALL), clone, reader(tmp_path / "home"))
    assert done.returncode == 0, done.stdout
    assert done.stdout.endswith("\n== Done: one allow, one pending, one deny for production, as expected\n")
    assert (clone / ".gatecheck" / "ledger" / "HEAD").is_file()


def test_second_command_is_what_ci_runs(tmp_path: Path) -> None:
    assert SUITE == ".ci/run\n"
    assert (ROOT / ".ci" / "run").stat().st_mode & 0o111
    assert run("bash -n .ci/run", ROOT, reader(tmp_path)).stdout == ""


def test_rules_are_those_of_the_pack() -> None:
    (shown,) = blocks(README, "gate")
    assert shown in (ROOT / "rules" / "payment-service" / "production.gate").read_text("utf-8")


def test_output_is_real(tmp_path: Path) -> None:
    (block,) = blocks(README, "console")
    script, shown = session(block)
    assert run(script, copy_of_example(tmp_path / "clone"), reader(tmp_path / "home")).stdout == shown


@pytest.fixture
def repository(tmp_path: Path) -> tuple[Path, dict[str, str]]:
    environment, own = reader(tmp_path / "home"), tmp_path / "own"
    own.mkdir()
    made = run(
        "git init -q -b main && echo 'def test_one(): assert True' > test_one.py && git add . && git commit -q -m One"
        " && echo 'def test_two(): assert True' > test_two.py && git add . && git commit -q -m Two",
        own,
        environment,
    )
    assert made.returncode == 0, made.stdout
    return own, environment


def test_first_use_and_audit(repository: tuple[Path, dict[str, str]]) -> None:
    own, environment = repository
    done = run("\n".join(FIRST_USE), own, environment)
    assert done.returncode == 0, done.stdout
    assert re.findall(r"^(\w+)  app -> (\w+)", done.stdout, re.MULTILINE) == [
        ("ALLOW", "staging"), ("PENDING", "production"), ("ALLOW", "production")]  # fmt: skip
    assert "ok: 1 file, 2 environments, 1 gate, 3 rules (3 statements)\n" in done.stdout
    assert "  needs    1 approval from reviewers " in done.stdout

    audited = run(AUDIT, own, environment)
    assert audited.returncode == 0, audited.stdout
    assert re.search('^Good "git" signature for release@example.com with ED25519 key', audited.stdout, re.MULTILINE)
    (digest,) = re.findall(r"^([0-9a-f]{64})  -$", audited.stdout, re.MULTILINE)
    assert f"Gatecheck-Statement: sha256:{digest}\n" in audited.stdout


def test_author_can_not_approve(repository: tuple[Path, dict[str, str]]) -> None:
    own, environment = repository
    as_alice = {"GIT_AUTHOR_NAME": "Alice", "GIT_AUTHOR_EMAIL": "alice@example.com"}
    assert run("git commit -q --allow-empty -m Three", own, {**environment, **as_alice}).returncode == 0
    done = run("\n".join(FIRST_USE), own, environment)
    assert done.returncode == 4
    assert "  refused  approval of alice@example.com: is the author\n" in done.stdout


def test_exit_codes_are_those_of_the_commands() -> None:
    table = re.findall(r"^\| (\d) \| (.+) \|$", README.read_text("utf-8"), re.MULTILINE)
    assert sorted(int(code) for code, _ in table) == sorted(int(code) for code in Exit)
    assert dict(table)["0"] == Exit.ALLOW.name.lower()
    assert dict(table)["3"] == Exit.DENY.name.lower()
    assert dict(table)["4"] == Exit.PENDING.name.lower()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    links = re.findall(r"\]\(([^)#]+)", page.read_text("utf-8"))
    broken = [link for link in links if "://" not in link and not (page.parent / link).exists()]
    assert broken == []
