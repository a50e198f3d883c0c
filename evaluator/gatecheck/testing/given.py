"""What is given, made a request: of a test's case from harmless constants on, of a what-if from a request that exists.

Givens hold in the order of the text, a later one over an earlier; what the change is, and where it goes, is settled
before all others, since evidence and approvals are bound to it. What nobody gave is as harmless as can be: see
``HARMLESS``. The request is put together as that of every decision is, by ``gate.assemble``.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any, Final, NoReturn

from msgspec import to_builtins
from msgspec.structs import replace

from gatecheck.gate import assemble
from gatecheck.lang import ast, core, scenario
from gatecheck.lang.points import resolve
from gatecheck.lang.scenario import Given, Now
from gatecheck.model.canonical import canonical, digest
from gatecheck.model.identity import identify, names_of
from gatecheck.model.instant import write_instant
from gatecheck.model.request import (
    Absence,
    Approval,
    Change,
    Deployment,
    Directory,
    DirectoryPerson,
    Promotion,
    Request,
)
from gatecheck.model.schema import read
from gatecheck.testing.samples import Samples
from gatecheck.testing.values import kind_of, neutral, of_field, plain
from gatecheck.text.diagnostic import Diagnostic, InputError
from gatecheck.text.source import Span
from gatecheck.text.zones import load_zone

HARMLESS: Final[dict[str, Any]] = {
    "id": "test", "service": "service", "type": "feature", "author": "author",
    "artifact": {"name": "artifact", "digest": f"sha256:{'a' * 64}"}, "files": [{"path": "some/file"}],
}  # fmt: skip
"""The change of a test, as far as it does not say otherwise; asked for at the test's instant."""

_ENTRY: Final = f"sha256:{'0' * 64}"  # of a promotion that no ledger recorded
_BEFORE: Final = timedelta(minutes=1)  # what is said without an instant was said then, one millisecond after another
_EVER: Final = datetime(1970, 1, 1, tzinfo=UTC)
_END: Final = datetime(2999, 12, 31, tzinfo=UTC)
_TURNS: Final[dict[type, int]] = {
    scenario.GivenRecorded: 0, scenario.Now: 1, scenario.GivenChange: 2, scenario.GivenRisk: 2,
}  # fmt: skip


def apply(
    pack: core.Pack, request: Request, wishes: Iterable[Given | Now], samples: Samples, *, zone: str = "UTC",
    recorded: Mapping[str, Request] | None = None,
) -> Request:  # fmt: skip
    """Return the request as it would be if all that is wished were so.

    ``zone`` is that of times without one, ``recorded`` holds recorded requests by the name of their file. Raises
    ``InputError``, at the place of the wish, where it can't be so.
    """
    return _Situation(pack, request, samples, zone, recorded or {}).take(wishes)


def case_of(
    pack: core.Pack, items: Sequence[ast.Node], given: Sequence[Given], samples: Samples,
    recorded: Mapping[str, Request] | None = None,
) -> Request:  # fmt: skip
    """Return the request of a case of a checked test: ``items`` are those of its block, ``given`` what its `each` add.

    Without an instant of its own it is judged as of that of its recorded request.
    """
    at = next((item.point for item in items if isinstance(item, scenario.At)), None)
    zone = at.zone if at is not None and at.zone else "UTC"
    wishes: list[Given | Now] = [item for item in items if isinstance(item, Given)]
    start = _EVER
    if at is not None:
        wishes.append(scenario.Now(at.span, at))
        start = resolve(at, zone)
    return apply(pack, _harmless(pack, start), [*wishes, *given], samples, zone=zone, recorded=recorded)


def each_given(each: scenario.Each, value: ast.Expression) -> Given:
    """Return one value of an `each` as the given that it stands for; `environment` goes to the value."""
    span, (head, *rest) = each.span, each.field.parts
    if head == "risk":
        return scenario.GivenRisk(span, _word(value))
    if head == "environment":
        return scenario.GivenChange(span, scenario.Fields(span, ()), _word(value))
    pair = scenario.Pair(span, ".".join(rest), _value(value))
    return scenario.GivenChange(span, scenario.Fields(span, (pair,)))


def _value(node: ast.Expression) -> scenario.Value:
    if isinstance(node, ast.ListOf):
        return scenario.Values(node.span, tuple(_value(item) for item in node.items))
    if isinstance(node, ast.Literal | ast.Reference):
        return node
    raise TypeError(f"{type(node).__name__} is no value")


def _word(node: ast.Expression) -> str:
    return ".".join(node.parts) if isinstance(node, ast.Reference) else ""


@cache
def _change() -> Change:
    made: Change = read(dict(HARMLESS), "change")
    return made


def _harmless(pack: core.Pack, now: datetime) -> Request:
    missing = {name: neutral(a.type) for name, a in pack.attributes.items() if not a.has_default}
    change = replace(_change(), requested_at=now, attributes=missing)
    return Request(change=change, environment="", as_of=write_instant(now))


class _Situation:
    """A request that is being changed, part by part."""

    def __init__(
        self, pack: core.Pack, request: Request, samples: Samples, zone: str, recorded: Mapping[str, Request]
    ) -> None:
        self.pack = pack
        self.samples = samples
        self.zone = zone
        self.recorded = recorded
        self.said = 0  # stances without an instant
        self.start(request)

    def start(self, request: Request) -> None:
        self.change = request.change
        self.environment = request.environment
        self.as_of = request.as_of
        self.now = datetime.fromisoformat(request.as_of).astimezone(UTC)
        self.evidence = dict(request.evidence)
        self.approvals = list(request.approvals)
        self.groups = dict(request.directory.groups)
        self.people = dict(request.directory.people)
        self.deployments = list(request.deployments)
        self.promotions = list(request.promotions)
        self.sources = request.sources

    def take(self, wishes: Iterable[Given | Now]) -> Request:
        for wish in sorted(wishes, key=_turn):
            self.one(wish)
        return self.request()

    def request(self) -> Request:
        made = assemble(
            self.change, self.environment, self.as_of, evidence=self.evidence, approvals=self.approvals,
            directory=Directory(self.groups, self.people), deployments=self.deployments, sources=self.sources,
        )  # fmt: skip
        if not self.promotions:
            return made
        return replace(made, promotions=sorted(self.promotions, key=lambda p: (p.environment, p.at, p.entry)))

    def one(self, wish: Given | Now) -> None:
        for person in _people(wish):
            if not _is_person(person):
                _refuse(
                    wish.span, f"nobody can be named `{person}`", "leave out what can't be seen, and doubled blanks"
                )
        match wish:
            case scenario.GivenGates():
                for name in self.pack.gates:
                    self.outcome(wish.span, name, "passes")
            case scenario.GivenGate():
                self.outcome(wish.span, wish.gate, wish.outcome)
            case scenario.GivenEvidence():
                self.measured(wish)
            case scenario.GivenSignature():
                self.signed(wish)
            case scenario.GivenStances():
                self.stances(wish)
            case scenario.GivenChange():
                self.changed(wish)
            case scenario.GivenRisk():
                self.change = replace(self.change, risk=wish.level)
            case scenario.GivenGroup():
                self.groups[wish.group] = list(wish.members)
            case scenario.GivenDelegate():
                self.delegated(wish)
            case scenario.GivenSoak():
                self.soaked(wish)
            case scenario.GivenAllowed():
                self.allowed(wish)
            case scenario.GivenRecorded():
                self.recall(wish)
            case scenario.Now():
                self.set_clock(wish.at)

    # -- time and change

    def set_clock(self, at: ast.Point) -> None:
        zone = at.zone or self.zone
        self.now = resolve(at, zone)
        self.as_of = self.now.astimezone(load_zone(zone)).isoformat()

    def instant(self, point: ast.Point) -> datetime:
        return resolve(point, self.zone)

    def changed(self, wish: scenario.GivenChange) -> None:
        if wish.environment:
            self.environment = wish.environment
        if not wish.fields.pairs:
            return
        document: dict[str, Any] = to_builtins(self.change)
        document["attributes"] = attributes = dict(self.change.attributes)
        for pair in wish.fields.pairs:
            value = plain(pair.value)
            if pair.key in self.pack.attributes:
                attributes[pair.key] = value
            elif pair.key == "files":
                document["files"] = [{"path": each} if isinstance(each, str) else each for each in value]
            else:
                document[pair.key] = value
        try:
            self.change = read(document, "change")
        except ValueError as refusal:  # msgspec.ValidationError is one
            self.refuse_change(wish.span, document, str(refusal))

    def refuse_change(self, span: Span, document: dict[str, Any], refusal: str) -> NoReturn:
        from gatecheck.model.explain import explain

        raw = canonical({**document, "attributes": {}})
        said = explain(document, raw, "", "change", refusal).diagnostics[0]
        _refuse(span, f"no change can be like this: {said.message}", said.hint)

    def recall(self, wish: scenario.GivenRecorded) -> None:
        found = self.recorded.get(wish.path)
        if found is None:
            _refuse(wish.span, f"there is no recorded request `{wish.path}`", "name a JSON file of the pack's folder")
        self.start(found)

    # -- evidence

    def outcome(self, span: Span, name: str, outcome: scenario.Outcome) -> None:
        gate = self.pack.gates[name]
        if outcome == "missing":
            self.evidence.pop(name, None)
            return
        wanted: Any = "failed" if outcome == "fails" else "passed"
        made = self.samples.evidence(name, wanted, self.change, self.now)
        if made is None:
            word = "fail" if outcome == "fails" else "pass"
            _refuse(span, f"no evidence was found that makes `{name}` {word}", f"write `given {name} {{ … }}`")
        if outcome == "stale":
            if gate.fresh_for is None:
                _refuse(span, f"evidence of `{name}` never goes stale", f"give `{name}` a `fresh for`, or drop this")
            made = replace(made, produced_at=self.now - gate.fresh_for)
        self.evidence[name] = made

    def measured(self, wish: scenario.GivenEvidence) -> None:
        gate = self.pack.gates[wish.gate]
        base = self.samples.evidence(gate.name, "passed", self.change, self.now)
        base = self.samples.blank(gate.name, self.change, self.now) if base is None else base
        kind, declared = kind_of(self.pack, gate), dict(gate.fields)
        fields = dict(base.fields)
        for pair in scenario.pairs_of(wish.fields, [f.name for f in kind.fields]):
            if pair.key in declared:
                fields["fields"] = {**fields["fields"], pair.key: plain(pair.value, declared[pair.key])}
            else:
                fields[pair.key] = plain(pair.value, of_field(kind, pair.key))
        flaw = _flaw(fields) if gate.kind == "check" else ""
        self.evidence[gate.name] = replace(base, fields=fields, raw=digest(canonical(fields)), flaw=flaw)

    def signed(self, wish: scenario.GivenSignature) -> None:
        evidence = self.evidence.get(wish.gate)
        if evidence is None:
            hint = f"write `given {wish.gate} passes` before it"
            _refuse(wish.span, f"there is no evidence of `{wish.gate}` that could be signed", hint)
        self.evidence[wish.gate] = replace(evidence, signers=sorted(set(wish.signers)))

    # -- people and places

    def stances(self, wish: scenario.GivenStances) -> None:
        for said in wish.said:
            if said.at is None:
                at = self.now - _BEFORE + timedelta(milliseconds=self.said)
                self.said += 1
            else:
                at = self.instant(said.at)
            environment = wish.environment or self.environment
            made = Approval(said.person, wish.stance, at, self.change.artifact.digest, environment)
            self.approvals.append(replace(made, signer=said.person) if wish.is_signed else made)

    def delegated(self, wish: scenario.GivenDelegate) -> None:
        until = _END if wish.until is None else self.instant(wish.until)
        person = identify(wish.person, names_of(Directory(self.groups, self.people)))
        entry = self.people.get(person, DirectoryPerson())
        self.people[person] = replace(entry, away=[Absence(_EVER, until, wish.delegate)])

    def soaked(self, wish: scenario.GivenSoak) -> None:
        artifact, since = self.change.artifact.digest, self.now - wish.duration
        others = [d for d in self.deployments if (d.artifact, d.environment) != (artifact, wish.environment)]
        self.deployments = [*others, Deployment(artifact, wish.environment, since, verified_at=since)]

    def allowed(self, wish: scenario.GivenAllowed) -> None:
        artifact = self.change.artifact.digest
        made = Promotion(artifact, wish.environment, self.now - _BEFORE, _ENTRY, sorted(set(wish.people)))
        others = [p for p in self.promotions if (p.artifact, p.environment) != (artifact, wish.environment)]
        self.promotions = [*others, made]


def _people(wish: Given | Now) -> tuple[str, ...]:
    match wish:
        case scenario.GivenStances():
            return tuple(said.person for said in wish.said)
        case scenario.GivenGroup():
            return wish.members
        case scenario.GivenAllowed():
            return wish.people
        case scenario.GivenDelegate():
            return (wish.delegate, wish.person)
    return ()


@cache
def _is_person(name: str) -> bool:
    try:
        read({"groups": {"some": [name]}}, "directory")
    except ValueError:
        return False
    return True


def _turn(wish: Given | Now) -> int:
    return _TURNS.get(type(wish), 3)


def _flaw(fields: Mapping[str, Any]) -> str:
    """Return what the reader of checks says of one that measured nothing."""
    from gatecheck.evidence.check import read_check

    return read_check({"status": fields["status"]}, "given").flaw


def _refuse(span: Span, message: str, hint: str = "") -> NoReturn:
    raise InputError(Diagnostic("GC530", message, span, "", hint))
