"""Compile a checked pack: a core.Pack to Python source, part by part.

A part holds the statements of one environment that may concern one service. Statements whose guard names services
(`change.service == "billing"`) go into a part of their own for each; all others into the environment's general part.
So a decision loads and runs only what can be in scope, however many services share a pack.
"""

from collections import Counter
from collections.abc import Callable
from typing import Any

from msgspec import Struct

from gatecheck.engine.compile_besides import compile_exemptions, compile_invariants
from gatecheck.engine.exemptions import EXEMPTIONS
from gatecheck.engine.invariants import INVARIANTS
from gatecheck.engine.part import GENERAL, Part, gates_of, members_of
from gatecheck.lang import core

_MOST_SERVICES = 16


class Compiled(Struct, frozen=True):
    """Compiled parts by environment and service, as source, and what is needed before any of them."""

    meta: dict[str, Any]
    parts: dict[tuple[str, str], str]


def compile_pack(pack: core.Pack, make: Callable[..., Part] = Part) -> Compiled:
    """Return a pack's compiled parts, each made by a ``Part`` or another that ``make`` gives."""
    parts: dict[tuple[str, str], list[core.Statement]] = {(env, GENERAL): [] for env in pack.environments}
    for statement in pack.statements:
        services = _services(statement.guard)
        for environment in statement.environments:
            for service in services or (GENERAL,):
                parts.setdefault((environment, service), []).append(statement)
    uses: dict[str, Counter[str]] = {env: Counter() for env in pack.environments}
    for statement in pack.statements:
        for environment in statement.environments:
            uses[environment].update(gates_of(statement))
    sources = {
        (environment, service): make(pack, environment, service, uses[environment]).source(statements)
        for (environment, service), statements in sorted(parts.items())
    }
    for environment in sorted(pack.environments):
        for kind, compile_besides in ((EXEMPTIONS, compile_exemptions), (INVARIANTS, compile_invariants)):
            if source := compile_besides(make(pack, environment, kind, Counter()), environment):
                sources[kind, environment] = source
    exempting = tuple(environment for kind, environment in sources if kind == EXEMPTIONS)
    return Compiled({**_meta(pack), "exempting": exempting}, sources)


def _meta(pack: core.Pack) -> dict[str, Any]:
    """Return what every decision needs, as data that marshals."""
    return {
        "digest": pack.digest,
        "files": pack.files,
        "environments": {name: tuple(after) for name, after in pack.environments.items()},
        "levels": pack.levels,
        "groups": {name: members_of(pack, name) for name in pack.groups},
        "gates": tuple(sorted(pack.gates)),
        "kinds": {g.name: (g.kind, pack.kinds[g.kind].schema) for g in pack.gates.values() if g.kind in pack.kinds},
        "signed": {g.name: g.signed_by for g in pack.gates.values() if g.signed_by},
        "attributes": {a.name: (a.type.name, a.has_default, _portable(a.default)) for a in pack.attributes.values()},
        "excluded": {name: excluded for name in pack.environments if (excluded := _excluded(pack, name))},
    }


def _excluded(pack: core.Pack, environment: str) -> tuple[str, ...]:
    """Return the environments whose approvers approvals of another exclude."""
    overriding = [s for o in pack.overrides if environment in o.environments for s in o.approvals]
    asking = [*overriding, *(s for s in pack.statements if environment in s.environments)]
    return tuple(sorted({e for s in asking if s.approval is not None for e in s.approval.excluding}))


def _portable(value: Any) -> Any:
    """Return a default as the text that its type's reader takes, where it is not plain data already."""
    from datetime import datetime, timedelta
    from decimal import Decimal

    if isinstance(value, timedelta):
        return f"{value.days}d{value.seconds}s{value.microseconds // 1000}ms"
    if isinstance(value, datetime):
        return value.isoformat()
    return str(value) if isinstance(value, Decimal) else value


def _services(guard: core.Core | None) -> tuple[str, ...]:
    """Return the services that a guard names as the only ones, or nothing where it names none."""
    if isinstance(guard, core.And):
        for operand in guard.operands:
            if found := _services(operand):
                return found
        return ()
    if isinstance(guard, core.Compare) and guard.operator == "==":
        for field, value in ((guard.left, guard.right), (guard.right, guard.left)):
            if _is_service(field) and isinstance(value, core.Const):
                return (value.value,)
    if isinstance(guard, core.Contains) and _is_service(guard.item) and isinstance(guard.items, core.Const):
        # A part for each of many services would hold the whole list every time: then it concerns everybody.
        return tuple(sorted(set(guard.items.value))) if len(guard.items.value) <= _MOST_SERVICES else ()
    return ()


def _is_service(node: core.Core) -> bool:
    return isinstance(node, core.ChangeField) and node.path == ("service",)
