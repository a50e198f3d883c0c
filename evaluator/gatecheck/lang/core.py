"""The checked form of a pack: every name resolved, every expression typed, ready to be compiled or evaluated.

An expression here can't go wrong any more; it can only be undetermined, where evidence is missing.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from msgspec import Struct

from gatecheck.lang.ast import Scenario
from gatecheck.lang.types import Type
from gatecheck.text.source import Span


class Core(Struct, frozen=True):
    """An expression: its type, and its text as written, in canonical layout."""

    type: Type
    text: str


class Const(Core, frozen=True):
    """A value: ordered symbols as their rank, other symbols as text."""

    value: Any


class ChangeField(Core, frozen=True):
    """A field of the change, by path from it; nullable ones may be unstated."""

    path: tuple[str, ...]
    nullable: bool


class AttributeField(Core, frozen=True):
    """An attribute that the pack declares and the change carries."""

    name: str


class RiskLevel(Core, frozen=True):
    """The risk of the change, as its rank."""


class EvidenceField(Core, frozen=True):
    """A field of a gate's evidence; ``declared`` ones are the gate's own, of a generic document."""

    gate: str
    name: str
    nullable: bool
    declared: bool


class ItemField(Core, frozen=True):
    """A field of the item that a `where` looks at."""

    name: str
    nullable: bool


class Item(Core, frozen=True):
    """The item itself, in a list of scalars: `where it == …`."""


class GateResult(Core, frozen=True):
    """Whether a gate passes."""

    gate: str


class During(Core, frozen=True):
    """Whether a window is open."""

    window: str


class OfDecision(Core, frozen=True):
    """What an invariant asks of a decision: ``approvers``, how many people's approvals counted, or ``overridden``."""

    name: str


class Soak(Core, frozen=True):
    """How long the artifact has stayed in an environment, compared with a fixed duration."""

    environment: str
    operator: str
    duration: timedelta


class Quantified(Core, frozen=True):
    """`count`, `any` or `all` of a list's items that satisfy a condition."""

    quantifier: str
    items: Core
    where: Core | None


class Compare(Core, frozen=True):
    """Two values of one type, compared."""

    left: Core
    operator: str
    right: Core


class Contains(Core, frozen=True):
    """Whether a list holds a value; the list is written out (constants) or a field."""

    item: Core
    items: Core


class Matches(Core, frozen=True):
    """Whether a text matches a glob; ``regex`` is that glob as a regular expression for a full match."""

    subject: Core
    regex: str


class Not(Core, frozen=True):
    """Negation."""

    operand: Core


class And(Core, frozen=True):
    """All hold."""

    operands: tuple[Core, ...]


class Or(Core, frozen=True):
    """At least one holds."""

    operands: tuple[Core, ...]


def parts(node: Core) -> Iterator[Core]:
    """Yield the expressions directly below one."""
    if isinstance(node, And | Or):
        yield from node.operands
    elif isinstance(node, Not):
        yield node.operand
    elif isinstance(node, Compare):
        yield node.left
        yield node.right
    elif isinstance(node, Contains):
        yield node.item
        yield node.items
    elif isinstance(node, Matches):
        yield node.subject
    elif isinstance(node, Quantified):
        yield node.items
        if node.where is not None:
            yield node.where


def walk(node: Core) -> Iterator[Core]:
    """Yield an expression and everything below it."""
    yield node
    for part in parts(node):
        yield from walk(part)


class Approval(Struct, frozen=True):
    """Who must approve: alternatives, each a sequence of stages, each a set of slots, each a choice of groups.

    ``groups`` are those of the slots. ``escalations`` pairs durations, rising, with the groups that may fill any slot
    once the request has waited so long. Approvers of the environments ``excluding`` don't count.
    """

    alternatives: tuple[tuple[tuple[tuple[str, ...], ...], ...], ...]
    groups: tuple[str, ...]
    valid_for: timedelta | None
    including_author: bool
    excluding: tuple[str, ...] = ()
    signed: bool = False
    escalations: tuple[tuple[timedelta, tuple[str, ...]], ...] = ()


class Statement(Struct, frozen=True):
    """One statement of a rule. ``kind`` is `require`, `forbid`, `automatic`, `approve`, `deploy` or `notify`.

    One that is ``advisory``, always or before the instant ``effective_from``, is reported and decides nothing.
    """

    id: str
    rule: str
    title: str
    kind: str
    environments: tuple[str, ...]
    guard: Core | None
    text: str
    span: Span
    because: str = ""
    condition: Core | None = None
    approval: Approval | None = None
    value: str = ""
    remedy: str = ""
    advisory: bool = False
    effective_from: datetime | None = None


class Gate(Struct, frozen=True):
    """One check of a promotion: which evidence, and when it passes."""

    name: str
    kind: str
    producer: str
    condition: Core
    fields: tuple[tuple[str, Type], ...]
    fresh_for: timedelta | None
    bound: bool
    remedy: str
    span: Span
    signed_by: tuple[str, ...] = ()


class OwnKind(Struct, frozen=True):
    """A kind of evidence of the pack's own: its type, and the text of the JSON Schema that documents obey."""

    name: str
    type: Type
    path: str
    schema: str
    span: Span


class Waiver(Struct, frozen=True):
    """What is let off: requirements of ``gates``, and those that ``rules`` state, until an instant (exclusive)."""

    gates: tuple[str, ...]
    rules: tuple[str, ...]
    environments: tuple[str, ...]
    until: datetime
    guard: Core | None
    owner: str
    because: str
    span: Span


class Override(Struct, frozen=True):
    """Break-glass: who may allow what the rules do not, and who owes a review of it, ``within`` how long."""

    name: str
    title: str
    environments: tuple[str, ...]
    guard: Core | None
    approvals: tuple[Statement, ...]
    reviewers: tuple[str, ...]
    within: timedelta | None
    because: str
    span: Span


class Invariant(Struct, frozen=True):
    """A claim about every decision that allows; ``conditions`` may hold ``OfDecision``."""

    name: str
    title: str
    environments: tuple[str, ...]
    guard: Core | None
    conditions: tuple[Core, ...]
    because: str
    span: Span


class Let(Struct, frozen=True):
    """A name for an expression, as written; where it is used it is resolved already."""

    name: str
    text: str
    span: Span


class RiskCase(Struct, frozen=True):
    """When the risk is at least ``rank``."""

    rank: int
    condition: Core
    span: Span


class Attribute(Struct, frozen=True):
    """A pack's own field of the change; without a default the change must carry it."""

    name: str
    type: Type
    has_default: bool
    default: Any


class WindowSpec(Struct, frozen=True):
    """A window's spans, as `engine.windows` takes them."""

    name: str
    zone: str
    weekly: tuple[tuple[tuple[int, ...], int, int], ...]
    dated: tuple[tuple[str, str], ...]


class Pack(Struct, frozen=True):
    """A checked pack. ``files`` pairs each file's path with its digest; ``digest`` names them all.

    ``places`` tells where names are declared that have no span of their own, by kind and name (`group pm`), where a
    gate's condition stands (`pass sast`), and the innermost `when` of a statement (`guard` and its id).
    """

    digest: str
    files: tuple[tuple[str, str], ...]
    environments: dict[str, tuple[str, ...]]
    levels: tuple[str, ...]
    cases: tuple[RiskCase, ...]
    otherwise: int
    attributes: dict[str, Attribute]
    groups: dict[str, tuple[str, ...] | None]
    windows: dict[str, WindowSpec]
    gates: dict[str, Gate]
    statements: tuple[Statement, ...]
    kinds: dict[str, OwnKind] = {}
    waivers: tuple[Waiver, ...] = ()
    overrides: tuple[Override, ...] = ()
    invariants: tuple[Invariant, ...] = ()
    lets: tuple[Let, ...] = ()
    scenarios: tuple[Scenario, ...] = ()
    places: dict[str, Span] = {}
