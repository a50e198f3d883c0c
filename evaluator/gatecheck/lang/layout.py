"""Lay words out: one line where they fit, else broken where the loosest part ends; and the columns of a table.

A line is broken by rank: `{` goes to a line of its own, then clauses, commas, `then`, `or`, `and`, and last what stands
between brackets. What follows the first part is indented by two. Everything is decided by the words alone, never by
how they stood, so that laying out what was laid out changes nothing.
"""

from collections.abc import Sequence
from itertools import accumulate, pairwise
from typing import NamedTuple

from msgspec import Struct

from gatecheck.lang.words import Word

WIDTH = 100
INDENT = 2
_CLOSE_UP_BEFORE = {"COMMA", "COLON", "DOT", "RPAR", "RSQB", "SLASH"}
_CLOSE_UP_AFTER = {"LPAR", "LSQB", "DOT", "SLASH"}
_OPENING, _CLOSING = {"LPAR", "LSQB", "LREC"}, {"RPAR", "RSQB", "RREC"}

# The ranks of breaks, the loosest first, and the words that a part of a line begins with.
_BLOCK, _GUARD, _CLAUSE, _COMMA, _WHERE, _THEN, _OR, _AND = range(8)
_LEADING = {
    "REMEDY": _CLAUSE, "VALID": _CLAUSE, "INCLUDING": _CLAUSE, "DEFAULT": _CLAUSE, "EXCLUDING": _CLAUSE,
    "ESCALATE": _CLAUSE, "SIGNED": _CLAUSE,
    "WHERE": _WHERE, "THEN": _THEN, "OR": _OR, "AND": _AND,
}  # fmt: skip
# Words that begin a clause only in lines of one kind.
_LEADING_IN = {("RULE", "FOR"): _CLAUSE, ("RULE", "WHEN"): _CLAUSE, ("WINDOW", "IN"): _CLAUSE}


class Row(Struct):
    """A line of the result: its text with its indent, and the comment behind it."""

    text: str
    comment: str = ""


def gap(before: Word, word: Word) -> int:
    """Return how many spaces stand between two words on one line: one or none."""
    if word.kind in _CLOSE_UP_BEFORE or before.kind in _CLOSE_UP_AFTER:
        return 0
    return 0 if word.kind == "LPAR" and before.kind == "NAME" else 1


def on_one_line(words: Sequence[Word]) -> str:
    """Return words on one line, without their comments."""
    parts = [words[0].text]
    for before, word in pairwise(words):
        parts.append(" " + word.text if gap(before, word) else word.text)
    return "".join(parts)


class _Piece(NamedTuple):
    """The words from ``first`` to before ``last``, at an indent; parts but the first are indented by ``hang`` more."""

    first: int
    last: int
    indent: int
    hang: int = INDENT
    is_list: bool = False  # all that stands between `[` and `]`, or the braces of a record


def broken(words: Sequence[Word], indent: int) -> list[Row]:
    """Return words that do not fit on one line, or have comments between them, on several.

    The comments before the first word are left to the caller.
    """
    return _Break(words).rows(indent)


class _Break:
    def __init__(self, words: Sequence[Word]) -> None:
        self.words = words
        widths = (len(word.text) + gap(before, word) for before, word in pairwise(words))
        self.ends = list(accumulate(widths, initial=len(words[0].text)))
        self.comments = list(accumulate(bool(word.comments) for word in words))
        self.with_comma: set[int] = set()  # ends of lists that have an item a line

    def rows(self, indent: int) -> list[Row]:
        rows: list[Row] = []
        pending = [_Piece(0, len(self.words), indent)]
        while pending:
            piece = pending.pop()
            parts = [] if self.fits(piece) else self.parts(piece)
            if parts:
                pending += reversed(parts)
                continue
            if piece.first:
                add_comments(rows, self.words[piece.first], piece.indent)
            comma = "," if piece.last in self.with_comma else ""
            rows.append(Row(" " * piece.indent + on_one_line(self.words[piece.first : piece.last]) + comma))
        return rows

    def fits(self, piece: _Piece) -> bool:
        if self.comments[piece.last - 1] != self.comments[piece.first]:
            return False
        return piece.indent + self.width(piece.first, piece.last) + (piece.last in self.with_comma) <= WIDTH

    def width(self, first: int, last: int) -> int:
        return self.ends[last - 1] - self.ends[first] + len(self.words[first].text)

    def parts(self, piece: _Piece) -> list[_Piece]:
        """Return the parts of a piece that is broken once; none if it can't be."""
        ranks, brackets = self.breaks(piece)
        if ranks:
            rank = min(ranks)
            if rank == _COMMA and piece.is_list:
                self.with_comma.add(piece.last)
            return self.cut(piece, rank, ranks[rank])
        if brackets:
            opening, closing = max(brackets, key=lambda pair: self.width(pair[0], pair[1]))
            is_list = self.words[opening].kind in ("LSQB", "LREC")
            return [
                _Piece(piece.first, opening + 1, piece.indent, piece.hang),
                _Piece(opening + 1, closing, piece.indent + INDENT, 0, is_list),
                _Piece(closing, piece.last, piece.indent, piece.hang),
            ]
        return self.cut(piece, None, [at for at in range(piece.first + 1, piece.last) if self.words[at].comments])

    def breaks(self, piece: _Piece) -> tuple[dict[int, list[int]], list[tuple[int, int]]]:
        """Return where parts begin outside all brackets, by rank, and the brackets that hold anything."""
        ranks: dict[int, list[int]] = {}
        brackets: list[tuple[int, int]] = []
        kind = self.words[piece.first].kind
        opened: list[int] = []
        for at in range(piece.first, piece.last):
            word = self.words[at].kind
            if word in _OPENING:
                opened.append(at)
            elif word in _CLOSING:
                opening = opened.pop() if opened else at
                if not opened and opening + 1 < at:
                    brackets.append((opening, at))
            elif not opened:
                rank = _LEADING.get(word, _LEADING_IN.get((kind, word)))
                if rank is not None and at > piece.first:
                    ranks.setdefault(rank, []).append(at)
                elif word == "COMMA" and at + 1 < piece.last:
                    ranks.setdefault(_COMMA, []).append(at + 1)
                elif word == "COLON" and kind == "WHEN" and at + 1 < piece.last:
                    ranks.setdefault(_GUARD, [at + 1])
                elif word == "LBRACE" and at > piece.first:
                    ranks[_BLOCK] = [at]
        return ranks, brackets

    def cut(self, piece: _Piece, rank: int | None, starts: list[int]) -> list[_Piece]:
        if not starts:
            return []
        # A second line of the first part stands deeper than the parts after it.
        deeper = 0 if rank == _BLOCK else piece.hang
        first = _Piece(piece.first, starts[0], piece.indent, deeper + INDENT)
        rest = [_Piece(start, end, piece.indent + deeper) for start, end in pairwise([*starts, piece.last])]
        return [first, *rest]


def add_comments(rows: list[Row], word: Word, indent: int) -> None:
    """Put the comments before a word behind the last row, where they stood so, or on rows of their own."""
    for comment in word.comments:
        if comment.trails:
            rows[-1].comment = comment.text
        else:
            rows.append(Row(" " * (indent + (INDENT if word.kind in _CLOSING else 0)) + comment.text))


# -- columns


_CUTS = {
    "ENVIRONMENT": "AFTER", "GROUP": "EQUAL", "LET": "EQUAL", "WINDOW": "EQUAL", "NAME": "WHEN",
}  # fmt: skip


def columns(words: Sequence[Word]) -> tuple[str, list[int]]:
    """Return what kind of table a line may be a row of, empty for none, and at which words its further columns begin.

    A `when` is a row where it compares one thing: those before and after it that compare the same are its table.
    """
    kind = words[0].kind
    if kind == "ATTRIBUTE":
        return kind, [3, *(at for at in range(4, len(words)) if words[at].kind == "DEFAULT")]
    if kind == "WHEN":
        return _case(words)
    cut = _CUTS.get(kind)
    return (kind, [at for at in (1, 2) if at < len(words) and words[at].kind == cut]) if cut else ("", [])


def _case(words: Sequence[Word]) -> tuple[str, list[int]]:
    depth = operator = right = 0
    for at, word in enumerate(words):
        if word.kind in _OPENING:
            depth += 1
        elif word.kind in _CLOSING:
            depth -= 1
        elif depth:
            continue
        elif word.kind in ("COMPARE", "IN", "MATCHES") and not operator:
            operator, right = (at - 1 if words[at - 1].kind == "NOT" else at), at + 1
        elif word.kind in ("AND", "OR") or (word.kind == "NOT" and words[at + 1].kind != "IN"):
            return "", []
        elif word.kind == "COLON":
            return (f"when {on_one_line(words[1:operator])}", [operator, right, at + 1]) if operator else ("", [])
    return "", []


def aligned(rows: Sequence[tuple[Sequence[Word], list[int]]], indent: int) -> list[str] | None:
    """Return the lines of a table in columns, or ``None`` where one would be too long."""
    cells = [[on_one_line(words[a:b]) for a, b in pairwise([0, *cuts, len(words)])] for words, cuts in rows]
    widths: dict[int, int] = {}
    for row in cells:
        for column, cell in enumerate(row[:-1]):
            widths[column] = max(widths.get(column, 0), len(cell))
    padded = [" ".join([*(c.ljust(widths[n]) for n, c in enumerate(row[:-1])), row[-1]]) for row in cells]
    return padded if all(indent + len(line) <= WIDTH for line in padded) else None
