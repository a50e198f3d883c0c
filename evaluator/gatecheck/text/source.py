"""A source file and a place in it. Every node of a rule pack and every diagnostic about one points here."""

from typing import NamedTuple


class Span(NamedTuple):
    """A half-open stretch of one file: lines and columns count from 1, columns in characters."""

    file: str
    line: int
    column: int
    end_line: int
    end_column: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"

    def to(self, end: "Span") -> "Span":
        """Return the span from the start of this one to the end of another in the same file."""
        return Span(self.file, self.line, self.column, end.end_line, end.end_column)


class Source(NamedTuple):
    """One file's name, as a reader knows it, and its text."""

    name: str
    text: str

    def line(self, number: int) -> str:
        """Return one line, counted from 1, without its end; an empty string past the last line."""
        lines = self.text.split("\n")
        return lines[number - 1].rstrip("\r") if 0 < number <= len(lines) else ""
