"""Read a rule pack out of a git revision, so that a change can't bring the rules that it is judged by."""

import posixpath
from pathlib import Path

import pygit2
from pygit2.enums import FileMode, ObjectType

from gatecheck.repository.revisions import Checkout, open_repository, resolve
from gatecheck.text.diagnostic import InputError, input_error
from gatecheck.text.nearest import did_you_mean

SUFFIX, SCHEMA = ".gate", ".schema.json"
MAX_FILES = 20_000
MAX_BYTES = 64 * 1024 * 1024
_MAX_NAMES = 200_000


def pack_files(repo_path: Path, revision: str, folder: str) -> dict[str, bytes]:
    """Return the rules and schemas under ``folder`` at ``revision``, by their path below it, sorted.

    ``folder`` is relative to the repository's root, as in ``git show REV:PATH``; with ``./`` or ``../`` before it, to
    ``repo_path``. It may also be one ``.gate`` file, which is then a pack without schemas. Raises ``InputError`` where
    there is no such repository, revision or folder, no ``.gate`` file, or one that is a link or lies in a submodule.
    """
    checkout = open_repository(repo_path)
    commit = resolve(checkout.git, revision)
    named = f"{revision}:{folder}"
    where = _from_root(checkout, folder, named)
    item = _find(commit.tree, where, named)
    if isinstance(item, pygit2.Blob):
        if not where.endswith(SUFFIX):
            raise input_error("GC852", "this is neither a folder nor a `.gate` file", file=named)
        files = {posixpath.basename(where): _content(item, named)}
    elif isinstance(item, pygit2.Tree):
        files = _below(checkout.git, item, named)
    else:
        raise _elsewhere(named, "")
    if not any(path.endswith(SUFFIX) for path in files):
        raise input_error("GC852", "there is no `.gate` file in this folder", file=named)
    return dict(sorted(files.items()))


def _from_root(checkout: Checkout, folder: str, named: str) -> str:
    """Return the folder's path from the repository's root, without slashes at its ends; empty is the root."""
    if folder in (".", "..") or folder.startswith(("./", "../")):
        if checkout.prefix is None:
            raise input_error("GC852", "a bare repository has no folder to start from", file=named)
        folder = posixpath.join(checkout.prefix, folder)
    where = posixpath.normpath(folder.strip("/")) if folder.strip("/") else "."
    if where == ".." or where.startswith("../"):
        raise input_error("GC852", "this folder lies outside the repository", file=named)
    return "" if where == "." else where


def _find(tree: pygit2.Tree, where: str, named: str) -> pygit2.Object:
    item: pygit2.Object = tree
    passed: list[str] = []
    for step in where.split("/") if where else []:
        if not isinstance(item, pygit2.Tree):
            raise input_error("GC852", f"`{'/'.join(passed)}` is not a folder at this revision", file=named)
        if step not in item:
            known = [entry.name or "" for entry in item if entry.type == ObjectType.TREE]
            message = f"there is no `{step}` in `{'/'.join(passed) or '/'}` at this revision"
            raise input_error("GC852", message, file=named, hint=did_you_mean(step, known))
        item = item[step]
        passed.append(step)
        if item.filemode == FileMode.LINK:
            raise input_error("GC852", f"`{'/'.join(passed)}` is a link", file=named, hint="name the folder itself")
    return item


def _below(git: pygit2.Repository, root: pygit2.Tree, named: str) -> dict[str, bytes]:
    files: dict[str, bytes] = {}
    total = seen = 0
    pending = [("", root)]
    while pending:
        prefix, tree = pending.pop()
        for entry in tree:
            seen += 1
            path = prefix + _name(entry, prefix, named)
            if entry.filemode == FileMode.TREE:
                pending.append((path + "/", _tree(entry, path, named)))
            elif entry.filemode == FileMode.COMMIT:
                raise _elsewhere(named, path)
            elif entry.filemode == FileMode.LINK:  # to a folder of rules, for all that is known
                hint = "put the file or folder itself there"
                raise input_error("GC852", f"`{path}` is a link; a pack holds its rules itself", file=named, hint=hint)
            elif path.endswith((SUFFIX, SCHEMA)):
                total += git.odb.read_header(entry.id)[1] if entry.id in git.odb else 0
                if total > MAX_BYTES or len(files) >= MAX_FILES:
                    raise _too_large(named)
                files[path] = _content(entry, f"{named}/{path}")
            elif path.lower().endswith((SUFFIX, SCHEMA)):  # rules that are passed over allow what they forbid
                suffix = SUFFIX if path.lower().endswith(SUFFIX) else SCHEMA
                hint = f"rename it to `{path[: -len(suffix)]}{suffix}`"
                message = f"`{path}` does not end in `{suffix}` in small letters"
                raise input_error("GC852", message, file=named, hint=hint)
        if seen > _MAX_NAMES:
            raise _too_large(named)
    return files


def _name(entry: pygit2.Object, prefix: str, named: str) -> str:
    raw = entry.raw_name or b""
    try:
        return raw.decode()
    except UnicodeDecodeError:
        shown = prefix + raw.decode("utf-8", "backslashreplace")
        raise input_error("GC852", f"the name `{shown}` is not UTF-8", file=named, hint="rename the file") from None


def _tree(entry: pygit2.Object, path: str, named: str) -> pygit2.Tree:
    if not isinstance(entry, pygit2.Tree):
        raise input_error("GC852", f"`{path}` can't be read as a folder", file=named)
    return entry


def _content(blob: pygit2.Object, name: str) -> bytes:
    try:
        return bytes(blob.read_raw())
    except (KeyError, pygit2.GitError):
        hint = "a partial clone leaves contents out; fetch it whole"
        raise input_error("GC852", "its content is not in this clone", file=name, hint=hint) from None


def _elsewhere(named: str, path: str) -> InputError:
    message = f"`{path or named}` is a submodule; its files are not in this revision"
    return input_error("GC852", message, file=named, hint="name a folder that holds its rules itself")


def _too_large(named: str) -> InputError:
    return input_error("GC852", f"holds more than {MAX_FILES:,} files or {MAX_BYTES // 1024**2} MiB", file=named)
