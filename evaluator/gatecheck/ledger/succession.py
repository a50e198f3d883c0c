"""Whose signatures count at each place of a ledger, where the keys that are trusted have changed.

A `key` entry holds a new trust file and names the newest entry of every other writer: what stands up to these stands
before the change, and is judged by what was trusted then; all else stands after it, whatever time it claims, and must
be by a signer whom the new file trusts. Where two changes were made without knowing of each other, both must.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

from gatecheck.ledger.check import OWN_TRUST, Checker
from gatecheck.ledger.entry import Entry
from gatecheck.ledger.kinds import KEY
from gatecheck.trust.openssh import PublicKey
from gatecheck.trust.signers import AllowedSigners
from gatecheck.trust.sshsig import GIT

if TYPE_CHECKING:
    from gatecheck.model.fact import Seen

CHANGES = ("Gatecheck-Kind", KEY)


class Change(NamedTuple):
    """A change of trust: its entry, whom it trusts, and what it saw of the other writers."""

    entry: Entry
    signers: AllowedSigners
    seen: "Mapping[str, Seen]"

    def is_before(self, writer: str, seq: int) -> bool:
        """Tell whether an entry stands after this change."""
        if writer == self.entry.writer:
            return seq > self.entry.seq
        return writer not in self.seen or seq > self.seen[writer].seq

    def precedes(self, other: "Change") -> bool:
        """Tell whether another change knew of this one."""
        ours, theirs = self.entry, other.entry
        return self.is_before(theirs.writer, theirs.seq) and not other.is_before(ours.writer, ours.seq)


class Trust:
    """Whose signatures count, entry by entry.

    ``root`` are the signers whom the caller names; without them each writer's first entry says who signs on its ref,
    until a change of trust says it for all.
    """

    def __init__(self, root: AllowedSigners | None, own: Mapping[str, AllowedSigners | None]) -> None:
        self.root = root
        self._own = own
        self.changes: list[Change] = []

    def refusal(self, entry: Entry, signer: PublicKey) -> str:
        """Return why the signer of an entry does not count, or an empty text if he does."""
        standing = [c for c in self.changes if c.is_before(entry.writer, entry.seq)]
        at = _no_older(entry.at, standing)
        own = self._own.get(entry.writer)
        if self.root is not None:
            why = self.root.refusal(signer, GIT, at)
        elif standing:
            why = ""
        else:
            why = own.refusal(signer, GIT, at) if own is not None else f"is not in {OWN_TRUST}"
        return why or _refusal(standing, signer, at)

    def refusal_next(self, signer: PublicKey, at: datetime) -> str:
        """Return why the changes of trust refuse what a signer would enter at an instant, or an empty text."""
        return _refusal(self.changes, signer, _no_older(at, self.changes))

    def newest(self) -> list[Change]:
        """Return the change of trust that holds now; several where they did not know of each other."""
        return _newest(self.changes)

    def add(self, changes: Iterable[Change], checker: Checker) -> None:
        """Add those of these changes that count: whole, and by a signer whom the changes before them trust."""
        made = list(changes)
        for change in sorted(made, key=lambda c: (sum(other.precedes(c) for other in made), c.entry.at, c.entry.id)):
            known = Trust(self.root, self._own)
            known.changes = [c for c in self.changes if c.precedes(change)]
            if not any(checker.problems(change.entry, known)):
                self.changes.append(change)


def _no_older(at: datetime, changes: list[Change]) -> datetime:
    """Return when something was made that stands after these changes, whatever instant it claims."""
    return max([at, *(change.entry.at for change in changes)])


def _newest(changes: list[Change]) -> list[Change]:
    return [c for c in changes if not any(c.precedes(other) for other in changes)]


def _refusal(changes: list[Change], signer: PublicKey, at: datetime) -> str:
    for change in _newest(changes):
        if why := change.signers.refusal(signer, GIT, at):
            return why
    return ""


def change_of(entry: Entry, checker: Checker) -> Change | None:
    """Return the change of trust that an entry makes, or ``None`` where its record can't be read as one."""
    from gatecheck.model.fact import KeyFact

    found = checker.said(entry)
    signers = checker.own_trust(entry)
    if found is None or signers is None or not isinstance(found.fact.predicate, KeyFact):
        return None
    seen = {one.writer: one for one in found.fact.predicate.seen}
    return Change(entry, signers._replace(name=f"the trust file in entry {entry.id[:12]}"), seen)
