"""The bare git repository under a ledger: opening, creating, locking, objects, refs. The one place that knows pygit2.

What keeps records safe is here, and each part was measured to be needed: an exclusive ``flock`` around every write; a
ref lock that a killed process left is removed under it; a ref moves by ``set_target`` on the very Reference object that
was read, which is libgit2's only compare-and-set; every object is synced to disk before a ref names it; and git's own
housekeeping never prunes.
"""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pygit2
from pygit2.enums import ObjectType, RepositoryOpenFlag

from gatecheck.text.diagnostic import LedgerError, ledger_error

REFS = "refs/heads/ledger/"
CHECKPOINTS = "refs/heads/checkpoints/"
WITNESSES = "refs/heads/witness/"
PATIENCE_SECONDS = 60.0
MAX_DEPTH = 64
MAX_NAMES = 100_000
_LOCK = "gatecheck.lock"
_FILE, _FOLDER = 0o100644, 0o040000
_OPEN = RepositoryOpenFlag.NO_SEARCH | RepositoryOpenFlag.BARE
_SETTINGS = {
    "core.fsyncObjectFiles": "true",  # libgit2 does not know the newer core.fsync
    "gc.auto": "0",
    "gc.pruneExpire": "never",
    "gatecheck.ledger": "1",
}


class ObjectError(Exception):
    """A git object that is missing, damaged or of another type than it should be."""


class TreeFile:
    """One name in a git tree: a file, a folder, or something that a ledger never holds."""

    __slots__ = ("id", "is_file", "is_folder", "name")

    def __init__(self, name: str, oid: str, mode: int) -> None:
        self.name, self.id = name, oid
        self.is_file, self.is_folder = mode == _FILE, mode == _FOLDER


class Store:
    """An open ledger repository. Object ids are hexadecimal text."""

    def __init__(self, path: Path, repository: pygit2.Repository) -> None:
        self.path = path
        self._git = repository

    def tips(self, under: str = REFS) -> dict[str, str]:
        """Return each writer's newest commit, in order of writer; ``under`` says of which refs."""
        found = {}
        for ref in self._git.references.iterator():
            if ref.name.startswith(under):
                found[ref.name.removeprefix(under)] = str(ref.target)
        return dict(sorted(found.items()))

    def commit(self, oid: str) -> bytes:
        """Return a commit's raw bytes; ``ObjectError`` if it can't be read whole."""
        return self._read(oid, ObjectType.COMMIT)

    def commits(self, tip: str) -> Iterator[tuple[str, bytes]]:
        """Yield id and raw bytes of a commit and its first parents, newest first."""
        oid = tip
        while oid:
            raw = self.commit(oid)
            yield oid, raw
            # The tree's line is 46 bytes long; a parent, if there is one, comes next.
            oid = raw[53:93].decode("ascii", "replace") if raw[46:53] == b"parent " else ""

    def blob(self, oid: str) -> bytes:
        """Return a file's bytes; git's own hash over them is checked on the way."""
        return self._read(oid, ObjectType.BLOB)

    def tree(self, oid: str) -> dict[str, TreeFile]:
        """Return what a git tree names."""
        with _readable(oid):
            tree = self._git[oid]
            if not isinstance(tree, pygit2.Tree):
                raise ObjectError(f"git object {oid} is not a tree")
            return {str(o.name): TreeFile(str(o.name), str(o.id), int(o.filemode)) for o in tree}

    def files(self, oid: str, most: int = MAX_NAMES) -> Iterator[tuple[str, bytes]]:
        """Yield path and bytes of every file in a git tree and its subfolders.

        Raises ``ObjectError`` also where it holds more than ``most`` names: a few small objects can spell a tree of
        billions.
        """
        pending, left = [("", oid)], most
        while pending:
            under, oid = pending.pop()
            names = self.tree(oid)
            left -= len(names)
            if left < 0 or under.count("/") >= MAX_DEPTH:
                raise ObjectError(f"it holds more than {most:,} names, or is deeper than {MAX_DEPTH} folders")
            for item in names.values():
                if item.is_folder:
                    pending.append((f"{under}{item.name}/", item.id))
                elif item.is_file:
                    yield under + item.name, self.blob(item.id)
                else:
                    raise ObjectError(f"`{under}{item.name}` is neither a plain file nor a folder")

    def file(self, tree: str, path: str) -> bytes | None:
        """Return the bytes of one file below a git tree, or ``None`` if it names none; ``ObjectError`` if it can't."""
        with _readable(tree):
            item: Any = self._git[tree]
            for part in path.split("/"):
                if not isinstance(item, pygit2.Tree) or part not in item:
                    return None
                item = item[part]
            return self.blob(str(item.id)) if int(item.filemode) == _FILE else None

    def holds_blob(self, data: bytes) -> bool:
        """Tell whether these very bytes were ever stored."""
        return pygit2.hash(data) in self._git

    def write_blob(self, data: bytes) -> str:
        """Store a file's bytes and return their id."""
        return str(self._git.write(ObjectType.BLOB, data))

    def write_files(self, files: Mapping[str, bytes]) -> str:
        """Store files under their paths as a git tree and return its id."""
        here: dict[str, tuple[str, int]] = {}
        below: dict[str, dict[str, bytes]] = {}
        for path, data in files.items():
            name, slash, rest = path.partition("/")
            if slash:
                below.setdefault(name, {})[rest] = data
            else:
                here[name] = (self.write_blob(data), _FILE)
        for name, inside in below.items():
            here[name] = (self.write_files(inside), _FOLDER)
        return self._write_tree(here)

    def write_record(self, files: Mapping[str, bytes], folders: Mapping[str, str]) -> str:
        """Store one record's tree: files by their bytes, folders by the ids of trees that are stored already."""
        here = {name: (self.write_blob(data), _FILE) for name, data in files.items()}
        return self._write_tree(here | {name: (oid, _FOLDER) for name, oid in folders.items()})

    def write_changes(self, base: str, changes: Mapping[str, bytes | None]) -> str:
        """Store a tree like ``base`` (empty: none) with files replaced, added or, where ``None``, removed.

        Only the folders on the way to a change are read and stored again. Returns the tree's id, or an empty text where
        nothing is left in it. Raises ``ObjectError`` if ``base`` can't be read.
        """
        builder = self._builder(base)
        below: dict[str, dict[str, bytes | None]] = {}
        for path, data in changes.items():
            name, slash, rest = path.partition("/")
            if slash:
                below.setdefault(name, {})[rest] = data
            elif data is not None:
                builder.insert(name, self.write_blob(data), _FILE)
            elif builder.get(name) is not None:
                builder.remove(name)
        for name, inside in below.items():
            old = builder.get(name)
            made = self.write_changes(str(old.id) if old is not None else "", inside)
            if made:
                builder.insert(name, made, _FOLDER)
            elif old is not None:
                builder.remove(name)
        return str(builder.write()) if len(builder) else ""

    def _builder(self, base: str) -> Any:
        if not base:
            return self._git.TreeBuilder()
        with _readable(base):
            tree = self._git[base]
            if not isinstance(tree, pygit2.Tree):
                raise ObjectError(f"git object {base} is not a tree")
            return self._git.TreeBuilder(tree)

    def write_commit(self, raw: bytes) -> str:
        """Store a commit's raw bytes and return its id."""
        return str(self._git.write(ObjectType.COMMIT, raw))

    def ref(self, writer: str, under: str = REFS) -> "Ref":
        """Return a writer's ref, as it is now; ``under`` says which of them."""
        return Ref(self._git, under + writer)

    @contextmanager
    def locked(self, writer: str) -> Iterator[None]:
        """Hold the ledger for writing; ``LedgerError`` GC712 (can't be written), GC718 (another holds it too long)."""
        import fcntl

        with _writable(self.path):
            handle = os.open(self.path / _LOCK, os.O_RDWR | os.O_CREAT, 0o666)
            try:
                _wait_for(lambda: fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB), self.path)
                # Nobody of ours can hold these now, so what is left was left by a process that died.
                for name in (REFS + writer, CHECKPOINTS + writer, WITNESSES + writer, "HEAD", "config"):
                    (self.path / f"{name}.lock").unlink(missing_ok=True)
                self._adopt()
                yield
            finally:
                os.close(handle)

    def _adopt(self) -> None:
        """Give a mirror of a ledger, made by ``git clone --mirror``, a ledger's settings before the first write."""
        if "gatecheck.ledger" not in self._git.config:
            _settle(self.path, self._git)
            self._git = pygit2.Repository(str(self.path), _OPEN)

    def _read(self, oid: str, kind: ObjectType) -> bytes:
        with _readable(oid):
            found, data = self._git.read(oid)
            if found != kind:
                raise ObjectError(f"git object {oid} is not a {kind.name.lower()}")
            return data

    def _write_tree(self, entries: Mapping[str, tuple[str, int]]) -> str:
        builder = self._git.TreeBuilder()
        for name, (oid, mode) in entries.items():
            builder.insert(name, oid, mode)
        return str(builder.write())


class Ref:
    """One writer's ref as it was when it was read; ``move`` succeeds only if it still is."""

    def __init__(self, repository: pygit2.Repository, name: str) -> None:
        self._git, self._name = repository, name
        self._reference = repository.references.get(name)
        self.target = str(self._reference.target) if self._reference is not None else ""

    def move(self, oid: str) -> None:
        """Let the ref name a commit that descends from its target."""
        if self._reference is None:
            # So that a plain `git log` in the ledger shows something.
            if self._git.head_is_unborn and self._name.startswith(REFS):
                self._git.set_head(self._name)
            self._reference = self._git.references.create(self._name, oid, force=False)
        else:
            self._reference.set_target(oid)
        self.target = oid


def spare_memory() -> None:
    """Have git keep little of what it reads, in this process: for who reads all of a ledger, each object once."""
    pygit2.settings.enable_caching(False)
    pygit2.settings.mwindow_size = 16 * 1024**2
    pygit2.settings.mwindow_mapped_limit = 64 * 1024**2


def open_store(path: Path, *, create: bool) -> Store:
    """Return the ledger repository at ``path``, made first if it is missing and ``create`` says so.

    Raises ``LedgerError``: GC710 (something else is there), GC711 (nothing is there, or it can't be opened or made).
    """
    try:
        repository = _open(path, create=create)
    except OSError as error:
        raise ledger_error("GC711", f"the ledger can't be opened: {_reason(error)}", file=str(path)) from None
    store = Store(path, repository)
    if "gatecheck.ledger" not in repository.config and not store.tips():
        raise ledger_error("GC710", "this git repository is not a ledger", file=str(path), hint=_ELSEWHERE)
    return store


_ELSEWHERE = "a ledger is a bare repository of its own; name another folder with `--ledger`"


def _open(path: Path, *, create: bool) -> pygit2.Repository:
    if create and not (path.exists() and (not path.is_dir() or any(path.iterdir()))):
        _create(path)
    if not path.exists():
        hint = "the first recorded decision makes it; or name another with `--ledger`"
        raise ledger_error("GC711", "there is no ledger here", file=str(path), hint=hint)
    if not path.is_dir():
        raise ledger_error(
            "GC710", "this is a file, not a ledger", file=str(path), hint="name a folder with `--ledger`"
        )
    try:
        return pygit2.Repository(str(path), _OPEN)
    except pygit2.GitError as error:
        raise _not_opened(path, error) from None


def _not_opened(path: Path, error: pygit2.GitError) -> LedgerError:
    if (path / ".git").exists():
        hint = "a ledger is a bare repository of its own; `git clone --mirror` copies one"
        return ledger_error("GC710", "this is a git working copy, not a ledger", file=str(path), hint=hint)
    if "owner" in str(error) or "owned" in str(error):
        hint = f"if you trust it: `git config --global --add safe.directory {path.resolve()}`"
        return ledger_error("GC711", "the ledger belongs to another user", file=str(path), hint=hint)
    if (path / "HEAD").exists() and (path / "objects").exists():
        return ledger_error("GC711", f"the ledger can't be opened: {error}", file=str(path))
    return ledger_error("GC710", "this folder is not a ledger", file=str(path), hint=_ELSEWHERE)


def _create(path: Path) -> None:
    """Make the repository aside and move it into place whole, so that no process ever sees half of one."""
    import shutil

    draft = path.with_name(f".{path.name}.{os.getpid()}-{os.urandom(4).hex()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            repository = pygit2.init_repository(str(draft), bare=True, initial_head="ledger/first")
            _settle(draft, repository)
            draft.rename(path)
        except OSError:
            if not (path / "HEAD").exists():  # else another process was first, which is as good
                raise
        finally:
            shutil.rmtree(draft, ignore_errors=True)
    except (OSError, pygit2.GitError) as error:
        raise ledger_error("GC711", f"a ledger can't be made here: {_reason(error)}", file=str(path)) from None


def _settle(path: Path, repository: pygit2.Repository) -> None:
    for name, value in _SETTINGS.items():
        repository.config[name] = value
    # A new object folder would not be synced with the object in it.
    for number in range(256):
        (path / "objects" / f"{number:02x}").mkdir(exist_ok=True)


def _wait_for(attempt: Any, path: Path) -> None:
    """Try until the lock is had. Polling, since a blocking ``flock`` on a stopped holder would wait for ever."""
    import time

    end = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            attempt()
        except BlockingIOError:
            if time.monotonic() > end:
                message = f"another process has held the ledger for {PATIENCE_SECONDS:.0f} seconds"
                raise ledger_error("GC718", message, file=str(path), hint="see which one with `fuser`") from None
            time.sleep(0.002)
        else:
            return


@contextmanager
def _readable(oid: str) -> Iterator[None]:
    try:
        yield
    except (pygit2.GitError, KeyError, ValueError, OSError) as error:
        missing = isinstance(error, KeyError)
        raise ObjectError(f"git object {oid} is {'missing' if missing else f'damaged: {error}'}") from None


@contextmanager
def _writable(path: Path) -> Iterator[None]:
    try:
        yield
    except (pygit2.GitError, OSError) as error:
        message = f"the ledger can't be written: {_reason(error)}"
        raise ledger_error("GC712", message, file=str(path), hint="nothing was recorded") from None


def _reason(error: Exception) -> str:
    text = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return text[:1].lower() + text[1:]
