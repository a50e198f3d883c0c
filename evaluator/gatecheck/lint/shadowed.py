"""A rule that another one covers (GC307): whatever it asks is asked already, so it can go, or it says too little.

A rule is covered if one other rule says each of its statements for each of its environments, at least as often: without
a `when`, or under one that holds whenever the rule's own does. A `when` that evidence may leave undetermined asks for
something by itself, namely that evidence. Of two rules that say the same the later one is reported.
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
        kept = [(pack.places[f"rule {o}"], o) for o in by]
        kept = [(at, o) for at, o in kept if rule not in covered[o] or at < place]
        if kept:
            message = f"the rule `{rule}` asks for nothing that `{min(kept)[1]}` does not ask for"
            hint = "drop it, or write what it was to add"
            yield Diagnostic("GC307", message, place, "", hint, "warning")


def _asked(s: core.Statement) -> object:
    """Return what a statement asks, apart from where and when."""
    condition = key(s.condition) if s.condition is not None else None
    return s.kind, condition, s.approval, s.value, s.advisory, s.effective_from


def _implied(satisfy: Satisfy, guard: core.Core | None, other: core.Core | None) -> bool:
    """Tell whether ``other`` holds whenever ``guard`` does, and is undetermined, which waits, whenever that is."""
    mine = {key(c): c for c in _conjuncts(guard)}
    others = {key(c): c for c in _conjuncts(other)}
    if not all(map(_is_always_known, (c for k, c in mine.items() if k not in others))):
        return False
    if others.keys() <= mine.keys():
        return True
    if guard is None or other is None or not all(map(_is_always_known, (guard, other))):
        return False
    return not satisfy.possible((guard, True), (other, False))


def _conjuncts(guard: core.Core | None) -> Iterator[core.Core]:
    if isinstance(guard, core.And):
        for operand in guard.operands:
            yield from _conjuncts(operand)
    elif guard is not None:
        yield guard


def _is_always_known(whole: core.Core) -> bool:
    """Tell whether an expression is never undetermined."""
    unsure = (core.GateResult, core.EvidenceField, core.Quantified)
    return not any(isinstance(n, unsure) or (isinstance(n, core.ChangeField) and n.nullable) for n in core.walk(whole))
