"""Witnesses: who vouches, by C2SP's cosignatures, to have seen a ledger grow and never change.

A witness verifies another's ledger against all that it has cosigned before, and cosigns the newest checkpoint of each
writer. What it signed lies on a ref of its own, ``refs/heads/witness/<witness>``, named by its key as a writer's is, so
that no two ever write the same: a commit in the form of an entry, whose tree holds a cosigned note for each writer.
"""

from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

from gatecheck.ledger import entry as entries_
from gatecheck.ledger.check import Problem
from gatecheck.ledger.checkpoint import Checkpoint, read_note
from gatecheck.ledger.entry import CHAIN_START, Entry, MalformedError, chained, parse_commit, writer_of
from gatecheck.ledger.memory import Witnessed
from gatecheck.ledger.store import WITNESSES, ObjectError, Store
from gatecheck.model.canonical import canonical, digest
from gatecheck.text.diagnostic import input_error
from gatecheck.trust import note as notes_
from gatecheck.trust.key import SigningKey
from gatecheck.trust.note import Note, NoteError
from gatecheck.trust.openssh import PublicKey
from gatecheck.trust.signers import AllowedSigners

if TYPE_CHECKING:
    from gatecheck.ledger.ledger import Ledger
    from gatecheck.ledger.verify import Report

KIND = "witness"
COSIGNATURE = "cosignature/v1"  # the namespace that a trust file may hold a witness to


def checked_name(name: str) -> str:
    """Return the name that a witness cosigns under; ``InputError`` GC801 if no note could hold it."""
    try:
        return notes_.named(name)
    except NoteError as error:
        raise input_error("GC801", str(error), hint="take one like `example.org/witness`") from None


class Wanted(NamedTuple):
    """Whose cosignatures count, and of how many of these witnesses each writer must have one."""

    signers: AllowedSigners
    least: int = 1

    def counts(self, name: str, key: PublicKey, at: datetime) -> bool:
        """Tell whether a cosignature by this key, under this name, at this instant, is one of those."""
        lines = (s for s in self.signers.signers if s.key == key and s.is_of(name))
        return any(not line.refusal(COSIGNATURE, at) for line in lines)

    def lack(self, found: int) -> str:
        """Return what is said where only so many of them cosigned."""
        noun = "witness" if found == 1 else "witnesses"
        return f"{found} {noun} of {self.signers.name} cosigned a checkpoint of it, and at least {self.least} must have"


class Cosigned(NamedTuple):
    """The newest checkpoint of one writer that a witness cosigned: under which name, with which key, and when."""

    name: str
    key: PublicKey
    at: datetime
    note: Note
    says: Checkpoint

    def is_wanted(self, origin: str, wanted: Wanted | None) -> bool:
        """Tell whether this vouches for a tree, by a witness that counts; without ``wanted`` every one does."""
        return self.says.origin == origin and (wanted is None or wanted.counts(self.name, self.key, self.at))


def read_cosigned(store: Store, problems: list[Problem]) -> list[Cosigned]:
    """Return what all witnesses signed last in a ledger; what is wrong with any of it joins ``problems``."""
    found: list[Cosigned] = []
    for witness, oid in store.tips(WITNESSES).items():
        try:
            entry = parse_commit(witness, oid, store.commit(oid))
            signer = entry.signer()
            if signer is None or writer_of(signer) != witness:
                problems.append(_problem("GC741", "the commit is not signed by this witness", witness, oid))
                continue
            notes = _notes(store, entry)
        except (MalformedError, ObjectError) as error:
            problems.append(_problem("GC745", str(error), witness, oid))
            continue
        for writer, raw in sorted(notes.items()):
            try:
                found.append(_cosigned(signer, *read_note(raw)))
            except MalformedError as error:
                problems.append(_problem("GC745", str(error), witness, oid, writer))
    return found


def _notes(store: Store, entry: Entry) -> dict[str, bytes]:
    """Return the notes of a witness's commit by writer, as the commit's message vouches for them."""
    notes = dict(store.files(entry.tree))
    if entry.kind != KIND or _digest(notes) != entry.statement:
        raise MalformedError("what it holds does not have the digest that the commit gives")
    return notes


def _cosigned(signer: PublicKey, note: Note, says: Checkpoint) -> Cosigned:
    for name in dict.fromkeys(signature.name for signature in note.signatures):
        at = note.cosigned_by(name, signer)
        if at is not None:
            return Cosigned(name, signer, at, note, says)
    raise MalformedError("it is not cosigned by this witness")


def _problem(code: str, what: str, witness: str, oid: str, where: str = "") -> Problem:
    return Problem(code, what, witness, oid, where=where, refs="witness")


def _digest(notes: dict[str, bytes]) -> str:
    """Return the digest over all notes, which stands in the commit's message as a statement's does."""
    return digest(canonical({name: digest(raw) for name, raw in notes.items()}))


def cosign(
    ledger: "Ledger", report: "Report", key: SigningKey, name: str, at: datetime, memory: Witnessed
) -> list[Cosigned]:
    """Cosign the newest checkpoint of each writer of a ledger that was verified without a problem, and return them.

    ``report`` must have been made with ``memory`` recalled. Nothing is written where the witness has cosigned all of
    them before. Raises ``LedgerError`` GC712, GC718, GC719.
    """
    made: dict[str, Cosigned] = {}
    witness = writer_of(key.public)
    with ledger.store.locked(witness):
        ref = ledger.store.ref(witness, WITNESSES)
        last, notes = _last(ledger.store, witness, ref.target)
        for writer in report.writers:
            saved = writer.checkpoint
            if saved is None:
                continue
            known = notes.get(writer.name)
            if known is not None and read_note(known)[1] == saved.says:
                continue
            note = saved.note.cosigned(name, key, at)
            made[writer.name] = Cosigned(name, key.public, at, note, saved.says)
        if made:
            for each in made.values():
                memory.save(each.says.origin, each.note)
            changed = {writer: each.note.bytes() for writer, each in made.items()}
            ref.move(_commit(ledger.store, witness, last, notes | changed, key, at))
    return list(made.values())


def _last(store: Store, witness: str, oid: str) -> tuple[Entry | None, dict[str, bytes]]:
    if not oid:
        return None, {}
    entry = parse_commit(witness, oid, store.commit(oid))
    return entry, _notes(store, entry)


def _commit(
    store: Store, witness: str, last: Entry | None, notes: dict[str, bytes], key: SigningKey, at: datetime
) -> str:
    statement = _digest(notes)
    seq, chain, parent = (last.seq + 1, last.chain, last.commit) if last is not None else (0, CHAIN_START, "")
    trailers = {"Gatecheck-Kind": KIND} | entries_.identity(seq, statement, chained(chain, statement))
    message = entries_.format_message(f"WITNESS {len(notes)} checkpoints", trailers)
    return store.write_commit(entries_.signed_commit(store.write_files(notes), parent, at, message, key))
