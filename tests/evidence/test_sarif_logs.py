"""SARIF: the level that the specification gives each result, its severity, and runs that did not really scan."""

import json
from typing import Any

import pytest
from evidence_claims import opens, read, refusal

from gatecheck.evidence import sarif
from gatecheck.model.request import Subject

RULE = {"id": "R1", "defaultConfiguration": {"level": "error"}}
COMMIT = "4b825dc642cb6eb9a060e54bf8d69288fbee4904"


def run(*results: Any, rules: Any = (RULE,), **more: Any) -> dict[str, Any]:
    driver = {"name": "scan", "version": "1.2", "rules": list(rules)}
    return {"tool": {"driver": driver}, "results": list(results), **more}


def log(*runs: dict[str, Any], **more: Any) -> str:
    return json.dumps({"version": "2.1.0", "runs": list(runs), **more})


def finding(result: dict[str, Any], **more: Any) -> dict[str, Any]:
    (made,) = read(log(run(result, **more))).fields["findings"]
    assert isinstance(made, dict)
    return made


def test_all_fields_of_a_log() -> None:
    place = {"artifactLocation": {"uri": "src/a%20b.py"}, "region": {"startLine": 7}}
    first = {"ruleId": "R1", "locations": [{"physicalLocation": place}], "baselineState": "new"}
    second = {"ruleId": "R2", "level": "note", "suppressions": [{"kind": "inSource"}]}
    evidence = read(log(run(first, second)))
    assert evidence.fields == {
        "runs": 1, "tools": ["scan"], "results": 2, "suppressed": 1, "errors": 1, "warnings": 0, "notes": 0,
        "tool_errors": 0,
        "findings": [
            {"rule": "R1", "tool": "scan", "level": "error", "severity": "high", "kind": "fail", "suppressed": False,
             "baseline": "new", "path": "src/a b.py", "line": 7},
            {"rule": "R2", "tool": "scan", "level": "note", "severity": "low", "kind": "fail", "suppressed": True,
             "baseline": None, "path": None, "line": None},
        ],
    }  # fmt: skip
    assert (evidence.kind, evidence.flaw, evidence.producer) == ("sarif", "", "scan 1.2")
    assert not opens(evidence)
    assert opens(read(log(run())))


@pytest.mark.parametrize(("result", "level"), [
    ({"ruleId": "R1", "level": "note"}, "note"),
    ({"ruleId": "R1"}, "error"),
    ({"ruleId": "R1/sub/sub"}, "error"),
    ({"ruleId": "R10"}, "warning"),
    ({"ruleIndex": 0}, "error"),
    ({"ruleId": "R1/sub", "ruleIndex": 0}, "error"),
    ({"ruleId": "other", "ruleIndex": 0}, "warning"),
    ({"ruleId": "R1", "ruleIndex": 99}, "error"),
    ({"ruleIndex": -1}, "warning"),
    ({"rule": {"id": "R1"}}, "error"),
    ({"rule": {"index": 0}}, "error"),
    ({}, "warning"),
    ({"ruleId": "R1", "kind": "open"}, "none"),
    ({"ruleId": "R1", "kind": "fail"}, "error"),
    ({"ruleId": "R1", "kind": "review", "level": "warning"}, "warning"),
])  # fmt: skip
def test_effective_level(result: dict[str, Any], level: str) -> None:
    assert finding(result)["level"] == level


def test_a_rule_of_an_extension_is_found_by_its_place_or_its_id() -> None:
    tool = {"driver": {"name": "scan"}, "extensions": [{"name": "a"}, {"name": "b", "rules": [RULE]}]}
    by_place = {"rule": {"index": 0, "toolComponent": {"index": 1}}}
    made = read(log({"tool": tool, "results": [by_place, {"ruleId": "R1"}, {"ruleIndex": 0}]})).fields["findings"]
    assert [(f["rule"], f["level"]) for f in made] == [("R1", "error"), ("R1", "error"), (None, "warning")]


def test_an_override_counts_for_its_invocation() -> None:
    override = {"descriptor": {"id": "R1"}, "configuration": {"level": "note"}}
    overriding = {"executionSuccessful": True, "ruleConfigurationOverrides": [override]}
    result = {"ruleId": "R1/x"}
    assert finding(result, invocations=[overriding])["level"] == "note"
    assert finding(result, invocations=[{}, overriding])["level"] == "error"
    assert finding({**result, "provenance": {"invocationIndex": 1}}, invocations=[{}, overriding])["level"] == "note"
    assert finding({**result, "provenance": {"invocationIndex": 0}}, invocations=[{}, overriding])["level"] == "error"
    assert finding({"ruleId": "R2"}, invocations=[overriding])["level"] == "warning"
    assert finding({"ruleId": "R1"}, invocations=[overriding], rules=())["level"] == "note"


@pytest.mark.parametrize(("score", "severity"), [
    ("9.8", "critical"), (9, "critical"), ("8.9", "high"), ("7.0", "high"), (6.9, "medium"), ("4", "medium"),
    ("0.1", "low"), ("0.0", "high"), ("11", "critical"), ("-1", "critical"), ("NaN", "critical"), ("MEDIUM", "high"),
    ("CRITICAL", "critical"), ("high", "high"), (None, "high"), ("", "high"), ([], "critical"), ("9,8", "critical"),
])  # fmt: skip
def test_severity_of_an_error_by_its_score(score: object, severity: str) -> None:
    rule = {**RULE, "properties": {"security-severity": score}}
    assert finding({"ruleId": "R1"}, rules=[rule])["severity"] == severity


def test_severity_by_level_and_whose_score_counts() -> None:
    for level, severity in (("error", "high"), ("warning", "medium"), ("note", "low"), ("none", "none")):
        assert finding({"level": level})["severity"] == severity
    rule = {**RULE, "properties": {"security-severity": "9.0"}}
    own = {"ruleId": "R1", "properties": {"security-severity": "2.0"}}
    assert finding(own, rules=[rule])["severity"] == "low"
    assert finding({"ruleId": "R1", "level": "none"}, rules=[rule])["severity"] == "critical"
    assert finding({"ruleId": "R1", "kind": "pass"}, rules=[rule])["severity"] == "none"
    assert finding({"ruleId": "R1", "kind": "review", "level": "note"}, rules=[rule])["severity"] == "critical"


@pytest.mark.parametrize(("suppressions", "is_suppressed"), [
    ([], False), (None, False), ([{}], True), ([{"status": "accepted"}], True), ([{"status": "underReview"}], False),
    ([{}, {"status": "rejected"}], False), ([{"status": "Accepted"}], False), ([{"status": None}], False),
    ([{"state": "rejected"}], False), ([{"state": "accepted"}], True),
])  # fmt: skip
def test_suppressed_only_if_every_suppression_is_accepted(suppressions: object, is_suppressed: bool) -> None:
    assert finding({"level": "error", "suppressions": suppressions})["suppressed"] is is_suppressed


@pytest.mark.parametrize(("text", "flaw"), [
    (log(), "the report holds no runs"),
    (log({"tool": {"driver": {"name": "x"}}}), "results are absent: the scan did not run"),
    (log({"tool": {"driver": {"name": "x"}}, "results": None}), "results are absent: the scan did not run"),
    (log(run(), {"tool": {"driver": {"name": "x"}}}), "results are absent: the scan did not run"),
    (log(run(invocations=[{"executionSuccessful": True}, {"executionSuccessful": False}])),
     "the tool says its run failed (executionSuccessful is false)"),
    (log(run(invocations=[{"executionSuccessful": "no"}])),
     "the tool says its run failed (executionSuccessful is false)"),
    (log(run(externalPropertyFileReferences={"results": [{"location": {"uri": "more.json"}}]})),
     "results are kept in other files, which are not read"),
    (log(run(), inlineExternalProperties=[{"results": [{"level": "error"}]}]),
     "results are kept outside their runs, where they are not read"),
    (log(run(versionControlProvenance=[{"revisionId": COMMIT}]),
         run(versionControlProvenance=[{"revisionId": "0" * 40}])),
     "its runs are about different commits"),
])  # fmt: skip
def test_a_scan_that_did_not_happen_is_flawed(text: str, flaw: str) -> None:
    evidence = read(text)
    assert evidence.flaw == flaw
    assert not opens(evidence)


def test_the_tools_own_errors_are_counted() -> None:
    notes = [{"level": "error"}, {"level": "warning"}, {}]
    invocation = {"toolExecutionNotifications": notes, "toolConfigurationNotifications": notes}
    assert read(log(run(invocations=[invocation]))).fields["tool_errors"] == 2


@pytest.mark.parametrize(("stated", "commit"), [
    ([COMMIT], COMMIT), ([COMMIT.upper(), COMMIT], COMMIT), (["main"], None), ([COMMIT[:12]], None), ([7], None),
    ([COMMIT, "0" * 40], None), (["f" * 64], "f" * 64),
])  # fmt: skip
def test_the_commit_it_is_about(stated: list[object], commit: str | None) -> None:
    evidence = read(log(run(versionControlProvenance=[{"revisionId": one} for one in stated])))
    assert evidence.subject == (Subject(commit=commit) if commit else None)
    assert evidence.flaw == ""


@pytest.mark.parametrize(("ends", "instant"), [
    ([["2026-11-23T10:00:00Z"]], "2026-11-23 10:00:00+00:00"),
    ([["2026-11-23T10:00:00Z", "2026-11-23T11:00:00.5Z"]], "2026-11-23 11:00:00.500000+00:00"),
    ([["2026-11-23T10:00:00Z"], ["2026-11-22T10:00:00Z"]], "2026-11-22 10:00:00+00:00"),
    ([["2026-11-23T10:00:00Z"], []], "None"),
    ([["2026-11-23T10:00:00Z", "soon"]], "None"),
    ([["2026-11-23T10:00:00"]], "None"),
    ([], "None"),
])  # fmt: skip
def test_produced_at_is_the_end_of_the_oldest_run(ends: list[list[str]], instant: str) -> None:
    runs = [run(invocations=[{"endTimeUtc": end} for end in one]) for one in ends]
    assert str(read(log(*runs)).produced_at) == instant


@pytest.mark.parametrize(("location", "place"), [
    (None, None),
    ({"uri": "file:///src/a.py"}, "/src/a.py"), ({"index": 0}, "listed.py"), ({"index": 5}, None), ({}, None),
    ({"uri": 7}, None), ({"uri": "a\n\u001bb"}, "a \ufffdb"), ({"uri": "p/" * 900}, "p/" * 499 + "p…"),
])  # fmt: skip
def test_paths(location: dict[str, Any] | None, place: str | None) -> None:
    result = {"locations": [{"physicalLocation": {"artifactLocation": location, "region": {"startLine": 0}}}]}
    made = finding(result, artifacts=[{"location": {"uri": "listed.py"}}])
    assert (made["path"], made["line"]) == (place, None)


@pytest.mark.parametrize(("text", "message"), [
    (json.dumps({"runs": []}), "states no SARIF version; 2.1.0 is read"),
    (json.dumps({"version": "2.0.0", "runs": []}), "is SARIF 2.0.0; 2.1.0 is read"),
    (json.dumps({"version": 2.1, "runs": []}), "states no SARIF version; 2.1.0 is read"),
])  # fmt: skip
def test_other_versions_are_refused(text: str, message: str) -> None:
    hint = "   = hint: have the tool write SARIF 2.1.0, or convert the file"
    assert refusal(text) == f"error[GC607]: {message}\n  --> report\n{hint}"


@pytest.mark.parametrize(("text", "message"), [
    (log({"results": 42}), "`results` is a number, not a list"),
    (log({"results": {}}), "`results` is an object, not a list"),
    (log({"results": ["x"]}), "`results` holds a string, not only objects"),
    ('{"version": "2.1.0", "runs": {}}', "`runs` is an object, not a list"),
    (log({"tool": [], "results": []}), "`tool` is a list, not an object"),
    (log(run({"ruleId": 7})), "`ruleId` is a number, not a string"),
    (log(run({"level": "ERROR"})), "the level `ERROR` is not one of SARIF's: none, note, warning, error"),
    (log(run({"kind": "FAIL"})),
     "the kind `FAIL` is not one of SARIF's: pass, open, informational, notApplicable, review, fail"),
    (log(run({"suppressions": [True]})), "`suppressions` holds true, not only objects"),
])  # fmt: skip
def test_what_is_not_sarif_is_refused(text: str, message: str) -> None:
    assert refusal(text) == f"error[GC607]: {message}\n  --> report"


def test_more_findings_than_are_kept_are_refused() -> None:
    text = log(run(*[{}] * sarif.MAX_FINDINGS, {}))
    hint = "   = hint: scan less at a time, or filter what is reported"
    assert refusal(text) == f"error[GC607]: holds more than 100,000 results\n  --> report\n{hint}"
