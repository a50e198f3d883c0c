"""What is wrong, where, and how to mend it, as data; and the one way it is shown to a person.

Message, label and hint are separate: the message says what is wrong (lower case, no final stop, the user's text in
backticks), the label stands under the offending text and says what was expected, the hint gives the mend.
"""

from collections.abc import Iterable, Mapping
from typing import Literal, NamedTuple

from gatecheck.text.source import Source, Span

Severity = Literal["error", "warning", "note"]


class Diagnostic(NamedTuple):
    """One finding about an input. ``code`` is stable; ``file`` is for problems without a span."""

    code: str
    message: str
    span: Span | None = None
    label: str = ""
    hint: str = ""
    severity: Severity = "error"
    file: str = ""


class ProblemError(Exception):
    """Expected trouble: one or more diagnostics. The subclass says which exit code answers it."""

    def __init__(self, *diagnostics: Diagnostic, sources: Mapping[str, Source] | None = None) -> None:
        super().__init__("; ".join(d.message for d in diagnostics))
        self.diagnostics = diagnostics
        self.sources = sources or {}


class InputError(ProblemError):
    """A document, option or piece of evidence that can't be used."""


class RulesError(ProblemError):
    """A rule pack that does not parse or check."""


class LedgerError(ProblemError):
    """A ledger or signature that is broken, unreadable or can't be written."""


def input_error(code: str, message: str, *, file: str = "", hint: str = "", label: str = "") -> InputError:
    """Return an ``InputError`` with one diagnostic about a whole file."""
    return InputError(Diagnostic(code, message, file=file, hint=hint, label=label))


def ledger_error(code: str, message: str, *, file: str = "", hint: str = "") -> LedgerError:
    """Return a ``LedgerError`` with one diagnostic."""
    return LedgerError(Diagnostic(code, message, file=file, hint=hint))


def render(diagnostics: Iterable[Diagnostic], sources: Mapping[str, Source]) -> str:
    """Return diagnostics as plain text, each with its source line underlined where the source is known."""
    return "\n\n".join(_render_one(d, sources) for d in diagnostics)


def _render_one(d: Diagnostic, sources: Mapping[str, Source]) -> str:
    out = [f"{d.severity}[{d.code}]: {d.message}"]
    if d.span is None:
        if d.file:
            out.append(f"  --> {d.file}")
        if d.label:
            out.append(f"   = {d.label}")
    else:
        out.append(f"  --> {d.span}")
        source = sources.get(d.span.file)
        if source is not None:
            out += _excerpt(d.span, source, d.label)
        elif d.label:
            out.append(f"   = {d.label}")
    if d.hint:
        out.append(f"   = hint: {d.hint}")
    return "\n".join(_shown(line) for line in out)


def _shown(line: str) -> str:
    """Return a line without what a terminal or a build server would obey: names of files are text by others too."""
    return line if line.isprintable() else "".join(c if c.isprintable() or c == "\t" else "\ufffd" for c in line)


_WIDEST = 160


def _excerpt(span: Span, source: Source, label: str) -> list[str]:
    whole = source.line(span.line)
    first = max(0, span.column - 41) if len(whole) > _WIDEST else 0  # of a long line, what surrounds the span
    line = whole[first : first + _WIDEST]
    column = span.column - first
    end = span.end_column - first if span.end_line == span.line else len(line) + 1
    # Tabs stay tabs in the padding, so that the marks stand under the text whatever the terminal's tab width.
    pad = "".join("\t" if c == "\t" else " " for c in line[: column - 1])
    marks = "^" * max(1, min(end, len(line) + 1) - column)
    gutter = " " * len(str(span.line))
    return [
        f"{gutter} |",
        f"{span.line} | {line}",
        f"{gutter} | {pad}{marks}{' ' + label if label else ''}",
    ]
