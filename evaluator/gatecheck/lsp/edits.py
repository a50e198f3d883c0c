"""Changes that the editor may make: a name everywhere, a mend that a hint gives, the canonical layout.

Nothing is offered unproven. A change is first tried on the pack: a new name must leave every other name with its
meaning and bring no error, and a mend must make its problem go away.
"""

import re
from collections.abc import Iterator, Sequence
from itertools import zip_longest
from typing import NamedTuple

from gatecheck.lang import ast
from gatecheck.lsp.names import Name
from gatecheck.lsp.packs import Analysis, OpenPack
from gatecheck.text.diagnostic import Diagnostic
from gatecheck.text.source import Source, Span

_NOTHING = Name("", "", Span("", 0, 0, 0, 0))
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(-[A-Za-z0-9_]+)*")
_QUOTED = re.compile(r"`([^`]+)`")
_INSTEAD = re.compile(r"(?:did you mean|write(?: [a-z ]+:)?) (`[^`]+`(?:, or `[^`]+`)*)\??")
_BETWEEN = re.compile(r"put a `(.)` (?:before the statement|between two names)")
_WITHOUT = re.compile(r"(?:.*: )?(?:delete|drop) it")


class Edit(NamedTuple):
    """A new text for a stretch of one file."""

    span: Span
    text: str


class Fix(NamedTuple):
    """A mend of one problem."""

    title: str
    problem: Diagnostic
    edit: Edit


class RefusedError(Exception):
    """A change that can't be made; the text says why."""


# -- a name everywhere


def renamable(analysis: Analysis, file: str, line: int, column: int) -> Name:
    """Return the name at a place; ``RefusedError`` where it is not one that the pack declares."""
    name = analysis.name_at(file, line, column)
    if name is None or not name.kind:
        raise RefusedError("there is no name here that the pack declares")
    broken = [d for tree in analysis.trees.values() for d in tree.declarations if isinstance(d, ast.Broken)]
    if broken:
        raise RefusedError(
            f"{broken[0].span.file}:{broken[0].span.line} does not parse, and may hold the name: mend it"
        )
    if not analysis.definitions(name):
        raise RefusedError(f"`{name.name}` is not declared in this pack")
    return name


def rename(pack: OpenPack, name: Name, new: str) -> list[Edit]:
    """Return the edits that give a name another text everywhere; ``RefusedError`` where that would change a meaning."""
    if not _NAME.fullmatch(new):
        raise RefusedError(f"`{new}` is not a name: letters, digits and `_`, with single hyphens between")
    before = pack.analysis()
    edits = [Edit(n.span, new) for n in before.all_names() if n.is_same(name)]
    after = pack.with_texts(_applied(edits, before))
    for problem in after.errors:
        if (problem.code, problem.message) not in {(d.code, d.message.replace(name.name, new)) for d in before.errors}:
            raise RefusedError(f"with the name `{new}`, {problem.message}")
    for old, now in zip_longest(before.all_names(), after.all_names(), fillvalue=_NOTHING):
        wanted = new if old.is_same(name) else old.name
        owner = new if old.owner == name.name and name.kind == "gate" else old.owner
        if (old.kind, wanted, owner) != (now.kind, now.name, now.owner):
            where = f"{now.span.file}:{now.span.line}"
            raise RefusedError(f"with the name `{new}`, `{now.name}` would mean something else in {where}")
    return edits


def _applied(edits: Sequence[Edit], analysis: Analysis) -> dict[str, str]:
    """Return the new texts of the files that edits change."""
    return {
        file: applied([e for e in edits if e.span.file == file], analysis.sources[file])
        for file in {e.span.file for e in edits}
    }


def applied(edits: Sequence[Edit], source: Source) -> str:
    """Return a text with edits made, each within one line."""
    lines = source.text.split("\n")
    for span, text in sorted(edits, reverse=True):
        line = lines[span.line - 1]
        lines[span.line - 1] = line[: span.column - 1] + text + line[span.end_column - 1 :]
    return "\n".join(lines)


# -- what a hint says


def fixes(pack: OpenPack, file: str, first: int, last: int) -> list[Fix]:
    """Return the mends of the problems in some lines of a file, as far as their hints give exact ones."""
    analysis = pack.analysis()
    found: list[Fix] = []
    for problem in analysis.diagnostics:
        span = problem.span
        if span is None or span.file != file or span.line > last or span.end_line < first or not problem.hint:
            continue
        tried: set[str] = set()
        for title, edit in _mends(problem, span, analysis.sources[file].line(span.line)):
            if title not in tried and _mends_it(pack, analysis, problem, edit):
                tried.add(title)
                found.append(Fix(title, problem, edit))
    return found


def _mends(problem: Diagnostic, span: Span, line: str) -> Iterator[tuple[str, Edit]]:
    """Yield what a hint may mean, each with a title."""
    if instead := _INSTEAD.fullmatch(problem.hint):
        for text in _QUOTED.findall(instead[1]):
            for at in _offending(problem, span, line):
                yield f"Write `{text}`", Edit(at, _apart(text, line, at))
    elif between := _BETWEEN.fullmatch(problem.hint):
        end = len(line[: span.column - 1].rstrip()) + 1
        yield f"Put a `{between[1]}`", Edit(Span(span.file, span.line, end, span.line, end), between[1])
    elif _WITHOUT.fullmatch(problem.hint) and span.line == span.end_line:
        yield "Delete it", Edit(span, "")


def _apart(text: str, line: str, at: Span) -> str:
    """Return a text with the blanks that keep it apart from the words around a place: `not` where `!` stood."""
    before, after = line[at.column - 2 : at.column - 1], line[at.end_column - 1 : at.end_column]
    start = " " if _is_part(before) and _is_part(text[0]) else ""
    return start + text + (" " if _is_part(after) and _is_part(text[-1]) else "")


def _is_part(character: str) -> bool:
    return character.isalnum() or character == "_"


def _offending(problem: Diagnostic, span: Span, line: str) -> Iterator[Span]:
    """Yield the stretches that a problem may speak of: words that its message quotes, then all that it underlines."""
    if span.line != span.end_line:
        return
    said = line[span.column - 1 : span.end_column - 1]
    for quoted in reversed(_QUOTED.findall(problem.message)):
        places = [m.start() for m in re.finditer(rf"(?<![\w-]){re.escape(quoted)}(?![\w-])", said)]
        if len(places) == 1:
            start = span.column + places[0]
            yield Span(span.file, span.line, start, span.line, start + len(quoted))
    yield span


def _mends_it(pack: OpenPack, before: Analysis, problem: Diagnostic, edit: Edit) -> bool:
    """Tell whether an edit takes a problem away and brings none in its place."""
    after = pack.with_texts(_applied([edit], before))
    same = (problem.code, problem.message)
    gone = sum((d.code, d.message) == same for d in before.diagnostics) > sum(
        (d.code, d.message) == same for d in after.diagnostics
    )
    if problem.severity == "error":  # a pack with fewer errors may show more warnings
        return gone and len(after.errors) < len(before.errors)
    return gone and len(after.errors) <= len(before.errors) and len(after.diagnostics) < len(before.diagnostics)
