"""Join the approvals that several statements still ask for: one person's approval may serve each of them.

A person fills one slot of each statement. So what statements ask for together is the fewest people such that every
slot has somebody who may fill it, no two slots of one statement the same.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from gatecheck.model.decision import Action, Finding

_MOST = 10  # slots up to which the fewest people are found exactly; beyond, first fit
_MANY = 60  # slots up to which first fit is tried; beyond, only slots that the very same people may fill are joined


class _Slot(NamedTuple):
    """A missing approval of one statement, and all who may give it."""

    statement: int
    action: Action
    able: frozenset[str]


Shared = list[_Slot]  # slots that one approval fills


def merged(
    asking: Sequence[Finding], members: Callable[[str], frozenset[str] | None], bars: Callable[[str, str], bool]
) -> tuple[Action, ...]:
    """Return the fewest approvals that give each finding's statement all of its own.

    Nobody is counted on whom ``bars`` names for a statement's id, even where that includes the author; nor that one
    acts for another: that asks for an approval too many at worst, never for one too few.
    """
    count = sum(len(f.actions) for f in asking)
    slots: Shared = []
    for number, finding in enumerate(asking):
        used = {person for person, _ in finding.counted}.union(absent for _, absent in finding.acting)
        known: dict[tuple[str, ...], frozenset[str]] = {}
        for action in finding.actions:
            if action.groups not in known:
                able: set[str] = set()
                for group in action.groups:
                    people = members(group)  # of a group that nobody knows there may be enough
                    able |= {f"{group}#{n}" for n in range(count)} if people is None else people
                known[action.groups] = frozenset(p for p in able - used if not bars(finding.asked.id, p))
            slots.append(_Slot(number, action, known[action.groups]))
    best = _first_fit(slots) if len(slots) <= _MANY else _alike(slots)
    if len(slots) <= _MOST:
        best = _search(slots, [], best)
    return tuple(_join(shared) for shared in best)


def _alike(slots: Shared) -> list[Shared]:
    """Return slots joined where the same people may fill them: the first of each statement, the second of each, …"""
    found: dict[tuple[frozenset[str], int], Shared] = {}
    taken: dict[tuple[int, frozenset[str]], int] = {}
    for slot in slots:
        place = taken.get((slot.statement, slot.able), 0)
        taken[slot.statement, slot.able] = place + 1
        found.setdefault((slot.able, place), []).append(slot)
    return list(found.values())


def _able(shared: Shared) -> frozenset[str]:
    return frozenset.intersection(*(slot.able for slot in shared))


def _fits(shared: Shared, slot: _Slot, people: list[Shared]) -> bool:
    """Tell whether one person can fill ``slot`` too, and everybody still be somebody else."""
    if any(slot.statement == other.statement for other in shared) or not slot.able & _able(shared):
        return False
    takers: dict[str, int] = {}
    choices = [_able([*each, slot] if each is shared else each) for each in people]

    def take(place: int, seen: set[str]) -> bool:
        for person in sorted(choices[place] - seen):
            seen.add(person)
            if person not in takers or take(takers[person], seen):
                takers[person] = place
                return True
        return False

    return all(take(place, set()) for place in range(len(choices)))


def _first_fit(slots: Shared) -> list[Shared]:
    people: list[Shared] = []
    for slot in slots:
        home = next((shared for shared in people if _fits(shared, slot, people)), None)
        if home is None:
            people.append([slot])
        else:
            home.append(slot)
    return people


def _search(slots: Shared, people: list[Shared], best: list[Shared]) -> list[Shared]:
    if len(people) >= len(best):
        return best
    if not slots:
        return [list(shared) for shared in people]
    slot, rest = slots[0], slots[1:]
    for shared in people:
        if _fits(shared, slot, people):
            shared.append(slot)
            best = _search(rest, people, best)
            shared.pop()
    people.append([slot])
    best = _search(rest, people, best)
    people.pop()
    return best


def _join(shared: Shared) -> Action:
    first, *others = [slot.action for slot in shared]
    if not others:
        return first
    common = set(first.groups).intersection(*(action.groups for action in others))
    named = tuple(sorted(common)) if common else first.groups
    reason = first.reason if common else "who is also in " + " and ".join(" or ".join(a.groups) for a in others)
    subject = ", ".join(slot.action.subject for slot in shared)
    after = tuple(dict.fromkeys(person for slot in shared for person in slot.action.after))
    return Action("approve", subject, reason, None, named, after)
