"""LCOV tracefiles (``lcov``, ``llvm-cov``, istanbul, coverage.py): line by line, one record a source file.

Records about one file are merged by line, branch and function. The format has no end mark but ``end_of_record``, so a
record without it is a cut file and a flaw; a file cut exactly between two records can't be told from a whole one.
"""

import re

from gatecheck.evidence.rates import Part, Parts, coverage_fields, parts_flaw
from gatecheck.evidence.values import Reading, plain_count, refuse, short
from gatecheck.model.document import decode_text

_OTHER = re.compile(r"[A-Z]{2,8}:")


def read_lcov(raw: bytes, name: str) -> Reading:
    """Read a tracefile; fields as in ``schemas/evidence/coverage.schema.json``."""
    trace = _Trace(name)
    for number, line in enumerate(decode_text(raw, name).split("\n"), 1):
        trace.take(line.strip(), number)
    parts = Parts(_part(trace.lines), _part(trace.branches), _part(trace.functions))
    flaw = parts_flaw(parts) or trace.flaw
    if trace.file is not None and not flaw:
        flaw = "the last record has no end_of_record: the file is cut off"
    return Reading(coverage_fields(parts, len(trace.lines)), flaw)


def _part(files: dict[str, dict[str, bool]]) -> Part:
    return Part(sum(sum(seen.values()) for seen in files.values()), sum(map(len, files.values())))


class _Trace:
    """What was read so far; each dictionary is file -> place -> whether it was hit."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.file: str | None = None
        self.lines: dict[str, dict[str, bool]] = {}
        self.branches: dict[str, dict[str, bool]] = {}
        self.functions: dict[str, dict[str, bool]] = {}
        self.entries = 0  # DA lines of the open record
        self.named: dict[tuple[str, str], int] = {}  # of the open record: how often a function's name was met
        self.flaw = ""

    def take(self, line: str, number: int) -> None:
        word, colon, value = line.partition(":")
        if line == "" or line.startswith("#") or (colon and word == "TN"):
            return
        if word == "SF" and colon:
            self.open(value)
        elif line == "end_of_record":
            self.file = None
        elif not _OTHER.match(line):
            refuse(self.name, f"line {number} is not an LCOV line: `{short(line, 60)}`")
        elif self.file is None:
            refuse(self.name, f"line {number} (`{word}`) stands before any `SF`, so it is about no file")
        else:
            self.measure(self.file, word, value, number)

    def open(self, file: str) -> None:
        if self.file is not None:
            self.flaw = self.flaw or "a record has no end_of_record"
        self.file = file
        self.lines.setdefault(file, {})
        self.entries = 0
        self.named = {}

    def measure(self, file: str, word: str, value: str, number: int) -> None:
        parts = value.split(",")
        if word == "DA" and len(parts) >= 2:
            self.entries += 1
            self.hit(self.lines, file, parts[0], parts[1], number)
        elif word == "BRDA" and len(parts) >= 4:
            taken = "0" if parts[-1] == "-" else parts[-1]
            self.hit(self.branches, file, ",".join(parts[:-1]), taken, number)
        elif word in ("FN", "FNDA", "FNA") and len(parts) >= (3 if word == "FNA" else 2):
            self.function(file, word, parts, number)
        elif word == "LF":
            declared = plain_count(value)
            if declared is None or declared > self.entries:
                shown = short(value, 40)
                self.flaw = self.flaw or f"a record declares more lines ({shown}) than it lists ({self.entries})"
        elif word in ("DA", "BRDA", "FN", "FNDA", "FNA"):
            refuse(self.name, f"line {number} (`{word}`) is cut short")

    def function(self, file: str, word: str, parts: list[str], number: int) -> None:
        """Take `FN:start[,end],name`, `FNDA:hits,name` or `FNA:index,hits,name`; names that repeat keep their order."""
        if word == "FN":
            name, hits = ",".join(parts[2:] if len(parts) > 2 and parts[1].isdigit() else parts[1:]), "0"
        else:
            name, hits = ",".join(parts[1 + (word == "FNA") :]), parts[word == "FNA"]
        turn = self.named[word, name] = self.named.get((word, name), 0) + 1
        self.hit(self.functions, file, f"{turn} {name}", hits, number)

    def hit(self, where: dict[str, dict[str, bool]], file: str, place: str, count: str, number: int) -> None:
        hits = plain_count(count)
        if hits is None:
            refuse(self.name, f"line {number}: `{short(count, 40)}` is not a count")
        seen = where.setdefault(file, {})
        seen[place] = seen.get(place, False) or hits > 0
