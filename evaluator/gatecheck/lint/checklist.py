"""The review list of the field, item by item: what somebody who reviews promotion rules asks first."""

from collections.abc import Callable, Collection
from datetime import datetime

from gatecheck.lang import core
from gatecheck.lang.coverage import change_types, partial
from gatecheck.lint.gates import gates_of
from gatecheck.lint.overrides import fewest
from gatecheck.lint.review import Item, Review, applies, listed, statements
from gatecheck.lint.rollback import statements_that_stop

BREAKING = ("breaking-api", "database-migration")


def checklist(
    pack: core.Pack, as_of: datetime, dev: Collection[str] = (), production: Collection[str] = ()
) -> tuple[Item, ...]:
    """Return the verdict on each item; ``dev`` and ``production`` name environments where the order does not tell.

    What is advisory, at all or as of the instant, counts for nothing.
    """
    review = Review(pack, as_of, dev, production)
    return tuple(item(review) for item in _ITEMS)


def _criteria(r: Review) -> Item:
    code, title = "GC401", "every environment has promotion criteria"
    bare = [e for e in sorted(r.pack.environments) if not r.statements(e, "require", "forbid")]
    if not bare:
        return Item(code, title, "ok", "Each environment has a `require` or `forbid`.")
    reason = f"Nothing is required in {listed(bare)}: whatever arrives may enter."
    mend = "Add a rule with `require` and what CI can tell in a minute, such as its tests."
    return Item(code, title, "attention", reason, tuple(map(r.environment, bare)), mend)


def _objective(r: Review) -> Item:
    code, title = "GC402", "automated gates are objective"
    if not r.pack.gates:
        return Item(code, title, "does not apply", "There is no gate.")
    stated = [g for g in r.gates() if not g.bound and not g.signed_by and _reads_status_only(g)]
    if not stated:
        return Item(
            code, title, "ok", "Each gate is decided by what a tool measured, or by a document that is bound or signed."
        )
    reason = f"A document that anybody could have written decides {listed(g.name for g in stated)}."
    mend = (
        "Ask for what was measured (`field p95: duration`), or make the gate `bound` or `signed by` who may state it."
    )
    return Item(code, title, "attention", reason, tuple(map(r.gate, stated)), mend)


def _reads_status_only(gate: core.Gate) -> bool:
    read = {n.name for n in core.walk(gate.condition) if isinstance(n, core.EvidenceField)}
    return gate.kind == "check" and read <= {"status"}


def _high_risk(r: Review) -> Item:
    code, title = "GC403", "approval by people only for high risk"
    manual = [s for s in r.binding if s.kind == "approve"]
    if not manual:
        return Item(code, title, "does not apply", "Nobody is asked anywhere.")
    lowest = r.pack.levels[0]
    everyday = [s for s in manual if applies(s, 0, None)]
    if not everyday:
        return Item(code, title, "ok", "Nobody is asked for a change at the lowest risk merely because it is one.")
    reason = "Somebody is asked for every change, even at the lowest risk: approvals become a habit."
    mend = f"Give it a `when`, such as `when risk > {lowest}:`, and approve the rest automatically."
    if len(r.pack.levels) == 1:
        mend = "Declare `risk`, and ask people from some level on; approve the rest automatically."
    return Item(code, title, "attention", reason, statements(everyday), mend)


def _dev(r: Review) -> Item:
    code, title = "GC404", "dev asks nobody"
    if not r.dev:
        return Item(code, title, "does not apply", "No environment comes before another.")
    asking = [s for s in r.binding if s.kind == "approve" and set(s.environments) & set(r.dev)]
    if not asking:
        return Item(code, title, "ok", f"Nobody is asked in {listed(r.dev)}.")
    reason = f"Somebody is asked in {listed(sorted({e for s in asking for e in s.environments} & set(r.dev)))}."
    mend = "Write `approve automatically` there, and let gates say what CI can tell: dev is for learning quickly."
    return Item(code, title, "attention", reason, statements(asking), mend)


def _layers(r: Review) -> Item:
    code, title = "GC405", "production asks two layers for breaking changes"
    thin = sorted(
        {
            (environment, change_type)
            for environment in r.production
            for change_type in BREAKING
            for rank in r.ranks(change_type)
            if not _has_two_layers(r.applying(environment, rank, change_type))
        }
    )
    if not thin:
        reason = f"Two people or more approve {listed(BREAKING)} in {listed(r.production)}."
        return Item(code, title, "ok", reason)
    kinds = listed(sorted({change_type for _, change_type in thin}))
    environments = sorted({environment for environment, _ in thin})
    reason = f"In {listed(environments)} fewer than two people may approve {kinds}."
    mend = f"Ask two for them, such as `when change.type in [{', '.join(BREAKING)}]: approve by tech-lead then pm`."
    return Item(code, title, "attention", reason, tuple(map(r.environment, environments)), mend)


def _has_two_layers(applying: list[core.Statement]) -> bool:
    """Tell whether one approval takes two people, or two are of groups that have none in common."""
    asked = [s.approval for s in applying if s.approval is not None]
    if any(fewest(a) >= 2 for a in asked):
        return True
    return any(not set(a.groups) & set(b.groups) for a in asked for b in asked)


def _escalation(r: Review) -> Item:
    code, title = "GC406", "an approval has an expiry or SLA, and an escalation"
    manual = [s for s in r.binding if s.approval is not None]
    if not manual:
        return Item(code, title, "does not apply", "Nobody is asked anywhere.")
    stuck = [s for s in manual if s.approval is not None and not s.approval.escalations]
    if not stuck:
        return Item(code, title, "ok", "Each approval says who may step in, and after how long.")
    timeless = [s for s in stuck if s.approval is not None and s.approval.valid_for is None]
    known = f", and {len(timeless)} set no time at all" if timeless else ""
    reason = f"{len(stuck)} of {len(manual)} approvals escalate to nobody{known}: who is away is waited for."
    mend = "Add `escalate to GROUP after 4h`, and `valid for 72h` where an approval should not last."
    return Item(code, title, "attention", reason, statements(stuck), mend)


def _soak(r: Review) -> Item:
    code, title = "GC407", "an artifact soaks before production"
    later = [e for e in r.production if r.pack.environments[e]]
    if not later:
        return Item(code, title, "does not apply", "Production comes after no environment to soak in.")
    soaking = [s for s in r.binding if s.kind == "require" and s.condition is not None]
    soaking = [s for s in soaking if any(e in s.environments and _asks_soak(s.condition, e) for e in later)]
    without = [e for e in later if not _always_soaks(r, e, soaking)]
    if not without:
        return Item(code, title, "ok", f"To enter {listed(later)} takes a stay elsewhere first.", statements(soaking))
    reason = f"An artifact may enter {listed(without)} as soon as it was allowed before, without having run anywhere."
    mend = f"Add `require soak({r.pack.environments[without[0]][0]}) >= 24h`."
    return Item(code, title, "attention", reason, tuple(map(r.environment, without)), mend)


def _asks_soak(condition: core.Core | None, environment: str) -> bool:
    """Tell whether a condition takes a stay in another environment, whatever else it asks."""
    if isinstance(condition, core.And):
        return any(_asks_soak(o, environment) for o in condition.operands)
    if not isinstance(condition, core.Soak) or condition.environment == environment:
        return False
    return condition.operator == ">" or (condition.operator == ">=" and bool(condition.duration))


def _always_soaks(r: Review, environment: str, soaking: Collection[core.Statement]) -> bool:
    """Tell whether every change but a rollback or a hotfix is asked to soak before it enters an environment."""
    guards = [s.guard for s in soaking if environment in s.environments and _asks_soak(s.condition, environment)]
    return all(
        any(guard is None or partial(guard, rank, change_type) for guard in guards)
        for change_type in change_types()
        if change_type not in ("hotfix", "rollback")
        for rank in r.ranks(change_type)
    )


def _rollback(r: Review) -> Item:
    code, title = "GC408", "there is a way back"
    binding = {s.id for s in r.binding if set(s.environments) & set(r.production)}
    stopping = [s for s in statements_that_stop(r.pack) if s.id in binding]
    aged = [s for s in r.binding if s.id in binding and s.condition is not None and _bars_the_aged(s)]
    if aged:
        reason = "A rollback has soaked for ever, and a rule asks for less."
        mend = "Write `when change.type != rollback:` before it."
        return Item(code, title, "attention", reason, statements(aged), mend)
    if stopping:
        reason = "A window stops rollbacks, too."
        mend = "Write `when change.type != rollback:` before it."
        return Item(code, title, "attention", reason, statements(stopping), mend)
    undecided = [e for e in r.production if any(not r.applying(e, rank, "rollback") for rank in r.ranks("rollback"))]
    if undecided:
        reason = f"For some rollbacks no rule is sure to decide approval in {listed(undecided)}: they may be denied."
        mend = "Add `when change.type == rollback: approve …` with whom you reach at night."
        return Item(code, title, "attention", reason, tuple(map(r.environment, undecided)), mend)
    fresh = [g.name for g in r.gates() if g.fresh_for is not None]
    reason = "A rollback waits for no soak, no earlier environment and no window."
    if fresh:
        reason += f" Evidence of it must be fresh, as all is, for {listed(fresh)}: have it made again."
    return Item(code, title, "ok", reason)


def _bars_the_aged(s: core.Statement) -> bool:
    """Tell whether a statement may stop what has soaked for ever, for that alone."""
    if s.guard is not None and partial(s.guard, None, "rollback") is False:
        return False
    wanted = s.kind == "require"

    def against(node: core.Core | None, wanted: bool) -> bool:
        if isinstance(node, core.Not):
            return against(node.operand, not wanted)
        if isinstance(node, core.And | core.Or):
            return any(against(o, wanted) for o in node.operands)
        return isinstance(node, core.Soak) and (node.operator in (">", ">=")) is not wanted

    return against(s.condition, wanted)


def _freshness(r: Review) -> Item:
    code, title = "GC409", "evidence has freshness"
    asked = {name for s in r.binding for node in (s.guard, s.condition) if node is not None for name in gates_of(node)}
    gates = [g for g in r.gates() if g.name in asked]
    if not gates:
        return Item(code, title, "does not apply", "No rule asks for evidence.")
    stale = [g for g in gates if g.fresh_for is None and not g.bound]
    if not stale:
        return Item(
            code, title, "ok", "Each gate says how old its evidence may be, or that it is about this very artifact."
        )
    reason = f"Evidence of any age, about whatever artifact, is believed for {listed(g.name for g in stale)}."
    mend = "Add `fresh for 24h`, or `bound` where the tool's report names the artifact or commit."
    return Item(code, title, "attention", reason, tuple(map(r.gate, stale)), mend)


_ITEMS: tuple[Callable[[Review], Item], ...] = (
    _criteria, _objective, _high_risk, _dev, _layers, _escalation, _soak, _rollback, _freshness,
)  # fmt: skip
