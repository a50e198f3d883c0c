"""Rules about time that stop rollbacks, too (GC313): in a freeze, the way back is what one needs most.

A statement is reported if for some rollback the window alone makes it fail or wait: soak asks nothing of a rollback,
and gates are taken to pass.
"""

from collections.abc import Iterator
from datetime import timedelta

from msgspec.structs import replace

from gatecheck.lang import core
from gatecheck.lang.types import BOOL
from gatecheck.lang.vocabulary import change_type
from gatecheck.lint.people import asked
from gatecheck.lint.satisfy import Satisfy
from gatecheck.text.diagnostic import Diagnostic


def stopped(pack: core.Pack) -> Iterator[Diagnostic]:
    """Warn of each `require` or `forbid` by which a window stops a rollback."""
    for s in statements_that_stop(pack):
        hint = "if the way back is to stay open, add `when change.type != rollback:`"
        yield Diagnostic("GC313", f"`{asked(s)}` stops rollbacks, too", s.span, "", hint, "warning")


def statements_that_stop(pack: core.Pack) -> list[core.Statement]:
    """Return the statements by which a window stops a rollback."""
    binding = (s for s in pack.statements if not s.advisory and s.condition is not None)
    return sorted((s for s in binding if _stops(pack, s)), key=lambda s: s.span)


def _stops(pack: core.Pack, s: core.Statement) -> bool:
    if s.condition is None:
        return False
    fails: core.Core = s.condition if s.kind == "forbid" else core.Not(BOOL, "", s.condition)
    fails = fails if s.guard is None else core.And(BOOL, "", (s.guard, fails))
    satisfy, rollback = Satisfy(pack), (_is_rollback(), True)
    for window in sorted({n.window for n in core.walk(fails) if isinstance(n, core.During)}):
        is_open, is_shut = (_assumed(fails, window, value) for value in (True, False))
        if any(satisfy.possible(rollback, (is_open, open_), (is_shut, not open_)) for open_ in (True, False)):
            return True
    return False


def _is_rollback() -> core.Compare:
    field = change_type().field("type")
    type_ = field.type if field is not None else BOOL
    subject = core.ChangeField(type_, "change.type", ("type",), nullable=False)
    return core.Compare(BOOL, "", subject, "==", core.Const(type_, "", "rollback"))


def _assumed(node: core.Core, window: str, is_open: bool) -> core.Core:
    """Return an expression in which a window is open or shut, gates pass, and every soak has lasted for ever."""
    match node:
        case core.During(window=name) if name == window:
            return core.Const(BOOL, "", is_open)
        case core.GateResult():
            return core.Const(BOOL, "", value=True)
        case core.Soak():
            return core.Const(BOOL, "", node.operator in (">", ">=") and node.duration < timedelta.max)
        case core.Not():
            return replace(node, operand=_assumed(node.operand, window, is_open))
        case core.And() | core.Or():
            return replace(node, operands=tuple(_assumed(o, window, is_open) for o in node.operands))
    return node
