"""Open the caller's repository and find what a revision names, or say clearly why not.

Nothing of the environment decides: the repository is the one around a folder, whatever ``GIT_DIR`` says, and the
working tree, its attributes and the user's diff settings are never looked at.
"""

import re
from pathlib import Path
from typing import NamedTuple

import pygit2

from gatecheck.text.diagnostic import InputError, input_error
from gatecheck.text.nearest import did_you_mean


class Checkout(NamedTuple):
    """An open repository, and the folder in it where the caller stands.

    ``prefix`` is that folder's path from the root, empty at the root, and ``None`` in a bare repository.
    """

    git: pygit2.Repository
    prefix: str | None


def open_repository(path: Path) -> Checkout:
    """Return the repository that ``path`` lies in; ``InputError`` if there is none or it can't be opened."""
    try:
        found = pygit2.discover_repository(str(path))
        git = pygit2.Repository(found) if found else None
    except (pygit2.GitError, KeyError, ValueError) as error:
        hint = "run `git config --global --add safe.directory PATH`" if "owned" in str(error) else ""
        message = f"the git repository can't be opened: {_reason(error)}"
        raise input_error("GC850", message, file=str(path), hint=hint) from None
    if git is None:
        raise input_error("GC850", "this is not a git repository", file=str(path), hint="run it inside a checkout")
    prefix = None
    if git.workdir is not None:
        below = path.resolve()
        root = Path(git.workdir).resolve()
        prefix = below.relative_to(root).as_posix() if below.is_relative_to(root) else ""
    return Checkout(git, "" if prefix == "." else prefix)


def resolve(git: pygit2.Repository, revision: str) -> pygit2.Commit:
    """Return the commit that a revision names; ``InputError`` with the nearest branch or tag if it names none."""
    if "@{" in revision:
        message = f"`{revision}` depends on this clone's own log and on the clock"
        raise input_error("GC851", message, hint="name a commit, a branch or a tag")
    try:
        _refuse_shared_name(git, revision)
        return git.revparse_single(revision).peel(pygit2.Commit)
    except (pygit2.GitError, KeyError, ValueError) as error:
        message = f"there is no revision `{revision}` in this repository"
        if "ambiguous" in str(error).lower():
            message = f"the revision `{revision}` is ambiguous"
        elif not isinstance(error, KeyError):
            message = f"`{revision}` names no commit: {_reason(error)}"
        raise _unknown(git, revision, message) from None


def _refuse_shared_name(git: pygit2.Repository, revision: str) -> None:
    """Refuse a name that means several commits: git takes a tag `main` for the branch, and anybody may push one."""
    name = re.split(r"[~^:]", revision, maxsplit=1)[0]
    meant: dict[str, str] = {}
    for place in ("", "tags/", "heads/", "remotes/"):
        ref = git.references.get(f"refs/{place}{name}") if _is_ref(place + name) else None
        if ref is not None:
            meant.setdefault(str(ref.peel().id), ref.name)
    if len(meant) > 1:
        names = [f"`{ref}`" for ref in meant.values()]
        message = f"the revision `{revision}` is ambiguous: {' and '.join(names)} differ"
        raise input_error("GC851", message, hint="write the one that is meant in full")


def _is_ref(name: str) -> bool:
    return pygit2.reference_is_valid_name(f"refs/{name}")


def _unknown(git: pygit2.Repository, revision: str, message: str) -> InputError:
    names = [n.split("/", 2)[2] for n in git.references if n.startswith(("refs/heads/", "refs/remotes/", "refs/tags/"))]
    known = [n for n in names if not n.endswith("/HEAD")]
    remote = sorted(n for n in known if n.endswith(f"/{revision}"))
    hint = f"did you mean `{remote[0]}`?" if remote else did_you_mean(revision, known)
    if git.is_shallow:
        hint += "; this clone is shallow: `git fetch --deepen=100` or `--unshallow` brings older history"
    return input_error("GC851", message, hint=hint)


def _reason(error: Exception) -> str:
    text = str(error.args[0] if error.args else error)
    return text[:1].lower() + text[1:]
