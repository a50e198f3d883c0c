"""Build the AST from what the grammar matched: one method a grammar rule, its children to a node."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from lark import Token, Transformer

from gatecheck.lang import ast
from gatecheck.text.diagnostic import Diagnostic
from gatecheck.text.source import Span

_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_UNITS = {
    "w": timedelta(weeks=1),
    "d": timedelta(days=1),
    "h": timedelta(hours=1),
    "m": timedelta(minutes=1),
    "s": timedelta(seconds=1),
    "ms": timedelta(milliseconds=1),
}
_MOST_DAYS = 365_250  # of a duration: a thousand years, so that no sum with an instant leaves the calendar
_ESCAPES = {'\\"': '"', "\\\\": "\\", "\\n": "\n", "\\t": "\t"}
_LONGEST = 20  # characters of a number


class BadValueError(Exception):
    """A token of the right shape with an impossible value, such as a month 13."""

    def __init__(self, diagnostic: Diagnostic) -> None:
        super().__init__(diagnostic.message)
        self.diagnostic = diagnostic


_Children = list[Any]


def _names(children: _Children) -> list[Token]:
    return [c for c in children if isinstance(c, Token) and c.type == "NAME"]


def _nodes(children: _Children) -> tuple[Any, ...]:
    return tuple(c for c in children if isinstance(c, ast.Node))


class Build(Transformer[Token, ast.Node]):
    """One method a grammar rule: its children, tokens included, to a node."""

    file = ""

    # -- places and values

    def span(self, children: Sequence[Any]) -> Span:
        """Return the span from the first child to the last."""
        return self.place(children[0]).to(self.place(children[-1]))

    def place(self, child: Any) -> Span:
        if isinstance(child, Token):
            return Span(self.file, child.line or 1, child.column or 1, child.end_line or 1, child.end_column or 1)
        if isinstance(child, list):
            return self.span(child)
        span: Span = child.span
        return span

    def bad(self, token: Any, message: str, label: str = "", hint: str = "") -> BadValueError:
        return BadValueError(Diagnostic("GC103", message, self.place(token), label, hint))

    def string(self, token: Token) -> str:
        body = str(token)[1:-1]
        if "\\" in body:
            out, index = [], 0
            while index < len(body):
                pair = body[index : index + 2]
                out.append(_ESCAPES.get(pair, body[index]))
                index += 2 if pair in _ESCAPES else 1
            body = "".join(out)
        return body

    def duration(self, token: Token) -> timedelta:
        if len(token) > _LONGEST:
            raise self.bad(token, "this duration is too long")
        total, digits, unit = timedelta(), "", ""
        for char in str(token) + "0":
            if char.isdigit() and unit:
                try:
                    total += int(digits) * _UNITS[unit]
                except OverflowError:
                    raise self.bad(token, f"the duration `{token}` is too long") from None
                digits, unit = "", ""
            if char.isdigit():
                digits += char
            else:
                unit += char
        if total.days >= _MOST_DAYS:
            raise self.bad(token, f"the duration `{token}` is too long", "", "at most a thousand years are meant")
        return total

    def minutes(self, text: str, token: Any) -> int:
        hours, minutes = int(text[:2]), int(text[3:])
        if minutes > 59 or hours * 60 + minutes > 24 * 60:
            raise self.bad(token, f"`{text}` is not a time of day", "from 00:00 to 24:00")
        return hours * 60 + minutes

    def date(self, token: Token) -> str:
        try:
            datetime.strptime(str(token), "%Y-%m-%d")  # noqa: DTZ007  # a wall-clock date has no zone
        except ValueError:
            raise self.bad(token, f"`{token}` is not a date", "there is no such day in the calendar") from None
        return str(token)

    # -- expressions

    def literal(self, children: _Children) -> ast.Literal:
        token: Token = children[0]
        kind: Any = token.type.lower()
        value: Any = str(token)
        if kind in ("int", "decimal", "percent") and len(value) > _LONGEST:
            raise self.bad(token, "this number is too long", "", f"numbers have at most {_LONGEST} characters")
        if kind in ("true", "false"):
            kind, value = "bool", kind == "true"
        elif kind == "int":
            value = int(token)
            if abs(value) >= 2**53:
                raise self.bad(token, f"the number `{token}` is too large", "whole numbers go up to 2^53 - 1")
        elif kind == "decimal":
            value = Decimal(str(token))
        elif kind == "percent":
            value = Decimal(f"{value[:-1]}E-2")
        elif kind == "duration":
            value = self.duration(token)
        elif kind == "date":
            value = self.date(token)
        elif kind == "instant":
            try:
                value = datetime.fromisoformat(str(token))
            except ValueError:
                raise self.bad(token, f"`{token}` is not an instant", "such as 2026-11-23T09:00:00Z") from None
        else:
            value = self.string(token)
        return ast.Literal(self.place(token), kind, value)

    def reference(self, children: _Children) -> ast.Reference:
        return ast.Reference(self.span(children), tuple(str(n) for n in _names(children)))

    def list(self, children: _Children) -> ast.ListOf:
        return ast.ListOf(self.span(children), _nodes(children))

    def call(self, children: _Children) -> ast.Call:
        return ast.Call(self.span(children), str(children[0]), *_nodes(children))

    def during(self, children: _Children) -> ast.During:
        return ast.During(self.span(children), str(children[1]))

    def parenthesised(self, children: _Children) -> ast.Node:
        node: ast.Node = children[1]
        return node

    def compare(self, children: _Children) -> ast.Compare:
        left, operator, right = children
        return ast.Compare(self.span(children), left, str(operator), right)

    def contains(self, children: _Children) -> ast.Contains:
        return ast.Contains(self.span(children), children[0], children[2])

    def lacks(self, children: _Children) -> ast.Not:
        span = self.span(children)
        return ast.Not(span, ast.Contains(span, children[0], children[3]))

    def matches(self, children: _Children) -> ast.Matches:
        return ast.Matches(self.span(children), children[0], children[2])

    def negation(self, children: _Children) -> ast.Not:
        return ast.Not(self.span(children), children[1])

    def conjunction(self, children: _Children) -> ast.And:
        return ast.And(self.span(children), _nodes(children))

    def disjunction(self, children: _Children) -> ast.Or:
        return ast.Or(self.span(children), _nodes(children))

    # -- who approves

    def one_of(self, children: _Children) -> ast.Some:
        return ast.Some(self.span(children), 1, (str(children[0]),))

    def some_of(self, children: _Children) -> ast.Some:
        if len(children[0]) > _LONGEST:
            raise self.bad(children[0], "this number is too long")
        if int(children[0]) < 1:
            raise self.bad(children[0], f"a quorum of {children[0]} asks nobody", "at least 1", "drop it, or ask for 1")
        groups = children[3] if len(children) > 2 else children[1:]
        return ast.Some(self.span(children), int(children[0]), tuple(str(n) for n in _names(groups)))

    def all_of(self, children: _Children) -> ast.AllOf:
        return ast.AllOf(self.span(children), _nodes(children))

    def any_of(self, children: _Children) -> ast.AnyOf:
        return ast.AnyOf(self.span(children), _nodes(children))

    def in_turn(self, children: _Children) -> ast.InTurn:
        return ast.InTurn(self.span(children), _nodes(children))

    # -- statements

    def names(self, children: _Children) -> _Children:
        return children

    def require(self, children: _Children) -> ast.Require:
        nodes = _nodes(children)
        remedy = nodes[-1].text if isinstance(nodes[-1], ast.Remedy) else ""
        conditions = tuple(n for n in nodes if not isinstance(n, ast.Remedy))
        return ast.Require(self.span(children), conditions, remedy)

    def forbid(self, children: _Children) -> ast.Forbid:
        return ast.Forbid(self.span(children), children[1], children[2].text if len(children) > 2 else "")

    def automatic(self, children: _Children) -> ast.Automatic:
        return ast.Automatic(self.span(children))

    def valid_for(self, children: _Children) -> timedelta:
        return self.duration(children[2])

    def including_author(self, children: _Children) -> bool:
        return True

    def approve(self, children: _Children) -> ast.Approve:
        durations = [c for c in children if isinstance(c, timedelta)]
        quorum = children[2]
        span = self.place(children[0]).to(quorum.span)
        return ast.Approve(span, quorum, min(durations, default=None), True in [c for c in children if c is True])

    def deploy(self, children: _Children) -> ast.Deploy:
        return ast.Deploy(self.span(children), str(children[2]))

    def notify(self, children: _Children) -> ast.Notify:
        return ast.Notify(self.span(children), self.string(children[1]))

    def because(self, children: _Children) -> ast.Because:
        return ast.Because(self.span(children), self.string(children[1]))

    def remedy(self, children: _Children) -> ast.Remedy:
        return ast.Remedy(self.span(children), self.string(children[1]))

    def guarded(self, children: _Children) -> ast.When:
        return ast.When(self.span(children), children[1], (children[3],))

    def guarded_block(self, children: _Children) -> ast.When:
        return ast.When(self.span(children), children[1], _nodes(children)[1:])

    # -- declarations

    def environment(self, children: _Children) -> ast.Environment:
        after = _names(children[3]) if len(children) > 2 else []
        spans = tuple(self.place(n) for n in after)
        return ast.Environment(self.span(children), str(children[1]), tuple(str(n) for n in after), spans)

    def risk_case(self, children: _Children) -> ast.RiskCase:
        if len(children) == 2:
            return ast.RiskCase(self.span(children), str(children[1]), None)
        return ast.RiskCase(self.span(children), str(children[0]), children[2])

    def risk(self, children: _Children) -> ast.Risk:
        return ast.Risk(self.span(children), tuple(str(n) for n in _names(children)), _nodes(children))

    def type(self, children: _Children) -> ast.TypeName:
        return ast.TypeName(self.span(children), str(children[0]))

    def attribute(self, children: _Children) -> ast.Attribute:
        default = children[5] if len(children) > 4 else None
        return ast.Attribute(self.span(children), str(children[1]), children[3], default)

    def person(self, children: _Children) -> Token:
        token: Token = children[0]
        return token

    def group(self, children: _Children) -> ast.Group:
        people = [c for c in children[3:] if isinstance(c, Token) and c.type in ("NAME", "STRING")]
        members = tuple(self.string(p) if p.type == "STRING" else str(p) for p in people)
        return ast.Group(self.span(children), str(children[1]), members if len(children) > 2 else None)

    def weekly(self, children: _Children) -> ast.Weekly:
        days: set[int] = set()
        for token in (c for c in children if c.type == "DAYS"):
            first, _, last = str(token).partition("-")
            low, high = _DAYS.index(first), _DAYS.index(last or first)
            days |= {d % 7 for d in range(low, high + 1 if high >= low else high + 8)}
        start, end = 0, 24 * 60
        if children[-1].type == "TIMES":
            times = children[-1]
            parts = [part.strip() for part in str(times).split("-")]
            start, end = self.minutes(parts[0], times), self.minutes(parts[1], times)
            if start == end or start == 24 * 60:
                raise self.bad(times, f"the span `{times}` is empty", "its end must differ from its start")
        return ast.Weekly(self.span(children), tuple(sorted(days)), start, end)

    def moment(self, children: _Children) -> _Children:
        return children

    def dated(self, children: _Children) -> ast.Dated:
        start, end = self.wall_clock(children[0]), self.wall_clock(children[2])
        if end <= start:
            raise self.bad(children, "the span ends before it starts", "the end must be later than the start")
        return ast.Dated(self.span(children), start, end)

    def wall_clock(self, tokens: _Children) -> str:
        minutes = self.minutes(str(tokens[1]), tokens[1]) if len(tokens) > 1 else 0
        moment = datetime.fromisoformat(self.date(tokens[0])) + timedelta(minutes=minutes)
        return moment.isoformat(timespec="minutes")

    def window(self, children: _Children) -> ast.Window:
        zone = children[-1]
        return ast.Window(self.span(children), str(children[1]), _nodes(children), str(zone), self.place(zone))

    def let(self, children: _Children) -> ast.Let:
        return ast.Let(self.span(children), str(children[1]), children[3])

    def pass_when(self, children: _Children) -> ast.PassWhen:
        return ast.PassWhen(self.span(children), children[2])

    def fresh_for(self, children: _Children) -> ast.FreshFor:
        return ast.FreshFor(self.span(children), self.duration(children[2]))

    def field(self, children: _Children) -> ast.Field:
        return ast.Field(self.span(children), str(children[1]), children[3])

    def bound(self, children: _Children) -> ast.Bound:
        return ast.Bound(self.span(children))

    def gate(self, children: _Children) -> ast.Gate:
        kind, after = children[3], children[4]
        producer = self.string(after) if after.type == "STRING" else ""
        return ast.Gate(
            self.span(children), str(children[1]), str(kind), self.place(kind), producer, _nodes(children)
        )  # fmt: skip

    def rule(self, children: _Children) -> ast.Rule:
        title = self.string(children[2]) if children[2].type == "STRING" else ""
        names = next(_names(c) for c in children if isinstance(c, list))
        nodes = _nodes(children)
        brace = next(n for n, c in enumerate(children) if isinstance(c, Token) and c.type == "LBRACE")
        guard = children[brace - 1] if isinstance(children[brace - 1], ast.Node) else None
        statements = nodes[1:] if guard is not None else nodes
        environments = tuple(str(n) for n in names)
        spans = tuple(self.place(n) for n in names)
        return ast.Rule(self.span(children), str(children[1]), title, environments, spans, guard, statements)

    def start(self, children: _Children) -> ast.File:
        span = self.span(children) if children else Span(self.file, 1, 1, 1, 1)
        return ast.File(span, tuple(children))
