"""Real reports of many tools against facts that were computed independently: agreed, or listed with the reason."""

import json
from collections import Counter
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from evidence_claims import opens, read, refusal

from gatecheck.evidence.formats import FORMATS, look
from gatecheck.evidence.read import read_evidence
from gatecheck.model.request import Evidence, Subject
from gatecheck.text.diagnostic import InputError

SAMPLES = Path(__file__).resolve().parents[3] / "shared" / "samples"
INDEX = json.loads((SAMPLES / "INDEX.json").read_text("utf-8")) if SAMPLES.is_dir() else []
KINDS = ("junit", "cobertura", "coverage-json", "lcov", "sarif", "hostile")
OURS = [entry for entry in INDEX if entry["kind"] in KINDS]
pytestmark = pytest.mark.skipif(not INDEX, reason="the shared samples are not here")

Facts = dict[str, Any]

# Every file that must not be read, and the code and sentence that say so.
REFUSED = {
    "EnricoMi-publish-unit-test-result-action__non-junit.xml": (
        "GC601", "is not of a known kind of evidence: its root element is `suites`"),
    "EnricoMi-publish-unit-test-result-action__corrupt-xml.xml": ("GC604", "is not XML: no element found"),
    "EnricoMi-publish-unit-test-result-action__non-xml.xml": (
        "GC601", "is not of a known kind of evidence: it is neither XML nor a JSON or YAML object"),
    "jenkinsci-junit-plugin__testXxe-xxe.xml": (
        "GC605", "declares or refers to its own entities, which are never expanded"),
    "codacy-codacy-coverage-reporter__invalid_report.lcov": (
        "GC607", "line 1 (`DA`) stands before any `SF`, so it is about no file"),
    "github-codeql-action__invalid-sarif.sarif": ("GC607", "`results` is a number, not a list"),
    "microsoft-sarif-sdk__PyLint.sarif": ("GC607", "is SARIF 2.0.0; 2.1.0 is read"),
    # Drafts that write FAIL, ERROR and a suppression's `state`: read as 2.1.0, a rejected suppression would count.
    "jenkinsci-analysis-model__violations-suppressed-sarif.json": (
        "GC607", "states no SARIF version; 2.1.0 is read"),
    "jenkinsci-analysis-model__violations-sarif.json": ("GC607", "states no SARIF version; 2.1.0 is read"),
    "jenkinsci-analysis-model__parser-sarif.json": ("GC607", "states no SARIF version; 2.1.0 is read"),
    "authored__billion-laughs-junit.xml": (
        "GC605", "declares or refers to its own entities, which are never expanded"),
    "authored__deep-nesting.sarif": ("GC507", "is nested deeper than 100 levels"),
    "authored__duplicate-keys.sarif": ("GC505", "the key `results` stands twice in one object"),
    "authored__nan-infinity-k6.json": ("GC506", "holds `NaN`, which is not a JSON number"),
    "authored__yaml-alias-bomb-argocd.yaml": ("GC508", "holds more than 500,000 values, aliases counted"),
    "authored__lone-surrogate-reviews.json": ("GC503", r"holds half a surrogate pair in `\ud800bob`"),
    "derived__httpx-junit-truncated.xml": ("GC604", "is not XML: unclosed token"),
}  # fmt: skip

# Every readable file that measured nothing or contradicts itself, and its flaw.
FLAWED = {
    "EnricoMi-publish-unit-test-result-action__no-cases.xml": "the report holds no test cases",
    "dorny-test-reporter__empty-jest-junit.xml": "the report holds no test cases",
    "dorny-test-reporter__empty-phpunit-empty.xml": "the report holds no test cases",
    "jenkinsci-coverage-model__junit-empty.xml": "the report holds no test cases",
    "jenkinsci-junit-plugin__junit-report-1233.xml": "the report declares more tests (456) than it holds (5)",
    "jenkinsci-junit-plugin__junit-report-1472.xml":
        "the report declares more failures and errors (1) than it holds (0)",
    "jenkinsci-junit-plugin__junit-report-errror-details.xml": "the report declares more tests (2) than it holds (1)",
    "jenkinsci-junit-plugin__junit-report-nested-testsuites.xml":
        "a suite reports a failure or an error outside its test cases",
    "dorny-test-reporter__junit-with-message.xml": "the report declares more tests (6) than it holds (1)",
    "generated__test-reporter-istanbul-broken-cobertura.xml": "the report lists no lines",
    "jenkinsci-coverage-model__cobertura-python.xml": "the report declares more lines (2661) than it lists (19)",
    "jenkinsci-coverage-model__cobertura-same-filename.xml": "the report declares more lines (12) than it lists (2)",
    "codacy-codacy-coverage-reporter__test_lcov.lcov": "a record has no end_of_record",
    "microsoft-sarif-sdk__Minimum.sarif": "results are absent: the scan did not run",
    "DefectDojo-django-DefectDojo__spotbugs.sarif": "the tool says its run failed (executionSuccessful is false)",
}  # fmt: skip

# What a file declares and does not hold, with no outcome missing from the counts.
EXPLAINED = {
    "jenkinsci-junit-plugin__junit-report-1.xml": "one skip fewer is declared than held",
    "jenkinsci-junit-plugin__TEST-io.olamy.FlakyTest.xml": "two attempts failed before the one that passed",
    "jenkinsci-junit-plugin__junit-report-bad-duration.xml": "one test fewer is declared than held",
    "jenkinsci-junit-plugin__junit-report-testsuite-various-timestamps.xml": "four tests fewer are declared than held",
}

# (file, fact) where a field is not the fact, with the field's value and the reason.
DIFFERS: dict[tuple[str, str], tuple[Any, str]] = {
    ("danielpalme-ReportGenerator__Cobertura_Swift.xml", "lines"): (
        (1, 2), "its lines stand under methods only; they are 1 of 2, as the root declares"),
    ("jenkinsci-coverage-model__cobertura-same-filename.xml", "lines"): (
        (1, 2), "its lines stand under methods only; the file is flawed"),
    ("jenkinsci-coverage-model__cobertura-same-filename.xml", "branches"): (
        (2, 10), "the conditions of those lines, more than the root declares; the file is flawed"),
    ("jenkinsci-coverage-model__cobertura-duplicate-classes.xml", "branches"): (
        (20, 26), "the class that is listed twice has its branches counted once"),
    ("DefectDojo-django-DefectDojo__appendix_k.sarif", "baselineState"): (
        [{}], "`existing` is a word of a draft, so the state is not known"),
}  # fmt: skip

# Facts that no field keeps, with the reason.
NOT_KEPT = {
    "root": "the shape of the file", "suite_depth": "the shape of the file", "encoding": "the shape of the file",
    "root_totals": "see DISAGREE", "sum_top_suite_totals": "see DISAGREE", "top_suites_without_tests_attr": "a shape",
    "cases_with_several_outcomes": "each case has one outcome", "duplicate_case_ids": "each case counts",
    "suite_level_failures": "see FLAWED", "packages": "not asked", "classes": "not asked", "version": "not asked",
    "bytes": "of a refused file", "sha256": "of a refused file", "records": "not asked", "meta": "not asked",
    "LH/LF": "the DA lines count", "DISAGREE": "see the tests of contradictions",
}  # fmt: skip


def raw_of(entry: Facts) -> bytes:
    return Path(SAMPLES, entry["kind"], entry["file"]).read_bytes()


def named(entries: list[Facts]) -> dict[str, Any]:
    return {"argvalues": entries, "ids": [e["file"] for e in entries]}


def test_every_file_that_must_be_refused_is_in_the_table() -> None:
    assert {e["file"] for e in OURS if any("REJECT" in key for key in e["facts"])} <= set(REFUSED)
    assert set(REFUSED) | set(FLAWED) <= {e["file"] for e in OURS}


@pytest.mark.parametrize("entry", **named([e for e in OURS if e["file"] in REFUSED]))
def test_refused(entry: Facts) -> None:
    code, message = REFUSED[entry["file"]]
    assert refusal(raw_of(entry), entry["file"]).splitlines()[0] == f"error[{code}]: {message}"


@pytest.mark.parametrize("entry", **named([e for e in OURS if e["file"] not in REFUSED]))
def test_facts_are_agreed_with(entry: Facts) -> None:
    raw, facts = raw_of(entry), entry["facts"]
    evidence = read(raw, entry["file"])
    assert evidence.flaw == FLAWED.get(entry["file"], "")
    assert evidence == read(raw, entry["file"], evidence.kind)
    claims = CLAIMS[evidence.kind]
    kept = [key for key in facts if key not in NOT_KEPT]
    assert [key for key in kept if key not in claims] == []
    for key in kept:
        claims[key](entry["file"], evidence, facts)


def agree(file: str, fact: str, actual: object, expected: object) -> None:
    if (file, fact) in DIFFERS:
        stated, reason = DIFFERS[file, fact]
        assert reason and expected != stated
        expected = stated
    assert actual == expected, fact


def same(field: str, fact: str) -> Callable[[str, Evidence, Facts], None]:
    return lambda file, evidence, facts: agree(file, fact, evidence.fields[field], facts[fact])


def line_rate_is_supported(_: str, evidence: Evidence, facts: Facts) -> None:
    """The rate is that of the lines where the root's agrees within its rounding, and never above either."""
    rate, stated, computed = evidence.fields["line_rate"], facts["line-rate"], facts["computed"]
    if rate is None:
        assert computed["pct"] is None
        return
    assert Decimal(rate) <= Decimal(repr(stated)) + Decimal("0.01")
    if "DISAGREE" not in facts and computed["pct"] is not None:
        assert round(Decimal(rate) * 100, 4) == Decimal(repr(computed["pct"]))
    elif computed["pct"] is not None:
        assert Decimal(rate) * 100 <= Decimal(repr(computed["pct"])) + Decimal("0.0001")


def computed_agrees(file: str, evidence: Evidence, facts: Facts) -> None:
    fields, computed = evidence.fields, facts["computed"]
    lines = (computed["lines_covered"], computed["lines_unique"])
    agree(file, "lines", (fields["lines_covered"], fields["lines_valid"]), lines)
    listed = tuple(map(int, computed["branches"].split("/")))
    declared = (int(float(facts.get("branches-covered", 0))), int(float(facts.get("branches-valid", 0))))
    branches = declared if declared[1] >= listed[1] else listed
    agree(file, "branches", (fields["branches_covered"], fields["branches_valid"]), branches)


def branch_rate_is_supported(_: str, evidence: Evidence, facts: Facts) -> None:
    rate = evidence.fields["branch_rate"]
    if facts.get("branches-valid") != 0 and rate is not None:
        assert Decimal(rate) <= Decimal(repr(facts["branch-rate"])) + Decimal("0.01")


def made_at(_: str, evidence: Evidence, facts: Facts) -> None:
    stated = facts["timestamp"]
    seconds = stated / 1000 if stated > 10**11 else stated
    assert evidence.produced_at is not None and evidence.produced_at.timestamp() == seconds


def parts(noun: str, fact: str) -> Callable[[str, Evidence, Facts], None]:
    def claim(file: str, evidence: Evidence, facts: Facts) -> None:
        fields = evidence.fields
        stated = f"{fields[f'{noun}_covered']}/{fields[f'{noun}_valid']}"
        agree(file, fact, stated, facts[fact])

    return claim


def declared_parts(noun: str, fact: str) -> Callable[[str, Evidence, Facts], None]:
    claim = parts(noun, fact)
    return lambda file, evidence, facts: None if facts[fact] == "0/0" else claim(file, evidence, facts)


def percent(_: str, evidence: Evidence, facts: Facts) -> None:
    assert round(Decimal(evidence.fields["line_rate"]) * 100, 4) == Decimal(repr(facts["pct_DA"]))


def coverage_py_totals(_: str, evidence: Evidence, facts: Facts) -> None:
    fields, totals = evidence.fields, facts["totals"]
    assert fields["lines_covered"] == totals["covered_lines"]
    assert fields["lines_valid"] == totals["num_statements"]
    assert (fields["branches_covered"], fields["branches_valid"]) == (
        totals["covered_branches"],
        totals["num_branches"],
    )
    assert abs(float(fields["line_rate"]) * 100 - totals["percent_statements_covered"]) < 1e-6
    assert abs(float(fields["branch_rate"]) * 100 - totals["percent_branches_covered"]) < 1e-6


def istanbul_totals(_: str, evidence: Evidence, facts: Facts) -> None:
    for noun in ("lines", "branches", "functions"):
        covered, valid, _pct = facts["total"][noun]
        assert (evidence.fields[f"{noun}_covered"], evidence.fields[f"{noun}_valid"]) == (covered, valid)


def per_run(file: str, evidence: Evidence, facts: Facts) -> None:
    at = 0
    for run in facts["runs"]:
        held = run["results"] if run["results"] != "absent" else 0
        findings = evidence.fields["findings"][at : at + held]
        at += held
        assert len(findings) == held
        assert Counter(f["level"] for f in findings) == run["levels_effective"]
        live = Counter(f["level"] for f in findings if not f["suppressed"])
        assert live == run.get("levels_not_suppressed", run["levels_effective"])
        assert sum(f["suppressed"] for f in findings) == run.get("suppressions", {}).get("suppressed", 0)
        if "kinds" in run:
            assert Counter(f["kind"] for f in findings) == run["kinds"]
        states = [Counter(f["baseline"] for f in findings if f["baseline"])]
        agree(file, "baselineState", states, [run.get("baselineState", {})])
        scores = run.get("security_severity_of_results", {})
        scored = {word: count for word, count in scores.items() if word != "unparseable"}
        assert not scored or Counter(f["severity"] for f in findings) == scored
        assert (run["tool"] is None) == (run["tool"] not in evidence.fields["tools"])
        assert " ".join(word for word in (run["tool"], run["tool_version"]) if word) in evidence.producer
        assert (False in run.get("executionSuccessful", [])) == ("executionSuccessful is false" in evidence.flaw)
        assert evidence.fields["tool_errors"] == run.get("notifications", {}).get("error", 0)
        revision = run.get("vcs_revision")
        assert evidence.subject == (Subject(commit=revision[0]) if revision else None)
    assert at == evidence.fields["results"]


def total_levels(_: str, evidence: Evidence, facts: Facts) -> None:
    assert Counter(f["level"] for f in evidence.fields["findings"]) == facts["total_levels"]


CLAIMS: dict[str, dict[str, Callable[[str, Evidence, Facts], None]]] = {
    "junit": {
        "testcases": same("tests", "testcases"),
        "passed": same("passed", "passed"),
        "failures": same("failures", "failures"),
        "errors": same("errors", "errors"),
        "skipped": same("skipped", "skipped"),
        "flaky_cases": same("flaky", "flaky_cases"),
        "testsuites": same("suites", "testsuites"),
    },
    "coverage": {
        "line-rate": line_rate_is_supported,
        "branch-rate": branch_rate_is_supported,
        "lines-covered": line_rate_is_supported,
        "lines-valid": line_rate_is_supported,
        "branches-covered": computed_agrees,
        "branches-valid": computed_agrees,
        "computed": computed_agrees,
        "timestamp": made_at,
        "SF": same("files", "SF"),
        "unique_SF": same("files", "unique_SF"),
        "files": same("files", "files"),
        "BRH/BRF": declared_parts("branches", "BRH/BRF"),
        "FNH/FNF": declared_parts("functions", "FNH/FNF"),
        "computed_DA": parts("lines", "computed_DA"),
        "computed_BRDA": parts("branches", "computed_BRDA"),
        "pct_DA": percent,
        "totals": coverage_py_totals,
        "total": istanbul_totals,
    },
    "sarif": {"runs": per_run, "n_runs": same("runs", "n_runs"), "total_levels": total_levels},
}


@pytest.mark.parametrize("entry", **named([e for e in OURS if "DISAGREE" in e["facts"] and e["kind"] == "junit"]))
def test_a_contradiction_opens_no_gate_unless_nothing_is_missing(entry: Facts) -> None:
    evidence = read(raw_of(entry), entry["file"])
    passed = opens(evidence)
    assert passed == (entry["file"] in EXPLAINED)


def test_what_measured_nothing_opens_no_gate() -> None:
    """No tests, all NaN, cut off, crashed: whatever is not refused has a flaw, and so opens nothing."""
    opened = []
    for entry in OURS:
        facts = json.dumps(entry["facts"])
        empty = '"testcases": 0' in facts or "NaN" in facts or '"results": "absent"' in facts or "[false]" in facts
        cut = "TRUNCATED" in entry["note"] or "truncated" in entry["note"] or "REJECT" in facts
        if not (empty or cut):
            continue
        try:
            evidence = read_evidence(raw_of(entry), entry["file"])
        except InputError:
            continue
        if not evidence.flaw or opens(evidence):
            opened.append(entry["file"])
    assert opened == []


@pytest.mark.parametrize("entry", **named([e for e in INDEX if e["size"] < 2_000_000]))
def test_no_file_fits_two_formats(entry: Facts) -> None:
    try:
        content = look(raw_of(entry), entry["file"])
    except InputError:
        return
    assert len([row.title for row in FORMATS if row.fits(content)]) <= 1
