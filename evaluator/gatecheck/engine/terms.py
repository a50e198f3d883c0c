"""Approvals on terms: escalation, people who are excluded or away, signatures.

Who may fill a slot depends here on the instant: of the request, which may have waited long enough for other groups to
join, and of each approval, whose giver may have acted for somebody else just then. The quorum itself is decided by the
same matching as any other.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import NamedTuple

from msgspec.structs import replace

from gatecheck.engine.approve import IMPOSSIBLE, WHY, Ask, Level, Members, Terms, filled, vetoed
from gatecheck.engine.ballot import ballot_of, is_author, of_own
from gatecheck.engine.delegation import Acting, filled_by_delegates
from gatecheck.engine.evaluation import Evaluation
from gatecheck.engine.quorum import Given
from gatecheck.model.decision import Action, Asked, Finding, Refused, Turn

_NOBODY: Mapping[str, str] = {}


class _Vote(NamedTuple):
    """An approval by somebody who may give it: its giver's groups, and with their groups those whom he acted for."""

    at: datetime
    person: str
    own: int
    acting: tuple[tuple[str, int], ...]


def approve_on_terms(x: Evaluation, asked: Asked, ask: Ask) -> Finding:
    """Return the finding of an `approve by` statement that has terms, or where people act for others."""
    terms = ask.terms or Terms(-1)
    return _Judgement(x, asked, ask, terms).finding()


class _Judgement:
    """One statement being judged."""

    def __init__(self, x: Evaluation, asked: Asked, ask: Ask, terms: Terms) -> None:
        self.x = x
        self.asked = asked
        self.ask = ask
        self.terms = terms
        self.ballot = ballot_of(x, signed=terms.signed)
        listed = x.request.directory.groups
        self.masks: list[Members] = [
            (listed.get(group) if named is None else x.by_id(named), bit) for group, bit, named in ask.bits
        ]
        excluded, self.unknown = _excluded(x, terms.excluding)
        self.barred = excluded if ask.including_author else {**excluded, **self.ballot.interested}
        if excluded:
            ballot_of(x).excluded[asked.id] = excluded
        self.refused = self.ballot.refused.copy()
        self.votes = self.cast()

    def finding(self) -> Finding:
        if self.ballot.vetoes:
            named = [p for p, given in self.ballot.vetoes.items() if self.stops(p, [v.at for v in given])]
            if named:
                return vetoed(self.asked, named, tuple(self.refused))
            outside = [Refused(p, v[-1].at, "reject", WHY["outside"]) for p, v in self.ballot.vetoes.items()]
            self.refused += outside
        if self.unknown:
            unknown = [(f"approvers of {e}", f"who approved it for {e} is not known") for e in self.unknown]
            actions = tuple([Action("state", *each) for each in unknown])
            return Finding(self.asked, "waiting", (), actions, (), tuple(self.refused))
        now, later = self.levels()
        found = self.at_level(now)
        if now is not None:
            note = f"escalated to {self.joined(now)}"
            if found.note:
                note = f"{found.note}, even {note}"
            found = replace(found, note=note)
        return self.awaited(found, later) if found.status == "failed" else found

    # -- people

    def groups_of(self, person: str) -> int:
        mask = 0
        for members, bit in self.masks:
            if members is not None and person in members:
                mask |= bit
        return mask

    def is_barred(self, person: str) -> str | None:
        return self.barred.get(person) or of_own(person, self.barred)

    def stops(self, person: str, instants: Iterable[datetime]) -> bool:
        """Tell whether a person's rejections, or those given for somebody who was away, veto this statement."""
        people = {person, *(absent for at in instants for absent in self.ballot.absent(person, at))}
        return any(is_author(self.x, p) or self.groups_of(p) for p in people)

    def cast(self) -> list[_Vote]:
        """Return the approvals of those who may approve; the others are refused."""
        votes: list[_Vote] = []
        valid_for = self.ask.valid_for
        for person, instants in self.ballot.given.items():
            why = self.is_barred(person)
            own = self.groups_of(person)
            for at in instants:
                absent = [(p, groups) for p in self.ballot.absent(person, at) if (groups := self.groups_of(p))]
                if why is not None:
                    self.refuse(at, person, why)
                elif not own and not absent:
                    self.refuse(at, person, WHY["outside"])
                elif valid_for is not None and at + valid_for <= self.x.now:
                    self.refuse(at, person, "has expired")
                else:
                    votes.append(_Vote(at, person, own, tuple(absent)))
                    if valid_for is not None:
                        self.x.turns.append(Turn(at + valid_for, "approval expires", person))
        return sorted(votes)

    def refuse(self, at: datetime, person: str, why: str) -> None:
        self.refused.append(Refused(person, at, "approve", why))

    # -- escalation

    def levels(self) -> tuple[Level | None, list[Level]]:
        """Return the escalation that holds now, if one does, and those to come."""
        now, later = None, []
        since = self.x.change.requested_at
        for level in self.terms.levels:
            if since is not None and since + level.wait <= self.x.now:
                now = level
                continue
            later.append(level)
            if since is not None:
                self.x.turns.append(Turn(since + level.wait, "escalation begins", ", ".join(level.joining)))
        return now, later

    def joined(self, now: Level) -> str:
        joined = [g for level in self.terms.levels if level.wait <= now.wait for g in level.joining]
        return ", ".join(dict.fromkeys(joined))

    def awaited(self, found: Finding, later: list[Level]) -> Finding:
        """Return the finding of a quorum that is impossible now: it waits where an escalation will make it possible."""
        since = self.x.change.requested_at
        for level in later:
            due = None if since is None else since + level.wait
            self.refused = []  # what is refused stays what is refused now
            then = self.at_level(level, due)
            if then.status != "failed":
                groups = ", ".join(level.joining)
                if due is None:
                    wait = Action("state", "change.requested_at", f"without it this never escalates to {groups}")
                else:
                    wait = Action("wait", f"escalation to {groups}", found.actions[0].reason, due)
                note = f"{IMPOSSIBLE} until it escalates to {groups}"
                return replace(found, status="waiting", actions=(wait, *then.actions), note=note)
        return found

    # -- the quorum

    def at_level(self, level: Level | None, then: datetime | None = None) -> Finding:
        """Return the finding as it is once an escalation holds, with the approvals that are valid ``then``."""
        ask, bits = (self.ask, self.terms.bits) if level is None else (level.ask, level.bits)
        votes = self.votes
        if then is not None and ask.valid_for is not None:
            votes = [v for v in votes if v.at + ask.valid_for > then]
        acting = self.acting(votes, bits)
        counted: list[Given] = []
        for vote in votes:
            mask = vote.own
            for absent, groups in vote.acting:
                if acting.get(absent) == vote.person:
                    mask |= groups
            if mask & bits:
                counted.append((vote.at, vote.person, mask & bits))
            else:
                self.refuse(vote.at, vote.person, self.without_place(vote, acting))
        masks = [(members, bit & bits) for members, bit in self.masks]
        if not acting:
            return filled(self.x, self.asked, ask, counted, masks, self.barred, self.refused)
        people = Acting(acting, {p: self.groups_of(p) & bits for p in [*acting, *acting.values()]}, self.ballot.absent)
        return filled_by_delegates(self.x, self.asked, ask, counted, masks, self.barred, self.refused, people)

    def acting(self, votes: list[_Vote], bits: int) -> dict[str, str]:
        """Return who acts for each person that is away: the first who approved for somebody who has not herself."""
        acting: dict[str, str] = {}
        for vote in votes:
            for absent, groups in vote.acting:
                if groups & bits and self.stands_back(absent) is None:
                    acting.setdefault(absent, vote.person)
        return acting

    def stands_back(self, absent: str) -> str | None:
        """Return why nobody may act for a person who is away."""
        return self.is_barred(absent) or ("approved herself" if absent in self.ballot.given else None)

    def without_place(self, vote: _Vote, acting: Mapping[str, str]) -> str:
        """Return why an approval could fill no slot now."""
        for absent, _ in vote.acting:
            if (why := self.stands_back(absent)) is not None:
                return f"acts for {absent}, who {why}"
            if absent in acting:
                return f"acts for {absent}, for whom {acting[absent]} acts already"
        groups = vote.own
        for _, of_absent in vote.acting:
            groups |= of_absent
        waited = next(level.waited for level in self.terms.levels if level.bits & groups)
        why = f"may act only once this has waited {waited}"
        return why if self.x.change.requested_at is not None else f"{why}, and the change does not say since when"


def _excluded(x: Evaluation, environments: tuple[str, ...]) -> tuple[dict[str, str], list[str]]:
    """Return who approved this artifact for an environment, with the reason, and for which nobody says who did."""
    found: dict[str, str] = {}
    unknown: list[str] = []
    for environment in environments:
        known: list[str] | None = None
        for p in x.request.promotions:
            if p.environment != environment or p.artifact != x.digest:
                continue
            if p.at > x.now:
                x.turns.append(Turn(p.at, "promotion takes effect", environment))
            elif p.approvers is not None:
                known = [*(known or ()), *p.approvers]
        for a in x.request.approvals:
            if a.environment != environment or a.artifact != x.digest or a.stance != "approve":
                continue
            if a.at > x.now:
                x.turns.append(Turn(a.at, "approve takes effect", a.approver))
            else:
                known = [*(known or ()), a.approver]
        if known is None:
            unknown.append(environment)
            continue
        for person in known:
            found.setdefault(person, f"approved it for {environment}")
    for person in list(found):
        if "@" in person:
            found.setdefault(person[: person.index("@")], found[person])
    return found, unknown
