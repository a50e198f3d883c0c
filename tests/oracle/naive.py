"""A second evaluator, naive on purpose: the meaning of a checked pack, written down as directly as it can be.

It interprets ``core.Pack`` node by node. Nothing is compiled, kept or cut short; windows are read off the wall clock
minute by minute, approvals are tried in every assignment. It knows nothing of the engine, only the language.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import cache
from importlib.resources import files
from itertools import chain, combinations
from re import DOTALL, findall, fullmatch
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from gatecheck.lang import core
from gatecheck.lang.types import Type
from gatecheck.model.request import Approval, Deployment, Request

STEP = timedelta(minutes=30)  # every edge of the windows that are asked lies on it
HORIZON = 9 * 48  # steps from now, and from each date on which a window opens: more than a week
SEVERITIES = ("none", "low", "medium", "high", "critical")


class Answer(NamedTuple):
    """What a request comes to: ``missing`` counts the approvals that each waiting statement still needs.

    ``advisory`` names the statements that decide nothing, ``waived`` says until when each waived one is, ``override``
    names the one that allows, ``available`` those that only lack approvals.
    """

    verdict: str
    risk: str
    statuses: dict[str, str]
    obligations: tuple[tuple[str, str], ...]
    missing: dict[str, int]
    advisory: frozenset[str]
    waived: dict[str, datetime]
    override: str
    available: tuple[str, ...]
    causes: dict[str, frozenset[str]]


class Unknown:
    """Neither true nor false; ``causes`` name the gates and fields whose absence is the reason."""

    def __init__(self, causes: Iterable[str]) -> None:
        self.causes = frozenset(causes)

    def __bool__(self) -> bool:
        raise AssertionError("an unknown value was taken for a truth")


def judge(pack: core.Pack, request: Request) -> Answer:
    return _Judge(pack, request).answer()


def broken(pack: core.Pack, request: Request, approvers: int, override: str) -> list[tuple[str, str, bool]]:
    """What an `allow` breaks: each invariant, its claim, and whether that is merely unknown.

    So many people's approvals counted, and by that override, if any.
    """
    judge = _Judge(pack, request)
    judge.risk = judge.level()
    judge.of_decision = {"approvers": approvers, "overridden": bool(override)}
    out = []
    for invariant in pack.invariants:
        if request.environment not in invariant.environments:
            continue
        if invariant.guard is not None and judge.value(invariant.guard) is False:
            continue
        for claim in invariant.conditions:
            value = judge.value(claim)
            if value is not True:
                out.append((invariant.name, claim.text, isinstance(value, Unknown)))
    return out


# -- three values


def conjunction(truths: Sequence[Any]) -> Any:
    if any(t is False for t in truths):
        return False
    unknown = [t for t in truths if isinstance(t, Unknown)]
    return Unknown(c for t in unknown for c in t.causes) if unknown else True


def disjunction(truths: Sequence[Any]) -> Any:
    return negation(conjunction([negation(t) for t in truths]))


def negation(truth: Any) -> Any:
    return truth if isinstance(truth, Unknown) else not truth


# -- values as documents hold them


def read(type_: Type, value: Any) -> Any:
    """A value of a document as one that compares; ``None`` is what is not measured."""
    if value is None:
        return None
    if type_.item is not None:
        return value if type_.item.fields else [read(type_.item, each) for each in value]
    if type_.name == "severity":
        return SEVERITIES.index(value)
    if type_.name == "percent":
        text = str(value)
        return Decimal(text[:-1]) / 100 if text.endswith("%") else Decimal(text)
    if type_.name == "decimal":
        return Decimal(value)
    if type_.name == "duration":
        unit = {"w": 604800000, "d": 86400000, "h": 3600000, "m": 60000, "s": 1000, "ms": 1}
        return timedelta(milliseconds=sum(int(n) * unit[u] for n, u in findall(r"([0-9]+)(ms|[wdhms])", value)))
    if type_.name == "instant":
        return value if isinstance(value, datetime) else datetime.fromisoformat(value).astimezone(UTC)
    return value


def compare(left: Any, operator: str, right: Any) -> bool:
    answers = {
        "==": lambda: left == right, "!=": lambda: left != right, "<": lambda: left < right,
        "<=": lambda: left <= right, ">": lambda: left > right, ">=": lambda: left >= right,
    }  # fmt: skip
    return bool(answers[operator]())


# -- windows


@cache
def _zone(name: str) -> ZoneInfo:
    with files("tzdata").joinpath("zoneinfo", *name.split("/")).open("rb") as file:
        return ZoneInfo.from_file(file)


def is_open(window: core.WindowSpec, instant: datetime) -> bool:
    """Half-open wall-clock spans; one that wraps midnight belongs to the day it starts on."""
    wall = instant.astimezone(_zone(window.zone)).replace(tzinfo=None)
    for days, start, end in window.weekly:
        for day in (wall.date(), wall.date() - timedelta(days=1)):
            midnight = datetime(day.year, day.month, day.day)  # noqa: DTZ001  # wall-clock time
            length = end - start if end > start else end - start + 24 * 60
            opens = midnight + timedelta(minutes=start)
            if day.weekday() in days and opens <= wall < opens + timedelta(minutes=length):
                return True
    return any(datetime.fromisoformat(a) <= wall < datetime.fromisoformat(b) for a, b in window.dated)


# -- approvals


def fewest_missing(
    alternatives: Sequence[Sequence[Sequence[Sequence[str]]]],
    given: Sequence[tuple[datetime, str, frozenset[str]]],
    able: Mapping[str, frozenset[str]],
) -> int | None:
    """How many further approvals satisfy an alternative: 0 where it is satisfied, ``None`` where none can be.

    Every assignment of given and of further approvals to slots is tried; a further one is later than all given.
    """
    never = datetime.max.replace(tzinfo=UTC)
    choices = [(at, person, groups, 0) for at, person, groups in given]
    choices += [(never, person, groups, 1) for person, groups in able.items()]

    def costs(slots: Sequence[tuple[int, Sequence[str]]], taken: list[tuple[int, datetime, str]]) -> Iterator[int]:
        if not slots:
            yield 0
            return
        stage, groups = slots[0]
        for at, person, member_of, cost in choices:
            in_order = all(at >= earlier for number, earlier, _ in taken if number < stage)
            if in_order and member_of & set(groups) and all(person != other for _, _, other in taken):
                yield from (cost + rest for rest in costs(slots[1:], [*taken, (stage, at, person)]))

    found: list[int] = []
    for alternative in alternatives:
        slots = [(number, slot) for number, stage in enumerate(alternative) for slot in stage]
        if slots:
            found += costs(slots, [])
    return min(found, default=None)


def looked_at(node: core.Core) -> str:
    """What of the world a part of an expression looks at by itself; nothing where it only joins others."""
    if isinstance(node, core.GateResult | core.EvidenceField):
        return f"gate {node.gate}"
    joins = (
        core.Const, core.Item, core.ItemField, core.Quantified, core.Compare, core.Contains, core.Matches, core.Not,
        core.And, core.Or,
    )  # fmt: skip
    return "" if isinstance(node, joins) else type(node).__name__


class _Judge:
    def __init__(self, pack: core.Pack, request: Request) -> None:
        self.pack = pack
        self.request = request
        self.change = request.change
        self.digest = request.change.artifact.digest
        self.environment = request.environment
        self.now = datetime.fromisoformat(request.as_of).astimezone(UTC)
        self.ahead = False  # whether windows and soaks are left to time
        self.risk = 0
        self.of_decision: dict[str, Any] = {}

    # -- the whole

    def answer(self) -> Answer:
        self.risk = self.level()
        statuses: dict[str, str] = {}
        missing: dict[str, int] = {}
        causes: dict[str, frozenset[str]] = {}
        obligations: set[tuple[str, str]] = set()
        advisory: set[str] = set()
        decided = False
        for earlier in self.pack.environments[self.environment]:
            statuses[f"promotion/after-{earlier}"] = "passed" if self.is_after(earlier) else "waiting"
        for s in self.pack.statements:
            if self.environment not in s.environments:
                continue
            applies = True if s.guard is None else self.value(s.guard)
            if applies is False:
                continue
            binds = not s.advisory and (s.effective_from is None or self.now >= s.effective_from)
            decided = decided or (binds and s.kind in ("approve", "automatic"))
            advisory |= set() if binds else {s.id}
            if isinstance(applies, Unknown):
                statuses[s.id] = "waiting"
                causes[s.id] = applies.causes
            elif s.kind in ("deploy", "notify"):
                obligations |= {(s.kind, s.value)} if binds else set()
            elif s.kind == "automatic":
                statuses[s.id] = "failed" if self.author_rejects() else "passed"
            elif s.approval is not None:
                statuses[s.id], count = self.approved(s.approval)
                if statuses[s.id] == "waiting" and count is not None:
                    missing[s.id] = count
            else:
                assert s.condition is not None
                wanted = s.kind == "require"
                value = self.value(s.condition)
                statuses[s.id] = self.status(s.condition, value, wanted)
                if isinstance(value, Unknown):
                    causes[s.id] = value.causes
        if not decided:
            statuses["promotion/approval"] = "failed"
        waived = self.waived(statuses)
        statuses |= dict.fromkeys(waived, "waived")
        binding = [status for name, status in statuses.items() if name not in advisory]
        verdict = "deny" if "failed" in binding else "pending" if "waiting" in binding else "allow"
        override, available = ("", []) if verdict == "allow" else self.overrides()
        return Answer(
            "allow" if override else verdict, self.pack.levels[self.risk], statuses, tuple(sorted(obligations)),
            missing, frozenset(advisory & set(statuses)), waived, override, () if override else tuple(available),
            {name: causes[name] for name in causes if name not in waived},
        )  # fmt: skip

    def waived(self, statuses: Mapping[str, str]) -> dict[str, datetime]:
        """Until when each statement is waived that falls short."""
        out: dict[str, datetime] = {}
        for s in self.pack.statements:
            if statuses.get(s.id) in ("failed", "waiting") and s.kind in ("require", "forbid"):
                ends = [w.until for w in self.pack.waivers if self.lets_off(w, s)]
                if ends and self.environment in s.environments:
                    out[s.id] = max(ends)
        return out

    def lets_off(self, w: core.Waiver, s: core.Statement) -> bool:
        if self.environment not in w.environments or self.now >= w.until:
            return False
        if w.guard is not None and self.value(w.guard) is not True:
            return False
        assert s.condition is not None
        looks = {looked_at(node) for node in core.walk(s.condition)} - {""}
        return s.rule in w.rules or (looks != set() and looks <= {f"gate {g}" for g in w.gates})

    def overrides(self) -> tuple[str, list[str]]:
        """The first override by name that is given all approvals, and those that apply."""
        asked = [o for o in self.pack.overrides if self.environment in o.environments]
        applying = [o for o in asked if o.guard is None or self.value(o.guard) is True]
        given = [
            o.name
            for o in applying
            if all(s.approval is not None and self.approved(s.approval)[0] == "passed" for s in o.approvals)
        ]
        return min(given, default=""), sorted(o.name for o in applying)

    def level(self) -> int:
        """The highest level whose condition holds, or `otherwise`; what can't be told may only raise it."""
        values = [(case.rank, self.value(case.condition)) for case in self.pack.cases]
        holding = [rank for rank, value in values if value is True]
        possible = [rank for rank, value in values if isinstance(value, Unknown)]
        decided = max(holding) if holding else self.pack.otherwise
        stated = [] if self.change.risk is None else [self.pack.levels.index(self.change.risk)]
        return max([decided, *possible, *stated])

    def status(self, condition: core.Core, value: Any, wanted: bool) -> str:
        if isinstance(value, Unknown):
            return "waiting"
        if value is wanted:
            return "passed"
        return "waiting" if self.could_turn(condition, wanted) else "failed"

    def could_turn(self, condition: core.Core, wanted: bool) -> bool:
        """Whether the condition is no longer decided against it once each window and soak is left to time."""
        self.ahead = True
        value = self.value(condition)
        self.ahead = False
        return value is not (not wanted)

    def will_differ(self, window: core.WindowSpec) -> bool:
        """Whether a window that is open now will be closed, or the other way round: tried half hour by half hour."""
        starts = [datetime.fromisoformat(start).replace(tzinfo=UTC) for start, _ in window.dated]
        first = self.now.replace(minute=self.now.minute // 30 * 30, second=0, microsecond=0)
        tried = (start + n * STEP for start in [first, *starts] for n in range(-48, HORIZON))
        is_open_now = is_open(window, self.now)
        return any(t > self.now and is_open(window, t) is not is_open_now for t in tried)

    # -- expressions

    def value(self, node: core.Core, gate: str = "", item: Any = None) -> Any:
        """What an expression is worth; inside a gate, and for an item of a list, where so given."""
        match node:
            case core.Const():
                return node.value
            case core.ChangeField():
                value: Any = self.change
                for name in node.path:
                    value = getattr(value, name)
                return Unknown([node.text]) if value is None else value
            case core.AttributeField():
                attribute = self.pack.attributes[node.name]
                if node.name in self.change.attributes:
                    return read(attribute.type, self.change.attributes[node.name])
                assert attribute.has_default
                return attribute.default
            case core.RiskLevel():
                return self.risk
            case core.OfDecision():
                return self.of_decision[node.name]
            case core.EvidenceField():
                return self.measured(node)
            case core.GateResult():
                refused = self.refusal(self.pack.gates[node.gate])
                return Unknown([node.gate]) if refused else self.value(self.pack.gates[node.gate].condition, node.gate)
            case core.Item():
                return item
            case core.ItemField():
                found = item.get(node.name) if isinstance(item, dict) else getattr(item, node.name)
                made = read(node.type, found)
                return Unknown([gate, f"its {node.name}"]) if made is None else made
            case core.During():
                window = self.pack.windows[node.window]
                return Unknown([node.text]) if self.ahead and self.will_differ(window) else is_open(window, self.now)
            case core.Soak():
                lasts = compare(self.soak(node.environment), node.operator, node.duration)
                at_last = compare(timedelta.max, node.operator, node.duration)  # a stay can only grow
                return Unknown([node.text]) if self.ahead and lasts is not at_last else lasts
            case core.Quantified():
                return self.quantified(node, gate)
            case core.Compare():
                left, right = self.value(node.left, gate, item), self.value(node.right, gate, item)
                return self.known(lambda: compare(left, node.operator, right), left, right)
            case core.Contains():
                one, many = self.value(node.item, gate, item), self.value(node.items, gate, item)
                return self.known(lambda: any(one == each for each in many), one, many)
            case core.Matches():
                text = self.value(node.subject, gate, item)
                return self.known(lambda: fullmatch(node.regex, text, DOTALL) is not None, text)
            case core.Not():
                return negation(self.value(node.operand, gate, item))
            case core.And():
                return conjunction([self.value(o, gate, item) for o in node.operands])
            case core.Or():
                return disjunction([self.value(o, gate, item) for o in node.operands])
        raise AssertionError(f"no meaning for {type(node).__name__}")

    def known(self, test: Any, *values: Any) -> Any:
        unknown = [v for v in values if isinstance(v, Unknown)]
        return Unknown(c for v in unknown for c in v.causes) if unknown else test()

    def quantified(self, node: core.Quantified, gate: str) -> Any:
        items = self.value(node.items, gate)
        if isinstance(items, Unknown):
            return items
        cause = node.items.gate if isinstance(node.items, core.EvidenceField) else node.items.text
        of_files = isinstance(node.items, core.ChangeField) and node.items.path == ("files",)
        if not items and (of_files or node.quantifier == "all"):
            return Unknown([cause])  # nothing passes by vacuity
        truths = [True if node.where is None else self.value(node.where, cause, item) for item in items]
        if node.quantifier == "any":
            return disjunction(truths)
        if node.quantifier == "all":
            return conjunction(truths)
        unknown = [t for t in truths if isinstance(t, Unknown)]
        return Unknown(c for t in unknown for c in t.causes) if unknown else sum(truths)

    # -- evidence

    def refusal(self, gate: core.Gate) -> str:
        """Why a gate's evidence does not count; nothing where it does."""
        evidence = self.request.evidence.get(gate.name)
        if evidence is None:
            return "there is none"
        if evidence.flaw or evidence.kind != gate.kind:
            return "nothing in it is measured, or it is of another kind"
        made_by, wanted = evidence.producer.casefold(), gate.producer.casefold()
        if wanted and made_by != wanted and not made_by.startswith(wanted + " "):
            return "another tool made it"
        if gate.signed_by and not any(name in gate.signed_by for name in evidence.signers):
            return "nobody signed it of whom that is asked"
        digest = evidence.subject.digest if evidence.subject is not None else None
        commit = evidence.subject.commit if evidence.subject is not None else None
        if digest not in (None, self.digest) or (commit is not None and commit != self.change.commit):
            return "it is about something else"
        if gate.bound and digest is None and commit is None:
            return "it does not say what it is about"
        if evidence.produced_at is not None and evidence.produced_at > self.now:
            return "it is from the future"
        if gate.fresh_for is None:
            return ""
        if evidence.produced_at is None:
            return "it is undated"
        return "" if self.now - evidence.produced_at < gate.fresh_for else "it is stale"

    def measured(self, node: core.EvidenceField) -> Any:
        if self.refusal(self.pack.gates[node.gate]):
            return Unknown([node.gate])
        fields = self.request.evidence[node.gate].fields
        found = fields["fields"].get(node.name) if node.declared else fields.get(node.name)
        made = read(node.type, found)
        return Unknown([node.gate]) if made is None else made

    # -- promotion and soak

    def stays(self, environment: str) -> list[Deployment]:
        return [d for d in self.request.deployments if d.environment == environment and d.artifact == self.digest]

    def was_in(self, environment: str) -> bool:
        promoted = [p for p in self.request.promotions if p.environment == environment and p.artifact == self.digest]
        return any(d.from_ <= self.now for d in self.stays(environment)) or any(p.at <= self.now for p in promoted)

    def is_rollback(self) -> bool:
        return self.change.type == "rollback" and self.was_in(self.environment)

    def is_after(self, earlier: str) -> bool:
        return self.is_rollback() or self.was_in(earlier)

    def soak(self, environment: str) -> timedelta:
        """The longest single stay since it was verified there, up to now; a rollback has soaked for ever."""
        if self.is_rollback():
            return timedelta.max
        verified = [(max(d.from_, d.verified_at), d.to) for d in self.stays(environment) if d.verified_at is not None]
        lasted = [(self.now if to is None else min(to, self.now)) - start for start, to in verified]
        return max([timedelta(0), *lasted])

    # -- people

    def stances(self, person: str, signed: bool = False) -> list[Approval]:
        """A person's statements about this artifact and environment up to now, the sterner last at one instant.

        Where signatures are asked for, an approval without its giver's is left out.
        """
        stern = ("approve", "withdraw", "reject")
        mine = [
            a
            for a in self.request.approvals
            if (a.approver, a.artifact, a.environment) == (person, self.digest, self.environment) and a.at <= self.now
            if a.stance != "approve" or not signed or a.signer == person
        ]
        return sorted(mine, key=lambda a: (a.at, stern.index(a.stance)))

    def rejections(self, person: str, signed: bool = False) -> list[datetime]:
        """The instants at which the person rejected, and has not approved since."""
        instants: list[datetime] = []
        for a in self.stances(person, signed):
            instants = [] if a.stance == "approve" else [*instants, a.at] if a.stance == "reject" else instants
        return instants

    def author_rejects(self) -> bool:
        """Whether the author rejects, or somebody in the author's name."""
        return any(
            self.is_author(name)
            for other in self.everybody()
            for at in self.rejections(other)
            for name in (other, *self.absent(other, at))
        )

    def is_author(self, name: str) -> bool:
        """Whether a name is the author's: it is the same, or one is a mail address that begins as the other does."""
        author = self.change.author
        both = {name.partition("@")[0], author.partition("@")[0]}
        return name == author or (len(both) == 1 and "@" in name + author)

    def standing(self, person: str, signed: bool) -> list[datetime]:
        """The instants of a person's approvals that no later stance of another kind took back."""
        instants: list[datetime] = []
        for a in self.stances(person, signed):
            instants = [*instants, a.at] if a.stance == "approve" else []
        return instants

    def everybody(self) -> set[str]:
        return {a.approver for a in self.request.approvals}

    def absent(self, person: str, at: datetime) -> list[str]:
        """For whom a person acts at an instant."""
        return [
            name
            for name, entry in self.request.directory.people.items()
            if any(a.delegate == person and a.from_ <= at < a.to for a in entry.away)
        ]

    def approvers_of(self, environment: str) -> set[str] | None:
        """Who approved this artifact for an environment; ``None`` where nobody says so."""
        recorded = [
            p.approvers
            for p in self.request.promotions
            if (p.artifact, p.environment) == (self.digest, environment) and p.at <= self.now
            if p.approvers is not None
        ]
        stated = [
            a.approver
            for a in self.request.approvals
            if (a.artifact, a.environment, a.stance) == (self.digest, environment, "approve") and a.at <= self.now
        ]
        return {p for each in [*recorded, stated] for p in each} if recorded or stated else None

    def members(self, group: str) -> set[str] | None:
        """Who is in a group by the pack, else by the directory; ``None`` where neither says."""
        named = self.pack.groups[group]
        if named is not None:
            return {name.casefold() for name in named}
        listed = self.request.directory.groups.get(group)
        return None if listed is None else set(listed)

    def approved(self, asked: core.Approval) -> tuple[str, int | None]:
        """The status, and how many approvals are missing; ``None`` where nobody can tell."""
        joining = [g for _, groups in asked.escalations for g in groups]
        groups = {name: self.members(name) for name in (*asked.groups, *joining)}
        away = self.request.directory.people
        people = self.everybody() | {p for m in groups.values() for p in m or ()} | set(away)
        people |= {a.delegate for entry in away.values() for a in entry.away}
        of = {p: frozenset(name for name, m in groups.items() if m is not None and p in m) for p in people}
        for p in people:
            for at in self.rejections(p, asked.signed):
                if any(of[name] or self.is_author(name) for name in (p, *self.absent(p, at))):
                    return "failed", 0
        excluded = [self.approvers_of(e) for e in asked.excluding]
        if None in excluded:
            return "waiting", None
        own = set() if asked.including_author else {self.change.author, *self.change.committers, self.change.requester}
        barred = {p for each in [own, *excluded] for p in each or () if p}
        barred |= {p.partition("@")[0] for p in barred}
        eligible = {p: of[p] for p in sorted(people) if p not in barred and p.partition("@")[0] not in barred}
        since = self.change.requested_at
        begun = [groups for wait, groups in asked.escalations if since is not None and self.now >= since + wait]
        count = self.lacks(asked, eligible, groups, begun, self.now)
        if count is not None:
            return "waiting" if count else "passed", count
        for wait, _ in asked.escalations[len(begun) :]:
            begun = [groups for earlier, groups in asked.escalations if earlier <= wait]
            count = self.lacks(asked, eligible, groups, begun, self.now if since is None else since + wait)
            if count is not None:
                return "waiting", count
        return "failed", 0

    def lacks(
        self, asked: core.Approval, eligible: Mapping[str, frozenset[str]], groups: Mapping[str, set[str] | None],
        begun: Sequence[tuple[str, ...]], then: datetime,
    ) -> int | None:  # fmt: skip
        """How many approvals are missing once escalations have begun; ``None`` where nobody could give them.

        Of those who are away, any may approve themselves, which their delegates then don't do for them.
        """
        joined = tuple(g for each in begun for g in each)
        quorum = [[[(*slot, *joined) for slot in stage] for stage in alternative] for alternative in asked.alternatives]
        active = {*asked.groups, *joined}
        votes = [
            (at, p)
            for p in eligible
            for at in self.standing(p, asked.signed)
            if asked.valid_for is None or then - at < asked.valid_for
        ]
        away = [p for p in self.request.directory.people if p in eligible]
        able_at_most = max(sum(map(len, alternative)) for alternative in quorum)
        found: list[int | None] = []
        for themselves in chain.from_iterable(combinations(away, n) for n in range(len(away) + 1)):
            acting: dict[str, str] = {}
            for at, p in sorted(votes):
                for absent in self.absent(p, at):
                    may = absent in away and absent not in themselves and not self.standing(absent, asked.signed)
                    if may and eligible[absent] & active:
                        acting.setdefault(absent, p)
            given = [
                (at, p, eligible[p].union(*(eligible[a] for a in self.absent(p, at) if acting.get(a) == p)))
                for at, p in votes
            ]
            able: dict[str, frozenset[str]] = {}
            for p, of in eligible.items():
                if p in away and p not in themselves and not self.standing(p, asked.signed):
                    continue  # whatever he approves now, he has then approved himself
                able[p] = of
                for absent in self.absent(p, self.now):  # who acts from now on
                    may = absent in away and absent not in themselves and not self.standing(absent, asked.signed)
                    if may and acting.get(absent, p) == p:
                        able[p] |= eligible[absent]
            for name in (name for name, m in groups.items() if m is None):  # enough people may be in it
                able |= {f"{name} {n}": frozenset([name]) for n in range(able_at_most)}
            found.append(fewest_missing(quorum, given, {p: of for p, of in able.items() if of}))
        return min((count for count in found if count is not None), default=None)
