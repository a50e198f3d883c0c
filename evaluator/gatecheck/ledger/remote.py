"""Push a ledger to a git remote, and pull from it what others pushed: refs only ever move forward, on either side.

What the remote has is fetched to ``refs/remotes/<remote>/``, and compared ref by ref with what is here, and with what
the remote is known to have had: that stands in ``refs/gatecheck/<remote>/``, which moves forward after a push that was
accepted or a pull that was verified, and whose reflog says when. So a remote that was rewound or rewritten is noticed,
and reported in words; nothing is ever overwritten.
"""

import fcntl
import os
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import NamedTuple

from gatecheck.ledger.entry import Entry, MalformedError, parse_commit
from gatecheck.ledger.ledger import Ledger
from gatecheck.ledger.store import ObjectError, Store
from gatecheck.ledger.transport import Git, Remote, failed, remote_words, without_password
from gatecheck.text.diagnostic import Diagnostic, LedgerError, ledger_error

TIMEOUT_SECONDS = 60.0
KINDS = ("ledger", "checkpoints", "witness")  # in the order of pushing: no checkpoint is seen before its entries
_HEADS, _LOCK = "refs/heads/", "gatecheck-remote.lock"
_ROUNDS = 6
_STATUS = re.compile(r"([ +\-*!=])\t[^\t]*:refs/heads/([^\t]+)\t(.*)")
_MOVED = re.compile(r"fetch first|non-fast-forward|stale info|cannot lock ref|failed to update ref|already exists")


class Side(NamedTuple):
    """One ref, named as ``ledger/<writer>``: its commit here, at the remote, and what the remote is known to have had.

    ``shared`` is the newest commit that is both here and there. Empty texts stand for none.
    """

    ref: str
    here: str
    there: str
    known: str
    shared: str

    @property
    def writer(self) -> str:
        """Whose ref it is."""
        return self.ref.partition("/")[2]

    @property
    def is_ahead(self) -> bool:
        """Whether there is more here than at the remote."""
        return self.here not in ("", self.there) and self.shared == self.there

    @property
    def is_behind(self) -> bool:
        """Whether there is more at the remote than here."""
        return self.there not in ("", self.here) and self.shared == self.here


class Pushed(NamedTuple):
    """One writer's entries that were moved: from which number to which; none if ``last`` is less than ``first``."""

    writer: str
    first: int
    last: int

    @property
    def numbers(self) -> str:
        """The numbers as people read them."""
        return f"#{self.first} to #{self.last}" if self.first < self.last else f"#{self.last}"


class Outcome(NamedTuple):
    """What a push came to: to where, what it took, and what it did not, each with the reason."""

    remote: Remote
    pushed: tuple[Pushed, ...]
    problems: tuple[Diagnostic, ...]
    writers_to_pull: int


def push(ledger: Ledger, remote: Remote, git: Git) -> Outcome:
    """Push all that the remote lacks.

    Raises ``LedgerError``: GC718 (another push or pull is under way), GC751 (not there, or not reached), GC752 (no
    answer in time), GC753 (access is denied), GC759 (git failed otherwise).
    """
    done: dict[str, Side] = {}
    refused: dict[str, Diagnostic] = {}
    with exclusive(ledger):
        for attempt in range(_ROUNDS):
            time.sleep(0.1 * attempt)
            sides = look(ledger.store, git, remote)
            refused = {}
            wrong = told(ledger.store, git, remote, sides)
            wanted = [side for side in sides if side.is_ahead and side.writer not in wrong]
            moved = False
            for kind in KINDS:
                some = [s for s in wanted if s.ref.startswith(f"{kind}/") and s.writer not in refused]
                statuses = _send(git, remote, some) if some else {}
                for side in some:
                    status, reason = statuses.get(side.ref, ("!", "it said nothing of it"))
                    if status != "!":
                        done.setdefault(side.ref, side)
                        done[side.ref] = done[side.ref]._replace(here=side.here)
                        know(git, remote, {side.ref: side.here}, "pushed")
                        continue
                    moved = moved or _MOVED.search(reason) is not None
                    refused[side.writer] = _refused(ledger.store, remote, side, reason)
            if not moved:
                break
    problems = (*wrong.values(), *refused.values())
    pushed = tuple(_pushed(ledger.store, side) for ref, side in sorted(done.items()) if ref.startswith("ledger/"))
    return Outcome(remote, pushed, problems, len({s.writer for s in sides if s.is_behind}))


def _send(git: Git, remote: Remote, sides: list[Side]) -> dict[str, tuple[str, str]]:
    """Push refs, and return git's sign and words for each."""
    specs = [f"{side.here}:{_HEADS}{side.ref}" for side in sides]
    run = git.run(
        ("push", "--porcelain", "--no-follow-tags", "--recurse-submodules=no", "--", remote.push_url, *specs),
        where=remote.shown,
    )
    found = {match[2]: (match[1], match[3]) for match in map(_STATUS.fullmatch, run.out.splitlines()) if match}
    if run.code != 0 and not any(sign == "!" for sign, _ in found.values()):
        raise failed(run, remote)
    said = remote_words(run)
    return {
        ref: (sign, f"{reason}: {said}" if sign == "!" and said else reason) for ref, (sign, reason) in found.items()
    }


def _pushed(store: Store, side: Side) -> Pushed:
    first = _entry(store, side.writer, side.there).seq + 1 if side.there else 1
    return Pushed(side.writer, first, _entry(store, side.writer, side.here).seq)


def _refused(store: Store, remote: Remote, side: Side, reason: str) -> Diagnostic:
    words = re.sub(r"\[remote rejected\] |\[rejected\] ", "", reason)
    message = f"`{remote.shown}` refused {side.ref} up to {numbered(store, side, side.here)}: {words}"
    hint = "nothing is lost, and it is safe to push again once the remote takes it"
    return Diagnostic("GC754", message, file=without_password(remote.push_url), hint=hint)


# What is here, what is there, and what was there


@contextmanager
def exclusive(ledger: Ledger) -> Iterator[None]:
    """Let one push or pull of a ledger run at a time; appends go on meanwhile. ``LedgerError`` GC712, GC718."""
    file = ledger.store.path / _LOCK
    try:
        handle = os.open(file, os.O_RDWR | os.O_CREAT, 0o666)
    except OSError as error:
        message = f"the ledger can't be written: {(error.strerror or str(error)).lower()}"
        raise ledger_error("GC712", message, file=ledger.name) from None
    try:
        end = time.monotonic() + TIMEOUT_SECONDS
        while True:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > end:
                    message = f"another push or pull has been under way for {TIMEOUT_SECONDS:.0f} seconds"
                    hint = f"see which one with `fuser {file}`"
                    raise ledger_error("GC718", message, file=ledger.name, hint=hint) from None
                time.sleep(0.02)
        yield
    finally:
        os.close(handle)


def look(store: Store, git: Git, remote: Remote) -> list[Side]:
    """Fetch what the remote has, and return each ref as it is on either side. Nothing else moves."""
    fetched, had = f"refs/remotes/{remote.name}/", f"refs/gatecheck/{remote.name}/"
    for under in (fetched, had):  # nobody else writes these while we are here, so a lock is a dead process's
        for lock in (store.path / under).rglob("*.lock"):
            lock.unlink(missing_ok=True)
    # Before the fetch, so that nothing here can be older than what a concurrent push of ours made of the remote.
    here = {f"{kind}/{writer}": oid for kind in reversed(KINDS) for writer, oid in _tips(store, kind)}
    specs = [f"+{_HEADS}{kind}/*:{fetched}{kind}/*" for kind in KINDS]
    options = ("--quiet", "--prune", "--no-tags", "--no-write-fetch-head", "--recurse-submodules=no")
    run = git.run(("fetch", *options, "--", remote.fetch_url, *specs), where=remote.shown)
    if run.code != 0:
        raise failed(run, remote)
    there, known = _refs(git, fetched), _refs(git, had)
    sides = []
    for ref in sorted(here.keys() | there.keys() | known.keys()):
        one, other = here.get(ref, ""), there.get(ref, "")
        sides.append(Side(ref, one, other, known.get(ref, ""), shared(git, one, other)))
    return sides


def _tips(store: Store, kind: str) -> Iterator[tuple[str, str]]:
    yield from store.tips(f"{_HEADS}{kind}/").items()


def _refs(git: Git, under: str) -> dict[str, str]:
    lines = git.local("for-each-ref", "--format=%(objectname) %(refname)", under).splitlines()
    return {name.removeprefix(under): oid for oid, _, name in (line.partition(" ") for line in lines)}


def shared(git: Git, one: str, other: str) -> str:
    """Return the newest commit that two histories share, or an empty text."""
    if not one or not other or one == other:
        return one if one == other else ""
    run = git.run(("merge-base", one, other))
    return run.out.split("\n")[0] if run.code == 0 else ""


def know(git: Git, remote: Remote, refs: dict[str, str], why: str) -> None:
    """Note down what the remote has, in refs whose log says since when."""
    lines = "".join(f"update refs/gatecheck/{remote.name}/{ref} {oid}\n" for ref, oid in refs.items())
    git.local("update-ref", "--create-reflog", "-m", why, "--stdin", stdin=lines)


# Saying what happened


def told(store: Store, git: Git, remote: Remote, sides: list[Side]) -> dict[str, Diagnostic]:
    """Return, by writer, what of a remote can't be reconciled with what is here or with what it had."""
    found: dict[str, Diagnostic] = {}
    for side in sorted(sides, key=lambda s: KINDS.index(s.ref.partition("/")[0])):
        if side.writer not in found and (diagnostic := _told(store, git, remote, side)) is not None:
            found[side.writer] = diagnostic
    return found


def _told(store: Store, git: Git, remote: Remote, side: Side) -> Diagnostic | None:
    where = without_password(remote.fetch_url)
    if side.known and shared(git, side.known, side.there) != side.known:
        return _lost(store, git, remote, side, where)
    if not side.here or not side.there or side.shared in (side.here, side.there):
        return None
    since = _since(store, side, side.shared)
    message = (
        f"two copies of this ledger wrote {side.ref} with one key: {since}; then come "
        f"{_span(store, side, side.shared, side.here)} here, and {_span(store, side, side.shared, side.there)} "
        f"at `{remote.shown}`{_signed(store, side, side.there)}"
    )
    hint = "a key belongs to one copy of a ledger; nothing was overwritten, and docs/ledger.md says how to mend it"
    return Diagnostic("GC757", message, file=where, hint=hint)


def _lost(store: Store, git: Git, remote: Remote, side: Side, where: str) -> Diagnostic:
    had = f"{side.ref} up to {numbered(store, side, side.known)}{_when(git, remote, side)}"
    again = f"git -C {store.path} push {where} {side.known}:{_HEADS}{side.ref}"
    hint = f"what it had is still here; find out who moved it back, then `{again}` restores it"
    if not side.there:
        message = f"`{remote.shown}` was rewound: it had {had}, and has nothing of it now"
        return Diagnostic("GC755", message, file=where, hint=hint)
    common = shared(git, side.known, side.there)
    if common == side.there:
        gone = _span(store, side, side.there, side.known)
        message = (
            f"`{remote.shown}` was rewound: it had {had}{_signed(store, side, side.known)}, "
            f"and ends with {numbered(store, side, side.there)} now; {gone} {_is(gone)} missing there"
        )
        return Diagnostic("GC755", message, file=where, hint=hint)
    message = (
        f"`{remote.shown}` was rewritten: it had {had}{_signed(store, side, side.known)}; "
        f"{_since(store, side, common)}, and it has {_span(store, side, common, side.there)} now"
        f"{_signed(store, side, side.there)}, "
        f"in place of {_span(store, side, common, side.known)}"
    )
    hint = "nothing was overwritten here; find out who rewrote it, and restore it there from this copy"
    return Diagnostic("GC756", message, file=where, hint=hint)


def _is(span: str) -> str:
    return "are" if " to " in span else "is"


def _since(store: Store, side: Side, common: str) -> str:
    return f"they are the same up to {numbered(store, side, common)}" if common else "they share no entry"


def _when(git: Git, remote: Remote, side: Side) -> str:
    ref = f"refs/gatecheck/{remote.name}/{side.ref}"
    match = re.search(r"@\{(\d+)\}", git.run(("reflog", "show", "-1", "--format=%gd", "--date=unix", ref)).out)
    return f" at {datetime.fromtimestamp(int(match[1]), UTC):%Y-%m-%dT%H:%M:%SZ}" if match else ""


def numbered(store: Store, side: Side, oid: str) -> str:
    """Return a commit as messages name it: by its number, if it is an entry's."""
    try:
        return f"#{_entry(store, side.writer, oid).seq}"
    except (MalformedError, ObjectError):
        return f"commit {oid[:12]}"


def _span(store: Store, side: Side, after: str, last: str) -> str:
    end = numbered(store, side, last)
    try:
        first = _entry(store, side.writer, after).seq + 1 if after else 0
    except (MalformedError, ObjectError):
        return end
    return end if end in (f"#{first}", "") else f"#{first} to {end}"


def _signed(store: Store, side: Side, oid: str) -> str:
    try:
        signer = _entry(store, side.writer, oid).signer()
    except (MalformedError, ObjectError):
        return ""
    return f", signed by {signer.fingerprint}" if signer is not None else ", without a good signature"


def _entry(store: Store, writer: str, oid: str) -> Entry:
    return parse_commit(writer, oid, store.commit(oid))


def raised(problems: tuple[Diagnostic, ...]) -> None:
    """Raise what is wrong, if anything is."""
    if problems:
        raise LedgerError(*problems)
