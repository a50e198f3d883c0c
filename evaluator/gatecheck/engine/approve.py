"""Approvals: whether those that count give a statement what it asks for, and else what it lacks.

Statements with terms, and people for whom others act, are left to ``engine.terms``, so that all others pay nothing for
them.
"""

from collections.abc import Collection, Iterable, Mapping
from datetime import timedelta

from msgspec import Struct

from gatecheck.engine.ballot import ballot_of, is_author, of_own
from gatecheck.engine.evaluation import Evaluation
from gatecheck.engine.quorum import Alternative, Filler, Given, Shortfall, fill, shortfall, uncounted
from gatecheck.model.decision import Action, Asked, Finding, Refused, Turn

_NOBODY: dict[str, str] = {}
WHY = {"taken": "already fills another place", "spare": "is not needed", "outside": "is in no group that is asked"}
IMPOSSIBLE = "this quorum is impossible"

Members = tuple[Collection[str] | None, int]


class Ask(Struct, frozen=True, gc=False):
    """What an `approve by` statement asks: slots as bitmasks over its own ``groups``.

    ``bits`` gives each group's bit, and its members where the pack names them; ``None`` leaves that to the directory.
    ``most`` is the number of slots of the longest alternative; ``shortest`` are those of the shortest, and
    ``all_missing`` asks for them: what is missing where nobody approved. ``terms`` are there where it has any.
    """

    alternatives: tuple[Alternative, ...]
    groups: tuple[str, ...]
    bits: tuple[tuple[str, int, frozenset[str] | None], ...]
    valid_for: timedelta | None
    including_author: bool
    most: int
    shortest: tuple[int, ...]
    all_missing: tuple[Action, ...]
    terms: "Terms | None" = None


class Level(Struct, frozen=True, gc=False):
    """What a statement asks once the request has waited for ``wait``, and the groups that join then.

    ``bits`` are those of all groups that may fill a slot by then.
    """

    wait: timedelta
    waited: str
    joining: tuple[str, ...]
    bits: int
    ask: Ask


class Terms(Struct, frozen=True, gc=False):
    """What else an `approve by` says: its escalations, in the order of their waits, whom it excludes, signatures.

    ``bits`` are those of the groups that may fill a slot before any escalation.
    """

    bits: int
    levels: tuple[Level, ...] = ()
    excluding: tuple[str, ...] = ()
    signed: bool = False


def automatic(x: Evaluation, asked: Asked) -> Finding:
    """Return the finding of `approve automatically`, which only the author's own rejection stops."""
    vetoes = ballot_of(x).vetoes if x.request.approvals else None
    if not vetoes:
        return Finding(asked, "passed")
    ballot = ballot_of(x)
    named = [
        person for person, given in vetoes.items()
        if is_author(x, person) or any(is_author(x, absent) for v in given for absent in ballot.absent(person, v.at))
    ]  # fmt: skip
    return vetoed(asked, named, ()) if named else Finding(asked, "passed")


def approve(x: Evaluation, asked: Asked, ask: Ask) -> Finding:
    """Return the finding of an `approve by` statement."""
    ballot = x.ballot or ballot_of(x)
    if ask.terms is not None or ballot.absences:
        from gatecheck.engine.terms import approve_on_terms

        return approve_on_terms(x, asked, ask)
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
        if (why := barred.get(person) or of_own(person, barred)) is not None:
            refused += [Refused(person, at, "approve", why) for at in instants]
            continue
        mask = 0
        for members, bit in masks:
            if members is not None and person in members:
                mask |= bit
        if not mask:
            refused += [Refused(person, at, "approve", WHY["outside"]) for at in instants]
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
        named = [p for p in ballot.vetoes if is_author(x, p) or any(m and p in m for m, _ in masks)]
        if named:
            return vetoed(asked, named, tuple(refused))
        refused += [Refused(p, given[-1].at, "reject", WHY["outside"]) for p, given in ballot.vetoes.items()]
    return filled(x, asked, ask, counted, masks, barred, refused)


def filled(
    x: Evaluation, asked: Asked, ask: Ask, counted: list[Given], masks: list[Members], barred: Mapping[str, str],
    refused: list[Refused],
) -> Finding:  # fmt: skip
    """Return the finding of a statement with the approvals that count, ordered by instant and person."""
    found = fill(ask.alternatives, counted)
    if found is not None:
        return satisfied(x, asked, ask, counted, found, refused)
    if not counted and _are_there(masks, barred, ask.shortest, set()):
        return Finding(asked, "waiting", (), ask.all_missing, (), tuple(refused))
    # Asked first as if everybody could approve: mostly enough people are there, and that is soon seen.
    lack = shortfall(ask.alternatives, counted, {}, plenty=True)
    used = {f[0] for f in lack.fillers if f is not None}
    if lack.is_impossible or not _are_there(masks, barred, [m.mask for m in lack.missing], used):
        lack = shortfall(ask.alternatives, counted, electorate(ask, masks, barred))
    return lacking(x, asked, ask, counted, masks, lack, refused)


def satisfied(
    x: Evaluation, asked: Asked, ask: Ask, counted: list[Given], found: tuple[int, tuple[Filler, ...]],
    refused: list[Refused],
) -> Finding:  # fmt: skip
    """Return the finding of a statement whose every slot is filled."""
    number, fillers = found
    if x.places is not None:
        x.places.append(found)
    if len(fillers) < len(counted):
        refused += _not_counted(counted, ask, number, fillers)
    return Finding(asked, "passed", (), (), fillers, tuple(refused))


def lacking(
    x: Evaluation, asked: Asked, ask: Ask, counted: list[Given], masks: list[Members], lack: Shortfall,
    refused: list[Refused],
) -> Finding:  # fmt: skip
    """Return the finding of a statement that lacks approvals."""
    if x.places is not None:
        x.places.append((lack.alternative, lack.fillers))
    given = tuple([f for f in lack.fillers if f is not None])
    if len(given) < len(counted):
        refused += _not_counted(counted, ask, lack.alternative, lack.fillers)
    if lack.is_impossible:
        names = ", ".join(_names(ask, mask) for mask in dict.fromkeys(lack.lacking))
        mend = Action("mend", asked.text, f"nobody who may approve is left in {names}", remedy=asked.remedy)
        return Finding(asked, "failed", (), (mend,), given, tuple(refused), IMPOSSIBLE)
    unknown = [g for (members, _), g in zip(masks, ask.groups, strict=True) if members is None]
    actions = []
    for m in lack.missing:
        groups = tuple([g for n, g in enumerate(ask.groups) if m.mask >> n & 1])
        nameless = [g for g in groups if g in unknown]
        reason = f"the directory does not say who is in {', '.join(nameless)}" if nameless else ""
        if ask.terms is not None and ask.terms.signed:
            reason = f"signed; {reason}" if reason else "signed"
        actions.append(Action("approve", asked.id, reason, None, groups, m.after))
    return Finding(asked, "waiting", (), tuple(actions), given, tuple(refused))


def _are_there(masks: list[Members], barred: Mapping[str, str], slots: Iterable[int], used: set[str]) -> bool:
    """Tell whether somebody is there for each slot, each time somebody else; a ``False`` may be wrong.

    Who is taken for a slot depends on names alone: what the finding says must not depend on how a set lies in memory.
    """
    for slot in slots:
        found = None
        for members, bit in masks:
            if bit & slot and members is not None:
                for person in sorted(members):
                    if person not in used and person not in barred and of_own(person, barred) is None:
                        found = person
                        break
            if found is not None:
                break
        if found is None:
            return False
        used.add(found)
    return True


def electorate(ask: Ask, masks: list[Members], barred: Mapping[str, str]) -> dict[str, int]:
    """Return all who may approve, with their groups; of a group that nobody knows, enough without a name."""
    who: dict[str, int] = {}
    for (members, bit), group in zip(masks, ask.groups, strict=True):
        for person in (f"{group}#{k}" for k in range(ask.most)) if members is None else members:
            if person not in barred and of_own(person, barred) is None:
                who[person] = who.get(person, 0) | bit
    return who


def _not_counted(counted: list[Given], ask: Ask, number: int, fillers: tuple[Filler | None, ...]) -> list[Refused]:
    out: list[Refused] = []
    if len(ask.alternatives[number]) == 1 and None not in fillers:  # no order to be late in: the common case
        people = [filler[0] for filler in fillers if filler is not None]
        for at, person, _ in counted:
            if (person, at) not in fillers:
                out.append(Refused(person, at, "approve", WHY["taken" if person in people else "spare"]))
        return out
    for left in uncounted(ask.alternatives, counted, number, fillers):
        at, person, _ = counted[left.approval]
        if left.reason == "early":
            names = " and ".join(_names(ask, mask) for mask in ask.alternatives[number][left.stage])
            reason = f"was given before {names} had approved"
        else:
            reason = WHY[left.reason]
        out.append(Refused(person, at, "approve", reason))
    return out


def _names(ask: Ask, mask: int) -> str:
    return " or ".join(g for n, g in enumerate(ask.groups) if mask >> n & 1)


def vetoed(asked: Asked, people: Iterable[str], refused: tuple[Refused, ...]) -> Finding:
    """Return the finding of a statement that people stop."""
    people = sorted(people)
    actions = tuple(
        Action("settle", person, "only an approval by the same person lifts a rejection") for person in people
    )
    return Finding(asked, "failed", (), actions, (), refused, f"rejected by {', '.join(people)}")
