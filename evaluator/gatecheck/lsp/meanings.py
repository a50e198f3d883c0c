"""What the names of a pack mean, told from its syntax alone, so that it is known while the pack does not check.

Where the checker (`lang.expressions`) says what is wrong with a name, this says what the name stands for, and what else
could stand there.
"""

from collections.abc import Iterable, Iterator, Mapping
from copy import copy
from typing import NamedTuple

from gatecheck.lang import ast, types, vocabulary
from gatecheck.lang.expressions import OF_DECISION
from gatecheck.lang.types import FieldType, Type

# The kinds of declarations by their class, as `Name.kind` and messages say them.
DECLARED: Mapping[type[ast.Node], str] = {
    ast.Environment: "environment",
    ast.Attribute: "attribute",
    ast.Group: "group",
    ast.Window: "window",
    ast.Let: "let",
    ast.EvidenceKind: "kind of evidence",
    ast.Gate: "gate",
    ast.Rule: "rule",
    ast.Override: "override",
    ast.Invariant: "invariant",
    ast.Scenario: "test",
}
_DEEPEST = 20  # `let`s within `let`s


class Place(NamedTuple):
    """Where an expression stands: in a gate's own condition, in a `where` over items, in an invariant."""

    gate: str = ""
    item: Type | None = None
    of_decision: bool = False


class Meanings:
    """The declarations of a pack by kind and name, and the types of what they name."""

    def __init__(self, files: Iterable[ast.File]) -> None:
        self.declared: dict[str, dict[str, ast.Declaration]] = {kind: {} for kind in DECLARED.values()}
        self.risk: ast.Risk | None = None
        self.broken: dict[str, ast.Broken] = {}
        self.own_kinds: Mapping[str, Type] = {}  # those whose schema can be used
        for declaration in (d for file in files for d in file.declarations):
            self._add(declaration)

    def _add(self, declaration: ast.Declaration) -> None:
        if isinstance(declaration, ast.Risk):
            self.risk = self.risk or declaration
        elif isinstance(declaration, ast.Broken):
            self.broken.setdefault(declaration.name, declaration)
        elif not isinstance(declaration, ast.Waiver):
            self.declared[DECLARED[type(declaration)]].setdefault(declaration.name, declaration)

    def names(self, kind: str) -> list[str]:
        """Return the names that are declared as a kind, those of declarations that do not parse with them."""
        if kind == "risk level":
            return list(self.levels)
        broken = [name for name, d in self.broken.items() if name and kind_of(d.kind) == kind]
        return [*self.declared[kind], *(name for name in broken if name not in self.declared[kind])]

    @property
    def levels(self) -> tuple[str, ...]:
        """The risk levels, from the lowest up."""
        return self.risk.levels if self.risk is not None else ()

    def with_gate(self, gate: ast.Gate) -> "Meanings":
        """Return the same with a gate that is being written."""
        other = copy(self)
        other.declared = {**self.declared, "gate": {**self.declared["gate"], gate.name: gate}}
        return other

    # -- types

    def gate(self, name: str) -> ast.Gate | None:
        """Return the declaration of a gate."""
        found = self.declared["gate"].get(name)
        return found if isinstance(found, ast.Gate) else None

    def kinds(self) -> dict[str, Type]:
        """Return every kind of evidence: those that ship, and the pack's own."""
        own = {name: Type(name) for name in self.names("kind of evidence")}
        return {**own, **self.own_kinds, **vocabulary.evidence_kinds()}

    def gate_fields(self, name: str) -> dict[str, FieldType]:
        """Return the fields of a gate's evidence: of its kind, then those that it declares."""
        gate = self.gate(name)
        if gate is None:
            return {}
        kind = self.kinds().get(gate.kind)
        declared = [
            FieldType(item.name, types.SCALARS.get(item.type.name, types.UNKNOWN), nullable=True)
            for item in gate.items
            if isinstance(item, ast.Field)
        ]
        return {f.name: f for f in [*(kind.fields if kind is not None else ()), *declared]}

    def change_fields(self) -> dict[str, FieldType]:
        """Return the fields of a change, then the pack's attributes."""
        attributes = [
            FieldType(a.name, types.SCALARS.get(a.type.name, types.UNKNOWN))
            for a in self.declared["attribute"].values()
            if isinstance(a, ast.Attribute)
        ]
        return {f.name: f for f in [*attributes, *vocabulary.change_type().fields]}

    def risk_type(self) -> Type:
        """Return the type of `risk`."""
        return Type("risk", self.levels, ordered=True)

    def type_of(self, node: ast.Expression, place: Place, depth: int = 0) -> Type | None:
        """Return the type of an expression as far as it tells what may stand beside it; ``None`` where it does not."""
        match node:
            case ast.Literal():
                return types.BOOL if node.kind == "bool" else types.SCALARS[node.kind]
            case ast.Reference():
                return self.type_named(node.parts, place, depth)
            case ast.Call(function="count"):
                return types.INT
            case ast.Call(function="soak"):
                return types.DURATION
            case ast.ListOf():
                return None
            case _:
                return types.BOOL

    def type_named(self, parts: tuple[str, ...], place: Place, depth: int = 0) -> Type | None:
        """Return the type of a dotted name; ``None`` where it names nothing, or a symbol."""
        head, rest = parts[0], parts[1:]
        if place.item is not None and not rest:
            if (field := place.item.field(head)) is not None:
                return field.type
            if head == "it":
                return place.item
        if place.gate and not rest and head in (own := self.gate_fields(place.gate)):
            return own[head].type
        if head == "change" and rest:
            return _within(self.change_fields(), rest)
        if head == "risk" and not rest and self.risk is not None:
            return self.risk_type()
        if place.of_decision and not rest and head in OF_DECISION:
            return OF_DECISION[head]
        let = self.declared["let"].get(head)
        if isinstance(let, ast.Let) and not rest and depth < _DEEPEST:
            return self.type_of(let.value, Place(), depth + 1)
        if head in self.declared["gate"]:
            return _within(self.gate_fields(head), rest) if rest else types.BOOL
        return None

    def heads(self, place: Place) -> Iterator[tuple[str, str, Type | None]]:
        """Yield what an expression can begin with there: name, kind, and type where it has one."""
        if place.item is not None:
            yield from ((f.name, "field", f.type) for f in place.item.fields)
            if not place.item.fields:
                yield "it", "field", place.item
        if place.gate:
            yield from ((f.name, "field", f.type) for f in self.gate_fields(place.gate).values())
        yield "change", "change", None
        if self.risk is not None:
            yield "risk", "risk", self.risk_type()
        yield from ((name, "let", self.type_named((name,), place)) for name in self.names("let"))
        if not place.gate and place.item is None:
            yield from ((name, "gate", types.BOOL) for name in self.names("gate"))
        if place.of_decision:
            yield from ((name, "field", type_) for name, type_ in OF_DECISION.items())


def _within(fields: Mapping[str, FieldType], path: tuple[str, ...]) -> Type | None:
    field = fields.get(path[0])
    if field is None:
        return None
    return field.type if len(path) == 1 else _within({f.name: f for f in field.type.fields}, path[1:])


def kind_of(word: str) -> str:
    """Return the kind of what a declaring word declares."""
    return "kind of evidence" if word == "evidence" else word
