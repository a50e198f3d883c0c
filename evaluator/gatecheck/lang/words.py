"""A `.gate` file as words, each with the comments and the empty line before it: what the formatter lays out.

The words are the grammar's tokens, so a number, a text or a span of days stays as its author wrote it. Two things are
no matter of taste and go: parentheses right inside parentheses, and a comma before a closing bracket. A comment that
stands where no line can end, such as before a comma, moves over that one word; no comment passes another.
"""

import re
from collections.abc import Iterable
from typing import NamedTuple

from lark import Token
from msgspec import Struct

from gatecheck.lang import ast, scenario

END = "$END"
_ITEM = (
    ast.Declaration | ast.RiskCase | ast.GateItem | ast.Statement | ast.WaiverItem | ast.OverrideItem | scenario.Item
)  # fmt: skip
_WITHIN = re.compile(r"\s+")


class Comment(NamedTuple):
    """A comment from its `#` on, without what is blank at its end."""

    text: str
    trails: bool  # it stands behind a word, on that word's line
    follows_blank: bool  # an empty line stands before it


class Word(Struct):
    """A token by its name in the grammar and its text, and what stands between the word before and it."""

    kind: str
    text: str
    comments: tuple[Comment, ...] = ()
    follows_blank: bool = False  # an empty line stands right before it
    begins: bool = False  # a declaration, a case of risk, an item of a gate or a statement, on a line of its own


def read_words(text: str, file: ast.File, tokens: list[Token]) -> list[Word]:
    """Return the words of a file; the last is of the kind ``END``, is empty, and holds what stands after all others."""
    begins = _starts(file)
    words: list[Word] = []
    end, kind, last = 0, "", ""
    records = 0  # open braces of records, which hold values and not lines
    for token in tokens:
        comments, follows_blank = _between(text[end : token.start_pos], is_first=not words)
        # A statement after the colon of its `when` stands on the line of the `when`.
        is_start = (token.line, token.column) in begins and kind != "COLON"
        kind = token.type
        if kind == "LBRACE" and (records or last == "GIVEN"):
            kind, records = "LREC", records + 1
        elif kind == "RBRACE" and records:
            kind, records = "RREC", records - 1
        last = kind if is_start else last
        said = _WITHIN.sub("", token) if kind in ("TIMES", "SAID_AT") else str(token)
        words.append(Word(kind, said, comments, follows_blank, is_start))
        end = token.end_pos or 0
    words.append(Word(END, "", *_between(text[end:], is_first=not words), True))
    return _settled(_without_doubles(words))


def _starts(file: ast.File) -> set[tuple[int | None, int | None]]:
    """Return where, by line and column, whatever can stand on a line of its own begins."""
    starts: set[tuple[int | None, int | None]] = set()
    pending: list[ast.Node] = [file]
    while pending:
        for child in pending.pop().children():
            if isinstance(child, _ITEM):
                starts.add((child.span.line, child.span.column))
                pending.append(child)
    return starts


def _between(gap: str, *, is_first: bool) -> tuple[tuple[Comment, ...], bool]:
    """Return the comments in the text between two words, and whether an empty line stands right before the second."""
    if "\n" not in gap and "#" not in gap:
        return (), False
    comments: list[Comment] = []
    is_blank = False
    lines = gap.split("\n")
    for number, line in enumerate(lines):
        said = line.strip(" \t\r")
        if said:
            comments.append(Comment(said, number == 0 and not is_first, is_blank))
            is_blank = False
        elif 0 < number < len(lines) - 1:
            is_blank = True
    return tuple(comments), is_blank


def comments(text: str, tokens: Iterable[Token]) -> list[str]:
    """Return the text of every comment of a file, in order."""
    found: list[str] = []
    end = 0
    for start, next_end in [*((token.start_pos, token.end_pos or 0) for token in tokens), (len(text), 0)]:
        gap = text[end:start]
        if "#" in gap:
            found += [comment.text for comment in _between(gap, is_first=False)[0]]
        end = next_end
    return found


def _joined(first: tuple[Comment, ...], second: tuple[Comment, ...]) -> tuple[Comment, ...]:
    """Return two gaps as one: only a comment that is still the first can stand behind the word before."""
    return first + tuple(c._replace(trails=False) for c in second) if first else second


def _without_doubles(words: list[Word]) -> list[Word]:
    opened: list[int] = []
    closed_by: dict[int, int] = {}
    dropped: set[int] = set()
    for at, word in enumerate(words):
        if word.kind == "LPAR":
            opened.append(at)
        elif word.kind == "RPAR":
            closed_by[opened.pop()] = at
        elif word.kind in ("RSQB", "RREC") and words[at - 1].kind == "COMMA":
            dropped.add(at - 1)
    for first, last in closed_by.items():
        if closed_by.get(first + 1) == last - 1:
            dropped |= {first + 1, last - 1}
    for at in sorted(dropped):
        words[at + 1].comments = _joined(words[at].comments, words[at + 1].comments)
    return [word for at, word in enumerate(words) if at not in dropped]


def _settled(words: list[Word]) -> list[Word]:
    """Move comments to where a line can end: over a comma, a colon or `{` that follows, an `and` that precedes."""
    for at, word in enumerate(words):
        if word.kind in ("COMMA", "COLON", "LBRACE"):
            words[at + 1].comments = _joined(word.comments, words[at + 1].comments)
            word.comments = ()
        elif word.kind in ("AND", "OR", "THEN"):
            word.comments = _joined(word.comments, words[at + 1].comments)
            words[at + 1].comments = ()
    return words
