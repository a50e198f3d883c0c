"""Write a `.gate` file in its one canonical layout, every comment kept.

Layout is all that changes: words and comments are those of the author, in the author's order. The result is parsed
again before anybody gets it, so that a mistake made here can never become a change of the rules.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby

from msgspec import Struct

from gatecheck.lang import ast
from gatecheck.lang.layout import INDENT, WIDTH, Row, aligned, broken, columns, on_one_line
from gatecheck.lang.parser import parse_tokens
from gatecheck.lang.words import END, Word, comments, read_words
from gatecheck.text.diagnostic import RulesError, input_error
from gatecheck.text.source import Source


def formatted(source: Source) -> str:
    """Return a file's text in the canonical layout, with the line ends of its first line.

    Raises ``RulesError`` with every syntax error, and ``InputError`` if the result would not say the same.
    """
    file, tokens = parse_tokens(source)
    words = read_words(source.text, file, tokens)
    text = "".join(line + "\n" for line in _with_comments(_rows(_lines(words))))
    if source.text.partition("\n")[0].endswith("\r"):
        text = text.replace("\n", "\r\n")
    if text != source.text:
        refuse_changed(source, file, comments(source.text, tokens), text)
    return text


def refuse_changed(source: Source, file: ast.File, kept: list[str], text: str) -> None:
    """Raise ``InputError`` unless a new text says what the file says, and holds just the comments to be kept."""
    try:
        file_again, tokens = parse_tokens(Source(source.name, text))
        is_same = file_again == file and comments(text, tokens) == kept
    except RulesError:
        is_same = False
    if not is_same:
        message = "this file would say something else once formatted, so it is left as it is"
        hint = "this is a bug in gatecheck, not in your rules: please report it, with the file"
        raise input_error("GC803", message, file=source.name, hint=hint)


class _Line(Struct):
    """What stands on one line if it fits, ``depth`` blocks deep."""

    depth: int
    words: list[Word]
    text: str | None = None  # without indent; None where it does not fit, or comments stand between its words

    @property
    def is_close(self) -> bool:
        return self.words[0].kind in ("RBRACE", END)

    def stands_apart(self) -> bool:
        """Tell whether a comment or an empty line stands between the line before and this one."""
        first = self.words[0]
        return first.follows_blank or any(not c.trails for c in first.comments)


def _lines(words: Iterable[Word]) -> list[_Line]:
    lines: list[_Line] = []
    depth = 0
    for word in words:
        if word.kind == "RBRACE":
            depth -= 1
        if word.begins or word.kind == "RBRACE":
            lines.append(_Line(depth, []))
        lines[-1].words.append(word)
        if word.kind == "LBRACE":
            depth += 1
    for line in lines:
        if not any(word.comments for word in line.words[1:]):
            text = on_one_line(line.words)
            line.text = text if line.depth * INDENT + len(text) <= WIDTH else None
    for table in _tables(lines):
        _align(table)
    return lines


def _tables(lines: Sequence[_Line]) -> Iterator[list[tuple[_Line, list[int]]]]:
    """Yield each run of lines that are rows of one table, with the words at which their columns begin."""
    table: list[tuple[_Line, list[int]]] = []
    current = (0, "")
    for line in lines:
        kind, cuts = columns(line.words) if line.text is not None else ("", [])
        if (line.depth, kind) != current or line.stands_apart():
            yield table
            table = []
        current = (line.depth, kind)
        if kind:
            table.append((line, cuts))
    yield table


def _align(table: list[tuple[_Line, list[int]]]) -> None:
    if len(table) > 1:
        indent = table[0][0].depth * INDENT
        for (line, _), text in zip(
            table, aligned([(line.words, cuts) for line, cuts in table], indent) or (), strict=False
        ):
            line.text = text


def _rows(lines: Sequence[_Line]) -> list[Row]:
    rows: list[Row] = []
    before: _Line | None = None
    for line in lines:
        _add_lead(rows, before, line)
        indent = line.depth * INDENT
        if line.text is None:
            rows += broken(line.words, indent)
        elif line.text:
            rows.append(Row(" " * indent + line.text))
        before = line
    return rows


def _add_lead(rows: list[Row], before: _Line | None, line: _Line) -> None:
    """Add what stands before a line: the comment behind the line before, own-line comments, and empty lines."""
    first = line.words[0]
    indent = (line.depth + (first.kind == "RBRACE")) * INDENT
    own = [c for c in first.comments if not c.trails]
    if len(own) < len(first.comments):
        rows[-1].comment = first.comments[0].text
    blanks = [*(c.follows_blank for c in own), first.follows_blank]
    if before is None or before.words[-1].kind == "LBRACE":
        blanks[0] = False
    elif line.depth == 0 and not line.is_close and not any(blanks) and before.words[0].kind != first.kind:
        blanks[0] = True  # declarations stand apart, but for runs of one kind
    if line.is_close:
        blanks[-1] = False
    for comment, is_blank in zip(own, blanks, strict=False):
        rows += [Row("")] * is_blank
        rows.append(Row(" " * indent + comment.text))
    rows += [Row("")] * blanks[-1]


def _with_comments(rows: Sequence[Row]) -> Iterator[str]:
    """Yield the text of each row, the comments behind neighbours of one indent in one column."""
    for (has_comment, _), run in groupby(rows, lambda row: (bool(row.comment), _indent(row.text))):
        neighbours = list(run)
        column = max(len(row.text) for row in neighbours) + 2
        yield from (f"{row.text:{column}}{row.comment}" if has_comment else row.text for row in neighbours)


def _indent(text: str) -> int:
    return len(text) - len(text.lstrip(" "))
