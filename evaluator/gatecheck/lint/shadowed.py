"""A rule that another one covers (GC307): whatever it asks is asked already, so it can go, or it says too little.

A rule is covered if one other rule says each of its statements for each of its environments, at least as often: without
a `when`, or under one that holds whenever the rule's own does. Of two that say the same the later one is reported.
"""

from collections import defaultdict
from collections.abc import Iterator

from gatecheck.lang import core
from gatecheck.lint.satisfy import Satisfy, key
from gatecheck.text.diagnostic import Diagnostic


def shadowed(pack: core.Pack) -> Iterator[Diagnostic]:
    """Warn of each rule that another covers; of rules that a waiver names nothing is said."""
    rules: dict[str, list[core.Statement]] = defaultdict(list)
    alike: dict[object, list[core.Statement]] = defaultdict(list)
    waived = {rule for waiver in pack.waivers for rule in waiver.rules}
    for s in pack.statements:
        if s.rule not in waived:
            rules[s.rule].append(s)
            alike[_asked(s)].append(s)
    satisfy = Satisfy(pack)

    def coverers(rule: str) -> set[str]:
        found: set[str] | None = None
        for s in rules[rule]:
            others = [o for o in alike[_asked(s)] if o.rule != rule and _implied(satisfy, s.guard, o.guard)]
            for environment in s.environments:
                saying = {o.rule for o in others if environment in o.environments}
                found = saying if found is None else found & saying
                if not found:
                    return set()
        return found or set()

    covered = {rule: coverers(rule) for rule in rules}
    for rule, by in sorted(covered.items()):
        place = pack.places[f"rule {rule}"]
        kept = sorted(o for o in by if rule not in covered[o] or pack.places[f"rule {o}"] < place)
        if kept:
            message = f"the rule `{rule}` asks for nothing that `{kept[0]}` does not ask for"
            hint = "drop it, or write what it was to add"
            yield Diagnostic("GC307", message, place, "", hint, "warning")


def _asked(s: core.Statement) -> object:
    """Return what a statement asks, apart from where and when."""
    condition = key(s.condition) if s.condition is not None else None
    return s.kind, condition, s.approval, s.value, s.advisory, s.effective_from


def _implied(satisfy: Satisfy, guard: core.Core | None, other: core.Core | None) -> bool:
    """Tell whether ``other`` holds whenever ``guard`` does, and is decided whenever that is."""
    if other is None:
        return True
    if guard is None:
        return False
    if {key(c) for c in _conjuncts(other)} <= {key(c) for c in _conjuncts(guard)}:
        return True
    if not all(_is_always_known(n) for g in (guard, other) for n in core.walk(g)):
        return False
    return not satisfy.possible((guard, True), (other, False))


def _conjuncts(guard: core.Core) -> Iterator[core.Core]:
    if isinstance(guard, core.And):
        for operand in guard.operands:
            yield from _conjuncts(operand)
    else:
        yield guard


def _is_always_known(node: core.Core) -> bool:
    """Tell whether an expression is never undetermined by itself."""
    if isinstance(node, core.GateResult | core.EvidenceField | core.Quantified):
        return False
    return not (isinstance(node, core.ChangeField) and node.nullable)
