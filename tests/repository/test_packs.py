"""Rule packs read out of a revision, from every kind of checkout that a pipeline makes."""

import os
from pathlib import Path

import pytest
from realgit import Git

from gatecheck.repository import packs
from gatecheck.repository.packs import pack_files
from gatecheck.text.diagnostic import InputError, render

RULES = {"pay.gate": b"environment dev\n", "sub/deep.gate": b"# deep\n"}


@pytest.fixture
def git(tmp_path: Path) -> Git:
    return Git(tmp_path / "repo")


@pytest.fixture
def pack(git: Git) -> Git:
    """A repository whose branch `main` has a pack in `rules`, and whose checkout has changed it since."""
    for path, content in RULES.items():
        git.write(f"rules/{path}", content)
    git.write("rules/README.md", "not a rule")
    git.write("other/tool.gate", "# other\n")
    git.commit("rules")
    git("tag", "v1")
    git("checkout", "-q", "-b", "feature")
    git.write("rules/pay.gate", "# weakened\n")
    git.commit("weaken")
    return git


def refusal(path: Path, revision: str, folder: str) -> str:
    with pytest.raises(InputError) as caught:
        pack_files(path, revision, folder)
    return render(caught.value.diagnostics, caught.value.sources)


def test_a_pack_is_read_as_the_revision_has_it(pack: Git) -> None:
    assert pack_files(pack.folder, "main", "rules") == RULES
    assert list(pack_files(pack.folder, "main", "rules")) == ["pay.gate", "sub/deep.gate"]
    assert pack_files(pack.folder, "HEAD", "rules")["pay.gate"] == b"# weakened\n"
    for revision in ("v1", "HEAD~1", pack("rev-parse", "main"), pack("rev-parse", "main")[:10]):
        assert pack_files(pack.folder, revision, "rules") == RULES


def test_schemas_are_read_with_the_rules(pack: Git) -> None:
    pack.write("rules/sub/slo.schema.json", "{}")
    pack.write("schemas/slo.schema.json", "{}")
    pack.commit("schemas")
    assert set(pack_files(pack.folder, "HEAD", "rules")) == {"pay.gate", "sub/deep.gate", "sub/slo.schema.json"}
    assert refusal(pack.folder, "HEAD", "schemas") == (
        "error[GC852]: there is no `.gate` file in this folder\n  --> HEAD:schemas"
    )
    pack.write("rules/SLO.schema.JSON", "{}")
    pack.commit("capitals")
    assert refusal(pack.folder, "HEAD", "rules") == (
        "error[GC852]: `SLO.schema.JSON` does not end in `.schema.json` in small letters\n"
        "  --> HEAD:rules\n   = hint: rename it to `SLO.schema.json`"
    )


@pytest.mark.parametrize("folder", ["rules", "rules/", "/rules", "./rules", "rules/sub/.."])
def test_a_folder_may_be_written_in_several_ways(pack: Git, folder: str) -> None:
    assert pack_files(pack.folder, "main", folder) == RULES


def test_the_root_and_a_single_file_are_packs_too(pack: Git) -> None:
    whole = {
        "other/tool.gate": b"# other\n",
        "rules/pay.gate": b"environment dev\n",
        "rules/sub/deep.gate": b"# deep\n",
    }
    assert pack_files(pack.folder, "main", "") == whole
    assert pack_files(pack.folder, "main", ".") == whole
    assert pack_files(pack.folder, "main", "rules/pay.gate") == {"pay.gate": b"environment dev\n"}


def test_names_are_from_the_root_unless_they_start_with_a_dot(pack: Git) -> None:
    below = pack.folder / "rules" / "sub"
    assert pack_files(below, "main", "rules") == RULES
    assert pack_files(below, "main", ".") == {"deep.gate": b"# deep\n"}
    assert pack_files(below, "main", "../../other") == {"tool.gate": b"# other\n"}
    assert pack_files(pack.folder / "rules", "main", "./sub") == {"deep.gate": b"# deep\n"}


def test_every_kind_of_checkout_is_read(pack: Git, tmp_path: Path) -> None:
    pack("worktree", "add", "-q", "--detach", str(tmp_path / "worktree"), "feature")
    assert pack_files(tmp_path / "worktree", "main", "rules") == RULES
    assert pack_files(tmp_path / "worktree" / "rules", "main", "./sub") == {"deep.gate": b"# deep\n"}
    pack("clone", "-q", "--bare", ".", str(tmp_path / "bare"))
    assert pack_files(tmp_path / "bare", "main", "rules") == RULES
    pack("clone", "-q", "--depth=1", "--branch=main", pack.folder.as_uri(), str(tmp_path / "shallow"))
    assert pack_files(tmp_path / "shallow", "main", "rules") == RULES
    pack("checkout", "-q", "--detach", "main")
    assert pack_files(pack.folder, "HEAD", "rules") == RULES


def test_the_environment_names_no_other_repository(pack: Git, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    other = Git(tmp_path / "other")
    other.write("rules/pay.gate", "# another's\n")
    other.commit("other")
    monkeypatch.setenv("GIT_DIR", str(other.folder / ".git"))
    monkeypatch.setenv("GIT_WORK_TREE", str(other.folder))
    assert pack_files(pack.folder, "main", "rules") == RULES


def test_what_is_not_there_is_said_with_the_nearest_name(pack: Git, tmp_path: Path) -> None:
    assert refusal(pack.folder, "mian", "rules") == (
        "error[GC851]: there is no revision `mian` in this repository\n   = hint: did you mean `main`?"
    )
    assert refusal(pack.folder, "main", "rule") == (
        "error[GC852]: there is no `rule` in `/` at this revision\n  --> main:rule\n   = hint: did you mean `rules`?"
    )
    assert refusal(pack.folder, "main", "rules/sub/none") == (
        "error[GC852]: there is no `none` in `rules/sub` at this revision\n"
        "  --> main:rules/sub/none\n"
        "   = hint: there are none"
    )
    assert refusal(pack.folder, "main", "rules/pay.gate/x") == (
        "error[GC852]: `rules/pay.gate` is not a folder at this revision\n  --> main:rules/pay.gate/x"
    )
    assert refusal(pack.folder, "main", "rules/README.md") == (
        "error[GC852]: this is neither a folder nor a `.gate` file\n  --> main:rules/README.md"
    )
    assert refusal(pack.folder, "main", "../x") == (
        "error[GC852]: this folder lies outside the repository\n  --> main:../x"
    )
    assert refusal(pack.folder, "HEAD@{1}", "rules") == (
        "error[GC851]: `HEAD@{1}` depends on this clone's own log and on the clock\n"
        "   = hint: name a commit, a branch or a tag"
    )
    assert refusal(tmp_path, "main", "rules") == (
        f"error[GC850]: this is not a git repository\n  --> {tmp_path}\n   = hint: run it inside a checkout"
    )
    assert refusal(tmp_path / "none", "main", "rules").startswith("error[GC850]: this is not a git repository")


def test_a_folder_without_rules_is_no_pack(git: Git) -> None:
    git.write("docs/a.md", "text")
    git.commit("docs")
    assert refusal(git.folder, "main", "docs") == (
        "error[GC852]: there is no `.gate` file in this folder\n  --> main:docs"
    )


def test_a_branch_that_only_the_remote_has_is_named(pack: Git, tmp_path: Path) -> None:
    clone = tmp_path / "clone"
    pack("clone", "-q", "--depth=1", "--branch=feature", "--no-single-branch", pack.folder.as_uri(), str(clone))
    assert refusal(clone, "main", "rules") == (
        "error[GC851]: there is no revision `main` in this repository\n"
        "   = hint: did you mean `origin/main`?; this clone is shallow: `git fetch --deepen=100` or `--unshallow` "
        "brings older history"
    )


def test_a_revision_that_is_no_commit(pack: Git) -> None:
    assert refusal(pack.folder, "HEAD:rules", "rules").startswith("error[GC851]: `HEAD:rules` names no commit: ")
    assert refusal(pack.folder, "", "rules").startswith("error[GC851]: `` names no commit: ")


def test_links_are_refused_since_they_may_lead_to_rules(pack: Git) -> None:
    pack("checkout", "-q", "main")
    for link, target in (("shared", "../other"), ("tool.gate", "../other/tool.gate"), ("gone", "/nowhere")):
        (pack.folder / "rules" / link).symlink_to(target)
        pack.commit("link")
        assert refusal(pack.folder, "main", "rules") == (
            f"error[GC852]: `{link}` is a link; a pack holds its rules itself\n"
            "  --> main:rules\n"
            "   = hint: put the file or folder itself there"
        )
        (pack.folder / "rules" / link).unlink()
    (pack.folder / "rules" / "shared").symlink_to("../other")
    pack.commit("link to a folder")
    assert refusal(pack.folder, "main", "rules/shared") == (
        "error[GC852]: `rules/shared` is a link\n  --> main:rules/shared\n   = hint: name the folder itself"
    )


def test_a_file_of_rules_in_capitals_is_not_passed_over(pack: Git) -> None:
    pack("checkout", "-q", "main")
    pack.write("rules/sub/Strict.GATE", "# strict\n")
    pack.commit("capitals")
    assert refusal(pack.folder, "main", "rules") == (
        "error[GC852]: `sub/Strict.GATE` does not end in `.gate` in small letters\n"
        "  --> main:rules\n"
        "   = hint: rename it to `sub/Strict.gate`"
    )


@pytest.mark.parametrize(
    ("first", "second", "revisions"),
    [
        ("refs/tags/main", "refs/heads/main", ["main", "main~0", "main^{commit}"]),
        ("refs/dev", "refs/heads/dev", ["dev"]),
        ("refs/heads/origin/main", "refs/remotes/origin/main", ["origin/main"]),
    ],
)
def test_a_name_that_means_two_commits_is_refused(pack: Git, first: str, second: str, revisions: list[str]) -> None:
    """Git takes the first, and anybody may push a tag `main` or a branch `origin/main`."""
    pack("update-ref", second, "v1")
    pack("update-ref", first, "v1")
    for revision in revisions:
        assert pack_files(pack.folder, revision, "rules") == RULES
    pack("update-ref", first, "feature")
    for revision in revisions:
        assert refusal(pack.folder, revision, "rules") == (
            f"error[GC851]: the revision `{revision}` is ambiguous: `{first}` and `{second}` differ\n"
            "   = hint: write the one that is meant in full"
        )
    assert pack_files(pack.folder, second, "rules") == RULES


def test_a_submodule_in_a_pack_is_refused(pack: Git, tmp_path: Path) -> None:
    shared = Git(tmp_path / "shared")
    shared.write("a.gate", "# a\n")
    shared.commit("a")
    pack("checkout", "-q", "main")
    pack("-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(shared.folder), "rules/shared")
    pack.commit("submodule")
    mend = "\n   = hint: name a folder that holds its rules itself"
    assert refusal(pack.folder, "main", "rules") == (
        "error[GC852]: `shared` is a submodule; its files are not in this revision\n  --> main:rules" + mend
    )
    assert refusal(pack.folder, "main", "rules/shared") == (
        "error[GC852]: `main:rules/shared` is a submodule; its files are not in this revision\n"
        "  --> main:rules/shared" + mend
    )


def test_a_name_that_is_not_utf_8_is_refused(git: Git) -> None:
    name = os.path.join(os.fsencode(git.folder), b"caf\xe9.gate")  # noqa: PTH118
    with open(name, "wb") as file:  # noqa: PTH123
        file.write(b"# x\n")
    git.commit("latin")
    assert refusal(git.folder, "main", "") == (
        "error[GC852]: the name `caf\\xe9.gate` is not UTF-8\n  --> main:\n   = hint: rename the file"
    )


def test_a_pack_is_bounded(pack: Git, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packs, "MAX_FILES", 1)
    assert refusal(pack.folder, "main", "rules").startswith("error[GC852]: holds more than 1 files or 64 MiB")
    monkeypatch.setattr(packs, "MAX_FILES", 2)
    assert pack_files(pack.folder, "main", "rules") == RULES
    monkeypatch.setattr(packs, "MAX_BYTES", 10)
    assert refusal(pack.folder, "main", "rules").startswith("error[GC852]: holds more than 2 files or 0 MiB")


def test_a_partial_clone_says_what_it_lacks(pack: Git, tmp_path: Path) -> None:
    pack("config", "uploadpack.allowFilter", "true")
    clone = tmp_path / "partial"
    pack("clone", "-q", "--no-checkout", "--filter=blob:none", pack.folder.as_uri(), str(clone))
    with pytest.raises(InputError) as caught:
        pack_files(clone, "origin/main", "rules")
    assert caught.value.diagnostics[0].code in ("GC850", "GC852")
