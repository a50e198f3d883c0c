"""What entries say of each other, checked once all writers' entries were read.

A review and an annotation name an entry, which must be there. A change of trust names the newest entries of the other
writers, which must still be where it saw them.
"""

from collections.abc import Iterator

from gatecheck.ledger.check import Problem, problem
from gatecheck.ledger.entry import Entry
from gatecheck.ledger.kinds import NOTED, REVIEW
from gatecheck.ledger.record import DECISION
from gatecheck.ledger.succession import Trust


class Cross:
    """Takes every entry that there is, and tells in the end what does not fit together."""

    def __init__(self, trust: Trust) -> None:
        self.trust = trust
        self._kinds: dict[str, str] = {}
        self._noting: list[Entry] = []
        self._seen = {(s.writer, s.seq): (s.id, c.entry) for c in trust.changes for s in c.seen.values()}

    def take(self, entry: Entry) -> None:
        """Take an entry, in any order."""
        self._kinds[entry.id] = entry.kind
        if NOTED in entry.trailers:
            self._noting.append(entry)
        place = (entry.writer, entry.seq)
        if place in self._seen and self._seen[place][0] == entry.id:
            del self._seen[place]

    def problems(self) -> Iterator[Problem]:
        """Yield what does not fit together."""
        for entry in self._noting:
            noted = entry.trailers[NOTED]
            if noted not in self._kinds:
                yield problem(entry, "GC732", f"it is about the entry {noted[:12]}, which the ledger does not hold")
            elif entry.kind == REVIEW and self._kinds[noted] != DECISION:
                what = f"it reviews the entry {noted[:12]}, which is no decision"
                yield problem(entry, "GC732", what)
        for (writer, seq), (name, change) in sorted(self._seen.items()):
            what = f"the history was rewritten: entry {name[:12]} (#{seq} of ledger/{writer}), which it saw, is gone"
            yield problem(change, "GC790", what)
