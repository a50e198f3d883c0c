"""Why a decision came out as it did, as data in the shape of the rules; ``schemas/explanation.schema.json`` says which.

The shape is that of the checked pack, what came of it that of the record, and the values are those that the engine
looked at. Nothing is judged here.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any

from msgspec import Struct, to_builtins

from gatecheck.engine.kleene import Truth, Undetermined
from gatecheck.engine.record import action_record, written
from gatecheck.engine.trace import Trace
from gatecheck.lang import core
from gatecheck.lang.types import Type
from gatecheck.model.instant import write_instant
from gatecheck.model.request import Request

Tree = dict[str, Any]
_MOST_PICKED = 20
_OF_FINDING = ("status", "advisory", "note", "remedy", "missing", "unbound")


def explanation(trace: Trace, request: Request, statement: Tree, rule: str = "") -> Tree:
    """Return why a decision came out as it did; of one rule only, where it is named.

    ``statement`` is the record of the decision that answers ``request``, ``trace`` what the engine saw on the way.
    """
    return _Explanation(trace, request, statement).whole(rule)


class _Explanation:
    def __init__(self, trace: Trace, request: Request, statement: Tree) -> None:
        self.trace = trace
        self.pack = trace.pack
        self.request = request
        self.statement_record = statement
        self.predicate = statement["predicate"]
        self.findings = {f["id"]: f for f in self.predicate["findings"]}
        self.now = datetime.fromisoformat(request.as_of)

    def whole(self, rule: str) -> Tree:
        predicate = self.predicate
        made: Tree = {
            "verdict": predicate["verdict"],
            "artifact": self.statement_record["subject"][0]["name"],
            "environment": predicate["environment"],
            "as_of": predicate["as_of"],
            "risk": self.risk(),
            "rules": list(self.rules(rule)),
        }
        if not rule:
            made |= _kept(
                order=[self.finding(f) for f in predicate["findings"] if f["rule"] == "promotion"],
                waivers=list(self.waivers()),
                overrides=list(self.overrides()),
                missing=predicate["missing"],
                obligations=predicate["obligations"],
                next=predicate["next"],
            )
        return made

    def finding(self, f: Tree) -> Tree:
        return {"id": f["id"], "text": f["statement"], **{k: f[k] for k in _OF_FINDING if k in f}}

    # -- risk

    def risk(self) -> Tree:
        """Return the levels from the highest on, down to the one that decided."""
        risk = self.predicate["risk"]
        levels = []
        for rank in range(len(self.pack.levels) - 1, -1, -1):
            cases = [k for k in self.pack.cases if k.rank == rank]
            if cases:
                of_level = [{**self.condition(k.condition), "file": k.span.file, "line": k.span.line} for k in cases]
                levels.append({"level": self.pack.levels[rank], "cases": of_level})
        made = {"level": risk["level"], "levels": levels, "otherwise": self.pack.levels[self.pack.otherwise]}
        return made | _kept(stated=risk.get("stated"), reasons=[r["condition"] for r in risk["reasons"]])

    # -- rules

    def rules(self, only: str) -> Iterator[Tree]:
        statements = sorted(self.trace.statements(), key=lambda s: s.span)  # in the order in which they were written
        for name, group in groupby(statements, key=lambda s: s.rule):
            if only in ("", name):
                of_rule = list(group)
                first = of_rule[0]
                body = self.body([(s, _guards(s.guard)) for s in of_rule])
                yield {"rule": name, "file": first.span.file, "line": first.span.line, "body": body} | _kept(
                    title=first.title, because=first.because, advisory=first.advisory,
                    effective_from=first.effective_from and write_instant(first.effective_from),
                )  # fmt: skip

    def body(self, statements: Sequence[tuple[core.Statement, tuple[core.Core, ...]]]) -> list[Tree]:
        """Return statements as they stand below their guards: those that share one lie together below it."""
        out: list[Tree] = []
        for shared, group in groupby(statements, key=lambda pair: id(pair[1][0]) if pair[1] else 0):
            below = list(group)
            if not shared:
                out += [self.statement(s) for s, _ in below]
            elif (guard := _common(below)) is not None:
                out.append({"when": self.condition(guard), "body": [self.statement(s) for s, _ in below]})
            else:
                body = self.body([(s, guards[1:]) for s, guards in below])
                out.append({"when": self.condition(below[0][1][0]), "body": body})
        return out

    def statement(self, s: core.Statement) -> Tree:
        applies = self.trace.applies(s)
        made: Tree = {
            "id": s.id, "kind": s.kind, "text": _bare(s), "file": s.span.file, "line": s.span.line,
            "applies": _word(applies),
        }  # fmt: skip
        if applies is not True:
            if s.guard is not None and self.trace.of(s.guard).truth is None:
                made["note"] = "it is about another service"
        elif isinstance(s.condition, core.GateResult):
            made["gate"] = self.gate(s.condition.gate)
        elif s.condition is not None:
            made["condition"] = self.condition(s.condition)
        elif s.approval is not None:
            made["approval"] = self.approval(s) | _kept(refused=self.findings.get(s.id, {}).get("refused"))
        elif s.kind in ("deploy", "notify"):
            made["owed"] = {"kind": s.kind, "value": s.value} in self.predicate["obligations"]
        found = self.findings.get(s.id, {})
        return made | {key: found[key] for key in _OF_FINDING if key in found}

    # -- conditions

    def condition(self, node: core.Core) -> Tree:
        """Return a condition with its truth, those that it is made of, and what was compared with what."""
        seen = self.trace.of(node)
        made: Tree = {"text": node.text, "truth": _word(seen.truth)}
        if isinstance(node, core.And | core.Or | core.Not):
            made["op"] = type(node).__name__.lower()
            made["parts"] = [self.condition(part) for part in core.parts(node)]
            return made
        if isinstance(seen.truth, Undetermined):
            made["missing"] = [action_record(a) for a in seen.truth.actions]
        if isinstance(node, core.GateResult):
            made["gate"] = self.gate(node.gate)
        elif isinstance(node, core.During):
            made["found"] = [{"of": node.window, "value": "open" if seen.truth is True else "closed"}]
            made |= _kept(until=seen.values[0] and write_instant(seen.values[0]) if seen.values else None)
        elif isinstance(node, core.Soak):
            made["found"] = [
                {"of": f"soak({node.environment})", "value": self.value(v, "duration")} for v in seen.values
            ]
        else:
            made |= self.found(node)
        return made

    def found(self, node: core.Core) -> Tree:
        """Return the values that a comparison looked at, and which items of a list it picked out."""
        operands = [part for part in core.parts(node) if not isinstance(part, core.Const)]
        values = self.trace.of(node).values
        if isinstance(node, core.Quantified):
            operands, values = [node], ()
        found = [
            {"of": part.text, "value": self.value(value, part.type)}
            for part, value in zip(operands, values, strict=False)
        ]
        picked = [p for part in operands if isinstance(part, core.Quantified) for p in self.picked(part)]
        return _kept(found=found, picked=picked)

    def picked(self, node: core.Quantified) -> list[Tree]:
        seen = self.trace.of(node)
        if seen.items is None or node.where is None:
            return []
        items = [_plain(item) for item in seen.picked[:_MOST_PICKED]]
        return [{"of": node.items.text, "where": node.where.text, "items": items, "count": len(seen.picked),
                 "among": seen.items}]  # fmt: skip

    def value(self, value: Any, type_: Type | str) -> str:
        if isinstance(type_, Type):
            if isinstance(value, list | tuple):
                return f"[{', '.join(self.value(v, type_.item or type_) for v in value)}]"
            named = type_.name in ("risk", "severity")
            type_ = "symbol" if type_.is_enumeration and not named else type_.name
        return written(value, type_, self.pack.levels)

    # -- gates

    def gate(self, name: str) -> Tree:
        gate = self.pack.gates[name]
        evidence = self.request.evidence.get(name)
        made: Tree = {"gate": name, "file": gate.span.file, "line": gate.span.line}
        if evidence is not None:
            age = None if evidence.produced_at is None else self.now - evidence.produced_at
            made["evidence"] = _kept(
                kind=evidence.kind, file=evidence.file, producer=evidence.producer, digest=evidence.raw,
                produced_at=None if evidence.produced_at is None else write_instant(evidence.produced_at),
                age=None if age is None or age < timedelta(0) else _duration(age),
            )  # fmt: skip
            made["evidence"] |= _kept(signers=list(getattr(evidence, "signers", ())))
            if evidence.subject is not None:
                made["evidence"]["about"] = _kept(digest=evidence.subject.digest, commit=evidence.subject.commit)
        made |= _kept(fresh_for=gate.fresh_for and _duration(gate.fresh_for), asks_bound=gate.bound)
        made |= _kept(signed_by=list(gate.signed_by))
        return made | {"condition": self.condition(gate.condition)}

    # -- approvals

    def approval(self, s: core.Statement) -> Tree:
        """Return each slot of the quorum with who fills it; nothing where a rejection stops it, or nobody is left."""
        quorum = self.trace.quorums.get(s.id)
        if quorum is None or s.approval is None:
            return {}
        stages = s.approval.alternatives[quorum.alternative]
        slots = [(number, slot) for number, stage in enumerate(stages) for slot in stage]
        filling = {filler[0] for filler in quorum.fillers if filler is not None}
        wanted = iter(quorum.wanted)
        made: list[Tree] = []
        for (number, slot), filler in zip(slots, quorum.fillers, strict=True):
            if filler is None:
                made.append({"groups": list(next(wanted)), "stage": number})
                continue
            person, at = filler
            made.append({"groups": list(slot), "stage": number, "by": person, "at": write_instant(at)})
            made[-1] |= _kept(**{"for": quorum.acting.get(person)})
        waiting = dict.fromkeys(g for slot in made if "by" not in slot for g in slot["groups"])
        known = ((g, quorum.free.get(g)) for g in waiting)
        free = {g: [p for p in people if p not in filling] for g, people in known if people is not None}
        away = self.absences({p for people in free.values() for p in people})
        return {"slots": made, "alternatives": len(s.approval.alternatives)} | _kept(may_approve=free, away=away)

    def absences(self, people: set[str]) -> Tree:
        """Return who of some people is away as of the decision, until when, and who acts for them."""
        known, now = self.request.directory.people, datetime.fromisoformat(self.request.as_of)
        return {
            person: {"until": write_instant(a.to), "delegate": a.delegate}
            for person in sorted(people & known.keys())
            for a in known[person].away
            if a.from_ <= now < a.to
        }

    # -- what stands beside the rules

    def waivers(self) -> Iterator[Tree]:
        used = {(w["file"], w["line"]): w for w in self.predicate.get("waivers", ())}
        for w in self.pack.waivers:
            if self.request.environment in w.environments:
                made = {
                    "targets": sorted((*w.gates, *w.rules)), "until": write_instant(w.until), "owner": w.owner,
                    "because": w.because, "file": w.span.file, "line": w.span.line, "is_over": self.now >= w.until,
                    "findings": used.get((w.span.file, w.span.line), {}).get("findings", []),
                }  # fmt: skip
                yield made if w.guard is None else made | {"when": self.condition(w.guard)}

    def overrides(self) -> Iterator[Tree]:
        for o in self.pack.overrides:
            if self.request.environment in o.environments:
                made: Tree = {"override": o.name, "file": o.span.file, "line": o.span.line}
                made |= _kept(title=o.title, because=o.because)
                if o.guard is not None:
                    made["when"] = self.condition(o.guard)
                used = self.predicate.get("override")
                available = self.predicate.get("available", ())
                said = next((a for a in (used, *available) if a is not None and a["name"] == o.name), None)
                made["state"] = "not used" if said is None else "used" if said is used else "available"
                if said is not None:
                    made["body"] = [{"id": s.id, "text": s.text, "approval": self.approval(s)} for s in o.approvals]
                    made |= {key: said[key] for key in ("refused", "missing") if key in said}
                yield made


def _guards(guard: core.Core | None) -> tuple[core.Core, ...]:
    """Return the guards of a statement, from the outermost on."""
    if guard is None:
        return ()
    return guard.operands if isinstance(guard, core.And) else (guard,)


def _bare(s: core.Statement) -> str:
    """Return a statement's text without its guards, which stand above it."""
    if s.guard is None:
        return s.text
    guard = f"({s.guard.text})" if isinstance(s.guard, core.Or) else s.guard.text
    return s.text.removeprefix(f"when {guard}: ")


def _common(statements: Sequence[tuple[core.Statement, tuple[core.Core, ...]]]) -> core.Core | None:
    """Return the guard that all statements have, and nothing beside it, apart from those that they stand below."""
    first, guards = statements[0]
    if any(other.guard is not first.guard for other, _ in statements):
        return None
    return guards[0] if len(guards) == 1 else first.guard


def _duration(value: timedelta) -> str:
    """Return a duration as rules write it, in days, hours, minutes and seconds: `1d2h5m`."""
    seconds, out = value // timedelta(seconds=1), ""
    for unit, size in (("d", 86_400), ("h", 3_600), ("m", 60), ("s", 1)):
        count, seconds = divmod(seconds, size)
        out += f"{count}{unit}" if count else ""
    return out or "0s"


def _word(truth: Truth | None) -> str:
    if truth is None:
        return "unseen"
    return "undetermined" if isinstance(truth, Undetermined) else "true" if truth else "false"


def _plain(item: Any) -> Any:
    made = to_builtins(item) if isinstance(item, Struct) else item
    return {k: v for k, v in made.items() if v is not None} if isinstance(made, dict) else made


def _kept(**fields: Any) -> Tree:
    return {name: value for name, value in fields.items() if value not in ("", None, [], {}, False, ())}
