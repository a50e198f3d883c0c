"""What is written back as text parses to the same again: statements are named by their text, so it must say all."""

from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from gatecheck.lang import ast, unparse
from gatecheck.lang.parser import parse
from gatecheck.text.source import Source, Span

AT = Span("", 1, 1, 1, 1)
_RESERVED = {"not", "true", "false", "during"}  # all that can't be a name in an expression

names = st.one_of(
    st.sampled_from(["risk", "change", "unit-tests", "and", "in", "of", "then", "valid", "when", "remedy", "Mon-Fri"]),
    st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,6}(-[A-Za-z0-9_]{1,5}){0,2}", fullmatch=True),
).filter(lambda name: name not in _RESERVED)
texts = st.text(st.characters(codec="utf-8", exclude_categories=["C", "Z"]) | st.sampled_from(' \n\t"\\#'), max_size=12)
decimals = st.decimals(min_value=-9999, max_value=9999, places=3).map(lambda d: d if d else Decimal("0.000"))
durations = st.integers(0, 10**11).map(lambda ms: timedelta(milliseconds=ms))
offsets = st.integers(-14 * 60, 14 * 60).map(lambda m: timezone(timedelta(minutes=m)) if m else UTC)
instants = st.builds(
    lambda at, zone: at.replace(tzinfo=zone, microsecond=0),
    st.datetimes(min_value=datetime(1900, 1, 1), max_value=datetime(2999, 1, 1)),  # noqa: DTZ001  # the zone follows
    offsets,
)

literals = st.one_of(
    st.builds(ast.Literal, st.just(AT), st.just("int"), st.integers(-(2**53) + 1, 2**53 - 1)),
    st.builds(ast.Literal, st.just(AT), st.just("decimal"), decimals.filter(lambda d: d != d.to_integral_value())),
    st.builds(ast.Literal, st.just(AT), st.just("percent"), decimals.map(lambda d: d.scaleb(-2))),
    st.builds(ast.Literal, st.just(AT), st.just("duration"), durations),
    st.builds(ast.Literal, st.just(AT), st.just("date"), st.dates().map(lambda d: d.isoformat())),
    st.builds(ast.Literal, st.just(AT), st.just("instant"), instants),
    st.builds(ast.Literal, st.just(AT), st.just("string"), texts),
    st.builds(ast.Literal, st.just(AT), st.just("bool"), st.booleans()),
)
references = st.builds(ast.Reference, st.just(AT), st.lists(names, min_size=1, max_size=3).map(tuple))


def compound(inner: st.SearchStrategy[ast.Expression]) -> st.SearchStrategy[ast.Expression]:
    several = st.lists(inner, min_size=2, max_size=3).map(tuple)
    return st.one_of(
        st.builds(ast.Compare, st.just(AT), inner, st.sampled_from(["==", "!=", "<", "<=", ">", ">="]), inner),
        st.builds(ast.Contains, st.just(AT), inner, inner),
        st.builds(ast.Matches, st.just(AT), inner, inner),
        st.builds(ast.Not, st.just(AT), inner),
        st.builds(ast.And, st.just(AT), several),
        st.builds(ast.Or, st.just(AT), several),
        st.builds(ast.Call, st.just(AT), names, inner, st.none() | inner),
        st.builds(ast.ListOf, st.just(AT), st.lists(inner, max_size=3).map(tuple)),
    )


during = st.builds(ast.During, st.just(AT), names)
expressions: st.SearchStrategy[ast.Expression] = st.recursive(
    st.one_of(literals, references, during), compound, max_leaves=12
)

groups = st.lists(names, min_size=1, max_size=3).map(tuple)
some = st.builds(ast.Some, st.just(AT), st.integers(1, 9), groups)


def joined(inner: st.SearchStrategy[ast.Quorum]) -> st.SearchStrategy[ast.Quorum]:
    several = st.lists(inner, min_size=2, max_size=3).map(tuple)
    return st.one_of(*(st.builds(kind, st.just(AT), several) for kind in (ast.AllOf, ast.AnyOf, ast.InTurn)))


quorums: st.SearchStrategy[ast.Quorum] = st.recursive(some, joined, max_leaves=6)
simple = st.one_of(
    st.builds(ast.Require, st.just(AT), st.lists(expressions, min_size=1, max_size=2).map(tuple)),
    st.builds(ast.Forbid, st.just(AT), expressions),
    st.builds(ast.Automatic, st.just(AT)),
    st.builds(ast.Approve, st.just(AT), quorums, st.none() | durations, st.booleans()),
    st.builds(ast.Deploy, st.just(AT), names),
    st.builds(ast.Notify, st.just(AT), texts),
    st.builds(ast.Because, st.just(AT), texts),
)
statements: st.SearchStrategy[ast.Statement] = st.recursive(
    simple,
    lambda inner: st.builds(ast.When, st.just(AT), expressions, st.lists(inner, min_size=1, max_size=2).map(tuple)),
    max_leaves=3,
)


def parsed(text: str) -> ast.Declaration:
    file, problems = parse(Source("x.gate", text))
    assert problems == [], text
    (declaration,) = file.declarations
    return declaration


@given(expressions)
def test_an_expression_reads_back(expression: ast.Expression) -> None:
    let = parsed(f"let x = {unparse.expression(expression)}")
    assert isinstance(let, ast.Let)
    assert let.value == expression


@given(quorums)
def test_a_quorum_reads_back(quorum: ast.Quorum) -> None:
    rule = parsed(f"rule r for e {{ approve by {unparse.quorum(quorum)} }}")
    assert isinstance(rule, ast.Rule)
    assert rule.statements == (ast.Approve(AT, quorum),)


@given(statements)
def test_a_statement_reads_back(statement: ast.Statement) -> None:
    rule = parsed(f"rule r for e {{ {unparse.statement(statement)} }}")
    assert isinstance(rule, ast.Rule)
    assert rule.statements == (statement,)


@given(expressions)
def test_text_is_canonical(expression: ast.Expression) -> None:
    once = unparse.expression(expression)
    let = parsed(f"let x = {once}")
    assert isinstance(let, ast.Let)
    assert unparse.expression(let.value) == once
