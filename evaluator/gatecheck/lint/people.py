"""Approvals that too few people can give: a change by one of them waits for ever (GC308); and a group that names one
person twice, who is still one person (GC309).
"""

from collections.abc import Iterator

from gatecheck.lang import core
from gatecheck.lang.quorum import fillable
from gatecheck.model.identity import fold
from gatecheck.text.diagnostic import Diagnostic

_MOST_NAMED = 5


def own_approval(pack: core.Pack) -> Iterator[Diagnostic]:
    """Warn of each `approve by` that can't be satisfied where one of its own people is the author."""
    known: dict[core.Approval, list[str]] = {}
    statements = [*pack.statements, *(a for o in pack.overrides for a in o.approvals)]
    for s in sorted(statements, key=lambda s: s.span):
        if s.approval is None or s.approval.including_author:
            continue
        if s.approval not in known:
            known[s.approval] = _stuck(pack, s.approval)
        stuck = known[s.approval]
        if stuck:
            named = ", ".join(stuck[:_MOST_NAMED]) + (f" and {len(stuck) - _MOST_NAMED} more" * (len(stuck) > 5))
            message = f"`{asked(s)}` can't be satisfied for a change by {named}: too few others may approve"
            hint = "name more members: nobody approves a change of their own"
            yield Diagnostic("GC308", message, s.span, "", hint, "warning")


def _stuck(pack: core.Pack, approval: core.Approval) -> list[str]:
    """Return the people without whom no alternative can be filled, in order."""
    joining = tuple(g for _, groups in approval.escalations for g in groups)
    asked = {*approval.groups, *joining}
    people = {fold(p): p for g in sorted(asked) for p in pack.groups[g] or ()}
    alternatives = [
        tuple(tuple((*slot, *joining) for slot in stage) for stage in alternative)
        for alternative in approval.alternatives
    ]
    stuck = []
    for folded, person in sorted(people.items()):
        others = {g: _without(pack.groups[g], folded) for g in asked}
        if not any(fillable(a, others) for a in alternatives):
            stuck.append(person)
    return stuck


def _without(members: tuple[str, ...] | None, folded: str) -> tuple[str, ...] | None:
    return None if members is None else tuple(m for m in members if fold(m) != folded)


def asked(s: core.Statement) -> str:
    """Return a statement's text without its `when`."""
    return s.text if s.guard is None else s.text.removeprefix(f"when {s.guard.text}: ")


def twice(pack: core.Pack) -> Iterator[Diagnostic]:
    """Warn of each group in which two names are one person's, whose case does not matter."""
    for name, members in sorted(pack.groups.items()):
        seen: set[str] = set()
        for member in members or ():
            if fold(member) in seen:
                message = f"the group `{name}` names {member} twice"
                hint = "one person counts once, in any spelling: name somebody else, or nobody"
                yield Diagnostic("GC309", message, pack.places[f"group {name}"], "", hint, "warning")
                break
            seen.add(fold(member))
