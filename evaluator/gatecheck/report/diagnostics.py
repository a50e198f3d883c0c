"""What a check of a pack found, for programs: JSON, SARIF 2.1.0 for code scanners, and annotations for GitHub Actions.

All three name files from the caller's folder, so that an editor or a build server finds them there; the text that
`text.diagnostic` makes names them from the pack's.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from gatecheck.text.diagnostic import Diagnostic
from gatecheck.version import GATECHECK

if TYPE_CHECKING:
    from gatecheck.report.pages import Page

_SARIF = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
_MOST = 1000  # characters of one part of an annotation


class Checked(NamedTuple):
    """What came of checking a pack.

    ``is_ok`` says whether the check succeeds. ``files`` is the number of files read, 0 where the pack could not be
    read; ``prefix`` stands before the names of files that a span holds.
    """

    diagnostics: Sequence[Diagnostic]
    is_ok: bool
    files: int
    prefix: str = ""

    def count(self, severity: str) -> int:
        """Return the number of diagnostics of one severity."""
        return sum(d.severity == severity for d in self.diagnostics)

    def file(self, d: Diagnostic) -> str:
        """Return the file that a diagnostic is about, from the caller's folder; empty where it is about none."""
        name = self.prefix + d.span.file if d.span is not None else d.file
        return name.encode(errors="surrogateescape").decode(errors="replace")  # JSON holds no name of other bytes


def as_json(checked: Checked) -> str:
    """Return one line of canonical JSON, as ``schemas/diagnostics.schema.json`` describes it."""
    severities = ("error", "warning", "note")
    return _canonical(
        {
            "ok": checked.is_ok,
            "counts": {"files": checked.files} | {f"{word}s": checked.count(word) for word in severities},
            "diagnostics": [_plain(checked, d) for d in checked.diagnostics],
        }
    )


def _plain(checked: Checked, d: Diagnostic) -> dict[str, Any]:
    span = d.span
    return {
        "code": d.code,
        "severity": d.severity,
        "message": d.message,
        "label": d.label,
        "hint": d.hint,
        "file": checked.file(d) or None,
        "line": span and span.line,
        "column": span and span.column,
        "end_line": span and span.end_line,
        "end_column": span and span.end_column,
    }


def as_sarif(checked: Checked) -> str:
    """Return a SARIF 2.1.0 log of one run, as one line of canonical JSON.

    Its rules are the codes that were found. A pack that could not be read is a run that did not succeed.
    """
    from gatecheck.report.pages import pages

    known = pages()
    codes = sorted({d.code for d in checked.diagnostics})
    driver = {"name": "gatecheck", "semanticVersion": GATECHECK, "rules": [_rule(known[code]) for code in codes]}
    run = {
        "tool": {"driver": driver},
        "invocations": [{"executionSuccessful": checked.files > 0}],
        "columnKind": "unicodeCodePoints",
        "results": [_result(checked, d, codes.index(d.code)) for d in checked.diagnostics],
    }
    return _canonical({"$schema": _SARIF, "version": "2.1.0", "runs": [run]})


def _rule(page: "Page") -> dict[str, Any]:
    more = " ".join(text for text in (page.what, page.why) if text)
    return {
        "id": page.code,
        "shortDescription": {"text": page.title},
        "fullDescription": {"text": more},
        "help": {"text": f"{more} {page.mend}", "markdown": page.markdown},
    }


def _result(checked: Checked, d: Diagnostic, rule: int) -> dict[str, Any]:
    # The standard keeps `{0}` in a message for its arguments, `[…](…)` for links.
    text = _words(d).replace("{", "{{").replace("}", "}}").replace("](", "] (")
    file = checked.file(d)
    made: dict[str, Any] = {"ruleId": d.code, "ruleIndex": rule, "level": d.severity, "message": {"text": text}}
    if file:
        place: dict[str, Any] = {"artifactLocation": {"uri": _uri(file)}}
        if d.span is not None:
            place["region"] = {
                "startLine": d.span.line,
                "startColumn": d.span.column,
                "endLine": d.span.end_line,
                "endColumn": d.span.end_column,
            }
        made["locations"] = [{"physicalLocation": place}]
    return made


def _uri(file: str) -> str:
    from urllib.parse import quote

    path = quote(file)
    return f"file://{path}" if path.startswith("/") else path


def as_github(checked: Checked) -> str:
    """Return one workflow command for each diagnostic, each on a line of its own."""
    return "".join(f"{_annotation(checked, d)}\n" for d in checked.diagnostics)


def _annotation(checked: Checked, d: Diagnostic) -> str:
    from gatecheck.report.github import command
    from gatecheck.report.words import plain

    said: dict[str, str | int] = {"file": plain(checked.file(d), _MOST)} if checked.file(d) else {}
    if d.span is not None:
        said |= {"line": d.span.line, "endLine": d.span.end_line}
        if d.span.line == d.span.end_line:  # else the runner takes no columns
            said |= {"col": d.span.column, "endColumn": d.span.end_column}
    said["title"] = f"gatecheck: {d.code}"
    level = "notice" if d.severity == "note" else d.severity
    return command(level, said, "\n".join(plain(line, _MOST) for line in _words(d).split("\n")))


def _words(d: Diagnostic) -> str:
    """Return the message, label and hint, each on a line."""
    return "\n".join([d.message, *filter(None, [d.label, d.hint and f"hint: {d.hint}"])])


def _canonical(data: dict[str, Any]) -> str:
    from gatecheck.model.canonical import canonical

    return canonical(data).decode() + "\n"
