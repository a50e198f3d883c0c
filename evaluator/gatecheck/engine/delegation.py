"""Who acts for whom: an approval in the name of somebody who is away, counted with her groups.

A delegate is one person all the same, and fills one slot. Nor may somebody who is away fill a slot beside the one who
acts for her. So where approvals are missing there is a choice: to count on what a delegate gave, or on an approval of
her own, which would take its place. Each choice is tried, and the one that lacks the fewest approvals taken.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import combinations
from typing import NamedTuple

from msgspec.structs import replace

from gatecheck.engine.approve import Ask, Members, electorate, lacking, satisfied
from gatecheck.engine.evaluation import Evaluation
from gatecheck.engine.quorum import Filler, Given, Shortfall, fill, shortfall
from gatecheck.model.decision import Asked, Finding, Refused

_MOST = 5  # people that are away of whom every choice is tried; of more, few: that may ask for an approval too many


class Acting(NamedTuple):
    """The delegate who acts for each absent person, each one's own groups, and for whom anybody acted at an instant."""

    delegates: Mapping[str, str]
    groups: Mapping[str, int]
    absent: Callable[[str, datetime], Sequence[str]]

    def names(self, given: Given) -> list[str]:
        """Return those for whom an approval was given."""
        at, person, _ = given
        return [p for p in self.absent(person, at) if self.delegates.get(p) == person]

    def without(self, counted: list[Given], selves: tuple[str, ...]) -> list[Given]:
        """Return approvals without what they have of those who would approve themselves."""
        kept = []
        for given in counted:
            at, person, mask = given
            names = self.names(given)
            if any(p in selves for p in names):
                mask = self.groups[person]
                for p in names:
                    mask |= 0 if p in selves else self.groups[p]
            if mask:
                kept.append((at, person, mask))
        return kept

    def shown(self, ask: Ask, alternative: int, fillers: Sequence[Filler | None]) -> tuple[tuple[str, str], ...]:
        """Return the delegates who fill a slot that is not for their own groups, each with the one he acts for."""
        slots = [mask for stage in ask.alternatives[alternative] for mask in stage]
        found = []
        for slot, filler in zip(slots, fillers, strict=True):
            if filler is None:
                continue
            person, at = filler
            if self.groups.get(person, slot) & slot:
                continue
            found += [(person, p) for p in self.names((at, person, 0)) if self.groups[p] & slot][:1]
        return tuple(found)


def filled_by_delegates(
    x: Evaluation, asked: Asked, ask: Ask, counted: list[Given], masks: list[Members], barred: Mapping[str, str],
    refused: list[Refused], acting: Acting,
) -> Finding:  # fmt: skip
    """Return the finding of a statement with approvals of which some were given for those who are away."""
    found = fill(ask.alternatives, counted)
    if found is not None:
        finding = satisfied(x, asked, ask, counted, found, refused)
        return replace(finding, acting=acting.shown(ask, *found))
    able = electorate(ask, masks, barred)
    best: Shortfall | None = None
    for selves in _choices(sorted(acting.delegates)):
        others = {p: groups for p, groups in able.items() if p in selves or p not in acting.delegates}
        lack = shortfall(ask.alternatives, acting.without(counted, selves), others)
        if best is None or _lacks(lack) < _lacks(best):
            best = lack
    if best is None:
        raise ValueError("nobody acts for anybody")
    finding = lacking(x, asked, ask, counted, masks, best, refused)
    return replace(finding, acting=acting.shown(ask, best.alternative, best.fillers))


def _choices(people: list[str]) -> Iterator[tuple[str, ...]]:
    """Yield who of those that are away would approve themselves: nobody first, everybody last."""
    for count in range(len(people) + 1):
        if count < 2 or count == len(people) or len(people) <= _MOST:
            yield from combinations(people, count)


def _lacks(lack: Shortfall) -> tuple[bool, int]:
    return lack.is_impossible, len(lack.lacking if lack.is_impossible else lack.missing)
