"""Compare a decision with what a test expects, and say of an expectation that it does not meet what came nearest."""

from collections.abc import Collection, Iterable, Sequence

from msgspec import Struct

from gatecheck.engine.record import written
from gatecheck.engine.trace import Trace, TracedProgram
from gatecheck.lang import core, scenario
from gatecheck.lang.scenario import Expectation
from gatecheck.model.decision import Action, Decision, Finding
from gatecheck.model.request import Request
from gatecheck.report.words import STATUSES


class Miss(Struct, frozen=True):
    """An expectation that was not met: what was so instead, and what came ``nearest`` or stood in the way."""

    expectation: Expectation
    actual: str
    nearest: str = ""


# -- whether


def meets(e: Expectation, decision: Decision, pack: core.Pack) -> bool:
    """Tell whether a decision is as expected."""
    match e:
        case scenario.ExpectVerdict():
            return decision.verdict == e.verdict
        case scenario.ExpectRisk():
            return decision.risk == e.level
        case scenario.ExpectOverridden():
            return (decision.override is not None) is e.is_overridden
        case scenario.ExpectObligation():
            return (e.kind, e.value) in decision.obligations
        case scenario.ExpectMissing():
            return lacks(decision.missing, pack) == set(e.names)
        case scenario.ExpectFinding():
            found = named(e, decision.findings, pack)
            return (
                worst(found) == e.status
                and all(f.advisory is e.is_advisory for f in found)
                and (e.missing is None or lacks_of(found, e.status, pack) == set(e.missing))
            )


def named(e: scenario.ExpectFinding, findings: Iterable[Finding], pack: core.Pack) -> list[Finding]:
    """Return the findings that an expectation is about: of a rule, of one gate in it, or of a gate in all rules."""
    if e.gate:
        return [f for f in findings if f.asked.rule == e.name and f.asked.gate == e.gate]
    if e.kind == "gate" or (not e.kind and e.name in pack.gates and not _of_rule(e, pack)):
        found = [f for f in findings if f.asked.gate == e.name]
        return [f for f in found if f.advisory is e.is_advisory] or found
    return [f for f in findings if f.asked.rule == e.name]


def _of_rule(e: scenario.ExpectFinding, pack: core.Pack) -> list[core.Statement]:
    return [s for s in pack.statements if s.rule == e.name and e.kind != "gate"]


def worst(findings: Collection[Finding]) -> str:
    """Return the worst status of findings, `absent` where there are none."""
    if not findings:
        return "absent"
    return min((f.status for f in findings), key=STATUSES.index)


def lacks_of(findings: Iterable[Finding], status: str, pack: core.Pack) -> set[str]:
    """Return what findings of one status lack."""
    return lacks([a for f in findings if f.status == status for a in f.actions], pack)


def lacks(actions: Iterable[Action], pack: core.Pack) -> set[str]:
    """Return the names of the groups, gates and environments that actions ask for.

    What only time brings, or nobody can mend by name, has none.
    """
    names: set[str] = set()
    for a in actions:
        if a.kind == "approve":
            names.update(a.groups)
        elif a.kind in ("evidence", "promote", "deploy") or (a.kind == "mend" and a.subject in pack.gates):
            names.add(a.subject)
    return names


# -- why not


def misses(
    unmet: Sequence[Expectation], decision: Decision, request: Request, pack: core.Pack, traced: TracedProgram
) -> list[Miss]:
    """Say of expectations that a decision does not meet what is so instead; ``traced`` is of the same pack."""
    from gatecheck.engine.program import evaluate

    evaluate(traced, request)
    why = _Why(decision, pack, traced.trace(request.environment))
    return [why.miss(e) for e in unmet]


class _Why:
    def __init__(self, decision: Decision, pack: core.Pack, trace: Trace) -> None:
        self.decision = decision
        self.pack = pack
        self.trace = trace

    def miss(self, e: Expectation) -> Miss:
        d = self.decision
        match e:
            case scenario.ExpectVerdict():
                return Miss(e, d.verdict, self.verdict(e.verdict))
            case scenario.ExpectRisk():
                return Miss(e, f"risk {d.risk}", "; ".join(text for text, _, _ in d.reasons))
            case scenario.ExpectOverridden():
                return Miss(e, "overridden" if d.override else "not overridden", self.override())
            case scenario.ExpectObligation():
                owed = [value for kind, value in d.obligations if kind == e.kind]
                stated = [s for s in self.pack.statements if (s.kind, s.value) == (e.kind, e.value)]
                return Miss(e, _listed(owed, "nothing of that kind"), self.absent(stated))
            case scenario.ExpectMissing():
                found = lacks(d.missing, self.pack)
                return Miss(e, f"missing {_listed(sorted(found), 'nothing that has a name')}", _apart(e.names, found))
            case scenario.ExpectFinding():
                return self.finding(e)

    def verdict(self, expected: str) -> str:
        deciding = [f for f in self.decision.findings if not f.advisory and f.status in ("failed", "waiting")]
        if self.decision.verdict == "allow":
            if self.decision.override is not None:
                return f"the override `{self.decision.override.name}` was used"
            return "nothing stands against it"
        status = "failed" if self.decision.verdict == "deny" else "waiting"
        against = _each_once([_name(f) for f in deciding if f.status == status])
        if expected == "deny":
            return f"nothing failed; waiting: {_listed(against, '')}"
        return f"{status}: {_listed(against, '')}"

    def override(self) -> str:
        d = self.decision
        if d.override is not None:
            return f"`{d.override.name}` was used"
        if d.verdict == "allow":
            return "nothing had to be overridden"
        for o in d.available:
            short = [a for f in o.findings if f.status != "passed" for a in f.actions]
            return f"`{o.name}` applies, and lacks {_listed(sorted(lacks(short, self.pack)), 'approvals')}"
        return "no override applies"

    def finding(self, e: scenario.ExpectFinding) -> Miss:
        found = named(e, self.decision.findings, self.pack)
        name = f"{e.name}/{e.gate}" if e.gate else e.name
        if not found:
            return Miss(e, f"{name} absent", self.absent(self.statements(e)))
        status = worst(found)
        lacking = lacks_of(found, status, self.pack)
        is_advisory = found[0].advisory
        words = [name, *(["advisory"] if is_advisory else []), status]
        actual = " ".join(words) + (f" for {', '.join(sorted(lacking))}" if lacking else "")
        if status != e.status:
            return Miss(e, actual, "; ".join(_each_once([self.rests_on(f) for f in found if f.status == status])))
        if is_advisory is not e.is_advisory:
            return Miss(e, actual, "it only advises" if is_advisory else "it does decide")
        return Miss(e, actual, _apart(e.missing or (), lacking))

    def statements(self, e: scenario.ExpectFinding) -> list[core.Statement]:
        """Return the statements whose findings an expectation is about."""
        of_rule = _of_rule(e, self.pack)
        wanted = e.gate or e.name
        if of_rule and not e.gate:
            return of_rule
        return [
            s for s in of_rule or self.pack.statements
            if isinstance(s.condition, core.GateResult) and s.kind == "require" and s.condition.gate == wanted
        ]  # fmt: skip

    def absent(self, statements: Sequence[core.Statement]) -> str:
        """Say why statements are out of scope: another environment, or the comparison that their guard fails."""
        if not statements:
            return ""
        here = [s for s in statements if self.decision.environment in s.environments]
        if not here:
            elsewhere = sorted({e for s in statements for e in s.environments})
            return f"it is for {', '.join(elsewhere)}, and this goes to {self.decision.environment}"
        return "; ".join(_each_once([self.false(s.guard) for s in here if s.guard is not None]))

    def false(self, guard: core.Core) -> str:
        """Return the part of a guard that is false, with what was found."""
        if isinstance(guard, core.And):
            for operand in guard.operands:
                if self.trace.of(operand).truth is False:
                    return self.false(operand)
        values = [
            written(value, _kind(part), self.pack.levels)
            for part, value in zip(_looked_at(guard), self.trace.of(guard).values, strict=False)
        ]
        found = f" (found {', '.join(values)})" if values else ""
        return f"`when {guard.text}` does not hold{found}"

    def rests_on(self, f: Finding) -> str:
        compared = [
            f"{text} (found {written(value, kind, self.pack.levels)})"
            for (text, kind), value in zip(f.asked.leaves, f.values, strict=False)
        ]
        reasons = [a.reason or (a.subject if a.kind in ("wait", "settle") else "") for a in f.actions]
        said = _each_once([*compared, f.note, *reasons])
        return ": ".join(part for part in (f.asked.text, "; ".join(said)) if part)


def _looked_at(node: core.Core) -> list[core.Core]:
    return [part for part in core.parts(node) if not isinstance(part, core.Const)]


def _kind(node: core.Core) -> str:
    type_ = node.type
    if not type_.is_enumeration or type_.name in ("risk", "severity"):
        return type_.name
    return "symbol"


def _name(f: Finding) -> str:
    return f"{f.asked.rule}/{f.asked.gate}" if f.asked.gate else f.asked.rule


def _apart(expected: Iterable[str], found: Iterable[str]) -> str:
    """Say in what two sets of names differ."""
    more, less = sorted(set(found) - set(expected)), sorted(set(expected) - set(found))
    parts = [f"also {', '.join(more)}" if more else "", f"not {', '.join(less)}" if less else ""]
    return "; ".join(part for part in parts if part)


def _listed(names: Sequence[str], nothing: str) -> str:
    return ", ".join(names) if names else nothing


def _each_once(texts: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(text for text in texts if text))
