"""A file that is being edited: parsed again after each change, at the cost of what changed.

A file is a sequence of declarations, and where each begins shows in its text. So each is parsed by itself and kept by
its text; one that only moved up or down is moved. What comes out is what ``parser.parse`` says of the whole file.
"""

from collections.abc import Sequence
from typing import Any, TypeVar

from gatecheck.lang import ast
from gatecheck.lang.parser import Parsed, as_file, chunks, parse_chunk, without_forbidden
from gatecheck.text.diagnostic import Diagnostic
from gatecheck.text.source import Source, Span

_Any = TypeVar("_Any")


class Draft:
    """Keeps what the declarations of one file's last text said."""

    def __init__(self) -> None:
        self._kept: dict[tuple[str, str], tuple[int, Parsed]] = {}  # by file and text: the line, and what it says
        self._used: dict[tuple[str, str], tuple[int, Parsed]] = {}

    def parse(self, source: Source) -> tuple[ast.File, list[Diagnostic]]:
        """Return what ``parser.parse`` returns."""
        source, problems = without_forbidden(source)
        self._used = {}
        written = list(chunks(source))
        parsed = [self._parsed(chunk) for chunk in written]
        if any(each.problem is not None for each in parsed):
            parsed = self._joined(written, parsed) or parsed
        self._kept = self._used
        return as_file(source, parsed), [*problems, *(p.problem for p in parsed if p.problem is not None)]

    def _parsed(self, chunk: Source) -> Parsed:
        text = chunk.text.lstrip("\n")
        line = len(chunk.text) - len(text)
        key = chunk.name, text
        kept = self._used.get(key) or self._kept.get(key)
        if kept is None:
            parsed = parse_chunk(chunk)
        else:
            parsed = kept[1] if kept[0] == line else moved(kept[1], line - kept[0])
        self._used[key] = line, parsed
        return parsed

    def _joined(self, written: Sequence[Source], parsed: Sequence[Parsed]) -> list[Parsed] | None:
        """Return the parts of a file that parses as a whole, or ``None``.

        A line may begin with a declaring word and declare nothing: `let a =` may go on with `risk == high` there.
        """
        whole: list[Parsed] = []
        at = 0
        while at < len(written):
            part, text = parsed[at], written[at].text
            at += 1
            while part.is_open and at < len(written):
                text += "\n" + written[at].text.lstrip("\n")
                part = self._parsed(Source(written[at].name, text))
                at += 1
            if part.problem is not None:
                return None
            whole.append(part)
        return whole


def moved(value: _Any, lines: int) -> _Any:
    """Return syntax, a problem, or a tuple of such, as it were that many lines further down."""
    made: Any = value
    if isinstance(value, Span):
        made = Span(value.file, value.line + lines, value.column, value.end_line + lines, value.end_column)
    elif isinstance(value, ast.Node):
        made = type(value)(*[moved(getattr(value, name), lines) for name in value.__struct_fields__])
    elif isinstance(value, tuple):
        each = (moved(item, lines) for item in value)
        made = type(value)(*each) if hasattr(value, "_fields") else tuple(each)
    return made
