"""The change between two commits, held against what git itself says of the same repository."""

import json
import os
import random
import shutil
from pathlib import Path
from typing import Any

import pytest
from realgit import Git

from gatecheck.model.instant import parse_instant
from gatecheck.model.schema import load
from gatecheck.repository import changes
from gatecheck.repository.changes import change_from_git
from gatecheck.text.diagnostic import InputError, render

DIGEST = "sha256:" + "9f" * 32
ARTIFACT = f"pay@{DIGEST}"


@pytest.fixture
def git(tmp_path: Path) -> Git:
    """A repository with one commit, tagged `base`."""
    made = Git(tmp_path / "repo")
    made.write("a.txt", "one\ntwo\nthree\n")
    made.commit("start")
    made("tag", "base")
    return made


def change(git: Git, span: str = "base..HEAD", **stated: Any) -> dict[str, Any]:
    made = change_from_git(git.folder, span, **{"artifact": ARTIFACT, "type_": "feature", **stated})
    load(json.dumps(made).encode(), "change.json", "change")
    return made


def refusal(git: Git, span: str = "base..HEAD", **stated: Any) -> str:
    with pytest.raises(InputError) as caught:
        change(git, span, **stated)
    return render(caught.value.diagnostics, caught.value.sources)


def numstat(git: Git, span: str) -> list[dict[str, Any]]:
    """Return what git counts, in the form of a change document."""
    rows = []
    for line in git.raw("diff", "--numstat", "--no-renames", "-z", span).decode().split("\0")[:-1]:
        added, deleted, path = line.split("\t", 2)
        counts = {"added": None, "deleted": None} if added == "-" else {"added": int(added), "deleted": int(deleted)}
        rows.append({"path": path, **counts})
    return sorted(rows, key=lambda row: str(row["path"]))


def people(git: Git, span: str) -> set[str]:
    return set(git("log", "--format=%ae%n%ce", span).split("\n"))


def by(name: str, committer: str = "") -> dict[str, str]:
    return {
        "GIT_AUTHOR_EMAIL": f"{name}@example.com",
        "GIT_COMMITTER_EMAIL": f"{committer or name}@example.com",
    }


def test_a_whole_change_document(git: Git) -> None:
    git.write("a.txt", "one\nTWO\nthree\nfour\n")
    git.commit("feat: two and four", **by("alice"))
    git.write("b/ü.txt", "new")
    head = git.commit("fix: more\n\nCo-authored-by: Carol <carol@example.com>", **by("Bob", "dora"))
    base = git("rev-parse", "base")
    assert change(
        git,
        type_="hotfix",
        id_="PR-1",
        service="payment-service",
        title="Two",
        risk="high",
        requester="erin",
        requested_at=parse_instant("2026-11-23T09:00:00+01:00", "x"),
        labels=["incident"],
        attributes={"ticket": "PAY-1"},
    ) == {
        "id": "PR-1",
        "service": "payment-service",
        "type": "hotfix",
        "author": "Bob@example.com",
        "artifact": {"name": "pay", "digest": DIGEST},
        "committers": ["alice@example.com", "carol@example.com", "dora@example.com"],
        "commit": head,
        "title": "Two",
        "files": [{"path": "a.txt", "added": 2, "deleted": 1}, {"path": "b/ü.txt", "added": 1, "deleted": 0}],
        "labels": ["incident"],
        "requester": "erin",
        "requested_at": "2026-11-23T08:00:00Z",
        "risk": "high",
        "attributes": {"ticket": "PAY-1"},
    }
    assert {k: v for k, v in change(git).items() if k in ("id", "service", "title")} == {
        "id": f"{base[:12]}..{head[:12]}",
        "service": "pay",
        "title": "fix: more",
    }


def random_text(rng: random.Random) -> bytes:
    lines = [rng.choice([b"", b"x", b"  y", b"z" * 40, b"caf\xe9", b"a\rb"]) for _ in range(rng.randrange(40))]
    return b"\n".join(lines) + rng.choice([b"", b"\n", b"\r\n"])


def mutate(rng: random.Random, git: Git) -> None:
    """Change the working tree at random: new, edited, renamed, deleted, binary, executable, linked files."""
    for _ in range(30):
        files = [f for f in git.folder.rglob("*") if ".git" not in f.parts and (f.is_symlink() or not f.is_dir())]
        target = rng.choice(files) if files else git.folder / "first"
        new = (
            git.folder
            / rng.choice(["", "d/", "d/é/"])
            / f"{rng.choice(['f', 'ß', 'a b', 'tab	x'])}{rng.randrange(60)}"
        )
        operation = rng.randrange(8)
        if operation == 0 and files:
            target.unlink()
        elif operation == 1 and files and not new.exists() and not new.is_symlink():
            new.parent.mkdir(parents=True, exist_ok=True)
            target.rename(new)
        elif operation == 2 and target.is_file() and not target.is_symlink():
            lines = target.read_bytes().splitlines(keepends=True)
            rng.shuffle(lines)
            target.write_bytes(b"".join(lines[rng.randrange(3) :]) + random_text(rng)[:30])
        elif operation == 3 and target.is_file() and not target.is_symlink():
            target.chmod(rng.choice([0o644, 0o755]))
        elif operation == 4 and files:
            target.unlink()
            target.symlink_to(f"nowhere{rng.randrange(9)}")
        elif not new.is_symlink() and not new.is_dir():
            new.parent.mkdir(parents=True, exist_ok=True)
            position = rng.choice([0, 7999, 8000])
            binary = b"\n" * position + b"\0" + random_text(rng)
            new.write_bytes(binary if operation == 5 else random_text(rng))


@pytest.mark.parametrize("seed", range(6))
def test_files_are_counted_as_git_counts_them(git: Git, seed: int) -> None:
    rng = random.Random(seed)
    for step in range(4):
        mutate(rng, git)
        git.commit(f"step {step}")
    for span in ("base...HEAD", "HEAD~1...HEAD", "HEAD~3...HEAD~1"):
        assert change(git, span)["files"] == numstat(git, span)


def test_merges_are_measured_from_where_the_two_parted(git: Git) -> None:
    git("checkout", "-q", "-b", "feature")
    git.write("mine.txt", "m\n")
    git.commit("mine", **by("alice"))
    git("checkout", "-q", "main")
    git.write("theirs.txt", "t\n")
    git.commit("theirs", **by("bob"))
    git("checkout", "-q", "feature")
    for span in ("main..feature", "main...feature"):
        assert change(git, span)["files"] == [{"path": "mine.txt", "added": 1, "deleted": 0}]
    git("merge", "-q", "--no-edit", "main", **by("carol"))
    git.write("more.txt", "1\n2\n")
    git.commit("more", **by("alice"))
    made = change(git, "main..feature")
    assert made["files"] == numstat(git, "main...feature")
    assert (
        {made["author"], *made["committers"]}
        == people(git, "main..feature")
        == {"alice@example.com", "carol@example.com"}
    )
    made = change(git, "base..feature")
    assert made["files"] == numstat(git, "base...feature")
    assert {made["author"], *made["committers"]} == people(git, "base..feature")


def test_a_merge_is_titled_by_what_it_merges(git: Git) -> None:
    git("checkout", "-q", "-b", "feature")
    git.commit("feat: mine", **by("alice"))
    git("checkout", "-q", "main")
    git.commit("other")
    git("merge", "-q", "--no-ff", "-m", "Merge pull request #12 from pay/x\n\nRefunds in any currency", "feature")
    assert change(git)["title"] == "Refunds in any currency"
    assert change(git, "HEAD~1..HEAD")["committers"] == ["alice@example.com"]


def test_everybody_who_had_a_hand_in_it_is_named_once(git: Git) -> None:
    git.commit(
        "one\n\nCo-Authored-By: C <carol@example.com>\n  co-authored-by: D D <dora@example.com>\n"
        "not co-authored-by: <x>\n",
        **by("alice", "bob"),
    )
    git.commit("two\n\nSome text.\nCo-authored-by: <frank@example.com>\nCo-authored-by: nobody", **by("bob", "web"))
    git.commit("three", **by("frank"))
    assert change(git)["author"] == "frank@example.com"
    assert change(git)["committers"] == [
        *("alice@example.com", "bob@example.com", "carol@example.com", "dora@example.com", "web@example.com"),
    ]


def test_a_person_without_a_mail_address_goes_by_name_or_not_at_all(git: Git) -> None:
    git.commit("x", GIT_AUTHOR_NAME="Gita", GIT_AUTHOR_EMAIL="")
    assert change(git)["author"] == "Gita"
    tree, parent = git("rev-parse", "HEAD^{tree}"), git("rev-parse", "HEAD")
    raw = f"tree {tree}\nparent {parent}\nauthor  <> 1 +0000\ncommitter  <c@example.com> 1 +0000\n\nx\n"
    (git.folder / "raw").write_text(raw, encoding="utf-8")
    made = git("hash-object", "-t", "commit", "-w", "--literally", "raw")
    assert refusal(git, f"base..{made}") == (
        f"error[GC866]: commit {made[:12]} has an author or committer without a readable mail address: ``\n"
        "   = hint: write the change document by hand, or amend the commit"
    )


def test_attributes_and_settings_of_the_checkout_hide_nothing(git: Git) -> None:
    git.write(".gitattributes", "*.txt -diff binary\n")
    git.write("a.txt", "other\n")
    git.commit("hide")
    git("config", "diff.noprefix", "true")
    git("config", "diff.renames", "copies")
    assert change(git)["files"][1] == {"path": "a.txt", "added": 1, "deleted": 3}


def test_a_submodule_and_a_link_are_listed(git: Git, tmp_path: Path) -> None:
    inner = Git(tmp_path / "inner")
    inner.commit("one")
    git("-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(inner.folder), "inner")
    git.commit("add")
    inner.commit("two")
    git("-C", "inner", "pull", "-q")
    (git.folder / "a.txt").unlink()
    (git.folder / "a.txt").symlink_to("b.txt")
    git.commit("move")
    assert change(git)["files"] == numstat(git, "base...HEAD")
    assert change(git, "HEAD~1..HEAD")["files"] == [
        {"path": "a.txt", "added": 1, "deleted": 3},
        {"path": "inner", "added": 1, "deleted": 1},
    ]


def test_a_large_file_is_listed_without_counts(git: Git, monkeypatch: pytest.MonkeyPatch) -> None:
    git.write("large", "x\n" * 100)
    git.commit("large")
    monkeypatch.setattr(changes, "_MAX_FILE_BYTES", 199)
    assert change(git)["files"] == [{"path": "large", "added": None, "deleted": None}]
    monkeypatch.setattr(changes, "MAX_BYTES", 0)
    assert change(git)["files"] == [{"path": "large", "added": None, "deleted": None}]
    git.write("a.txt", "edited")
    git.commit("small")
    assert refusal(git) == (
        "error[GC865]: the files that the change edits hold more than 0 MiB\n   = hint: name a later base"
    )


def test_a_range_is_bounded(git: Git, monkeypatch: pytest.MonkeyPatch) -> None:
    git.write("b", "b")
    git.write("c", "c")
    git.commit("two files")
    git.commit("nothing")
    monkeypatch.setattr(changes, "MAX_FILES", 1)
    assert refusal(git) == "error[GC865]: the change touches more than 1 files\n   = hint: name a later base"
    monkeypatch.setattr(changes, "MAX_COMMITS", 1)
    assert refusal(git) == "error[GC865]: `base..HEAD` holds more than 1 commits\n   = hint: name a later base"


@pytest.mark.parametrize(
    ("titles", "type_"),
    [
        (["feat: a"], "feature"),
        (["fix(core): a", "fix: b"], "bugfix"),
        (["Docs: a"], "docs"),
        (["chore: a", "test: b", "style: c"], "chore"),
        (["perf: a"], "performance"),
        (["ci: a", "build: b"], "infrastructure"),
        (["docs: a", "feat!: b"], "breaking-api"),
        (["fix: a\n\nBREAKING CHANGE: b", "docs: c"], "breaking-api"),
    ],
)
def test_the_type_is_what_all_titles_state(git: Git, titles: list[str], type_: str) -> None:
    for title in titles:
        git.commit(title)
    assert change(git, type_=None)["type"] == type_


TYPES = (
    "types: breaking-api, bugfix, chore, configuration, database-migration, dependency-update, docs, experiment, "
    "feature, hotfix, infrastructure, internal-tool, performance, refactor, rollback, security-fix"
)
UNSTATED = "the commits' titles don't say of which type the change is"


@pytest.mark.parametrize(
    ("titles", "why"),
    [
        (["a"], UNSTATED),
        (["docs: a", "b"], UNSTATED),
        (["revert: a"], UNSTATED),
        (["feature : a"], UNSTATED),
        (["docs: a", "feat: b"], "the commits' titles state several types: `docs`, `feature`"),
    ],
)
def test_a_type_that_titles_do_not_settle_is_asked_for(git: Git, titles: list[str], why: str) -> None:
    for title in titles:
        git.commit(title)
    assert refusal(git, type_=None) == f"error[GC867]: {why}\n   = hint: give `--type`; {TYPES}"


def test_an_unknown_type_is_refused_with_the_nearest(git: Git) -> None:
    git.commit("x")
    assert refusal(git, type_="feat") == (
        f"error[GC867]: there is no change type `feat`\n   = hint: did you mean `feature`? {TYPES}"
    )


@pytest.mark.parametrize(
    ("artifact", "problem", "hint"),
    [
        (
            "pay:2.14",
            "the artifact `pay:2.14` has no digest: a tag can be moved, so it names no artifact",
            "resolve it: `crane digest pay:2.14` or `docker buildx imagetools inspect pay:2.14` prints the digest",
        ),
        (DIGEST, f"the artifact `{DIGEST}` has no name", f"write `NAME@{DIGEST}`"),
        (
            f"pay@{DIGEST[7:]}",
            f"the artifact `pay@{DIGEST[7:]}` has no digest: a digest names its algorithm",
            f"write `{ARTIFACT}`",
        ),
        (
            "pay@sha256:9f",
            "the artifact `pay@sha256:9f` has no digest: a sha256 digest has 64 digits, not 2",
            "copy the whole digest",
        ),
    ],
)
def test_an_artifact_is_named_by_its_digest(git: Git, artifact: str, problem: str, hint: str) -> None:
    git.commit("x")
    assert refusal(git, artifact=artifact) == f"error[GC861]: {problem}\n   = hint: {hint}"


def test_a_range_that_holds_nothing(git: Git, tmp_path: Path) -> None:
    git.commit("x")
    assert refusal(git, "HEAD..HEAD") == (
        "error[GC864]: `HEAD..HEAD` holds no commits\n   = hint: both ends are the same commit"
    )
    assert refusal(git, "HEAD..base") == (
        "error[GC864]: `HEAD..base` holds no commits\n   = hint: are the two ends the right way around?"
    )
    for span in ("HEAD", "..HEAD", "...", ""):
        assert refusal(git, span) == (
            f"error[GC862]: `{span}` is not a range of commits\n"
            "   = hint: write `BASE..HEAD`, such as `origin/main..HEAD`"
        )
    assert refusal(git, "bsae..HEAD") == (
        "error[GC851]: there is no revision `bsae` in this repository\n   = hint: did you mean `base`?"
    )
    git("checkout", "-q", "--orphan", "alone")
    git.commit("alone")
    assert refusal(git) == (
        "error[GC863]: the two ends of `base..HEAD` share no history\n"
        "   = hint: name a base that the change was made from"
    )


def test_a_shallow_clone_that_lacks_history_is_refused(git: Git, tmp_path: Path) -> None:
    for name in ("one", "two", "three", "four"):
        git.write(name, name)
        git.commit(name, **by(name))
    clone = Git(tmp_path / "clone")
    clone("remote", "add", "origin", git.folder.as_uri())
    clone("fetch", "-q", "--depth=2", "origin", "main")
    clone("checkout", "-q", "FETCH_HEAD")
    deepen = "run `git fetch --deepen=100` or `git fetch --unshallow`"
    assert change(clone, "HEAD~1..HEAD")["author"] == "four@example.com"
    clone("fetch", "-q", "--depth=1", "origin", "tag", "base")
    assert refusal(clone) == (
        f"error[GC863]: this shallow clone does not reach back to where `base..HEAD` parted\n   = hint: {deepen}"
    )
    clone("fetch", "-q", "--unshallow", "origin", "main")
    assert change(clone) == change(git)
    linked = tmp_path / "linked"
    clone("worktree", "add", "-q", "--detach", str(linked), "HEAD")
    assert change_from_git(linked, "base..HEAD", artifact=ARTIFACT, type_="feature") == change(git)


def test_history_cut_off_inside_the_range_is_refused(git: Git, tmp_path: Path) -> None:
    """Whoever wrote what was cut off could otherwise approve their own work."""
    git("checkout", "-q", "-b", "side")
    for name in ("s1", "s2", "s3"):
        git.commit(name, **by(name))
    git("checkout", "-q", "main")
    git.commit("m1", **by("m1"))
    git("merge", "-q", "--no-ff", "-m", "join", "side", **by("joiner"))
    clone = Git(tmp_path / "clone")
    clone("remote", "add", "origin", git.folder.as_uri())
    clone("fetch", "-q", "--depth=3", "origin", "main", "tag", "base")
    clone("checkout", "-q", "FETCH_HEAD")
    for folder in (clone.folder, tmp_path / "linked"):
        if folder != clone.folder:
            clone("worktree", "add", "-q", "--detach", str(folder), "HEAD")
        with pytest.raises(InputError) as caught:
            change_from_git(folder, "base..HEAD", artifact=ARTIFACT, type_="feature")
        assert render(caught.value.diagnostics, {}) == (
            "error[GC863]: this shallow clone cuts history off inside `base..HEAD`, at "
            f"{git('rev-parse', 'side~1')[:12]}\n"
            "   = hint: run `git fetch --deepen=100` or `git fetch --unshallow`"
        )


def test_a_path_that_is_not_utf_8_is_refused(git: Git) -> None:
    name = os.path.join(os.fsencode(git.folder), b"caf\xe9")  # noqa: PTH118
    with open(name, "wb") as file:  # noqa: PTH123
        file.write(b"x")
    git.commit("latin")
    assert refusal(git) == "error[GC868]: the path `caf\\xe9` is not UTF-8\n   = hint: rename the file"


def test_a_title_in_another_encoding_or_with_control_characters_is_readable(git: Git) -> None:
    git("config", "i18n.commitEncoding", "latin1")
    (git.folder / "m").write_bytes("Caf\xe9 \x1b[31m rouge".encode("latin-1"))
    git("commit", "-q", "--allow-empty", "-F", "m")
    assert change(git)["title"] == "Café [31m rouge"


def test_a_damaged_clone_says_what_it_lacks(git: Git) -> None:
    git.write("a.txt", "gone\n")
    git.commit("x")
    blob = git("rev-parse", "HEAD:a.txt")
    shutil.rmtree(git.folder / ".git" / "objects" / blob[:2])
    assert refusal(git) == (
        "error[GC869]: the content of `a.txt` is not in this clone\n"
        "   = hint: a partial clone leaves contents out; fetch it whole"
    )
