"""What running a pack's tests came to, as text for people; ``testing.export`` writes it for programs.

Of a case that failed all is shown that its author would ask next: what was given, in the words of the file, each
expectation that was not met with what was so instead and what came nearest, and every finding, the worst first.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from msgspec import Struct

from gatecheck.engine.invariants import Violation
from gatecheck.engine.record import statement
from gatecheck.engine.trace import TracedProgram
from gatecheck.lang import ast, scenario
from gatecheck.lang.scenario import Given
from gatecheck.report import words
from gatecheck.report.words import PLAIN, plain
from gatecheck.testing.cases import Result
from gatecheck.testing.coverage import SORTS, Coverage, unmet_text
from gatecheck.testing.expected import Miss, misses
from gatecheck.text.source import Source, Span

_LEFT = 12
_NO_REQUEST = f"sha256:{'0' * 64}"
_PLURALS = {
    "statement": "statements in scope", "guard": "guards false", "risk": "cases of risk", "waiver": "waivers used",
    "override": "overrides used", "invariant": "invariants in scope",
}  # fmt: skip


class Failure(Struct, frozen=True):
    """All that is to say of a case that failed, as data; ``record`` is its decision's, where there was one."""

    name: str
    title: str
    span: Span
    given: tuple[str, ...]
    at: str
    parameters: tuple[tuple[str, str], ...]
    expected: tuple[tuple[str, Miss], ...]
    violations: tuple[Violation, ...]
    problems: tuple[str, ...]
    record: dict[str, Any] | None


def failure(result: Result, traced: TracedProgram, sources: Mapping[str, Source]) -> Failure:
    """Return what is to say of a result that did not pass; ``traced`` is of the same pack."""
    case, decision, request = result.case, result.decision, result.request
    found: list[Miss] = []
    record = None
    if decision is not None and request is not None:
        found = misses(result.unmet, decision, request, traced.pack, traced)
        record = statement(traced, request, decision, _NO_REQUEST)
    items = case.test.items
    at = next((item for item in items if isinstance(item, scenario.At)), None)
    return Failure(
        case.name, case.test.title, case.test.span,
        tuple(_said(item, sources).removeprefix("given ") for item in items if isinstance(item, Given)),
        _said(at, sources).removeprefix("at ") if at is not None else "",
        case.parameters,
        tuple((_said(m.expectation, sources).removeprefix("expect "), m) for m in found),
        result.violations, tuple(_problem(d.message, d.hint) for d in result.problems), record,
    )  # fmt: skip


def _problem(message: str, hint: str) -> str:
    return f"{message}; {hint}" if hint else message


def _said(node: ast.Node, sources: Mapping[str, Source]) -> str:
    """Return what a node says, in the words of its file, on one line."""
    span, lines = node.span, sources[node.span.file].text.split("\n")
    said = lines[span.line - 1 : span.end_line]
    said[-1] = said[-1][: span.end_column - 1]
    said[0] = said[0][span.column - 1 :]
    return " ".join(" ".join(said).split())


# -- text


def as_text(
    failures: Sequence[Failure], results: Sequence[Result], coverage: Coverage | None, prefix: str = ""
) -> str:  # fmt: skip
    """Return the report; ``prefix`` leads from the caller to the pack's files."""
    blocks = ["\n".join(lines(f, prefix)) for f in failures]
    if coverage is not None:
        blocks.append("\n".join(_covered(coverage, prefix)))
    if results:
        of = f"{_count(len(results), 'case')} of {_count(len({r.case.test.name for r in results}), 'test')}"
        blocks.append(f"failed: {len(failures):,} of {of}" if failures else f"ok: {of} passed")
    return "".join(f"{block}\n\n" for block in blocks)[:-1]


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def lines(f: Failure, prefix: str) -> Iterator[str]:
    """Yield what is to say of a case that failed."""
    title = f"  {plain(f.title)}" if f.title else ""
    yield f"FAILED  {plain(f.name)}  {prefix}{f.span.file}:{f.span.line}{title}"
    for n, given in enumerate(f.given):
        yield _line("given" if n == 0 else "", given)
    for n, (field, value) in enumerate(f.parameters):
        yield _line("with" if n == 0 else "", f"{field} {value}")
    if f.at:
        yield _line("at", f.at)
    for problem in f.problems:
        yield _line("refused", problem)
    for said, miss in f.expected:
        yield _line("expected", said)
        yield _line("actual", miss.actual)
        if miss.nearest:
            yield _line("nearest", miss.nearest)
    for v in f.violations:
        yield from _violation(v, prefix)
    if f.record is not None:
        yield from _decision(f.record, prefix)


def _violation(v: Violation, prefix: str) -> Iterator[str]:
    yield _line("broken", f"invariant {v.name}: require {v.text}  {prefix}{v.file}:{v.line}")
    found = ", ".join(f"{asked} (found {value})" for asked, value in v.found)
    word = "undetermined" if v.is_undetermined else "false"
    yield _line("", f"it is {word}{f': {found}' if found else ''}")
    if v.because:
        yield _line("", f"because: {v.because}")


def _decision(record: dict[str, Any], prefix: str) -> Iterator[str]:
    predicate = record["predicate"]
    verdict, _, environment, risk = words.heading(record, PLAIN)
    yield _line("decision", f"{verdict} for {environment} at risk {risk}")
    for finding in words.by_status(predicate):
        item = words.item(finding)
        advisory = "advisory " if finding.get("advisory") else ""
        place = f"  {prefix}{item.place}" if item.place else ""
        yield f"    {finding['status']:<8}{advisory}{plain(item.rule)}: {item.text}{place}"
        if finding["status"] != "passed":
            items, _ = words.to_do({**predicate, "missing": finding.get("missing", []), "findings": [finding]}, PLAIN)
            needed = [f"{i.label} {i.text}" for i in items if i.label in ("needs", "waits", "stopped")]
            for detail in (*words.details(finding, predicate["as_of"], PLAIN), *needed):
                yield f"            - {detail}"
    for obligation in words.obligations({**predicate, "verdict": "allow"}, PLAIN):
        yield _line("owed", obligation)


def _covered(coverage: Coverage, prefix: str) -> Iterator[str]:
    counts = coverage.counts()
    parts = [f"{counts[kind][0]} of {counts[kind][1]} {_PLURALS[kind]}" for kind in SORTS if kind in counts]
    yield f"coverage {percent(coverage.percent())}: {', '.join(parts)}"
    for goal in coverage.unmet():
        yield f"  {prefix}{goal.file}:{goal.line}: {plain(unmet_text(goal))}"


def percent(value: float) -> str:
    """Return a share as people write it."""
    return f"{value:.2f}".rstrip("0").rstrip(".") + "%"


def _line(label: str, text: str) -> str:
    return f"  {label:<{_LEFT - 2}}{plain(text, 500)}".rstrip()
