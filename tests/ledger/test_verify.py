"""Verifying: each way to tamper with a ledger, done by hand with git, and the problems that it must show.

Where the tampering is by the holder of the key, the commits after it are signed anew as well, so that only what the
records say of each other can give it away.
"""

import os
import re
import subprocess
from datetime import datetime
from pathlib import Path

import pytest
from ledger_world import ARTIFACT, AT, World, record

from gatecheck.ledger.entry import (
    Entry,
    chained,
    format_message,
    identity,
    parse_commit,
    signature_trailer,
    signed_commit,
    writer_of,
)
from gatecheck.ledger.record import Record
from gatecheck.ledger.verify import Report, verify
from gatecheck.model.canonical import digest
from gatecheck.text.diagnostic import Diagnostic, LedgerError
from gatecheck.trust import dsse, sshsig
from gatecheck.trust.key import SigningKey
from gatecheck.trust.signers import parse_signers

DIGEST = "its bytes do not have the digest that the commit gives"


@pytest.fixture
def world(tmp_path: Path) -> World:
    made = World(tmp_path)
    made.append(1, 2, 3)
    return made


def history(world: World) -> list[Entry]:
    """Return the ref's commits, oldest first."""
    (item,) = world.open().writers().items()
    return list(world.open().history(*item))[::-1]


def commit(
    world: World, parent: str, tree: str, trailers: dict[str, str], key: SigningKey | None = None, at: datetime = AT
) -> str:
    """Write a commit in the ledger's form, signed, and return its id."""
    raw = signed_commit(tree, parent, at, format_message("DENY payment-service", trailers), key or world.key)
    return world.git("hash-object", "-t", "commit", "-w", "--stdin", stdin=raw)


def point(world: World, oid: str, *, forget: bool = True) -> None:
    """Let the ref name a commit, and this machine forget what it saw."""
    world.git("update-ref", "HEAD", oid)
    if forget:
        world.forget()


def replant(world: World, entries: list[Entry], changes: dict[int, dict[str, str]]) -> None:
    """Chain these entries' commits anew from the first on, each signed by the key, with some trailers changed."""
    parent = entries[0].commit
    for entry in entries[1:]:
        parent = commit(world, parent, entry.tree, dict(entry.trailers) | changes.get(entry.seq, {}))
    point(world, parent)


def tree_with(world: World, base: str, **files: bytes | None) -> str:
    """Return a tree like ``base`` with files replaced, added or (``None``) removed."""
    lines = [line for line in world.git("ls-tree", base).split("\n") if line.split("\t")[1] not in files]
    for name, data in files.items():
        if data is not None:
            oid = world.git("hash-object", "-w", "--stdin", stdin=data)
            lines.append(f"100644 blob {oid}\t{name}")
    return world.git("mktree", stdin=("\n".join(lines) + "\n").encode())


def found(report: Report) -> list[tuple[str, int, str, str]]:
    return [(p.code, p.seq, p.what, p.where) for p in report.problems]


def test_a_whole_ledger_has_no_problems(world: World) -> None:
    report = world.verify()
    newest = history(world)[-1]
    assert report.problems == ()
    assert report.entries == 3
    assert report.trust == "the ledger's own trust file"
    (writer,) = report.writers
    assert (writer.name, writer.key, writer.entries) == (newest.writer, world.key.fingerprint, 3)
    assert writer.tip is not None
    assert writer.tip.commit == newest.commit


def test_an_empty_ledger_has_neither_entries_nor_problems(tmp_path: Path) -> None:
    report = verify(World(tmp_path).open())
    assert (report.entries, report.writers, report.problems) == (0, (), ())


def test_a_ledger_that_git_packed_verifies(world: World) -> None:
    world.git("gc", "-q")
    assert not any((world.path / "objects").glob("??/*"))
    assert world.verify().problems == ()
    assert [e.seq for e in world.append(4)] == [4]
    assert world.verify().problems == ()


# Tampering with content


def test_a_changed_statement_does_not_match_its_commit(world: World) -> None:
    entries = history(world)
    changed = record(2, "deny").statement
    tree = tree_with(world, entries[2].tree, **{"statement.json": changed})
    replant(world, [e._replace(tree=tree) if e.seq == 2 else e for e in entries], {})
    assert found(world.verify()) == [
        ("GC722", 2, DIGEST, "statement.json"),
        ("GC725", 2, f"the statement's signature is not by {world.key.fingerprint}", "statement.json"),
        ("GC730", 2, "the trailer `Gatecheck-Verdict` is not what the statement says", ""),
    ]


def test_a_statement_that_was_changed_with_its_trailers_breaks_the_chain_and_its_signature(world: World) -> None:
    entries = history(world)
    changed = record(2, "deny").statement
    tree = tree_with(world, entries[2].tree, **{"statement.json": changed})
    name = digest(changed)
    change = {"Gatecheck-Id": name[7:], "Gatecheck-Statement": name, "Gatecheck-Verdict": "deny"}
    replant(world, [e._replace(tree=tree) if e.seq == 2 else e for e in entries], {2: change})
    assert found(world.verify()) == [
        ("GC725", 2, f"the statement's signature is not by {world.key.fingerprint}", "statement.json"),
        ("GC724", 2, f"its chain value does not follow from entry {entries[1].id[:12]} before it", ""),
    ]


def test_a_changed_request_is_not_the_one_that_the_statement_names(world: World) -> None:
    entries = history(world)
    tree = tree_with(world, entries[2].tree, **{"request.json": b"{}"})
    replant(world, [e._replace(tree=tree) if e.seq == 2 else e for e in entries], {})
    what = "the request does not have the digest that the statement gives"
    assert found(world.verify()) == [("GC728", 2, what, "request.json")]


def test_a_changed_pack_is_not_the_one_that_the_statement_names(world: World) -> None:
    entries = history(world)
    inside = tree_with(world, f"{entries[2].tree}:pack", **{"payment.gate": b"environment production\n"})
    lines = [line for line in world.git("ls-tree", entries[2].tree).split("\n") if not line.endswith("\tpack")]
    listing = "\n".join([*lines, f"040000 tree {inside}\tpack"]) + "\n"
    tree = world.git("mktree", stdin=listing.encode())
    replant(world, [e._replace(tree=tree) if e.seq == 2 else e for e in entries], {})
    what = "the pack's files do not have the digest that the statement gives"
    assert found(world.verify()) == [("GC729", 2, what, "pack")]


def test_a_file_too_many_or_too_few_is_told(world: World) -> None:
    entries = history(world)
    tree = tree_with(world, entries[2].tree, **{"request.json": None, "notes.txt": b""})
    replant(world, [e._replace(tree=tree) if e.seq == 2 else e for e in entries], {})
    assert found(world.verify()) == [
        ("GC721", 2, "it is missing from the entry", "request.json"),
        ("GC721", 2, "it does not belong in the entry", "notes.txt"),
    ]


def test_a_forged_verdict_in_the_message_is_told(world: World) -> None:
    replant(world, history(world), {2: {"Gatecheck-Verdict": "deny"}})
    what = "the trailer `Gatecheck-Verdict` is not what the statement says"
    assert found(world.verify()) == [("GC730", 2, what, "")]


# Tampering with the sequence


def test_a_dropped_entry_is_told(world: World) -> None:
    entries = history(world)
    replant(world, [e for e in entries if e.seq != 2], {})
    assert found(world.verify()) == [
        ("GC723", 3, "its number is 3, but 2 comes next", ""),
        ("GC724", 3, f"its chain value does not follow from entry {entries[1].id[:12]} before it", ""),
    ]


def test_a_dropped_entry_with_the_numbers_mended_is_told(world: World) -> None:
    entries = history(world)
    replant(world, [e for e in entries if e.seq != 2], {3: {"Gatecheck-Seq": "2"}})
    what = f"its chain value does not follow from entry {entries[1].id[:12]} before it"
    assert found(world.verify()) == [("GC724", 2, what, "")]


def test_entries_that_changed_places_are_told(world: World) -> None:
    first, one, two, three = history(world)
    replant(world, [first, two, one, three], {})
    assert [(code, seq) for code, seq, _, _ in found(world.verify())] == [
        ("GC723", 2), ("GC724", 2), ("GC723", 1), ("GC724", 1), ("GC723", 3), ("GC724", 3), ("GC742", 0),
    ]  # fmt: skip


def test_a_ref_without_its_beginning_is_told(world: World) -> None:
    _, one, *_ = history(world)
    point(world, commit(world, "", one.tree, dict(one.trailers)))
    assert found(world.verify()) == [
        ("GC727", 1, f"its signer {world.key.fingerprint} is not in the ledger's own trust file", ""),
        ("GC723", 1, "the ref does not begin with its writer's first entry, number 0", ""),
    ]


def test_a_history_that_was_cut_short_is_told_until_someone_forgets_it(world: World) -> None:
    entries = history(world)
    point(world, entries[2].commit, forget=False)
    report = world.verify()
    what = "the history was rewritten: this entry, which this machine has seen, is no longer in it"
    assert found(report) == [("GC714", 3, what, "")]
    place = f"entry {entries[3].id[:12]} (#3 of ledger/{entries[3].writer})"
    assert report.problems[0].diagnostic() == Diagnostic("GC714", what, file=place)
    assert found(world.verify()) == [("GC714", 3, what, "")]
    world.forget()
    assert found(world.verify()) == []


def test_a_rewriting_that_mends_everything_is_noticed_only_by_memory(world: World) -> None:
    entries = history(world)
    parent, chain = entries[1].commit, entries[1].chain
    made: Record = record(7)
    statement = digest(made.statement)
    chain = chained(chain, statement)
    trailers = {"Gatecheck-Kind": "decision", **{n: v for n, v in entries[2].trailers.items() if n not in _PLACING}}
    trailers |= identity(2, statement, chain) | signature_trailer(world.key, dsse.sign(world.key, made.statement))
    tree = tree_with(world, entries[2].tree, **{"statement.json": made.statement, "request.json": made.request})
    point(world, commit(world, parent, tree, trailers), forget=False)
    assert [(p.code, p.seq) for p in world.verify().problems] == [("GC714", 3)]
    world.forget()
    assert found(world.verify()) == []


_PLACING = {"Gatecheck-Seq", "Gatecheck-Id", "Gatecheck-Statement", "Gatecheck-Chain", "Gatecheck-Sig"}


# Whose signatures


def test_a_verdict_forged_with_another_key_is_told(world: World) -> None:
    entries = history(world)
    thief = world.make_key("thief")
    trailers = dict(entries[3].trailers) | identity(
        4, entries[3].statement, chained(entries[3].chain, entries[3].statement)
    )
    trailers |= signature_trailer(thief, dsse.sign(thief, record(3).statement))
    raw = signed_commit(entries[3].tree, entries[3].commit, AT, format_message("ALLOW all", trailers), thief)
    oid = world.git("hash-object", "-t", "commit", "-w", "--stdin", stdin=raw)
    point(world, oid, forget=False)
    report = world.verify()
    name = writer_of(thief.public)
    what = f"its author is `{name}`, not `{entries[0].writer}`"
    assert found(report) == [("GC730", -1, what, "")]
    # And under the ref owner's name, which the signature then contradicts.
    message = format_message("ALLOW all", trailers)
    payload, head = _under_name(world, entries[3], message, entries[0].writer)
    signature = sshsig.sign(thief, payload).rstrip("\n").replace("\n", "\n ")
    raw = f"{head}\ngpgsig {signature}\n\n{message}".encode()
    point(world, world.git("hash-object", "-t", "commit", "-w", "--stdin", stdin=raw), forget=False)
    assert found(world.verify()) == [
        ("GC727", 4, f"its signer {thief.fingerprint} is not in the ledger's own trust file", ""),
        ("GC727", 4, f"its signer {thief.fingerprint} is another than the ref's", ""),
    ]
    assert len(world.open().allowed(ARTIFACT, "production")) == 3


def _under_name(world: World, parent: Entry, message: str, writer: str) -> tuple[bytes, str]:
    """Return the bytes that a commit's signature covers, and its header, for an author of one's choice."""
    who = f"gatecheck <{writer}> {int(AT.timestamp())} +0000"
    head = f"tree {parent.tree}\nparent {parent.commit}\nauthor {who}\ncommitter {who}"
    return f"{head}\n\n{message}".encode(), head


def test_a_commit_whose_signature_covers_other_bytes_is_told(world: World) -> None:
    entries = history(world)
    raw = world.git_bytes("cat-file", "commit", entries[3].commit)
    forged = raw.replace(b"ALLOW payment-service", b"ALLOW another-service")
    point(world, world.git("hash-object", "-t", "commit", "-w", "--stdin", stdin=forged))
    what = "the commit's signature is missing or does not cover the commit"
    assert found(world.verify()) == [("GC726", 3, what, "")]


def test_a_commit_signed_in_another_namespace_is_told(world: World) -> None:
    entries = history(world)
    raw = world.git_bytes("cat-file", "commit", entries[3].commit)
    parsed = parse_commit(entries[3].writer, entries[3].commit, raw)
    other = sshsig.sign(world.key, parsed.payload, "file").rstrip("\n").replace("\n", "\n ")
    head, _, rest = raw.partition(b"\ngpgsig ")
    forged = head + b"\ngpgsig " + other.encode() + b"\n\n" + rest.partition(b"\n\n")[2]
    point(world, world.git("hash-object", "-t", "commit", "-w", "--stdin", stdin=forged))
    assert [p.code for p in world.verify().problems] == ["GC726"]


def test_an_unsigned_commit_of_plain_git_is_told(world: World) -> None:
    entries = history(world)
    config = ["-c", "user.name=x", "-c", "user.email=x@example.com"]
    oid = world.git(*config, "commit-tree", entries[3].tree, "-p", entries[3].commit, "-m", "ALLOW all")
    point(world, oid)
    (told,) = world.verify().problems
    assert told.diagnostic() == Diagnostic(
        "GC730", "its commit has not the header of an entry", file=f"commit {oid[:12]} of ledger/{entries[3].writer}"
    )


def test_an_external_trust_decides_whose_signatures_count_and_when(world: World) -> None:
    ledger = world.open()
    good = parse_signers(f'release namespaces="git",valid-after="20260101Z" {world.key.public_line}', "signers")
    assert verify(ledger, good).problems == ()
    assert verify(ledger, good).trust == "signers"
    expired = parse_signers(f'release valid-before="20260101Z" {world.key.public_line}', "signers")
    what = f"its signer {world.key.fingerprint} was trusted only before 2026-01-01T00:00:00Z"
    marked = [("GC741", 0, what, "")]  # the checkpoint, which the same key signed
    assert found(verify(ledger, expired)) == [("GC727", seq, what, "") for seq in range(4)] + marked
    stranger = parse_signers(f"release {world.make_key('other').public_line}", "signers")
    what = f"its signer {world.key.fingerprint} is not in signers"
    marked = [("GC741", 0, what, "")]
    assert found(verify(ledger, stranger)) == [("GC727", seq, what, "") for seq in range(4)] + marked


def test_a_ref_that_another_key_writes_under_a_stolen_name_is_told(world: World) -> None:
    entries = history(world)
    other = World(world.folder / "elsewhere")
    other.append(1)
    (theirs,) = other.open().writers()
    name = f"refs/heads/ledger/{entries[0].writer}"
    world.git("fetch", "-q", str(other.path), f"+refs/heads/ledger/{theirs}:{name}")
    world.forget()
    whats = {p.what for p in world.verify().problems}
    assert whats == {f"its author is `{theirs}`, not `{entries[0].writer}`"}


# A commit that is not in an entry's form, though its signature is good


def sign_message(world: World, entry: Entry, message: bytes) -> None:
    """Let the ref end in an entry's commit with another message, signed anew."""
    raw = world.git_bytes("cat-file", "commit", entry.commit)
    head = raw.partition(b"\ngpgsig ")[0]
    signature = sshsig.sign(world.key, head + b"\n\n" + message).rstrip("\n").replace("\n", "\n ").encode()
    raw = head + b"\ngpgsig " + signature + b"\n\n" + message
    point(world, world.git("hash-object", "-t", "commit", "-w", "--stdin", "--literally", stdin=raw))


@pytest.mark.parametrize(("old", "new", "what"), [
    (rb"(Gatecheck-Verdict: allow\n)", rb"\1\1", "its message does not end in trailers, each once"),
    (rb"Gatecheck-Verdict:", rb"Signed-off-by:", "its message does not end in trailers, each once"),
    (rb"Seq: 3", rb"Seq: 03", "its trailer `Gatecheck-Seq` is not a number"),
    (rb"Seq: 3", rb"Seq: -3", "its trailer `Gatecheck-Seq` is not a number"),
    (rb"Id: .", rb"Id: x", "its trailers `Gatecheck-Id` and `Gatecheck-Statement` do not agree"),
    (rb"Statement: sha256:.", rb"Statement: sha256:x",
     "its trailers `Gatecheck-Id` and `Gatecheck-Statement` do not agree"),
    (rb"Gatecheck-Chain: .*\n", b"", "its trailers lack `Gatecheck-Chain` or `Gatecheck-Kind`"),
    (rb"Kind: decision", b"Kind: wish", "its kind `wish` is not known"),
    (rb"ALLOW", b"\xff", "its message is not UTF-8 text"),
])  # fmt: skip
def test_a_message_of_another_form_is_told(world: World, old: bytes, new: bytes, what: str) -> None:
    entry = history(world)[3]
    message = world.git_bytes("cat-file", "commit", entry.commit).partition(b"\n\n")[2]
    sign_message(world, entry, re.sub(old, new, message, count=1))
    assert [(p.code, p.what) for p in world.verify().problems] == [("GC730", what)]


def test_a_damaged_statement_signature_is_told(world: World) -> None:
    entry = history(world)[3]
    message = world.git_bytes("cat-file", "commit", entry.commit).partition(b"\n\n")[2]
    sign_message(world, entry, re.sub(rb"Sig: .*", b"Sig: SHA256:x !", message))
    assert found(world.verify()) == [("GC725", 3, "its trailer `Gatecheck-Sig` is damaged", "")]


def test_a_trust_file_that_was_changed_is_told(world: World) -> None:
    first, *rest = history(world)
    other = world.make_key("other")
    trust = f'{first.writer} namespaces="git" {other.public_line}\n'.encode()
    parent = commit(world, "", tree_with(world, first.tree, trust=trust), dict(first.trailers))
    for entry in rest:
        parent = commit(world, parent, entry.tree, dict(entry.trailers))
    point(world, parent)
    what = f"its signer {world.key.fingerprint} is not in the ledger's own trust file"
    told = [("GC727", seq, what, "") for seq in range(4)]
    assert found(world.verify()) == [told[0], ("GC722", 0, DIGEST, "trust"), *told[1:], ("GC741", *told[0][1:])]


def test_a_second_beginning_amid_the_history_is_told(world: World) -> None:
    entries = history(world)
    first = entries[0]
    point(world, commit(world, entries[3].commit, first.tree, dict(first.trailers)))
    assert found(world.verify()) == [
        ("GC723", 0, "a writer's first entry stands amid its history", ""),
        ("GC723", 0, "its number is 0, but 4 comes next", ""),
        ("GC724", 0, f"its chain value does not follow from entry {entries[3].id[:12]} before it", ""),
    ]


def test_a_chain_that_does_not_begin_at_the_beginning_is_told(world: World) -> None:
    first, *_ = history(world)
    trailers = dict(first.trailers) | {"Gatecheck-Chain": "sha256:" + "1" * 64}
    point(world, commit(world, "", first.tree, trailers))
    assert found(world.verify())[0] == ("GC724", 0, "its chain value does not begin the chain", "")


def test_a_link_in_place_of_a_file_is_told(world: World) -> None:
    entry = history(world)[3]
    lines = world.git("ls-tree", entry.tree).replace("100644 blob", "120000 blob", 1)
    replant(world, [e._replace(tree=world.git("mktree", stdin=f"{lines}\n".encode())) if e.seq == 3 else e
                    for e in history(world)], {})  # fmt: skip
    assert found(world.verify()) == [("GC721", 3, "it is not of the kind that it should be", "request.json")]


def test_a_ref_that_names_no_commit_is_told(world: World) -> None:
    tree = world.git("rev-parse", "HEAD^{tree}")
    (writer,) = world.open().writers()
    (world.path / "refs" / "heads" / "ledger" / writer).write_text(tree + "\n")
    (world.path / "refs" / "heads" / "ledger" / "link").write_text("ref: refs/heads/none\n")
    world.forget()
    assert [(p.code, p.writer, p.what.split(";")[0]) for p in world.verify().problems] == sorted([
        ("GC720", writer, f"git object {tree} is not a commit"),
        ("GC720", "link", "git object refs/heads/none is damaged: refs/heads/none"),
    ], key=lambda item: item[1])  # fmt: skip


# Damage


def _object(world: World, oid: str) -> Path:
    return world.path / "objects" / oid[:2] / oid[2:]


@pytest.mark.parametrize("name", ["statement.json", "request.json", "pack/payment.gate"])
def test_a_flipped_byte_in_a_file_is_told(world: World, name: str) -> None:
    path = _object(world, world.git("rev-parse", f"HEAD:{name}"))
    path.chmod(0o644)
    raw = bytearray(path.read_bytes())
    raw[len(raw) // 2] ^= 0x10
    path.write_bytes(raw)
    told = world.verify().problems
    assert {p.code for p in told} == {"GC720"}
    assert all(p.what.startswith("git object ") and p.where == name.split("/")[0] for p in told)


@pytest.mark.parametrize("what", ["HEAD^{tree}", "HEAD:pack", "HEAD:statement.json"])
def test_a_missing_object_is_told(world: World, what: str) -> None:
    oid = world.git("rev-parse", what)
    _object(world, oid).unlink()
    told = world.verify().problems
    assert {p.code for p in told} == {"GC720"}
    assert {p.what for p in told} == {f"git object {oid} is missing"}


def test_a_missing_commit_amid_the_history_is_told_and_the_rest_verified(world: World) -> None:
    entries = history(world)
    _object(world, entries[1].commit).unlink()
    told = [(p.code, p.seq, p.what) for p in world.verify().problems]
    assert told[0] == (
        "GC720", -1, f"git object {entries[1].commit} is missing; nothing older than this can be reached"
    )  # fmt: skip
    assert "GC723" in {code for code, _, _ in told}


def test_every_byte_of_a_packed_ledger_counts(world: World) -> None:
    world.git("gc", "-q")
    (pack,) = (world.path / "objects" / "pack").glob("*.pack")
    pack.chmod(0o644)
    raw = pack.read_bytes()
    unnoticed = []
    for place in range(12, len(raw) - 20, 7):  # the header and the trailing checksum hold no record
        # libgit2 keeps unpacked objects by the pack's path, so each damage gets a path of its own.
        world.path = world.path.rename(world.folder / f"ledger-{place}")
        damaged = raw[:place] + bytes([raw[place] ^ 0x55]) + raw[place + 1 :]
        (world.path / "objects" / "pack" / pack.name).write_bytes(damaged)
        if not world.verify().problems:
            unnoticed.append(place)
    assert unnoticed == []


def test_a_pack_that_spells_billions_of_names_is_refused_at_once(world: World) -> None:
    entries = history(world)
    inner = world.git("mktree", stdin=f"100644 blob {world.git('hash-object', '-w', '--stdin')}\tf\n".encode())
    for _ in range(12):
        inner = world.git("mktree", stdin="".join(f"040000 tree {inner}\t{n}\n" for n in range(10)).encode())
    lines = [line for line in world.git("ls-tree", entries[3].tree).split("\n") if not line.endswith("\tpack")]
    tree = world.git("mktree", stdin=("\n".join([*lines, f"040000 tree {inner}\tpack"]) + "\n").encode())
    replant(world, [e._replace(tree=tree) if e.seq == 3 else e for e in entries], {})
    what = "it holds more than 100,000 names, or is deeper than 64 folders"
    assert found(world.verify()) == [("GC720", 3, what, "pack")]


def test_a_ledger_of_another_user_is_told(world: World) -> None:
    if os.getuid() != 0:
        pytest.skip("only root can give a folder to another user")
    os.chown(world.path, 65534, 65534)
    with pytest.raises(LedgerError) as raised:
        world.verify()
    hint = f"if you trust it: `git config --global --add safe.directory {world.path}`"
    expected = Diagnostic("GC711", "the ledger belongs to another user", file=str(world.path), hint=hint)
    assert raised.value.diagnostics == (expected,)
    assert subprocess.run(["git", "-C", str(world.path), "log"], capture_output=True).returncode != 0
