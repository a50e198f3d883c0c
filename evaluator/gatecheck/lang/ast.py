"""The abstract syntax of a rule pack, as written: nothing resolved, nothing checked, every node with its span.

Two nodes are equal when they say the same, wherever they stand: spans are left out of equality.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Literal as OneOf

from msgspec import Struct

from gatecheck.text.source import Span

LiteralKind = OneOf["int", "decimal", "percent", "duration", "date", "instant", "string", "bool"]
LiteralValue = int | Decimal | timedelta | datetime | str | bool


class Node(Struct, frozen=True, eq=False):
    """What every node has: the place where it was written."""

    span: Span

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and self._said() == other._said()

    def __hash__(self) -> int:
        return hash((type(self), self._said()))

    def _said(self) -> tuple[object, ...]:
        places = ("span", "_span", "_spans")
        return tuple(getattr(self, name) for name in self.__struct_fields__ if not name.endswith(places))

    def children(self) -> "Iterator[Node]":
        """Yield the nodes directly below this one, in the order of the text."""
        for name in self.__struct_fields__:
            value = getattr(self, name)
            if isinstance(value, Node):
                yield value
            elif isinstance(value, tuple):
                yield from (item for item in value if isinstance(item, Node))


# -- expressions


class Literal(Node, frozen=True, eq=False):
    """A value written out. Percents hold their ratio (80% is 0.8); dates are ISO text."""

    kind: LiteralKind
    value: LiteralValue


class Reference(Node, frozen=True, eq=False):
    """A dotted name: a field, a gate, a `let`, or a symbol."""

    parts: tuple[str, ...]


class ListOf(Node, frozen=True, eq=False):
    """`[a, b]`."""

    items: tuple["Expression", ...]


class Call(Node, frozen=True, eq=False):
    """`soak(staging)`, `count(findings where …)`."""

    function: str
    argument: "Expression"
    where: "Expression | None" = None


class During(Node, frozen=True, eq=False):
    """`during business-hours`."""

    window: str


class Compare(Node, frozen=True, eq=False):
    """`left == right` and its kin."""

    left: "Expression"
    operator: str
    right: "Expression"


class Contains(Node, frozen=True, eq=False):
    """`item in items`."""

    item: "Expression"
    items: "Expression"


class Matches(Node, frozen=True, eq=False):
    """`text matches "glob"`."""

    text: "Expression"
    pattern: "Expression"


class Not(Node, frozen=True, eq=False):
    """`not x`."""

    operand: "Expression"


class And(Node, frozen=True, eq=False):
    """`x and y …`."""

    operands: tuple["Expression", ...]


class Or(Node, frozen=True, eq=False):
    """`x or y …`."""

    operands: tuple["Expression", ...]


Expression = Literal | Reference | ListOf | Call | During | Compare | Contains | Matches | Not | And | Or


# -- who approves


class Some(Node, frozen=True, eq=False):
    """`2 of (tech-lead, pm)`; a plain group is one of it."""

    count: int
    groups: tuple[str, ...]


class AllOf(Node, frozen=True, eq=False):
    """`a and b`."""

    parts: tuple["Quorum", ...]


class AnyOf(Node, frozen=True, eq=False):
    """`a or b`."""

    parts: tuple["Quorum", ...]


class InTurn(Node, frozen=True, eq=False):
    """`a then b`."""

    parts: tuple["Quorum", ...]


Quorum = Some | AllOf | AnyOf | InTurn


# -- statements of a rule


class Require(Node, frozen=True, eq=False):
    """`require a, b remedy "…"`."""

    conditions: tuple[Expression, ...]
    remedy: str = ""


class Forbid(Node, frozen=True, eq=False):
    """`forbid x`."""

    condition: Expression
    remedy: str = ""


class Automatic(Node, frozen=True, eq=False):
    """`approve automatically`."""


class Escalate(Node, frozen=True, eq=False):
    """`escalate to incident-commander after 2h`."""

    groups: tuple[str, ...]
    after: timedelta


class Excluding(Node, frozen=True, eq=False):
    """`excluding approvers of staging`."""

    environments: tuple[str, ...]


class Approve(Node, frozen=True, eq=False):
    """`approve by … valid for … including author`."""

    quorum: Quorum
    valid_for: timedelta | None = None
    including_author: bool = False
    excluding: tuple[Excluding, ...] = ()
    signed: bool = False
    escalations: tuple[Escalate, ...] = ()


class Deploy(Node, frozen=True, eq=False):
    """`deploy with canary`."""

    strategy: str


class Notify(Node, frozen=True, eq=False):
    """`notify "slack:#payments"`."""

    target: str


class Because(Node, frozen=True, eq=False):
    """`because "…"`: the reason of the whole rule."""

    reason: str


class Advisory(Node, frozen=True, eq=False):
    """`advisory`: the rule is reported, and decides nothing."""


class Point(Node, frozen=True, eq=False):
    """An instant: ISO text with an offset, or without one on the wall clock of ``zone`` (empty: of what it is in)."""

    text: str
    zone: str = ""


class Effective(Node, frozen=True, eq=False):
    """`effective from 2027-01-01`: until then the rule only advises."""

    point: Point


class When(Node, frozen=True, eq=False):
    """`when x: …` or `when x { … }`."""

    guard: Expression
    body: tuple["Statement", ...]


Statement = Require | Forbid | Automatic | Approve | Deploy | Notify | Because | Advisory | Effective | When


# -- declarations


class Environment(Node, frozen=True, eq=False):
    """`environment production after staging`."""

    name: str
    after: tuple[str, ...]
    after_spans: tuple[Span, ...] = ()


class RiskCase(Node, frozen=True, eq=False):
    """`critical when …`, or `otherwise medium`, which has no condition."""

    level: str
    condition: Expression | None


class Risk(Node, frozen=True, eq=False):
    """`risk low < high { … }`; levels rise from left to right."""

    levels: tuple[str, ...]
    cases: tuple[RiskCase, ...]


class TypeName(Node, frozen=True, eq=False):
    """`string`, `percent`."""

    name: str


class Attribute(Node, frozen=True, eq=False):
    """`attribute ticket: string default ""`."""

    name: str
    type: TypeName
    default: Literal | None


class Group(Node, frozen=True, eq=False):
    """`group pm`, or `group pm = carol, dave`; ``None`` says that the directory names the members."""

    name: str
    members: tuple[str, ...] | None


class Weekly(Node, frozen=True, eq=False):
    """`Mon-Fri 09:00-16:00`: weekdays count from Monday = 0, times are minutes of the day."""

    days: tuple[int, ...]
    start: int
    end: int


class Dated(Node, frozen=True, eq=False):
    """`2026-12-18 .. 2027-01-04`: wall-clock times as ISO text without a zone."""

    start: str
    end: str


class Window(Node, frozen=True, eq=False):
    """`window business-hours = … in Europe/Berlin`."""

    name: str
    spans: tuple[Weekly | Dated, ...]
    zone: str
    zone_span: Span


class Let(Node, frozen=True, eq=False):
    """`let breaking = …`."""

    name: str
    value: Expression


class PassWhen(Node, frozen=True, eq=False):
    """`pass when …`."""

    condition: Expression


class FreshFor(Node, frozen=True, eq=False):
    """`fresh for 24h`."""

    duration: timedelta


class Field(Node, frozen=True, eq=False):
    """`field p95: duration`: a field that a generic document must carry."""

    name: str
    type: TypeName


class Bound(Node, frozen=True, eq=False):
    """`bound`: the evidence must name the artifact or commit it is about."""


class SignedBy(Node, frozen=True, eq=False):
    """`signed by ci`: a signature of one of them must vouch for the evidence."""

    signers: tuple[str, ...]


class Remedy(Node, frozen=True, eq=False):
    """`remedy "…"`."""

    text: str


GateItem = PassWhen | FreshFor | Field | Bound | SignedBy | Remedy


class EvidenceKind(Node, frozen=True, eq=False):
    """`evidence slo from "slo.schema.json"`: a kind of evidence of the pack's own."""

    name: str
    path: str
    path_span: Span


class Gate(Node, frozen=True, eq=False):
    """`gate sast from sarif "trivy" { … }`."""

    name: str
    kind: str
    kind_span: Span
    producer: str
    items: tuple[GateItem, ...]


class Rule(Node, frozen=True, eq=False):
    """`rule name "title" for production when … { … }`."""

    name: str
    title: str
    environments: tuple[str, ...]
    environment_spans: tuple[Span, ...]
    guard: Expression | None
    statements: tuple[Statement, ...]


class AppliesWhen(Node, frozen=True, eq=False):
    """`when …`, of a waiver or an override."""

    condition: Expression


class Owner(Node, frozen=True, eq=False):
    """`owner security`."""

    name: str


class Review(Node, frozen=True, eq=False):
    """`review by tech-lead within 24h`."""

    groups: tuple[str, ...]
    within: timedelta


WaiverItem = AppliesWhen | Owner | Because
OverrideItem = AppliesWhen | Approve | Review | Because


class Waiver(Node, frozen=True, eq=False):
    """`waive sast for production until 2027-01-31 { … }`; targets are gates and rules."""

    targets: tuple[str, ...]
    target_spans: tuple[Span, ...]
    environments: tuple[str, ...]
    environment_spans: tuple[Span, ...]
    until: Point
    items: tuple[WaiverItem, ...]


class Override(Node, frozen=True, eq=False):
    """`override emergency for production { … }`."""

    name: str
    title: str
    environments: tuple[str, ...]
    environment_spans: tuple[Span, ...]
    items: tuple[OverrideItem, ...]


class Invariant(Node, frozen=True, eq=False):
    """`invariant name for production when … { require … }`: a claim about every decision that allows."""

    name: str
    title: str
    environments: tuple[str, ...]
    environment_spans: tuple[Span, ...]
    guard: Expression | None
    items: tuple[Require | Because, ...]


class Scenario(Node, frozen=True, eq=False):
    """`test name "title" { … }`; its items are those of ``lang.scenario``."""

    name: str
    title: str
    items: tuple[Node, ...]


class Broken(Node, frozen=True, eq=False):
    """A declaration that did not parse: its kind, or an empty text, and the name that others may use."""

    kind: str
    name: str


Declaration = (
    Environment | Risk | Attribute | Group | Window | Let | EvidenceKind | Gate | Rule | Waiver | Override | Invariant
    | Scenario | Broken
)  # fmt: skip


class File(Node, frozen=True, eq=False):
    """All declarations of one `.gate` file."""

    declarations: tuple[Declaration, ...]
