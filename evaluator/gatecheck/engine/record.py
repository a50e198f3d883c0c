"""Write a decision as its record: plain data for canonical JSON, the same for the same program and request.

Findings are sorted by their id, which does not depend on where a statement stands; empty parts are left out.
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from gatecheck.engine.kleene import Undetermined
from gatecheck.engine.program import Program
from gatecheck.model.canonical import canonical, digest
from gatecheck.model.decision import Action, Decision, Finding, Override
from gatecheck.model.instant import write_instant
from gatecheck.model.readers import SEVERITY
from gatecheck.model.record import DECISION, STATEMENT, check_statement
from gatecheck.model.request import Request
from gatecheck.model.schema import encode_request
from gatecheck.version import GATECHECK, LANGUAGE

_END = datetime(3000, 1, 1, tzinfo=UTC)  # instants end here; what would turn later never does
_LAST = _END - timedelta(seconds=1)


def record(program: Program, request: Request, decision: Decision) -> tuple[bytes, bytes]:
    """Return the statement and the request as canonical bytes, ready to be signed and recorded."""
    raw = canonical(encode_request(request))
    return canonical(statement(program, request, decision, digest(raw))), raw


def statement(program: Program, request: Request, decision: Decision, request_digest: str) -> dict[str, Any]:
    """Return a decision as an in-toto statement; ``request_digest`` names the recorded request."""
    return check_statement(unchecked_statement(program, request, decision, request_digest))


def unchecked_statement(program: Program, request: Request, decision: Decision, request_digest: str) -> dict[str, Any]:
    """Return a statement for who only compares it with one that was checked before."""
    from gatecheck.text.zones import tzdata_version

    change = request.change
    algorithm, _, hexadecimal = change.artifact.digest.partition(":")
    risk: dict[str, Any] = {"level": decision.risk, "reasons": [_reason(*r) for r in decision.reasons]}
    if change.risk is not None:
        risk["stated"] = change.risk
    findings = sorted(decision.findings, key=lambda f: f.asked.id)
    predicate = {
        "verdict": decision.verdict,
        "environment": decision.environment,
        "risk": risk,
        "as_of": request.as_of,
        "change": _kept(
            id=change.id, service=change.service, type=change.type, author=change.author, title=change.title,
            commit=change.commit,
        ),
        "findings": [_finding(f, request, program.levels) for f in findings],
        "missing": [action_record(a) for a in decision.missing],
        "next": [
            {"at": write_instant(t.at), "cause": t.cause, "subject": t.subject}
            for t in sorted(set(decision.turns))
            if t.at < _END
        ],
        "obligations": [{"kind": kind, "value": value} for kind, value in decision.obligations],
        "evidence": {gate: _evidence(e) for gate, e in request.evidence.items()},
        "request": _kept(digest=request_digest, sources=dict(request.sources)),
        "pack": {"digest": program.digest, "files": [{"path": p, "digest": d} for p, d in program.files]},
        "engine": {"gatecheck": GATECHECK, "language": LANGUAGE, "tzdata": tzdata_version()},
        **_exempted(decision),
    }  # fmt: skip
    subject = [{"name": change.artifact.name, "digest": {algorithm: hexadecimal}}]
    return {"_type": STATEMENT, "subject": subject, "predicateType": DECISION, "predicate": predicate}


def _exempted(decision: Decision) -> dict[str, Any]:
    """Return what stands in for statements that fall short; nothing where nothing does."""
    used = decision.override
    waivers = [
        {"targets": list(w.targets), "until": write_instant(w.until), "owner": w.owner, "because": w.because,
         "findings": list(w.findings), **_kept(file=w.file, line=w.line)}
        for w in decision.waivers
    ]  # fmt: skip
    return _kept(
        overridden=used is not None,
        override=None if used is None else _override(used),
        review=None if used is None or used.due is None else _review(used.reviewers, used.due),
        available=[_override(o) for o in decision.available],
        waivers=waivers,
    )


def _override(o: Override) -> dict[str, Any]:
    return {
        "name": o.name,
        **_kept(
            title=o.title, because=o.because, file=o.file, line=o.line,
            asked=[f.asked.text for f in o.findings],
            counted=[c for f in o.findings for c in _counted(f)],
            refused=[r for f in o.findings for r in _refused(f)],
            missing=[action_record(a) for f in o.findings for a in f.actions],
        ),
    }  # fmt: skip


def _review(groups: tuple[str, ...], due: datetime) -> dict[str, Any]:
    return {"groups": list(groups), "due": write_instant(min(due, _LAST))}


def _kept(**fields: Any) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value}


def _reason(condition: str, file: str, line: int) -> dict[str, Any]:
    return {"condition": condition, **_kept(file=file, line=line)}


def _evidence(e: Any) -> dict[str, Any]:
    produced = None if e.produced_at is None else write_instant(e.produced_at)
    return _kept(
        kind=e.kind, digest=e.raw, file=e.file, producer=e.producer, produced_at=produced, signers=list(e.signers)
    )  # fmt: skip


def _finding(f: Finding, request: Request, levels: tuple[str, ...]) -> dict[str, Any]:
    asked = f.asked
    found = [
        {"asked": text, "found": written(value, kind, levels)}
        for (text, kind), value in zip(asked.leaves, f.values, strict=False)
    ]
    evidence = request.evidence.get(asked.gate)
    return {
        "id": asked.id,
        "rule": asked.rule,
        "kind": asked.kind,
        "status": f.status,
        "statement": asked.text,
        **_kept(
            file=asked.file, line=asked.line, title=asked.title, because=asked.because, gate=asked.gate,
            unbound=evidence is not None and evidence.subject is None,
            compared=found,
            counted=_counted(f),
            refused=_refused(f),
            missing=[action_record(a) for a in f.actions],
            note=f.note,
            advisory=f.advisory,
        ),
    }  # fmt: skip


def _counted(f: Finding) -> list[dict[str, Any]]:
    acting = dict(f.acting)
    return [
        {"approver": person, "at": write_instant(at), **_kept(**{"for": acting.get(person)})}
        for person, at in f.counted
    ]


def _refused(f: Finding) -> list[dict[str, Any]]:
    return [
        {"approver": r.approver, "at": write_instant(r.at), "stance": r.stance, "reason": r.reason} for r in f.refused
    ]


def action_record(a: Action) -> dict[str, Any]:
    """Return an action as plain data."""
    until = None if a.until is None or a.until >= _END else write_instant(a.until)
    return {
        "action": a.kind,
        **_kept(
            subject=a.subject, reason=a.reason, remedy=a.remedy, until=until, groups=list(a.groups), after=list(a.after)
        ),
    }


def _ranked(names: tuple[str, ...]) -> Callable[[Any], str]:
    return lambda value: names[value]


def written(value: Any, kind: str, levels: tuple[str, ...]) -> str:
    """Return a value as rules would write it."""
    if isinstance(value, Undetermined):
        return "undetermined"
    if kind == "open":
        return "open" if value else "closed"
    if kind == "risk":
        return levels[int(value)]
    if kind == "severity":
        return list(SEVERITY)[int(value)]
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, timedelta):
        return "ever" if value == timedelta.max else _duration(value)
    if isinstance(value, datetime):
        return write_instant(value)
    if kind in ("percent", "decimal"):
        number = value * 100 if kind == "percent" else value
        text = f"{number:f}"
        return (text.rstrip("0").rstrip(".") if "." in text else text) + ("%" if kind == "percent" else "")
    return f'"{value}"' if kind in ("string", "path") else str(value)


def _duration(value: timedelta) -> str:
    seconds, rest = divmod(value, timedelta(seconds=1))
    out = ""
    for unit, size in (("h", 3600), ("m", 60), ("s", 1)):
        count, seconds = divmod(seconds, size)
        out += f"{count}{unit}" if count else ""
    out += f"{rest // timedelta(milliseconds=1)}ms" if rest >= timedelta(milliseconds=1) else ""
    return out or "0s"
