"""Check what stands beside rules: waivers, overrides and invariants. AST in, core out, problems reported on the way."""

from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import UTC, datetime
from hashlib import sha256

from gatecheck.lang import ast, core, types, unparse
from gatecheck.lang.expressions import Names, Resolver
from gatecheck.lang.points import resolve
from gatecheck.lang.quorum import Quorums
from gatecheck.text.diagnostic import Diagnostic
from gatecheck.text.nearest import did_you_mean
from gatecheck.text.source import Span
from gatecheck.text.zones import zone_names

_NEVER = datetime.max.replace(tzinfo=UTC)


class Besides:
    """Checks one pack's waivers, overrides and invariants; ``rules`` and ``gates`` are the names that it declares."""

    def __init__(
        self, names: Names, quorums: Quorums, rules: Collection[str], gates: Collection[str],
        report: Callable[[Diagnostic], None],
    ) -> None:  # fmt: skip
        self.names = names
        self.quorums = quorums
        self.rules = rules
        self.gates = gates
        self.report = report

    # -- waivers

    def waiver(self, w: ast.Waiver) -> core.Waiver:
        """Return the checked form of `waive … for … until … { … }`."""
        for name, span in zip(w.targets, w.target_spans, strict=True):
            self.check_target(name, span)
        owners = [i for i in w.items if isinstance(i, ast.Owner)]
        reasons = [i.reason for i in w.items if isinstance(i, ast.Because)]
        named = ", ".join(w.targets)
        if not owners:
            self.problem("GC212", f"the waiver of {named} has no owner", _start(w), "add `owner`: who answers for it")
        for extra in owners[1:]:
            self.problem("GC203", "a waiver has one owner", extra.span, "keep one")
        if not any(reason.strip() for reason in reasons):
            self.problem("GC212", f"the waiver of {named} says no reason", _start(w), 'add `because "…"`')
        return core.Waiver(
            tuple(sorted({t for t in w.targets if t in self.gates})),
            tuple(sorted({t for t in w.targets if t in self.rules and t not in self.gates})),
            self.environments(w.environments, w.environment_spans), self.instant(w.until),
            self.guard([i.condition for i in w.items if isinstance(i, ast.AppliesWhen)]),
            owners[0].name if owners else "", " ".join(reasons), w.span,
        )  # fmt: skip

    def check_target(self, name: str, span: Span) -> None:
        if name in self.names.broken:
            return
        if name in self.gates and name in self.rules:
            self.problem("GC203", f"`{name}` names both a gate and a rule", span, "rename one of them")
        elif name not in self.gates and name not in self.rules:
            near = did_you_mean(name, [*self.gates, *self.rules])
            self.problem("GC201", f"there is no gate and no rule `{name}`", span, near)

    # -- overrides

    def override(self, o: ast.Override) -> core.Override:
        """Return the checked form of `override … { … }`."""
        approvals = [i for i in o.items if isinstance(i, ast.Approve)]
        reviews = [i for i in o.items if isinstance(i, ast.Review)]
        if not approvals:
            message = f"the override `{o.name}` asks nobody"
            self.problem("GC212", message, _start(o), "add `approve by …`: who may break the glass")
        for extra in reviews[1:]:
            self.problem("GC203", "an override owes one review", extra.span, "name all its groups in one `review by`")
        for review in reviews:
            self.quorums.check_known(review, review.groups)
        environments = self.environments(o.environments, o.environment_spans)
        because = " ".join(i.reason for i in o.items if isinstance(i, ast.Because))
        return core.Override(
            o.name, o.title, environments,
            self.guard([i.condition for i in o.items if isinstance(i, ast.AppliesWhen)]),
            tuple(self.approval(o, a, environments, because) for a in approvals),
            tuple(sorted({g for r in reviews for g in r.groups})), min((r.within for r in reviews), default=None),
            because, o.span,
        )  # fmt: skip

    def approval(self, o: ast.Override, a: ast.Approve, environments: tuple[str, ...], because: str) -> core.Statement:
        for each in a.excluding:
            self.environments(each.environments, [each.span] * len(each.environments))
        text = unparse.statement(a)
        name = f"{o.name}/override-{sha256(text.encode()).hexdigest()[:8]}"
        return core.Statement(
            name, o.name, o.title, "override", environments, None, text, a.span, because,
            approval=self.quorums.approval(a, environments),
        )  # fmt: skip

    # -- invariants

    def invariant(self, i: ast.Invariant) -> core.Invariant:
        """Return the checked form of `invariant … { … }`."""
        guard = None if i.guard is None else self.resolver().condition(i.guard)
        conditions = [c for item in i.items if isinstance(item, ast.Require) for c in item.conditions]
        if not conditions:
            self.problem("GC212", f"the invariant `{i.name}` claims nothing", _start(i), "add `require …`")
        return core.Invariant(
            i.name, i.title, self.environments(i.environments, i.environment_spans), guard,
            tuple(self.resolver().condition(c) for c in conditions),
            " ".join(item.reason for item in i.items if isinstance(item, ast.Because)), i.span,
        )  # fmt: skip

    def resolver(self) -> Resolver:
        return Resolver(self.names, of_decision=True)

    # -- shared

    def environments(self, names: Iterable[str], spans: Iterable[Span]) -> tuple[str, ...]:
        """Return the environments of a scope, and report those that nobody declares."""
        known = self.names.environments
        for name, span in zip(names, spans, strict=True):
            if name not in known:
                self.problem("GC206", f"there is no environment `{name}`", span, did_you_mean(name, known))
        return tuple(sorted(set(names)))

    def guard(self, conditions: list[ast.Expression]) -> core.Core | None:
        made = tuple(Resolver(self.names).condition(c) for c in conditions)
        if len(made) < 2:
            return made[0] if made else None
        text = " and ".join(f"({g.text})" if isinstance(g, core.Or) else g.text for g in made)
        return core.And(types.BOOL, text, made)

    def instant(self, point: ast.Point) -> datetime:
        """Return the instant of a point, and report a zone that nobody knows."""
        if point.zone and point.zone not in zone_names():
            near = did_you_mean(point.zone, zone_names())
            self.problem("GC208", f"there is no time zone `{point.zone}`", point.span, near)
            return _NEVER
        return resolve(point)

    def problem(self, code: str, message: str, span: Span, hint: str) -> None:
        self.report(Diagnostic(code, message, span, "", hint))


def duties(
    statements: Iterable[ast.Statement], instant: Callable[[ast.Point], datetime]
) -> Mapping[str, bool | datetime]:
    """Return what `advisory` and `effective from` say of a whole rule, as fields of its statements."""
    found: dict[str, bool | datetime] = {}
    for s in statements:
        if isinstance(s, ast.Advisory):
            found["advisory"] = True
        elif isinstance(s, ast.Effective):
            point = instant(s.point)
            other = found.get("effective_from", point)
            found["effective_from"] = min(point, other) if isinstance(other, datetime) else point
    return found


def _start(node: ast.Waiver | ast.Override | ast.Invariant) -> Span:
    """Return the place of a declaration's first words: what is said of the whole need not underline all of it."""
    word = {ast.Waiver: "waive", ast.Override: "override", ast.Invariant: "invariant"}[type(node)]
    name = node.targets[0] if isinstance(node, ast.Waiver) else node.name
    at = node.span
    return Span(at.file, at.line, at.column, at.line, at.column + len(word) + 1 + len(name))
