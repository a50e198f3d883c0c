"""A compiled pack, ready to decide: load parts, check a request against the pack, evaluate it.

``evaluate`` is the one decision path. It is a pure function of the program and the request; nothing it does raises
for what a request holds, once ``check_request`` has accepted the names in it.
"""

import operator
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from types import CodeType
from typing import Any, NamedTuple

from msgspec.structs import replace

from gatecheck.engine import kleene
from gatecheck.engine.approve import Ask, Level, Terms, approve, automatic
from gatecheck.engine.ballot import ballot_of
from gatecheck.engine.evaluation import Admission, Evaluation, Makers, Result, field, known, through
from gatecheck.model import readers
from gatecheck.model.decision import Action, Asked, Decision, Finding, Override, Turn, Waiver
from gatecheck.model.request import Request
from gatecheck.text.diagnostic import Diagnostic, InputError

GENERAL = ""
_UNDECIDED = Asked(
    "promotion/approval", "promotion", "", "approval", "a rule says how approval happens", "", 0,
    remedy="add `approve automatically` or `approve by …` for this environment and risk to the rules",
)  # fmt: skip
_ORDER = {k: n for n, k in enumerate(("mend", "settle", "promote", "deploy", "evidence", "state", "approve", "wait"))}
_NO_MORE: Mapping[str, Any] = {}
Part = tuple[Callable[[Evaluation], None], Callable[[Evaluation], int] | None]


def _contains(item: Any, items: Any) -> bool:
    return item in items


def _matched(match: Callable[[str], Any], subject: Any) -> bool:
    return match(subject) is not None


@lru_cache(4096)
def _glob(regex: str) -> Any:
    import re

    return re.compile(regex, re.DOTALL)


@lru_cache(1024)
def _window(*spec: Any) -> Any:
    from gatecheck.engine.windows import Window

    return Window(*spec)


_NAMES: dict[str, Any] = {
    "Level": Level, "Makers": Makers, "Terms": Terms,
    "Action": Action, "Admission": Admission, "Ask": Ask, "Asked": Asked, "Decimal": Decimal, "Finding": Finding,
    "Result": Result, "SEVERITY": readers.SEVERITY, "Turn": Turn, "Undetermined": kleene.Undetermined,
    "all_of": kleene.all_of,
    "any_of": kleene.any_of, "apply": kleene.apply, "approve": approve, "automatic": automatic, "both": kleene.both,
    "compile_glob": _glob, "contains": _contains, "count_of": kleene.count_of, "date": readers.date,
    "datetime": datetime, "decimal": readers.decimal, "duration": readers.duration, "each": readers.each,
    "either": kleene.either,
    "eq": operator.eq, "field": field, "flag": readers.flag, "ge": operator.ge, "gt": operator.gt,
    "instant": readers.instant,
    "known": known, "le": operator.le, "lt": operator.lt, "matched": _matched, "ne": operator.ne,
    "negate": kleene.negate, "percent": readers.percent, "severity": readers.severity, "rows": readers.rows,
    "texts": readers.texts, "listed": kleene.listed, "entry": kleene.entry,
    "text": readers.text, "through": through, "timedelta": timedelta, "whole": readers.whole, "window": _window,
}  # fmt: skip


class Attribute(NamedTuple):
    """An attribute that the pack declares: how its value is read, and what holds where the change says nothing."""

    kind: str
    has_default: bool
    default: Any

    def read(self, given: Mapping[str, Any], name: str) -> Any:
        """Return the attribute's value, or ``None`` where it is missing or of another type."""
        value = given.get(name, self.default) if self.has_default else given.get(name)
        return readers.READERS[self.kind](value)


class Program:
    """A compiled pack. ``load`` gives the code of one part, by environment and service, or ``None``.

    ``more`` are names that the code uses beside those of the engine.
    """

    def __init__(
        self, meta: Mapping[str, Any], load: Callable[[str, str], CodeType | None], more: Mapping[str, Any] = _NO_MORE
    ) -> None:
        self.digest: str = meta["digest"]
        self.files: tuple[tuple[str, str], ...] = meta["files"]
        self.environments: dict[str, tuple[str, ...]] = meta["environments"]
        self.levels: tuple[str, ...] = meta["levels"]
        self.gates: frozenset[str] = frozenset(meta["gates"])
        self.kinds: dict[str, tuple[str, str]] = meta["kinds"]  # by gate: a kind of the pack's own, and its schema
        self.signed: dict[str, tuple[str, ...]] = meta["signed"]  # by gate: of whom a signature is asked
        self.attributes: dict[str, Attribute] = {n: Attribute(*a) for n, a in meta["attributes"].items()}
        self.excluded: dict[str, tuple[str, ...]] = meta["excluded"]  # whose approvers the rules of which exclude
        self.exempting: tuple[str, ...] = meta["exempting"]  # the environments that have waivers or overrides
        self._groups: dict[str, tuple[str, ...] | None] = meta["groups"]
        self._members: dict[str, frozenset[str]] = {}
        self._load = load
        self._more = more
        self._parts: dict[tuple[str, str], Part | None] = {}
        self._besides: dict[tuple[str, str], Mapping[str, Any]] = {}

    def members(self, group: str) -> frozenset[str] | None:
        """Return who is in a group by the pack's own words; ``None`` where the directory says so."""
        found = self._members.get(group)
        if found is None:
            named = self._groups.get(group)
            if named is None:
                return None
            found = self._members[group] = frozenset(named)
        return found

    def part(self, environment: str, service: str) -> Part | None:
        """Return one part's functions, loaded once."""
        key = (environment, service)
        if key not in self._parts:
            code = self._load(environment, service)
            if code is None:
                self._parts[key] = None
            else:
                space = self._run(code)
                self._parts[key] = (space["part"], space.get("risk"))
        return self._parts[key]

    def beside(self, kind: str, environment: str, names: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return what a part beside the rules defines with ``names``, loaded once; nothing where there is none."""
        key = (kind, environment)
        if key not in self._besides:
            code = self._load(kind, environment)
            self._besides[key] = {} if code is None else self._run(code, names)
        return self._besides[key]

    def _run(self, code: CodeType, names: Mapping[str, Any] = _NO_MORE) -> dict[str, Any]:
        space = {**_NAMES, **self._more, **names}
        exec(code, space)  # noqa: S102  # our own compiler's output, from a cache whose owner is checked
        return space


def evaluate(program: Program, request: Request) -> Decision:
    """Decide one request. ``InputError`` where it names what the pack does not know."""
    x = prepared(program, request)
    environment = request.environment
    general = program.part(environment, GENERAL) if environment in program.environments else None
    if general is None or not program.gates.issuperset(request.evidence):
        raise _unknown_names(program, request)
    decide, risk = general
    levels = program.levels
    if risk is not None:
        x.risk = risk(x)
    stated = request.change.risk
    if stated is not None:
        if stated not in levels:
            raise _unknown_names(program, request)
        if levels.index(stated) > x.risk:
            x.risk = levels.index(stated)
            x.reasons = [("stated on the change", "", 0)]
    if not x.reasons:
        x.reasons.append(("otherwise", "", 0))
    decide(x)
    own = program.part(environment, request.change.service)
    if own is not None and request.change.service != GENERAL:
        own[0](x)
    findings = x.findings
    if not x.decided:
        mend = Action("mend", _UNDECIDED.text, "", remedy=_UNDECIDED.remedy)
        note = f"no rule decides approval in {environment} at risk {levels[x.risk]}"
        findings.append(Finding(_UNDECIDED, "failed", (), (mend,), note=note))
    return _decision(program, x)


def prepared(program: Program, request: Request) -> Evaluation:
    """Return the evaluation of a request before anything is asked; ``InputError`` for what its attributes lack."""
    x = Evaluation(request, _instant(request.as_of), program.members)
    _attributes(program, request, x)
    return x


def _decision(program: Program, x: Evaluation) -> Decision:
    environment = x.request.environment
    exempt = None
    waivers: tuple[Waiver, ...] = ()
    if environment in program.exempting:
        from gatecheck.engine.exemptions import exemptions

        exempt = exemptions(program, environment)
        waivers = exempt.waive(x)
    verdict: Any = "allow"
    missing: tuple[Action, ...] = ()
    override: Override | None = None
    available: tuple[Override, ...] = ()
    short = [f for f in x.findings if f.status != "passed" and f.status != "waived" and not f.advisory]
    if short:
        if exempt is not None:
            override, available = exempt.break_glass(x)
        if override is None:
            verdict = "pending"
            for f in short:
                if f.status == "failed":
                    verdict = "deny"
            missing = _missing(x, short)
    first = None
    for turn in x.turns:
        if first is None or turn.at < first.at:
            first = turn
    obligations = tuple(sorted(set(x.obligations))) if x.obligations else ()
    return Decision(
        verdict, environment, program.levels[x.risk], tuple(x.reasons), x.findings, obligations, missing, x.turns,
        first, waivers, override, available,
    )  # fmt: skip


def _missing(x: Evaluation, short: list[Finding]) -> tuple[Action, ...]:
    """Return the smallest set of actions that would turn the verdict to `allow`."""
    asking: list[Finding] = []
    found: list[Action] = []
    for f in short:
        if f.actions and f.actions[0].kind == "approve":
            asking.append(f)
        elif len(f.actions) > 1 and f.actions[1].kind == "approve":  # once it has escalated
            found.append(f.actions[0])
            asking.append(replace(f, actions=f.actions[1:]))
        else:
            found += f.actions
    if len(found) > 1:
        found = sorted(dict.fromkeys(found), key=_order)
    if not asking:
        return tuple(found)
    approvals = asking[0].actions
    if len(asking) > 1:
        from gatecheck.engine.merge import merged

        approvals = merged(asking, x.members, ballot_of(x).bars)
    if not found:
        return approvals
    # Approvals of one statement stay in the order in which they must be given; waiting comes last.
    waits = [a for a in found if a.kind == "wait"]
    return (*[a for a in found if a.kind != "wait"], *approvals, *waits)


def _order(action: Action) -> int:
    return _ORDER[action.kind]


@lru_cache(64)
def _instant(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


def _attributes(program: Program, request: Request, x: Evaluation) -> None:
    given = request.change.attributes
    if given and not program.attributes.keys() >= given.keys():
        raise _unknown_names(program, request)
    for name, attribute in program.attributes.items():
        made = x.attributes[name] = attribute.read(given, name)
        if made is None:
            raise _bad_attribute(name, attribute.kind, name in given)


def _bad_attribute(name: str, kind: str, given: bool) -> InputError:
    if given:
        return InputError(Diagnostic("GC521", f"the attribute `{name}` of the change is not a {kind}"))
    hint = f"add `{name}` (a {kind}) under `attributes`"
    return InputError(Diagnostic("GC521", f"the change does not carry the attribute `{name}`", hint=hint))


def _unknown_names(program: Program, request: Request) -> InputError:
    """Return everything in a request that the pack does not know, each with the nearest name that it does."""
    from gatecheck.text.nearest import did_you_mean

    found = []

    def unknown(what: str, name: str, names: Any, file: str = "") -> None:
        near = did_you_mean(name, names)
        found.append(Diagnostic("GC520", f"the rules know no {what} `{name}`", hint=near, file=file))

    if request.environment not in program.environments:
        unknown("environment", request.environment, program.environments)
    for gate in sorted(set(request.evidence) - program.gates):
        unknown("gate", gate, program.gates, request.evidence[gate].file)
    if request.change.risk is not None and request.change.risk not in program.levels:
        unknown("risk level", request.change.risk, program.levels)
    for name in sorted(set(request.change.attributes) - set(program.attributes)):
        unknown("attribute", name, program.attributes)
    return InputError(*found)
