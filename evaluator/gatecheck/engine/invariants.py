"""Hold a decision that allows against the pack's invariants, which no decision itself looks at."""

from collections.abc import Callable
from typing import Any, NamedTuple

from gatecheck.engine.evaluation import Evaluation
from gatecheck.engine.kleene import Truth
from gatecheck.engine.program import Program, prepared
from gatecheck.engine.record import written
from gatecheck.model.decision import Decision
from gatecheck.model.request import Request

INVARIANTS = "/invariants"  # stands in the place of an environment, whose name holds no slash


class Claim(NamedTuple):
    """A compiled requirement of an invariant; ``leaves`` are its comparisons and the types of their values."""

    name: str
    title: str
    text: str
    because: str
    file: str
    line: int
    leaves: tuple[tuple[str, str], ...]
    guard: Callable[[Evaluation, "Facts"], Truth] | None
    test: Callable[[Evaluation, "Facts"], tuple[Truth, tuple[Any, ...]]]


class Facts(NamedTuple):
    """What an invariant may ask of a decision."""

    approvers: int
    overridden: bool


class Violation(NamedTuple):
    """A requirement of the invariant ``name`` that an `allow` does not meet.

    ``text`` is the requirement as written, ``found`` pairs its comparisons with the values found, as rules would write
    them. ``is_undetermined`` tells that nothing decides it, which is a violation too.
    """

    name: str
    title: str
    text: str
    because: str
    file: str
    line: int
    found: tuple[tuple[str, str], ...]
    is_undetermined: bool


def violated(program: Program, request: Request, decision: Decision) -> tuple[Violation, ...]:
    """Return the requirements of invariants that a decision breaks, by their names; ``decision`` is of ``request``."""
    claims = program.beside(INVARIANTS, decision.environment, {"Claim": Claim}).get("claims", ())
    if decision.verdict != "allow" or not claims:
        return ()
    x = prepared(program, request)
    x.risk = program.levels.index(decision.risk)
    facts = Facts(len(approvers(decision)), decision.override is not None)
    violations = []
    for claim in claims:
        if claim.guard is not None and claim.guard(x, facts) is False:
            continue
        truth, values = claim.test(x, facts)
        if truth is not True:
            leaves = zip(claim.leaves, values, strict=True)
            found = [(asked, written(value, kind, program.levels)) for (asked, kind), value in leaves]
            name, title, text, because, file, line = claim[:6]
            violations.append(Violation(name, title, text, because, file, line, tuple(found), truth is not False))
    return tuple(violations)


def approvers(decision: Decision) -> frozenset[str]:
    """Return the people whose approvals counted: for statements that bind, and for the override."""
    binding = [f for f in decision.findings if not f.advisory]
    own = decision.override.findings if decision.override is not None else ()
    return frozenset([approval[0] for f in (*binding, *own) for approval in f.counted])
