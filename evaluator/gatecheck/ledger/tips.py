"""Each writer's newest commit, told by git's own files: opening the repository would take longer than answering.

Only the plain form of a bare repository is read here, and anything else counts as not to be told: then, and whenever
what is told here is not what an index was built for, the repository is opened.
"""

import os
import re

_UNDER = "refs/heads/ledger/"
_OID = re.compile(rb"[0-9a-f]{40}\n?")
_PACKED = re.compile(rb"([0-9a-f]{40}) (\S+)\n")


def read_tips(path: str) -> dict[str, str] | None:
    """Return the newest commit of each writer of the ledger at ``path``; ``None`` where these files don't tell."""
    if not os.path.isfile(os.path.join(path, "HEAD")):
        return None
    if any(os.path.exists(os.path.join(path, name)) for name in ("commondir", "reftable")):
        return None
    try:
        # Git packs refs first and removes the loose ones then: in this order none is missed.
        loose = _loose(os.path.join(path, _UNDER), "")
        return dict(sorted({**_packed(os.path.join(path, "packed-refs")), **loose}.items()))
    except (OSError, ValueError):
        return None


def _loose(folder: str, under: str) -> dict[str, str]:
    found: dict[str, str] = {}
    try:
        items = list(os.scandir(folder))
    except FileNotFoundError:
        return found
    for item in items:
        if item.is_dir(follow_symlinks=False):
            found |= _loose(item.path, f"{under}{item.name}/")
        elif not item.name.endswith(".lock"):
            try:
                with open(item.path, "rb") as file:
                    raw = file.read(100)
            except FileNotFoundError:  # packed in between
                continue
            if _OID.fullmatch(raw) is None or item.is_symlink():
                raise ValueError
            found[under + item.name] = raw[:40].decode()
    return found


def _packed(file: str) -> dict[str, str]:
    found = {}
    try:
        with open(file, "rb") as lines:
            for line in lines:
                if line[:1] in b"#^":
                    continue
                match = _PACKED.fullmatch(line)
                if match is None:
                    raise ValueError
                name = match[2].decode()
                if name.startswith(_UNDER):
                    found[name.removeprefix(_UNDER)] = match[1].decode()
    except FileNotFoundError:
        pass
    return found
