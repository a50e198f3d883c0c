"""JUnit XML, as test runners write it (no two alike): counted from its test cases, never from what it declares.

Each test case has one outcome: error before failure before skipped before passed. A case without an outcome element
counts by its ``status`` or ``result`` attribute where that says failed or not run (googletest), else as passed.

The totals that suites declare are held against the cases. Where a report declares more than it holds (failures,
errors, skips, tests), or a suite reports a failure outside its cases, some outcome is missing from the counts, so the
report carries a flaw and nothing in it counts. Not a contradiction: outcomes of reruns (Surefire declares every
attempt, and keeps them as ``rerunFailure`` or ``flakyFailure`` elements), several outcomes of one case, declared totals
that are too low, and the ``tests`` of runners that count something else there: pytest also its passed subtests, Catch2
and doctest every assertion. Their failures are held against the cases all the same.
"""

from datetime import datetime
from decimal import Decimal
from typing import Any

from gatecheck.evidence.values import Reading, duration, instant, plain_count, plain_decimal, refuse, short
from gatecheck.evidence.xml import read_xml

MAX_FAILED = 100
MAX_NAME = 200
MAX_MESSAGE = 300
_SUITES = ("testsuite", "testsuites")
_RERUNS = ("flakyFailure", "flakyError", "rerunFailure", "rerunError")
_RANK = {"": 0, "skipped": 1, "failure": 2, "error": 3}
_OUTCOME_OF_WORD = {
    "notrun": "skipped", "skipped": "skipped", "disabled": "skipped", "ignored": "skipped", "suppressed": "skipped",
    "pending": "skipped", "failed": "failure", "failure": "failure", "fail": "failure", "error": "error",
}  # fmt: skip


def read_junit(raw: bytes, name: str) -> Reading:
    """Read a JUnit XML report; fields as in ``schemas/evidence/junit.schema.json``."""
    report = _Report(name)
    read_xml(raw, name, report)
    return Reading(report.fields(), report.flaw(), report.producer, report.produced_at())


class _Suite:
    """What one suite declares, and what its whole subtree holds."""

    __slots__ = ("attributes", "cases", "extra", "failed", "outer", "runner", "skipped")

    def __init__(self, attributes: dict[str, str], outer: "_Suite | None") -> None:
        self.attributes = attributes
        self.outer = outer
        self.runner: str = _runner(attributes) or (outer.runner if outer is not None else "")
        self.cases = 0  # test cases
        self.extra = 0  # attempts and subtests beyond one a case
        self.failed = 0  # failure and error elements, those of reruns too
        self.skipped = 0

    def add(self, cases: int, extra: int, failed: int, skipped: int) -> None:
        self.cases += cases
        self.extra += extra
        self.failed += failed
        self.skipped += skipped

    def contradiction(self) -> str:
        """Say what this suite declares beyond what it holds; empty where it declares no more."""
        failed = self.declared("failures") + self.declared("errors")
        if failed > self.failed:
            return f"the report declares more failures and errors ({failed}) than it holds ({self.failed})"
        undone, held = failed + self.declared("skipped") + self.declared("disabled"), self.failed + self.skipped
        if undone > held:
            return f"the report declares more tests that did not pass ({undone}) than it holds ({held})"
        tests = self.declared("tests")
        if tests > self.cases + self.extra and not self.runner:
            return f"the report declares more tests ({tests}) than it holds ({self.cases})"
        return ""

    def declared(self, attribute: str) -> int:
        return plain_count(self.attributes.get(attribute)) or 0


def _runner(attributes: dict[str, str]) -> str:
    """Return the runner that a suite is of, where it is one of those whose ``tests`` are not test cases."""
    if attributes.get("name") in ("pytest", "pytest tests"):
        return "pytest"
    if "doctest_version" in attributes:
        return "doctest"
    return "Catch2" if attributes.get("hostname") == "tbd" else ""


class _Case:
    __slots__ = ("attributes", "failed", "message", "outcome", "outcomes", "reruns", "skipped")

    def __init__(self, attributes: dict[str, str]) -> None:
        self.attributes = attributes
        self.outcome = ""
        self.message = ""
        self.outcomes = self.failed = self.skipped = self.reruns = 0


class _Report:
    """The visitor of one report."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.counts = {"": 0, "failure": 0, "error": 0, "skipped": 0}
        self.flaky = self.suites = self.loose = 0
        self.failed: list[dict[str, Any]] = []
        self.contradiction = ""
        self.producer = ""
        self.suite: _Suite | None = None
        self.case: _Case | None = None
        self.pending: list[str] | None = None  # text of the outcome element that is open
        self.started: list[datetime | None] = []
        self.times: list[tuple[int, str | None]] = []  # of the root (level 0) and the suites right below it

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        if tag == "testcase" or tag in _SUITES:
            if self.case is not None:
                refuse(self.name, f"a `{tag}` stands inside a test case")
            if tag == "testcase":
                self.case = _Case(attributes)
            else:
                self.enter(tag, attributes)
        elif tag in _RANK:
            if self.case is None:
                self.loose += tag != "skipped"
            else:
                self.note(self.case, tag, attributes)
        elif tag in _RERUNS and self.case is not None:
            self.case.reruns += 1

    def enter(self, tag: str, attributes: dict[str, str]) -> None:
        if self.suite is None or self.suite.outer is None:
            self.times.append((0 if self.suite is None else 1, attributes.get("time")))
        if "timestamp" in attributes:
            self.started.append(instant(attributes["timestamp"]))
        self.suite = _Suite(attributes, self.suite)
        self.producer = self.suite.runner or self.producer
        self.suites += tag == "testsuite"

    def note(self, case: _Case, outcome: str, attributes: dict[str, str]) -> None:
        case.outcomes += 1
        case.skipped += outcome == "skipped"
        case.failed += outcome != "skipped"
        if _RANK[outcome] > _RANK[case.outcome]:
            case.outcome = outcome
            case.message = attributes.get("message", "") or attributes.get("type", "")
            self.pending = None if case.message else []

    def text(self, text: str) -> None:
        if self.pending is not None and len(self.pending) < 4:
            self.pending.append(text[: 4 * MAX_MESSAGE])

    def end(self, tag: str) -> None:
        if tag == "testcase" and self.case is not None:
            self.close(self.case)
            self.case = None
        elif tag in _SUITES and self.suite is not None:
            inner, self.suite = self.suite, self.suite.outer
            self.contradiction = self.contradiction or inner.contradiction()
            if self.suite is not None:
                self.suite.add(inner.cases, inner.extra, inner.failed, inner.skipped)
        elif self.pending is not None and tag in _RANK and self.case is not None:
            self.case.message = "".join(self.pending).strip().partition("\n")[0]
            self.pending = None

    def close(self, case: _Case) -> None:
        if not case.outcomes:
            words = (case.attributes.get("status", ""), case.attributes.get("result", ""))
            stated = max((_OUTCOME_OF_WORD.get(word.lower(), "") for word in words), key=lambda o: _RANK[o])
            if stated:
                self.note(case, stated, {})
                self.pending = None
        self.counts[case.outcome] += 1
        self.flaky += case.outcome == "" and case.reruns > 0
        if self.suite is not None:
            extra = case.reruns + max(0, case.outcomes - 1)
            self.suite.add(1, extra, case.failed + case.reruns, case.skipped)
        if case.outcome in ("failure", "error") and len(self.failed) < MAX_FAILED:
            self.failed.append(self.record(case))

    def record(self, case: _Case) -> dict[str, Any]:
        suite = case.attributes.get("classname") or (self.suite.attributes.get("name", "") if self.suite else "")
        return {
            "name": short(case.attributes.get("name", ""), MAX_NAME),
            "suite": short(suite, MAX_NAME),
            "outcome": case.outcome,
            "message": short(case.message, MAX_MESSAGE),
        }

    def fields(self) -> dict[str, Any]:
        return {
            "tests": sum(self.counts.values()),
            "passed": self.counts[""],
            "failures": self.counts["failure"],
            "errors": self.counts["error"],
            "skipped": self.counts["skipped"],
            "flaky": self.flaky,
            "suites": self.suites,
            "duration": self.duration(),
            "failed": self.failed,
        }

    def duration(self) -> str | None:
        """Return the time the root declares, else the sum of what the suites below it declare."""
        root = [time for level, time in self.times if level == 0 and time is not None]
        stated: list[str | None] = [*root] or [time for level, time in self.times if level == 1]
        times = [plain_decimal(time) for time in stated]
        known = [time for time in times if time is not None]
        return duration(sum(known, Decimal(0))) if known and len(known) == len(times) else None

    def flaw(self) -> str:
        tests = sum(self.counts.values())
        if not tests:
            return "the report holds no test cases"
        if self.loose:
            return "a suite reports a failure or an error outside its test cases"
        if self.contradiction:
            return self.contradiction
        return "every test case was skipped" if tests == self.counts["skipped"] else ""

    def produced_at(self) -> datetime | None:
        """Return the start of the earliest suite: a merged report is as old as its oldest part."""
        known = [at for at in self.started if at is not None]
        return min(known) if known and len(known) == len(self.started) else None
