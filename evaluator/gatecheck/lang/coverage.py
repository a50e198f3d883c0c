"""What can be said of a pack without any change: guards that never or always hold, cells that nobody decides.

Expressions are evaluated with only the risk level and the type of the change known, in three values; what stays unknown
is given the benefit of the doubt.
"""

from collections.abc import Iterator
from datetime import datetime

from gatecheck.lang import core, vocabulary
from gatecheck.model.instant import write_instant
from gatecheck.text.diagnostic import Diagnostic

_OPERATORS = {
    "==": lambda a, b: a == b,
    "!=": lambda a, b: a != b,
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
}


def partial(node: core.Core, risk: int | None, change_type: str | None) -> bool | None:
    """Return what an expression is when only the risk's rank and the change's type are known; ``None`` is unknown."""
    match node:
        case core.Not():
            inner = partial(node.operand, risk, change_type)
            return None if inner is None else not inner
        case core.And():
            values = [partial(o, risk, change_type) for o in node.operands]
            return False if False in values else None if None in values else True
        case core.Or():
            values = [partial(o, risk, change_type) for o in node.operands]
            return True if True in values else None if None in values else False
        case core.Compare():
            left, right = _value(node.left, risk, change_type), _value(node.right, risk, change_type)
            return None if left is None or right is None else _OPERATORS[node.operator](left, right)
        case core.Contains(items=core.Const(value=values)):
            item = _value(node.item, risk, change_type)
            return None if item is None else item in values
    return None


def _value(node: core.Core, risk: int | None, change_type: str | None) -> object:
    match node:
        case core.Const():
            return node.value
        case core.RiskLevel():
            return risk
        case core.ChangeField(path=("type",)):
            return change_type
    return None


def undecided(pack: core.Pack) -> Iterator[Diagnostic]:
    """Warn of each environment and its risk levels for which no statement that binds says how approval happens."""
    for environment in sorted(pack.environments):
        saying = [s for s in pack.statements if s.kind in ("automatic", "approve") and environment in s.environments]
        since: dict[datetime | None, list[str]] = {}
        for rank, level in enumerate(pack.levels):
            found = [s for s in saying if s.guard is None or partial(s.guard, rank, None) is not False]
            binding = [s.effective_from for s in found if not s.advisory]
            if None not in binding:
                since.setdefault(min(filter(None, binding), default=None), []).append(level)
        for start, levels in since.items():
            shown = "" if len(levels) == len(pack.levels) else f" at risk {', '.join(levels)}"
            message = f"no rule decides approval in `{environment}`{shown}: every such change is denied"
            hint = f"add `approve automatically` or `approve by …` to a rule for {environment}"
            if start is not None:
                message = f"until {write_instant(start)} {message}"
                hint = "a rule decides nothing before it takes effect: say what holds until then"
            elif any(s.advisory for s in saying):
                hint += "; what is `advisory` decides nothing"
            yield Diagnostic("GC301", message, pack.places[f"environment {environment}"], "", hint, "warning")


def constant(pack: core.Pack, guard: core.Core) -> bool | None:
    """Return what a guard is at every risk and for every type of change; ``None`` where that differs, or is unknown."""
    nodes = list(core.walk(guard))
    ranks = range(len(pack.levels)) if any(isinstance(n, core.RiskLevel) for n in nodes) else (None,)
    by_type = any(isinstance(n, core.ChangeField) and n.path == ("type",) for n in nodes)
    kinds = change_types() if by_type else (None,)
    values = {partial(guard, rank, kind) for rank in ranks for kind in kinds}
    return values.pop() if len(values) == 1 else None


def change_types() -> tuple[str, ...]:
    """Return the types that a change can have."""
    return next(f.type.members for f in vocabulary.change_type().fields if f.name == "type")


def constant_guards(pack: core.Pack) -> Iterator[Diagnostic]:
    """Report guards that can never hold, and warn of those that always do."""
    for s in pack.statements:
        if s.guard is None:
            continue
        always = constant(pack, s.guard)
        place = pack.places[f"guard {s.id}"]
        if always is False:
            hint = "what it guards is never asked: change the condition, or drop it"
            yield Diagnostic("GC304", f"`{s.guard.text}` can never hold", place, "", hint)
        elif always:
            yield Diagnostic("GC305", f"`{s.guard.text}` always holds", place, "", "drop the `when`", "warning")
