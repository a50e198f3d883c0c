"""The TextMate grammar gives each token of gatecheck's own lexer its colour, told by VS Code's tokenizer."""

import json
import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import pytest
from lark import Token
from node_packages import ROOT, node, packages

from gatecheck.lang.parser import parse_tokens
from gatecheck.text.diagnostic import RulesError
from gatecheck.text.source import Source

GRAMMAR = ROOT / "grammar" / "gatecheck.tmLanguage.json"
HERE = Path(__file__).parent

# Which scope shows which terminal; all other terminals are keywords if they are words, else operators and punctuation.
NAMED = ("entity.name.", "variable.", "support.")
SHOWN: dict[str, tuple[str, ...]] = {
    "NAME": NAMED,
    "STRING": ("string.quoted.double.",),
    "INT": ("constant.numeric.integer.",),
    "DECIMAL": ("constant.numeric.decimal.",),
    "PERCENT": ("constant.numeric.percent.",),
    "DURATION": ("constant.numeric.duration.",),
    "DATE": ("constant.numeric.date.",),
    "INSTANT": ("constant.numeric.instant.",),
    "TIME": ("constant.numeric.time.",),
    "TIMES": ("constant.numeric.time.",),
    "DAYS": ("constant.language.day.",),
    "ZONE": ("constant.language.timezone.",),
    "TRUE": ("constant.language.boolean.",),
    "FALSE": ("constant.language.boolean.",),
}
KEYWORD = ("keyword.",)
SIGN = ("keyword.operator.", "punctuation.")
COMMENT = ("comment.line.number-sign.",)


class Shown(NamedTuple):
    """One token as an editor shows it; the end exclusive."""

    line: int
    column: int
    end: int
    scopes: tuple[str, ...]


def examples() -> dict[str, str]:
    """Return every shipped file, every example of the documents that parses, and the files beside this one, by name."""
    found = {}
    for path in [*HERE.glob("*.gate"), *sorted((ROOT / "rules").rglob("*.gate"))]:
        found[path.relative_to(ROOT).as_posix()] = path.read_text("utf-8")
    for path in HERE.glob("*.gate"):
        tokens = parse_tokens(Source(path.name, path.read_text("utf-8")))[1]
        found[f"{path.name} in one line"] = " ".join(tokens)
        found[f"{path.name} in as many lines as it has words"] = " ".join(
            token + (" " if after in ("(", ",", "of") or after.type == "SAID_AT" else f" # {after} {{\n")
            for token, after in pairwise([*tokens, tokens[-1]])
        )
    for path in [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]:
        text = path.read_text("utf-8")
        for block in re.finditer(r"^```gate[^\n]*\n(.*?)^```$", text, re.DOTALL | re.MULTILINE):
            found[f"{path.name}:{text.count(chr(10), 0, block.start()) + 1}"] = block[1]
    return found


EXAMPLES = examples()


@pytest.fixture(scope="module")
def shown() -> dict[str, list[Shown]]:
    """Return the tokens of all examples, and of what the tests below ask for singly."""
    asked = [*LINES, *DECLARATIONS, *(f"{before} {text}" for before in DECLARATIONS for text in DECLARATIONS)]
    asked += [f"{text}\n\n{LAST}" for text in UNFINISHED] + [f"let x = [\n{text}" for text in DECLARATIONS]
    said = node(
        "node",
        str(HERE / "tokenize.js"),
        str(packages()),
        str(GRAMMAR),
        given=json.dumps(EXAMPLES | {t: t for t in asked}),
    )
    read: dict[str, list[tuple[int, int, int, list[str]]]] = json.loads(said)
    return {
        name: [Shown(line, column, end, tuple(scopes)) for line, column, end, scopes in tokens]
        for name, tokens in read.items()
    }


class Wanted(NamedTuple):
    """A stretch of a line that one of some scopes must show, and what it is."""

    line: int
    column: int
    end: int
    kind: str
    scopes: tuple[str, ...]


def wanted_scopes(token: Token, after: Token) -> tuple[str, ...]:
    if token in ("any", "all", "count", "soak") and after == "(":
        return ("support.function.",)
    if token.type in SHOWN:
        return SHOWN[token.type]
    return KEYWORD if token.strip().isalpha() else SIGN


def wanted(text: str) -> Iterator[Wanted]:
    """Yield what each token and comment of a file must look like; raises ``RulesError`` where it does not parse."""
    tokens = parse_tokens(Source("x.gate", text))[1]
    for token, after in pairwise([*tokens, Token("END", "")]):
        assert token.line and token.column and token.end_column
        blank = len(token) - len(token.lstrip())
        yield Wanted(token.line, token.column + blank, token.end_column, token.type, wanted_scopes(token, after))
    ends = [0, *(token.end_pos or 0 for token in tokens)]
    starts = [*(token.start_pos or 0 for token in tokens), len(text)]
    for end, start in zip(ends, starts, strict=True):
        for comment in re.compile("#.*").finditer(text, end, start):
            line = text.count("\n", 0, comment.start()) + 1
            column = comment.start() - text.rfind("\n", 0, comment.start())
            yield Wanted(line, column, column + len(comment[0]), "COMMENT", COMMENT)


def problems(name: str, text: str, shown: list[Shown]) -> list[str]:
    """Return a sentence for each token that does not look as it must."""
    lines = text.split("\n")
    found = []
    for want in wanted(text):
        over = [s for s in shown if s.line == want.line and s.column < want.end and s.end > want.column]
        assert over, f"{name}:{want.line}:{want.column} is past the end of its line"
        for token in over:
            if not any(scope.startswith(want.scopes) for scope in token.scopes):
                said = lines[want.line - 1][token.column - 1 : token.end - 1]
                place = f"{name}:{want.line}:{token.column}"
                found.append(f"{place}: `{said}` of a {want.kind} is shown as {' '.join(token.scopes[1:])}")
        cut = [s for s in over if s.column < want.column or s.end > want.end]
        found += [f"{name}:{s.line}:{s.column}: the {want.kind} is not shown for itself" for s in cut]
    return found


@pytest.mark.parametrize("name", EXAMPLES)
def test_each_token_looks_like_what_it_is(name: str, shown: dict[str, list[Shown]]) -> None:
    try:
        found = problems(name, EXAMPLES[name], shown[name])
    except RulesError:  # an example of a mistake that is one of syntax
        assert name.startswith(("diagnostics.md:", "language.md:"))
    else:
        assert found == []


def test_one_file_uses_the_whole_language() -> None:
    """Each keyword and terminal stands in it, so that no new one is forgotten here."""
    used = parse_tokens(Source("everything.gate", (HERE / "everything.gate").read_text("utf-8")))[1]
    grammar = (ROOT / "grammar" / "gatecheck.lark").read_text("utf-8")
    keywords = set(re.findall(r'"([a-z]+)"', grammar)) - {"now"}  # which only what-ifs have
    assert keywords - {token.strip() for token in used if token.type not in SHOWN} == {"true", "false"}
    assert set(SHOWN) - {token.type for token in used} == set()


LINES = {
    "environment production after staging # last": [
        ("environment", "keyword.declaration"),
        ("production", "entity.name.type.environment"),
        ("after", "keyword.other"),
        ("staging", "entity.name.type.environment"),
        ("#", "punctuation.definition.comment"),
        (" last", "comment.line.number-sign"),
    ],
    'group on-call = alice, "b\\"\\x"': [
        ("group", "keyword.declaration"),
        ("on-call", "entity.name.type.group"),
        ("=", "keyword.operator.assignment"),
        ("alice", "variable.other.person"),
        (",", "punctuation.separator.comma"),
        ('"', "punctuation.definition.string.begin"),
        ("b", "string.quoted.double"),
        ('\\"', "constant.character.escape"),
        ("\\x", "invalid.illegal.escape"),
        ('"', "punctuation.definition.string.end"),
    ],
    "window office = Mon-Fri 09:00-16:00 in Europe/Berlin": [
        ("window", "keyword.declaration"),
        ("office", "entity.name.type.window"),
        ("=", "keyword.operator.assignment"),
        ("Mon-Fri", "constant.language.day"),
        ("09:00-16:00", "constant.numeric.time"),
        ("in", "keyword.other"),
        ("Europe/Berlin", "constant.language.timezone"),
    ],
    "rule risk-report for dev { when risk >= high: require not soak(dev) < 1h30m }": [
        ("rule", "keyword.declaration"),
        ("risk-report", "entity.name.function.rule"),
        ("for", "keyword.control"),
        ("dev", "entity.name.type.environment"),
        ("{", "punctuation.section.block.begin"),
        ("when", "keyword.control"),
        ("risk", "variable.language"),
        (">=", "keyword.operator.comparison"),
        ("high", "variable.other"),
        (":", "punctuation.separator.colon"),
        ("require", "keyword.other"),
        ("not", "keyword.operator.wordlike"),
        ("soak", "support.function"),
        ("(", "punctuation.section.parens.begin"),
        ("dev", "variable.other"),
        (")", "punctuation.section.parens.end"),
        ("<", "keyword.operator.comparison"),
        ("1h30m", "constant.numeric.duration"),
        ("}", "punctuation.section.block.end"),
    ],
    "override x for dev { approve by a and b or 2 of (c, d) then e review by f, g within 1h }": [
        ("override", "keyword.declaration"),
        ("x", "entity.name.function.override"),
        ("for", "keyword.control"),
        ("dev", "entity.name.type.environment"),
        ("{", "punctuation.section.block.begin"),
        ("approve", "keyword.other"),
        ("by", "keyword.other"),
        ("a", "entity.name.type.group"),
        ("and", "keyword.operator.wordlike"),
        ("b", "entity.name.type.group"),
        ("or", "keyword.operator.wordlike"),
        ("2", "constant.numeric.integer"),
        ("of", "keyword.other"),
        ("(", "punctuation.section.parens.begin"),
        ("c", "entity.name.type.group"),
        (",", "punctuation.separator.comma"),
        ("d", "entity.name.type.group"),
        (")", "punctuation.section.parens.end"),
        ("then", "keyword.operator.wordlike"),
        ("e", "entity.name.type.group"),
        ("review", "keyword.other"),
        ("by", "keyword.other"),
        ("f", "entity.name.type.group"),
        (",", "punctuation.separator.comma"),
        ("g", "entity.name.type.group"),
        ("within", "keyword.other"),
        ("1h", "constant.numeric.duration"),
        ("}", "punctuation.section.block.end"),
    ],
    "let x = (risk == y) or (all(z)) and (true or any(it))": [
        ("let", "keyword.declaration"),
        ("x", "entity.name.variable.let"),
        ("=", "keyword.operator.assignment"),
        ("(", "punctuation.section.parens.begin"),
        ("risk", "variable.language"),
        ("==", "keyword.operator.comparison"),
        ("y", "variable.other"),
        (")", "punctuation.section.parens.end"),
        ("or", "keyword.operator.wordlike"),
        ("(", "punctuation.section.parens.begin"),
        ("all", "support.function"),
        ("(", "punctuation.section.parens.begin"),
        ("z", "variable.other"),
        (")", "punctuation.section.parens.end"),
        (")", "punctuation.section.parens.end"),
        ("and", "keyword.operator.wordlike"),
        ("(", "punctuation.section.parens.begin"),
        ("true", "constant.language.boolean"),
        ("or", "keyword.operator.wordlike"),
        ("any", "support.function"),
        ("(", "punctuation.section.parens.begin"),
        ("it", "variable.language"),
        (")", "punctuation.section.parens.end"),
        (")", "punctuation.section.parens.end"),
    ],
    "let x = change.labels": [
        ("let", "keyword.declaration"),
        ("x", "entity.name.variable.let"),
        ("=", "keyword.operator.assignment"),
        ("change", "variable.language"),
        (".", "punctuation.accessor"),
        ("labels", "variable.other.member"),
    ],
    "test t { given deploy is missing expect x/deploy waiting for pm }": [
        ("test", "keyword.declaration"),
        ("t", "entity.name.function.test"),
        ("{", "punctuation.section.block.begin"),
        ("given", "keyword.control"),
        ("deploy", "entity.name.function.given"),
        ("is", "keyword.other"),
        ("missing", "keyword.other"),
        ("expect", "keyword.control"),
        ("x", "entity.name.function.expected"),
        ("/", "punctuation.separator.slash"),
        ("deploy", "entity.name.function.expected"),
        ("waiting", "keyword.other.verdict"),
        ("for", "keyword.other"),
        ("pm", "entity.name.type.group"),
        ("}", "punctuation.section.block.end"),
    ],
}


@pytest.mark.parametrize("line", LINES)
def test_a_whole_line(line: str, shown: dict[str, list[Shown]]) -> None:
    said = [(line[s.column - 1 : s.end - 1], s.scopes[-1].removesuffix(".gatecheck")) for s in shown[line]]
    assert [(text, scope) for text, scope in said if text.strip()] == LINES[line]


# What somebody is still writing.
UNFINISHED = [
    "rule x for dev {\n  require (a and",
    "rule x for dev {\n  require a, [b,",
    "rule x for dev when",
    'rule x "never closed for dev {',
    "gate x from junit {\n  pass when",
    "gate x from",
    "risk low < high {\n  low when",
    "let x =",
    "window x = Mon-Fri in",
    "group x = alice,",
    "waive x for dev until 2027-01-01 {\n  owner",
    "override x for dev {\n  approve by a then 2 of (b,",
    "test x {\n  given change { type: [a, {b:",
    "test x {\n  given approval by alice at 2027-01-01",
    "test x {\n  expect x failed for",
]
LAST = "rule next for dev { approve automatically }"
# Each kind of declaration.
DECLARATIONS = [
    LAST,
    "environment next",
    "risk low < high { otherwise low }",
    "attribute next: int default 1",
    "group next",
    "window next = Mon in UTC",
    "let next = true",
    'evidence next from "x.schema.json"',
    "gate next from junit { pass when tests > 0 }",
    "waive next for dev until 2027-01-01 { owner a }",
    "override next for dev { approve by a }",
    "invariant next for dev { require true }",
    "test next { expect allow }",
]


def last_line(tokens: list[Shown]) -> list[tuple[int, int, tuple[str, ...]]]:
    last = max(token.line for token in tokens)
    return [(token.column, token.end, token.scopes) for token in tokens if token.line == last]


@pytest.mark.parametrize("text", UNFINISHED)
def test_what_is_unfinished_leaves_the_next_declaration_alone(text: str, shown: dict[str, list[Shown]]) -> None:
    assert last_line(shown[f"{text}\n\n{LAST}"]) == last_line(shown[LAST])


@pytest.mark.parametrize("declaration", DECLARATIONS)
def test_each_declaration_begins_afresh(declaration: str, shown: dict[str, list[Shown]]) -> None:
    alone = [(token.column, token.scopes) for token in shown[declaration]]
    assert last_line(shown[f"let x = [\n{declaration}"]) == last_line(shown[declaration])
    for before in DECLARATIONS:
        tokens = [(token.column - len(before) - 1, token.scopes) for token in shown[f"{before} {declaration}"]]
        assert tokens[-len(alone) :] == alone, before
