"""An index of a ledger in SQLite: found in milliseconds, made from the ledger at will, and never relied on.

It lies in the user's cache, outside of the ledger, under the ledger's real path. For each writer it knows the commit
up to which it read; what is newer is read before anything is answered. Commit ids cover all that they follow, so a
history that no longer leads to that commit was written anew, and is indexed anew. Signatures are not looked at:
``verify`` does that, and whoever decides by an entry checks that entry.

Several processes may come at once. SQLite lets one write; the others wait, and then find the work done. Each holds a
shared lock on a file beside the index while it has it open, so that a damaged one is only thrown away by a process
that is alone with it.
"""

import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, TypeVar

from gatecheck import cache
from gatecheck.ledger.tips import read_tips
from gatecheck.ledger.views import VERSION
from gatecheck.sha256 import sha256

if TYPE_CHECKING:
    from gatecheck.ledger.ledger import Ledger

Progress = Callable[[int, int], None]
"""Is told now and then how many entries were read, and of how many; (0, 0) while another process is waited for."""

T = TypeVar("T")
_PATIENCE_SECONDS = 10.0


class Index:
    """An open index that agrees with the ledger's refs as they were when it was opened.

    ``rewritten`` are the writers whose history no longer held what was indexed of it. ``unkept`` says why the index is
    in memory only, and is empty where it is kept in ``file``.
    """

    def __init__(
        self, connection: sqlite3.Connection, *, file: str = "", unkept: str = "", rewritten: tuple[str, ...] = ()
    ) -> None:
        self.connection = connection
        self.file = file
        self.unkept = unkept
        self.rewritten = rewritten

    def writers(self) -> int:
        """Return how many writers the ledger has."""
        (count,) = self.connection.execute("SELECT count(*) FROM x_tip").fetchone()
        return int(count)


def answer(path: str, opened: "Callable[[], Ledger]", ask: Callable[[Index], T], progress: Progress) -> T:
    """Return what ``ask`` finds in the index of the ledger at ``path``, which is made or brought up to date before.

    ``opened`` opens the ledger, and is called only where something must be read from it. ``ask`` is called again where
    the index turns out to be damaged. Raises ``LedgerError`` as opening and reading the ledger do.
    """
    file, unkept = index_file(path), "there is no cache folder of this user's own"
    for _ in range(2):
        if file is None:
            break
        try:
            with _held(file):
                return _answer(path, file, opened, ask, progress)
        except sqlite3.DatabaseError as error:
            unkept = f"it can't be kept in {file}: {error}"
            if _is_busy(error):
                continue
            try:
                _discard(file)
            except OSError:
                break
        except _UnkeptError as error:
            unkept = f"it can't be kept in {file}: {error}"
            break
    connection = sqlite3.connect(":memory:", isolation_level=None)
    try:
        _sync(connection, opened(), progress)
        return ask(Index(connection, unkept=unkept))
    finally:
        connection.close()


def index_file(path: str) -> str | None:
    """Return where the index of the ledger at ``path`` is kept, or ``None`` where nothing can be kept."""
    folder = cache.folder()
    return None if folder is None else os.path.join(folder, f"ledger-{VERSION}-{_key(path)}.sqlite")


def _key(path: str) -> str:
    return sha256(os.fsencode(os.path.realpath(path))).hexdigest()[:24]


class _UnkeptError(Exception):
    """No file can be had for the index."""


@contextmanager
def _held(file: str, *, alone: bool = False) -> Iterator[None]:
    """Hold the index open, or ``alone`` to throw it away; ``_UnkeptError`` where that can't be."""
    import fcntl

    try:
        handle = os.open(f"{file}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    except OSError as error:
        raise _UnkeptError((error.strerror or str(error)).lower()) from None
    try:
        _lock(lambda: fcntl.flock(handle, (fcntl.LOCK_EX if alone else fcntl.LOCK_SH) | fcntl.LOCK_NB))
        yield
    finally:
        os.close(handle)


def _lock(attempt: Callable[[], None]) -> None:
    try:
        attempt()
    except OSError:
        import time

        end = time.monotonic() + _PATIENCE_SECONDS
        while True:
            try:
                attempt()
            except OSError:
                if time.monotonic() > end:
                    raise _UnkeptError("another process holds it") from None
                time.sleep(0.02)
            else:
                return


def _answer(
    path: str, file: str, opened: "Callable[[], Ledger]", ask: Callable[[Index], T], progress: Progress
) -> T:  # fmt: skip
    if not os.path.exists(file):
        _make(file)
    connection = sqlite3.connect(file, timeout=_PATIENCE_SECONDS, isolation_level=None)
    rewritten: tuple[str, ...] = ()
    try:
        connection.execute("BEGIN")
        tips = read_tips(path)
        if tips is None or not _is_made(connection) or tips != _indexed(connection):
            connection.execute("COMMIT")
            ledger = opened()
            connection.execute("PRAGMA journal_mode = WAL")  # so that who reads and who writes don't wait
            connection.execute("PRAGMA synchronous = NORMAL")
            rewritten = _sync(connection, ledger, progress)
            connection.execute("BEGIN")
        return ask(Index(connection, file=file, rewritten=rewritten))
    finally:
        connection.close()


def _make(file: str) -> None:
    """Make an empty index for its user alone, and remove those that earlier versions made of the same ledger."""
    folder, (_, _, key) = os.path.dirname(file), os.path.basename(file).split("-")
    try:
        os.close(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW, 0o600))
        for name in os.listdir(folder):
            words = name.split("-")
            if name.startswith("ledger-") and words[1].isdigit() and int(words[1]) < VERSION and words[2:] == [key]:
                _discard(os.path.join(folder, name))
    except OSError as error:
        raise _UnkeptError((error.strerror or str(error)).lower()) from None


def _discard(file: str) -> None:
    """Throw an index away; ``OSError`` where that can't be."""
    try:
        with _held(file, alone=True):
            for end in ("-wal", "-shm", ""):  # the index last: what is left of it must not be taken for the next one's
                with suppress(FileNotFoundError):
                    os.unlink(file + end)
    except _UnkeptError as error:
        raise OSError(str(error)) from None


def _is_made(connection: sqlite3.Connection) -> bool:
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    return bool(version == VERSION)


def _indexed(connection: sqlite3.Connection) -> dict[str, str]:
    return dict(connection.execute("SELECT writer, oid FROM x_tip ORDER BY writer"))


def _sync(connection: sqlite3.Connection, ledger: "Ledger", progress: Progress) -> tuple[str, ...]:
    """Bring an index up to date, and return the writers whose history was written anew; all of it or nothing."""
    from gatecheck.ledger.build import build

    _begin(connection, progress)
    try:
        rewritten = build(connection, ledger, progress, is_made=_is_made(connection))
        connection.execute("COMMIT")
    except BaseException:
        connection.execute("ROLLBACK")
        raise
    return rewritten


def _begin(connection: sqlite3.Connection, progress: Progress) -> None:
    """Begin to write, once no other process does: it may have a long ledger to read first."""
    connection.execute("PRAGMA busy_timeout = 200")  # short, so that an interruption is heard
    while True:
        try:
            connection.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError as error:
            if not _is_busy(error):
                raise
            progress(0, 0)
        else:
            return


def _is_busy(error: sqlite3.DatabaseError) -> bool:
    return getattr(error, "sqlite_errorcode", 0) & 0xFF in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
