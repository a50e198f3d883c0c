"""Appending: what git shows of it, and that nothing is lost, entered twice or left broken, whatever happens."""

import fcntl
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ledger_world import AT, PACK, World, appending, git_environment, record

from gatecheck.ledger import store
from gatecheck.ledger.entry import format_message, one_line, parse_commit, signed_commit
from gatecheck.ledger.ledger import open_ledger
from gatecheck.ledger.memory import state_folder
from gatecheck.model.canonical import digest
from gatecheck.text.diagnostic import Diagnostic, LedgerError


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def problem(raised: pytest.ExceptionInfo[Any]) -> Diagnostic:
    (diagnostic,) = raised.value.diagnostics
    assert isinstance(diagnostic, Diagnostic)
    return diagnostic


# What stock tools see


def test_an_entry_is_a_commit_that_git_shows_in_full(world: World) -> None:
    made = record(1, "deny")
    (entry,) = world.open().append_batch([made], world.key, AT)
    assert world.git("log", "-1", "--format=%s") == "DENY payment-service production critical"
    assert world.git("log", "-1", "--format=%cI") == "2026-11-23T10:00:00+00:00"
    assert world.git("ls-tree", "-r", "--name-only", "HEAD").split("\n") == [
        "pack/payment.gate", "pack/shared/groups.gate", "request.json", "statement.json",
    ]  # fmt: skip
    assert world.git_bytes("show", "HEAD:statement.json") == made.statement
    assert world.git_bytes("show", "HEAD:request.json") == made.request
    assert world.git_bytes("show", "HEAD:pack/shared/groups.gate") == PACK["shared/groups.gate"]
    trailers = dict(line.split(": ") for line in world.git("log", "-1", "--format=%(trailers)").split("\n"))
    assert trailers == dict(entry.trailers)
    assert list(trailers) == [
        "Gatecheck-Kind", "Gatecheck-Artifact", "Gatecheck-Environment", "Gatecheck-Verdict", "Gatecheck-Pack",
        "Gatecheck-Seq", "Gatecheck-Id", "Gatecheck-Statement", "Gatecheck-Chain", "Gatecheck-Sig",
    ]  # fmt: skip
    assert trailers["Gatecheck-Id"] == entry.id == sha256(made.statement).hexdigest()
    assert world.git("symbolic-ref", "HEAD") == f"refs/heads/ledger/{entry.writer}"


def test_git_verifies_every_commit_against_an_allowed_signers_file(world: World) -> None:
    world.append(1, 2, 3)
    signers = world.folder / "signers"
    signers.write_text(f'release namespaces="git",valid-after="20260101Z" {world.key.public_line}\n')
    commits = world.git("rev-list", "HEAD").split()
    assert len(commits) == 4
    world.git("-c", f"gpg.ssh.allowedSignersFile={signers}", "verify-commit", *commits)
    signers.write_text(f"release {world.make_key('other').public_line}\n")
    with pytest.raises(subprocess.CalledProcessError):
        world.git("-c", f"gpg.ssh.allowedSignersFile={signers}", "verify-commit", commits[0])


def test_fsck_is_silent_and_the_trust_file_is_what_ssh_keygen_reads(world: World) -> None:
    world.append(1, 2)
    assert world.fsck() == ""
    first = world.git("rev-list", "--max-parents=0", "HEAD")
    signers = world.folder / "from-ledger"
    signers.write_bytes(world.git_bytes("show", f"{first}:trust"))
    world.git("-c", f"gpg.ssh.allowedSignersFile={signers}", "verify-commit", "HEAD", first)


def test_the_chain_is_recomputed_with_printf_and_sha256sum(world: World) -> None:
    world.append(1, 2, 3)
    script = r"""
      chain=sha256:$(printf '%064d' 0)
      for commit in $(git rev-list --reverse HEAD); do
        statement=$(git log -1 --format='%(trailers:key=Gatecheck-Statement,valueonly)' $commit | head -1)
        chain=sha256:$(printf '%s %s\n' $chain $statement | sha256sum | cut -d' ' -f1)
        test $chain = $(git log -1 --format='%(trailers:key=Gatecheck-Chain,valueonly)' $commit | head -1) || exit 1
      done
      echo $chain
    """
    run = subprocess.run(["sh", "-c", script], cwd=world.path, env=git_environment(), capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    assert run.stdout.strip() == next(world.open().entries()).chain


def test_the_repository_is_set_up_never_to_lose_an_object(world: World) -> None:
    world.open()
    wanted = {"core.fsyncobjectfiles": "true", "gc.auto": "0", "gc.pruneexpire": "never", "core.bare": "true"}
    assert {name: world.git("config", name) for name in wanted} == wanted
    assert sum(len(p.name) == 2 for p in (world.path / "objects").iterdir()) == 256
    assert [p.name for p in world.folder.iterdir() if p.name.startswith(".")] == []


# Once and only once


def test_the_same_statement_is_entered_once(world: World) -> None:
    first, second = world.append(1, 2)
    ledger = world.open()
    assert ledger.append(record(1), world.key, AT.replace(year=2027)) == first
    assert ledger.append_batch([record(2), record(3), record(3)], world.key, AT)[0] == second
    assert [entry.seq for entry in ledger.entries()] == [3, 2, 1]


def test_a_statement_that_was_stored_but_never_entered_is_entered(world: World) -> None:
    world.append(1)
    world.git("hash-object", "-w", "--stdin", stdin=record(2).statement)
    assert [entry.seq for entry in world.append(2)] == [2]
    assert world.verify().problems == ()


def test_another_key_enters_the_same_statement_on_its_own_ref(world: World) -> None:
    (mine,) = world.append(1)
    (theirs,) = world.append(1, key=world.make_key("other"))
    assert (mine.id, mine.seq) == (theirs.id, theirs.seq)
    assert mine.writer != theirs.writer
    assert world.open().find(mine.id) in (mine, theirs)
    assert world.verify().problems == ()


# Packs


class Unread(Mapping[str, bytes]):
    """A pack that must not be read."""

    def __getitem__(self, path: str) -> bytes:
        raise AssertionError(path)

    def __iter__(self) -> Iterator[str]:
        raise AssertionError("listed")

    def __len__(self) -> int:
        raise AssertionError("counted")


def test_an_unchanged_pack_is_neither_read_nor_stored_again(world: World) -> None:
    (first,) = world.append(1)
    ledger = world.open()
    again = ledger.append(record(2)._replace(pack=Unread()), world.key, AT)
    changed = ledger.append(record(3, pack={"other.gate": b""}), world.key, AT)
    back = ledger.append(record(4)._replace(pack=Unread()), world.key, AT)
    trees = [world.git("rev-parse", f"{e.commit}:pack") for e in (first, again, changed, back)]
    assert trees[0] == trees[1] == trees[3] != trees[2]
    assert ledger.pack(back) == PACK
    assert ledger.pack(changed) == {"other.gate": b""}


@pytest.mark.parametrize(
    "path", ["../up", "a//b", "/a", "a/", ".git/config", "a/.GIT", "a\\b", "a\nb", ".", "git~1", ""]
)
def test_a_path_that_git_would_refuse_is_refused(world: World, path: str) -> None:
    with pytest.raises(LedgerError) as raised:
        world.open().append(record(1, pack={path: b""}), world.key, AT)
    assert problem(raised).code == "GC717"
    assert world.verify().problems == ()


def test_a_path_that_is_file_and_folder_at_once_is_refused(world: World) -> None:
    with pytest.raises(LedgerError) as raised:
        world.open().append(record(1, pack={"a/b": b"", "a/b/c/d": b""}), world.key, AT)
    message = "this record can't be entered: the pack's path `a/b` is a file and a folder"
    assert problem(raised) == Diagnostic("GC717", message)


# A record must not contradict itself


@pytest.mark.parametrize(("change", "why"), [
    (lambda r: r._replace(request=b"{}"), "the request does not have the digest that the statement gives"),
    (lambda r: r._replace(pack={"a.gate": b""}), "the pack's files do not have the digest that the statement gives"),
    (lambda r: r._replace(pack={}), "the pack holds no file"),
    (lambda r: r._replace(pack_digest=digest(b"")), "the statement names another pack than the one beside it"),
    (lambda r: r._replace(statement=b"{}x"), "the statement is not JSON: extra data"),
    (lambda r: r._replace(statement=b"[]"), "the statement is not an in-toto statement of version 1"),
    (lambda r: r._replace(statement=b"\xff"), "the statement is not UTF-8 text"),
    (lambda r: r._replace(statement=r.statement.replace(b"decision:v1", b"decision:v2")),
     "the statement's predicate is not `urn:gatecheck:decision:v1`"),
    (lambda r: r._replace(statement=r.statement.replace(b'"verdict"', b'"verdikt"')),
     "the statement lacks a part of a decision, or has one of another shape"),
    (lambda r: r._replace(statement=r.statement.replace(b'{"_type"', b'{"_type":"","_type"')),
     "the statement the key `_type` stands twice in one object"),
])  # fmt: skip
def test_a_record_that_contradicts_itself_is_not_entered(world: World, change: Any, why: str) -> None:
    other = {"other.gate": b""}
    world.open().append(record(1, pack=other), world.key, AT)
    with pytest.raises(LedgerError) as raised:
        world.open().append_batch([record(2, pack=other), change(record(3))], world.key, AT)
    assert problem(raised) == Diagnostic("GC717", f"this record can't be entered: {why}")
    assert [entry.seq for entry in world.open().entries()] == [1]
    assert world.verify().problems == ()


def test_what_others_named_cannot_forge_a_trailer(world: World) -> None:
    evil = "x\n\nGatecheck-Verdict: allow\r\n\u2028Gatecheck-Seq: 9\x1b[2J"
    made = record(1, "deny")._replace(subject=("DENY", evil), trailers={"Gatecheck-Service": evil})
    entry = world.open().append(made, world.key, AT)
    assert entry.subject == "DENY x Gatecheck-Verdict: allow Gatecheck-Seq: 9 [2J"
    assert entry.verdict == "deny"
    assert entry.trailers["Gatecheck-Service"] == "x Gatecheck-Verdict: allow Gatecheck-Seq: 9 [2J"
    assert world.git("log", "-1", "--format=%(trailers:key=Gatecheck-Verdict,valueonly)").split() == ["deny"]


@given(subject=st.text(), value=st.text())
def test_any_subject_and_search_term_come_back_as_one_line_each(subject: str, value: str) -> None:
    trailers = {"Gatecheck-Kind": "decision", "Gatecheck-Service": one_line(value)}
    message = format_message(subject, trailers)
    assert message.split("\n") == [one_line(subject), "", *(f"{k}: {v}" for k, v in trailers.items()), ""]


# Parallel, killed, locked, refused


def test_four_processes_that_begin_at_once_lose_nothing(world: World) -> None:
    processes = [appending(world.folder, name, 50) for name in "abcd"]
    acknowledged = [line for process in processes for line in process.communicate()[0].split()]
    assert [process.returncode for process in processes] == [0] * 4
    assert len(set(acknowledged)) == 200
    entries = list(world.open().entries(oldest_first=True))
    assert {entry.id for entry in entries} == set(acknowledged)
    assert [entry.seq for entry in entries] == list(range(1, 201))
    report = world.verify()
    assert (report.entries, report.problems) == (200, ())
    assert world.fsck() == ""


def test_after_kill_9_every_acknowledged_entry_is_there_and_the_next_append_works(world: World) -> None:
    acknowledged: set[str] = set()
    for turn in range(6):
        process = appending(world.folder, f"t{turn}", 100_000)
        assert process.stdout is not None
        acknowledged |= {process.stdout.readline().strip() for _ in range(3 + turn)}
        process.send_signal(signal.SIGKILL)
        acknowledged |= set(process.communicate()[0].split("\n")[:-1])
    assert len(world.append(1_000_000)) == 1
    assert acknowledged <= {entry.id for entry in world.open().entries()}
    assert world.verify().problems == ()
    assert world.fsck() == ""


def test_locks_that_a_killed_process_left_do_not_stop_the_next_append(world: World) -> None:
    (entry,) = world.append(1)
    for name in (f"refs/heads/ledger/{entry.writer}", "HEAD", "config"):
        (world.path / f"{name}.lock").write_text("")
    assert [e.seq for e in world.append(2)] == [2]
    assert world.fsck() == ""


def test_a_ledger_that_another_process_holds_is_waited_for_and_then_told(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.append(1)
    monkeypatch.setattr(store, "PATIENCE_SECONDS", 0.05)
    with (world.path / "gatecheck.lock").open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(LedgerError) as raised:
            world.append(2)
    message = "another process has held the ledger for 0 seconds"
    assert problem(raised) == Diagnostic("GC718", message, file=str(world.path), hint="see which one with `fuser`")
    assert len(world.append(2)) == 1


def test_a_ref_that_moved_in_the_meantime_is_not_overwritten(world: World) -> None:
    (first, second) = world.append(1, 2)
    ref = world.open().store.ref(first.writer)
    world.git("update-ref", f"refs/heads/ledger/{first.writer}", first.commit)
    with pytest.raises(Exception, match="old reference value does not match"):
        ref.move(second.commit)
    assert world.git("rev-parse", "HEAD") == first.commit


_AS_ANOTHER_USER = """
import os, sys
from pathlib import Path
from gatecheck.text.diagnostic import LedgerError
from ledger_world import AT, World, record

world = World(Path(sys.argv[1]))
print(world.verify().problems)
if os.getuid() == 0:  # modes do not bind root
    for path in (world.folder, *world.folder.rglob("*")):
        os.chown(path, 65534, 65534)
    os.setuid(65534)
print(world.verify().problems)
try:
    world.open().append(record(2), world.key, AT)
except LedgerError as error:
    print(*error.diagnostics)
"""


def test_a_read_only_ledger_is_read_and_not_written() -> None:
    with TemporaryDirectory() as folder:
        world = World(Path(folder))
        world.append(1)
        everything = [world.path, *world.path.rglob("*")]
        for path in everything:
            path.chmod(0o555 if path.is_dir() else 0o444)
        command = [sys.executable, "-c", _AS_ANOTHER_USER, folder]
        environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path), "HOME": folder}
        run = subprocess.run(command, capture_output=True, text=True, env=environment)
        for path in everything:
            path.chmod(0o755)
    message = "the ledger can't be written: permission denied"
    expected = Diagnostic("GC712", message, file=f"{folder}/ledger", hint="nothing was recorded")
    assert run.stderr == ""
    assert run.stdout == f"()\n()\n{expected}\n"


_ON_A_FULL_DISK = """
import sys
from pathlib import Path
from resource import RLIMIT_FSIZE, RLIM_INFINITY, setrlimit
from gatecheck.text.diagnostic import LedgerError
from ledger_world import AT, World, record

world = World(Path(sys.argv[1]))
ledger = world.open()
made = record(2, pack={"long.gate": bytes(range(256)) * 8})
setrlimit(RLIMIT_FSIZE, (int(sys.argv[2]), RLIM_INFINITY))
try:
    ledger.append(made, world.key, AT)
except LedgerError as error:
    (diagnostic,) = error.diagnostics
    print(diagnostic.code, diagnostic.hint)
"""


@pytest.mark.parametrize("limit", [0, 20, 150, 300, 500])
def test_a_disk_that_is_full_breaks_nothing(world: World, limit: int) -> None:
    world.append(1)
    command = [sys.executable, "-c", _ON_A_FULL_DISK, str(world.folder), str(limit)]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    run = subprocess.run(command, capture_output=True, text=True, env=environment)
    assert (run.stdout, run.stderr) == ("GC712 nothing was recorded\n", "")
    assert world.verify().problems == ()
    assert [entry.seq for entry in world.append(3)] == [2]
    assert world.fsck() == ""


# Not a ledger


def _file(path: Path) -> None:
    path.write_text("")


def _folder(path: Path) -> None:
    path.mkdir()
    (path / "notes.txt").write_text("")


def _working_copy(path: Path) -> None:
    subprocess.run(["git", "init", "-q", str(path)], check=True, env=git_environment())


def _bare(path: Path) -> None:
    subprocess.run(["git", "init", "-q", "--bare", str(path)], check=True, env=git_environment())


_OTHER = "a ledger is a bare repository of its own; name another folder with `--ledger`"


@pytest.mark.parametrize(("make", "message", "hint"), [
    (_file, "this is a file, not a ledger", "name a folder with `--ledger`"),
    (_folder, "this folder is not a ledger", _OTHER),
    (_working_copy, "this is a git working copy, not a ledger",
     "a ledger is a bare repository of its own; `git clone --mirror` copies one"),
    (_bare, "this git repository is not a ledger", _OTHER),
])  # fmt: skip
@pytest.mark.parametrize("create", [False, True])
def test_what_is_not_a_ledger_is_left_alone(world: World, make: Any, message: str, hint: str, create: bool) -> None:
    make(world.path)
    before = sorted(world.folder.rglob("*"))
    with pytest.raises(LedgerError) as raised:
        world.open(create=create)
    assert problem(raised) == Diagnostic("GC710", message, file=str(world.path), hint=hint)
    assert sorted(world.folder.rglob("*")) == before


def test_a_missing_ledger_is_not_looked_for_in_folders_above(world: World) -> None:
    _working_copy(world.folder)
    with pytest.raises(LedgerError) as raised:
        world.open(create=False)
    hint = "the first recorded decision makes it; or name another with `--ledger`"
    assert problem(raised) == Diagnostic("GC711", "there is no ledger here", file=str(world.path), hint=hint)
    assert world.append(1)[0].seq == 1


def test_an_empty_folder_becomes_a_ledger(world: World) -> None:
    world.path.mkdir()
    assert world.append(1)[0].seq == 1


def test_a_ledger_that_cannot_be_made_says_why(world: World) -> None:
    (world.folder / "file").write_text("")
    path = world.folder / "file" / "folder" / "ledger"
    with pytest.raises(LedgerError) as raised:
        open_ledger(path, memory=world.memory, create=True)
    assert problem(raised) == Diagnostic("GC711", "a ledger can't be made here: not a directory", file=str(path))


def test_a_mirror_of_a_ledger_is_a_ledger_and_gets_its_settings_before_it_is_written(world: World) -> None:
    world.append(1)
    mirror = World(world.folder / "elsewhere")
    command = ["git", "clone", "-q", "--mirror", str(world.path), str(mirror.path)]
    subprocess.run(command, check=True, env=git_environment(), capture_output=True)
    assert mirror.verify().problems == ()
    assert [e.seq for e in mirror.append(2, key=world.key)] == [2]
    assert mirror.git("config", "core.fsyncObjectFiles") == "true"
    assert mirror.verify().problems == ()
    assert mirror.fsck() == ""


# What this machine remembers


def test_a_history_that_was_cut_short_is_refused(world: World) -> None:
    first, second = world.append(1, 2)
    world.git("update-ref", "HEAD", first.commit)
    with pytest.raises(LedgerError) as raised:
        world.append(3)
    (file,) = (world.memory / "ledgers").iterdir()
    message = (
        f"the history was rewritten: entry {second.id[:12]} (#2 of ledger/{second.writer}), "
        "which this machine has seen, is no longer in it"
    )
    hint = f"find out who changed the ledger; if you began it anew yourself, remove {file}"
    assert problem(raised) == Diagnostic("GC714", message, file=str(world.path), hint=hint)
    assert world.git("rev-parse", "HEAD") == first.commit
    file.unlink()
    assert [entry.seq for entry in world.append(3)] == [2]


def test_a_history_that_the_keys_holder_wrote_anew_is_refused(world: World) -> None:
    world.append(1, 2, 3)
    other = World(world.folder / "elsewhere")
    other.append(1, 7, 3, 4, 5, key=world.key)
    world.git("fetch", "-q", str(other.path), "+refs/heads/*:refs/heads/*")
    with pytest.raises(LedgerError) as raised:
        world.append(6)
    assert problem(raised).code == "GC714"
    assert [p.code for p in world.verify().problems] == ["GC714", "GC744"]


def test_a_ref_that_vanished_is_refused(world: World) -> None:
    (entry,) = world.append(1)
    world.git("update-ref", "-d", f"refs/heads/ledger/{entry.writer}")
    with pytest.raises(LedgerError) as raised:
        world.append(2)
    assert problem(raised).code == "GC714"
    assert [(p.code, p.id) for p in world.verify().problems] == [("GC714", entry.id)]


def test_entries_that_another_machine_added_are_no_rewriting(world: World) -> None:
    world.append(1)
    elsewhere = world.open(memory="another-state")
    elsewhere.append_batch([record(n) for n in range(2, 9)], world.key, AT)
    assert [entry.seq for entry in world.append(9)] == [9]
    assert world.verify().problems == ()


def test_a_newest_entry_by_another_key_is_not_built_upon(world: World) -> None:
    (entry,) = world.append(1)
    other = world.make_key("other")
    message = format_message(entry.subject, entry.trailers)
    raw = signed_commit(entry.tree, entry.commit, AT, message, other)
    forged = raw.replace(parse_commit_writer(raw).encode(), entry.writer.encode())
    commit = world.git("hash-object", "-t", "commit", "-w", "--stdin", stdin=forged)
    assert parse_commit(entry.writer, commit, forged).seq == 1
    world.git("update-ref", "HEAD", commit)
    with pytest.raises(LedgerError) as raised:
        world.append(2)
    message = f"the newest entry of `ledger/{entry.writer}` is not signed by this key; nothing was recorded"
    hint = "`gatecheck ledger verify` tells more"
    assert problem(raised) == Diagnostic("GC726", message, file=str(world.path), hint=hint)


def parse_commit_writer(raw: bytes) -> str:
    return raw.split(b"author gatecheck <")[1][:16].decode()


def test_a_memory_that_cannot_be_read_or_kept_stops_before_anything_is_recorded(world: World) -> None:
    (entry,) = world.append(1)
    (file,) = (world.memory / "ledgers").iterdir()
    file.write_text("{")
    with pytest.raises(LedgerError) as raised:
        world.append(2)
    message = "what this machine remembers of the ledger can't be read"
    hint = "if you know that the ledger is whole, remove this file"
    assert problem(raised) == Diagnostic("GC719", message, file=str(file), hint=hint)
    (world.folder / "blocked").write_text("")
    with pytest.raises(LedgerError) as raised:
        world.open(memory="blocked").append(record(2), world.key, AT)
    message = "what was seen of the ledger can't be remembered: file exists"
    hint = "set XDG_STATE_HOME to a folder that can be written"
    expected = Diagnostic("GC719", message, file=str(world.folder / "blocked" / "ledgers"), hint=hint)
    assert problem(raised)._replace(message=message) == expected
    assert world.git("rev-parse", "HEAD") == entry.commit


def test_the_memory_is_closed_to_others_and_where_the_xdg_specification_puts_it(world: World) -> None:
    world.append(1)
    assert world.memory.stat().st_mode & 0o777 == 0o700
    assert state_folder({"XDG_STATE_HOME": "/s", "HOME": "/h"}) == Path("/s/gatecheck")
    assert state_folder({"XDG_STATE_HOME": "relative", "HOME": "/h"}) == Path("/h/.local/state/gatecheck")


def test_an_instant_without_offset_is_a_mistake(world: World) -> None:
    with pytest.raises(ValueError, match="recorded_at must have an offset"):
        world.open().append(record(1), world.key, AT.replace(tzinfo=None))
