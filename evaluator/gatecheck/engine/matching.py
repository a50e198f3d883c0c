"""A cheapest matching of slots to people: exact, and small enough for the handful of slots that a quorum has."""


def assign(free: list[int], dear: list[int], widths: list[int]) -> list[int]:
    """Match slots to columns, as many as possible and with as few ``dear`` pairs as possible; -1 for unmatched.

    ``free`` and ``dear`` are each slot's columns; a column takes as many slots as it is wide. Slot by slot, along a
    cheapest path of reassignments (successive shortest paths; costs are 0 and 1).
    """
    owners = [-1] * len(free)
    holders: list[list[int]] = [[] for _ in widths]
    spare = (1 << len(widths)) - 1
    for slot in range(len(free)):
        path = _cheapest_path(slot, free, dear, owners, holders, spare)
        for place, (taker, column) in enumerate(path):
            if owners[taker] >= 0:
                holders[owners[taker]].remove(taker)
            owners[taker] = column
            holders[column].append(taker)
            if place == 0 and len(holders[column]) == widths[column]:
                spare &= ~(1 << column)
    return owners


def _cheapest_path(
    slot: int, free: list[int], dear: list[int], owners: list[int], holders: list[list[int]], spare: int
) -> list[tuple[int, int]]:
    """Return who takes which column so that ``slot`` gets one, from the spare column back to ``slot``; [] if none."""
    if free[slot] & spare:  # nothing is cheaper
        return [(slot, _lowest(free[slot] & spare))]
    costs = {slot: 0}
    came: dict[int, int] = {}
    queue = [slot]
    ends: tuple[int, int, int] | None = None
    for taker in queue:  # which grows
        for price, columns in ((0, free[taker]), (1, dear[taker] & ~free[taker])):
            cost = costs[taker] + price
            if columns & spare and (ends is None or cost < ends[0]):
                ends = cost, taker, _lowest(columns & spare)
            rest = columns & ~spare
            while rest:
                column = _lowest(rest)
                rest &= rest - 1
                for holder in holders[column]:
                    through = cost - (0 if free[holder] >> column & 1 else 1)
                    if holder not in costs or through < costs[holder]:
                        costs[holder] = through
                        came[holder] = taker
                        queue.append(holder)
    if ends is None:
        return []
    _, taker, column = ends
    path = [(taker, column)]
    while taker != slot:
        column = owners[taker]
        taker = came[taker]
        path.append((taker, column))
    return path


def _lowest(columns: int) -> int:
    return (columns & -columns).bit_length() - 1
