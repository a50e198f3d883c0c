"""Coverage: exact rates rounded down from four formats, and none that the file itself contradicts."""

import json
from decimal import Decimal
from typing import Any

import pytest
from evidence_claims import fields, opens, read, refusal
from hypothesis import given, settings
from hypothesis import strategies as st

from gatecheck.evidence.values import ratio

LINES = '<line number="1" hits="1"/><line number="2" hits="0"/><line number="3" hits="2"/>'


def cobertura(lines: str = LINES, root: str = 'line-rate="0.6666"', more: str = "") -> str:
    doctype = '<!DOCTYPE coverage SYSTEM "http://example.com/coverage-04.dtd">'
    classes = f'<classes><class filename="a.py"><lines>{lines}</lines></class>{more}</classes>'
    return f"{doctype}<coverage {root}><packages><package>{classes}</package></packages></coverage>"


def rates(report: str) -> tuple[str | None, str | None]:
    made = fields(report)
    return made["line_rate"], made["branch_rate"]


def test_cobertura_without_fetching_its_doctype() -> None:
    evidence = read(cobertura(root='line-rate="0.6667" lines-covered="2" lines-valid="3" timestamp="1640995200123"'))
    assert evidence.fields == {
        "line_rate": "0.666666666", "lines_covered": 2, "lines_valid": 3, "branch_rate": None, "branches_covered": 0,
        "branches_valid": 0, "function_rate": None, "functions_covered": 0, "functions_valid": 0, "files": 1,
    }  # fmt: skip
    assert (evidence.kind, evidence.flaw, str(evidence.produced_at)) == (
        "coverage", "", "2022-01-01 00:00:00.123000+00:00")  # fmt: skip


@pytest.mark.parametrize(("stamp", "instant"), [
    ("1640995200", "2022-01-01 00:00:00+00:00"), ("0", "None"), ("-5", "None"), ("", "None"), ("9" * 15, "None"),
    ("9" * 30, "None"), ("2022-01-01", "None"),
])  # fmt: skip
def test_cobertura_timestamps(stamp: str, instant: str) -> None:
    assert str(read(cobertura(root=f'line-rate="0.6" timestamp="{stamp}"')).produced_at) == instant


@pytest.mark.parametrize(("root", "rate"), [
    ('line-rate="0.67"', "0.666666666"),  # the tool's own rounding
    ('line-rate="0.66666666666666663"', "0.666666666"),
    ('line-rate="0.66"', "0.666666666"),
    ('line-rate="0.5"', "0.5"),  # lower than the lines show: the lower counts
    ('line-rate="0.99"', "0.666666666"),
    ('line-rate="0"', "0"),
    ('line-rate="1" lines-covered="1" lines-valid="3"', "0.333333333"),
])  # fmt: skip
def test_a_line_rate_is_never_above_what_any_part_supports(root: str, rate: str) -> None:
    assert rates(cobertura(root=root))[0] == rate


@pytest.mark.parametrize(("report", "flaw"), [
    (cobertura(lines="", root='line-rate="NaN" lines-valid="0" lines-covered="0"'), "the report lists no lines"),
    (cobertura(root='line-rate="NaN"'), "the report's line rate `NaN` is not a plain number"),
    (cobertura(root='line-rate="0,87"'), "the report's line rate `0,87` is not a plain number"),
    (cobertura(root='line-rate="8.7e-1"'), "the report's line rate `8.7e-1` is not a plain number"),
    (cobertura(root='line-rate="-1"'), "the report's line rate `-1` is not a plain number"),
    (cobertura(root='line-rate="1" lines-covered="9" lines-valid="9"'),
     "the report declares more lines (9) than it lists (3)"),
    (cobertura(root='line-rate="1" branches-covered="3" branches-valid="2"'),
     "the report says that 3 of 2 branches are covered"),
])  # fmt: skip
def test_cobertura_that_can_not_be_trusted(report: str, flaw: str) -> None:
    evidence = read(report)
    assert evidence.flaw == flaw
    assert not opens(evidence)


@pytest.mark.parametrize(("hits", "covered"), [
    ("0", 0), ("1", 1), ("100", 1), ("0.0", 0), ("2.0", 1), ("1,234", 1), ("1.234", 1), ("12'345", 1), ("0,000", 0),
])  # fmt: skip
def test_hits_as_tools_write_them(hits: str, covered: int) -> None:
    assert fields(cobertura(lines=f'<line number="1" hits="{hits}"/>'), "lines_covered") == {"lines_covered": covered}


@pytest.mark.parametrize(("lines", "message"), [
    ('<line number="1" hits="-1"/>', "the hits of line 1, `-1`, are not a count"),
    ('<line number="1" hits="NaN"/>', "the hits of line 1, `NaN`, are not a count"),
    ('<line number="1"/>', "the hits of line 1, ``, are not a count"),
    ('<line hits="1"/>', "`` is not a line number"),
    ('<line number="²" hits="1"/>', "`²` is not a line number"),
])  # fmt: skip
def test_broken_lines_are_refused(lines: str, message: str) -> None:
    assert refusal(cobertura(lines)) == f"error[GC607]: {message}\n  --> report"


def test_a_line_outside_any_class_is_refused() -> None:
    stray = '<coverage line-rate="1"><line number="1" hits="1"/></coverage>'
    assert refusal(stray) == "error[GC607]: a line stands outside any class\n  --> report"


def test_lines_are_unique_by_file_and_methods_count_only_where_classes_list_none() -> None:
    method = '<methods><method><lines><line number="9" hits="1"/></lines></method></methods>'
    again = f'<class filename="a.py">{method}<lines><line number="2" hits="5"/></lines></class>'
    assert fields(cobertura(more=again), "lines_covered", "lines_valid") == {"lines_covered": 3, "lines_valid": 3}
    alone = cobertura(lines="", more=f'<class filename="b.py">{method}</class>')
    assert fields(alone, "lines_covered", "lines_valid") == {"lines_covered": 1, "lines_valid": 1}


@pytest.mark.parametrize(("root", "rate"), [
    ('branch-rate="0.5"', "0.5"),
    ("", "0.5"),
    ('branch-rate="0.25"', "0.25"),
    ('branch-rate="0.8" branches-covered="4" branches-valid="5"', "0.8"),  # more than lines can say
    ('branch-rate="0" branches-covered="0" branches-valid="0"', "0.5"),
    ('branch-rate="NaN"', "0.5"),
])  # fmt: skip
def test_branch_rates(root: str, rate: str) -> None:
    line = '<line number="1" hits="1" branch="true" condition-coverage="50% (1/2)"/>'
    assert rates(cobertura(line, f'line-rate="1" {root}'))[1] == rate


def coverage_py(totals: dict[str, Any], **files: dict[str, Any]) -> str:
    stated = {f"{name}.py": {"summary": summary} for name, summary in files.items()}
    meta = {"format": 3, "version": "7.17.3", "timestamp": "2026-11-23T14:07:09.848756"}
    return json.dumps({"meta": meta, "files": stated, "totals": totals})


SUMMARY = {"covered_lines": 2, "num_statements": 3, "percent_covered": 66.66666666666667}
BRANCHES = {**SUMMARY, "covered_branches": 1, "num_branches": 4}


def test_coverage_py() -> None:
    evidence = read(coverage_py(BRANCHES, a=BRANCHES))
    assert rates(coverage_py(BRANCHES, a=BRANCHES)) == ("0.666666666", "0.25")
    assert (evidence.flaw, evidence.producer, evidence.produced_at) == ("", "coverage.py 7.17.3", None)
    assert rates(coverage_py(SUMMARY, a=SUMMARY)) == ("0.666666666", None)


def test_coverage_py_whose_totals_are_not_of_its_files() -> None:
    evidence = read(coverage_py({"covered_lines": 9, "num_statements": 9}, a=SUMMARY))
    assert evidence.flaw == "the totals say that 9 of 9 lines are covered, the files 2 of 3"
    assert read(coverage_py({"covered_lines": 0, "num_statements": 0})).flaw == "the report lists no lines"


@pytest.mark.parametrize(("report", "message"), [
    (coverage_py({"covered_lines": 1}), "has no `num_statements`"),
    (coverage_py({"covered_lines": 1.5, "num_statements": 2}), "`covered_lines` is a number, not a count"),
    (coverage_py({"covered_lines": -1, "num_statements": 2}), "`covered_lines` is a number, not a count"),
    (coverage_py({"covered_lines": True, "num_statements": 2}), "`covered_lines` is true, not a count"),
    (coverage_py({"covered_lines": "1", "num_statements": 2}), "`covered_lines` is a string, not a count"),
    ('{"meta": {}, "files": [], "totals": {"covered_lines": 0, "num_statements": 0}}',
     "`files` is a list, not an object"),
    ('{"meta": {}, "files": {"a": null}, "totals": {"covered_lines": 0, "num_statements": 0}}',
     "`a` is null, not an object"),
])  # fmt: skip
def test_broken_coverage_py_is_refused(report: str, message: str) -> None:
    assert refusal(report) == f"error[GC607]: {message}\n  --> report"


def istanbul(covered: int = 2, total: int = 3, **files: tuple[int, int]) -> str:
    def part(covered: int, total: int) -> dict[str, Any]:
        counts = {"total": total, "covered": covered, "skipped": 0, "pct": 100}
        return {"lines": counts, "branches": counts, "functions": counts, "statements": counts}

    return json.dumps({"total": part(covered, total), **{name: part(*counts) for name, counts in files.items()}})


def test_istanbul() -> None:
    assert rates(istanbul(a=(1, 1), b=(1, 2))) == ("0.666666666", "0.666666666")
    assert fields(istanbul(a=(1, 1), b=(1, 2)), "function_rate", "files") == {
        "function_rate": "0.666666666",
        "files": 2,
    }
    assert opens(read(istanbul()))
    assert read(istanbul(a=(1, 1))).flaw == "the totals say that 2 of 3 lines are covered, the files 1 of 1"
    assert read(istanbul(0, 0)).flaw == "the report lists no lines"
    assert read(istanbul(4, 3)).flaw == "the report says that 4 of 3 lines are covered"
    assert (
        refusal('{"total": {"lines": {"covered": 1, "total": 1}}}') == "error[GC607]: has no `branches`\n  --> report"
    )


LCOV = (
    "TN:\nSF:a.c\nFN:1,2,f\nFN:3,f\nFNDA:1,f\nFNDA:0,f\nDA:1,5\nDA:2,0,check\n"
    "BRDA:1,0,0,-\nBRDA:1,0,1,3\nLF:2\nLH:1\nend_of_record\n"
)


def test_lcov() -> None:
    assert fields(LCOV) == {
        "line_rate": "0.5", "lines_covered": 1, "lines_valid": 2, "branch_rate": "0.5", "branches_covered": 1,
        "branches_valid": 2, "function_rate": "0.5", "functions_covered": 1, "functions_valid": 2, "files": 1,
    }  # fmt: skip
    twice = LCOV + "# again\nSF:a.c\nDA:2,1\nFNL:0,1\nFNA:0,2,f\nend_of_record\r\n"
    assert fields(twice, "lines_covered", "functions_covered", "files") == {
        "lines_covered": 2, "functions_covered": 1, "files": 1}  # fmt: skip


@pytest.mark.parametrize(("trace", "flaw"), [
    ("SF:a\nDA:1,1\n", "the last record has no end_of_record: the file is cut off"),
    ("SF:a\nDA:1,1\nSF:b\nDA:1,1\nend_of_record\n", "a record has no end_of_record"),
    ("SF:a\nDA:1,1\nLF:2\nend_of_record\n", "a record declares more lines (2) than it lists (1)"),
    ("SF:a\nDA:1,1\nLF:x\nend_of_record\n", "a record declares more lines (x) than it lists (1)"),
    ("TN:\nSF:a\nend_of_record\n", "the report lists no lines"),
    ("TN:\n", "the report lists no lines"),
])  # fmt: skip
def test_lcov_that_is_not_whole(trace: str, flaw: str) -> None:
    evidence = read(trace)
    assert (evidence.kind, evidence.flaw) == ("coverage", flaw)
    assert not opens(evidence)


@pytest.mark.parametrize(("trace", "message"), [
    ("DA:1,1\nSF:a\n", "line 1 (`DA`) stands before any `SF`, so it is about no file"),
    ("SF:a\nDA:1\n", "line 2 (`DA`) is cut short"),
    ("SF:a\nDA:1,-1\n", "line 2: `-1` is not a count"),
    ("SF:a\nDA:1,NaN\n", "line 2: `NaN` is not a count"),
    ("SF:a\nBRDA:1,0,0,x\n", "line 2: `x` is not a count"),
    ("SF:a\nhello there\n", "line 2 is not an LCOV line: `hello there`"),
])  # fmt: skip
def test_broken_lcov_is_refused(trace: str, message: str) -> None:
    assert refusal(trace) == f"error[GC607]: {message}\n  --> report"


@settings(deadline=None)
@given(st.integers(0, 10**12), st.integers(1, 10**12))
def test_a_rate_is_exact_and_rounded_down(part: int, whole: int) -> None:
    stated = ratio(part, whole)
    assert stated is not None
    error = Decimal(part) / Decimal(whole) - Decimal(stated)
    assert Decimal(0) <= error < Decimal("1e-9") or part > whole
    assert "E" not in stated and not stated.endswith(".") and Decimal(stated) * whole <= part


def test_a_rate_of_nothing_is_none() -> None:
    assert ratio(0, 0) is None
    assert ratio(3, 3) == "1"
