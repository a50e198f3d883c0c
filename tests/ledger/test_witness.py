"""Witnesses: they vouch for what only grew, remember it wherever a copy lies, and readers count them."""

import shutil
from datetime import timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from ledger_world import AT, World, git_environment, record

from gatecheck.cli.ledger import command
from gatecheck.ledger.checkpoint import read_note
from gatecheck.ledger.entry import format_message, parse_commit, signed_commit, writer_of
from gatecheck.ledger.verify import verify
from gatecheck.ledger.witness import Wanted, read_cosigned
from gatecheck.text.diagnostic import Diagnostic, InputError, LedgerError, ProblemError
from gatecheck.trust.signers import parse_signers

NAME = "example.org/witness"


@pytest.fixture
def world(tmp_path: Path) -> World:
    made = World(tmp_path)
    made.make_key("witness")
    made.open().append_batch([record(number) for number in range(3)], made.key, AT)
    return made


def run(world: World, *arguments: str, state: str = "witness-state") -> Result:
    environment = git_environment() | {"XDG_STATE_HOME": str(world.folder / state), "GATECHECK_KEY": ""}
    return CliRunner().invoke(command, arguments, env=environment)


def witness(world: World, name: str = NAME, key: str = "witness", path: Path | None = None) -> Result:
    return run(world, "witness", str(path or world.path), "--key", str(world.folder / key), "--name", name)


def told(result: Result) -> list[tuple[str, str]]:
    assert isinstance(result.exception, ProblemError)
    return [(d.code, d.message) for d in result.exception.diagnostics]


def ref(world: World, key: str = "witness") -> str:
    return f"refs/heads/witness/{writer_of(world.make_key(key).public)}"


def wanted(world: World, *keys: str, least: int = 1, option: str = "") -> Wanted:
    lines = [f"{NAME} {option}{world.make_key(key).public_line}" for key in keys]
    return Wanted(parse_signers("\n".join(lines), "witnesses"), least)


def grow(world: World, *numbers: int) -> None:
    world.open().append_batch([record(number) for number in numbers], world.key, AT + timedelta(hours=numbers[0]))


def test_a_witness_cosigns_what_is_new_and_nothing_twice(world: World) -> None:
    origin = read_cosigned  # the origin is that of the checkpoint
    writer = writer_of(world.key.public)
    note, says = read_note(world.git_bytes("show", f"refs/heads/checkpoints/{writer}:checkpoint"))
    assert witness(world).stdout == f"cosigned {says.origin} up to #3 as {NAME}\n"
    assert witness(world).stdout == "the newest checkpoints are cosigned already\n"
    (each,) = origin(world.open().store, [])
    assert (each.name, each.key, each.says) == (NAME, world.make_key("witness").public, says)
    assert each.note.text == note.text
    grow(world, 4, 5)
    assert witness(world).stdout == f"cosigned {says.origin} up to #5 as {NAME}\n"
    assert world.git("rev-list", "--count", ref(world)) == "2"
    assert world.git("ls-tree", "--name-only", ref(world)) == writer
    assert world.verify().problems == ()
    assert world.fsck() == ""


def test_its_commits_are_what_git_verifies(world: World) -> None:
    witness(world)
    signers = world.folder / "signers"
    signers.write_text(f'{NAME} namespaces="git" {world.make_key("witness").public_line}\n')
    world.git("-c", f"gpg.ssh.allowedSignersFile={signers}", "verify-commit", ref(world))


def test_it_does_not_vouch_for_another_history_wherever_that_lies(world: World) -> None:
    elsewhere = World(world.folder / "elsewhere")
    shutil.copytree(world.path, elsewhere.path)
    grow(world, 4, 5)
    assert witness(world).exception is None
    elsewhere.open().append_batch([record(7), record(8)], world.key, AT + timedelta(hours=7))
    before = "this is another history than the one that was signed before"
    message = f"{before}: this witness has seen a checkpoint up to #5 that does not fit these entries"
    assert told(witness(world, path=elsewhere.path)) == [("GC744", message)]
    assert "witness" not in elsewhere.git("for-each-ref")


def test_it_does_not_vouch_for_less_than_it_has_seen(world: World) -> None:
    old = World(world.folder / "old")
    shutil.copytree(world.path, old.path)
    grow(world, 4, 5)
    witness(world)
    message = "the history was cut: this witness has seen a checkpoint up to #5, and now it ends with #3"
    assert told(witness(world, path=old.path)) == [("GC743", message)]


def test_it_does_not_vouch_for_what_is_broken(world: World) -> None:
    world.git("update-ref", "HEAD", "HEAD~1")
    assert [code for code, _ in told(witness(world))] == ["GC743"]


def test_a_cosignature_tells_others_of_a_history_that_was_written_anew(world: World) -> None:
    other = World(world.folder / "other")
    shutil.copytree(world.path, other.path)
    grow(world, 4, 5)
    witness(world)
    other.open().append_batch([record(n) for n in (7, 8, 9)], world.key, AT + timedelta(hours=7))
    other.git("fetch", "-q", str(world.path), "refs/heads/witness/*:refs/heads/witness/*")
    before = "this is another history than the one that was signed before"
    message = f"{before}: the witness {NAME} has seen a checkpoint up to #5 that does not fit these entries"
    report = verify(other.open(memory="another"))
    assert [(p.code, p.what) for p in report.problems] == [("GC744", message)]


def test_readers_count_the_witnesses_that_they_name(world: World) -> None:
    def codes(asked: Wanted) -> list[str]:
        return [p.code for p in verify(world.open(), witnesses=asked).problems]

    assert codes(wanted(world, "witness")) == ["GC748"]
    witness(world)
    assert codes(wanted(world, "witness")) == []
    assert codes(wanted(world, "other")) == ["GC748"]
    assert codes(wanted(world, "witness", "other", least=2)) == ["GC748"]
    witness(world, key="other")
    assert codes(wanted(world, "witness", "other", least=2)) == []
    assert codes(wanted(world, "witness", option='valid-before="20200101Z" ')) == ["GC748"]
    assert codes(wanted(world, "witness", option='namespaces="git" ')) == ["GC748"]
    assert codes(wanted(world, "witness", option='namespaces="cosignature/v1" ')) == []
    strange = Wanted(parse_signers(f"someone {world.make_key('witness').public_line}", "witnesses"))
    assert codes(strange) == ["GC748"]


def test_verify_says_who_witnessed_up_to_where(world: World) -> None:
    witness(world)
    grow(world, 4, 5)
    file = world.folder / "witnesses"
    file.write_text(f"{NAME} {world.make_key('witness').public_line}\n")
    shown = run(world, "verify", "--ledger", str(world.path), "--witness", str(file)).stdout
    assert f"    2 checkpoints up to #5\n    witnessed up to #3 by {NAME} at " in shown
    result = run(world, "verify", "--ledger", str(world.path), "--witness", str(file), "--witnesses", "2")
    message = f"1 witness of {file} cosigned a checkpoint of it, and at least 2 must have"
    place = f"checkpoints/{writer_of(world.key.public)}"
    assert isinstance(result.exception, LedgerError)
    assert result.exception.diagnostics == (Diagnostic("GC748", message, file=place),)


def test_a_witness_s_ref_that_another_wrote_is_told(world: World) -> None:
    witness(world)
    store, oid = world.open().store, world.git("rev-parse", ref(world))
    name = ref(world).rpartition("/")[2]
    entry = parse_commit(name, oid, store.commit(oid))
    message = format_message("WITNESS", dict(entry.trailers))
    raw = signed_commit(entry.tree, "", AT, message, world.make_key("other"))
    raw = raw.replace(writer_of(world.make_key("other").public).encode(), name.encode())
    world.git("update-ref", ref(world), store.write_commit(raw))
    assert [(p.code, p.what) for p in world.verify().problems] == [
        ("GC741", "the commit is not signed by this witness")
    ]
    tree = store.write_changes(entry.tree, {"x": b""})
    raw = signed_commit(tree, "", AT, message, world.make_key("witness"))
    world.git("update-ref", ref(world), store.write_commit(raw))
    what = "what it holds does not have the digest that the commit gives"
    report = world.verify()
    assert [(p.code, p.what) for p in report.problems] == [("GC745", what)]
    assert report.problems[0].diagnostic().file.endswith(f" of witness/{name}")


def test_a_ledger_without_checkpoints_has_nothing_to_cosign(world: World) -> None:
    writer = writer_of(world.key.public)
    world.git("update-ref", "-d", f"refs/heads/checkpoints/{writer}")
    assert told(witness(world)) == [("GC749", "the ledger has no checkpoint to cosign")]


def test_a_name_that_no_note_holds_is_refused(world: World) -> None:
    result = witness(world, name="a b")
    assert isinstance(result.exception, InputError)
    assert told(result) == [("GC801", "`a b` is no name for a key: it holds white space or `+`")]


def test_a_memory_that_is_damaged_stops_the_witness(world: World) -> None:
    witness(world)
    (file,) = (world.folder / "witness-state" / "gatecheck" / "witness").rglob("*.note")
    file.write_bytes(b"?")
    assert told(witness(world)) == [("GC719", "what this witness cosigned can't be read")]
