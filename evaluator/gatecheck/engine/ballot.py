"""Who said what: each person's standing approvals and rejections, and what counts for nothing, with the reason.

One pass over the request's approvals finds each person's stance; each statement then sees only whom it names.
"""

from collections.abc import Mapping
from datetime import datetime

from gatecheck.engine.evaluation import Evaluation
from gatecheck.model.decision import Refused, Turn
from gatecheck.model.request import Approval

_ORDER = {"approve": 0, "withdraw": 1, "reject": 2}  # at one instant the sterner stance is the later one
_NOBODY: dict[str, str] = {}


class Ballot:
    """Each person's standing approvals, the standing rejections, and what counts for nothing anywhere.

    ``absences`` are those that each delegate acts in: whose, from when, until when. In a ``signed`` ballot an approval
    without its giver's signature is none: it counts for nothing, and lifts no rejection. ``excluded`` are whom
    statements bar, by the statement's id, beside those ``interested``.
    """

    __slots__ = ("absences", "excluded", "given", "interested", "refused", "signed", "vetoes")

    def __init__(self, x: Evaluation, *, signed: bool = False) -> None:
        change = x.change
        interested = dict.fromkeys(change.committers, "is a committer")
        if change.requester is not None:
            interested[change.requester] = "is the requester"
        interested[change.author] = "is the author"
        for person in list(interested):
            if "@" in person:  # git knows a person by a mail address, a forge mostly by the name before its `@`
                interested.setdefault(person[: person.index("@")], interested[person])
        self.interested = interested
        self.given: dict[str, list[datetime]] = {}
        self.vetoes: dict[str, list[Approval]] = {}
        self.refused: list[Refused] = []
        self.excluded: dict[str, Mapping[str, str]] = {}
        self.signed: Ballot | None = None
        people = x.request.directory.people
        self.absences: dict[str, list[tuple[str, datetime, datetime]]] = {}
        for person in sorted(p for p in people if people[p].away) if people else ():
            for a in people[person].away:
                self.absences.setdefault(a.delegate, []).append((person, a.from_, a.to))
        approvals = x.request.approvals
        unsigned = [a for a in approvals if _is_unsigned(x, a)] if signed else []
        if unsigned:
            approvals = [a for a in approvals if not _is_unsigned(x, a)]
        if not self.tally(x, approvals):
            self.given, self.vetoes, self.refused = {}, {}, []
            self.tally(x, sorted(approvals, key=_when), is_sorted=True)
        self.refused += map(_unsigned, unsigned)

    def tally(self, x: Evaluation, approvals: list[Approval], *, is_sorted: bool = False) -> bool:
        """Take approvals in the order of time; ``False`` where they are not in it, or two share an instant."""
        digest, environment, now, given, last = x.digest, x.request.environment, x.now, self.given, None
        for a in approvals:
            at = a.at
            if last is not None and at <= last and not is_sorted:
                return False
            last = at
            if a.artifact != digest or a.environment != environment or at > now:
                self.refused.append(Refused(a.approver, at, a.stance, self.binding(x, a)))
            elif a.stance != "approve":
                self.revoke(a)
            else:
                person = a.approver
                if self.vetoes:
                    self.vetoes.pop(person, None)
                if person in given:
                    given[person].append(at)
                else:
                    given[person] = [at]
        return True

    def binding(self, x: Evaluation, a: Approval) -> str:
        """Return why a statement is not about this question."""
        if a.artifact != x.digest:
            return f"is for another artifact, {a.artifact[:19]}…"
        if a.environment != x.request.environment:
            return f"is for the environment {a.environment}"
        x.turns.append(Turn(a.at, f"{a.stance} takes effect", a.approver))
        return "is from the future"

    def revoke(self, a: Approval) -> None:
        for at in self.given.pop(a.approver, ()):
            word = "rejected" if a.stance == "reject" else "withdrawn"
            self.refused.append(Refused(a.approver, at, "approve", f"was later {word}"))
        if a.stance == "reject":
            self.vetoes.setdefault(a.approver, []).append(a)

    def absent(self, person: str, at: datetime) -> list[str]:
        """Return those for whom a person acted at an instant."""
        return [absent for absent, start, end in self.absences.get(person, ()) if start <= at < end]

    def bars(self, statement: str, person: str) -> bool:
        """Tell whether a person's approval counts for nothing in a statement, or is none to count on."""
        excluded = self.excluded.get(statement, _NOBODY)
        return any(person in names or of_own(person, names) is not None for names in (self.interested, excluded))


def _is_unsigned(x: Evaluation, a: Approval) -> bool:
    """Tell whether an approval that would count lacks its giver's signature."""
    if a.stance != "approve" or a.signer == a.approver:
        return False
    return a.artifact == x.digest and a.environment == x.request.environment and a.at <= x.now


def _unsigned(a: Approval) -> Refused:
    return Refused(a.approver, a.at, a.stance, a.unsigned or "is not signed")


def _when(a: Approval) -> tuple[datetime, int]:
    return a.at, _ORDER[a.stance]


def ballot_of(x: Evaluation, *, signed: bool = False) -> Ballot:
    """Return the request's ballot, or that of its signed approvals, made once."""
    if x.ballot is None:
        x.ballot = Ballot(x)
    if not signed:
        return x.ballot
    if x.ballot.signed is None:
        x.ballot.signed = Ballot(x, signed=True)
    return x.ballot.signed


def is_author(x: Evaluation, person: str) -> bool:
    """Tell whether a person is the author, also by the name before the `@` of a mail address."""
    author = x.change.author
    if person == author:
        return True
    if "@" not in person and "@" not in author:
        return False
    return person.partition("@")[0] == author.partition("@")[0]


def of_own(person: str, barred: Mapping[str, str]) -> str | None:
    """Return why a person may not approve whose mail address belongs to a name that is barred."""
    return barred.get(person[: person.index("@")]) if "@" in person else None
