"""One evaluation in progress: what the compiled code asks about time, evidence and promotion, and what it has found.

Everything here is a function of the request alone. What changes by itself leaves a turn behind, so that the decision
can say when it will next change.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from gatecheck.engine.kleene import Truth, Undetermined
from gatecheck.model.decision import Action, Asked, Finding, Turn
from gatecheck.model.request import Deployment, Evidence, Request

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gatecheck.engine.ballot import Ballot
    from gatecheck.engine.quorum import Filler
    from gatecheck.engine.windows import Window

_ALWAYS, _NEVER = timedelta.max, timedelta(0)


class Admission(Struct, frozen=True, gc=False):
    """What a gate asks of its evidence before looking into it; ``producer`` is case folded.

    A signature of one of ``signed_by`` must vouch for it, where they name anybody.
    """

    gate: str
    kind: str
    producer: str
    fresh_for: timedelta | None
    bound: bool
    signed_by: tuple[str, ...] = ()


class Makers(dict[str, bool]):
    """Whether a producer, a tool's name and perhaps its version, is the tool that is asked for; each told once."""

    def __init__(self, asked: str) -> None:
        super().__init__()
        self.asked = asked

    def __missing__(self, producer: str) -> bool:
        made = producer.casefold()
        answer = made == self.asked or made.startswith(self.asked + " ")
        if len(self) < 1000:  # of tools there are few; of texts in evidence there may be many
            self[producer] = answer
        return answer


class Result(Struct, frozen=True, gc=False):
    """A gate's outcome: whether it passes, the values compared, and the evidence's fields where they count."""

    ok: Truth
    values: tuple[Any, ...]
    fields: dict[str, Any] | None


class Evaluation:
    """The state of one decision being made; compiled code calls it ``x``."""

    __slots__ = (
        "_members", "_named", "_stays", "attributes", "ballot", "change", "decided", "digest", "evidence", "findings",
        "gates", "is_rollback", "now", "obligations", "places", "reasons", "request", "risk", "turns",
    )  # fmt: skip

    def __init__(self, request: Request, now: datetime, named: Callable[[str], frozenset[str] | None]) -> None:
        self.request = request
        self.change = request.change
        self.digest = request.change.artifact.digest
        self.evidence = request.evidence
        self.now = now
        self._named = named
        self._members: dict[str, frozenset[str] | None] = {}
        self.attributes: dict[str, Any] = {}
        self.gates: dict[str, Result] = {}
        self.findings: list[Finding] = []
        self.turns: list[Turn] = []
        self.obligations: list[tuple[str, str]] = []
        self.reasons: list[tuple[str, str, int]] = []
        self.risk = 0
        self.decided = False
        self.ballot: Ballot | None = None
        self.places: list[tuple[int, tuple[Filler | None, ...]]] | None = None  # who fills what, where a trace asks
        self._stays: dict[str, tuple[timedelta, datetime | None]] = {}
        self.is_rollback = request.change.type == "rollback" and self._was_here(request.environment)

    # -- findings

    def advise(self, finding: Finding) -> None:
        """Keep a finding that decides nothing."""
        self.findings.append(replace(finding, advisory=True))

    def short(self, asked: Asked, truth: Truth, values: tuple[Any, ...]) -> Finding:
        """Return the finding of a statement that does not pass: failed if false, waiting if undetermined."""
        if truth is False:
            mend = Action("mend", asked.gate or asked.text, "", remedy=asked.remedy)
            return Finding(asked, "failed", values, (mend,))
        if truth is True:
            raise ValueError(f"{asked.id} passes")
        return Finding(asked, "waiting", values, truth.actions)

    def undecided(self, asked: Asked, guard: Undetermined) -> Finding:
        """Return the finding of a statement of which it can't be told whether it applies."""
        return Finding(asked, "waiting", (), guard.actions, note="it is undetermined whether this applies")

    # -- evidence

    def admit(self, ask: Admission, evidence: Evidence) -> Undetermined | None:
        """Return why a gate's evidence does not count, or ``None`` where it does."""
        produced = evidence.produced_at
        if evidence.flaw:
            reason = evidence.flaw
        elif evidence.kind != ask.kind:
            reason = f"it is {evidence.kind}, and the gate reads {ask.kind}"
        elif ask.producer and not Makers(ask.producer)[evidence.producer]:
            reason = f"it is by {evidence.producer or 'an unnamed tool'}, and the gate asks for {ask.producer}"
        elif ask.signed_by and not set(ask.signed_by) & set(evidence.signers):
            why = f": {evidence.unsigned}" if evidence.unsigned else ""
            reason = f"it is not signed by {' or '.join(ask.signed_by)}{why}"
        elif (subject := evidence.subject) is None:
            if not ask.bound:
                return None if produced is None and ask.fresh_for is None else self._in_time(ask, produced)
            reason = "it does not say which artifact or commit it is about"
        elif subject.digest is not None and subject.digest != self.digest:
            reason = f"it is about another artifact, {subject.digest[:19]}…"
        elif subject.commit is not None and subject.commit != self.change.commit:
            reason = f"it is about another commit, {subject.commit[:12]}"
        elif ask.bound and subject.digest is None and subject.commit is None:
            reason = "it does not say which artifact or commit it is about"
        else:
            return None if produced is None and ask.fresh_for is None else self._in_time(ask, produced)
        return Undetermined((Action("evidence", ask.gate, reason),))

    def _in_time(self, ask: Admission, produced: datetime | None) -> Undetermined | None:
        if produced is None:
            reason = "it does not say when it was produced, and must be fresh"
        elif produced > self.now:
            self.turns.append(Turn(produced, "evidence takes effect", ask.gate))
            return Undetermined((Action("wait", f"evidence of {ask.gate}", "it is from the future", produced),))
        elif ask.fresh_for is None or produced + ask.fresh_for > self.now:
            return None
        else:
            reason = "it is stale"
        return Undetermined((Action("evidence", ask.gate, reason),))

    def malformed(self, ask: Admission) -> Undetermined:
        """Return what a gate comes to whose evidence lacks a field that its kind promises."""
        return Undetermined((Action("evidence", ask.gate, "its fields are not those of its kind"),))

    # -- time

    def turns_to(self, window: "Window", toward: bool) -> Truth:
        """Return ``toward`` if the window is so now; else undetermined until it is, or false for ever."""
        is_open, until = window.state(self.now)
        if is_open is toward or until is None:
            return is_open
        word = "opens" if toward else "closes"
        return Undetermined((Action("wait", f"{window.name} {word}", "", until),))

    def stay(self, environment: str, asked: timedelta) -> timedelta:
        """Return the longest single stay of this artifact there since it was verified, up to now."""
        longest, since = self._longest(environment)
        if since is not None and (due := since + asked) > self.now:
            self.turns.append(Turn(due, "soak ends", environment))
        return longest

    def soaks_to(self, environment: str, rises: bool, asked: timedelta, toward: bool) -> Truth:
        """Return ``toward`` if the soak compares so now, else undetermined until it does.

        Where it ``rises`` it holds from ``asked`` on, else until then; a stay can only grow.
        """
        longest, since = self._longest(environment)
        holds = (longest >= asked) is rises
        if holds is toward or longest >= asked:
            return holds
        if since is None:
            why = f"it has soaked there for {_hours(longest)}" if longest else "it has not run there, verified"
            return Undetermined((Action("deploy", environment, why),))
        return Undetermined((Action("wait", f"soak in {environment}", "", since + asked),))

    def _longest(self, environment: str) -> tuple[timedelta, datetime | None]:
        """Return the longest stay, and since when the artifact is there now, if it is."""
        known = self._stays.get(environment)
        if known is None:
            known = self._stays[environment] = self._measure(environment)
        return known

    def _measure(self, environment: str) -> tuple[timedelta, datetime | None]:
        if self.is_rollback:
            return _ALWAYS, None
        longest, since, now = _NEVER, None, self.now
        for d in self.request.deployments:
            if d.environment != environment or d.artifact != self.digest or (start := d.verified_at) is None:
                continue
            if d.from_ > start:
                start = d.from_
            if start > now:
                self.turns.append(Turn(start, "deployment is verified", environment))
                continue
            end = d.to
            if end is None or end > now:
                since = start if since is None or start < since else since
                if end is not None:
                    self.turns.append(Turn(end, "stay ends", environment))
                end = now
            if end - start > longest:
                longest = end - start
        return longest, since

    # -- people

    def members(self, group: str) -> frozenset[str] | None:
        """Return who is in a group: by the pack, else by the directory; ``None`` where neither says."""
        if group not in self._members:
            named = self._named(group)
            if named is None:
                listed = self.request.directory.groups.get(group)
                self._members[group] = None if listed is None else frozenset(listed)
            else:
                self._members[group] = self.by_id(named)
        return self._members[group]

    def by_id(self, named: frozenset[str]) -> frozenset[str]:
        """Return people whom the pack names by the ids that the request knows them by: it may name a login."""
        people = self.request.directory.people
        if not people:
            return named
        ids = {login: person for person, entry in people.items() for login in entry.logins}
        return frozenset([ids.get(name, name) for name in named])

    # -- promotion

    def _deployments(self, environment: str) -> list[Deployment]:
        return [d for d in self.request.deployments if d.environment == environment and d.artifact == self.digest]

    def _was_here(self, environment: str) -> bool:
        """Tell whether this artifact was let into, or ran in, an environment before now."""
        since = [d.from_ for d in self._deployments(environment)]
        since += [p.at for p in self.request.promotions if p.environment == environment and p.artifact == self.digest]
        if any(at <= self.now for at in since):
            return True
        self.turns += [Turn(at, "this artifact was here", environment) for at in since]
        return False

    def after(self, asked: Asked, environment: str) -> Finding:
        """Return the finding of promotion order: this artifact must have been allowed in an environment before."""
        if self.is_rollback:
            return Finding(asked, "passed", note="a rollback to an artifact that was here before")
        for p in self.request.promotions:
            if p.environment == environment and p.artifact == self.digest:
                if p.at <= self.now:
                    return Finding(asked, "passed", note=f"allowed by {p.entry[7:19]}")
                self.turns.append(Turn(p.at, "promotion takes effect", environment))
        for d in self._deployments(environment):
            if d.from_ <= self.now:
                return Finding(asked, "passed", note="deployed there")
            self.turns.append(Turn(d.from_, "deployment takes effect", environment))
        why = "this artifact was not allowed there"
        return Finding(asked, "waiting", (), (Action("promote", environment, why),))


def known(value: Any, absent: Undetermined) -> Any:
    """Return a value, or the undetermined one that stands for its absence."""
    return absent if value is None else value


def field(result: Result, name: str, read: Callable[[Any], Any], absent: Undetermined) -> Any:
    """Return a field of another gate's evidence, undetermined where that does not count."""
    if result.fields is None:
        return result.ok
    value = read(result.fields.get(name))
    return absent if value is None else value


def through(items: Any, then: Callable[[Any], Any]) -> Any:
    """Return what follows from a list that may be undetermined."""
    return items if items.__class__ is Undetermined else then(items)


def _hours(stay: timedelta) -> str:
    minutes = stay // timedelta(minutes=1)
    return f"{minutes // 60}h{minutes % 60:02d}m"
