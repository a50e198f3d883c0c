"""Reading: order, ranges, names, files, envelopes, and which promotions count."""

from datetime import timedelta
from pathlib import Path

import pytest
from ledger_world import ARTIFACT, AT, PACK, World, record

from gatecheck.ledger.entry import format_message, signed_commit
from gatecheck.text.diagnostic import Diagnostic, InputError, LedgerError
from gatecheck.trust.dsse import open_envelope
from gatecheck.trust.signers import only

OTHER = "sha512:" + "b" * 128


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def seqs(world: World, span: str = "", *, oldest_first: bool = False) -> list[int]:
    return [entry.seq for entry in world.open().entries(span, oldest_first=oldest_first)]


def told(raised: "pytest.ExceptionInfo[InputError]") -> tuple[str, str, str]:
    (diagnostic,) = raised.value.diagnostics
    return diagnostic.code, diagnostic.message, diagnostic.hint


def test_entries_in_both_orders_and_in_ranges(world: World) -> None:
    entries = world.append(*range(1, 7))
    assert seqs(world) == [6, 5, 4, 3, 2, 1]
    assert seqs(world, oldest_first=True) == [1, 2, 3, 4, 5, 6]
    assert seqs(world, "2..4") == [4, 3, 2]
    assert seqs(world, f"{entries[1].id[:12]}..#4", oldest_first=True) == [2, 3, 4]
    assert seqs(world, "5..") == [6, 5]
    assert seqs(world, "..2") == [2, 1]
    assert seqs(world, "3..3") == [3]
    with pytest.raises(InputError) as raised:
        seqs(world, "4..2")
    assert told(raised) == ("GC716", "the range `4..2` ends before it begins", "write the older entry first")
    with pytest.raises(InputError) as raised:
        seqs(world, "4-2")
    assert told(raised) == ("GC716", "`4-2` is not a range", "write it as `A..B`, each an id or a sequence number")


def test_entries_of_several_keys_are_merged_by_time(world: World) -> None:
    ledger, other = world.open(), world.make_key("other")
    for minute in range(6):
        key = other if minute % 2 else world.key
        ledger.append(record(minute), key, AT + timedelta(minutes=minute))
    assert [entry.at.minute for entry in ledger.entries()] == [5, 4, 3, 2, 1, 0]
    assert len(ledger.writers()) == 2
    with pytest.raises(InputError) as raised:
        ledger.find("2")
    assert told(raised)[1].startswith("`2` names 2 entries: ")


def test_an_entry_is_found_by_id_prefix_and_number(world: World) -> None:
    entries = world.append(*range(1, 30))
    ledger = world.open()
    wanted = entries[11]
    for name in (wanted.id, wanted.id[:12], wanted.id[:12].upper(), f"sha256:{wanted.id[:8]}", "#12"):
        assert ledger.find(name) == wanted
    assert ledger.find("12") == wanted
    assert ledger.find("29") == entries[28]


@pytest.mark.parametrize("name", ["", "abc", "xyz1", "#", "#abcd", "-1", "sha256:12", "0" * 65])
def test_what_cannot_name_an_entry_is_told(world: World, name: str) -> None:
    world.append(1)
    with pytest.raises(InputError) as raised:
        world.open().find(name)
    hint = "name it by at least four digits of its id, or by its sequence number"
    assert told(raised) == ("GC715", f"`{name}` does not name an entry", hint)


@pytest.mark.parametrize("name", ["99", "#0", "0", "abcdef0123456789"])
def test_an_entry_that_does_not_exist_is_told(world: World, name: str) -> None:
    world.append(1)
    with pytest.raises(InputError) as raised:
        world.open().find(name)
    assert told(raised) == ("GC715", f"there is no entry `{name}`", "`gatecheck ledger log` lists the entries")


def test_an_ambiguous_prefix_names_the_entries(world: World) -> None:
    from hashlib import sha256

    seen: dict[str, int] = {}
    number = 0
    while True:
        prefix = sha256(record(number).statement).hexdigest()[:4]
        if prefix in seen:
            break
        seen[prefix] = number
        number += 1
    old, new = world.append(seen[prefix], number)
    with pytest.raises(InputError) as raised:
        world.open().find(prefix)
    shown = ", ".join(f"{e.id[:12]} (#{e.seq} of {e.writer[:8]})" for e in (new, old))
    assert told(raised) == ("GC716", f"`{prefix}` names 2 entries: {shown}", "write more digits of the id")


def test_every_recorded_file_is_read_back(world: World) -> None:
    made = record(1)
    (entry,) = world.append(1)
    ledger = world.open()
    assert ledger.statement(entry) == made.statement
    assert ledger.request(entry) == made.request
    assert ledger.pack(entry) == PACK
    assert ledger.file(entry, "pack/shared/groups.gate") == PACK["shared/groups.gate"]
    assert open_envelope(ledger.envelope(entry), world.key.public) == made.statement


@pytest.mark.parametrize("path", ["pack", "nothing", "statement.json/more", "pack/none.gate", "", "../config"])
def test_a_file_that_an_entry_does_not_hold_is_told(world: World, path: str) -> None:
    (entry,) = world.append(1)
    with pytest.raises(InputError) as raised:
        world.open().file(entry, path)
    assert told(raised) == ("GC715", f"entry {entry.id[:12]} holds no file `{path}`", "")


def test_a_broken_history_is_told_where_it_is_read(world: World) -> None:
    entries = world.append(1, 2, 3)
    oid = entries[0].commit
    (world.path / "objects" / oid[:2] / oid[2:]).unlink()
    with pytest.raises(LedgerError) as raised:
        list(world.open().entries())
    message = f"the ledger is broken: git object {oid} is missing"
    expected = Diagnostic("GC713", message, file=str(world.path), hint="`gatecheck ledger verify`")
    assert raised.value.diagnostics == (expected,)
    with pytest.raises(LedgerError):
        world.open().allowed(ARTIFACT, "production")


# Promotions


def test_only_allows_of_that_artifact_into_that_environment_count(world: World) -> None:
    ledger = world.open()
    made = [
        record(1, "deny"), record(2, "allow", "staging"), record(3, "allow"), record(4, "pending"),
        record(5, "allow", artifact=OTHER), record(6, "allow"),
    ]  # fmt: skip
    entries = [ledger.append(one, world.key, AT + timedelta(hours=n)) for n, one in enumerate(made)]
    assert ledger.allowed(ARTIFACT, "production") == [entries[2], entries[5]]
    assert ledger.allowed(ARTIFACT, "staging") == [entries[1]]
    assert ledger.allowed(OTHER, "production") == [entries[4]]
    assert ledger.allowed(ARTIFACT, "dev") == []
    assert ledger.allowed(ARTIFACT[:-1], "production") == []


def test_a_forged_commit_does_not_promote(world: World) -> None:
    (denied,) = world.open().append_batch([record(1, "deny")], world.key, AT)
    trailers = dict(denied.trailers) | {"Gatecheck-Verdict": "allow", "Gatecheck-Seq": "2"}
    # By the key's own holder, over the statement of a deny.
    raw = signed_commit(denied.tree, denied.commit, AT, format_message("ALLOW", trailers), world.key)
    world.git("update-ref", "HEAD", world.git("hash-object", "-t", "commit", "-w", "--stdin", stdin=raw))
    assert world.open().allowed(ARTIFACT, "production") == []


def test_a_message_that_was_changed_after_signing_does_not_promote(world: World) -> None:
    (entry,) = world.append(1)
    assert len(world.open().allowed(ARTIFACT, "production")) == 1
    raw = world.git_bytes("cat-file", "commit", entry.commit)
    forged = raw.replace(b"\n\nALLOW", b"\n\nALLOWED")
    world.git("update-ref", "HEAD", world.git("hash-object", "-t", "commit", "-w", "--stdin", stdin=forged))
    assert world.open().allowed(ARTIFACT, "production") == []


def test_with_a_trust_of_ones_own_a_ref_that_a_stranger_added_does_not_promote(world: World) -> None:
    (mine,) = world.append(1)
    stranger = world.make_key("stranger")
    (theirs,) = world.append(2, key=stranger)
    ledger = world.open()
    assert {entry.id for entry in ledger.allowed(ARTIFACT, "production")} == {mine.id, theirs.id}
    assert ledger.allowed(ARTIFACT, "production", only(world.key.public, "own key")) == [mine]
