"""What running a pack's tests came to, for programs: JSON, and JUnit XML as build servers read it."""

from collections.abc import Mapping, Sequence
from typing import Any
from xml.etree import ElementTree as ET

from gatecheck.report.words import plain
from gatecheck.testing.cases import Result
from gatecheck.testing.coverage import Coverage, unmet_text
from gatecheck.testing.show import Failure

_MOST = 100_000  # characters of one failure


def as_json(
    results: Sequence[Result], failures: Mapping[str, Failure], coverage: Coverage | None, *, is_ok: bool
) -> str:  # fmt: skip
    """Return one line of canonical JSON, as ``schemas/tests.schema.json`` describes it; failures are by name."""
    from gatecheck.model.canonical import canonical

    data: dict[str, Any] = {
        "ok": is_ok,
        "counts": {
            "tests": len({r.case.test.name for r in results}), "cases": len(results), "failed": len(failures),
        },
        "cases": [_case(r, failures.get(r.case.name)) for r in results],
    }  # fmt: skip
    if coverage is not None:
        data["coverage"] = {
            "percent": f"{coverage.percent():.2f}",
            "goals": {kind: {"met": met, "of": of} for kind, (met, of) in coverage.counts().items()},
            "unmet": [{"kind": g.kind, "text": g.text, "file": g.file, "line": g.line} for g in coverage.unmet()],
        }
    return canonical(data).decode() + "\n"


def _case(r: Result, failure: Failure | None) -> dict[str, Any]:
    test = r.case.test
    made: dict[str, Any] = {
        "name": r.case.name, "test": test.name, "title": test.title, "file": test.span.file, "line": test.span.line,
        "parameters": [{"field": field, "value": value} for field, value in r.case.parameters],
        "passed": r.is_passed, "verdict": r.decision.verdict if r.decision is not None else None,
    }  # fmt: skip
    if failure is None:
        return made
    unmet = [{"expected": said, "actual": m.actual, "nearest": m.nearest} for said, m in failure.expected]
    broken = [
        {
            "invariant": v.name, "require": v.text, "because": v.because, "file": v.file, "line": v.line,
            "undetermined": v.is_undetermined, "found": [{"asked": a, "found": f} for a, f in v.found],
        }
        for v in failure.violations
    ]  # fmt: skip
    made |= {"given": list(failure.given), "at": failure.at, "unmet": unmet, "broken": broken}
    made["refused"] = list(failure.problems)
    if failure.record is not None:
        made["findings"] = failure.record["predicate"]["findings"]
    return made


def as_junit(
    results: Sequence[Result], failures: Mapping[str, Failure], texts: Mapping[str, str], coverage: Coverage | None,
    *, is_covered: bool,
) -> str:  # fmt: skip
    """Return JUnit XML, a test case for each case; ``texts`` hold what is to say of those that failed.

    A coverage that is too low is a test case that failed.
    """
    errors = sum(bool(r.problems) for r in results)
    failed = len(failures) - errors + (not is_covered)
    suites = ET.Element("testsuites")
    suite = ET.SubElement(
        suites, "testsuite", name="gatecheck", tests=str(len(results) + (not is_covered)), failures=str(failed),
        errors=str(errors), skipped="0",
    )  # fmt: skip
    for r in results:
        span = r.case.test.span
        classname = span.file.removesuffix(".gate").replace("/", ".")
        case = ET.SubElement(
            suite, "testcase", name=_xml(r.case.name), classname=_xml(classname), file=_xml(span.file),
            line=str(span.line),
        )  # fmt: skip
        failure = failures.get(r.case.name)
        if failure is not None:
            kind = "error" if r.problems else "failure"
            element = ET.SubElement(case, kind, message=_xml(_message(failure)), type=kind)
            element.text = _xml(texts[r.case.name])
    if coverage is not None and not is_covered:
        case = ET.SubElement(suite, "testcase", name="coverage", classname="gatecheck")
        element = ET.SubElement(case, "failure", message=f"{coverage.percent():.2f}% is covered", type="coverage")
        element.text = _xml("\n".join(f"{g.file}:{g.line}: {unmet_text(g)}" for g in coverage.unmet()))
    ET.indent(suites)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(suites, encoding="unicode") + "\n"


def _message(failure: Failure) -> str:
    if failure.problems:
        return plain(failure.problems[0])
    if failure.expected:
        said, miss = failure.expected[0]
        return plain(f"expected {said}, and it is {miss.actual}")
    return plain(f"invariant {failure.violations[0].name} is broken")


def _xml(text: str) -> str:
    """Return text that XML can hold."""
    return "".join(c if c.isprintable() or c == "\n" else "\N{REPLACEMENT CHARACTER}" for c in text)[:_MOST]
