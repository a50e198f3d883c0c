"""Check the checkpoints of one writer against its entries: every one that was ever made, and what others have seen.

The tree is computed anew from the entries. A checkpoint is good if the writer's key signed it, if it has the root that
these entries have at its size, and if its tiles are those of that tree; then each is consistent with the next, too.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple

from gatecheck.ledger.check import Problem
from gatecheck.ledger.checkpoint import (
    EVERY_ENTRIES,
    FILE,
    PROMISE,
    Checkpoint,
    Saved,
    contradiction,
    load,
    origin_of,
    read_text,
    size_of,
)
from gatecheck.ledger.entry import CHAIN_START, Entry, MalformedError, chained, parse_commit, writer_of
from gatecheck.ledger.merkle import EMPTY, Frontier
from gatecheck.ledger.store import CHECKPOINTS, ObjectError, Store
from gatecheck.ledger.tiles import HEIGHT, WIDTH, Tiles, shape, tile_path
from gatecheck.trust.note import Note
from gatecheck.trust.openssh import PublicKey

_HASH = 32


Refusal = Callable[[PublicKey, Saved], str]


class Grown(NamedTuple):
    """What verifying the entries of a writer gave: its first entry, and the leaf hash of each, in order."""

    first: Entry
    leaves: Sequence[bytes]


class Audit:
    """The checkpoints of one writer, read and compared."""

    def __init__(self, store: Store, writer: str, grown: Grown, refusal: Refusal) -> None:
        """Take up a writer; ``refusal`` says why a key may not have signed a checkpoint, or nothing."""
        self._store, self._writer, self._grown, self._refusal = store, writer, grown, refusal
        self.origin = origin_of(grown.first.id)
        self.saved: list[Saved] = []
        self._roots: dict[int, bytes] = {0: EMPTY}
        self._levels: list[bytes] = []

    @property
    def newest(self) -> Saved | None:
        """The checkpoint of the most entries that could be read, if there is one."""
        return max(self.saved, key=lambda saved: saved.says.size, default=None)

    def problems(self, tip: str, own: Note | None, others: Iterable[tuple[str, Note]]) -> Iterator[Problem]:
        """Yield all that is wrong with the checkpoints up to the commit ``tip``, or with there being none.

        ``own`` is the checkpoint that this machine has seen last; ``others`` are those of this origin that others have
        seen, each with who that is: these count only if the writer signed them.
        """
        yield from self._read(tip)
        claims = [("this machine", read_text(own.text))] if own is not None else []
        signer = self._grown.first.signer()
        for who, note in others:
            if signer is None or not note.is_signed_by(self.origin, signer):
                yield self._problem("GC741", f"the checkpoint that {who} has is not signed by this writer", "")
            else:
                claims.append((who, read_text(note.text)))
        self._compute({saved.says.size for saved in self.saved} | {says.size for _, says in claims})
        yield from self._compare()
        here = {saved.says for saved in self.saved}  # what is wrong with these is told already
        for who, says in claims:
            if says not in here:
                yield from self._seen(who, says)
        yield from self._overdue()

    def root_at(self, size: int) -> bytes:
        """Return the root of the first ``size`` entries."""
        if size not in self._roots:
            self._compute({size})
        return self._roots[size]

    def _problem(self, code: str, what: str, saved: Entry | str, where: str = "") -> Problem:
        if isinstance(saved, str):
            return Problem(code, what, self._writer, saved, where=where, refs="checkpoints")
        return Problem(code, what, self._writer, saved.commit, saved.seq, saved.id, where, "checkpoints")

    # Each checkpoint alone, and after the one before

    def _read(self, tip: str) -> Iterator[Problem]:
        commits: list[tuple[str, bytes]] = []
        try:
            commits.extend(self._store.commits(tip) if tip else ())
        except ObjectError as error:
            yield self._problem("GC745", f"{error}; no checkpoint older than this can be reached", "")
        previous: Saved | None = None
        for place, (oid, raw) in enumerate(reversed(commits)):
            try:
                saved = load(self._store, parse_commit(self._writer, oid, raw))
            except (MalformedError, ObjectError) as error:
                yield self._problem("GC745", str(error), oid)
                continue
            yield from self._alone(saved)
            if place == len(self.saved):  # else one before can't be read, and that is told already
                yield from self._place(saved, previous)
            self.saved.append(saved)
            previous = saved

    def _alone(self, saved: Saved) -> Iterator[Problem]:
        signer = saved.entry.signer()
        if signer is None:
            yield self._problem("GC741", "the commit's signature is missing or does not cover the commit", saved.entry)
            return
        why = self._refusal(signer, saved) if writer_of(signer) == self._writer else "is another than the ref's"
        if why:
            yield self._problem("GC741", f"its signer {signer.fingerprint} {why}", saved.entry)
        elif saved.says.origin != self.origin:
            what = f"it is a checkpoint of `{saved.says.origin}`, and this is `{self.origin}`"
            yield self._problem("GC745", what, saved.entry)
        elif not saved.note.is_signed_by(self.origin, signer):
            yield self._problem("GC741", f"the checkpoint is not signed by {signer.fingerprint}", saved.entry)

    def _place(self, saved: Saved, previous: Saved | None) -> Iterator[Problem]:
        seq, chain, size = 0, CHAIN_START, 0
        if previous is not None:
            seq, chain, size = previous.entry.seq + 1, previous.entry.chain, previous.says.size
        if saved.entry.seq != seq or saved.entry.chain != chained(chain, saved.entry.statement):
            yield self._problem("GC745", "it does not follow from the checkpoint before it", saved.entry)
        if saved.says.size <= size:
            what = f"it covers entries up to #{saved.says.size - 1}, no more than the one before it"
            yield self._problem("GC745", what, saved.entry)

    # All of them against the entries

    def _compute(self, sizes: set[int]) -> None:
        """Compute the roots at these sizes, and the tiles, from the entries."""
        leaves = self._grown.leaves
        frontier = Frontier()
        wanted = {size for size in sizes if 0 < size <= len(leaves)}
        for leaf in leaves[: max(wanted, default=0)]:
            frontier.add(leaf)
            if frontier.size in wanted:
                self._roots[frontier.size] = frontier.root()

    def _compare(self) -> Iterator[Problem]:
        fitting: list[Saved] = []
        for saved in self.saved:
            size = saved.says.size
            if fitting and size <= fitting[-1].says.size:
                continue  # told already
            if size > len(self._grown.leaves):
                what = f"it covers entries up to #{size - 1}, and the ledger ends with #{len(self._grown.leaves) - 1}"
                yield self._problem("GC743", f"the history was cut: {what}", saved.entry)
                break
            if self._roots[size] != saved.says.root:
                since = f"; those up to #{fitting[-1].says.size - 1} do" if fitting else ""
                what = f"the entries up to #{size - 1} do not have the root that was signed{since}"
                yield self._problem("GC742", what, saved.entry)
                break  # every later one holds the same difference
            fitting.append(saved)
        yield from self._tiles(fitting)

    def _tiles(self, fitting: list[Saved]) -> Iterator[Problem]:
        """Compare tiles: of each checkpoint those that are new in it, of the newest all, and nothing beside them."""
        if not fitting:
            return
        newest = fitting[-1]
        _, made = Tiles(0, lambda path: None).grown(self._grown.leaves[: newest.says.size])
        levels: dict[int, bytearray] = {}
        for path, tile in made.items():  # of one level in order
            levels.setdefault(int(path.split("/")[1]), bytearray()).extend(tile)
        before = 0
        for saved in fitting[:-1]:
            for level, count in shape(saved.says.size):
                for number in range((before >> HEIGHT * level) // WIDTH, -(-count // WIDTH)):
                    end = min(count, (number + 1) * WIDTH)
                    if end > before >> HEIGHT * level:
                        path = tile_path(level, number, end - number * WIDTH)
                        expected = bytes(levels[level][number * WIDTH * _HASH : end * _HASH])
                        yield from self._tile(saved, path, expected)
            before = saved.says.size
        try:
            found = dict(self._store.files(newest.entry.tree, len(made) * 3 + 100))
        except ObjectError as error:
            yield self._problem("GC745", str(error), newest.entry)
            return
        for path in sorted((made.keys() | found.keys()) - {FILE}):
            if path not in made:
                yield self._problem("GC745", "it does not belong in the checkpoint", newest.entry, path)
            elif found.get(path) != made[path]:
                yield self._problem("GC745", _WRONG[path in found], newest.entry, path)

    def _tile(self, saved: Saved, path: str, expected: bytes) -> Iterator[Problem]:
        try:
            found = self._store.file(saved.entry.tree, path)
        except ObjectError as error:
            yield self._problem("GC745", str(error), saved.entry, path)
            return
        if found != expected:
            yield self._problem("GC745", _WRONG[found is not None], saved.entry, path)

    # What was seen, and what is missing

    def _seen(self, who: str, says: Checkpoint) -> Iterator[Problem]:
        found = contradiction(says, len(self._grown.leaves), self.root_at, who)
        if found is not None:
            yield self._problem(*found, "")
        elif self.newest is None or self.newest.says.size < says.size:
            now = f"the newest is up to #{self.newest.says.size - 1}" if self.newest is not None else "there is none"
            what = f"checkpoints were taken away: {who} has seen one up to #{says.size - 1}, and now {now}"
            yield self._problem("GC743", what, "")

    def _overdue(self) -> Iterator[Problem]:
        """Yield whether a writer that makes checkpoints has not made the one that is due."""
        promise = self._grown.first.trailers.get(PROMISE, "")
        if self.newest is None and not promise:
            return  # its ledger was begun before there were checkpoints
        every = int(promise) if re.fullmatch("[1-9][0-9]{0,8}", promise) else EVERY_ENTRIES
        covered = self.newest.says.size if self.newest is not None else 0
        if len(self._grown.leaves) - covered > every and self._covered_now() == covered:
            what = f"no checkpoint covers the entries from #{covered} to #{len(self._grown.leaves) - 1}"
            yield self._problem("GC740", f"{what}, and one comes every {every}", "")

    def _covered_now(self) -> int:
        """Return how many entries the newest checkpoint covers now: one may have come while this was reading."""
        tip = self._store.tips(CHECKPOINTS).get(self._writer, "")
        try:
            return size_of(parse_commit(self._writer, tip, self._store.commit(tip))) if tip else 0
        except (MalformedError, ObjectError):
            return self.newest.says.size if self.newest is not None else 0


_WRONG = {True: "it does not hold the hashes of these entries", False: "it is missing from the checkpoint"}
