"""A rule that another one covers (GC307): whatever it asks is asked already, so it can go, or it says too little.

A rule is covered if one other rule says each of its statements for each of its environments, at least as often: without
a `when`, or under one that holds whenever the rule's own does. A `when` that evidence may leave undetermined asks for
something by itself, namely that evidence. Of two rules that say the same the later one is reported.
"""

from collections import defaultdict
from collections.abc import Hashable, Iterator
from itertools import islice

from gatecheck.lang import core
from gatecheck.lint.satisfy import Satisfy, key
from gatecheck.text.diagnostic import Diagnostic

_MOST_COMPARED = 20  # statements that one is compared with: a pack may hold thousands that differ in their `when` only


def shadowed(pack: core.Pack) -> Iterator[Diagnostic]:
    """Warn of each rule that another covers; of rules that a waiver names nothing is said."""
    said = _Said(pack)
    covered = {rule: said.covering(rule) for rule in said.rules}
    for rule, by in sorted(covered.items()):
        place = pack.places[f"rule {rule}"]
        kept = [(pack.places[f"rule {o}"], o) for o in by]
        kept = [(at, o) for at, o in kept if rule not in covered[o] or at < place]
        if kept:
            message = f"the rule `{rule}` asks for nothing that `{min(kept)[1]}` does not ask for"
            hint = "drop it, or write what it was to add"
            yield Diagnostic("GC307", message, place, "", hint, "warning")


class _Said:
    """What rules say: statements that ask the same, apart from where and when, found by a part of their `when`."""

    def __init__(self, pack: core.Pack) -> None:
        self.satisfy = Satisfy(pack)
        waived = {rule for waiver in pack.waivers for rule in waiver.rules}
        self.rules: dict[str, list[core.Statement]] = defaultdict(list)
        self.asked: dict[str, Hashable] = {}
        self.guards: dict[str, dict[Hashable, core.Core]] = {}
        self.alike: dict[Hashable, list[core.Statement]] = defaultdict(list)
        for s in sorted(pack.statements, key=lambda s: (pack.places[f"rule {s.rule}"], s.id)):
            if s.rule not in waived:
                self.rules[s.rule].append(s)
                self.asked[s.id] = _asked(s)
                self.guards[s.id] = {key(c): c for c in _conjuncts(s.guard)}
                self.alike[self.asked[s.id]].append(s)
                self.alike[self.asked[s.id], next(iter(self.guards[s.id]), None)].append(s)

    def covering(self, rule: str) -> set[str]:
        """Return the rules that cover one."""
        found: set[str] | None = None
        for s in self.rules[rule]:
            others = [o for o in self.candidates(s) if o.rule != rule and self.is_implied(s, o)]
            for environment in s.environments:
                saying = {o.rule for o in others if environment in o.environments}
                found = saying if found is None else found & saying
                if not found:
                    return set()
        return found or set()

    def candidates(self, s: core.Statement) -> Iterator[core.Statement]:
        """Yield statements that may say at least what one says: those without a `when` first."""
        asked = self.asked[s.id]
        for first in (None, *self.guards[s.id]):
            yield from islice(self.alike.get((asked, first), ()), _MOST_COMPARED)
        yield from islice(self.alike[asked], _MOST_COMPARED)

    def is_implied(self, s: core.Statement, other: core.Statement) -> bool:
        """Tell whether the other's `when` holds whenever this one's does, and is undetermined whenever that is."""
        mine, others = self.guards[s.id], self.guards[other.id]
        if not all(map(_is_always_known, (c for k, c in mine.items() if k not in others))):
            return False
        if others.keys() <= mine.keys():
            return True
        if s.guard is None or other.guard is None or not all(map(_is_always_known, others.values())):
            return False
        return not self.satisfy.possible((s.guard, True), (other.guard, False))


def _asked(s: core.Statement) -> Hashable:
    """Return what a statement asks, apart from where and when."""
    condition = key(s.condition) if s.condition is not None else None
    return s.kind, condition, s.approval, s.value, s.advisory, s.effective_from


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
