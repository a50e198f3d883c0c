"""Compile what stands beside rules: an environment's waivers and overrides, and its invariants.

They go into parts of their own, which a decision loads only once something falls short, and never for an invariant.
"""

from collections.abc import Iterable, Sequence

from gatecheck.engine.exemptions import WAIVABLE
from gatecheck.engine.part import Part
from gatecheck.lang import core

_HEAD = "c = x.change; a = x.attributes; G = x.gates; r = x.risk; now = x.now; turn = x.turns.append"


def compile_exemptions(part: Part, environment: str) -> str:
    """Return the module of an environment's waivers and overrides, empty where it has none."""
    pack = part.pack
    waivers = sorted((w for w in pack.waivers if environment in w.environments), key=_waiver_order)
    overrides = [o for o in pack.overrides if environment in o.environments]
    if not waivers and not overrides:
        return ""
    _gates(part, [*(w.guard for w in waivers), *(o.guard for o in overrides)])
    statements = [s for s in pack.statements if environment in s.environments]
    waives = [_waives(part, f"waived{n}", w, statements) for n, w in enumerate(waivers)]
    breaks = [_breaks(part, f"override{n}", o) for n, o in enumerate(overrides)]
    part.module.functions.append(f"waivers = ({''.join(waives)})\noverrides = ({''.join(breaks)})")
    return part.module.text()


def _waiver_order(w: core.Waiver) -> tuple[object, ...]:
    """Put first the waiver that ends last; then nothing that depends on where it stands, until all else is equal."""
    guard = "" if w.guard is None else w.guard.text
    return -w.until.timestamp(), w.gates, w.rules, w.owner, w.because, guard, w.span.file, w.span.line, w.span.column


def _waives(part: Part, name: str, w: core.Waiver, statements: Iterable[core.Statement]) -> str:
    holds = "None" if w.guard is None else _condition(part, name, "x", w.guard)
    targets = tuple(sorted((*w.gates, *w.rules)))
    until = part.module.literal(w.until)
    fields = f"{targets!r}, {until}, {w.owner!r}, {w.because!r}, {w.span.file!r}, {w.span.line}, {w.span.column}"
    covers = tuple(s.id for s in statements if s.kind in WAIVABLE and _covers(w, s))
    return f"Waives(Waiver({fields}), frozenset({covers!r}), {holds}), "


def _covers(w: core.Waiver, s: core.Statement) -> bool:
    """Tell whether a waiver is of a statement's rule, or of all that its condition looks at."""
    if s.rule in w.rules:
        return True
    seen = [node for node in core.walk(s.condition) if isinstance(node, _FACTS)] if s.condition is not None else []
    looks = [node.gate if isinstance(node, core.GateResult | core.EvidenceField) else "" for node in seen]
    return bool(looks) and set(looks) <= set(w.gates)


_FACTS = (
    core.GateResult | core.EvidenceField | core.ChangeField | core.AttributeField | core.RiskLevel | core.During
    | core.Soak
)  # fmt: skip


def _breaks(part: Part, name: str, o: core.Override) -> str:
    lines = [_HEAD, "found = []; out = found.append"]
    if o.guard is not None:
        emitter = part.emitter()
        code, _ = emitter.truth(o.guard)
        lines += [*emitter.lines, f"if {code} is not True: return None"]
    for s in o.approvals:
        lines += part.made(s)[0]
    part.function(f"{name}(x)", [*lines, "return found"])
    within = part.module.literal(o.within)
    fields = (o.name, o.title, o.because, o.span.file, o.span.line, (), o.reviewers)
    return f"Breaks(Override(*{fields!r}), {within}, {name}), "


def compile_invariants(part: Part, environment: str) -> str:
    """Return the module of an environment's invariants, empty where it has none."""
    invariants = [i for i in part.pack.invariants if environment in i.environments]
    if not invariants:
        return ""
    _gates(part, [root for i in invariants for root in (i.guard, *i.conditions)])
    claims = []
    for n, i in enumerate(invariants):
        guard = "None" if i.guard is None else _condition(part, f"guard{n}", "x, d", i.guard)
        for m, condition in enumerate(i.conditions):
            emitter = part.emitter()
            code, _ = emitter.truth(condition)
            name = f"claim{n}_{m}"
            part.function(f"{name}(x, d)", [_HEAD, *emitter.lines, f"return {code}, {emitter.values()}"])
            fields = (i.name, i.title, condition.text, i.because, i.span.file, i.span.line, tuple(emitter.leaves))
            claims.append(f"Claim(*{fields!r}, {guard}, {name}), ")
    part.module.functions.append(f"claims = ({''.join(claims)})")
    return part.module.text()


def _condition(part: Part, name: str, given: str, condition: core.Core) -> str:
    """Emit a condition as a function of ``given``, and return its name."""
    emitter = part.emitter()
    code, _ = emitter.truth(condition)
    part.function(f"{name}({given})", [_HEAD, *emitter.lines, f"return {code}"])
    return name


def _gates(part: Part, roots: Sequence[core.Core | None]) -> None:
    """Emit the gates that conditions look at."""
    nodes = (node for root in roots if root is not None for node in core.walk(root))
    for name in sorted({n.gate for n in nodes if isinstance(n, core.GateResult | core.EvidenceField)}):
        part.gate(part.pack.gates[name])
