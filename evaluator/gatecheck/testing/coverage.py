"""What the tests of a pack reach: each statement in scope, each guard true and false, each risk, waiver and override.

Every one of these is a goal, known before anything runs; what was decided tells which of them were met. Guards are
those that the engine looked at, through a traced program, so that coverage can't disagree with the decisions.
"""

from collections.abc import Iterable, Mapping
from typing import TypeVar

from msgspec import Struct

from gatecheck.engine.invariants import INVARIANTS, Claim, Facts, approvers
from gatecheck.engine.program import Program, prepared
from gatecheck.engine.trace import Trace
from gatecheck.lang import core
from gatecheck.model.decision import Decision
from gatecheck.model.request import Request
from gatecheck.text.source import Span


class Goal(Struct, frozen=True):
    """One thing that tests should reach: of which ``kind``, and where it is said; ``text`` names it."""

    kind: str
    text: str
    file: str
    line: int
    column: int


_Key = TypeVar("_Key")
SORTS = ("statement", "guard", "risk", "waiver", "override", "invariant")
_UNMET = {
    "statement": "never in scope", "guard": "its `when` is never false", "risk": "never decides",
    "waiver": "never used", "override": "never used", "invariant": "no case that allows is in its scope",
}  # fmt: skip


class Coverage:
    """The goals of a pack, and which of them its tests met."""

    def __init__(self, pack: core.Pack) -> None:
        self.pack = pack
        self._statements = {s.id: _goal("statement", s.text, s.span) for s in pack.statements}
        self._guards = {s.id: _goal("guard", s.text, s.span) for s in pack.statements if s.guard is not None}
        self._risks = {
            (pack.levels[c.rank], c.condition.text, c.span.file, c.span.line): _goal(
                "risk", f"{pack.levels[c.rank]} when {c.condition.text}", c.span
            )
            for c in pack.cases
        }
        self._waivers = {
            (w.span.file, w.span.line, w.span.column): _goal("waiver", _waived(w), w.span) for w in pack.waivers
        }
        self._overrides = {o.name: _goal("override", o.name, o.span) for o in pack.overrides}
        self._invariants = {i.name: _goal("invariant", i.name, i.span) for i in pack.invariants}
        self.met: set[Goal] = set()

    def note(self, program: Program, request: Request, decision: Decision, trace: Trace) -> None:
        """Take in one decision, and the ``trace`` of how it was made."""
        for name, applied in trace.outcomes():
            if applied:
                self.met.add(self._statements[name])
            elif applied is False and name in self._guards:
                self.met.add(self._guards[name])
        self._meet(self._risks, [(decision.risk, *reason) for reason in decision.reasons])
        self._meet(self._waivers, [(w.file, w.line, w.column) for w in decision.waivers])
        self._meet(self._overrides, [] if decision.override is None else [decision.override.name])
        if decision.verdict == "allow" and self._invariants:
            self._meet(self._invariants, _claimed(program, request, decision))

    def _meet(self, goals: Mapping[_Key, Goal], keys: Iterable[_Key]) -> None:
        self.met.update(goals[key] for key in keys if key in goals)

    # -- the outcome

    def goals(self) -> list[Goal]:
        """Return all goals, sorted by place and kind."""
        every = (
            self._statements, self._guards, self._risks, self._waivers, self._overrides, self._invariants
        )  # fmt: skip
        return sorted({g for goals in every for g in goals.values()}, key=_order)

    def unmet(self) -> list[Goal]:
        """Return the goals that no test meets."""
        return [g for g in self.goals() if g not in self.met]

    def counts(self) -> dict[str, tuple[int, int]]:
        """Return of each kind that the pack has how many goals are met, of how many."""
        found = {}
        for kind in SORTS:
            goals = [g for g in self.goals() if g.kind == kind]
            if goals:
                found[kind] = (sum(g in self.met for g in goals), len(goals))
        return found

    def percent(self) -> float:
        """Return the share of goals that are met, in percent rounded down to two places; 100 of nothing."""
        goals = self.goals()
        return (len(goals) - len(self.unmet())) * 10_000 // len(goals) / 100 if goals else 100.0


def unmet_text(goal: Goal) -> str:
    """Say of a goal that it is not met."""
    return f"{_UNMET[goal.kind]}: {goal.text}"


def _goal(kind: str, text: str, span: Span) -> Goal:
    return Goal(kind, text, span.file, span.line, span.column)


def _order(goal: Goal) -> tuple[str, int, int, str, int]:
    return goal.file, goal.line, SORTS.index(goal.kind), goal.text, goal.column


def _waived(w: core.Waiver) -> str:
    return f"waive {', '.join([*w.gates, *w.rules])}"


def _claimed(program: Program, request: Request, decision: Decision) -> list[str]:
    """Return the invariants that claim something of a decision that allows."""
    claims = program.beside(INVARIANTS, decision.environment, {"Claim": Claim}).get("claims", ())
    if not claims:
        return []
    x = prepared(program, request)
    x.risk = program.levels.index(decision.risk)
    facts = Facts(len(approvers(decision)), decision.override is not None)
    return [c.name for c in claims if c.guard is None or c.guard(x, facts) is not False]
