"""Evidence that makes a gate pass or fail, found by search: few small values for each field that the gate asks about.

The engine itself judges each candidate, through a pack that requires this one gate and nothing else; so a sample does
what it is said to do, whatever a condition looks like. Parts of a condition that share no field are solved apart, and
what a condition does not ask stays neutral.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice, product
from typing import Any, Literal

from msgspec import Struct
from msgspec.structs import replace

from gatecheck.engine.compile import compile_pack
from gatecheck.engine.program import Program, evaluate
from gatecheck.lang import core
from gatecheck.lang.types import BOOL, Type, is_text
from gatecheck.model.canonical import canonical, digest
from gatecheck.model.request import Change, Evidence, Request, Subject
from gatecheck.testing.values import constant, kind_of, neighbours, neutral, of_field, record
from gatecheck.text.source import Span

Outcome = Literal["passed", "failed"]
_MOST = 5_000  # candidates that are tried for one part of a condition
_MOST_ITEMS = 1_000  # in a list
_MOST_VARIANTS = 60  # of one item
_HERE = "here"  # the one environment of the pack that judges
_NOWHERE = Span("", 1, 1, 1, 1)
_BIG = {"int": 10**6, "decimal": "1000000", "percent": "1", "duration": "86400000ms"}


class _Part(Struct):
    """A part of a condition, the fields of the evidence that it asks about, and the program that judges it."""

    condition: core.Core
    fields: tuple[str, ...]
    judge: Program


class Samples:
    """Finds evidence for the gates of one pack, each found once where it depends on nothing but the gate."""

    def __init__(self, pack: core.Pack) -> None:
        self.pack = pack
        self._found: dict[tuple[str, Outcome], Evidence] = {}
        self._parts: dict[str, list[_Part]] = {}
        self._judges: dict[str, Program] = {}
        of_change = (core.ChangeField, core.AttributeField, core.RiskLevel)
        self._depending = {
            g.name for g in pack.gates.values() if any(isinstance(node, of_change) for node in core.walk(g.condition))
        }

    def evidence(self, gate: str, outcome: Outcome, change: Change, now: Any) -> Evidence | None:
        """Return evidence about this change, produced ``now``, of which the gate makes ``outcome``; ``None`` if none
        was found."""
        known = self._found.get((gate, outcome))
        if known is not None:
            made = about(known, change, now)
            if gate not in self._depending or self._is(gate, made, change, now, outcome):
                return made
        found = self._search(self.pack.gates[gate], outcome, change, now)
        if found is not None:
            self._found[gate, outcome] = found
        return found

    def blank(self, gate: str, change: Change, now: Any) -> Evidence:
        """Return evidence of a gate in which all is neutral."""
        return self._evidence(self.pack.gates[gate], self._neutral(self.pack.gates[gate]), change, now)

    # -- search

    def _search(self, gate: core.Gate, outcome: Outcome, change: Change, now: Any) -> Evidence | None:
        fields = self._neutral(gate)
        parts = self._parts_of(gate)
        for part in parts:
            solved = self._solve(gate, part, "passed", fields, change, now)
            fields = fields if solved is None else solved
        if outcome == "passed":
            return self._judged(gate, fields, change, now, outcome)
        found = self._judged(gate, fields, change, now, outcome)  # where nothing passes
        failing = [self._solve(gate, part, "failed", fields, change, now) for part in parts if found is None]
        # A report of nothing would fail most gates, but tools write none.
        for made in sorted((m for m in failing if m is not None), key=self._neutral(gate).__eq__):
            found = found or self._judged(gate, made, change, now, outcome)
        return found

    def _solve(
        self, gate: core.Gate, part: _Part, outcome: Outcome, fields: Mapping[str, Any], change: Change, now: Any
    ) -> dict[str, Any] | None:
        """Return fields with which a part of the condition comes out as asked, changing those that it asks about."""
        asked = _Asked(part.condition)
        choices = [self._choices(gate, name, asked) for name in part.fields]
        if outcome == "failed":
            choices = [[*rest, first] for first, *rest in choices]  # what says least comes last
        for values in islice(product(*choices), _MOST):
            made = self._with(gate, fields, dict(zip(part.fields, values, strict=True)))
            if _status(part.judge, self._request(gate, made, change, now)) == outcome:
                return made
        return None

    def _with(self, gate: core.Gate, fields: Mapping[str, Any], values: Mapping[str, Any]) -> dict[str, Any]:
        declared = dict(gate.fields)
        own = {name: value for name, value in values.items() if name in declared}
        made = {**fields, **{name: value for name, value in values.items() if name not in declared}}
        return {**made, "fields": {**made["fields"], **own}} if own else made

    def _choices(self, gate: core.Gate, name: str, asked: "_Asked") -> list[Any]:
        declared = dict(gate.fields)
        kind = kind_of(self.pack, gate)
        return asked.choices(name, declared.get(name) or of_field(kind, name))

    def _judged(
        self, gate: core.Gate, fields: Mapping[str, Any], change: Change, now: Any, outcome: Outcome
    ) -> Evidence | None:
        made = self._evidence(gate, fields, change, now)
        return made if self._is(gate.name, made, change, now, outcome) else None

    def _is(self, gate: str, evidence: Evidence, change: Change, now: Any, outcome: Outcome) -> bool:
        judge = self._judges.get(gate)
        if judge is None:
            judge = self._judges[gate] = self._judge(self.pack.gates[gate])
        return _status(judge, _asking(gate, evidence, change, now)) == outcome

    def _request(self, gate: core.Gate, fields: Mapping[str, Any], change: Change, now: Any) -> Request:
        return _asking(gate.name, self._evidence(gate, fields, change, now, raw=_RAW), change, now)

    # -- a gate

    def _neutral(self, gate: core.Gate) -> dict[str, Any]:
        fields = record(kind_of(self.pack, gate), {})
        if gate.kind == "check":
            fields["fields"] = {}
        return fields

    def _evidence(
        self, gate: core.Gate, fields: Mapping[str, Any], change: Change, now: Any, raw: str = ""
    ) -> Evidence:
        return Evidence(
            gate.kind, dict(fields), raw or digest(canonical(fields)), producer=gate.producer, produced_at=now,
            subject=Subject(change.artifact.digest), signers=list(gate.signed_by[:1]),
        )  # fmt: skip

    def _parts_of(self, gate: core.Gate) -> list[_Part]:
        if gate.name not in self._parts:
            parts = []
            for condition, fields in _components(gate):
                judge = self._judge(replace(gate, condition=condition))
                parts.append(_Part(condition, fields, judge))
            self._parts[gate.name] = parts
        return self._parts[gate.name]

    def _judge(self, gate: core.Gate) -> Program:
        """Return a program whose one statement requires a gate."""
        condition = core.GateResult(BOOL, gate.name, gate.name)
        statement = core.Statement(
            "judge/gate", "judge", "", "require", (_HERE,), None, "", _NOWHERE, condition=condition
        )
        pack = replace(
            self.pack, environments={_HERE: ()}, gates={gate.name: gate}, statements=(statement,), waivers=(),
            overrides=(), invariants=(), scenarios=(),
        )  # fmt: skip
        return program_of(pack)


def program_of(pack: core.Pack) -> Program:
    """Return the program of a checked pack, compiled now, past any cache."""
    compiled = compile_pack(pack)
    codes = {key: compile(source, "<rules>", "exec") for key, source in compiled.parts.items()}
    return Program(compiled.meta, lambda environment, service: codes.get((environment, service)))


def about(evidence: Evidence, change: Change, now: Any) -> Evidence:
    """Return evidence as if it had been produced now, and were about this change's artifact."""
    return replace(evidence, subject=Subject(change.artifact.digest), produced_at=now)


_RAW = digest(b"")


def _asking(gate: str, evidence: Evidence, change: Change, now: Any) -> Request:
    return Request(change=change, environment=_HERE, as_of=now.isoformat(), evidence={gate: evidence})


def _status(judge: Program, request: Request) -> str:
    return next(f.status for f in evaluate(judge, request).findings if f.asked.id == "judge/gate")


# -- conditions


def _components(gate: core.Gate) -> list[tuple[core.Core, tuple[str, ...]]]:
    """Return the parts of a gate's condition that must all hold and share no field, with their fields."""
    groups: list[tuple[list[core.Core], set[str]]] = []
    for operand in _operands(gate.condition):
        fields = {n.name for n in core.walk(operand) if isinstance(n, core.EvidenceField)}
        joined: list[core.Core] = []
        apart = []
        for operands, names in groups:
            if names & fields:
                joined += operands
                fields |= names
            else:
                apart.append((operands, names))
        groups = [*apart, ([*joined, operand], fields)]
    return [(_all(operands), tuple(sorted(fields))) for operands, fields in groups if fields]


def _operands(condition: core.Core) -> Iterator[core.Core]:
    if isinstance(condition, core.And):
        for operand in condition.operands:
            yield from _operands(operand)
    else:
        yield condition


def _all(operands: Sequence[core.Core]) -> core.Core:
    return operands[0] if len(operands) == 1 else core.And(BOOL, "", tuple(operands))


class _Asked:
    """What a condition compares fields with: constants for each field, for each field of items, and sizes of lists."""

    def __init__(self, condition: core.Core) -> None:
        self.constants: dict[tuple[str, str], list[Any]] = {}  # by field and, in a list, by field of its items
        self.items: dict[str, set[str]] = {}
        self.sizes: dict[str, set[int]] = {}
        self.is_open: set[tuple[str, str]] = set()  # compared with something else than constants
        self._walk(condition, "")

    def _walk(self, node: core.Core, items: str) -> None:
        match node:
            case core.Compare():
                self._compared(node.left, node.right, items)
                self._compared(node.right, node.left, items)
            case core.Contains():
                self._compared(node.item, node.items, items)
                if isinstance(node.items, core.EvidenceField) and isinstance(node.item, core.Const):
                    self._note((node.items.name, ""), node.item.value)
            case core.Matches():
                for text in _matching(node.text):
                    self._compared(node.subject, core.Const(node.subject.type, "", text), items)
            case core.Quantified(items=core.EvidenceField() as field) if node.where is not None:
                self.items.setdefault(field.name, set())
                self._walk(node.where, field.name)
                return
            case core.ItemField():
                self.items.setdefault(items, set()).add(node.name)
        for part in core.parts(node):
            self._walk(part, items)

    def _compared(self, field: core.Core, other: core.Core, items: str) -> None:
        if isinstance(field, core.Quantified) and isinstance(field.items, core.EvidenceField):
            if isinstance(other, core.Const) and isinstance(other.value, int):
                self.sizes.setdefault(field.items.name, set()).update({other.value - 1, other.value, other.value + 1})
            return
        if isinstance(field, core.EvidenceField):
            key = (field.name, "")
        elif isinstance(field, core.ItemField):
            key = (items, field.name)
        elif isinstance(field, core.Item):
            key = (items, "")
        else:
            return
        if not isinstance(other, core.Const):
            self.is_open.add(key)
        elif isinstance(other.value, tuple):
            for value in other.value:
                self._note(key, value)
        else:
            for value in neighbours(other.value, field.type):
                self._note(key, value)

    def _note(self, key: tuple[str, str], value: Any) -> None:
        self.constants.setdefault(key, []).append(value)

    # -- candidates

    def choices(self, name: str, type_: Type) -> list[Any]:
        """Return the values to try for a field, the neutral one first."""
        return self._lists(name, type_.item) if type_.item is not None else self._scalars((name, ""), type_)

    def _scalars(self, key: tuple[str, str], type_: Type) -> list[Any]:
        found = [constant(value, type_) for value in self.constants.get(key, ())]
        if type_.members:
            found = list(type_.members)
        elif type_ == BOOL:
            found = [False, True]
        elif is_text(type_):
            found = [*found, "other"]
        elif key in self.is_open or type_.name in ("int", "decimal", "percent"):
            one = "0.01" if type_.name == "percent" else "1"
            found = [*found, 1 if type_.name == "int" else one]
            found += [_BIG[type_.name]] if key in self.is_open and type_.name in _BIG else []
        return _each_once([neutral(type_), *found])

    def _lists(self, name: str, item: Type) -> list[list[Any]]:
        if item.fields:
            asked = sorted(self.items.get(name, ()))
            columns = [self._scalars((name, each), of_field(item, each)) for each in asked]
            variants = [
                record(item, dict(zip(asked, values, strict=True)))
                for values in islice(product(*columns), _MOST_VARIANTS)
            ]
        else:
            variants = self._scalars((name, ""), item)[:_MOST_VARIANTS]
        sizes = sorted({n for n in {1, 2, *self.sizes.get(name, ())} if 0 < n <= _MOST_ITEMS})
        alike = [[variant] * size for size in sizes for variant in variants]
        mixed = [[one, other] for one in variants for other in variants if one != other]
        return [[], *alike, *mixed]


def _matching(text: str) -> list[str]:
    """Return texts that the glob of `… matches "…"` may match."""
    found = re.search(r'matches "((?:[^"\\]|\\.)*)"$', text)
    glob = re.sub(r"\\(.)", r"\1", found[1]) if found else ""
    out = []
    for star in ("", "x"):
        made = re.sub(r"\[[!^]?(.)[^]]*\]", r"\1", glob)
        made = made.replace("**/", f"{star}/" if star else "").replace("**", "x").replace("*", star).replace("?", "x")
        out.append(made.lstrip("/"))
    return out


def _each_once(values: Iterable[Any]) -> list[Any]:
    out: list[Any] = []
    for value in values:
        if not any(type(value) is type(other) and value == other for other in out):
            out.append(value)
    return out
