"""Append records to a ledger and read them again.

One entry is one commit; its tree holds its own record and nothing of others, so an append costs the same at the first
and at the hundred-thousandth. Each signing key writes a ref of its own, whose first commit carries the key.
"""

import heapq
import os
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from gatecheck.ledger import checkpoint as checkpoints_
from gatecheck.ledger import entry as entries_
from gatecheck.ledger.check import Checker
from gatecheck.ledger.entry import GENESIS, Entry, MalformedError, chained, parse_commit, writer_of
from gatecheck.ledger.kinds import KEY, Stated, check_stated, unknown_entry
from gatecheck.ledger.memory import Memory, Tip
from gatecheck.ledger.record import DECISION, PACK, REQUEST, STATEMENT, Claims, Record, check_pack, check_record
from gatecheck.ledger.store import CHECKPOINTS, ObjectError, Ref, Store, open_store
from gatecheck.model.canonical import digest
from gatecheck.text.diagnostic import LedgerError, input_error, ledger_error
from gatecheck.trust import dsse
from gatecheck.trust.key import SigningKey
from gatecheck.trust.signers import AllowedSigners

if TYPE_CHECKING:
    from gatecheck.ledger.succession import Trust

_RECENT = 64
_HEX = frozenset("0123456789abcdef")


def open_ledger(path: Path, *, memory: Path, create: bool = False) -> "Ledger":
    """Return the ledger at ``path``, made first if it is missing and ``create`` says so.

    ``memory`` is the folder where this machine remembers what it saw last (``memory.state_folder``). Raises
    ``LedgerError`` GC710, GC711.
    """
    return Ledger(open_store(path, create=create), Memory(memory, path))


class Ledger:
    """An open ledger."""

    def __init__(self, store: Store, memory: Memory) -> None:
        self.store = store
        self.memory = memory
        self.name = str(store.path)
        self._changes: Trust | None = None

    # Writing

    def append(self, record: Record | Stated, key: SigningKey, recorded_at: datetime) -> Entry:
        """Enter a decision, or what else was stated, and return its entry, once it is safe on disk.

        A statement that this key has entered already is not entered again: its existing entry is returned. Raises
        ``LedgerError`` GC712 (can't be written), GC714 (the history was rewritten), GC717 (the record contradicts
        itself), GC718 (held by another process), GC719 (nothing can be remembered), GC726 (the newest entry is forged).
        """
        return self.append_batch([record], key, recorded_at)[0]

    def append_batch(self, records: Sequence[Record | Stated], key: SigningKey, recorded_at: datetime) -> list[Entry]:
        """Enter several records in order, all or none of them, and return their entries; as ``append`` does."""
        if recorded_at.tzinfo is None:
            raise ValueError("recorded_at must have an offset")
        checked = [_checked(record) for record in records]
        self._check_noted([one.noted for one in checked])
        writer = writer_of(key.public)
        self.memory.prepare()
        with self.store.locked(writer):
            ref = self.store.ref(writer)
            tip = self._tip(ref, writer, key, recorded_at)
            marks, last = self._marks(tip)
            made = []
            for one in checked:
                entry = self._existing(tip, one.statement)
                if entry is None:
                    entry = tip = self._enter(one, tip, key, recorded_at)
                made.append(entry)
            # Stored before the entries are acknowledged: a disk that is full then has nothing recorded by half.
            is_due = checkpoints_.is_due(tip, last)
            saved = checkpoints_.write(self.store, self.name, tip, last, key, recorded_at) if is_due else None
            if tip.commit != ref.target:
                ref.move(tip.commit)
            if saved is not None:
                marks.move(saved.entry.commit)
            self.memory.save({writer: remembered(tip)}, {writer: saved.note} if saved is not None else {})
        return made

    def checkpoint(self, key: SigningKey, at: datetime) -> "checkpoints_.Saved | None":
        """Sign a checkpoint of all that this key has entered; ``None`` if the newest one covers that already.

        Comes before each push. Raises ``LedgerError`` as ``append`` does, and ``InputError`` GC749 where this key has
        entered nothing.
        """
        writer = writer_of(key.public)
        self.memory.prepare()
        with self.store.locked(writer):
            ref = self.store.ref(writer)
            if not ref.target:
                message = f"the key {key.fingerprint} has entered nothing here, so there is nothing for it to sign"
                raise input_error("GC749", message, file=self.name, hint="name the writer's key with `--key`")
            tip = self._tip(ref, writer, key, at)
            marks, last = self._marks(tip)
            if last is not None and checkpoints_.size_of(last) == tip.seq + 1:
                return None
            saved = checkpoints_.write(self.store, self.name, tip, last, key, at)
            marks.move(saved.entry.commit)
            self.memory.save({writer: remembered(tip)}, {writer: saved.note})
        return saved

    def _marks(self, tip: Entry) -> "tuple[Ref, Entry | None]":
        """Return the ref of a writer's checkpoints and the newest, which must not say that ``tip`` is an older end."""
        marks = self.store.ref(tip.writer, CHECKPOINTS)
        last = checkpoints_.newest(self.store, self.name, tip, marks.target)
        seen = self.memory.notes().get(tip.writer)
        if seen is not None:
            checkpoints_.check_seen(self.store, self.name, last, seen)
        return marks, last

    def _tip(self, ref: Ref, writer: str, key: SigningKey, at: datetime) -> Entry:
        """Return the entry to build on, which this key must have signed and this machine's memory must agree with."""
        if not ref.target:
            seen = self.memory.load().get(writer)
            if seen is not None:
                raise self.rewritten(writer, seen)
            return self._begin(ref, writer, key, at)
        tip = next(self.history(writer, ref.target))
        if tip.signer() != key.public:
            message = f"the newest entry of `ledger/{writer}` is not signed by this key; nothing was recorded"
            raise ledger_error("GC726", message, file=self.name, hint="`gatecheck ledger verify` tells more")
        self.check_memory(tip)
        return tip

    def _begin(self, ref: Ref, writer: str, key: SigningKey, at: datetime) -> Entry:
        """Enter a writer's first commit, which says whose signatures to expect on its ref."""
        # Of two ledgers that one key writes, each begins otherwise: else their checkpoints would be of one origin.
        trust = f'# ledger {os.urandom(8).hex()}\n{writer} namespaces="git" {key.public_line}\n'.encode()
        statement = digest(trust)
        trailers = {"Gatecheck-Kind": GENESIS, checkpoints_.PROMISE: str(checkpoints_.EVERY_ENTRIES)}
        trailers |= entries_.identity(0, statement, chained(entries_.CHAIN_START, statement))
        tree = self.store.write_record({entries_.TRUST: trust}, {})
        first = self._commit(writer, tree, "", at, f"BEGIN ledger/{writer}", trailers, key)
        ref.move(first.commit)
        return first

    def _existing(self, tip: Entry, statement: bytes) -> Entry | None:
        """Return the entry of the same statement on this ref.

        Git knows by content whether these bytes were ever stored, which answers the usual case without reading any
        history; only a repeated statement, or one whose writer died before it finished, is looked for.
        """
        if not self.store.holds_blob(statement):
            return None
        wanted = digest(statement)
        return next((entry for entry in self.history(tip.writer, tip.commit) if entry.statement == wanted), None)

    def _enter(self, one: "_Checked", tip: Entry, key: SigningKey, at: datetime) -> Entry:
        statement = digest(one.statement)
        folders = {} if one.pack is None else {PACK: self._pack_tree(*one.pack, tip)}
        trailers = one.trailers | entries_.identity(tip.seq + 1, statement, chained(tip.chain, statement))
        trailers |= entries_.signature_trailer(key, dsse.sign(key, one.statement))
        tree = self.store.write_record({STATEMENT: one.statement} | one.files, folders)
        return self._commit(tip.writer, tree, tip.commit, at, one.words, trailers, key)

    def _pack_tree(self, record: Record, claims: Claims, tip: Entry) -> str:
        pack = self._recent_pack(tip, claims.pack)
        if not pack:
            check_pack(record, claims)
            pack = self.store.write_files(record.pack)
        return pack

    def _recent_pack(self, tip: Entry, pack: str) -> str:
        """Return the git tree of a pack that a recent entry of this very key holds, so it need not be stored again."""
        recent = islice(self.history(tip.writer, tip.commit), _RECENT)
        entry = next((entry for entry in recent if entry.trailers.get("Gatecheck-Pack") == pack), None)
        if entry is None:
            return ""
        try:
            return self.store.tree(entry.tree)[PACK].id
        except (ObjectError, KeyError) as error:
            raise self._broken(f"entry {entry.id[:12]}: its pack can't be read: {error}") from None

    def _commit(
        self, writer: str, tree: str, parent: str, at: datetime, subject: str, trailers: dict[str, str], key: SigningKey
    ) -> Entry:
        raw = entries_.signed_commit(tree, parent, at, entries_.format_message(subject, trailers), key)
        return parse_commit(writer, self.store.write_commit(raw), raw)

    # What this machine remembers

    def check_memory(self, tip: Entry) -> None:
        """Require that what this machine saw last of a writer is part of the history up to ``tip``; else GC714."""
        seen = self.memory.load().get(tip.writer)
        if seen is None:
            return
        for entry in self.history(tip.writer, tip.commit):
            if entry.seq <= seen.seq:
                if remembered(entry) == seen:
                    return
                break
        raise self.rewritten(tip.writer, seen)

    def rewritten(self, writer: str, seen: Tip) -> LedgerError:
        """Return the error for a history that no longer holds what was seen."""
        message = (
            f"the history was rewritten: entry {seen.id[:12]} (#{seen.seq} of ledger/{writer}), "
            "which this machine has seen, is no longer in it"
        )
        hint = f"find out who changed the ledger; if you began it anew yourself, remove {self.memory.file}"
        return ledger_error("GC714", message, file=self.name, hint=hint)

    # Reading

    def writers(self) -> dict[str, str]:
        """Return each writer's newest commit, in order of writer."""
        return self.store.tips()

    def newest(self) -> list[Entry]:
        """Return each writer's newest entry, in order of writer; ``LedgerError`` GC713 where one can't be read."""
        return [next(self.history(writer, tip)) for writer, tip in self.writers().items()]

    def history(self, writer: str, tip: str) -> Iterator[Entry]:
        """Yield one writer's commits from ``tip`` back to its first; ``LedgerError`` GC713 where one can't be read."""
        try:
            for oid, raw in self.store.commits(tip):
                yield parse_commit(writer, oid, raw)
        except (ObjectError, MalformedError) as error:
            raise self._broken(error) from None

    def entries(self, span: str = "", *, oldest_first: bool = False) -> Iterator[Entry]:
        """Yield recorded entries, newest first, those of several writers merged by the time they were recorded at.

        ``span`` is ``A..B``, both included and either left out, each as ``find`` takes it. Raises ``InputError`` GC715
        or GC716 for a span that names no entries.
        """
        if oldest_first:
            yield from reversed(list(self.entries(span)))
            return
        first, last = self._span(span) if span else (None, None)
        histories = (self.history(writer, tip) for writer, tip in self.writers().items())
        started = last is None
        for entry in heapq.merge(*histories, key=lambda e: e.at, reverse=True):
            if entry.kind == GENESIS:
                continue
            started = started or entry == last
            if started:
                yield entry
            if entry == first:
                if not started:
                    hint = "write the older entry first"
                    raise input_error("GC716", f"the range `{span}` ends before it begins", file=self.name, hint=hint)
                return

    def _span(self, span: str) -> tuple[Entry | None, Entry | None]:
        first, dots, last = span.partition("..")
        if not dots:
            hint = "write it as `A..B`, each an id or a sequence number"
            raise input_error("GC716", f"`{span}` is not a range", file=self.name, hint=hint)
        return self.find(first) if first else None, self.find(last) if last else None

    def find(self, name: str) -> Entry:
        """Return the entry with this id, id prefix (four digits or more) or sequence number.

        A number is looked up as both; ``#12`` is a sequence number only. A statement that several keys entered is the
        earliest of these. Raises ``InputError`` GC715 (none, or not a name), GC716 (several).
        """
        prefix, seq = _wanted(name)
        if not prefix and seq < 0:
            hint = "name it by at least four digits of its id, or by its sequence number"
            raise input_error("GC715", f"`{name}` does not name an entry", file=self.name, hint=hint)
        found: dict[str, Entry] = {}
        for entry in self.entries():
            if (prefix and entry.id.startswith(prefix)) or entry.seq == seq:
                found[entry.id] = entry
        if not found:
            hint = "`gatecheck ledger log` lists the entries"
            raise input_error("GC715", f"there is no entry `{name}`", file=self.name, hint=hint)
        if len(found) > 1:
            shown = ", ".join(f"{e.id[:12]} (#{e.seq} of {e.writer[:8]})" for e in list(found.values())[:5])
            more = ", …" if len(found) > 5 else ""
            message = f"`{name}` names {len(found)} entries: {shown}{more}"
            raise input_error("GC716", message, file=self.name, hint="write more digits of the id")
        return next(iter(found.values()))

    def statement(self, entry: Entry) -> bytes:
        """Return the signed statement; ``LedgerError`` GC713 if its bytes are not those that the entry names."""
        raw = self.file(entry, STATEMENT)
        if digest(raw) != entry.statement:
            raise self._broken(f"entry {entry.id[:12]}: its statement was changed")
        return raw

    def request(self, entry: Entry) -> bytes:
        """Return the normalized request."""
        return self.file(entry, REQUEST)

    def pack(self, entry: Entry) -> dict[str, bytes]:
        """Return the pack's files by path."""
        try:
            return dict(self.store.files(self.store.tree(entry.tree)[PACK].id))
        except (ObjectError, KeyError) as error:
            raise self._broken(f"entry {entry.id[:12]}: its pack can't be read: {error}") from None

    def file(self, entry: Entry, path: str) -> bytes:
        """Return one file of an entry's tree: ``statement.json``, ``request.json`` or ``pack/…``.

        Raises ``InputError`` GC715 if there is no such file, ``LedgerError`` GC713 if it can't be read.
        """
        try:
            oid, is_file = entry.tree, False
            for part in path.split("/"):
                item = self.store.tree(oid)[part] if not is_file else None
                if item is None:
                    break
                oid, is_file = item.id, item.is_file
            else:
                if is_file:
                    return self.store.blob(oid)
        except KeyError:
            pass
        except ObjectError as error:
            raise self._broken(f"entry {entry.id[:12]}: {error}") from None
        raise input_error("GC715", f"entry {entry.id[:12]} holds no file `{path}`", file=self.name)

    def envelope(self, entry: Entry) -> bytes:
        """Return the entry's statement as a DSSE envelope."""
        try:
            keyid, signature = entry.statement_signature()
        except MalformedError as error:
            raise self._broken(f"entry {entry.id[:12]}: {error}") from None
        return dsse.envelope(self.statement(entry), keyid, signature)

    def allowed(self, artifact: str, environment: str, trust: AllowedSigners | None = None) -> list[Entry]:
        """Return the entries that allowed an artifact's digest into an environment, oldest first; as ``about`` does."""
        wanted = {"Gatecheck-Environment": environment, "Gatecheck-Verdict": "allow"}.items()
        return self.about(artifact, trust, lambda entry: wanted <= entry.trailers.items())

    def about(self, artifact: str, trust: AllowedSigners | None, is_wanted: Callable[[Entry], bool]) -> list[Entry]:
        """Return those of the entries about an artifact's digest that are wanted, oldest first.

        Every entry that is returned was checked whole: bytes, statement, both signatures. ``trust`` says whose
        signatures count; without it those that the ledger itself names, so that whoever can add a ref to the ledger can
        promote. Changes of trust that the ledger holds are heeded in either case.
        """
        from gatecheck.ledger.succession import CHANGES

        found, first = self.mentioning(("Gatecheck-Artifact", artifact), CHANGES)
        trusted = self._trust(trust, found, first)
        checker = Checker(self.store)
        wanted = [e for e in found if e.trailers.get("Gatecheck-Artifact") == artifact and is_wanted(e)]
        good = [e for e in wanted if not any(checker.problems(e, trusted))]
        since: dict[str, datetime] = {}
        placed = []
        for entry in reversed(good):  # a writer's oldest first; what comes later is no older, whatever its clock said
            since[entry.writer] = max(entry.at, since.get(entry.writer, entry.at))
            placed.append((since[entry.writer], entry.seq, entry.id, entry))
        return [entry for *_, entry in sorted(placed, key=lambda one: one[:3])]

    def trust(self, root: AllowedSigners | None = None, *, is_lenient: bool = False) -> "Trust":
        """Return whose signatures count, entry by entry; ``root`` as ``about`` takes it.

        Raises ``LedgerError`` GC713 where the ledger can't be read, unless it ``is_lenient``.
        """
        from gatecheck.ledger.succession import CHANGES

        return self._trust(root, *self.mentioning(CHANGES, is_lenient=is_lenient))

    def _trust(self, root: AllowedSigners | None, found: list[Entry], first: dict[str, Entry]) -> "Trust":
        from gatecheck.ledger.succession import Trust, change_of

        checker = Checker(self.store)
        own = {w: checker.own_trust(e) for w, e in first.items() if root is None and e.kind == GENESIS}
        trust = Trust(root, own)
        changes = [change_of(entry, checker) for entry in found if entry.kind == KEY]
        trust.add([change for change in changes if change is not None], checker)
        self._changes = trust
        return trust

    def check_key(self, key: SigningKey, at: datetime) -> None:
        """Require that no change of trust refuses what a key would enter at an instant; else ``LedgerError`` GC791.

        The last reading of the ledger answers, where there was one.
        """
        trust = self._changes or self.trust()
        if why := trust.refusal_next(key.public, at):
            message = f"the key {key.fingerprint} {why}, so nothing that it enters would count; nothing was recorded"
            hint = "use a key that `gatecheck ledger trust` shows, or change the trust with one"
            raise ledger_error("GC791", message, file=self.name, hint=hint)

    def _check_noted(self, wanted: Sequence[str]) -> None:
        """Require that the ledger holds the entries with these ids; empty ones name none."""
        missing = {entry for entry in wanted if entry}
        if missing:
            missing -= {entry.id for entry in self.mentioning(*(("Gatecheck-Id", entry) for entry in missing))[0]}
        for entry in sorted(missing):
            raise unknown_entry(entry)

    def mentioning(self, *trailers: tuple[str, str], is_lenient: bool = False) -> tuple[list[Entry], dict[str, Entry]]:
        """Return the entries of all writers that have one of these trailers, and each writer's first.

        Only these are parsed, and nothing says yet that they are whole. All that is looked for in a ledger by what it
        is about comes through here.
        """
        needles = [f"\n{name}: {value}\n".encode() for name, value in trailers]
        found, first = [], {}
        for writer, tip in self.writers().items():
            try:
                oid, raw = "", b""
                for oid, raw in self.store.commits(tip):
                    if any(needle in raw for needle in needles):
                        found.append(parse_commit(writer, oid, raw))
                first[writer] = parse_commit(writer, oid, raw)
            except (ObjectError, MalformedError) as error:
                if not is_lenient:
                    raise self._broken(error) from None
        return found, first

    def _broken(self, why: object) -> LedgerError:
        return ledger_error("GC713", f"the ledger is broken: {why}", file=self.name, hint="`gatecheck ledger verify`")


class _Checked(NamedTuple):
    """A record that agrees with itself, as it is to be entered."""

    statement: bytes
    words: str
    trailers: dict[str, str]
    files: dict[str, bytes]
    pack: tuple[Record, Claims] | None = None
    noted: str = ""


def _checked(record: Record | Stated) -> _Checked:
    if isinstance(record, Stated):
        said = check_stated(record)
        trailers = {"Gatecheck-Kind": record.kind, **said.trailers}
        files = {entries_.TRUST: record.trust} if record.trust else {}
        return _Checked(record.statement, said.words, trailers, files, noted=said.fact.entry)
    claims = check_record(record)
    trailers = {"Gatecheck-Kind": DECISION, **claims.trailers}
    trailers |= {n: entries_.one_line(text) for n, text in record.trailers.items() if n not in trailers}
    words = " ".join(record.subject)
    return _Checked(record.statement, words, trailers, {REQUEST: record.request}, (record, claims))


def remembered(entry: Entry) -> Tip:
    """Return what is remembered of an entry."""
    return Tip(entry.seq, entry.id, entry.chain, entry.commit)


def _wanted(name: str) -> tuple[str, int]:
    """Return the id prefix and the sequence number that a name may mean: an empty text and -1 for neither."""
    number = name.removeprefix("#")
    seq = int(number) if number.isascii() and number.isdigit() and len(number) < 16 else -1
    prefix = name.removeprefix("sha256:").lower()
    is_prefix = 4 <= len(prefix) <= 64 and _HEX.issuperset(prefix)
    return prefix if is_prefix else "", -1 if name.startswith("sha256:") else seq
