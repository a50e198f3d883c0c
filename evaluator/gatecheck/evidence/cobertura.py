"""Cobertura XML, written by coverage.py, istanbul, gcovr, coverlet, PHPUnit and the tool of that name.

Lines are counted by unique (file, line), from the classes, or from the methods where a file lists lines only there.
The root's totals are held against them: a file that declares more lines than it lists was cut down and carries a flaw,
as does one whose root rate is not a plain number (``NaN``, ``0,87``). Branches are the root's totals, because a line
says only the sum of its branches (istanbul lists fewer than it counts), unless the lines hold more.
"""

import re

from gatecheck.evidence.rates import Part, Parts, coverage_fields, lower, parts_flaw
from gatecheck.evidence.values import Reading, epoch, plain_count, plain_decimal, ratio, refuse, short
from gatecheck.evidence.xml import read_xml

# A count in plain digits, with a zero fraction, or grouped by thousands: what matters is only whether it is zero.
_HITS = r"(?a:\d+(?:\.0+)?|\d{1,3}(?:[,.'\u00a0\u202f ]\d{3})+)"
_CONDITIONS = r"(?a:\((\d{1,9})/(\d{1,9})\))"
_NO_CONDITIONS = Part(0, 0)


def read_cobertura(raw: bytes, name: str) -> Reading:
    """Read a Cobertura report; fields as in ``schemas/evidence/coverage.schema.json``."""
    report = _Report(name)
    read_xml(raw, name, report)
    listed = report.classes if report.classes.entries else report.methods
    parts = Parts(listed.lines(), _branches(report.root, listed))
    fields = coverage_fields(parts, len(listed.files))
    fields["line_rate"] = lower(fields["line_rate"], report.root.get("line-rate"))
    fields["line_rate"] = lower(fields["line_rate"], _declared_ratio(report.root, "lines"))
    if report.root.get("branches-valid") != "0":  # then the tool counts no branches, and its rate of 0 says nothing
        fields["branch_rate"] = lower(fields["branch_rate"], report.root.get("branch-rate"))
    return Reading(fields, _flaw(report, parts), produced_at=epoch(report.root.get("timestamp")))


class _Lines:
    """The lines of one sort (of classes, or of methods) by file."""

    def __init__(self) -> None:
        self.files: dict[str, dict[str, tuple[bool, Part]]] = {}  # file -> line -> whether it was hit, its branches
        self.entries = 0

    def add(self, file: str, line: str, is_hit: bool, conditions: Part) -> None:
        self.entries += 1
        lines = self.files.setdefault(file, {})
        seen = lines.get(line)
        if seen is None:
            lines[line] = (is_hit, conditions)
        else:
            lines[line] = (is_hit or seen[0], max(seen[1], conditions, key=lambda part: part.valid))

    def lines(self) -> Part:
        hit = [is_hit for lines in self.files.values() for is_hit, _ in lines.values()]
        return Part(sum(hit), len(hit))

    def branches(self) -> Part:
        parts = [part for lines in self.files.values() for _, part in lines.values() if part.valid]
        return Part(sum(part.covered for part in parts), sum(part.valid for part in parts))


class _Report:
    """The visitor of one report."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.root: dict[str, str] = {}
        self.classes = _Lines()
        self.methods = _Lines()
        self.file: str | None = None
        self.in_method = False

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        if tag == "line":
            self.line(attributes)
        elif tag == "method":
            self.in_method = True
        elif tag == "class":
            self.file = attributes.get("filename") or attributes.get("name", "")
        elif tag == "coverage" and not self.root:
            self.root = attributes

    def line(self, attributes: dict[str, str]) -> None:
        if self.file is None:
            refuse(self.name, "a line stands outside any class")
        number, hits = attributes.get("number", ""), attributes.get("hits", "")
        if not (number.isdigit() and number.isascii() and len(number) < 16):
            refuse(self.name, f"`{short(number, 40)}` is not a line number")
        if not (hits.isdigit() and hits.isascii()) and not re.fullmatch(_HITS, hits):
            refuse(self.name, f"the hits of line {number}, `{short(hits, 40)}`, are not a count")
        conditions = _NO_CONDITIONS
        if "condition-coverage" in attributes:
            found = re.search(_CONDITIONS, attributes["condition-coverage"])
            conditions = Part(int(found[1]), int(found[2])) if found else conditions
        lines = self.methods if self.in_method else self.classes
        lines.add(self.file, number, hits.strip("0.,' ") != "", conditions)

    def end(self, tag: str) -> None:
        if tag == "method":
            self.in_method = False
        elif tag == "class":
            self.file = None

    def text(self, text: str) -> None:
        """Pass over text: everything stands in attributes."""


def _declared(root: dict[str, str], noun: str) -> Part | None:
    covered, valid = plain_count(root.get(f"{noun}-covered")), plain_count(root.get(f"{noun}-valid"))
    return Part(covered, valid) if covered is not None and valid is not None else None


def _declared_ratio(root: dict[str, str], noun: str) -> str | None:
    declared = _declared(root, noun)
    return ratio(*declared) if declared else None


def _branches(root: dict[str, str], listed: _Lines) -> Part:
    declared, conditions = _declared(root, "branches"), listed.branches()
    return declared if declared is not None and declared.valid >= conditions.valid else conditions


def _flaw(report: _Report, parts: Parts) -> str:
    declared = _declared(report.root, "lines")
    entries = max(report.classes.entries, report.methods.entries)
    if entries and declared is not None and declared.valid > entries:
        return f"the report declares more lines ({declared.valid}) than it lists ({entries})"
    stated = report.root.get("line-rate")
    if parts.lines.valid and stated is not None and plain_decimal(stated) is None:
        return f"the report's line rate `{short(stated, 40)}` is not a plain number"
    return parts_flaw(parts)
