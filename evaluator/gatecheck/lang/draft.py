"""A file that is being edited: parsed again after each change, at the cost of what changed.

A file is a sequence of declarations, and where each begins shows in its text. So each is parsed by itself and kept by
its text; one that only moved up or down is moved. What comes out is what ``parser.parse`` says of the whole file.
"""

from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

from gatecheck.lang import ast
from gatecheck.lang.parser import Parsed, as_file, chunks, parse_chunk, without_forbidden
from gatecheck.text.diagnostic import Diagnostic
from gatecheck.text.source import Source, Span

_Any = TypeVar("_Any")


class Kept(Generic[_Any]):
    """What ``read`` gives for each stretch of a file, kept by its text until a round that does not ask for it."""

    def __init__(self, read: Callable[[Source], _Any]) -> None:
        self._read = read
        self._kept: dict[tuple[str, str], tuple[int, _Any]] = {}  # by file and text: the line, and what is there
        self._used: dict[tuple[str, str], tuple[int, _Any]] = {}

    def start_round(self) -> None:
        """Forget what was not asked for since the last call."""
        self._kept, self._used = self._used, {}

    def read(self, chunk: Source) -> _Any:
        """Return what ``read`` gives for text that stands behind as many empty lines as lines are above it."""
        text = chunk.text.lstrip("\n")
        line = len(chunk.text) - len(text)
        key = chunk.name, text
        before, found = self._used.get(key) or self._kept.get(key) or (line, self._read(chunk))
        if before != line:
            found = moved(found, line - before)
        self._used[key] = line, found
        return found


class Draft:
    """Keeps what the declarations of one file's last text said."""

    def __init__(self) -> None:
        self._chunks = Kept(parse_chunk)

    def parse(self, source: Source) -> tuple[ast.File, list[Diagnostic]]:
        """Return what ``parser.parse`` returns."""
        source, problems = without_forbidden(source)
        self._chunks.start_round()
        written = list(chunks(source))
        parsed = [self._chunks.read(chunk) for chunk in written]
        if any(each.problem is not None for each in parsed):
            parsed = self._joined(written, parsed) or parsed
        return as_file(source, parsed), [*problems, *(p.problem for p in parsed if p.problem is not None)]

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
                part = self._chunks.read(Source(written[at].name, text))
                at += 1
            if part.problem is not None:
                return None
            whole.append(part)
        return whole


def moved(value: _Any, lines: int) -> _Any:
    """Return syntax, a problem, or a tuple of such, as it were that many lines further down."""
    if isinstance(value, Span):
        return value._replace(line=value.line + lines, end_line=value.end_line + lines)
    if isinstance(value, ast.Node):
        return type(value)(*[moved(getattr(value, name), lines) for name in value.__struct_fields__])
    if isinstance(value, tuple):
        each = [moved(item, lines) for item in value]
        return type(value)(*each) if hasattr(value, "_fields") else type(value)(each)
    return value
