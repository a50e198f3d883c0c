"""Glob patterns as regular expressions: for paths as in a line of ``.gitignore``, and for plain text.

Paths: a pattern without a slash names a file or folder at any depth, one with a slash starts at the root; ``*``, ``?``
and brackets stay within a segment, ``**`` as a whole segment spans any number of them, and what names a folder holds
for everything below it. ``tests`` compares with git itself; only that a character here is a character, where git counts
bytes of UTF-8, and that what can never match, or reads as something else in ``.gitignore``, is refused.

The expressions can't backtrack far: whatever stands between two stars is taken at its first occurrence for good (an
atomic group), which is never worse, because the star after it takes any rest. Only the last star of a segment, and the
last ``**``, tries again.
"""

import re
from typing import Literal, NamedTuple

MAX_LENGTH = 500

_IN_SEGMENT = "[^/]"  # one character that a wildcard may stand for, in a path and in a text
_IN_TEXT = "."
_NAMED_CLASS = re.compile(r"\[:([^]]*):]")
_CLASSES = {
    "alnum": "0-9A-Za-z",
    "alpha": "A-Za-z",
    "blank": " \\t",
    "cntrl": "\\x00-\\x1f\\x7f",
    "digit": "0-9",
    "graph": "!-~",
    "lower": "a-z",
    "print": " -~",
    "punct": "!-/:-@\\[-`{-~",
    "space": " \\t\\n\\r",
    "upper": "A-Z",
    "xdigit": "0-9A-Fa-f",
}


class _Token(NamedTuple):
    kind: Literal["one", "star", "stars", "slash"]
    expression: str = ""
    is_plain: bool = False  # a character that stands for itself, without a backslash


def translate(pattern: str) -> str:
    """Return the expression that ``re.fullmatch`` a path, as the pattern would in ``.gitignore``, or a folder above it.

    Raises ``ValueError`` with a sentence for a pattern that is none, or that can match nothing.
    """
    _check(pattern)
    if pattern[0] in "!#":
        raise ValueError(f"a pattern can't start with `{pattern[0]}`; write `\\{pattern[0]}` for the character itself")
    bare = pattern.rstrip(" ")
    if pattern[0] == " " or (bare != pattern and (len(bare) - len(bare.rstrip("\\"))) % 2 == 0):
        raise ValueError("a pattern can't start or end with a space; write `\\ ` for the character itself")
    if any(character in pattern for character in "\n\r\0"):
        raise ValueError("a pattern is one line")
    names_folder = pattern[-1] == "/"
    tokens = _read(pattern[:-1] if names_folder else pattern, _IN_SEGMENT)
    tokens = tokens[1:] if tokens and tokens[0].kind == "slash" else tokens
    _check_segments(tokens)
    body = _rooted(tokens) if "/" in pattern[:-1] else "(?:.*/)?" + _stretch(tokens, _IN_SEGMENT)
    return f"(?s:{body}{'/.*' if names_folder else '(?:/.*)?'})"


def translate_text(pattern: str) -> str:
    """Return the expression that ``re.fullmatch`` a whole text: ``*`` any characters, ``?`` one, brackets one of a set.

    Raises ``ValueError`` with a sentence for a pattern that is none.
    """
    _check(pattern)
    return f"(?s:{_stretch(_read(pattern, _IN_TEXT), _IN_TEXT)})"


def _check(pattern: str) -> None:
    if not pattern:
        raise ValueError("a pattern can't be empty")
    if len(pattern) > MAX_LENGTH:
        raise ValueError(f"a pattern has at most {MAX_LENGTH} characters; this one has {len(pattern)}")


def _check_segments(tokens: list[_Token]) -> None:
    """Refuse what no path of a repository holds."""
    for segment in _split(tokens, "slash"):
        if not segment:
            raise ValueError("a pattern can't have an empty segment; write single slashes, and a name between them")
        if "".join(token.expression for token in segment) in (r"\.", r"\.\."):
            raise ValueError("a pattern can't hold a `.` or `..` segment; paths start at the repository's root")


def _rooted(tokens: list[_Token]) -> str:
    """Return the expression of a pattern with a slash: runs of segments, with ``**`` between them."""
    out = ""
    run: list[_Token] = []
    spans = is_plain = True  # whether `**` here, or `**` after text without wildcards, spans segments: git lets both
    is_first = True
    place = 0
    while place < len(tokens):
        token = tokens[place]
        place += 1
        is_last = place == len(tokens)
        if token.kind == "stars" and spans and (is_last or tokens[place].kind == "slash"):
            middle = _stretch(run, _IN_SEGMENT)
            out += middle if is_first else f"(?>(?:[^/]*/)*?{middle})" if run else ""
            if is_last:
                return out + ".*"
            is_first = is_plain = False
            run = []
            place += 1
            continue
        run.append(token)
        is_plain = is_plain and (token.is_plain or token.kind == "slash")
        spans = is_plain or token.kind == "slash"
    return out + ("" if is_first else "(?:[^/]*/)*") + _stretch(run, _IN_SEGMENT)


def _stretch(tokens: list[_Token], anything: str) -> str:
    """Return the expression of tokens in which every star stays within a segment."""
    out = []
    for segment in _split(tokens, "slash"):
        first, *pieces = ["".join(token.expression for token in piece) for piece in _split(segment, "star", "stars")]
        between = "".join(f"(?>{anything}*?{piece})" for piece in pieces[:-1] if piece)
        out.append(first + between + "".join(f"{anything}*{piece}" for piece in pieces[-1:]))
    return "/".join(out)


def _split(tokens: list[_Token], *kinds: str) -> list[list[_Token]]:
    out: list[list[_Token]] = [[]]
    for token in tokens:
        if token.kind in kinds:
            out.append([])
        else:
            out[-1].append(token)
    return out


def _read(pattern: str, anything: str) -> list[_Token]:
    """Return a pattern's tokens; ``anything`` is the expression of one character that a wildcard may stand for."""
    out: list[_Token] = []
    at = 0
    while at < len(pattern):
        character = pattern[at]
        at += 1
        if character == "*":
            start = at
            while pattern[at : at + 1] == "*":
                at += 1
            out.append(_Token("stars" if at > start else "star"))
        elif character == "?":
            out.append(_Token("one", anything))
        elif character == "[":
            expression, at = _bracket(pattern, at)
            out.append(_Token("one", f"(?={anything}){expression}" if anything == _IN_SEGMENT else expression))
        elif character == "/" and anything == _IN_SEGMENT:
            out.append(_Token("slash"))
        elif character == "\\":
            if at == len(pattern):
                raise ValueError("a pattern can't end in a backslash; write `\\\\` for the character itself")
            if pattern[at] == "/" and anything == _IN_SEGMENT:
                raise ValueError("a slash takes no backslash; write `/`")
            out.append(_Token("one", re.escape(pattern[at])))
            at += 1
        else:
            out.append(_Token("one", re.escape(character), is_plain=True))
    return out


def _bracket(pattern: str, at: int) -> tuple[str, int]:
    """Return the expression of the set that starts at ``at``, after its bracket, and where it ends."""
    negated = pattern[at : at + 1] in ("!", "^")
    at += negated
    first = at
    members = ""
    low = ""  # the character before, from which a dash would make a range
    try:
        while pattern[at] != "]" or at == first:
            if pattern[at] == "-" and low and pattern[at + 1] != "]":
                high, at = _member(pattern, at + 1)
                members += f"{re.escape(low)}-{re.escape(high)}" if low <= high else ""
                low = ""
            elif named := _NAMED_CLASS.match(pattern, at):
                if named[1] not in _CLASSES:
                    raise ValueError(f"there is no class of characters `[:{named[1]}:]`")
                members += _CLASSES[named[1]]
                low, at = "", named.end()
            else:
                low, at = _member(pattern, at)
                members += re.escape(low)
    except IndexError:
        raise ValueError("a bracket is not closed; write `\\[` for the character itself") from None
    if not members:
        return "." if negated else "(?!)", at + 1
    return f"[{'^' if negated else ''}{members}]", at + 1


def _member(pattern: str, at: int) -> tuple[str, int]:
    if pattern[at] == "\\":
        at += 1
    return pattern[at], at + 1
