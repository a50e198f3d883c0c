"""Parse the text of one `.gate` file into its AST: Lark's LALR parser, with the nodes built as it goes.

After a syntax error parsing resumes at the next declaration, so that one run shows every problem of a file. What was
expected is said in words; the table for that is in ``lang.expected``.
"""

import re
from collections.abc import Iterable, Iterator
from functools import cache
from itertools import pairwise
from typing import NamedTuple

from lark import Lark, Token
from lark.exceptions import UnexpectedCharacters, UnexpectedToken

from gatecheck.assets import shipped
from gatecheck.lang import ast, expected, scenario
from gatecheck.lang.build import Build
from gatecheck.lang.build_values import BadValueError
from gatecheck.text.diagnostic import Diagnostic, RulesError
from gatecheck.text.nearest import nearest
from gatecheck.text.source import Source, Span

_SYNTAX_ERRORS = (BadValueError, UnexpectedToken, UnexpectedCharacters)
_DEEPEST = 40  # levels of nesting in one expression or statement
_HEAD = re.compile(r"^[ \t]*([A-Za-z_][A-Za-z0-9_-]*)[ \t]+([A-Za-z_][A-Za-z0-9_-]*)", re.MULTILINE)


class Parsed(NamedTuple):
    """What a stretch of a file declares; with a problem, one ``ast.Broken`` for all of it."""

    declarations: tuple[ast.Declaration, ...]
    problem: Diagnostic | None = None
    is_open: bool = False  # the text stops before the declaration is whole: what follows may belong to it


def parse(source: Source) -> tuple[ast.File, list[Diagnostic]]:
    """Return the AST of a file and its syntax errors; what did not parse stands in the AST as ``ast.Broken``."""
    source, problems = without_forbidden(source)
    try:
        return _parse(source), problems
    except _SYNTAX_ERRORS:
        pass  # which is told below, declaration by declaration
    parsed = [parse_chunk(chunk) for chunk in chunks(source)]
    return as_file(source, parsed), [*problems, *(p.problem for p in parsed if p.problem is not None)]


def without_forbidden(source: Source) -> tuple[Source, list[Diagnostic]]:
    """Return a file with white space for each character that can't stand in rules, and the problems of those."""
    problems = list(_forbidden(source))
    if problems:
        source = Source(source.name, _FORBIDDEN.sub(lambda m: "\n" if m[0] == "\r" else " ", source.text))
    return source, problems


def as_file(source: Source, parsed: Iterable[Parsed]) -> ast.File:
    """Return the AST of a file of which all stretches are parsed."""
    return ast.File(Span(source.name, 1, 1, 1, 1), tuple(d for each in parsed for d in each.declarations))


def parse_chunk(chunk: Source) -> Parsed:
    """Parse one of ``chunks``, or several that stand together."""
    try:
        return Parsed(_parse(chunk).declarations)
    except BadValueError as error:
        return Parsed((_broken(chunk),), error.diagnostic)
    except (UnexpectedToken, UnexpectedCharacters) as error:
        is_open = isinstance(error, UnexpectedToken) and error.token.type == "$END"
        return Parsed((_broken(chunk),), expected.describe(error, chunk), is_open)


def parse_tokens(source: Source) -> tuple[ast.File, list[Token]]:
    """Return the AST of a file, and its tokens: what lies between them is white space and comments.

    Raises ``RulesError`` with every syntax error.
    """
    if next(_forbidden(source), None) is None:
        parser, build = _parser()
        build.file = source.name
        steps = parser.parse_interactive(source.text, "start")
        try:
            tokens = list(steps.iter_parse())
            file: ast.File = steps.feed_eof(tokens[-1] if tokens else None)  # type: ignore[no-untyped-call]
            _check_nesting(file, source)
        except _SYNTAX_ERRORS:
            pass  # which is told below
        else:
            return file, tokens
    raise RulesError(*parse(source)[1], sources={source.name: source})


def parse_start(text: str) -> tuple[list[Token], set[str]] | None:
    """Return the tokens of text that stops anywhere, and which kinds may follow; ``None`` if it has a syntax error."""
    parser, _ = _parser()
    steps = parser.parse_interactive(text, "start")
    try:
        tokens = list(steps.iter_parse())
    except _SYNTAX_ERRORS:
        return None
    return tokens, steps.accepts()  # type: ignore[no-untyped-call]


def parse_what_if(source: Source) -> scenario.WhatIf:
    """Return the syntax of a what-if; ``RulesError`` where it has none."""
    parser, build = _parser()
    build.file = source.name
    try:
        made: scenario.WhatIf = parser.parse(source.text, "what_if")  # type: ignore[assignment]  # as above
    except BadValueError as error:
        raise RulesError(error.diagnostic, sources={source.name: source}) from None
    except (UnexpectedToken, UnexpectedCharacters) as error:
        raise RulesError(expected.describe(error, source, "this"), sources={source.name: source}) from None
    return made


def _parse(source: Source) -> ast.File:
    parser, build = _parser()
    build.file = source.name
    file: ast.File = parser.parse(source.text, "start")  # type: ignore[assignment]  # the transformer makes one of it
    _check_nesting(file, source)
    return file


def _check_nesting(file: ast.File, source: Source) -> None:
    if (
        source.text.count("(") + source.text.count("[") + source.text.count("not") + source.text.count("when")
        > _DEEPEST
    ):
        for declaration in file.declarations:
            _check_depth(declaration)


@cache
def _parser() -> "tuple[Lark, Build]":
    build = Build()
    grammar = shipped("grammar", "gatecheck.lark").read_text("utf-8")
    parser = Lark(
        grammar, parser="lalr", lexer="contextual", transformer=build, keep_all_tokens=True, postlex=_WholeWords(),
        start=["start", "what_if"],
    )  # fmt: skip
    return parser, build


class _WholeWords:
    """Has the lexer read names everywhere, so that `requires` is an unknown word and not `require` and an `s`."""

    always_accept = ("NAME",)

    def process(self, stream: Iterator[Token]) -> Iterator[Token]:
        return stream


def _check_depth(declaration: ast.Declaration) -> None:
    """Raise where expressions or guards nest so deep that nobody, and no later stage, could follow."""
    pending: list[tuple[ast.Node, int]] = [(declaration, 0)]
    while pending:
        node, depth = pending.pop()
        if depth > _DEEPEST:
            hint = "give parts of it a name with `let`, or split the statement"
            raise BadValueError(Diagnostic("GC105", f"this nests more than {_DEEPEST} deep", node.span, "", hint))
        pending += [(child, depth + 1) for child in node.children()]


# What looks like nothing, or moves other text about on a screen: a reader would see other rules than the parser.
_FORBIDDEN = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\x85\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]|\r(?!\n)"
)


def _forbidden(source: Source) -> Iterator[Diagnostic]:
    for found in _FORBIDDEN.finditer(source.text):
        line = source.text.count("\n", 0, found.start()) + 1
        column = found.start() - source.text.rfind("\n", 0, found.start())
        span = Span(source.name, line, column, line, column + 1)
        if found[0] == "\r":
            yield Diagnostic(
                "GC104", "this line ends with a bare carriage return", span, "", "end lines with a line feed"
            )
            return
        message = f"the invisible character U+{ord(found[0]):04X} can't stand in rules"
        yield Diagnostic("GC104", message, span, "", "delete it")


def chunks(source: Source) -> Iterator[Source]:
    """Yield each declaration as a file of its own, at the very line where it stands."""
    lines = source.text.split("\n")
    first_said = next((line for line in lines if line.strip() and not line.lstrip().startswith("#")), "")
    indent = first_said[: len(first_said) - len(first_said.lstrip())]
    said = (line.removeprefix(indent) for line in lines)
    starts = [0, *(n for n, line in enumerate(said) if n and expected.starts_declaration(line)), len(lines)]
    for first, last in pairwise(starts):
        yield Source(source.name, "\n" * first + "\n".join(lines[first:last]))


def _broken(chunk: Source) -> ast.Broken:
    """Return what can still be told of a declaration that did not parse: its kind and name."""
    found = _HEAD.search(chunk.text)
    kind, name = (found[1], found[2]) if found else ("", "")
    start = found.start(1) if found else len(chunk.text) - len(chunk.text.lstrip("\n"))
    line = chunk.text.count("\n", 0, start) + 1
    near = kind if kind in expected.DECLARATIONS else nearest(kind, expected.DECLARATIONS) or ""
    return ast.Broken(Span(chunk.name, line, 1, line, 1), near, name)
