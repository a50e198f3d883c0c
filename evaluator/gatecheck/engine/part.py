"""Compile one part of a pack: gates, risk and statements of an environment, to the source of one module."""

from collections import Counter

from gatecheck.engine.emit import Emitter, Module
from gatecheck.lang import core
from gatecheck.lang.unparse import duration
from gatecheck.model.identity import fold

_MALFORMED = "(KeyError, TypeError, AttributeError, ValueError)"
GENERAL = ""  # the part of an environment that concerns every service


def gates_of(s: core.Statement) -> list[str]:
    """Return the gates that a statement looks at, each as often as it does."""
    found = []
    for root in (s.guard, s.condition):
        for node in core.walk(root) if root is not None else ():
            if isinstance(node, core.GateResult | core.EvidenceField):
                found.append(node.gate)
    return found


def _is_plain(s: core.Statement, gate: str) -> bool:
    """Tell whether a statement requires a gate, and nothing else of it."""
    return s.kind == "require" and isinstance(s.condition, core.GateResult) and s.condition.gate == gate


def members_of(pack: core.Pack, group: str) -> tuple[str, ...] | None:
    """Return a group's members in the form that names are compared in, or ``None`` where the directory names them."""
    named = pack.groups[group]
    return None if named is None else tuple(sorted({fold(person) for person in named}))


def _frozen(people: tuple[str, ...] | None) -> str:
    return repr(people) if people is None else f"frozenset({people!r})"


class Part:
    """The module of one part."""

    def __init__(self, pack: core.Pack, environment: str, service: str, uses: Counter[str]) -> None:
        self.pack = pack
        self.uses = uses
        self.environment = environment
        self.service = service
        self.module = Module()
        self.gates: dict[str, str] = {}
        self.gate_leaves: dict[str, tuple[tuple[str, str], ...]] = {}
        self.body: list[str] = []

    def source(self, statements: list[core.Statement]) -> str:
        for name in self.shared(statements):
            self.gate(self.pack.gates[name])
        general = self.service == GENERAL
        if general:
            self.risk()
            for earlier in self.pack.environments[self.environment]:
                self.after(earlier)
        for statement in statements:
            self.statement(statement)
        body = "\n    ".join(
            [
                "c = x.change; a = x.attributes; G = x.gates; r = x.risk; now = x.now",
                "out = x.findings.append; turn = x.turns.append",
                *self.body,
            ]
        )
        self.module.functions.append(f"def part(x):\n    {body}")
        return self.module.text()

    def shared(self, statements: list[core.Statement]) -> list[str]:
        """Return the gates of these statements that need a result of their own, in order of their names."""
        return sorted({
            gate for s in statements for gate in gates_of(s) if self.uses[gate] > 1 or not _is_plain(s, gate)
        })  # fmt: skip

    def emitter(self, own: str = "") -> Emitter:
        return Emitter(self.module, self.pack, self.gates, own)

    def function(self, head: str, lines: list[str]) -> None:
        self.module.functions.append(f"def {head}:\n    " + "\n    ".join(lines))

    # -- gates and risk

    def gate(self, gate: core.Gate) -> None:
        """Emit a gate that several statements look at, as a function that is run at most once a decision."""
        name = f"gate{len(self.gates)}"
        self.gates[gate.name] = name
        emitter = self.emitter(gate.name)
        code, _ = emitter.truth(gate.condition)
        self.gate_leaves[gate.name] = tuple(emitter.leaves)
        absent = self.module.constant("R", f"Result({self.no_evidence(gate)}, (), None)")
        ask, admission, then = self.admission(gate)
        self.function(
            f"{name}(x)",
            [
                f"e = x.evidence.get({gate.name!r})",
                f"if e is None: g = {absent}",
                f"elif {admission}: g = Result(m, (), None)",
                "else:",
                "    f = e.fields; c = x.change; a = x.attributes; r = x.risk",
                *(f"    {line}" for line in then),
                "    try:",
                *(f"        {line}" for line in [*emitter.lines, f"g = Result({code}, {emitter.values()}, f)"]),
                f"    except {_MALFORMED}: g = Result(x.malformed({ask}), (), None)",
                f"x.gates[{gate.name!r}] = g",
                "return g",
            ],
        )

    def only(self, s: core.Statement, gate: core.Gate) -> tuple[list[str], str]:
        """Emit a requirement of a gate that nothing else looks at, gate and all."""
        emitter = self.emitter(gate.name)
        code, _ = emitter.truth(gate.condition)
        asked = self.asked(s, tuple(emitter.leaves), gate.name, gate.remedy)
        absent = self.module.constant("F", f"Finding({asked}, 'waiting', (), {self.no_evidence(gate)}.actions)")
        ask, admission, then = self.admission(gate)
        values = emitter.values()
        return [
            f"e = x.evidence.get({gate.name!r})",
            f"if e is None: out({absent})",
            f"elif {admission}: out(x.short({asked}, m, ()))",
            "else:",
            "    f = e.fields",
            *(f"    {line}" for line in then),
            "    try:",
            *(f"        {line}" for line in emitter.lines),
            f"        t = {code}",
            f"    except {_MALFORMED}: out(x.short({asked}, x.malformed({ask}), ()))",
            f"    else: out(Finding({asked}, 'passed', {values}) if t is True else x.short({asked}, t, {values}))",
        ], asked

    def no_evidence(self, gate: core.Gate) -> str:
        return self.module.undetermined("evidence", gate.name, "there is none")

    def admission(self, gate: core.Gate) -> tuple[str, str, list[str]]:
        """Return what a gate asks of its evidence ``e``, the test that it does not count, and what follows if it does.

        Evidence about this very artifact that is in time is admitted without a call; ``x.admit`` judges all other, and
        the test leaves its reason in ``m``.
        """
        fresh = self.module.literal(gate.fresh_for)
        producer = gate.producer.casefold()
        signed = f", {gate.signed_by!r}" if gate.signed_by else ""
        ask = self.module.constant(
            "Q", f"Admission({gate.name!r}, {gate.kind!r}, {producer!r}, {fresh}, {gate.bound!r}{signed})"
        )
        doubts = ["e.flaw", f"e.kind != {gate.kind!r}"]
        if producer:
            doubts.append(f"not {self.module.constant('P', f'Makers({producer!r})')}[e.producer]")
        if gate.signed_by:
            doubts.append(f"{self.module.constant('S', f'frozenset({gate.signed_by!r})')}.isdisjoint(e.signers)")
        doubts += ["(s := e.subject) is None", "s.digest != x.digest", "s.commit is not None"]
        doubts += ["(p := e.produced_at) is None", "p > x.now"]
        then = []
        if gate.fresh_for is not None:
            doubts.append(f"p + {fresh} <= x.now")
            then = [f"x.turns.append(Turn(e.produced_at + {fresh}, 'evidence goes stale', {gate.name!r}))"]
        return ask, f"({' or '.join(doubts)}) and (m := x.admit({ask}, e)) is not None", then

    def risk(self) -> None:
        """Emit the classification: the highest level whose condition holds, or `otherwise`; doubt may only raise it."""
        lines = ["c = x.change; a = x.attributes; G = x.gates; doubt = None"]
        for rank in sorted({case.rank for case in self.pack.cases}, reverse=True):
            checks = []
            below = rank < self.pack.otherwise  # where doubt, if nothing else holds, leaves `otherwise`
            for case in (k for k in self.pack.cases if k.rank == rank):
                emitter = self.emitter()
                code, sure = emitter.truth(case.condition)
                reason = (case.condition.text, case.span.file, case.span.line)
                unsure = (f"undetermined: {case.condition.text}", case.span.file, case.span.line)
                checks += [*emitter.lines, f"t = {code}"]
                checks.append(f"if t is True: x.reasons.append({reason!r})")
                if not sure:
                    noted = f"doubt = doubt or ({rank}, {unsure!r})" if below else f"x.reasons.append({unsure!r})"
                    checks.append(f"elif t is not False: {noted}")
            raised = "if x.reasons and doubt: x.reasons = [doubt[1]]; return doubt[0]"
            lines += [*checks, *([raised] if below else []), f"if x.reasons: return {rank}"]
        lines += [f"return {self.pack.otherwise}"]
        self.function("risk(x)", lines)

    # -- statements

    def asked(self, s: core.Statement, leaves: tuple[tuple[str, str], ...], gate: str = "", remedy: str = "") -> str:
        fields = (
            s.id,
            s.rule,
            s.title,
            s.kind,
            s.text,
            s.span.file,
            s.span.line,
            s.because,
            s.remedy or remedy,
            gate,
            leaves,
        )
        return self.module.constant("A", f"Asked(*{fields!r})")

    def after(self, earlier: str) -> None:
        text = f"environment {self.environment} after {earlier}"
        fields = (f"promotion/after-{earlier}", "promotion", "", "after", text, "", 0)
        asked = self.module.constant("A", f"Asked(*{fields!r})")
        self.body.append(f"out(x.after({asked}, {earlier!r}))")

    def statement(self, s: core.Statement) -> None:
        made, asked = self.made(s)
        before = self.duty(s)
        after = ["out = x.findings.append"] if s.advisory or s.effective_from is not None else []
        if s.guard is None:
            self.body += [*before, *made, *after]
            return
        emitter = self.emitter()
        code, sure = emitter.truth(s.guard)
        self.body += emitter.lines
        if sure:
            self.body += [f"if {code}:", *(f"    {line}" for line in (*before, *made)), *after]
        else:
            self.body += [
                f"t = {code}",
                "if t is True:",
                *(f"    {line}" for line in (*before, *made)),
                "elif t is not False:",
                *(f"    {line}" for line in (*before, f"out(x.undecided({asked}, t))")),
                *after,
            ]

    def duty(self, s: core.Statement) -> list[str]:
        """Return the lines that tell whether a statement binds or only advises, and that it decides approval."""
        decides = s.kind in ("approve", "automatic")
        if s.advisory:
            return ["out = x.advise"]
        if s.effective_from is None:
            return ["x.decided = True"] if decides else []
        start = self.module.literal(s.effective_from)
        turn = self.module.constant("T", f"Turn({start}, 'rule takes effect', {s.rule!r})")
        advises = [f"binds = now >= {start}", f"if not binds: out = x.advise; turn({turn})"]
        return [*advises, "if binds: x.decided = True"] if decides else advises

    def made(self, s: core.Statement) -> tuple[list[str], str]:
        """Return the lines that make a statement's finding, guard aside, and the name of what it asks."""
        if s.kind == "automatic":
            asked = self.asked(s, ())
            return [f"out(automatic(x, {asked}))"], asked
        if s.kind in ("deploy", "notify"):
            owed = f"x.obligations.append(({s.kind!r}, {s.value!r}))"
            if s.effective_from is not None:
                owed = f"if binds: {owed}"
            return ["pass" if s.advisory else owed], self.asked(s, ())
        if s.approval is not None:
            asked = self.asked(s, ())
            return [f"out(approve(x, {asked}, {self.ask(s.id, s.approval)}))"], asked
        if s.condition is None:
            raise TypeError(f"{s.id} asks for nothing")
        if s.kind == "require" and isinstance(s.condition, core.GateResult):
            gate = s.condition.gate
            if self.uses[gate] == 1:
                return self.only(s, self.pack.gates[gate])
            asked = self.asked(s, self.gate_leaves[gate], gate, self.pack.gates[gate].remedy)
            passed = f"Finding({asked}, 'passed', g.values)"
            return [
                f"g = G.get({gate!r}) or {self.gates[gate]}(x)",
                f"out({passed} if g.ok is True else x.short({asked}, g.ok, g.values))",
            ], asked
        return self.condition(s, s.condition)

    def condition(self, s: core.Statement, condition: core.Core) -> tuple[list[str], str]:
        emitter = self.emitter()
        forbids = s.kind == "forbid"
        code, sure = emitter.truth(condition)
        if forbids:
            code = f"(not {code})" if sure else f"negate({code})"
        asked = self.asked(s, tuple(emitter.leaves))
        values = emitter.values()
        passed = f"out(Finding({asked}, 'passed', {values}))"
        timed = any(isinstance(n, core.During | core.Soak) for n in core.walk(condition))
        if timed:
            later, later_sure = emitter.settle(condition, not forbids)
            if forbids:
                later = f"(not {later})" if later_sure else f"negate({later})"
            short = [f"else: out(x.short({asked}, t if t is not False else {later}, {values}))"]
        else:
            short = [f"else: out(x.short({asked}, t, {values}))"]
        return [*emitter.lines, f"t = {code}", f"if t is True: {passed}", *short], asked

    def members(self, bits: dict[str, int]) -> str:
        """Return code for each group's bit and its members, as far as the pack names them."""
        named = ((group, bit, members_of(self.pack, group)) for group, bit in bits.items())
        return f"({', '.join(f'({group!r}, {bit}, {_frozen(people)})' for group, bit, people in named)},)"

    def ask(self, statement: str, approval: core.Approval) -> str:
        """Emit what an `approve by` asks: as it stands, and once each of its escalations holds."""
        joining = sorted({g for _, groups in approval.escalations for g in groups} - set(approval.groups))
        bits = {group: 1 << n for n, group in enumerate((*approval.groups, *joining))}
        levels = []
        joined: set[str] = set()
        for wait, groups in approval.escalations:
            joined |= set(groups)
            may = sum(bits[g] for g in joined.union(approval.groups))
            fields = (
                self.module.literal(wait), repr(duration(wait)), repr(groups), str(may),
                self.asks(statement, approval, bits, joined),
            )  # fmt: skip
            levels.append(f"Level({', '.join(fields)}), ")
        terms = ""
        if levels or approval.excluding or approval.signed:
            mask = sum(bits[g] for g in approval.groups)
            terms = f", Terms({mask}, ({''.join(levels)}), {approval.excluding!r}, {approval.signed!r})"
        return self.module.constant("Y", self.asks(statement, approval, bits, set(), terms))

    def asks(
        self, statement: str, approval: core.Approval, bits: dict[str, int], joining: set[str], terms: str = ""
    ) -> str:
        """Return code for an ``Ask`` whose every slot members of ``joining`` may fill, too."""
        alternatives = tuple(
            tuple(tuple(tuple(g for g in bits if g in slot or g in joining) for slot in stage) for stage in alternative)
            for alternative in approval.alternatives
        )
        masks = tuple(
            tuple(tuple(sum(bits[g] for g in slot) for slot in stage) for stage in alternative)
            for alternative in alternatives
        )
        most = max(sum(map(len, alternative)) for alternative in alternatives)
        shortest = min(alternatives, key=lambda alternative: sum(map(len, alternative)))
        slots = tuple(sum(bits[g] for g in slot) for stage in shortest for slot in stage)
        how = "signed" if approval.signed else ""
        missing = [
            f"Action('approve', {statement!r}, {how!r}, groups={slot!r})" for stage in shortest for slot in stage
        ]
        valid_for = self.module.literal(approval.valid_for)
        fields = (
            repr(masks), repr(tuple(bits)), self.members(bits), valid_for,
            repr(approval.including_author), str(most), repr(slots), f"({', '.join(missing)},)",
        )  # fmt: skip
        return f"Ask({', '.join(fields)}{terms})"
