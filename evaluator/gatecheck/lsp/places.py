"""Places as an editor counts them: lines and columns from 0, columns in the units that were agreed on.

The protocol counts UTF-16 units unless the client prefers others; a `Span` counts characters, both from 1. A line ends
where an editor ends it: at a line feed, a carriage return, or both.
"""

import re

from lsprotocol.types import Position, PositionEncodingKind, Range

from gatecheck.text.source import Source, Span

_LINE_END = re.compile(r"\r\n|\n|\r")
_WORD = re.compile(r'"(?:[^"\\]|\\.)*"?|#.*|(?P<word>[A-Za-z_][A-Za-z0-9_-]*)')
_UNITS = {PositionEncodingKind.Utf8: ("utf-8", 1), PositionEncodingKind.Utf16: ("utf-16-le", 2)}


class Lines:
    """The lines of one text, for turning places into an editor's and back."""

    def __init__(self, text: str, encoding: str) -> None:
        self._lines = _LINE_END.split(text)
        self._codec, self._size = _UNITS.get(PositionEncodingKind(encoding), ("utf-32-le", 4))

    def position(self, line: int, column: int) -> Position:
        """Return the editor's name for a place that counts from 1; one past the end becomes the end."""
        at = min(line - 1, len(self._lines) - 1)
        before = self._lines[at][: column - 1] if at == line - 1 else self._lines[at]
        return Position(at, self._width(before))

    def range(self, span: Span) -> Range:
        """Return the editor's name for a span; one of a whole line may end on the next."""
        return Range(self.position(span.line, span.column), self.position(span.end_line, span.end_column))

    def place(self, position: Position) -> tuple[int, int]:
        """Return the line and column, from 1, of an editor's position; one past the end becomes the end."""
        if position.line >= len(self._lines):
            return len(self._lines), len(self._lines[-1]) + 1
        line = self._lines[position.line]
        if line.isascii():
            return position.line + 1, min(position.character, len(line)) + 1
        width = column = 0
        while column < len(line) and width < position.character:
            width += self._width(line[column])
            column += 1
        return position.line + 1, column + 1

    def whole(self) -> Range:
        """Return all of the text."""
        return Range(Position(0, 0), self.position(len(self._lines), len(self._lines[-1]) + 1))

    def before(self, line: int, column: int) -> str:
        """Return the text before a place, with line feeds at the ends of its lines."""
        return "\n".join([*self._lines[: line - 1], self._lines[line - 1][: column - 1]])

    def _width(self, text: str) -> int:
        return len(text) if text.isascii() else len(text.encode(self._codec, "replace")) // self._size


def word_at(source: Source, line: int, column: int) -> Span | None:
    """Return the place of the word on which a place lies, its end included; texts and comments hold no words."""
    for word in _WORD.finditer(source.line(line)):
        if word["word"] is not None and word.start() + 1 <= column <= word.end() + 1:
            return Span(source.name, line, word.start() + 1, line, word.end() + 1)
    return None
