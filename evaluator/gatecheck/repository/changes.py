"""Describe the change between two commits: who made it, which files it touches, and how many lines of each.

The range is what a pull request is: the commits that HEAD has and BASE has not, and the files as they differ from
where the two parted; ``BASE..HEAD`` and ``BASE...HEAD`` mean the same. Who wrote or committed any of it is listed, so
that nobody approves their own work; where history is cut off inside the range, that can't be known and is refused.

Lines are counted as ``git diff --numstat --no-renames`` counts them, but from contents alone: no attribute or setting
of the working tree can hide a file's lines. A file is binary, and its counts are null, where git would say so: a NUL in
its first 8000 bytes; or where it is larger than 4 MiB, because comparing can take seconds for each.
"""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, get_args

import pygit2
from pygit2.enums import DiffOption, FileMode, SortMode

from gatecheck.model.explain import describe_digest
from gatecheck.model.instant import write_instant
from gatecheck.model.request import ChangeType
from gatecheck.repository.revisions import open_repository, resolve
from gatecheck.text.diagnostic import InputError, input_error
from gatecheck.text.nearest import did_you_mean

MAX_FILES = 20_000
MAX_COMMITS = 50_000
MAX_BYTES = 64 * 1024 * 1024
_MAX_FILE_BYTES = 4 * 1024 * 1024
_BINARY_PREFIX_BYTES = 8000
_TYPES: tuple[str, ...] = get_args(ChangeType)
_CO_AUTHOR = re.compile(r"^[ \t]*co-authored-by:[^<\n]*<([^>\n]*)>", re.IGNORECASE | re.MULTILINE)
_CONVENTIONAL = re.compile(r"(?P<type>[a-zA-Z]+)(\([^)]*\))?(?P<breaking>!)?: ")
_BREAKING = re.compile(r"^BREAKING[ -]CHANGE: ", re.MULTILINE)
# `revert` is not here: a rollback skips soaking and promotion order, which a commit's title can't be let to claim.
_BY_PREFIX = {
    "build": "infrastructure",
    "chore": "chore",
    "ci": "infrastructure",
    "docs": "docs",
    "feat": "feature",
    "fix": "bugfix",
    "perf": "performance",
    "refactor": "refactor",
    "style": "chore",
    "test": "chore",
}


def change_from_git(
    repo_path: Path,
    span: str,
    *,
    artifact: str,
    type_: str | None = None,
    id_: str | None = None,
    service: str | None = None,
    title: str | None = None,
    risk: str | None = None,
    requester: str | None = None,
    requested_at: datetime | None = None,
    labels: Sequence[str] = (),
    attributes: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Return the change document, as plain data, of the commits that ``span`` (``BASE..HEAD``) names.

    ``artifact`` is ``NAME@sha256:…``. The author is that of HEAD; every other author, committer and co-author of the
    range is a committer. ``type_`` is taken from the commits' conventional prefixes where all agree. ``id_`` defaults
    to the two commits' ids, abbreviated; ``service`` to the artifact's name; ``title`` to HEAD's first line, or the
    first line after it where HEAD merges. Raises ``InputError`` for every reason that it can't be told.
    """
    name, digest = read_artifact(artifact)
    git = open_repository(repo_path).git
    base, head = _ends(git, span)
    git = _shared(git)
    parted = _parting(git, base, head, span)
    commits = _commits(git, base, head, span)
    author, committers = _persons(commits)
    change: dict[str, Any] = {
        "id": id_ or f"{str(base.id)[:12]}..{str(head.id)[:12]}",
        "service": service or name,
        "type": _checked_type(type_) if type_ else _type_of(commits),
        "author": author,
        "artifact": {"name": name, "digest": digest},
        "committers": committers,
        "commit": str(head.id),
        "title": _title(head) if title is None else title,
        "files": _files(git, parted, head),
        "labels": list(labels),
    }
    optional = {
        "requester": requester,
        "requested_at": write_instant(requested_at) if requested_at else None,
        "risk": risk,
        "attributes": dict(attributes or {}) or None,
    }
    return change | {key: value for key, value in optional.items() if value is not None}


def read_artifact(text: str) -> tuple[str, str]:
    """Return name and digest of an artifact written `NAME@DIGEST`; ``InputError`` GC861 if one is missing."""
    name, at, digest = text.rpartition("@")
    if at and name and re.fullmatch(r"sha256:[0-9a-f]{64}|sha384:[0-9a-f]{96}|sha512:[0-9a-f]{128}", digest):
        return name, digest
    if not at and re.match(r"sha(256|384|512):", text):
        raise input_error("GC861", f"the artifact `{text}` has no name", hint=f"write `NAME@{text}`")
    problem, hint = describe_digest(digest if at and name else text)
    if hint.startswith("write `sha"):
        hint = hint.replace("write `", f"write `{name or 'NAME'}@")
    elif problem.startswith("a tag"):
        hint = f"resolve it: `crane digest {text}` or `docker buildx imagetools inspect {text}` prints the digest"
    raise input_error("GC861", f"the artifact `{text}` has no digest: {problem}", hint=hint)


def _ends(git: pygit2.Repository, span: str) -> tuple[pygit2.Commit, pygit2.Commit]:
    base, dots, head = span.partition("...") if "..." in span else span.partition("..")
    if not dots or not base:
        hint = "write `BASE..HEAD`, such as `origin/main..HEAD`"
        raise input_error("GC862", f"`{span}` is not a range of commits", hint=hint)
    return resolve(git, base), resolve(git, head or "HEAD")


def _parting(git: pygit2.Repository, base: pygit2.Commit, head: pygit2.Commit, span: str) -> pygit2.Commit:
    """Return the commit where the two parted."""
    try:
        found: pygit2.Oid | None = git.merge_base(base.id, head.id)
    except (KeyError, pygit2.GitError):
        raise _cut_off(f"this clone lacks commits of `{span}`") from None
    if found is None:
        if _shallow_ends(git):
            raise _cut_off(f"this shallow clone does not reach back to where `{span}` parted")
        message = f"the two ends of `{span}` share no history"
        raise input_error("GC863", message, hint="name a base that the change was made from")
    if found == head.id:
        hint = "are the two ends the right way around?" if base.id != head.id else "both ends are the same commit"
        raise input_error("GC864", f"`{span}` holds no commits", hint=hint)
    return git[found].peel(pygit2.Commit)


def _commits(git: pygit2.Repository, base: pygit2.Commit, head: pygit2.Commit, span: str) -> list[pygit2.Commit]:
    """Return the commits that HEAD has and BASE has not, HEAD first."""
    cut = _shallow_ends(git)
    commits: list[pygit2.Commit] = []
    try:
        walker = git.walk(head.id, SortMode.TOPOLOGICAL)
        walker.hide(base.id)
        for commit in walker:
            commits.append(commit)
            if str(commit.id) in cut:
                raise _cut_off(f"this shallow clone cuts history off inside `{span}`, at {str(commit.id)[:12]}")
            if len(commits) > MAX_COMMITS:
                raise input_error(
                    "GC865", f"`{span}` holds more than {MAX_COMMITS:,} commits", hint="name a later base"
                )
    except (KeyError, pygit2.GitError):
        raise _cut_off(f"this clone lacks commits of `{span}`") from None
    return commits


def _cut_off(message: str) -> InputError:
    return input_error("GC863", message, hint="run `git fetch --deepen=100` or `git fetch --unshallow`")


def _shallow_ends(git: pygit2.Repository) -> set[str]:
    """Return the commits whose parents were left out when this was cloned."""
    shallow = Path(git.path) / "shallow"
    return set(shallow.read_text(encoding="ascii").split()) if shallow.is_file() else set()


def _shared(git: pygit2.Repository) -> pygit2.Repository:
    """Return the repository itself for a worktree linked to it: only there libgit2 sees that a clone is shallow."""
    folder = Path(git.path)
    link = folder / "commondir"
    return pygit2.Repository(str(folder / link.read_text(encoding="utf-8").strip())) if link.is_file() else git


def _persons(commits: list[pygit2.Commit]) -> tuple[str, list[str]]:
    author = _mail(commits[0], commits[0].author)
    found: dict[str, None] = {}
    for commit in commits:
        found[_mail(commit, commit.author)] = None
        found[_mail(commit, commit.committer)] = None
        found.update((mail.strip(), None) for mail in _CO_AUTHOR.findall(_message(commit)) if mail.strip())
    return author, sorted(set(found) - {author})


def _mail(commit: pygit2.Commit, signature: pygit2.Signature) -> str:
    raw = (signature.raw_email or b"").strip() or (signature.raw_name or b"").strip()
    try:
        mail = raw.decode()
    except UnicodeDecodeError:
        mail = ""
    if not mail:
        shown = raw.decode("utf-8", "backslashreplace")
        message = f"commit {str(commit.id)[:12]} has an author or committer without a readable mail address: `{shown}`"
        raise input_error("GC866", message, hint="write the change document by hand, or amend the commit")
    return mail


def _message(commit: pygit2.Commit) -> str:
    raw: bytes = commit.raw_message
    try:
        return raw.decode(commit.message_encoding or "utf-8", "replace")
    except LookupError:
        return raw.decode("utf-8", "replace")


def _title(head: pygit2.Commit) -> str:
    lines = [line for line in (_tidy(line) for line in _message(head).splitlines()) if line]
    merges = len(head.parent_ids) > 1 and len(lines) > 1 and lines[0].startswith("Merge ")
    return (lines[1] if merges else lines[0])[:1000].rstrip() if lines else ""


def _tidy(line: str) -> str:
    return "".join(c for c in line if c.isprintable()).strip()


def _checked_type(given: str) -> str:
    if given not in _TYPES:
        raise input_error("GC867", f"there is no change type `{given}`", hint=_type_hint(given))
    return given


def _type_hint(given: str) -> str:
    near = did_you_mean(given, _TYPES)
    listed = "types: " + ", ".join(_TYPES)
    return f"{near} {listed}" if near.startswith("did") else listed


def _type_of(commits: list[pygit2.Commit]) -> str:
    """Return the type that every commit's conventional prefix states; a breaking one decides for all."""
    stated: set[str | None] = set()
    for commit in commits:
        message = _message(commit)
        prefix = _CONVENTIONAL.match(message)
        if _BREAKING.search(message) or (prefix and prefix["breaking"]):
            return "breaking-api"
        if len(commit.parent_ids) < 2:
            stated.add(_BY_PREFIX.get(prefix["type"].lower()) if prefix else None)
    found = sorted(t for t in stated if t is not None)
    if len(found) == 1 and None not in stated:
        return found[0]
    why = "the commits' titles don't say of which type the change is"
    if len(found) > 1:
        why = "the commits' titles state several types: " + ", ".join(f"`{t}`" for t in found)
    raise input_error("GC867", why, hint="give `--type`; types: " + ", ".join(_TYPES))


def _files(git: pygit2.Repository, before: pygit2.Commit, after: pygit2.Commit) -> list[dict[str, Any]]:
    """Return each touched path once, sorted, with its lines added and deleted."""
    diff = git.diff(before, after, flags=DiffOption.FORCE_TEXT, context_lines=0)
    counts: dict[str, tuple[int, int] | None] = {}
    total = 0
    for index, delta in enumerate(diff.deltas):
        if index >= MAX_FILES:
            raise input_error("GC865", f"the change touches more than {MAX_FILES:,} files", hint="name a later base")
        path = _path(delta.new_file.raw_path or delta.old_file.raw_path)
        old, new = _blob(git, delta.old_file, path), _blob(git, delta.new_file, path)
        total += len(old) + len(new) if old and new else 0
        if total > MAX_BYTES:
            most = MAX_BYTES // 1024**2
            raise input_error(
                "GC865", f"the files that the change edits hold more than {most} MiB", hint="name a later base"
            )
        counted = None if old is None or new is None else _lines(old, new)
        if path in counts:  # a file that became a link, or the other way, is one path gone and one come
            other = counts[path]
            counted = (counted[0] + other[0], counted[1] + other[1]) if counted and other else None
        counts[path] = counted
    return [
        {"path": path, "added": counted[0] if counted else None, "deleted": counted[1] if counted else None}
        for path, counted in sorted(counts.items())
    ]


def _path(raw: bytes) -> str:
    try:
        return raw.decode()
    except UnicodeDecodeError:
        shown = raw.decode("utf-8", "backslashreplace")
        raise input_error("GC868", f"the path `{shown}` is not UTF-8", hint="rename the file") from None


def _blob(git: pygit2.Repository, side: pygit2.DiffFile, path: str) -> bytes | None:
    """Return a side's content as lines are counted in it: empty where absent, ``None`` where it is too large."""
    if side.mode == 0:
        return b""
    if side.mode == FileMode.COMMIT:
        return f"Subproject commit {side.id}\n".encode()
    try:
        if git.odb.read_header(side.id)[1] > _MAX_FILE_BYTES:
            return None
        return bytes(git[side.id].read_raw())
    except (KeyError, pygit2.GitError):
        raise _missing(path) from None


def _missing(path: str) -> InputError:
    hint = "a partial clone leaves contents out; fetch it whole"
    return input_error("GC869", f"the content of `{path}` is not in this clone", hint=hint)


def _lines(old: bytes, new: bytes) -> tuple[int, int] | None:
    """Return lines added and deleted, or ``None`` for a binary file."""
    if b"\0" in old[:_BINARY_PREFIX_BYTES] or b"\0" in new[:_BINARY_PREFIX_BYTES]:
        return None
    if old == new:
        return 0, 0
    if not old or not new:
        return _count(new), _count(old)
    patch = pygit2.Patch.create_from(old, new, flag=DiffOption.FORCE_TEXT, context_lines=0)
    _, added, deleted = patch.line_stats
    return added, deleted


def _count(content: bytes) -> int:
    return content.count(b"\n") + (0 if content.endswith(b"\n") or not content else 1)
