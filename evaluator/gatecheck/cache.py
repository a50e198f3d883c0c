"""Keep what is costly to make, by the content that it was made from, in a folder of the user's own.

What lies there is executable, so it never lies inside the repository that is worked in, where a change could bring it,
and is read only where the folder and the file belong to the user and nobody else can write them. Each file carries the
digest of what it holds; one that is torn, half-written or foreign counts as absent. Deleting the folder loses nothing
but time.
"""

import os
from contextlib import suppress
from functools import lru_cache

from gatecheck.sha256 import sha256

_MAGIC = b"gatecheck cache 2\n"
_DIGEST = 32
_MOST = 256 * 1024 * 1024


def folder() -> str | None:
    """Return the cache folder, made on first use; ``None`` where there is none to be trusted."""
    named = os.environ.get("GATECHECK_CACHE", "")
    if named == "off":
        return None
    xdg = os.environ.get("XDG_CACHE_HOME", "")
    try:
        # The specification has relative paths ignored; here one would also lie in the repository under judgement.
        base = xdg if xdg.startswith("/") else os.path.expanduser("~/.cache")
        if not named and not os.path.isabs(base):  # a user without a home
            return None
        path = named or os.path.join(base, "gatecheck")
        if _is_brought(path, os.getcwd()):
            return None
        found = os.lstat(path)
    except FileNotFoundError:
        try:
            os.makedirs(path, mode=0o700)
            found = os.lstat(path)
        except OSError:
            return None
    except OSError:
        return None
    return path if _is_own(found, directory=True) else None


@lru_cache(8)
def _is_brought(path: str, here: str) -> bool:
    """Tell whether a folder lies in the repository around ``here``: its files may be those of a change."""
    root = os.path.realpath(here)
    while not os.path.exists(os.path.join(root, ".git")):
        above = os.path.dirname(root)
        if above == root:
            return False
        root = above
    return os.path.join(os.path.realpath(path), "").startswith(os.path.join(root, ""))


def _is_own(found: os.stat_result, *, directory: bool) -> bool:
    import stat

    kind = stat.S_ISDIR if directory else stat.S_ISREG
    owner = getattr(os, "geteuid", lambda: found.st_uid)()
    return kind(found.st_mode) and found.st_uid == owner and not found.st_mode & 0o022


def _digest(key: str, head: bytes) -> bytes:
    """Return the digest of a file, which holds for its own key only: a file under another's name counts as absent."""
    return sha256(key.encode() + head).digest()


class Kept:
    """One cached file: a head, and a body of which sections are read as they are needed."""

    def __init__(self, path: str, head: bytes, start: int) -> None:
        self.head = head
        self._path = path
        self._start = start

    def section(self, offset: int, length: int, digest: bytes) -> bytes | None:
        """Return a section of the body, or ``None`` where its bytes are not those that the digest names."""
        try:
            with open(self._path, "rb") as file:
                file.seek(self._start + offset)
                raw = file.read(length)
        except OSError:
            return None
        return raw if sha256(raw).digest() == digest else None


def read(key: str) -> Kept | None:
    """Return what is kept under a key, if it is ours and its head is whole."""
    at = folder()
    if at is None:
        return None
    try:
        with open(os.path.join(at, key), "rb") as file:
            if not _is_own(os.fstat(file.fileno()), directory=False):
                return None
            mark = file.read(len(_MAGIC) + _DIGEST + 8)
            digest, size = mark[len(_MAGIC) : -8], int.from_bytes(mark[-8:], "big")
            head = file.read(size) if mark[: len(_MAGIC)] == _MAGIC and size < _MOST else b""
    except OSError:
        return None
    return Kept(os.path.join(at, key), head, len(mark) + size) if head and _digest(key, head) == digest else None


def write(key: str, head: bytes, body: bytes) -> None:
    """Keep a head and a body, whole or not at all; a cache that can't be written is no error."""
    at = folder()
    if at is None:
        return
    beside = os.path.join(at, f"{key}.{os.getpid()}.new")
    try:
        descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0), 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(_MAGIC + _digest(key, head) + len(head).to_bytes(8, "big") + head + body)
        os.replace(beside, os.path.join(at, key))
    except OSError:
        with suppress(OSError):  # where nothing can be written, nothing can be removed
            os.unlink(beside)
