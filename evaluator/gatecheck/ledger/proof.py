"""Prove that an entry is in a ledger, by one file that is checked without the ledger.

The file holds the statement in its DSSE envelope, the entry's commit, the way from its leaf up to the root of the
Merkle tree, and the checkpoint that signs that root, with the cosignatures of those who witnessed it. Everything is in
text forms that base64, sha256sum, ssh-keygen and openssl take apart; ``docs/ledger.md`` has the recipe.
"""

import json
from base64 import b64decode, b64encode
from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from gatecheck.ledger import merkle
from gatecheck.ledger.checkpoint import Checkpoint, Saved, leaf_data, load, merged, read_note, tiles_of
from gatecheck.ledger.entry import Entry, MalformedError, parse_commit, writer_of
from gatecheck.ledger.store import CHECKPOINTS, ObjectError, Store
from gatecheck.ledger.tiles import TileError
from gatecheck.ledger.witness import Wanted, read_cosigned
from gatecheck.model.canonical import digest
from gatecheck.text.diagnostic import InputError, input_error, ledger_error
from gatecheck.trust import dsse
from gatecheck.trust.note import Note
from gatecheck.trust.openssh import FormError, PublicKey
from gatecheck.trust.signers import AllowedSigners
from gatecheck.trust.sshsig import GIT

if TYPE_CHECKING:
    from gatecheck.ledger.ledger import Ledger

FORMAT = "urn:gatecheck:proof:v1"
OWN_TRUST = "the proof itself"
_HINT = "`gatecheck ledger prove ENTRY --output FILE` writes one"


class Proven(NamedTuple):
    """What a proof that holds shows: the entry, under which checkpoint, since which earlier one, and who witnessed."""

    entry: Entry
    statement: bytes
    key: PublicKey
    says: Checkpoint
    earlier: Checkpoint | None
    witnessed: tuple[tuple[str, datetime], ...]
    trust: str


def prove(ledger: "Ledger", entry: Entry, since: Note | None = None) -> bytes:
    """Return the proof that an entry is in a ledger, as JSON with one field on a line.

    It leads to the newest checkpoint that a witness has cosigned, if one covers the entry, else to the newest of all.
    ``since`` is an earlier checkpoint of the same tree, which the proof then shows to be a beginning of that. Raises
    ``InputError`` GC746 (``since`` is of another tree, or later), GC749 (no checkpoint covers the entry);
    ``LedgerError`` GC745 (the checkpoint can't be read), GC747 (what came out proves nothing: the ledger is broken).
    """
    try:
        saved = _newest(ledger.store, entry)
        if saved is None or saved.says.size <= entry.seq:
            message = f"no checkpoint covers entry {entry.id[:12]} yet"
            raise input_error("GC749", message, file=ledger.name, hint="`gatecheck ledger checkpoint` signs one")
        tiles = tiles_of(ledger.store, saved)
        note, says = _witnessed(ledger.store, saved, entry)
        commit = ledger.store.commit(entry.commit)
    except (MalformedError, ObjectError, TileError) as error:
        raise ledger_error(
            "GC745", f"the checkpoint can't be read: {error}", file=ledger.name, hint="`gatecheck ledger verify`"
        ) from None
    statement = ledger.statement(entry)
    made: dict[str, Any] = {
        "format": FORMAT,
        "entry": entry.id,
        "seq": entry.seq,
        "writer": entry.writer,
        "leaf": leaf_data(entry).decode(),
        "inclusion": [h.hex() for h in merkle.inclusion(entry.seq, says.size, tiles.get)],
        "checkpoint": b64encode(note.bytes()).decode(),
        "commit": b64encode(commit).decode(),
        "envelope": json.loads(ledger.envelope(entry)),
        "statement": json.loads(statement),
    }
    if since is not None:
        earlier = _earlier(since, says)
        made["earlier"] = b64encode(since.bytes()).decode()
        made["consistency"] = [h.hex() for h in merkle.consistency(earlier.size, says.size, tiles.get)]
    raw = json.dumps(made, indent=2, ensure_ascii=False).encode() + b"\n"
    check(raw, ledger.name)
    return raw


def _newest(store: Store, entry: Entry) -> Saved | None:
    tip = store.tips(CHECKPOINTS).get(entry.writer)
    return load(store, parse_commit(entry.writer, tip, store.commit(tip))) if tip is not None else None


def _witnessed(store: Store, saved: Saved, entry: Entry) -> tuple[Note, Checkpoint]:
    """Return the newest checkpoint of a tree that was cosigned and covers an entry, with all cosignatures."""
    origin = saved.says.origin
    found = [c for c in read_cosigned(store, []) if c.says.origin == origin and entry.seq < c.says.size]
    newest = max(found, key=lambda c: c.says.size, default=None)
    if newest is None or newest.says.size > saved.says.size:
        return saved.note, saved.says
    return merged(newest.note, (c.note for c in found)), newest.says


def _earlier(since: Note, says: Checkpoint) -> Checkpoint:
    _, earlier = read_note(since.bytes())
    if earlier.origin != says.origin or earlier.size > says.size:
        what = f"it is of `{earlier.origin}`" if earlier.origin != says.origin else f"it is up to #{earlier.size - 1}"
        message = f"this checkpoint is not an earlier one of `{says.origin}` up to #{says.size - 1}: {what}"
        raise input_error("GC746", message)
    return earlier


# Checking, by what is in the file alone


def check(
    raw: bytes, name: str, trust: AllowedSigners | None = None, witnesses: Wanted | None = None,
    known: Iterable[tuple[str, Note]] = (),
) -> Proven:  # fmt: skip
    """Return what a proof shows; ``name`` is the file as a reader knows it.

    ``trust`` says whose signatures count; without it, the key that signed the commit, which shows that all of it is by
    one hand but not whose. ``witnesses`` says of whom cosignatures are wanted, and how many. ``known`` are checkpoints
    seen before, each with who saw it: the proof must start from or lead to each. Raises ``InputError`` GC746 (it is no
    proof), ``LedgerError`` GC747 (it proves nothing), GC748 (too few cosignatures).
    """
    data = _read(raw, name)
    try:
        proven = _follow(data, trust, witnesses)
        for who, note in known:
            _agree(proven, who, note)
    except (MalformedError, FormError, TypeError) as error:
        raise ledger_error("GC747", f"this proves nothing: {error}", file=name) from None
    if witnesses is not None and len(proven.witnessed) < witnesses.least:
        raise ledger_error("GC748", witnesses.lack(len(proven.witnessed)), file=name)
    return proven


class _Data(NamedTuple):
    entry: str
    writer: str
    seq: int
    leaf: bytes
    inclusion: list[bytes]
    checkpoint: bytes
    commit: bytes
    envelope: Any
    statement: Any
    earlier: bytes | None
    consistency: list[bytes]


_FIELDS = {"format", *_Data._fields}


def _read(raw: bytes, name: str) -> _Data:
    from gatecheck.model.document import decode_text, parse_json

    try:
        data = parse_json(decode_text(raw, name), name)
    except InputError as error:
        message = f"this is no proof: {error.diagnostics[0].message}"
        raise input_error("GC746", message, file=name, hint=_HINT) from None
    is_one = isinstance(data, dict) and data.get("format") == FORMAT and not data.keys() - _FIELDS
    try:
        found = _data(data) if is_one else None
    except (KeyError, TypeError, ValueError, AttributeError):
        found = None
    if found is None:
        raise input_error("GC746", f"this is no proof of the form `{FORMAT}`", file=name, hint=_HINT)
    return found


def _data(data: dict[str, Any]) -> _Data:
    earlier = data.get("earlier")
    return _Data(
        data["entry"], data["writer"], data["seq"], data["leaf"].encode(), _hashes(data["inclusion"]),
        _base64(data["checkpoint"]), _base64(data["commit"]), data["envelope"], data["statement"],
        _base64(earlier) if earlier is not None else None, _hashes(data.get("consistency", [])),
    )  # fmt: skip


def _base64(text: str) -> bytes:
    found = b64decode(text, validate=True)
    if b64encode(found).decode() != text:
        raise ValueError
    return found


def _hashes(texts: list[str]) -> list[bytes]:
    found = [bytes.fromhex(text) for text in texts]
    if any(len(one) != 32 for one in found):
        raise ValueError
    return found


def _follow(data: _Data, trust: AllowedSigners | None, witnesses: Wanted | None) -> Proven:
    """Go the way from the statement to the signed root; ``MalformedError`` or ``FormError`` where it breaks."""
    entry = parse_commit(data.writer, "", data.commit)
    key = entry.signer()
    if key is None:
        raise MalformedError("the commit's signature is missing or does not cover the commit")
    if writer_of(key) != entry.writer:
        raise MalformedError(f"the commit's signer {key.fingerprint} is not the writer {entry.writer}")
    if trust is not None and (why := trust.refusal(key, GIT, entry.at)):
        raise MalformedError(f"the commit's signer {key.fingerprint} {why}")
    statement = _statement(data, entry, key)
    if (data.entry, data.seq, data.leaf) != (entry.id, entry.seq, leaf_data(entry)):
        raise MalformedError("the leaf is not that of the commit")
    note, says = read_note(data.checkpoint)
    _signed(note, says, key, "checkpoint")
    try:
        root = merkle.root_of_inclusion(merkle.leaf_hash(data.leaf), data.seq, says.size, data.inclusion)
    except ValueError as error:
        raise MalformedError(str(error)) from None
    if root != says.root:
        raise MalformedError("the path does not lead from the entry to the checkpoint's root")
    earlier = _grown(data, says, key) if data.earlier is not None else None
    named = trust.name if trust is not None else OWN_TRUST
    return Proven(entry, statement, key, says, earlier, tuple(_witnesses(note, witnesses)), named)


def _statement(data: _Data, entry: Entry, key: PublicKey) -> bytes:
    """Return the statement in the envelope, which must be the one that the commit names, and signed as that says."""
    statement = dsse.open_envelope(json.dumps(data.envelope).encode(), key)
    if digest(statement) != entry.statement:
        raise MalformedError("the statement does not have the digest that the commit gives")
    if json.loads(dsse.envelope(statement, *entry.statement_signature())) != data.envelope:
        raise MalformedError("the envelope is not that of the entry")
    if json.loads(statement) != data.statement:
        raise MalformedError("the statement that is shown is not the one that was signed")
    return statement


def _signed(note: Note, says: Checkpoint, key: PublicKey, what: str) -> None:
    if not note.is_signed_by(says.origin, key):
        raise MalformedError(f"the {what} is not signed by the commit's signer {key.fingerprint}")


def _grown(data: _Data, says: Checkpoint, key: PublicKey) -> Checkpoint:
    note, earlier = read_note(data.earlier or b"")
    _signed(note, earlier, key, "earlier checkpoint")
    if earlier.origin != says.origin:
        raise MalformedError("the earlier checkpoint is of another ledger")
    if not merkle.is_consistent(earlier.size, earlier.root, says.size, says.root, data.consistency):
        raise MalformedError("the earlier checkpoint is not shown to be a beginning of the later one")
    return earlier


def _witnesses(note: Note, wanted: Wanted | None) -> Iterable[tuple[str, datetime]]:
    """Yield name and instant of each witness that counts and cosigned, once for each key."""
    for signer in {s.key: s for s in wanted.signers.signers}.values() if wanted is not None else ():
        for name in dict.fromkeys(signature.name for signature in note.signatures):
            at = note.cosigned_by(name, signer.key)
            if wanted is not None and at is not None and wanted.counts(name, signer.key, at):
                yield name, at
                break


def _agree(proven: Proven, who: str, note: Note) -> None:
    _, says = read_note(note.bytes())
    if says not in (proven.says, proven.earlier):
        raise MalformedError(f"it does not start from the checkpoint that {who} holds, nor lead to it")
