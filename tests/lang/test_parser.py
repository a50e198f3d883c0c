"""From text to AST: each construct, the places of its parts, literals, and what is too large or deep to be meant."""

import logging
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

import pytest
from lark import Lark, logger

from gatecheck.assets import shipped
from gatecheck.lang import ast
from gatecheck.lang.pack import examine
from gatecheck.lang.parser import parse
from gatecheck.text.source import Source, Span


def declarations(text: str) -> tuple[ast.Declaration, ...]:
    file, problems = parse(Source("x.gate", text))
    assert problems == []
    return file.declarations


def shown(node: object) -> object:
    """Return a node as plain data without its places: a tuple of its kind and what it says."""
    if isinstance(node, ast.Node):
        names = [n for n in node.__struct_fields__ if not n.endswith(("span", "_spans"))]
        return (type(node).__name__, *(shown(getattr(node, n)) for n in names))
    if isinstance(node, tuple):
        return [shown(item) for item in node]
    return node


def one(text: str) -> object:
    (declaration,) = declarations(text)
    return shown(declaration)


def statement(text: str) -> object:
    (rule,) = declarations(f"rule r for e {{ {text} }}")
    assert isinstance(rule, ast.Rule)
    (made,) = rule.statements
    return shown(made)


def value(text: str) -> object:
    (let,) = declarations(f"let x = {text}")
    assert isinstance(let, ast.Let)
    return shown(let.value)


def literal(text: str) -> object:
    (let,) = declarations(f"let x = {text}")
    assert isinstance(let, ast.Let)
    assert isinstance(let.value, ast.Literal)
    return let.value.value


A, B, C = (("Reference", [name]) for name in "abc")
ONE, TWO = ("Literal", "int", 1), ("Literal", "int", 2)


DECLARATIONS = {
    "environment dev": ("Environment", "dev", []),
    "environment c after a, b": ("Environment", "c", ["a", "b"]),
    "risk low < high { high when a  otherwise low }": (
        "Risk", ["low", "high"], [("RiskCase", "high", A), ("RiskCase", "low", None)],
    ),
    "attribute ticket: string": ("Attribute", "ticket", ("TypeName", "string"), None),
    "attribute size: int default 1": ("Attribute", "size", ("TypeName", "int"), ONE),
    "group pm": ("Group", "pm", None),
    'group pm = alice, "bob@example.com"': ("Group", "pm", ["alice", "bob@example.com"]),
    "window w = Mon-Fri 09:00-16:00, Sun in UTC": (
        "Window", "w", [("Weekly", [0, 1, 2, 3, 4], 540, 960), ("Weekly", [6], 0, 1440)], "UTC",
    ),
    "window w = Fri-Mon 22:00 - 06:00 in America/Argentina/Buenos_Aires": (
        "Window", "w", [("Weekly", [0, 4, 5, 6], 1320, 360)], "America/Argentina/Buenos_Aires",
    ),
    "window w = 2026-12-18 .. 2027-01-04, 2027-02-01 08:00 .. 2027-02-01 24:00 in Etc/GMT+1": (
        "Window", "w",
        [("Dated", "2026-12-18T00:00", "2027-01-04T00:00"), ("Dated", "2027-02-01T08:00", "2027-02-02T00:00")],
        "Etc/GMT+1",
    ),
    "let x = a": ("Let", "x", A),
    'gate g from sarif "trivy" { pass when a fresh for 24h bound remedy "r" }': (
        "Gate", "g", "sarif", "trivy",
        [("PassWhen", A), ("FreshFor", timedelta(hours=24)), ("Bound",), ("Remedy", "r")],
    ),
    "gate g from check { field p95: duration pass when a }": (
        "Gate", "g", "check", "", [("Field", "p95", ("TypeName", "duration")), ("PassWhen", A)],
    ),
    'rule r "title" for d, e when a { }': ("Rule", "r", "title", ["d", "e"], A, []),
    "rule r for e { approve automatically }": ("Rule", "r", "", ["e"], None, [("Automatic",)]),
}  # fmt: skip


@pytest.mark.parametrize("text", DECLARATIONS)
def test_a_declaration_is_read(text: str) -> None:
    assert one(text) == DECLARATIONS[text]


def some(count: int, *groups: str) -> object:
    return ("Some", count, list(groups))


def approve(quorum: object) -> object:
    return ("Approve", quorum, None, False, [], False, [])


STATEMENTS = {
    "require a": ("Require", [A], ""),
    'require a, b remedy "r"': ("Require", [A, B], "r"),
    'forbid a remedy "r"': ("Forbid", A, "r"),
    "approve automatically": ("Automatic",),
    "approve by a": approve(some(1, "a")),
    "approve by 2 a": approve(some(2, "a")),
    "approve by 2 of (a, b)": approve(some(2, "a", "b")),
    "approve by a and b and c": approve(("AllOf", [some(1, "a"), some(1, "b"), some(1, "c")])),
    "approve by a or b": approve(("AnyOf", [some(1, "a"), some(1, "b")])),
    "approve by a or b then c": approve(("InTurn", [("AnyOf", [some(1, "a"), some(1, "b")]), some(1, "c")])),
    "approve by a and (b or c)": approve(("AllOf", [some(1, "a"), ("AnyOf", [some(1, "b"), some(1, "c")])])),
    "approve by a valid for 3d including author": ("Approve", some(1, "a"), timedelta(days=3), True, [], False, []),
    "deploy with canary": ("Deploy", "canary"),
    'notify "slack:#x"': ("Notify", "slack:#x"),
    'because "so"': ("Because", "so"),
    "when a: require b": ("When", A, [("Require", [B], "")]),
    "when a: when b: forbid c": ("When", A, [("When", B, [("Forbid", C, "")])]),
    "when a { require b approve automatically }": ("When", A, [("Require", [B], ""), ("Automatic",)]),
}


@pytest.mark.parametrize("text", STATEMENTS)
def test_a_statement_is_read(text: str) -> None:
    assert statement(text) == STATEMENTS[text]


EXPRESSIONS = {
    "change.artifact.name": ("Reference", ["change", "artifact", "name"]),
    "a and b or not c": ("Or", [("And", [A, B]), ("Not", C)]),
    "a and (b or c)": ("And", [A, ("Or", [B, C])]),
    "not a == b": ("Not", ("Compare", A, "==", B)),
    "(not a) == b": ("Compare", ("Not", A), "==", B),
    "a in [1, 2,]": ("Contains", A, ("ListOf", [ONE, TWO])),
    "a not in b": ("Not", ("Contains", A, B)),
    'a matches "x*"': ("Matches", A, ("Literal", "string", "x*")),
    "during w": ("During", "w"),
    "count(a)": ("Call", "count", A, None),
    "any(a where b and c)": ("Call", "any", A, ("And", [B, C])),
    "soak(a) >= 1": ("Compare", ("Call", "soak", A, None), ">=", ONE),
    "((a))": A,
}


@pytest.mark.parametrize("text", EXPRESSIONS)
def test_an_expression_is_read(text: str) -> None:
    assert value(text) == EXPRESSIONS[text]


LITERALS = {
    "0": 0,
    "-7": -7,
    "9007199254740991": 2**53 - 1,
    "0.10": Decimal("0.10"),
    "80%": Decimal("0.80"),
    "0.1%": Decimal("0.001"),
    "33.333333333333%": Decimal("0.33333333333333"),
    "24h": timedelta(hours=24),
    "1w2d3h4m5s6ms": timedelta(weeks=1, days=2, hours=3, minutes=4, seconds=5, milliseconds=6),
    "2026-02-28": "2026-02-28",
    "2026-11-23T09:00Z": datetime(2026, 11, 23, 9, tzinfo=UTC),
    "2026-11-23T09:00:30+05:30": datetime(2026, 11, 23, 9, 0, 30, tzinfo=timezone(timedelta(hours=5, minutes=30))),
    "true": True,
    "false": False,
    '"a # is no comment, \\"b\\" \\\\ \\n\\t é"': 'a # is no comment, "b" \\ \n\t é',
}


@pytest.mark.parametrize("text", LITERALS)
def test_a_literal_is_exact(text: str) -> None:
    found = literal(text)
    assert found == LITERALS[text]
    assert type(found) is type(LITERALS[text])


@pytest.mark.parametrize(
    "name",
    ["risk", "deploy", "window", "rule", "gate", "environment", "for", "when", "bound", "Mon-Fri", "of", "then", "not"],
)
def test_a_keyword_is_a_good_name_where_it_means_nothing(name: str) -> None:
    (gate,) = declarations(f"gate {name} from junit {{ pass when a }}")
    assert isinstance(gate, ast.Gate)
    assert gate.name == name


def test_a_keyword_ends_where_its_word_ends() -> None:
    _, problems = parse(Source("x.gate", "rule r fordev { require a }"))
    assert [p.message for p in problems] == ["unexpected `fordev`"]


def test_places_are_exact() -> None:
    text = '# first\nrule r for dev, prod when change.type == docs {\n\trequire not (a),\n    b remedy "é"\n}\n'
    (rule,) = declarations(text)
    assert isinstance(rule, ast.Rule)
    assert rule.span == Span("x.gate", 2, 1, 5, 2)
    assert rule.environment_spans == (Span("x.gate", 2, 12, 2, 15), Span("x.gate", 2, 17, 2, 21))
    assert rule.guard is not None
    assert rule.guard.span == Span("x.gate", 2, 27, 2, 46)
    (require,) = rule.statements
    assert isinstance(require, ast.Require)
    assert require.span == Span("x.gate", 3, 2, 4, 17)
    assert [c.span for c in require.conditions] == [Span("x.gate", 3, 10, 3, 16), Span("x.gate", 4, 5, 4, 6)]


def test_equality_is_of_what_is_said_and_not_of_where() -> None:
    one_line = declarations("rule r for a, b { require x }\nwindow w = Mon in UTC\ngate g from junit { pass when x }")
    spread = declarations(
        "\n\nrule r\n for a,\n b\n { require\n x }\nwindow w\n = Mon in UTC gate g\nfrom junit { pass when x }"
    )
    assert one_line == spread
    assert hash(one_line) == hash(spread)
    assert one_line != declarations("rule r for a, b { require y }\nwindow w = Mon in UTC\ngate g from junit { bound }")


def test_line_ends_comments_and_a_mark_change_nothing() -> None:
    plain = "environment dev # one\n# two\nrule r for dev { approve automatically }\n"
    wanted, _, _ = examine({"x.gate": plain.encode()})
    assert wanted is not None
    for raw in (plain.replace("\n", "\r\n").encode(), b"\xef\xbb\xbf" + plain.encode(), plain.encode("utf-16")):
        found, diagnostics, _ = examine({"x.gate": raw})
        assert diagnostics == ()
        assert found is not None
        assert found.statements == wanted.statements


@pytest.mark.parametrize("text", ["", "\n", "  \n\n", "# only this", "\r\n"])
def test_nothing_is_no_declaration(text: str) -> None:
    assert declarations(text) == ()


def conflicts(grammar: str, caplog: pytest.LogCaptureFixture) -> list[str]:
    caplog.clear()
    with caplog.at_level(logging.DEBUG, logger.name):
        Lark(grammar, parser="lalr", lexer="contextual", debug=True)
    return [r.message for r in caplog.records if "conflict" in r.message.lower()]


def test_the_grammar_has_no_conflicts(caplog: pytest.LogCaptureFixture) -> None:
    assert conflicts('start: start "+" start | "x"', caplog) != []
    assert conflicts(shipped("grammar", "gatecheck.lark").read_text("utf-8"), caplog) == []


PACK = "environment e\ngate g from junit { pass when tests > 0 }\ngroup a = x, y\n"
MANY = 10_000


def messages(text: str) -> list[str]:
    _, found, _ = examine({"x.gate": (PACK + text).encode()})
    return sorted({d.message for d in found if d.severity == "error"})


def required(condition: str) -> list[str]:
    return messages(f"rule r for e {{ approve automatically require {condition} }}")


def test_parentheses_alone_nest_without_end() -> None:
    assert required("(" * MANY + "g" + ")" * MANY) == []


@pytest.mark.parametrize(
    "condition",
    [
        "not " * MANY + "g",
        "not (" * MANY + "g" + ")" * MANY,
        "g and (" * MANY + "g" + ")" * MANY,
        "[" * MANY + "]" * MANY,
    ],
    ids=["not", "not-parentheses", "and", "lists"],
)
def test_what_nests_too_deep_is_told(condition: str) -> None:
    assert required(condition) == ["this nests more than 40 deep"]


def test_guards_and_quorums_that_nest_too_deep_are_told() -> None:
    assert messages("rule r for e { " + "when g: " * MANY + "require g }") == ["this nests more than 40 deep"]
    assert messages("rule r for e { " + "when g { " * MANY + "require g" + " }" * MANY + "}") == [
        "this nests more than 40 deep"
    ]
    assert messages("rule r for e { approve by " + "a and (" * MANY + "a" + ")" * MANY + " }") == [
        "this nests more than 40 deep"
    ]


def test_what_never_closes_is_told() -> None:
    _, problems = parse(Source("x.gate", PACK + "rule r for e {\n  require g and " + "(" * MANY))
    assert [(p.message, p.span and p.span.line) for p in problems] == [("the file ends too early", 5)]


def test_lets_that_multiply_are_told() -> None:
    doubling = "".join(f"let l{n} = l{n + 1} and l{n + 1}\n" for n in range(60)) + "let l60 = g\n"
    assert any("grows too large" in m for m in messages(doubling + "rule r for e { require l0 }"))
    chain = "".join(f"let l{n} = not l{n + 1}\n" for n in range(2_000)) + "let l2000 = g\n"
    assert any("is named through too many others" in m for m in messages(chain + "rule r for e { require l0 }"))
    upward = "let l0 = g\n" + "".join(f"let l{n + 1} = not l{n}\n" for n in range(2_000))
    assert any("grows too large" in m for m in messages(upward + "rule r for e { require l2000 }"))


@pytest.mark.parametrize(
    ("condition", "message"),
    [
        ("g.tests > " + "9" * 100_000, "this number is too long"),
        ("g.tests > 0." + "9" * 100_000, "this number is too long"),
        ("g.duration < " + "9" * 100_000 + "h", "this duration is too long"),
        ("g.duration < 99999999999999w", "the duration `99999999999999w` is too long"),
        ("g.tests > 9007199254740992", "the number `9007199254740992` is too large"),
    ],
    ids=["int", "decimal", "duration", "weeks", "2^53"],
)
def test_a_number_beyond_all_sense_is_told(condition: str, message: str) -> None:
    assert required(condition) == [message]


def test_a_quorum_beyond_all_sense_is_told() -> None:
    assert "this quorum has too many forms to decide exactly" in messages("rule r for e { approve by 100000000 a }")
    assert messages("rule r for e { approve by " + "9" * 5_000 + " a }") == ["this number is too long"]


def test_a_long_line_is_only_long() -> None:
    assert required("g" + " " * 1_000_000) == []
    assert required("g # " + "x" * 1_000_000 + "\n") == []
    assert required(" and ".join(["g"] * 5_000)) == []
    (message,) = required("x" * 1_000_000)
    assert message.startswith("unknown name `xxx")


def test_every_problem_of_a_pack_is_told_at_once() -> None:
    files = {
        "a.gate": b"environment e\nrule a for e { reqire x }\n"
        b"rule b for e { require nothing }\nrule c for e { aprove }\n",
        "b.gate": b"gate g from junit { pass when tests > }\nrule d for e { require g approve by nobody }\n",
    }
    _, found, _ = examine(files)
    assert [f"{d.span}: {d.message}" for d in found] == [
        "a.gate:2:16: unexpected `reqire`",
        "a.gate:3:24: unknown name `nothing`",
        "a.gate:4:16: unexpected `aprove`",
        "b.gate:1:39: unexpected `}`",
        "b.gate:2:37: there is no group `nobody`",
    ]
