"""Who fills which slot of an ``approve by``: an exact assignment of people to slots, and what is still missing.

An alternative is a sequence of stages, a stage a set of slots, a slot a bitmask over groups; whoever's groups
intersect it may fill it. One person fills at most one slot, and a stage counts only approvals given at or after the
instant at which the stage before it was complete.

First come, first served is tried first. When it fills everything that is a witness; when it fails, and nobody whom it
passed over for filling another slot could be freed from that, no choice of people could have done better. Only in
between is there a search: over the instants at which the stages may have been complete, each judged by one matching of
people to slots. Early is not always better there: alice may be the only pm and also a tech-lead, and bob's later
approval frees her.

What is missing is computed by the same search. Where a stage lacks an approval, whatever was given for later stages
must be given again; so the fewest are missing where the first such stage lies as late as possible, and as many of its
slots as possible are filled.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Literal, NamedTuple

from gatecheck.engine.matching import assign

Stage = tuple[int, ...]
Alternative = tuple[Stage, ...]
Given = tuple[datetime, str, int]
Filler = tuple[str, datetime]
Reason = Literal["early", "taken", "spare", "outside"]

_ALWAYS = datetime.min.replace(tzinfo=UTC)
_NEVER = datetime.max.replace(tzinfo=UTC)

# Choices of completions tried before a search gives up and calls the slots unfilled: enough for 30 approvals in four
# stages, and a tenth of a second. Beyond it the answer may ask for an approval too many, never for one too few.
_MOST_TRIED = 5_000


class Missing(NamedTuple):
    """One approval that has to be given: the slot's place in the alternative, its stage, and who may fill it.

    ``after`` is set on the first missing slot of a stage: the people whose approvals complete the stage before it.
    """

    slot: int
    stage: int
    mask: int
    after: tuple[str, ...]


class Shortfall(NamedTuple):
    """What an alternative lacks: ``missing`` in the order of giving, beside what each slot already has.

    Where the quorum ``is_impossible``, no alternative can be completed by its members, nothing is listed as missing,
    and ``lacking`` holds the masks of the slots for which there is nobody left.
    """

    alternative: int
    fillers: tuple[Filler | None, ...]
    missing: tuple[Missing, ...]
    is_impossible: bool = False
    lacking: tuple[int, ...] = ()


class Uncounted(NamedTuple):
    """Why an approval fills no slot.

    ``early``: given before ``stage`` was complete; ``taken``: its giver already fills a slot; ``spare``: not needed;
    ``outside``: its giver is in no group that is named. ``stage`` is -1 but for ``early``.
    """

    approval: int
    reason: Reason
    stage: int


def satisfy(alternatives: Sequence[Alternative], approvals: Sequence[Given]) -> tuple[Filler, ...] | None:
    """Return who fills each slot of the first alternative that is satisfied, stage by stage, or ``None``.

    ``approvals`` are ``(at, person, groups)`` of those that count as such, ordered by instant and person; a person may
    stand there repeatedly. An alternative without slots, or with a stage without any, is never satisfied.
    """
    found = fill(alternatives, approvals)
    return None if found is None else found[1]


def fill(alternatives: Sequence[Alternative], approvals: Sequence[Given]) -> tuple[int, tuple[Filler, ...]] | None:
    """Return the index of the first alternative that is satisfied, and what ``satisfy`` returns."""
    for number, stages in enumerate(alternatives):
        if not (stages and all(stages)):
            continue
        filled, is_certain = _first_come(stages, approvals)
        if -1 in filled:
            found = None if is_certain else _Search(stages, approvals, {}).best(len(stages))
            if found is None:
                continue
            filled = found
        return number, tuple([(approvals[i][1], approvals[i][0]) for i in filled])
    return None


def shortfall(
    alternatives: Sequence[Alternative],
    approvals: Sequence[Given],
    members: Mapping[str, int],
    *,
    plenty: bool = False,
) -> Shortfall:
    """Return the fewest further approvals that would satisfy an alternative, the first of those that need as few.

    For when nothing is satisfied. ``approvals`` as for ``satisfy``; ``members`` are all who may still approve, with
    their groups. A further approval is later than all there are; one who approved before may give it, but still fills
    one slot. ``plenty`` says that each group has members to spare, whoever they are, so that ``members`` need not be
    told; it is answered as impossible where the members would have to be looked at all the same.
    """
    best: Shortfall | None = None
    fewest = 0
    for number, stages in enumerate(alternatives):
        if not (stages and all(stages)):
            continue
        filled, is_certain = _first_come(stages, approvals)
        filled += [-1] * (sum(map(len, stages)) - len(filled))
        lacking: list[int] | None = None
        if not (is_certain and (plenty or _can_be_given(stages, approvals, members, filled))):
            if plenty:
                return Shortfall(0, (), (), True)
            filled, lacking = _search_all(stages, approvals, members)
        if lacking is not None:
            if best is None or (best.is_impossible and len(lacking) < len(best.lacking)):
                best = Shortfall(number, (None,) * len(filled), (), True, tuple(lacking))
        elif best is None or best.is_impossible or filled.count(-1) < fewest:
            fewest = filled.count(-1)
            best = _describe(number, stages, approvals, filled)
    return best or Shortfall(0, (), (), True)


def uncounted(
    alternatives: Sequence[Alternative],
    approvals: Sequence[Given],
    alternative: int,
    fillers: Sequence[Filler | None],
) -> tuple[Uncounted, ...]:
    """Return the approvals that fill no slot, in their order, each with its reason.

    ``alternative`` and ``fillers`` are as ``fill`` returned them, or those of a ``Shortfall``.
    """
    if len(approvals) == len(fillers) and None not in fillers:
        return ()
    slots = [(number, mask) for number, stage in enumerate(alternatives[alternative]) for mask in stage]
    opened = _openings(alternatives[alternative], fillers)
    named = 0
    for stages in alternatives:
        for stage in stages:
            for mask in stage:
                named |= mask
    people = {filler[0] for filler in fillers if filler is not None}
    rest = {filler for filler in fillers if filler is not None}
    out: list[Uncounted] = []
    for index, (at, person, mask) in enumerate(approvals):
        if (person, at) in rest:
            rest.remove((person, at))
            continue
        reason: Reason = "outside" if not mask & named else "taken" if person in people else "spare"
        early = -1
        could = [number for number, slot in slots if mask & slot]
        if could and not any(opened[number] <= at for number in could):
            reason, early = "early", could[0] - 1
        out.append(Uncounted(index, reason, early))
    return tuple(out)


def _first_come(stages: Alternative, approvals: Sequence[Given]) -> tuple[list[int], bool]:
    """Fill each slot with the first approval that fits; -1 for none, ending with the first stage that has one.

    The second value says that no other choice of people fills more.
    """
    filled: list[int] = []
    used: dict[str, tuple[int, int]] = {}
    passed: list[str] = []
    count = len(approvals)
    low = 0
    for number, stage in enumerate(stages):
        last = low
        for slot in stage:
            for i in range(low, count):
                _, person, mask = approvals[i]
                if mask & slot:
                    if person not in used:
                        used[person] = number, slot
                        filled.append(i)
                        if i > last:
                            last = i
                        break
                    if used[person] != (number, slot):
                        passed.append(person)
            else:
                filled.append(-1)
        if -1 in filled:
            return filled, all(_is_alone(person, used[person][1], approvals) for person in passed)
        if last > low:
            low, at = last, approvals[last][0]
            while low and approvals[low - 1][0] == at:
                low -= 1
    return filled, True


def _is_alone(person: str, slot: int, approvals: Sequence[Given]) -> bool:
    """Tell whether nobody else's approval could free a person from a slot."""
    for _, other, mask in approvals:  # noqa: SIM110 -- a generator costs as much as the rest of the hot path
        if mask & slot and other != person:
            return False
    return True


def _can_be_given(
    stages: Alternative, approvals: Sequence[Given], members: Mapping[str, int], filled: list[int]
) -> bool:
    """Tell whether members who fill no slot suffice for the slots that are missing."""
    used = {approvals[i][1] for i in filled if i >= 0}
    needed = filled.count(-1)
    choices: list[list[str]] = []
    for slot, i in zip([mask for stage in stages for mask in stage], filled, strict=True):
        if i < 0:
            able: list[str] = []
            for person, mask in members.items():
                if mask & slot and person not in used:
                    able.append(person)
                    if len(able) == needed:  # whoever the others take, one of these is left
                        break
            choices.append(able)
    takers: dict[str, int] = {}
    return all(_take(place, choices, takers, set()) for place in range(needed))


def _take(place: int, choices: list[list[str]], takers: dict[str, int], seen: set[str]) -> bool:
    for person in choices[place]:
        if person not in seen:
            seen.add(person)
            if person not in takers or _take(takers[person], choices, takers, seen):
                takers[person] = place
                return True
    return False


def _search_all(
    stages: Alternative, approvals: Sequence[Given], members: Mapping[str, int]
) -> tuple[list[int], list[int] | None]:
    """Return what fills each slot (-1 for missing), and the masks that lack people if that can't be completed."""
    search = _Search(stages, approvals, members)
    for turn in range(len(stages) - 1, -1, -1):
        found = search.best(turn)
        if found is not None:
            return found, None
    return [-1] * len(search.slots), search.lacking()


def _describe(number: int, stages: Alternative, approvals: Sequence[Given], filled: list[int]) -> Shortfall:
    fillers = tuple([(approvals[i][1], approvals[i][0]) if i >= 0 else None for i in filled])
    missing: list[Missing] = []
    before: tuple[str, ...] = ()
    slot = 0
    for place, stage in enumerate(stages):
        after = before
        for position, mask in enumerate(stage, slot):
            if filled[position] < 0:
                missing.append(Missing(position, place, mask, after))
                after = ()
        before = tuple([filler[0] for filler in fillers[slot : slot + len(stage)] if filler is not None])
        slot += len(stage)
    return Shortfall(number, fillers, tuple(missing))


def _openings(stages: Alternative, fillers: Sequence[Filler | None]) -> list[datetime]:
    """Return the instant from which each stage counts approvals."""
    opened = [_ALWAYS]
    slot = 0
    for stage in stages:
        ats = [_NEVER if filler is None else filler[1] for filler in fillers[slot : slot + len(stage)]]
        opened.append(max(ats))
        slot += len(stage)
    return opened


class _Search:
    """The best filling of one alternative, over all instants at which its stages may have been complete.

    People are columns, numbered by their first approval; members who have not approved are one column for each set of
    groups, as wide as they are many. Sets of columns are bitmasks.
    """

    def __init__(self, stages: Alternative, approvals: Sequence[Given], members: Mapping[str, int]) -> None:
        self.stages = stages
        self.approvals = approvals
        self.slots = [mask for stage in stages for mask in stage]
        columns: dict[str, int] = {}
        self.givers = [columns.setdefault(person, len(columns)) for _, person, _ in approvals]
        groups = [members.get(person, 0) for person in columns]
        crowds: dict[int, int] = {}
        for person, mask in members.items():
            if person not in columns:
                crowds[mask] = crowds.get(mask, 0) + 1
        groups += sorted(crowds)
        self.widths = [1] * len(columns) + [crowds[mask] for mask in sorted(crowds)]
        self.able = {
            slot: sum(1 << column for column, mask in enumerate(groups) if mask & slot) for slot in set(self.slots)
        }
        self.known: dict[tuple[int, int, int], int] = {}

    def best(self, turn: int) -> list[int] | None:
        """Return the index of the approval that fills each slot, or -1 where a further one must be given.

        All slots of stages before ``turn`` are filled, those after it missing; of those in it as many as can be are
        filled. ``None`` if that can't be completed.
        """
        self.turn = turn
        self.last = min(turn, len(self.stages) - 1)
        self.left = _MOST_TRIED
        self.cost = self.floor = len(self.slots) + 1
        self.found: list[int] | None = None
        self._try(0, [(0, 0)])
        return self.found

    def lacking(self) -> list[int]:
        """Return the masks of slots for which nobody is left when as many slots as possible are filled."""
        able = [self.able[slot] for slot in self.slots]
        first = [self._givers(slot, 0, len(self.approvals)) for slot in self.stages[0]]
        able = [a | b for a, b in zip(able, first, strict=False)] + able[len(first) :]
        owners = assign(able, [0] * len(able), self.widths)
        return [slot for slot, owner in zip(self.slots, owners, strict=True) if owner < 0]

    def _try(self, stage: int, bounds: list[tuple[int, int]]) -> None:
        """Search on from a choice of completions of the stages before ``stage``.

        ``bounds`` are the ranges of approvals that count for each of them, and the start of that of ``stage``.
        """
        self.left -= 1
        low = bounds[stage][0]
        count = len(self.approvals)
        ranges = bounds[:stage] + [(low, count)] * (len(self.stages) - stage)
        # The stages from here on are not yet held to any order among themselves: a bound on what may be reached.
        free: list[int] = []
        dear: list[int] = []
        for number, (masks, (start, end)) in enumerate(zip(self.stages, ranges, strict=True)):
            for slot in masks:
                free.append(self.able[slot] if number > self.turn else self._givers(slot, start, end))
                dear.append(self.able[slot] if number == self.turn else 0)
        owners = assign(free, dear, self.widths)
        if -1 in owners:
            return
        cost = sum(1 for owner, columns in zip(owners, free, strict=True) if not columns >> owner & 1)
        if stage == 0:
            self.floor = cost
        if cost >= self.cost:
            return
        if stage == self.last:
            self.cost = cost
            self.found = self._read(owners, ranges)
            return
        for end, after in self._completions(stage, low):
            if self.left <= 0 or self.cost == self.floor:
                return
            later = self.stages[stage + 1 : self.turn]
            if not all(self._givers(slot, after, count) for masks in later for slot in masks):
                return  # and later still there are even fewer
            self._try(stage + 1, [*bounds[:stage], (low, end), (after, count)])

    def _completions(self, stage: int, low: int) -> list[tuple[int, int]]:
        """Return, for each instant that brings a stage something new, the end of its approvals and the next's start."""
        approvals = self.approvals
        wanted = 0
        for slot in self.stages[stage]:
            wanted |= slot
        seen: set[tuple[int, int]] = set()
        out: list[tuple[int, int]] = []
        end = low
        while end < len(approvals):
            start, at, brought = end, approvals[end][0], len(seen)
            while end < len(approvals) and approvals[end][0] == at:
                if approvals[end][2] & wanted:
                    seen.add((self.givers[end], approvals[end][2] & wanted))
                end += 1
            if len(seen) > brought:
                out.append((end, start))
        return out

    def _givers(self, slot: int, start: int, end: int) -> int:
        """Return the columns of people with an approval in a range that fits a slot."""
        key = slot, start, end
        columns = self.known.get(key)
        if columns is None:
            columns = 0
            for i in range(start, end):
                if self.approvals[i][2] & slot:
                    columns |= 1 << self.givers[i]
            self.known[key] = columns
        return columns

    def _read(self, owners: list[int], ranges: list[tuple[int, int]]) -> list[int]:
        """Return each slot's earliest approval by its owner; -1 where the owner has yet to give it."""
        filled: list[int] = []
        places = [number for number, masks in enumerate(self.stages) for _ in masks]
        for owner, slot, number in zip(owners, self.slots, places, strict=True):
            fits = range(*ranges[number]) if number <= self.turn else ()
            filled.append(next((i for i in fits if self.givers[i] == owner and self.approvals[i][2] & slot), -1))
        return filled
