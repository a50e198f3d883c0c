"""Check a pack: declarations of all its files against each other and the vocabulary, to one core.Pack.

The order of files, rules and statements never matters: statements are named by what they say and sorted by that name.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from hashlib import sha256
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from msgspec.structs import replace

from gatecheck.lang import ast, besides, core, coverage, meant, types, unparse, vocabulary
from gatecheck.lang.besides import Besides
from gatecheck.lang.check_scenarios import check_scenarios
from gatecheck.lang.expressions import Names, Resolver
from gatecheck.lang.quorum import Quorums
from gatecheck.lang.types import Type
from gatecheck.text.diagnostic import Diagnostic
from gatecheck.text.nearest import did_you_mean
from gatecheck.text.source import Span
from gatecheck.text.zones import zone_names

if TYPE_CHECKING:
    from gatecheck.lang.draft import KeptRules

UNRATED = "unrated"  # the only risk level of a pack that declares none
_TYPES = ("bool", "date", "decimal", "duration", "instant", "int", "percent", "string")
_Guard = tuple[core.Core, Span]
_Named = TypeVar(
    "_Named", ast.Environment, ast.Attribute, ast.Group, ast.Window, ast.Let, ast.EvidenceKind, ast.Gate, ast.Rule,
    ast.Override, ast.Invariant, ast.Scenario,
)  # fmt: skip


class Checked:
    """What checking a pack gives: the pack where there is no error, and all that was noticed."""

    def __init__(self, pack: core.Pack | None, diagnostics: tuple[Diagnostic, ...]) -> None:
        self.pack = pack
        self.diagnostics = diagnostics


def check(
    files: Sequence[ast.File], digest: str, digests: tuple[tuple[str, str], ...],
    schemas: Mapping[str, bytes] = MappingProxyType({}), kept: "KeptRules | None" = None,
) -> Checked:  # fmt: skip
    """Check parsed files as one pack; ``digest`` and ``digests`` name its bytes, ``schemas`` are its other files.

    ``kept`` knows what checking rules gave the last time, for a pack that is being edited.
    """
    declarations = [d for f in files for d in f.declarations]
    if kept is not None:
        kept.start_round(declarations, schemas)
    checker = _Checker(declarations, kept)
    pack = checker.pack(digest, digests, schemas)
    unique = in_order(set(checker.problems))
    return Checked(None if any(d.severity == "error" for d in unique) else pack, unique)


def in_order(problems: Iterable[Diagnostic]) -> tuple[Diagnostic, ...]:
    """Return diagnostics in the order of their places."""
    return tuple(sorted(problems, key=lambda d: (d.span or Span("", 0, 0, 0, 0), d.code, d.message)))


class CheckedRule(NamedTuple):
    """What checking one rule gave: its statements, what was noticed, and the places of its guards."""

    statements: list[core.Statement]
    problems: list[Diagnostic]
    places: dict[str, Span]


class _Checker:
    def __init__(self, declarations: Sequence[ast.Declaration], kept: "KeptRules | None") -> None:
        self.kept = kept
        self.problems: list[Diagnostic] = []
        self.places: dict[str, Span] = {}
        self.broken = frozenset(
            d.name if d.kind != "risk" else "risk" for d in declarations if isinstance(d, ast.Broken)
        )
        declarations = [*declarations, *_stand_ins(declarations)]
        self.environments = self.named(declarations, ast.Environment, "environment")
        self.attributes = self.named(declarations, ast.Attribute, "attribute")
        self.groups = self.named(declarations, ast.Group, "group")
        self.windows = self.named(declarations, ast.Window, "window")
        self.lets = self.named(declarations, ast.Let, "let")
        self.kinds = self.named(declarations, ast.EvidenceKind, "kind of evidence")
        self.gates = self.named(declarations, ast.Gate, "gate")
        self.rules = self.named(declarations, ast.Rule, "rule")
        self.overrides = self.named(declarations, ast.Override, "override")
        self.invariants = self.named(declarations, ast.Invariant, "invariant")
        self.scenarios = self.named(declarations, ast.Scenario, "test")
        self.waivers = [d for d in declarations if isinstance(d, ast.Waiver)]
        self.risk = self.only_risk([d for d in declarations if isinstance(d, ast.Risk)])
        for name in sorted(set(self.lets) & set(self.gates) - self.broken):
            self.problem("GC203", f"`{name}` names both a `let` and a gate", self.lets[name].span, "", "rename one")

    def named(self, declarations: Iterable[ast.Declaration], kind: type[_Named], word: str) -> dict[str, _Named]:
        found: dict[str, _Named] = {}
        for d in declarations:
            if not isinstance(d, kind):
                continue
            if d.name in found:
                first = found[d.name].span
                self.problem(
                    "GC203", f"the {word} `{d.name}` is declared twice", d.span, "", f"the first is at {first}"
                )
            else:
                found[d.name] = d
        return found

    def only_risk(self, declared: list[ast.Risk]) -> ast.Risk | None:
        for extra in declared[1:]:
            first = declared[0].span
            self.problem("GC203", "risk is declared twice", extra.span, "", f"the first is at {first}")
        return declared[0] if declared else None

    def problem(self, code: str, message: str, span: Span, label: str = "", hint: str = "") -> None:
        self.problems.append(Diagnostic(code, message, span, label, hint))

    # -- the pack

    def pack(
        self, digest: str, digests: tuple[tuple[str, str], ...], schemas: Mapping[str, bytes]
    ) -> core.Pack:  # fmt: skip
        environments = self.check_environments()
        levels = self.check_levels()
        attributes = {name: self.check_attribute(a) for name, a in self.attributes.items()}
        own = self.own_kinds(schemas)
        gate_types = {name: self.gate_type(g, own) for name, g in self.gates.items()}
        risk = Type("risk", levels, ordered=True) if self.risk is not None else None
        types_of_attributes = {name: a.type for name, a in attributes.items()}
        self.names = Names(
            vocabulary.change_type(), risk, types_of_attributes, gate_types, self.lets, self.windows,
            environments, self.broken, self.problems.append,
        )  # fmt: skip
        windows = {name: self.check_window(w) for name, w in self.windows.items()}
        gates = {name: self.check_gate(g, gate_types[name]) for name, g in self.gates.items()}
        for name, let in self.lets.items():
            Resolver(self.names).reference(ast.Reference(let.span, (name,)), None)
        cases, otherwise = self.check_cases(levels)
        self.quorums = Quorums({n: g.members for n, g in self.groups.items()}, self.problems.append)
        self.besides = Besides(self.names, self.quorums, self.rules, self.gates, self.problems.append)
        statements = self.check_rules(environments)
        if not environments:
            span = Span(next((path for path, _ in digests if path not in schemas), ""), 1, 1, 1, 2)
            self.problem("GC212", "the pack declares no environment", span, "", "such as `environment production`")
        pack = core.Pack(
            digest, digests, environments, levels, cases, otherwise, attributes,
            {name: g.members for name, g in self.groups.items()}, windows, gates,
            tuple(statements[i] for i in sorted(statements)),
            kinds=own,
            waivers=tuple(self.besides.waiver(w) for w in self.waivers),
            overrides=tuple(self.besides.override(o) for _, o in sorted(self.overrides.items())),
            invariants=tuple(self.besides.invariant(i) for _, i in sorted(self.invariants.items())),
            lets=tuple(core.Let(n, unparse.expression(let.value), let.span) for n, let in sorted(self.lets.items())),
            scenarios=tuple(s for _, s in sorted(self.scenarios.items())),
            places=self.places | self.declared_at(),
        )  # fmt: skip
        check_scenarios(pack, self.rules, self.broken, self.problems.append)
        if not self.broken and not any(d.severity == "error" for d in self.problems):
            self.problems += coverage.undecided(pack)
            self.problems += coverage.constant_guards(pack)
        return pack

    def declared_at(self) -> dict[str, Span]:
        """Return the places of names, by the kind of what has the name."""
        found = {f"environment {name}": d.span for name, d in self.environments.items()}
        found |= {f"group {name}": d.span for name, d in self.groups.items()}
        found |= {f"window {name}": d.span for name, d in self.windows.items()}
        found |= {f"gate {name}": _head(d, "gate") for name, d in self.gates.items()}
        found |= {f"rule {name}": _head(d, "rule") for name, d in self.rules.items()}
        return found

    def check_environments(self) -> dict[str, tuple[str, ...]]:
        for env in self.environments.values():
            for earlier, span in zip(env.after, env.after_spans, strict=True):
                if earlier not in self.environments:
                    near = did_you_mean(earlier, self.environments)
                    self.problem("GC206", f"there is no environment `{earlier}`", span, "", near)
        told: set[str] = set()
        for name in sorted(self.environments):
            circle = self.circle(name)
            if circle and not told & set(circle):
                message = f"the environment `{name}` comes after itself"
                label = " after ".join(circle)
                self.problem("GC209", message, self.environments[name].span, label, "one environment must be the first")
            told |= set(circle)
        return {name: tuple(sorted(set(env.after))) for name, env in self.environments.items()}

    def circle(self, name: str) -> list[str]:
        """Return the shortest way from an environment back to itself through `after`, or nothing."""
        came: dict[str, str] = {}
        pending = [name]
        for later in pending:  # which grows
            for earlier in self.environments[later].after:
                if earlier in self.environments and earlier not in came:
                    came[earlier] = later
                    pending.append(earlier)
        if name not in came:
            return []
        way = [came[name], name]
        while way[0] != name:
            way.insert(0, came[way[0]])
        return way

    def check_levels(self) -> tuple[str, ...]:
        if self.risk is None:
            return (UNRATED,)
        levels = self.risk.levels
        for name in sorted({n for n in levels if levels.count(n) > 1}):
            self.problem("GC203", f"the risk level `{name}` stands twice", self.risk.span)
        return levels

    def check_cases(self, levels: tuple[str, ...]) -> tuple[tuple[core.RiskCase, ...], int]:
        if self.risk is None:
            return (), 0
        cases, otherwise = [], None
        for case in self.risk.cases:
            if case.level not in levels:
                near = did_you_mean(case.level, levels)
                self.problem("GC215", f"there is no risk level `{case.level}`", case.span, "", near)
                continue
            if case.condition is None:
                if otherwise is not None:
                    self.problem("GC203", "`otherwise` stands twice", case.span, "", "keep one")
                otherwise = levels.index(case.level)
            else:
                condition = Resolver(self.names, within_risk=True).condition(case.condition)
                cases.append(core.RiskCase(levels.index(case.level), condition, case.span))
        if otherwise is None:
            hint = f"add `otherwise {levels[-1]}`"
            self.problem("GC212", "risk does not say what holds otherwise", _head(self.risk, "risk"), "", hint)
        ordered = sorted(cases, key=lambda c: (-c.rank, c.condition.text))
        return tuple(ordered), otherwise or 0

    def check_type(self, written: ast.TypeName) -> Type:
        if written.name in _TYPES:
            return types.SCALARS[written.name]
        hint = did_you_mean(written.name, _TYPES)
        self.problem("GC202", f"there is no type `{written.name}`", written.span, "", hint)
        return types.UNKNOWN

    def check_attribute(self, a: ast.Attribute) -> core.Attribute:
        type_ = self.check_type(a.type)
        if vocabulary.change_type().field(a.name) is not None:
            message = f"`{a.name}` is already a field of every change"
            self.problem("GC203", message, a.span, "", "choose another name")
        if a.default is None:
            return core.Attribute(a.name, type_, has_default=False, default=None)
        found = types.BOOL if a.default.kind == "bool" else types.SCALARS[a.default.kind]
        value = a.default.value
        if type_ in (found, types.UNKNOWN) or (type_ == types.DECIMAL and found == types.INT):
            return core.Attribute(a.name, type_, has_default=True, default=value)
        message = f"the default of `{a.name}` is {meant.a(found)}, and its type is {type_}"
        self.problem("GC202", message, a.default.span, "", meant.written_as(unparse.literal(a.default), found, type_))
        return core.Attribute(a.name, type_, has_default=True, default=None)

    def check_window(self, w: ast.Window) -> core.WindowSpec:
        if w.zone not in zone_names():
            near = did_you_mean(w.zone, zone_names())
            self.problem("GC208", f"there is no time zone `{w.zone}`", w.zone_span, "", near)
        weekly = tuple(sorted((s.days, s.start, s.end) for s in w.spans if isinstance(s, ast.Weekly)))
        dated = tuple(sorted((s.start, s.end) for s in w.spans if isinstance(s, ast.Dated)))
        return core.WindowSpec(w.name, w.zone, weekly, dated)

    # -- gates

    def own_kinds(self, schemas: Mapping[str, bytes]) -> dict[str, core.OwnKind]:
        if not self.kinds:
            return {}
        from gatecheck.lang.kinds import own_kinds

        return own_kinds(self.kinds, schemas, self.problems.append)

    def gate_type(self, gate: ast.Gate, own: Mapping[str, core.OwnKind]) -> tuple[Type, dict[str, Type]]:
        kinds = {**{name: kind.type for name, kind in own.items()}, **vocabulary.evidence_kinds()}
        known = {*kinds, *self.kinds, *self.broken}
        if gate.kind not in known:
            near = did_you_mean(gate.kind, sorted({*kinds, *self.kinds}))
            self.problem("GC207", f"there is no kind of evidence `{gate.kind}`", gate.kind_span, "", near)
        declared = {f.name: self.check_type(f.type) for f in gate.items if isinstance(f, ast.Field)}
        if declared and gate.kind != "check":
            first = next(f for f in gate.items if isinstance(f, ast.Field))
            message = f"the fields of {gate.kind} are known already"
            self.problem("GC203", message, first.span, "", "only a gate `from check` declares fields")
        return kinds.get(gate.kind, types.UNKNOWN), declared

    def check_gate(self, gate: ast.Gate, type_: tuple[Type, dict[str, Type]]) -> core.Gate:
        conditions = [i for i in gate.items if isinstance(i, ast.PassWhen)]
        if not conditions:
            self.problem(
                "GC212", f"the gate `{gate.name}` does not say when it passes", gate.span, "", "add `pass when …`"
            )
            condition: core.Core = core.Const(types.UNKNOWN, "", None)
        elif type_[0] == types.UNKNOWN:
            condition = core.Const(types.UNKNOWN, "", None)
        else:
            self.places[f"pass {gate.name}"] = conditions[0].condition.span.to(conditions[-1].condition.span)
            made = [Resolver(self.names, gate.name).condition(c.condition) for c in conditions]
            condition = (
                made[0] if len(made) == 1 else core.And(types.BOOL, " and ".join(m.text for m in made), tuple(made))
            )
        fresh = [i.duration for i in gate.items if isinstance(i, ast.FreshFor)]
        remedy = " ".join(i.text for i in gate.items if isinstance(i, ast.Remedy))
        bound = any(isinstance(i, ast.Bound) for i in gate.items)
        signers = tuple(sorted({s for i in gate.items if isinstance(i, ast.SignedBy) for s in i.signers}))
        fields = tuple(sorted(type_[1].items(), key=lambda pair: pair[0]))
        return core.Gate(
            gate.name, gate.kind, gate.producer, condition, fields, min(fresh, default=None), bound, remedy, gate.span,
            signers,
        )  # fmt: skip

    # -- rules

    def check_rules(self, environments: Iterable[str]) -> dict[str, core.Statement]:
        """Return statements by id; what a rule says twice is one statement, with the remedy that sorts last."""
        found: dict[str, core.Statement] = {}
        for rule in self.rules.values():
            made = self.kept.get(rule) if self.kept is not None else None
            if made is None:
                made = self.checked_rule(rule, environments)
            if self.kept is not None:
                self.kept.keep(rule, made)
            self.problems += made.problems
            self.places |= made.places
            for s in made.statements:
                other = found.setdefault(s.id, s)
                if other.text != s.text:  # which chance brings about never, and somebody could
                    message = f"`{s.text}` and `{other.text}` get the same id"
                    self.problem("GC203", message, s.span, "", "write one of them differently")
                elif s.remedy > other.remedy:
                    found[s.id] = s
        return found

    def checked_rule(self, rule: ast.Rule, environments: Iterable[str]) -> CheckedRule:
        noticed, places = len(self.problems), self.places
        self.places = {}
        made = CheckedRule(self.check_rule(rule, environments), self.problems[noticed:], self.places)
        del self.problems[noticed:]
        self.places = places
        return made

    def check_rule(self, rule: ast.Rule, environments: Iterable[str]) -> list[core.Statement]:
        known = set(environments)
        for name, span in zip(rule.environments, rule.environment_spans, strict=True):
            if name not in known:
                self.problem("GC206", f"there is no environment `{name}`", span, "", did_you_mean(name, known))
        guards = [(Resolver(self.names).condition(rule.guard), rule.guard.span)] if rule.guard is not None else []
        made: list[core.Statement] = []
        reasons = self.collect(rule, rule.statements, guards, made)
        if not made:
            self.problem(
                "GC212", f"the rule `{rule.name}` asks for nothing", rule.span, "", "add a statement, or drop it"
            )
        duties = besides.duties(rule.statements, self.besides.instant)
        return [replace(s, because=" ".join(reasons), **duties) for s in made]

    def collect(
        self, rule: ast.Rule, body: Iterable[ast.Statement], guards: list[_Guard], made: list[core.Statement]
    ) -> list[str]:
        """Append the statements of a body, each with all its guards, and return the reasons found on the way."""
        reasons: list[str] = []
        for s in body:
            if isinstance(s, ast.Because):
                reasons.append(s.reason)
            elif isinstance(s, ast.When):
                for duty in (d for d in s.body if isinstance(d, ast.Advisory | ast.Effective)):
                    said = unparse.statement(duty)
                    self.problem("GC217", f"`{said}` concerns a whole rule", duty.span, "", "put it outside of `when`")
                inner = [*guards, (Resolver(self.names).condition(s.guard), s.guard.span)]
                reasons += self.collect(rule, s.body, inner, made)
            else:
                made += self.statements(rule, s, guards)
        return reasons

    def statements(self, rule: ast.Rule, s: ast.Statement, guards: list[_Guard]) -> list[core.Statement]:
        resolver = Resolver(self.names)
        match s:
            case ast.Require():
                pairs = [(resolver.condition(c), c) for c in s.conditions]
                return [
                    self.statement(rule, "require", f"require {c.text}", w.span, guards, condition=c, remedy=s.remedy)
                    for c, w in pairs
                ]
            case ast.Forbid():
                c = resolver.condition(s.condition)
                return [
                    self.statement(rule, "forbid", f"forbid {c.text}", s.span, guards, condition=c, remedy=s.remedy)
                ]
            case ast.Approve():
                for each in s.excluding:
                    self.besides.environments(each.environments, [each.span] * len(each.environments))
                approval = self.quorums.approval(s, rule.environments)
                return [self.statement(rule, "approve", unparse.statement(s), s.span, guards, approval=approval)]
            case ast.Automatic():
                return [self.statement(rule, "automatic", unparse.statement(s), s.span, guards)]
            case ast.Deploy():
                return [self.statement(rule, "deploy", unparse.statement(s), s.span, guards, value=s.strategy)]
            case ast.Notify():
                return [self.statement(rule, "notify", unparse.statement(s), s.span, guards, value=s.target)]
        return []

    def statement(
        self, rule: ast.Rule, kind: str, text: str, span: Span, guards: list[_Guard], *,
        condition: core.Core | None = None, approval: core.Approval | None = None, value: str = "", remedy: str = "",
    ) -> core.Statement:  # fmt: skip
        guard = None
        if guards:
            each = tuple(g for g, _ in guards)
            joined = " and ".join(f"({g.text})" if isinstance(g, core.Or) else g.text for g in each)
            guard = each[0] if len(each) == 1 else core.And(types.BOOL, joined, each)
            text = f"when {joined}: {text}"
        environments = tuple(sorted(set(rule.environments)))
        if isinstance(condition, core.GateResult) and guard is None and kind == "require":
            name = condition.gate
        else:
            name = f"{kind}-{sha256(text.encode()).hexdigest()[:8]}"
        if guards:
            self.places[f"guard {rule.name}/{name}"] = guards[-1][1]
        return core.Statement(
            f"{rule.name}/{name}", rule.name, rule.title, kind, environments, guard, text, span,
            "", condition, approval, value, remedy,
        )  # fmt: skip


def _stand_ins(declarations: Sequence[ast.Declaration]) -> Iterator[ast.Declaration]:
    """Yield declarations in the place of those that did not parse, so that who uses their names is not blamed."""
    declared = {(type(d), d.name) for d in declarations if isinstance(d, ast.Environment | ast.Group | ast.Window)}
    for d in declarations:
        if isinstance(d, ast.Broken) and d.name:
            made: tuple[ast.Environment | ast.Group | ast.Window, ...] = (
                ast.Environment(d.span, d.name, ()),
                ast.Group(d.span, d.name, None),
                ast.Window(d.span, d.name, (), "UTC", d.span),
            )
            for stand_in, kind in zip(made, ("environment", "group", "window"), strict=True):
                if d.kind in (kind, "") and (type(stand_in), d.name) not in declared:
                    yield stand_in


def _head(declaration: ast.Risk | ast.Gate | ast.Rule, word: str) -> Span:
    """Return the place of a declaration's first words: what is said of the whole need not underline all of it."""
    start = declaration.span
    end = start.column + len(word) + (0 if isinstance(declaration, ast.Risk) else 1 + len(declaration.name))
    return Span(start.file, start.line, start.column, start.line, end)
