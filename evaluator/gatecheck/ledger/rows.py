"""What an index keeps of one entry: rows, made of its trailers and its statement, of whatever kind it is.

Nothing is verified here, and nothing refused: a statement that is damaged or of an unexpected form leaves the entry
with what its trailers say, and a remark. Requests are not read, since they may have to be erased.
"""

from typing import Any, NamedTuple

import msgspec
from msgspec import Struct

from gatecheck.ledger.entry import Entry
from gatecheck.ledger.record import DECISION

MAX_DEPTH = 50
_NAMING = ("approver", "reviewer", "by", "principal")
_ODD = "its statement is not of the form that its kind has"


class _Counted(Struct, frozen=True, gc=False, rename={"acting_for": "for"}):
    approver: str
    at: str = ""
    acting_for: str = ""


class _Refused(Struct, frozen=True, gc=False):
    approver: str
    at: str = ""
    stance: str = ""
    reason: str = ""


class _Finding(Struct, frozen=True, gc=False):
    id: str
    rule: str
    kind: str
    status: str
    statement: str = ""
    file: str = ""
    line: int = 0
    gate: str = ""
    note: str = ""
    advisory: bool = False
    counted: tuple[_Counted, ...] = ()
    refused: tuple[_Refused, ...] = ()


class _Override(Struct, frozen=True, gc=False):
    name: str
    counted: tuple[_Counted, ...] = ()
    refused: tuple[_Refused, ...] = ()


class _Waiver(Struct, frozen=True, gc=False):
    owner: str = ""


class _Change(Struct, frozen=True, gc=False):
    id: str = ""
    type: str = ""
    author: str = ""
    title: str = ""


class _Risk(Struct, frozen=True, gc=False):
    level: str = ""


class _Digest(Struct, frozen=True, gc=False):
    digest: str = ""


class _Engine(Struct, frozen=True, gc=False):
    gatecheck: str = ""


class _Review(Struct, frozen=True, gc=False):
    due: str = ""


class _Predicate(Struct, frozen=True, gc=False):
    verdict: str
    environment: str
    as_of: str = ""
    risk: _Risk = _Risk()
    change: _Change = _Change()
    findings: tuple[_Finding, ...] = ()
    override: _Override | None = None
    available: tuple[_Override, ...] = ()
    review: _Review = _Review()
    waivers: tuple[_Waiver, ...] = ()
    request: _Digest = _Digest()
    pack: _Digest = _Digest()
    engine: _Engine = _Engine()


class _Subject(Struct, frozen=True, gc=False):
    name: str
    digest: dict[str, str]


class _Decision(Struct, frozen=True, gc=False):
    subject: tuple[_Subject]
    predicate: _Predicate


_read = msgspec.json.Decoder(_Decision).decode


class Finding(NamedTuple):
    """One finding: what never changes between runs of a statement, and what it came to."""

    said: tuple[Any, ...]
    status: str
    advisory: bool
    note: str


class Rows(NamedTuple):
    """What is kept of one entry. Columns are those of the tables in ``views``."""

    entry: tuple[Any, ...]
    decision: tuple[Any, ...] | None
    findings: tuple[Finding, ...]
    approvals: tuple[tuple[Any, ...], ...]
    people: frozenset[tuple[str, str]]


def rows(entry: Entry, statement: bytes | None, why: str = "") -> Rows:
    """Return what is kept of an entry; where its statement can't be read it is ``None``, and ``why`` says so."""
    if statement is None:
        return _bare(entry, why)
    try:
        return _decision(entry, statement) if entry.kind == DECISION else _other(entry, statement)
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError, msgspec.MsgspecError):
        return _bare(entry, _ODD)


def _entry(
    entry: Entry,
    *,
    artifact: str = "",
    name: str = "",
    about: str = "",
    predicate: str | None = None,
    problem: str = "",
) -> tuple[Any, ...]:
    get = entry.trailers.get
    return (
        entry.writer, entry.seq, entry.id, entry.kind, int(entry.at.timestamp()), get("Gatecheck-Verdict", ""),
        get("Gatecheck-Environment", ""), get("Gatecheck-Service", ""), get("Gatecheck-Artifact", artifact), name,
        entry.subject, get("Gatecheck-Person", ""), get("Gatecheck-Entry", about).removeprefix("sha256:"),
        get("Gatecheck-Pack", ""), entry.chain, entry.commit, problem, predicate,
    )  # fmt: skip


def _bare(entry: Entry, why: str) -> Rows:
    row = _entry(entry, problem=why)
    return Rows(row, None, (), (), _people(entry, ()))


def _people(entry: Entry, found: "set[tuple[str, str]] | tuple[()]") -> frozenset[tuple[str, str]]:
    named = entry.trailers.get("Gatecheck-Person", "")
    if named and all(person != named for person, _ in found):
        return frozenset({*found, (named, "named")})
    return frozenset(found)


def _decision(entry: Entry, raw: bytes) -> Rows:
    read = _read(raw)
    (subject,), p = read.subject, read.predicate
    ((algorithm, value),) = subject.digest.items()
    claimed = (p.verdict, p.environment, f"{algorithm}:{value}", p.pack.digest)
    names = ("Gatecheck-Verdict", "Gatecheck-Environment", "Gatecheck-Artifact", "Gatecheck-Pack")
    agrees = all(entry.trailers.get(name) == text for name, text in zip(names, claimed, strict=True))
    problem = "" if agrees else "its trailers are not what its statement says"
    row = _entry(entry, name=subject.name, problem=problem)
    change, override = p.change, p.override
    decision = (
        p.as_of, change.id, change.type, change.author, change.title, p.risk.level,
        override.name if override is not None else "", p.review.due, p.request.digest, p.engine.gatecheck,
    )  # fmt: skip
    findings, approvals, people = [], [], set()
    for f in p.findings:
        if not 0 <= f.line < 2**53:
            raise ValueError
        findings.append(
            Finding((f.id, f.rule, f.kind, f.gate, f.statement, f.file, f.line), f.status, f.advisory, f.note)
        )
        if f.counted or f.refused:
            approvals += _approvals(f.rule, f)
    for used in (*((override,) if override is not None else ()), *p.available):
        approvals += _approvals(used.name, used)
    if change.author:
        people.add((change.author, "author"))
    for _, _, status, approver, _, _, _, acting_for in approvals:
        people.add((approver, status))
        if acting_for:
            people.add((acting_for, "acted for"))
    people.update((w.owner, "waiver owner") for w in p.waivers if w.owner)
    return Rows(row, decision, tuple(findings), tuple(approvals), _people(entry, people))


def _approvals(rule: str, of: _Finding | _Override) -> list[tuple[Any, ...]]:
    part = "override" if isinstance(of, _Override) else "rule"
    found: list[tuple[Any, ...]] = [
        (rule, part, "counted", c.approver, c.at, "approve", "", c.acting_for) for c in of.counted
    ]
    return found + [(rule, part, "refused", r.approver, r.at, r.stance, r.reason, "") for r in of.refused]


def _other(entry: Entry, raw: bytes) -> Rows:
    data = msgspec.json.decode(raw)
    predicate, subjects = data["predicate"], data["subject"]
    if not isinstance(predicate, dict) or not _is_flat(predicate, MAX_DEPTH):
        raise ValueError
    (subject,) = subjects
    ((algorithm, value),) = subject["digest"].items()
    name, digest = str(subject["name"]), f"{algorithm}:{value}"
    about = digest if name == "entry" else ""
    people = {(p, role) for role in _NAMING if isinstance(p := predicate.get(role), str) and p}
    text = msgspec.json.encode(predicate).decode()
    artifact = "" if name in ("entry", "trust") else digest
    shown = "" if not artifact else name
    row = _entry(entry, artifact=artifact, name=shown, about=about, predicate=text)
    return Rows(row, None, (), (), _people(entry, people))


def _is_flat(data: Any, depth: int) -> bool:
    if isinstance(data, dict | list):
        return depth > 0 and all(_is_flat(d, depth - 1) for d in (data.values() if isinstance(data, dict) else data))
    return True
