"""Check who must approve, and expand it: alternatives of stages of slots, the form in which it is decided.

`a or b` of single people is one slot that either group fills; other choices become alternatives. `then` orders whole
stages, so it may stand at the top or inside `or`, but not inside `and`.
"""

from collections.abc import Callable, Iterable, Mapping
from itertools import product

from gatecheck.lang import ast, core, unparse
from gatecheck.model.identity import fold
from gatecheck.text.diagnostic import Diagnostic
from gatecheck.text.nearest import did_you_mean

Slot = tuple[str, ...]
Stage = tuple[Slot, ...]
Alternative = tuple[Stage, ...]
_MOST_ALTERNATIVES = 256
_MOST_SLOTS = 32


class Quorums:
    """Check and expand quorums over a pack's groups; members are ``None`` where the directory names them."""

    def __init__(self, groups: Mapping[str, tuple[str, ...] | None], report: Callable[[Diagnostic], None]) -> None:
        self.groups = groups
        self.report = report

    def approval(self, node: ast.Approve, environments: Iterable[str] = ()) -> core.Approval:
        """Return the checked form of an `approve by` statement for ``environments``."""
        known = all([self.check_groups(node.quorum), *(self.check_known(e, e.groups) for e in node.escalations)])
        alternatives = self.expand(node.quorum)
        if len(alternatives) > _MOST_ALTERNATIVES or any(sum(map(len, a)) > _MOST_SLOTS for a in alternatives):
            self.problem(
                node.quorum, "GC211", "this quorum has too many forms to decide exactly", "split the statement"
            )
            alternatives = alternatives[:1]
        joined = tuple(g for e in node.escalations for g in e.groups)
        if known and not any(fillable(_joined(a, joined), self.groups) for a in alternatives):
            message = "this quorum is impossible: its groups hold too few people"
            hint = "one person fills one place; name more members or ask for fewer"
            self.problem(node.quorum, "GC210", message, hint)
        for each in node.excluding:
            for name in sorted(set(each.environments).intersection(environments)):
                message = f"this can never be: whoever approves for `{name}` is excluded from approving for it"
                self.problem(each, "GC210", message, "exclude approvers of another environment, or split the rule")
        named = sorted({g for a in alternatives for stage in a for slot in stage for g in slot})
        waits = sorted({e.after for e in node.escalations})
        joining = [sorted({g for e in node.escalations if e.after == wait for g in e.groups}) for wait in waits]
        return core.Approval(
            tuple(alternatives), tuple(named), node.valid_for, node.including_author,
            tuple(sorted({e for each in node.excluding for e in each.environments})), node.signed,
            tuple((wait, tuple(groups)) for wait, groups in zip(waits, joining, strict=True)),
        )  # fmt: skip

    def check_groups(self, node: ast.Quorum) -> bool:
        if isinstance(node, ast.Some):
            return self.check_known(node, node.groups)
        known = [self.check_groups(p) for p in node.parts]  # every part speaks up, not only the first
        return all(known)

    def check_known(self, node: ast.Node, groups: tuple[str, ...]) -> bool:
        """Tell whether there are such groups, and report each that is not there."""
        missing = [g for g in groups if g not in self.groups]
        for name in missing:
            hint = did_you_mean(name, self.groups)
            if holding := sorted(g for g, members in self.groups.items() if name in (members or ())):
                hint = f"`{name}` is a person; name a group, such as `{holding[0]}`"
            self.problem(node, "GC204", f"there is no group `{name}`", hint)
        return not missing

    def expand(self, node: ast.Quorum) -> list[Alternative]:
        if isinstance(node, ast.Some):
            slot = tuple(sorted(set(node.groups)))
            return [((slot,) * min(node.count, _MOST_SLOTS + 1),)]
        choices = [self.expand(p) for p in node.parts]
        if isinstance(node, ast.InTurn):
            return [tuple(stage for a in combined for stage in a) for combined in _bounded(choices)]
        if isinstance(node, ast.AnyOf):
            if all(len(c) == 1 and len(c[0]) == 1 and len(c[0][0]) == 1 for c in choices):
                merged = sorted({group for c in choices for group in c[0][0][0]})
                return [((tuple(merged),),)]
            return list(dict.fromkeys(a for c in choices for a in c))
        for part, choice in zip(node.parts, choices, strict=True):
            if any(len(a) > 1 for a in choice):
                message = f"`{unparse.quorum(part)}` has an order, and `and` has none"
                self.problem(part, "GC211", message, "write `then` outermost, or use two statements")
                return [choice[0]]
        return [(tuple(sorted(slot for a in combined for slot in a[0])),) for combined in _bounded(choices)]

    def problem(self, node: ast.Node, code: str, message: str, hint: str) -> None:
        self.report(Diagnostic(code, message, node.span, "", hint))


def _joined(alternative: Alternative, groups: Slot) -> Alternative:
    return tuple(tuple((*slot, *groups) for slot in stage) for stage in alternative)


def fillable(alternative: Alternative, groups: Mapping[str, tuple[str, ...] | None]) -> bool:
    """Tell whether distinct people can fill every slot; a group from the directory may hold anybody."""
    slots = [slot for stage in alternative for slot in stage]
    filled: dict[str, int] = {}

    def place(index: int, seen: set[str]) -> bool:
        for group in slots[index]:
            for person in map(fold, groups[group] or ()):
                if person in seen:
                    continue
                seen.add(person)
                if person not in filled or place(filled[person], seen):
                    filled[person] = index
                    return True
        return False

    open_ended = [any(groups[g] is None for g in slot) for slot in slots]
    return all(place(i, set()) for i in range(len(slots)) if not open_ended[i])


def _bounded(choices: list[list[Alternative]]) -> list[tuple[Alternative, ...]]:
    size = 1
    for c in choices:
        size *= len(c)
    if size > _MOST_ALTERNATIVES:  # one more than allowed is enough to be refused
        choices = [c[: _MOST_ALTERNATIVES + 1] if i == 0 else c[:2] for i, c in enumerate(choices)]
    return [combined for combined, _ in zip(product(*choices), range(_MOST_ALTERNATIVES + 1), strict=False)]
