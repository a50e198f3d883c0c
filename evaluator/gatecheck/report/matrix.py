"""What a pack asks in each environment at each risk: computed from the rules, without any change at hand.

With the risk known, the guards of statements shrink: what then holds always, or never, goes, and what stays is the
`when` under which a statement applies in that cell.
"""

from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Any, Literal, NamedTuple, TypeVar

from gatecheck.lang import core
from gatecheck.lang.coverage import partial
from gatecheck.model.instant import write_instant

Aspect = Literal["promotion", "gates", "requirements", "soak", "windows", "approvals", "obligations"]
_Scoped = TypeVar("_Scoped", core.Waiver, core.Override)
ASPECTS: tuple[Aspect, ...] = ("promotion", "gates", "requirements", "soak", "windows", "approvals", "obligations")


class Ask(NamedTuple):
    """One thing that a cell asks: its text without `require`, the `when` that stays, and where it is said.

    ``binds_from`` is set where a rule takes effect later; one that is ``advisory`` never binds.
    """

    aspect: Aspect
    text: str
    when: str
    rule: str
    file: str
    line: int
    advisory: bool = False
    binds_from: datetime | None = None


class Cell(NamedTuple):
    """All that is asked in one environment at one risk; where nobody ``decides`` approval, every change is denied."""

    environment: str
    risk: str
    asks: tuple[Ask, ...]
    decides: bool


def cells(pack: core.Pack, environments: Collection[str] = ()) -> list[Cell]:
    """Return the cells of some environments, or of all: in the order of promotion, risks from the lowest up."""
    named = [e for e in in_order(pack.environments) if not environments or e in environments]
    return [_cell(pack, environment, rank) for environment in named for rank in range(len(pack.levels))]


def in_order(environments: dict[str, tuple[str, ...]]) -> list[str]:
    """Return environments in the order of promotion: each behind all that it comes after."""
    depths: dict[str, int] = {}

    def depth(name: str) -> int:
        if name not in depths:
            depths[name] = 1 + max((depth(earlier) for earlier in environments[name]), default=0)
        return depths[name]

    return sorted(environments, key=lambda name: (depth(name), name))


def _cell(pack: core.Pack, environment: str, rank: int) -> Cell:
    asks = [Ask("promotion", f"after {e}", "", "", "", 0) for e in pack.environments[environment]]
    decides = False
    for s in pack.statements:
        if environment not in s.environments:
            continue
        left = True if s.guard is None else residual(s.guard, rank)
        if left is False:
            continue
        if s.kind in ("approve", "automatic") and not s.advisory:
            decides = True
        when = "" if left is True else str(left)
        aspect, text = _said(s)
        asks.append(Ask(aspect, text, when, s.rule, s.span.file, s.span.line, s.advisory, s.effective_from))
    unique = sorted(set(asks), key=lambda a: (ASPECTS.index(a.aspect), a.file, a.line, a.text, a.when, a.rule))
    return Cell(environment, pack.levels[rank], tuple(unique), decides)


def _said(s: core.Statement) -> tuple[Aspect, str]:
    """Return what kind of thing a statement asks, and its text without guard and first words."""
    text = s.text
    if s.guard is not None:  # one that is an `or` stands in parentheses
        text = text.removeprefix(f"when {s.guard.text}: ").removeprefix(f"when ({s.guard.text}): ")
    if s.kind in ("deploy", "notify"):
        return "obligations", text
    if s.kind in ("approve", "automatic"):
        return "approvals", text.removeprefix("approve ")
    if s.condition is not None:
        inner = list(core.walk(s.condition))
        plain = text.removeprefix("require ")
        if isinstance(s.condition, core.GateResult):
            return ("gates" if s.kind == "require" else "requirements"), plain
        if any(isinstance(n, core.Soak) for n in inner):
            return "soak", plain
        if any(isinstance(n, core.During) for n in inner):
            return "windows", text if s.kind == "forbid" else plain
        return "requirements", text if s.kind == "forbid" else plain
    return "requirements", text


def residual(node: core.Core, rank: int) -> bool | str:
    """Return what stays of a condition once the risk is known: its truth, or the text of what still decides."""
    known = partial(node, rank, None)
    if known is not None:
        return known
    if isinstance(node, core.And | core.Or):
        left = [(o, r) for o, r in ((o, residual(o, rank)) for o in node.operands) if isinstance(r, str)]
        if len(left) == len(node.operands) and all(r == o.text for o, r in left):
            return node.text
        if len(left) == 1:
            return left[0][1]
        word = " and " if isinstance(node, core.And) else " or "
        return word.join(f"({r})" if isinstance(o, core.And | core.Or) and " " in r else r for o, r in left)
    if isinstance(node, core.Not):
        inner = residual(node.operand, rank)
        if inner == node.operand.text:
            return node.text
        return f"not ({inner})" if " and " in str(inner) or " or " in str(inner) else f"not {inner}"
    return node.text


def data(pack: core.Pack, environments: Collection[str] = ()) -> dict[str, Any]:
    """Return the matrix as plain data, as ``schemas/matrix.schema.json`` describes it."""
    return {
        "pack": pack.digest,
        "environments": [e for e in in_order(pack.environments) if not environments or e in environments],
        "risks": list(pack.levels),
        "cells": [
            {
                "environment": c.environment, "risk": c.risk, "decides": c.decides,
                **{aspect: [_plain(a) for a in c.asks if a.aspect == aspect] for aspect in ASPECTS},
            }
            for c in cells(pack, environments)
        ],
        "waivers": [
            {
                "targets": [*w.gates, *w.rules], "environments": list(w.environments), "until": write_instant(w.until),
                "when": "" if w.guard is None else w.guard.text, "owner": w.owner, "because": w.because,
                "file": w.span.file, "line": w.span.line,
            }
            for w in concerning(pack.waivers, environments)
        ],
        "overrides": [
            {
                "name": o.name, "environments": list(o.environments), "when": "" if o.guard is None else o.guard.text,
                "approvals": [a.text.removeprefix("approve ") for a in o.approvals], "reviewers": list(o.reviewers),
                "file": o.span.file, "line": o.span.line,
            }
            for o in concerning(pack.overrides, environments)
        ],
    }  # fmt: skip


def concerning(scoped: Iterable[_Scoped], environments: Collection[str]) -> list[_Scoped]:
    """Return the waivers or overrides that concern any of some environments; all where none is named."""
    return [s for s in scoped if not environments or set(environments) & set(s.environments)]


def _plain(a: Ask) -> dict[str, Any]:
    said: dict[str, Any] = {"text": a.text, "when": a.when, "rule": a.rule, "file": a.file, "line": a.line}
    if a.advisory:
        said["advisory"] = True
    if a.binds_from is not None:
        said["binds_from"] = write_instant(a.binds_from)
    return said
