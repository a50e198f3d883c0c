"""A writer's checkpoints: what one says, when one is due, and how it is written and read.

A checkpoint is C2SP's: a signed note of an origin, a size and a Merkle root. It vouches for all entries before it at
once, and two of them show whether the later history begins with the earlier one. Each is a commit on
``refs/heads/checkpoints/<writer>``, in the form of an entry of kind ``checkpoint``, whose tree holds the note and the
Merkle tree in tiles; so a new one reads the entries since the last, and writes the few tiles that grew.
"""

import re
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import NamedTuple

from gatecheck.ledger import entry as entries_
from gatecheck.ledger import merkle
from gatecheck.ledger.entry import CHAIN_START, Entry, MalformedError, chained, parse_commit
from gatecheck.ledger.store import ObjectError, Store
from gatecheck.ledger.tiles import TileError, Tiles, last_paths
from gatecheck.model.canonical import canonical, digest
from gatecheck.text.diagnostic import ledger_error
from gatecheck.trust import note as notes
from gatecheck.trust.key import SigningKey
from gatecheck.trust.note import Note, NoteError

KIND = "checkpoint"
FILE = "checkpoint"
EVERY_ENTRIES = 256
EVERY_SECONDS = 60
PROMISE = "Gatecheck-Checkpoints"  # in a writer's first entry: after how many entries a checkpoint comes
SIZE = "Gatecheck-Size"
_TEXT = re.compile(r"(gatecheck/[0-9a-f]{16})\n(0|[1-9][0-9]{0,14})\n([A-Za-z0-9+/]{43}=)\n")


class Checkpoint(NamedTuple):
    """What a checkpoint says: of which tree, how many entries (the writer's first included), and their root."""

    origin: str
    size: int
    root: bytes

    @property
    def text(self) -> str:
        """The text that is signed."""
        return f"{self.origin}\n{self.size}\n{b64encode(self.root).decode()}\n"


class Saved(NamedTuple):
    """A checkpoint as it lies in a ledger: its commit, the note, and what that says."""

    entry: Entry
    note: Note
    says: Checkpoint


def read_text(text: str) -> Checkpoint:
    """Return what a checkpoint's text says; ``MalformedError`` if it is another's, or none."""
    match = _TEXT.fullmatch(text)
    root = b64decode(match[3]) if match is not None else b""
    if match is None or b64encode(root).decode() != match[3]:
        raise MalformedError("it is not the checkpoint of a ledger")
    return Checkpoint(match[1], int(match[2]), root)


def read_note(raw: bytes) -> tuple[Note, Checkpoint]:
    """Return a checkpoint's note and what it says, nothing of it verified; ``MalformedError`` for anything else."""
    try:
        note = notes.parse(raw)
    except NoteError as error:
        raise MalformedError(str(error)) from None
    return note, read_text(note.text)


def origin_of(first: str) -> str:
    """Return the origin of the tree of a writer, by the id of its first entry."""
    return f"gatecheck/{first[:16]}"


def leaf_data(entry: Entry) -> bytes:
    """Return what the Merkle tree holds of an entry; its place in the tree is its sequence number."""
    signature = entry.trailers.get("Gatecheck-Sig", "").partition(" ")[2]
    return canonical({"id": entry.id, "seq": entry.seq, "signature": signature, "statement": entry.statement})


def leaf_of(entry: Entry) -> bytes:
    """Return an entry's leaf hash."""
    return merkle.leaf_hash(leaf_data(entry))


def size_of(saved: Entry) -> int:
    """Return how many entries a checkpoint's commit says it covers; ``MalformedError`` if it does not say."""
    text = saved.trailers.get(SIZE, "")
    if saved.kind != KIND or not re.fullmatch("[1-9][0-9]{0,14}", text):
        raise MalformedError("its commit is not that of a checkpoint")
    return int(text)


def is_due(tip: Entry, last: Entry | None) -> bool:
    """Tell whether an entry calls for a checkpoint after ``last``, by the number of entries or the times recorded."""
    if last is None:
        return True
    since = tip.seq + 1 - size_of(last)
    return since >= EVERY_ENTRIES or (since > 0 and (tip.at - last.at).total_seconds() >= EVERY_SECONDS)


def load(store: Store, saved: Entry) -> Saved:
    """Return the checkpoint of a commit, nothing of it verified but that its parts agree.

    Raises ``MalformedError`` (they don't), ``ObjectError`` (it can't be read).
    """
    raw = store.file(saved.tree, FILE)
    if raw is None:
        raise MalformedError("it holds no checkpoint")
    if digest(raw) != saved.statement:
        raise MalformedError("the checkpoint does not have the digest that the commit gives")
    note, says = read_note(raw)
    if says.size != size_of(saved):
        raise MalformedError("the checkpoint is not of the size that the commit gives")
    return Saved(saved, note, says)


def tiles_of(store: Store, saved: Saved) -> Tiles:
    """Return the Merkle tree of a checkpoint, read from its tiles as asked for.

    Raises ``TileError`` or ``ObjectError`` for tiles that are not there, ``MalformedError`` for those of another root.
    """
    tiles = Tiles(saved.says.size, lambda path: store.file(saved.entry.tree, path))
    if merkle.root(tiles.size, tiles.get) != saved.says.root:
        raise MalformedError("its tiles do not have the root that it gives")
    return tiles


def contradiction(
    seen: Checkpoint, size: int, root_at: Callable[[int], bytes], who: str = "this machine"
) -> tuple[str, str] | None:
    """Return code and words for a checkpoint that was seen and is not a beginning of a history of ``size`` entries."""
    if seen.size > size:
        now = f"ends with #{size - 1}" if size else "is gone"
        return "GC743", f"the history was cut: {who} has seen a checkpoint up to #{seen.size - 1}, and now it {now}"
    if root_at(seen.size) != seen.root:
        what = f"this is another history than the one that was signed before: {who} has seen a checkpoint up to"
        return "GC744", f"{what} #{seen.size - 1} that does not fit these entries"
    return None


def newest(store: Store, name: str, tip: Entry, oid: str) -> Entry | None:
    """Return the commit of a writer's newest checkpoint, by the target of its ref; ``None`` without one.

    Raises ``LedgerError``: GC743 (it covers entries after ``tip``, which is the newest), GC745 (it can't be read).
    """
    if not oid:
        return None
    with _told(name):
        last = parse_commit(tip.writer, oid, store.commit(oid))
        size = size_of(last)
    if size > tip.seq + 1:
        what = f"the history was cut: its newest checkpoint is up to #{size - 1}, and it ends with #{tip.seq}"
        raise ledger_error("GC743", what, file=name, hint=_MORE)
    return last


def check_seen(store: Store, name: str, last: Entry | None, seen: Note) -> None:
    """Require that a checkpoint that was seen is a beginning of the newest one; else ``LedgerError`` GC743, GC744."""
    if last is not None and last.statement == digest(seen.bytes()):
        return
    says = read_text(seen.text)
    with _told(name):
        tiles = tiles_of(store, load(store, last)) if last is not None else Tiles(0, lambda path: None)
        found = contradiction(says, tiles.size, lambda size: merkle.root(size, tiles.get))
    if found is not None:
        hint = "find out who changed the ledger; `gatecheck ledger verify` tells more"
        raise ledger_error(found[0], found[1], file=name, hint=hint)


def write(store: Store, name: str, tip: Entry, last: Entry | None, key: SigningKey, at: datetime) -> Saved:
    """Store a checkpoint of all entries up to ``tip``, after ``last``; letting the ref name it is for the caller.

    Raises ``LedgerError``: GC741 (the last one is not this key's), GC742 (it does not fit the entries), GC745 (it
    can't be right).
    """
    with _told(name):
        saved = load(store, last) if last is not None else None
        tiles = _taken_up(store, name, saved, key) if saved is not None else Tiles(0, lambda path: None)
        leaves, oldest = _leaves(store, tip, tiles.size)
        if saved is not None and tiles.get(0, tiles.size - 1) != leaves.pop(0):
            raise ledger_error("GC742", "the newest checkpoint is of other entries than these", file=name)
        grown, made = tiles.grown(leaves)
        origin = saved.says.origin if saved is not None else origin_of(oldest.id)
        says = Checkpoint(origin, grown.size, merkle.root(grown.size, grown.get))
        note = notes.unsigned(says.text).signed(origin, key)
        changes: dict[str, bytes | None] = dict.fromkeys(set(last_paths(tiles.size)) - set(last_paths(grown.size)))
        tree = store.write_changes(last.tree if last is not None else "", {**changes, **made, FILE: note.bytes()})
        return Saved(_commit(store, tree, tip, last, note, says, key, at), note, says)


def _taken_up(store: Store, name: str, saved: Saved, key: SigningKey) -> Tiles:
    """Return the tree of the last checkpoint, once it is shown to be what this key signed."""
    says = saved.says
    if saved.entry.signer() != key.public or not saved.note.is_signed_by(says.origin, key.public):
        raise ledger_error("GC741", "the newest checkpoint is not signed by this key", file=name, hint=_MORE)
    return tiles_of(store, saved)


def _leaves(store: Store, tip: Entry, size: int) -> tuple[list[bytes], Entry]:
    """Return the leaf hashes from the one before ``size`` on (else from the first), and the entry of the first."""
    leaves: list[bytes] = []
    entry = tip
    for oid, raw in store.commits(tip.commit):
        entry = parse_commit(tip.writer, oid, raw)
        leaves.append(leaf_of(entry))
        if entry.seq < size:
            break
    if entry.seq != max(size - 1, 0) or len(leaves) != tip.seq - entry.seq + 1:
        raise MalformedError("the entries are not numbered one after the other")
    return leaves[::-1], entry


def _commit(
    store: Store, tree: str, tip: Entry, last: Entry | None, note: Note, says: Checkpoint, key: SigningKey, at: datetime
) -> Entry:
    statement = digest(note.bytes())
    seq, chain, parent = (last.seq + 1, last.chain, last.commit) if last is not None else (0, CHAIN_START, "")
    trailers = {"Gatecheck-Kind": KIND, SIZE: str(says.size)}
    trailers |= entries_.identity(seq, statement, chained(chain, statement))
    message = entries_.format_message(f"CHECKPOINT ledger/{tip.writer} up to #{tip.seq}", trailers)
    raw = entries_.signed_commit(tree, parent, at, message, key)
    return parse_commit(tip.writer, store.write_commit(raw), raw)


_MORE = "`gatecheck ledger verify` tells more"


@contextmanager
def _told(name: str) -> Iterator[None]:
    """Turn what is wrong with a checkpoint that is to be built on into a ``LedgerError``."""
    try:
        yield
    except (MalformedError, ObjectError, TileError) as error:
        message = f"the newest checkpoint can't be built on: {error}"
        raise ledger_error("GC745", message, file=name, hint=_MORE) from None


def merged(one: Note, others: Iterable[Note]) -> Note:
    """Return a note with the further signatures that others of the same text carry."""
    found = list(one.signatures)
    for other in others:
        if other.text == one.text:
            found += [signature for signature in other.signatures if signature not in found]
    return one._replace(signatures=tuple(found))
