"""Take in what others pushed to a remote: every entry is verified before the writer's ref moves forward to it.

What arrived is judged in a view of the ledger as it would be with it: the new entries are read and re-hashed as
``verify`` does, each at its place after those that are here; checkpoints are held against all entries that they cover.
A writer of whom anything is wrong is left as it was, and the others are taken.
"""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from gatecheck.ledger.audit import Audit, Grown
from gatecheck.ledger.check import Checker, Problem
from gatecheck.ledger.checkpoint import leaf_of, load
from gatecheck.ledger.entry import GENESIS, Entry, MalformedError, parse_commit
from gatecheck.ledger.ledger import Ledger, remembered
from gatecheck.ledger.remote import KINDS, Pushed, Side, exclusive, know, look, shared, told
from gatecheck.ledger.store import CHECKPOINTS, REFS, WITNESSES, ObjectError, Store
from gatecheck.ledger.succession import Trust
from gatecheck.ledger.transport import Git, Remote, without_password
from gatecheck.ledger.verify import check_place
from gatecheck.ledger.witness import read_cosigned
from gatecheck.text.diagnostic import Diagnostic, LedgerError
from gatecheck.trust.signers import AllowedSigners

_SHOWN = 10
_UNDER = dict(zip(KINDS, (REFS, CHECKPOINTS, WITNESSES), strict=True))


class Taken(NamedTuple):
    """One writer's entries that were taken, the key that signed the newest, and whether the writer is new here."""

    entries: Pushed
    key: str
    is_new: bool


class Outcome(NamedTuple):
    """What a pull came to: from where, what was taken, and what was not, with the reasons."""

    remote: Remote
    taken: tuple[Taken, ...]
    problems: tuple[Diagnostic, ...]
    writers_to_push: int


class _View(Store):
    """A ledger as it would be if refs had moved to what arrived."""

    def __init__(self, store: Store, arrived: Mapping[str, str]) -> None:
        super().__init__(store.path, store._git)
        self._arrived = arrived

    def tips(self, under: str = REFS) -> dict[str, str]:
        """Return each writer's newest commit, with what arrived."""
        arrived = {f"refs/heads/{ref}": oid for ref, oid in self._arrived.items()}
        found = {ref.removeprefix(under): oid for ref, oid in arrived.items() if ref.startswith(under)}
        return dict(sorted({**super().tips(under), **found}.items()))


def pull(ledger: Ledger, remote: Remote, git: Git, trust: AllowedSigners | None = None) -> Outcome:
    """Take all that is new at the remote and good. ``trust`` says whose signatures count, as for ``verify``.

    Raises ``LedgerError``: GC712, GC718 (the ledger can't be written), GC719 (what was seen can't be remembered), GC751
    (not there, or not reached), GC752 (no answer in time), GC753 (access is denied), GC759 (git failed otherwise).
    """
    with exclusive(ledger):
        sides = look(ledger.store, git, remote)
        wrong = told(ledger.store, git, remote, sides)
        problems = list(wrong.values())
        coming = {side.ref: side for side in sides if side.is_behind and side.writer not in wrong}
        taken: list[Taken] = []
        if coming:
            view = Ledger(_View(ledger.store, {ref: side.there for ref, side in coming.items()}), ledger.memory)
            judged = view.trust(trust, is_lenient=True)
            for writer in sorted({side.writer for side in coming.values()}):
                mine = [coming[f"{kind}/{writer}"] for kind in KINDS if f"{kind}/{writer}" in coming]
                found = list(_problems(view, judged, writer, mine)) or _move(ledger, git, mine)
                if found:
                    wrong[writer] = found[0].diagnostic()
                    problems += _reported(remote, writer, found)
                    continue
                taken += [_taken(ledger.store, side) for side in mine if side.ref.startswith("ledger/")]
        has = {
            side.ref: side.there for side in sides if side.there not in ("", side.known) and side.writer not in wrong
        }
        if has:
            know(git, remote, has, "pulled")
    return Outcome(remote, tuple(taken), tuple(problems), len({s.writer for s in sides if s.is_ahead}))


def _problems(view: Ledger, trust: Trust, writer: str, sides: list[Side]) -> Iterator[Problem]:
    """Yield what is wrong with what arrived of one writer."""
    refs = {side.ref.partition("/")[0]: side for side in sides}
    if "ledger" in refs:
        yield from _entries(view, trust, refs["ledger"])
    if "checkpoints" in refs or "ledger" in refs:
        yield from _checkpoints(view, trust, writer)
    if "witness" in refs:
        found: list[Problem] = []
        read_cosigned(view.store, found)
        yield from (problem for problem in found if problem.writer == writer)


def _entries(view: Ledger, trust: Trust, side: Side) -> Iterator[Problem]:
    commits: list[str] = []
    try:
        for oid, _ in view.store.commits(side.there):
            if oid == side.here:
                break
            commits.append(oid)
        else:
            if side.here:
                yield Problem("GC714", "it does not go on from what is here", side.writer, side.there)
                return
    except ObjectError as error:
        yield Problem("GC720", f"{error}; nothing older than this can be reached", side.writer)
        return
    checker = Checker(view.store)
    previous = parse_commit(side.writer, side.here, view.store.commit(side.here)) if side.here else None
    for oid in reversed(commits):
        try:
            entry = parse_commit(side.writer, oid, view.store.commit(oid))
        except (MalformedError, ObjectError) as error:
            yield Problem("GC730", str(error), side.writer, oid)
            return
        yield from checker.problems(entry, trust)
        yield from check_place(entry, previous, is_first=previous is None)
        previous = entry
    if previous is not None:
        try:
            view.check_memory(previous)
        except LedgerError as error:
            yield Problem(error.diagnostics[0].code, error.diagnostics[0].message, side.writer)


def _checkpoints(view: Ledger, trust: Trust, writer: str) -> Iterator[Problem]:
    """Yield what is wrong with the checkpoints of a writer, all of whose entries are hashed into the tree again."""
    tip = view.store.tips().get(writer, "")
    marks = view.store.tips(CHECKPOINTS).get(writer, "")
    if not tip:
        yield Problem(
            "GC743", "there are checkpoints of this writer, and none of its entries", writer, refs="checkpoints"
        )
        return
    first: Entry | None = None
    leaves: list[bytes] = []
    try:
        for oid, raw in view.store.commits(tip):
            first = parse_commit(writer, oid, raw)
            leaves.append(leaf_of(first))
    except (MalformedError, ObjectError):
        return  # which is told of the entries
    if first is None or first.kind != GENESIS:
        return
    grown = Grown(first, leaves[::-1])
    audit = Audit(
        view.store, writer, grown, lambda key, saved: trust.refusal(saved.entry._replace(seq=saved.says.size - 1), key)
    )
    yield from audit.problems(marks, view.memory.notes().get(writer), ())


def _move(ledger: Ledger, git: Git, sides: list[Side]) -> list[Problem]:
    """Move a writer's refs forward, entries first, unless they were moved elsewhere since; then say so."""
    store, writer = ledger.store, sides[0].writer
    ledger.memory.prepare()
    with store.locked(writer):
        for side in sides:
            kind = side.ref.partition("/")[0]
            ref = store.ref(writer, _UNDER[kind])
            common = shared(git, ref.target, side.there)
            if ref.target and common not in (ref.target, side.there):
                return [Problem("GC757", "it was written to here while this was fetched", writer, refs=kind)]
            if common == ref.target != side.there:
                ref.move(side.there)
            if kind == "ledger":
                tip = parse_commit(writer, side.there, store.commit(side.there))
                ledger.memory.save({writer: remembered(tip)})
            elif kind == "checkpoints":
                saved = load(store, parse_commit(writer, side.there, store.commit(side.there)))
                ledger.memory.save({}, {writer: saved.note})
    return []


def _taken(store: Store, side: Side) -> Taken:
    first = parse_commit(side.writer, side.here, store.commit(side.here)).seq + 1 if side.here else 1
    last = parse_commit(side.writer, side.there, store.commit(side.there))
    signer = last.signer()
    key = signer.fingerprint if signer is not None else ""
    return Taken(Pushed(side.writer, first, last.seq), key, not side.here)


def _reported(remote: Remote, writer: str, found: list[Problem]) -> list[Diagnostic]:
    message = f"what `{remote.shown}` has of the writer {writer} is not good, and nothing of it was taken"
    hint = "find out who pushed it; what is here is as it was"
    first = Diagnostic("GC758", message, file=without_password(remote.fetch_url), hint=hint)
    more = f"{len(found) - _SHOWN} more problems are left out" if len(found) > _SHOWN else ""
    shown = [problem.diagnostic() for problem in found[:_SHOWN]]
    return [first, *shown[:-1], shown[-1]._replace(hint=more)]
