"""Checkpoints: when they come, what stock tools see of them, and every attack that signatures and chain do not show."""

import shutil
import subprocess
from base64 import b64decode
from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from ledger_world import AT, World, record
from test_kept_ledgers import unpacked

from gatecheck.cli.ledger import command
from gatecheck.ledger import checkpoint as checkpoints
from gatecheck.ledger.checkpoint import Saved, leaf_data, load, read_note
from gatecheck.ledger.entry import Entry, chained, format_message, identity, parse_commit, signed_commit, writer_of
from gatecheck.ledger.merkle import frontier_of, leaf_hash
from gatecheck.ledger.store import CHECKPOINTS
from gatecheck.ledger.verify import Recall, verify
from gatecheck.model.canonical import digest
from gatecheck.text.diagnostic import Diagnostic, LedgerError
from gatecheck.trust import note as notes
from gatecheck.trust.key import SigningKey


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    """A world whose ledger gets a checkpoint every four entries."""
    monkeypatch.setattr(checkpoints, "EVERY_ENTRIES", 4)
    return World(tmp_path)


def saved(world: World, key: SigningKey | None = None) -> list[Saved]:
    """Return a writer's checkpoints, oldest first."""
    store, writer = world.open().store, writer_of((key or world.key).public)
    tip = store.tips(CHECKPOINTS).get(writer)
    commits = store.commits(tip) if tip is not None else iter(())
    return [load(store, parse_commit(writer, oid, raw)) for oid, raw in commits][::-1]


def sizes(world: World) -> list[int]:
    return [each.says.size for each in saved(world)]


def mark(world: World) -> str:
    """Return the name of the ref of the world's checkpoints."""
    return f"refs/heads/checkpoints/{writer_of(world.key.public)}"


def entries(world: World) -> list[Entry]:
    ledger = world.open()
    return list(ledger.history(*next(iter(ledger.writers().items()))))[::-1]


def codes(world: World, recall: Recall = lambda origin: ()) -> list[str]:
    return [p.code for p in verify(world.open(create=False), recall=recall).problems]


def whats(world: World) -> list[tuple[str, str]]:
    return [(p.code, p.what) for p in world.verify().problems]


def copy(world: World, name: str) -> World:
    """Return a world of the same key with a copy of the ledger, which then goes its own way; it remembers nothing."""
    folder = world.folder / name
    folder.mkdir()
    shutil.copytree(world.path, folder / "ledger")
    shutil.copy(world.folder / "key", folder / "key")
    return World(folder)


def take(world: World, other: World, *kinds: str) -> None:
    """Put another ledger's refs in the place of the world's."""
    for kind in kinds or ("ledger", "checkpoints"):
        world.git("fetch", "-q", str(other.path), f"+refs/heads/{kind}/*:refs/heads/{kind}/*")


def forge(world: World, changes: dict[str, bytes | None], key: SigningKey | None = None, **trailers: str) -> None:
    """Put another checkpoint in the place of the newest, signed: its tree with changes, and trailers."""
    store, newest = world.open().store, saved(world)[-1].entry
    tree = store.write_changes(newest.tree, changes)
    raw = store.file(tree, "checkpoint") or b""
    before = saved(world)[-2].entry.chain if newest.parent else "sha256:" + "0" * 64
    made = {"Gatecheck-Kind": "checkpoint", "Gatecheck-Size": read_note(raw)[0].text.split("\n")[1]}
    made |= identity(newest.seq, digest(raw), chained(before, digest(raw))) | trailers
    commit = signed_commit(tree, newest.parent, newest.at, format_message("CHECKPOINT", made), key or world.key)
    world.git("update-ref", mark(world), store.write_commit(commit))
    world.forget()


# When


def test_one_comes_with_the_first_entry_and_then_every_so_many(world: World) -> None:
    for number in range(1, 12):
        world.append(number)
    assert sizes(world) == [2, 6, 10]
    assert world.verify().problems == ()


def test_one_comes_when_a_minute_has_passed_by_the_times_recorded(world: World) -> None:
    for number, seconds in enumerate((0, 59, 60, 61, 119, 120)):
        world.open().append(record(number), world.key, AT + timedelta(seconds=seconds))
    assert [(each.says.size, (each.entry.at - AT).seconds) for each in saved(world)] == [(2, 0), (4, 60), (7, 120)]


def test_a_batch_has_one_at_its_end(world: World) -> None:
    world.open().append_batch([record(number) for number in range(11)], world.key, AT)
    assert sizes(world) == [12]


def test_one_comes_when_it_is_asked_for_unless_nothing_is_new(world: World) -> None:
    world.append(1, 2)
    made = world.open().checkpoint(world.key, AT)
    assert made is not None
    assert (made.says.size, sizes(world)) == (3, [2, 3])
    assert world.open().checkpoint(world.key, AT + timedelta(days=1)) is None
    assert world.verify().problems == ()


def test_entering_reads_no_more_entries_than_are_new(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.append(*range(9))
    read = []

    def leaf_of(entry: Entry) -> bytes:
        read.append(entry.seq)
        return leaf_hash(leaf_data(entry))

    monkeypatch.setattr(checkpoints, "leaf_of", leaf_of)
    world.append(9, 10, 11, 12, 13)
    assert read == [13, 12, 11, 10, 9]  # once, back to the last one that a checkpoint covers
    assert sizes(world) == [2, 6, 10, 14]


def test_each_writer_has_its_own(world: World) -> None:
    other = world.make_key("other")
    world.append(1, 2, 3)
    world.append(1, 4, key=other)
    assert (len(saved(world)), len(saved(world, other))) == (1, 1)
    assert saved(world)[0].says.origin != saved(world, other)[0].says.origin
    assert world.verify().problems == ()


def test_two_ledgers_of_one_key_have_two_origins(world: World) -> None:
    other = World(world.folder / "other")
    world.append(1)
    other.open().append(record(1), world.key, AT)
    assert saved(world)[0].says.origin != saved(other, world.key)[0].says.origin


def test_a_ledger_of_the_first_form_gets_one_with_its_next_entry(tmp_path: Path) -> None:
    world = unpacked("ledger-1", tmp_path)
    (old,) = world.open().writers()
    world.append(1)
    assert world.verify().problems == ()
    assert f"checkpoints/{old}" not in world.git("for-each-ref", "--format=%(refname:short)")
    assert len(saved(world)) == 1


# What stock tools see


def test_git_verifies_each_commit_and_shows_the_note_and_the_tiles(world: World) -> None:
    world.append(*range(12))
    signers = world.folder / "signers"
    signers.write_text(f'release namespaces="git" {world.key.public_line}\n')
    commits = world.git("rev-list", mark(world)).split()
    assert len(commits) == 3
    world.git("-c", f"gpg.ssh.allowedSignersFile={signers}", "verify-commit", *commits)
    assert world.fsck() == ""
    assert world.git("ls-tree", "-r", "--name-only", mark(world)).split() == ["checkpoint", "tile/0/000.p/10"]
    text, _, signature = world.git_bytes("show", f"{mark(world)}:checkpoint").decode().partition("\n\n")
    origin, size, root = text.split("\n")
    first = entries(world)[0].id
    assert (origin, size) == (f"gatecheck/{first[:16]}", "10")
    assert signature.startswith(f"\u2014 {origin} ")
    leaves = [sha256(b"\0" + leaf_data(entry)).digest() for entry in entries(world)[:10]]
    assert world.git_bytes("show", f"{mark(world)}:tile/0/000.p/10") == b"".join(leaves)
    assert b64decode(root) == frontier_of(leaves).root()
    assert world.git("symbolic-ref", "HEAD") == f"refs/heads/ledger/{writer_of(world.key.public)}"


def test_a_leaf_is_what_the_documentation_says(world: World) -> None:
    (entry,) = world.append(1)
    signature = entry.trailers["Gatecheck-Sig"].split(" ")[1]
    text = f'{{"id":"{entry.id}","seq":1,"signature":"{signature}","statement":"sha256:{entry.id}"}}'
    assert leaf_data(entry).decode() == text


def test_full_tiles_stay_and_partial_ones_go(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.open()
    world.git("config", "core.fsyncObjectFiles", "false")  # nobody cuts the power here
    for numbers in (range(100), range(100, 255), range(255, 520)):
        world.open().append_batch([record(number) for number in numbers], world.key, AT)
    assert sizes(world) == [101, 521]
    world.open().checkpoint(world.key, AT)
    assert world.git("ls-tree", "-r", "--name-only", f"{mark(world)}~").split() == ["checkpoint", "tile/0/000.p/101"]
    names = world.git("ls-tree", "-r", "--name-only", mark(world)).split()
    assert names == ["checkpoint", "tile/0/000", "tile/0/001", "tile/0/002.p/9", "tile/1/000.p/2"]
    assert world.verify().problems == ()


# Attacks


def test_a_tail_that_was_cut_off_is_told_by_a_checkpoint_that_covers_it(world: World) -> None:
    world.append(*range(9))
    world.git("update-ref", "HEAD", "HEAD~2")
    world.forget()
    what = "the history was cut: it covers entries up to #9, and the ledger ends with #7"
    assert whats(world) == [("GC743", what)]
    with pytest.raises(LedgerError) as raised:
        world.append(20)
    message = "the history was cut: its newest checkpoint is up to #9, and it ends with #7"
    hint = "`gatecheck ledger verify` tells more"
    assert raised.value.diagnostics == (Diagnostic("GC743", message, file=str(world.path), hint=hint),)


def test_checkpoints_that_were_cut_off_with_the_tail_are_told_by_memory(world: World) -> None:
    world.append(*range(9))
    world.git("update-ref", "HEAD", "HEAD~4")
    world.git("update-ref", mark(world), f"{mark(world)}~")
    assert codes(world) == ["GC714", "GC743"]
    world.forget()
    assert codes(world) == []


def test_entries_written_anew_by_the_right_key_do_not_fit_the_checkpoints(world: World) -> None:
    world.append(1, 2, 3, 4, 5)
    other = copy(world, "other")
    world.append(6, 7, 8, 9, 10)
    other.append(16, 17, 18, 19, 20)
    take(world, other, "ledger")
    world.forget()
    report = world.verify()
    what = "the entries up to #9 do not have the root that was signed; those up to #5 do"
    assert [(p.code, p.what) for p in report.problems] == [("GC742", what)]
    newest = saved(world)[-1].entry
    place = f"entry {newest.id[:12]} (#2 of checkpoints/{newest.writer})"
    assert report.problems[0].diagnostic() == Diagnostic("GC742", what, file=place)


def test_a_history_that_was_signed_anew_with_its_checkpoints_is_told_to_who_saw_the_other(world: World) -> None:
    world.append(1, 2, 3, 4, 5)
    other = copy(world, "other")
    world.append(6, 7, 8, 9)
    other.append(16, 17, 18, 19, 20, 21, 22, 23, 24)  # longer: no rollback
    seen = saved(world)[-1]
    assert other.verify().problems == ()
    # Another verifier, who has seen the first history, sends a checkpoint of it.
    assert codes(other, lambda origin: [("auditor", seen.note)] if origin == seen.says.origin else []) == ["GC744"]
    # This machine has seen it itself.
    take(world, other)
    assert codes(world) == ["GC714", "GC744"]
    # Even where the entry that was seen last had not been covered.
    world.forget()
    world.open().memory.save({}, {writer_of(world.key.public): seen.note})
    assert codes(world) == ["GC744"]
    with pytest.raises(LedgerError) as raised:
        world.append(30)
    what = "this is another history than the one that was signed before: this machine has seen a checkpoint up to #9"
    hint = "find out who changed the ledger; `gatecheck ledger verify` tells more"
    message = f"{what} that does not fit these entries"
    assert raised.value.diagnostics == (Diagnostic("GC744", message, file=str(world.path), hint=hint),)


def test_checkpoints_that_were_taken_away_are_told_by_memory_or_once_one_is_overdue(world: World) -> None:
    world.append(1, 2, 3)
    world.git("update-ref", "-d", mark(world))
    what = "checkpoints were taken away: this machine has seen one up to #1, and now there is none"
    assert whats(world) == [("GC743", what)]
    with pytest.raises(LedgerError):
        world.append(4)
    world.forget()
    assert whats(world) == []  # a machine may have died just before the first
    other = copy(world, "other")
    other.append(4, 5, 6, 7)
    take(world, other, "ledger")
    what = "no checkpoint covers the entries from #0 to #7, and one comes every 4"
    assert whats(world) == [("GC740", what)]
    world.open().checkpoint(world.key, AT)
    assert world.verify().problems == ()


def test_entries_that_are_gone_while_their_checkpoints_are_not_are_told(world: World) -> None:
    world.append(1, key=world.make_key("other"))
    world.append(1)
    writer = writer_of(world.key.public)
    world.git("update-ref", "-d", f"refs/heads/ledger/{writer}")
    world.forget()
    assert whats(world) == [("GC743", "there are checkpoints of this writer, and its entries are gone")]


def test_a_checkpoint_by_another_key_is_forged(world: World) -> None:
    world.append(*range(5))
    other = world.make_key("other")
    newest = saved(world)[-1]
    theirs = notes.unsigned(newest.note.text).signed(newest.says.origin, other)
    forge(world, {"checkpoint": theirs.bytes()})
    assert whats(world) == [("GC741", f"the checkpoint is not signed by {world.key.fingerprint}")]
    with pytest.raises(LedgerError) as raised:
        world.append(*range(10, 14))
    assert [d.code for d in raised.value.diagnostics] == ["GC741"]


def test_a_commit_by_another_key_is_forged(world: World) -> None:
    world.append(1)
    newest = saved(world)[-1].entry
    lines = world.git_bytes("cat-file", "commit", newest.commit).split(b"\n")
    place = next(n for n, line in enumerate(lines) if line.startswith(b" ") and len(line) > 60)
    lines[place] = lines[place][:40] + (b"A" if lines[place][40:41] != b"A" else b"B") + lines[place][41:]
    world.git("update-ref", mark(world), world.open().store.write_commit(b"\n".join(lines)))
    world.forget()
    assert codes(world) == ["GC741"]


def test_a_root_that_is_signed_but_not_that_of_the_entries_is_told(world: World) -> None:
    world.append(*range(5))
    origin = saved(world)[-1].says.origin
    lie = checkpoints.Checkpoint(origin, 6, bytes(32))
    forge(world, {"checkpoint": notes.unsigned(lie.text).signed(origin, world.key).bytes()})
    assert whats(world) == [("GC742", "the entries up to #5 do not have the root that was signed; those up to #1 do")]
    with pytest.raises(LedgerError) as raised:
        world.append(*range(10, 14))
    message = "the newest checkpoint can't be built on: its tiles do not have the root that it gives"
    assert raised.value.diagnostics[0].message == message


@pytest.mark.parametrize(("changes", "where", "what"), [
    ({"tile/0/000.p/6": bytes(192)}, "tile/0/000.p/6", "it does not hold the hashes of these entries"),
    ({"tile/0/000.p/6": None}, "tile/0/000.p/6", "it is missing from the checkpoint"),
    ({"tile/0/001": bytes(8192)}, "tile/0/001", "it does not belong in the checkpoint"),
    ({"notes.txt": b""}, "notes.txt", "it does not belong in the checkpoint"),
])  # fmt: skip
def test_tiles_that_are_not_those_of_the_tree_are_told(
    world: World, changes: dict[str, bytes | None], where: str, what: str
) -> None:
    world.append(*range(5))
    forge(world, changes)
    assert [(p.code, p.where, p.what) for p in world.verify().problems] == [("GC745", where, what)]


def test_a_tile_of_an_older_checkpoint_counts_too(world: World) -> None:
    world.append(*range(5))
    forge(world, {"tile/0/000.p/6": bytes(192)})
    newest = saved(world)[-1].entry
    store = world.open().store
    good = b"".join(leaf_hash(leaf_data(entry)) for entry in entries(world))
    tree = store.write_changes(newest.tree, {"tile/0/000.p/6": good})
    before = world.git("rev-parse", mark(world))
    world.append(5)
    world.git("update-ref", mark(world), before)
    hashes = good + leaf_hash(leaf_data(entries(world)[6]))
    says = checkpoints.Checkpoint(saved(world)[-1].says.origin, 7, frontier_of(_split(hashes)).root())
    raw = notes.unsigned(says.text).signed(says.origin, world.key).bytes()
    tree = store.write_changes(tree, {"tile/0/000.p/6": None, "tile/0/000.p/7": hashes, "checkpoint": raw})
    trailers = {"Gatecheck-Kind": "checkpoint", "Gatecheck-Size": "7"}
    trailers |= identity(2, digest(raw), chained(newest.chain, digest(raw)))
    made = signed_commit(tree, before, AT, format_message("CHECKPOINT", trailers), world.key)
    world.git("update-ref", mark(world), store.write_commit(made))
    world.forget()
    assert [(p.code, p.seq, p.where) for p in world.verify().problems] == [("GC745", 1, "tile/0/000.p/6")]


def _split(hashes: bytes) -> list[bytes]:
    return [hashes[at : at + 32] for at in range(0, len(hashes), 32)]


def test_a_flipped_byte_of_a_tile_on_disk_is_told(world: World) -> None:
    world.append(*range(5))
    oid = world.git("rev-parse", f"{mark(world)}:tile/0/000.p/6")
    file = world.path / "objects" / oid[:2] / oid[2:]
    file.chmod(0o644)
    raw = bytearray(file.read_bytes())
    raw[-9] ^= 1
    file.write_bytes(bytes(raw))
    assert codes(world) == ["GC745"]


def test_a_checkpoint_of_another_ledger_of_the_same_key_is_told(world: World) -> None:
    world.append(*range(5))
    other = World(world.folder / "other")
    other.open().append_batch([record(number) for number in range(5)], world.key, AT)
    take(world, other, "checkpoints")
    world.forget()
    ours, theirs = entries(world)[0].id[:16], entries(other)[0].id[:16]
    what = f"it is a checkpoint of `gatecheck/{theirs}`, and this is `gatecheck/{ours}`"
    assert [p for p in whats(world) if p[0] == "GC745"] == [("GC745", what)]


def test_an_older_checkpoint_put_on_top_again_is_told(world: World) -> None:
    world.append(*range(9))
    first = saved(world)[0]
    store, newest = world.open().store, saved(world)[-1].entry
    trailers = {"Gatecheck-Kind": "checkpoint", "Gatecheck-Size": "2"}
    trailers |= identity(newest.seq + 1, first.entry.statement, chained(newest.chain, first.entry.statement))
    made = signed_commit(first.entry.tree, newest.commit, AT, format_message("CHECKPOINT", trailers), world.key)
    world.git("update-ref", mark(world), store.write_commit(made))
    world.forget()
    what = "it covers entries up to #1, no more than the one before it"
    assert whats(world) == [("GC745", what)]


def test_an_entry_in_the_place_of_a_checkpoint_and_the_other_way_round_are_told(world: World) -> None:
    world.append(*range(5))
    newest = saved(world)[-1].entry.commit
    world.git("update-ref", mark(world), "HEAD")
    world.forget()
    assert set(codes(world)) == {"GC740", "GC745"}
    with pytest.raises(LedgerError) as raised:
        world.append(9)
    assert raised.value.diagnostics[0].code == "GC745"
    world.git("update-ref", mark(world), newest)
    world.git("update-ref", "HEAD", newest)
    assert "GC730" in codes(world)


# The commands


def run(world: World, *arguments: str) -> Result:
    environment = {"XDG_STATE_HOME": str(world.folder / "xdg"), "XDG_CONFIG_HOME": str(world.folder)}
    return CliRunner().invoke(command, arguments, env=environment | {"GATECHECK_KEY": ""})


def shown(result: Result) -> str:
    if result.exception is not None:
        raise result.exception
    return result.stdout


def message(result: Result) -> Any:
    assert isinstance(result.exception, Exception)
    return result.exception.diagnostics[0]  # type: ignore[attr-defined]


def test_the_command_signs_one(world: World) -> None:
    world.append(1, 2)
    arguments = ("checkpoint", "--key", str(world.folder / "key"), "--ledger", str(world.path))
    assert (
        shown(run(world, *arguments)) == f"signed a checkpoint of checkpoints/{writer_of(world.key.public)} up to #2\n"
    )
    assert shown(run(world, *arguments)) == "the newest checkpoint covers every entry already\n"


def test_the_command_says_who_has_nothing_to_sign(world: World) -> None:
    world.append(1)
    other = world.make_key("other")
    arguments = ("checkpoint", "--key", str(world.folder / "other"), "--ledger", str(world.path))
    text = f"the key {other.fingerprint} has entered nothing here, so there is nothing for it to sign"
    hint = "name the writer's key with `--key`"
    assert message(run(world, *arguments)) == Diagnostic("GC749", text, file=str(world.path), hint=hint)
    hint = "name the key that signs, or set `key` in gatecheck.yaml"
    assert message(run(world, "checkpoint", "--ledger", str(world.path))) == Diagnostic(
        "GC801", "`--key` is missing", hint=hint
    )


def test_verify_takes_checkpoints_that_others_saw(world: World) -> None:
    world.append(*range(5))
    file = world.folder / "theirs"
    file.write_bytes(world.git_bytes("show", f"{mark(world)}~:checkpoint"))
    arguments = ("verify", "--ledger", str(world.path), "--checkpoint", str(file))
    assert "    2 checkpoints up to #5\n" in shown(run(world, *arguments))
    other = copy(world, "other")
    world.append(*range(10, 14))
    other.append(*range(20, 24))
    file.write_bytes(other.git_bytes("show", f"{mark(world)}:checkpoint"))
    text = f"this is another history than the one that was signed before: {file} has seen a checkpoint up to #9"
    assert message(run(world, *arguments)).message == f"{text} that does not fit these entries"
    strange = World(world.folder / "strange")
    strange.append(1)
    file.write_bytes(strange.git_bytes("show", f"{mark(strange)}:checkpoint"))
    text = f"this is a checkpoint of `{saved(strange)[0].says.origin}`, which this ledger does not hold"
    hint = "name the ledger that it is of with `--ledger`"
    assert message(run(world, *arguments)) == Diagnostic("GC746", text, file=str(file), hint=hint)
    file.write_text("nothing\n")
    assert message(run(world, *arguments)).code == "GC746"


def test_what_git_packed_is_read_and_built_on(world: World) -> None:
    world.append(*range(5))
    subprocess.run(["git", "-C", str(world.path), "gc", "-q"], check=True)
    world.append(*range(5, 9))
    assert sizes(world) == [2, 6, 10]
    assert world.verify().problems == ()
