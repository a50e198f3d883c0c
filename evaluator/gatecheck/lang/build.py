"""Build the AST from what the grammar matched: one method a grammar rule, its children to a node."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from lark import Token

from gatecheck.lang import ast
from gatecheck.lang.build_scenario import BuildScenario
from gatecheck.lang.build_values import LONGEST, Children, names_in, nodes_in
from gatecheck.text.source import Span

_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


class Build(BuildScenario):
    """One method a grammar rule: its children, tokens included, to a node."""

    # -- expressions

    def reference(self, children: Children) -> ast.Reference:
        return ast.Reference(self.span(children), tuple(str(n) for n in names_in(children)))

    def list(self, children: Children) -> ast.ListOf:
        return ast.ListOf(self.span(children), nodes_in(children))

    def call(self, children: Children) -> ast.Call:
        return ast.Call(self.span(children), str(children[0]), *nodes_in(children))

    def during(self, children: Children) -> ast.During:
        return ast.During(self.span(children), str(children[1]))

    def parenthesised(self, children: Children) -> ast.Node:
        node: ast.Node = children[1]
        return node

    def compare(self, children: Children) -> ast.Compare:
        left, operator, right = children
        return ast.Compare(self.span(children), left, str(operator), right)

    def contains(self, children: Children) -> ast.Contains:
        return ast.Contains(self.span(children), children[0], children[2])

    def lacks(self, children: Children) -> ast.Not:
        span = self.span(children)
        return ast.Not(span, ast.Contains(span, children[0], children[3]))

    def matches(self, children: Children) -> ast.Matches:
        return ast.Matches(self.span(children), children[0], children[2])

    def negation(self, children: Children) -> ast.Not:
        return ast.Not(self.span(children), children[1])

    def conjunction(self, children: Children) -> ast.And:
        return ast.And(self.span(children), nodes_in(children))

    def disjunction(self, children: Children) -> ast.Or:
        return ast.Or(self.span(children), nodes_in(children))

    # -- who approves

    def one_of(self, children: Children) -> ast.Some:
        return ast.Some(self.span(children), 1, (str(children[0]),))

    def some_of(self, children: Children) -> ast.Some:
        if len(children[0]) > LONGEST:
            raise self.bad(children[0], "this number is too long")
        if int(children[0]) < 1:
            raise self.bad(children[0], f"a quorum of {children[0]} asks nobody", "at least 1", "drop it, or ask for 1")
        groups = children[3] if len(children) > 2 else children[1:]
        return ast.Some(self.span(children), int(children[0]), tuple(str(n) for n in names_in(groups)))

    def all_of(self, children: Children) -> ast.AllOf:
        return ast.AllOf(self.span(children), nodes_in(children))

    def any_of(self, children: Children) -> ast.AnyOf:
        return ast.AnyOf(self.span(children), nodes_in(children))

    def in_turn(self, children: Children) -> ast.InTurn:
        return ast.InTurn(self.span(children), nodes_in(children))

    # -- statements

    def require(self, children: Children) -> ast.Require:
        nodes = nodes_in(children)
        remedy = nodes[-1].text if isinstance(nodes[-1], ast.Remedy) else ""
        conditions = tuple(n for n in nodes if not isinstance(n, ast.Remedy))
        return ast.Require(self.span(children), conditions, remedy)

    def forbid(self, children: Children) -> ast.Forbid:
        return ast.Forbid(self.span(children), children[1], children[2].text if len(children) > 2 else "")

    def automatic(self, children: Children) -> ast.Automatic:
        return ast.Automatic(self.span(children))

    def valid_for(self, children: Children) -> timedelta:
        return self.duration(children[2])

    def including_author(self, children: Children) -> str:
        return "including"

    def signed(self, children: Children) -> str:
        return "signed"

    def excluding(self, children: Children) -> ast.Excluding:
        return ast.Excluding(self.span(children), tuple(str(n) for n in names_in(children[3])))

    def escalate(self, children: Children) -> ast.Escalate:
        groups = tuple(str(n) for n in names_in(children[2]))
        return ast.Escalate(self.span(children), groups, self.duration(children[4]))

    def approve(self, children: Children) -> ast.Approve:
        quorum, options = children[2], children[3:]
        return ast.Approve(
            self.place(children[0]).to(quorum.span), quorum,
            min((o for o in options if isinstance(o, timedelta)), default=None), "including" in options,
            tuple(o for o in options if isinstance(o, ast.Excluding)), "signed" in options,
            tuple(o for o in options if isinstance(o, ast.Escalate)),
        )  # fmt: skip

    def advisory(self, children: Children) -> ast.Advisory:
        return ast.Advisory(self.span(children))

    def effective(self, children: Children) -> ast.Effective:
        return ast.Effective(self.span(children), children[2])

    def deploy(self, children: Children) -> ast.Deploy:
        return ast.Deploy(self.span(children), str(children[2]))

    def notify(self, children: Children) -> ast.Notify:
        return ast.Notify(self.span(children), self.string(children[1]))

    def because(self, children: Children) -> ast.Because:
        return ast.Because(self.span(children), self.string(children[1]))

    def remedy(self, children: Children) -> ast.Remedy:
        return ast.Remedy(self.span(children), self.string(children[1]))

    def guarded(self, children: Children) -> ast.When:
        return ast.When(self.span(children), children[1], (children[3],))

    def guarded_block(self, children: Children) -> ast.When:
        return ast.When(self.span(children), children[1], nodes_in(children)[1:])

    # -- declarations

    def environment(self, children: Children) -> ast.Environment:
        after = names_in(children[3]) if len(children) > 2 else []
        spans = tuple(self.place(n) for n in after)
        return ast.Environment(self.span(children), str(children[1]), tuple(str(n) for n in after), spans)

    def risk_case(self, children: Children) -> ast.RiskCase:
        if len(children) == 2:
            return ast.RiskCase(self.span(children), str(children[1]), None)
        return ast.RiskCase(self.span(children), str(children[0]), children[2])

    def risk(self, children: Children) -> ast.Risk:
        return ast.Risk(self.span(children), tuple(str(n) for n in names_in(children)), nodes_in(children))

    def type(self, children: Children) -> ast.TypeName:
        return ast.TypeName(self.span(children), str(children[0]))

    def attribute(self, children: Children) -> ast.Attribute:
        default = children[5] if len(children) > 4 else None
        return ast.Attribute(self.span(children), str(children[1]), children[3], default)

    def group(self, children: Children) -> ast.Group:
        people = [c for c in children[3:] if isinstance(c, Token) and c.type in ("NAME", "STRING")]
        members = tuple(self.string(p) if p.type == "STRING" else str(p) for p in people)
        return ast.Group(self.span(children), str(children[1]), members if len(children) > 2 else None)

    def weekly(self, children: Children) -> ast.Weekly:
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

    def dated(self, children: Children) -> ast.Dated:
        start, end = self.wall_clock(children[0]), self.wall_clock(children[2])
        if end <= start:
            raise self.bad(children, "the span ends before it starts", "the end must be later than the start")
        return ast.Dated(self.span(children), start, end)

    def window(self, children: Children) -> ast.Window:
        zone = children[-1]
        return ast.Window(self.span(children), str(children[1]), nodes_in(children), str(zone), self.place(zone))

    def let(self, children: Children) -> ast.Let:
        return ast.Let(self.span(children), str(children[1]), children[3])

    def pass_when(self, children: Children) -> ast.PassWhen:
        return ast.PassWhen(self.span(children), children[2])

    def fresh_for(self, children: Children) -> ast.FreshFor:
        return ast.FreshFor(self.span(children), self.duration(children[2]))

    def field(self, children: Children) -> ast.Field:
        return ast.Field(self.span(children), str(children[1]), children[3])

    def bound(self, children: Children) -> ast.Bound:
        return ast.Bound(self.span(children))

    def signed_by(self, children: Children) -> ast.SignedBy:
        return ast.SignedBy(self.span(children), self.person_names(children[2]))

    def evidence(self, children: Children) -> ast.EvidenceKind:
        path = children[3]
        return ast.EvidenceKind(self.span(children), str(children[1]), self.string(path), self.place(path))

    def gate(self, children: Children) -> ast.Gate:
        kind, after = children[3], children[4]
        producer = self.string(after) if after.type == "STRING" else ""
        return ast.Gate(
            self.span(children), str(children[1]), str(kind), self.place(kind), producer, nodes_in(children)
        )  # fmt: skip

    def rule(self, children: Children) -> ast.Rule:
        return ast.Rule(self.span(children), *self.scope(children))

    def scope(self, children: Children) -> tuple[Any, ...]:
        """Return name, title, environments, their places, guard and body of `word name "title" for … when … { … }`."""
        title = self.string(children[2]) if children[2].type == "STRING" else ""
        names = next(names_in(c) for c in children if isinstance(c, Sequence) and not isinstance(c, Token))
        nodes = nodes_in(children)
        brace = next(n for n, c in enumerate(children) if isinstance(c, Token) and c.type == "LBRACE")
        guard = children[brace - 1] if isinstance(children[brace - 1], ast.Node) else None
        body = nodes[1:] if guard is not None else nodes
        return str(children[1]), title, *self.named(names), guard, body

    def named(self, names: Sequence[Token]) -> tuple[tuple[str, ...], tuple[Span, ...]]:
        return tuple(str(n) for n in names), tuple(self.place(n) for n in names)

    # -- waivers, overrides, invariants

    def applies_when(self, children: Children) -> ast.AppliesWhen:
        return ast.AppliesWhen(self.span(children), children[1])

    def owner(self, children: Children) -> ast.Owner:
        return ast.Owner(self.span(children), self.person_name(children[1]))

    def waiver(self, children: Children) -> ast.Waiver:
        targets, environments, until = names_in(children[1]), names_in(children[3]), children[5]
        return ast.Waiver(
            self.span(children), *self.named(targets), *self.named(environments), until, nodes_in(children[6:])
        )  # fmt: skip

    def review(self, children: Children) -> ast.Review:
        groups = tuple(str(n) for n in names_in(children[2]))
        return ast.Review(self.span(children), groups, self.duration(children[4]))

    def override(self, children: Children) -> ast.Override:
        name, title, environments, spans, _, body = self.scope(children)
        return ast.Override(self.span(children), name, title, environments, spans, body)

    def invariant(self, children: Children) -> ast.Invariant:
        return ast.Invariant(self.span(children), *self.scope(children))

    def start(self, children: Children) -> ast.File:
        span = self.span(children) if children else Span(self.file, 1, 1, 1, 1)
        return ast.File(span, tuple(children))
