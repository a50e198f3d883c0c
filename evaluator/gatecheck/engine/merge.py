"""Join the approvals that several statements still ask for: one person's approval may serve each of them.

Two statements never share a slot's worth by chance: a person fills one slot of each, so what they ask for together is
the fewest people such that every slot has somebody of its groups, no two of one statement the same.
"""

from collections.abc import Callable, Sequence

from gatecheck.model.decision import Action

_MOST = 10  # slots up to which the fewest people are found exactly; beyond, first fit


def merged(asked: Sequence[tuple[Action, ...]], members: Callable[[str], frozenset[str] | None]) -> tuple[Action, ...]:
    """Return the fewest approvals that give each statement all of its own; ``asked`` holds each statement's."""
    slots = [(n, action) for n, actions in enumerate(asked) for action in actions]
    best = _first_fit(slots, members)
    if len(slots) <= _MOST:
        best = _search(slots, members, [], best)
    return tuple(_join(shared) for shared in best)


Shared = list[tuple[int, Action]]


def _who(action: Action, members: Callable[[str], frozenset[str] | None]) -> frozenset[str]:
    """Return who can give an approval; a group that nobody knows stands for itself."""
    return frozenset(p for g in action.groups for p in (members(g) or (f"{g}#",)))


def _fits(shared: Shared, slot: tuple[int, Action], members: Callable[[str], frozenset[str] | None]) -> bool:
    if any(n == slot[0] for n, _ in shared) or any(set(a.after) != set(slot[1].after) for _, a in shared):
        return False
    common = _who(slot[1], members)
    for _, action in shared:
        common &= _who(action, members)
    return bool(common)


def _first_fit(slots: Shared, members: Callable[[str], frozenset[str] | None]) -> list[Shared]:
    people: list[Shared] = []
    for slot in slots:
        home = next((shared for shared in people if _fits(shared, slot, members)), None)
        if home is None:
            people.append([slot])
        else:
            home.append(slot)
    return people


def _search(
    slots: Shared, members: Callable[[str], frozenset[str] | None], people: list[Shared], best: list[Shared]
) -> list[Shared]:
    if len(people) >= len(best):
        return best
    if not slots:
        return [list(shared) for shared in people]
    slot, rest = slots[0], slots[1:]
    for shared in people:
        if _fits(shared, slot, members):
            shared.append(slot)
            best = _search(rest, members, people, best)
            shared.pop()
    people.append([slot])
    best = _search(rest, members, people, best)
    people.pop()
    return best


def _join(shared: Shared) -> Action:
    first = shared[0][1]
    if len(shared) == 1:
        return first
    common = set(first.groups)
    for _, action in shared[1:]:
        common &= set(action.groups)
    named = tuple(sorted(common)) if common else first.groups
    reason = first.reason if common else "who is also in " + " and ".join(" or ".join(a.groups) for _, a in shared[1:])
    subject = ", ".join(a.subject for _, a in shared)
    return Action("approve", subject, reason, None, named, first.after)
