"""Gates that no rule asks for (GC317), that let crashed tests pass (GC318), that no evidence can pass (GC319)."""

import json
from collections.abc import Iterator

from gatecheck.lang import core, own, vocabulary
from gatecheck.text.diagnostic import Diagnostic

_SEES_ERRORS = {"errors", "passed", "failed"}  # `failed` lists the tests that had errors, too


def unasked(pack: core.Pack) -> Iterator[Diagnostic]:
    """Warn of each gate that no statement, waiver or override depends on."""
    asked = {gate for node in _conditions(pack) for gate in gates_of(node)}
    for name in pack.gates:
        if name not in asked:
            hint = f"add `require {name}` to a rule, or drop the gate"
            place = pack.places[f"gate {name}"]
            yield Diagnostic("GC317", f"no rule asks for the gate `{name}`", place, "", hint, "warning")


def _conditions(pack: core.Pack) -> Iterator[core.Core]:
    for s in pack.statements:
        yield from (node for node in (s.guard, s.condition) if node is not None)
    guards = (*(w.guard for w in pack.waivers), *(o.guard for o in pack.overrides))
    yield from (guard for guard in guards if guard is not None)


def gates_of(node: core.Core) -> Iterator[str]:
    """Yield the gates whose evidence an expression asks for."""
    for part in core.walk(node):
        if isinstance(part, core.GateResult | core.EvidenceField):
            yield part.gate


def crashed(pack: core.Pack) -> Iterator[Diagnostic]:
    """Warn of each gate over JUnit reports that passes whatever the number of tests that crashed."""
    for name, gate in pack.gates.items():
        if gate.kind != "junit":
            continue
        seen = {part.name for part in core.walk(gate.condition) if isinstance(part, core.EvidenceField)}
        if not seen & _SEES_ERRORS:
            message = f"the gate `{name}` does not look at `errors`: tests that crash are no failures"
            hint = "add `and errors == 0`"
            yield Diagnostic("GC318", message, pack.places[f"pass {name}"], "", hint, "warning")


def nameless(pack: core.Pack) -> Iterator[Diagnostic]:
    """Warn of each gate that asks for bound evidence of a kind that never says what it is about."""
    for name, gate in pack.gates.items():
        if gate.bound and not _names_subject(pack, gate.kind):
            message = f"the gate `{name}` asks for `bound` evidence, and {gate.kind} never says what it is about"
            hint = "it would wait for ever: drop `bound`, or have a `check` document state subject and outcome"
            yield Diagnostic("GC319", message, pack.places[f"gate {name}"], "", hint, "warning")


def _names_subject(pack: core.Pack, kind: str) -> bool:
    if kind in pack.kinds:
        return bool({"commit", "digest"} & own.facts(json.loads(pack.kinds[kind].schema)).keys())
    return vocabulary.names_subject(kind)
