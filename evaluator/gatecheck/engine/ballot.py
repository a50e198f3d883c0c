"""Approvals: which count at all, and whether they give a statement what it asks for.

One pass over the request's approvals finds each person's stance; each statement then sees only whom it names. Every
approval that does not count is kept with the reason.
"""

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime, timedelta

from msgspec import Struct

from gatecheck.engine.evaluation import Evaluation
from gatecheck.engine.quorum import Alternative, Filler, Given, fill, shortfall, uncounted
from gatecheck.model.decision import Action, Asked, Finding, Refused, Turn
from gatecheck.model.request import Approval

_ORDER = {"approve": 0, "withdraw": 1, "reject": 2}  # at one instant the sterner stance is the later one
_NOBODY: dict[str, str] = {}
_WHY = {"taken": "already fills another place", "spare": "is not needed", "outside": "is in no group that is asked"}


Members = tuple[Collection[str] | None, int]


class Ask(Struct, frozen=True, gc=False):
    """What an `approve by` statement asks: slots as bitmasks over its own ``groups``.

    ``bits`` gives each group's bit, and its members where the pack names them; ``None`` leaves that to the directory.
    ``most`` is the number of slots of the longest alternative; ``shortest`` are those of the shortest, and
    ``all_missing`` asks for them: what is missing where nobody approved.
    """

    alternatives: tuple[Alternative, ...]
    groups: tuple[str, ...]
    bits: tuple[tuple[str, int, frozenset[str] | None], ...]
    valid_for: timedelta | None
    including_author: bool
    most: int
    shortest: tuple[int, ...]
    all_missing: tuple[Action, ...]


class Ballot:
    """Each person's standing approvals, the standing rejections, and what counts for nothing anywhere."""

    __slots__ = ("given", "interested", "refused", "vetoes")

    def __init__(self, x: Evaluation) -> None:
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
        self.vetoes: dict[str, Approval] = {}
        self.refused: list[Refused] = []
        approvals = x.request.approvals
        if not self.tally(x, approvals):
            self.given, self.vetoes, self.refused = {}, {}, []
            self.tally(x, sorted(approvals, key=_when), is_sorted=True)

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
            self.vetoes[a.approver] = a


def _when(a: Approval) -> tuple[datetime, int]:
    return a.at, _ORDER[a.stance]


def _ballot(x: Evaluation) -> Ballot:
    if x.ballot is None:
        x.ballot = Ballot(x)
    return x.ballot


def automatic(x: Evaluation, asked: Asked) -> Finding:
    """Return the finding of `approve automatically`, which only the author's own rejection stops."""
    veto = _ballot(x).vetoes.get(x.change.author) if x.request.approvals else None
    return Finding(asked, "passed") if veto is None else _vetoed(asked, [veto], ())


def approve(x: Evaluation, asked: Asked, ask: Ask) -> Finding:
    """Return the finding of an `approve by` statement."""
    ballot = x.ballot or _ballot(x)
    refused = ballot.refused.copy()
    counted: list[Given] = []
    listed = x.request.directory.groups
    masks: list[Members] = [
        (listed.get(group) if named is None else x.by_id(named), bit) for group, bit, named in ask.bits
    ]
    barred = _NOBODY if ask.including_author else ballot.interested
    valid_for = ask.valid_for
    in_order = True
    for person, instants in ballot.given.items():
        if (why := barred.get(person) or _of_own(person, barred)) is not None:
            refused += [Refused(person, at, "approve", why) for at in instants]
            continue
        mask = 0
        for members, bit in masks:
            if members is not None and person in members:
                mask |= bit
        if not mask:
            refused += [Refused(person, at, "approve", _WHY["outside"]) for at in instants]
            continue
        if len(instants) > 1:
            in_order = False
        for at in instants:
            if valid_for is None:
                counted.append((at, person, mask))
            elif (until := at + valid_for) > x.now:
                counted.append((at, person, mask))
                x.turns.append(Turn(until, "approval expires", person))
            else:
                refused.append(Refused(person, at, "approve", "has expired"))
    if not in_order:
        counted.sort()
    if ballot.vetoes:
        named = [v for p, v in ballot.vetoes.items() if p == x.change.author or any(m and p in m for m, _ in masks)]
        if named:
            return _vetoed(asked, named, tuple(refused))
        refused += [Refused(p, v.at, "reject", _WHY["outside"]) for p, v in ballot.vetoes.items()]
    return _filled(x, asked, ask, counted, masks, barred, refused)


def _filled(
    x: Evaluation, asked: Asked, ask: Ask, counted: list[Given], masks: list[Members], barred: dict[str, str],
    refused: list[Refused],
) -> Finding:  # fmt: skip
    found = fill(ask.alternatives, counted)
    if found is not None:
        number, fillers = found
        if x.places is not None:
            x.places.append(found)
        if len(fillers) < len(counted):
            refused += _not_counted(counted, ask, number, fillers)
        return Finding(asked, "passed", (), (), fillers, tuple(refused))
    if not counted and _are_there(masks, barred, ask.shortest, set()):
        return Finding(asked, "waiting", (), ask.all_missing, (), tuple(refused))
    # Asked first as if everybody could approve: mostly enough people are there, and that is soon seen.
    lack = shortfall(ask.alternatives, counted, {}, plenty=True)
    used = {f[0] for f in lack.fillers if f is not None}
    if lack.is_impossible or not _are_there(masks, barred, [m.mask for m in lack.missing], used):
        lack = shortfall(ask.alternatives, counted, _electorate(ask, masks, barred))
    if x.places is not None:
        x.places.append((lack.alternative, lack.fillers))
    given = tuple([f for f in lack.fillers if f is not None])
    if len(given) < len(counted):
        refused += _not_counted(counted, ask, lack.alternative, lack.fillers)
    if lack.is_impossible:
        names = ", ".join(_names(ask, mask) for mask in dict.fromkeys(lack.lacking))
        mend = Action("mend", asked.text, f"nobody who may approve is left in {names}", remedy=asked.remedy)
        return Finding(asked, "failed", (), (mend,), given, tuple(refused), "this quorum is impossible")
    unknown = [g for (members, _), g in zip(masks, ask.groups, strict=True) if members is None]
    actions = []
    for m in lack.missing:
        groups = tuple([g for n, g in enumerate(ask.groups) if m.mask >> n & 1])
        nameless = [g for g in groups if g in unknown]
        reason = f"the directory does not say who is in {', '.join(nameless)}" if nameless else ""
        actions.append(Action("approve", asked.id, reason, None, groups, m.after))
    return Finding(asked, "waiting", (), tuple(actions), given, tuple(refused))


def _of_own(person: str, barred: Mapping[str, str]) -> str | None:
    """Return why a person may not approve whose mail address belongs to a name that is barred."""
    return barred.get(person[: person.index("@")]) if "@" in person else None


def _are_there(masks: list[Members], barred: Mapping[str, str], slots: Iterable[int], used: set[str]) -> bool:
    """Tell whether somebody is there for each slot, each time somebody else; a ``False`` may be wrong."""
    for slot in slots:
        found = None
        for members, bit in masks:
            if bit & slot and members is not None:
                for person in members:
                    if person not in used and person not in barred and _of_own(person, barred) is None:
                        found = person
                        break
            if found is not None:
                break
        if found is None:
            return False
        used.add(found)
    return True


def _electorate(ask: Ask, masks: list[Members], barred: Mapping[str, str]) -> dict[str, int]:
    """Return all who may approve, with their groups; of a group that nobody knows, enough without a name."""
    who: dict[str, int] = {}
    for (members, bit), group in zip(masks, ask.groups, strict=True):
        for person in (f"{group}#{k}" for k in range(ask.most)) if members is None else members:
            if person not in barred and _of_own(person, barred) is None:
                who[person] = who.get(person, 0) | bit
    return who


def _not_counted(counted: list[Given], ask: Ask, number: int, fillers: tuple[Filler | None, ...]) -> list[Refused]:
    out: list[Refused] = []
    if len(ask.alternatives[number]) == 1 and None not in fillers:  # no order to be late in: the common case
        people = [filler[0] for filler in fillers if filler is not None]
        for at, person, _ in counted:
            if (person, at) not in fillers:
                out.append(Refused(person, at, "approve", _WHY["taken" if person in people else "spare"]))
        return out
    for left in uncounted(ask.alternatives, counted, number, fillers):
        at, person, _ = counted[left.approval]
        if left.reason == "early":
            names = " and ".join(_names(ask, mask) for mask in ask.alternatives[number][left.stage])
            reason = f"was given before {names} had approved"
        else:
            reason = _WHY[left.reason]
        out.append(Refused(person, at, "approve", reason))
    return out


def _names(ask: Ask, mask: int) -> str:
    return " or ".join(g for n, g in enumerate(ask.groups) if mask >> n & 1)


def _vetoed(asked: Asked, vetoes: list[Approval], refused: tuple[Refused, ...]) -> Finding:
    people = sorted(v.approver for v in vetoes)
    actions = tuple(
        Action("settle", person, "only an approval by the same person lifts a rejection") for person in people
    )
    return Finding(asked, "failed", (), actions, (), refused, f"rejected by {', '.join(people)}")
