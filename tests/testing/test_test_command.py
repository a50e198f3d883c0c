"""``gatecheck test``: its exit codes, its formats, and tests made of recorded decisions."""

import json
import os
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest
from jsonschema import Draft202012Validator
from pack_world import RULES

from gatecheck.assets import shipped
from gatecheck.cli.app import run
from gatecheck.evidence.read import read_evidence_file

GOOD = """\
test good {
  given change { type: docs } to dev
  each change.author in ["a", "b"]
  at 2026-11-23
  expect allow
}
"""
BAD = """\
test bad "A title" {
  given change { type: docs } to dev
  at 2026-11-23
  expect pending
}
"""
REFUSED = """\
test refused {
  given recorded "decisions/none.json"
  expect allow
}
"""


@pytest.fixture
def pack(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    for name in ("XDG_CONFIG_HOME", "XDG_STATE_HOME", "GATECHECK_KEY"):
        monkeypatch.delenv(name, raising=False)
    folder = tmp_path / "rules"
    folder.mkdir()
    (folder / "rules.gate").write_text(RULES)
    return folder


def test_tests_that_pass(pack: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (pack / "tests.gate").write_text(GOOD)
    assert run(["test", "rules"]) == 0
    assert capsys.readouterr() == ("ok: 2 cases of 1 test passed\n", "")


def test_one_that_fails_fails_the_command(pack: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (pack / "tests.gate").write_text(GOOD + BAD)
    assert run(["test", "rules"]) == 7
    assert capsys.readouterr() == (
        """\
FAILED  bad  rules/tests.gate:7  A title
  given     change { type: docs } to dev
  at        2026-11-23
  expected  pending
  actual    allow
  nearest   nothing stands against it
  decision  ALLOW for dev at risk low (otherwise)
    passed  dev: approve automatically  rules/rules.gate:25

failed: 1 of 3 cases of 2 tests
""",
        "",
    )


def test_a_run_of_no_tests_fails(pack: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["test", "rules"]) == 7
    assert capsys.readouterr() == ("no test was run: the pack holds none\n", "")
    (pack / "tests.gate").write_text(GOOD)
    assert run(["test", "rules", "-k", "x", "-k", "y"]) == 7
    assert capsys.readouterr() == ("no test was run: no case's name holds `x` or `y`\n", "")
    assert run(["test", "rules", "-k", "x", "--format", "json"]) == 7
    assert json.loads(capsys.readouterr().out) == {
        "ok": False, "counts": {"tests": 0, "cases": 0, "failed": 0}, "cases": [],
    }  # fmt: skip


def test_cases_are_chosen_by_name(pack: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (pack / "tests.gate").write_text(GOOD + BAD)
    assert run(["test", "rules", "-k", "good"]) == 0
    assert capsys.readouterr().out == "ok: 2 cases of 1 test passed\n"
    assert run(["test", "rules", "-k", 'author="b"', "-k", "nothing"]) == 0
    assert capsys.readouterr().out == "ok: 1 case of 1 test passed\n"


def test_rules_may_be_configured(pack: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["test"]) == 2
    assert "`--rules` is missing" in capsys.readouterr().err
    (pack / "tests.gate").write_text(GOOD)
    (pack.parent / "gatecheck.yaml").write_text("rules: rules\n")
    assert run(["test"]) == 0


def test_wrong_rules_and_wrong_tests_are_no_tests_that_fail(pack: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (pack / "tests.gate").write_text(GOOD.replace("type: docs", "type: doc"))
    assert run(["test", "rules"]) == 5
    assert "error[GC201]: `doc` is not a value of change.type\n  --> tests.gate:2:24" in capsys.readouterr().err


def test_too_little_covered_fails(pack: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (pack / "tests.gate").write_text(GOOD)
    assert run(["test", "rules", "--coverage"]) == 0
    assert capsys.readouterr().out.startswith("coverage 6.66%: 1 of 10 statements in scope, 0 of 4 guards false")
    assert run(["test", "rules", "--fail-under", "6.66"]) == 0
    capsys.readouterr()
    assert run(["test", "rules", "--fail-under", "100"]) == 7
    assert capsys.readouterr().out.endswith(
        "\nok: 2 cases of 1 test passed\nfailed: 6.66% is covered, and `--fail-under` asks for 100%\n"
    )


@pytest.mark.parametrize("share", ["nan", "-1", "101", "all"])
def test_a_share_that_is_none_is_refused(share: str, pack: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (pack / "tests.gate").write_text(GOOD)
    assert run(["test", "rules", "--fail-under", share]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert "`--fail-under`" in err or "'--fail-under'" in err


def schema() -> Draft202012Validator:
    made = json.loads(shipped("schemas", "tests.schema.json").read_text("utf-8"))
    Draft202012Validator.check_schema(made)
    return Draft202012Validator(made)


def test_json_tells_every_case(pack: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (pack / "tests.gate").write_text(GOOD + BAD + REFUSED)
    assert run(["test", "rules", "--format", "json", "--coverage"]) == 7
    said = json.loads(capsys.readouterr().out)
    schema().validate(said)
    assert said["counts"] == {"tests": 3, "cases": 4, "failed": 2}
    bad, good, _, refused = said["cases"]
    (finding,) = bad.pop("findings")
    assert finding["statement"] == "approve automatically"
    assert bad == {
        "name": "bad", "test": "bad", "title": "A title", "file": "tests.gate", "line": 7, "parameters": [],
        "passed": False, "verdict": "allow", "given": ["change { type: docs } to dev"], "at": "2026-11-23",
        "unmet": [{"expected": "pending", "actual": "allow", "nearest": "nothing stands against it"}],
        "broken": [], "refused": [],
    }  # fmt: skip
    assert (good["name"], good["parameters"]) == (
        'good[change.author="a"]',
        [{"field": "change.author", "value": '"a"'}],
    )
    assert (refused["verdict"], refused["refused"]) == (
        None, ["there is no recorded request `decisions/none.json`; name a JSON file of the pack's folder"],
    )  # fmt: skip
    assert said["coverage"]["goals"]["statement"] == {"met": 1, "of": 10}


def test_junit_is_what_build_servers_and_our_own_reader_take(pack: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (pack / "tests.gate").write_text(GOOD + BAD + REFUSED)
    assert run(["test", "rules", "--format", "junit", "--fail-under", "100"]) == 7
    text = capsys.readouterr().out
    file = pack / "tests.xml"
    file.write_text(text)
    evidence = read_evidence_file(str(file), "tests.xml")
    assert evidence.flaw == ""
    assert {name: evidence.fields[name] for name in ("tests", "passed", "failures", "errors", "skipped")} == {
        "tests": 5, "passed": 2, "failures": 2, "errors": 1, "skipped": 0,
    }  # fmt: skip
    suite = ElementTree.fromstring(text).find("testsuite")
    assert suite is not None
    assert suite.attrib == {"name": "gatecheck", "tests": "5", "failures": "2", "errors": "1", "skipped": "0"}
    cases = suite.findall("testcase")
    assert [(c.get("classname"), c.get("name"), c.get("file"), c.get("line")) for c in cases] == [
        ("tests", "bad", "tests.gate", "7"),
        ("tests", 'good[change.author="a"]', "tests.gate", "1"),
        ("tests", 'good[change.author="b"]', "tests.gate", "1"),
        ("tests", "refused", "tests.gate", "12"),
        ("gatecheck", "coverage", None, None),
    ]
    failed = cases[0].find("failure")
    assert failed is not None
    assert failed.get("message") == "expected pending, and it is allow"
    assert str(failed.text).startswith(
        "FAILED  bad  rules/tests.gate:7  A title\n  given     change { type: docs } to dev\n"
    )


def test_output_is_the_same_in_every_process(pack: Path) -> None:
    (pack / "tests.gate").write_text(GOOD + BAD)
    source = str(Path(sys.modules["gatecheck"].__path__[0]).parent)
    said = set()
    for seed in ("1", "2"):
        env = {**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": source}
        command = [sys.executable, "-m", "gatecheck", "test", "rules", "--format", "json", "--coverage"]
        said.add(subprocess.run(command, cwd=pack.parent, env=env, capture_output=True).stdout)
    assert len(said) == 1


# -- recorded decisions


CHANGE = {
    "id": "PR-1", "service": "x", "type": "feature", "author": "frank", "attributes": {"team": 3},
    "artifact": {"name": "x", "digest": f"sha256:{'c' * 64}"}, "files": [{"path": "a"}],
}  # fmt: skip
JUNIT = '<testsuite><testcase name="a"><failure/></testcase></testsuite>'


@pytest.fixture
def recorded(pack: Path, capsys: pytest.CaptureFixture[str]) -> Path:
    """A pack, and beside it a ledger with one decision."""
    (pack.parent / "change.json").write_text(json.dumps(CHANGE))
    (pack.parent / "unit-tests.xml").write_text(JUNIT)
    command = ["evaluate", "--rules", "rules", "--change", "change.json", "-e", "staging"]
    command += ["--evidence", "unit-tests.xml", "--as-of", "2026-11-23T10:00:00+01:00", "--ledger", "ledger"]
    assert run(command) == 3
    capsys.readouterr()
    return pack


def entry() -> str:
    (only,) = json.loads(_output("ledger", "log", "--ledger", "ledger", "--format", "json"))
    return str(only["id"])[:12]


def _output(*command: str) -> str:
    source = str(Path(sys.modules["gatecheck"].__path__[0]).parent)
    env = {**os.environ, "PYTHONPATH": source}
    return subprocess.run([sys.executable, "-m", "gatecheck", *command], env=env, capture_output=True, text=True).stdout


def test_a_recorded_decision_is_pinned(recorded: Path, capsys: pytest.CaptureFixture[str]) -> None:
    name = entry()
    assert run(["test", "rules", "--from-decision", name[:7], "--ledger", "ledger"]) == 0
    out, err = capsys.readouterr()
    assert err == f"wrote rules/decisions/{name}.request.json\n"
    assert (
        out
        == f"""\
test recorded-{name} {{
  given recorded "decisions/{name}.request.json"
  expect deny
  expect risk high
  expect people waiting for pm, tech-lead
  expect promotion waiting for dev
  expect quality failed for unit-tests
  expect quality/coverage waiting for coverage
  expect quality/sast waiting for sast
  expect quality/unit-tests failed for unit-tests
  expect not overridden
  expect missing coverage, dev, pm, sast, tech-lead, unit-tests
}}
"""
    )
    (recorded / "tests.gate").write_text(out)
    assert run(["test", "rules"]) == 0
    assert capsys.readouterr().out == "ok: 1 case of 1 test passed\n"


def test_a_pinned_decision_is_appended_and_fails_once_it_is_made_otherwise(
    recorded: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (recorded / "tests.gate").write_text(GOOD)
    name = entry()
    command = ["test", "rules", "--from-decision", name, "--ledger", "ledger", "--write", "rules/tests.gate"]
    assert run(command) == 0
    out, err = capsys.readouterr()
    assert (out, err) == ("", f"wrote rules/decisions/{name}.request.json\nwrote rules/tests.gate\n")
    assert (recorded / "tests.gate").read_text().startswith(f"{GOOD}\ntest recorded-{name} {{\n")
    assert run(["fmt", "--check", "rules/tests.gate"]) == 0
    assert run(["test", "rules"]) == 0
    (recorded / "rules.gate").write_text(RULES.replace("failures == 0", "failures <= 1"))
    capsys.readouterr()
    assert run(["test", "rules"]) == 7
    out = capsys.readouterr().out
    assert "  expected  deny\n  actual    pending\n  nearest   nothing failed; waiting: promotion, people" in out
    assert "  expected  quality/unit-tests failed for unit-tests\n  actual    quality/unit-tests passed\n" in out


WORDS = [
    "absent", "advisory", "allow", "at", "deny", "deploy", "each", "expect", "failed", "for", "gate", "given",
    "missing", "not", "notify", "overridden", "passed", "pending", "risk", "rule", "waiting", "with",
]  # fmt: skip


def test_rules_and_gates_of_any_name_can_be_pinned(pack: Path, capsys: pytest.CaptureFixture[str]) -> None:
    gates = [word for word in WORDS if word not in ("not", "risk")]  # which a condition can't name
    said = "".join(f"gate {gate} from junit {{ pass when tests > 0 }}\n" for gate in gates)
    said += "".join(f"rule {word} for staging {{ require {word if word in gates else 'sast'} }}\n" for word in WORDS)
    (pack / "rules.gate").write_text(RULES + said)
    (pack.parent / "change.json").write_text(json.dumps(CHANGE))
    command = ["evaluate", "--rules", "rules", "--change", "change.json", "-e", "staging", "--ledger", "ledger"]
    assert run([*command, "--as-of", "2026-11-23T10:00:00+01:00"]) == 4
    tests = pack / "tests.gate"
    assert run(["test", "rules", "--from-decision", entry(), "--ledger", "ledger", "--write", str(tests)]) == 0
    text = tests.read_text()
    assert {f"expect rule {word}/{word} waiting for {word}" in text for word in ("allow", "rule", "gate")} == {True}
    assert {f"expect {word} waiting for {word}" in text for word in ("at", "given", "passed")} == {True}
    assert run(["test", "rules"]) == 0


def test_what_would_break_the_pack_is_not_written(recorded: Path, capsys: pytest.CaptureFixture[str]) -> None:
    name = entry()
    (recorded / "tests.gate").write_text(GOOD)
    (recorded / "rules.gate").write_text(RULES.replace("rule quality for", "rule other for"))
    command = ["test", "rules", "--from-decision", name, "--ledger", "ledger", "--write", "rules/tests.gate"]
    assert run(command) == 5
    out, err = capsys.readouterr()
    assert out == ""
    assert "error[GC201]: there is no rule and no gate `quality`\n  --> tests.gate:14:3\n" in err
    assert (recorded / "tests.gate").read_text() == GOOD
    assert not (recorded / "decisions").exists()
    (recorded / "rules.gate").write_text(RULES)
    assert run(command) == 0
    once = (recorded / "tests.gate").read_text()
    assert run(command) == 5
    assert (recorded / "tests.gate").read_text() == once


def test_a_file_that_is_no_request_is_refused(pack: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (pack / "tests.gate").write_text(REFUSED)
    (pack / "decisions").mkdir()
    (pack / "decisions" / "none.json").write_text("{}")
    assert run(["test", "rules"]) == 2
    said = "error[GC512]: the document needs the key `as_of`\n  --> rules/decisions/none.json:1:1\n"
    assert said in capsys.readouterr().err


def test_a_recorded_request_lies_below_the_pack(pack: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (pack.parent / "outside.json").write_text("{}")
    (pack / "decisions").mkdir()
    (pack / "decisions" / "link.json").symlink_to(pack.parent / "outside.json")
    for path in ("../outside.json", str(pack.parent / "outside.json"), "decisions/link.json"):
        (pack / "tests.gate").write_text(REFUSED.replace("decisions/none.json", path))
        assert run(["test", "rules"]) == 7
        assert f"  refused   there is no recorded request `{path}`" in capsys.readouterr().out


def test_a_decision_can_not_be_pinned_in_a_revision(recorded: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["test", "main:rules", "--from-decision", "1", "--ledger", "ledger"]) == 2
    assert capsys.readouterr().err == (
        "error[GC801]: a recorded request can't be written to a git revision\n"
        "   = hint: name the folder that the tests are to be written to\n"
    )
