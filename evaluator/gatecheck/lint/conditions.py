"""Conditions that no value changes: comparisons out of a field's range (GC302), and those that contradict each other or
leave nothing out (GC306).

Of a condition, the smallest part that never changes is reported. A guard that risk and change type alone decide is left
to the checker, which refuses it (GC304) or warns of it (GC305).
"""

from collections.abc import Iterator
from decimal import Decimal
from typing import NamedTuple

from gatecheck.lang import core, coverage
from gatecheck.lang.types import Type
from gatecheck.lang.unparse import plain
from gatecheck.lint.satisfy import Domain, Satisfy
from gatecheck.text.diagnostic import Diagnostic
from gatecheck.text.source import Span

_LARGEST = 400  # expressions in a condition whose every part is looked at; of a larger one only the comparisons are


class _Place(NamedTuple):
    condition: core.Core
    span: Span
    owner: str  # what the same sentence is said of only once


def constant(pack: core.Pack) -> Iterator[Diagnostic]:
    """Warn of each part of a condition that can never hold, or always does."""
    told: set[tuple[str, str]] = set()
    for place in _conditions(pack):
        for found in _within(Satisfy(pack), place.condition, place.span):
            if (place.owner, found.message) not in told:
                told.add((place.owner, found.message))
                yield found


def _conditions(pack: core.Pack) -> Iterator[_Place]:
    for case in pack.cases:
        yield _Place(case.condition, case.span, "risk")
    for gate in pack.gates.values():
        yield _Place(gate.condition, pack.places[f"pass {gate.name}"], f"gate {gate.name}")
    for s in sorted(pack.statements, key=lambda s: s.span):
        owner = f"rule {s.rule}"
        if s.guard is not None and coverage.constant(pack, s.guard) is None:
            yield _Place(s.guard, pack.places[f"guard {s.id}"], owner)
        if s.condition is not None:
            yield _Place(s.condition, s.span, owner)
    for number, w in enumerate(pack.waivers):
        if w.guard is not None:
            yield _Place(w.guard, w.span, f"waiver {number}")
    for o in pack.overrides:
        if o.guard is not None:
            yield _Place(o.guard, o.span, f"override {o.name}")
    for i in pack.invariants:
        for condition in (*([i.guard] if i.guard is not None else []), *i.conditions):
            yield _Place(condition, i.span, f"invariant {i.name}")


def _within(satisfy: Satisfy, whole: core.Core, span: Span) -> list[Diagnostic]:
    """Return what is found in a condition; of an `and` or `or` nothing, where a part of it says why."""
    is_large = sum(1 for _ in core.walk(whole)) > _LARGEST

    def visit(node: core.Core, satisfy: Satisfy) -> list[Diagnostic]:
        if isinstance(node, core.And | core.Or | core.Not):
            found = [d for part in core.parts(node) for d in visit(part, satisfy)]
            if found or is_large or isinstance(node, core.Not):
                return found
        elif isinstance(node, core.Const):  # `true`, as it is written
            return []
        quantified = [n for n in core.walk(node) if isinstance(n, core.Quantified)] if _is_atom(node) else []
        inner = [d for n in quantified if n.where is not None for d in visit(n.where, Satisfy(satisfy.pack, _item(n)))]
        if inner:
            return inner
        if not satisfy.possible((node, True)):
            return [_told(satisfy, node, span, "can never hold")]
        return [] if satisfy.possible((node, False)) else [_told(satisfy, node, span, "always holds")]

    return visit(whole, satisfy)


def _is_atom(node: core.Core) -> bool:
    return not isinstance(node, core.And | core.Or | core.Not)


def _item(node: core.Quantified) -> Type | None:
    return node.items.type.item


def _told(satisfy: Satisfy, node: core.Core, span: Span, says: str) -> Diagnostic:
    if isinstance(node, core.And | core.Or):
        hint = "each part alone can hold: did you mean `or`?" if says.startswith("can") else "did you mean `and`?"
        return Diagnostic("GC306", f"`{node.text}` {says}", span, "", hint, "warning")
    return Diagnostic("GC302", f"`{node.text}` {says}", span, "", _range(satisfy, node), "warning")


def _range(satisfy: Satisfy, node: core.Core) -> str:
    """Return, as a hint, which values the field has."""
    if isinstance(node, core.Soak):
        return "no soak is shorter than 0s"
    if isinstance(node, core.Compare):
        if isinstance(node.left, core.Const):
            field, value = node.right, node.left
        elif isinstance(node.right, core.Const):
            field, value = node.left, node.right
        else:
            return "both sides are the same"
        if field.type.is_enumeration:
            members = field.type.members
            return f"`{field.text}` is one of {', '.join(members)}" if members else ""
        return _said(field, satisfy.domain(field), value.type)
    return ""


def _said(field: core.Core, domain: Domain, type_: Type) -> str:
    def shown(bound: Decimal) -> str:
        return f"{plain(bound * 100)}%" if type_.name == "percent" else str(bound)

    if domain.least is not None and domain.most is not None and domain.most < 2**53 - 1:
        return f"`{field.text}` goes from {shown(domain.least)} to {shown(domain.most)}"
    return f"`{field.text}` is never less than {shown(domain.least)}" if domain.least is not None else ""
