"""Proofs of entries: gatecheck accepts them, and stock tools by the documented recipe; nobody accepts a changed one."""

import json
import re
import subprocess
from base64 import b64decode, b64encode
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from hypothesis import given
from hypothesis import strategies as st
from ledger_world import AT, World, record

from gatecheck.cli.ledger import command
from gatecheck.ledger import proof
from gatecheck.ledger.checkpoint import read_note
from gatecheck.ledger.entry import writer_of
from gatecheck.ledger.memory import Witnessed
from gatecheck.ledger.verify import verify
from gatecheck.ledger.witness import cosign
from gatecheck.text.diagnostic import Diagnostic, InputError, LedgerError, ProblemError
from gatecheck.trust.note import Note
from gatecheck.trust.signers import parse_signers

RECIPE = Path(__file__).parents[2] / "docs" / "ledger.md"
NAME = "example.org/witness"


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    """A ledger of 20 entries under checkpoints up to #7 and #20, the first of which a witness cosigned."""
    made = World(tmp_path_factory.mktemp("proofs"))
    made.open().append_batch([record(number) for number in range(7)], made.key, AT)
    witness = made.make_key("witness")
    (each,) = cosign(made.open(), made.verify(), witness, NAME, AT, Witnessed(made.memory, writer_of(witness.public)))
    assert each.says.size == 8
    made.open().append_batch([record(number) for number in range(7, 20)], made.key, AT + timedelta(hours=1))
    (made.folder / "signers").write_text(f'release namespaces="git",valid-after="20260101Z" {made.key.public_line}\n')
    (made.folder / "witnesses").write_text(f"{NAME} {witness.public_line}\n")
    return made


@pytest.fixture(scope="module")
def whole(world: World) -> bytes:
    """A proof that has every field."""
    return prove(world, 13, first(world))


def prove(world: World, seq: int, since: Note | None = None) -> bytes:
    ledger = world.open()
    return proof.prove(ledger, ledger.find(f"#{seq}"), since)


def first(world: World) -> Note:
    """Return the world's first checkpoint."""
    writer = writer_of(world.key.public)
    return read_note(world.git_bytes("show", f"refs/heads/checkpoints/{writer}~:checkpoint"))[0]


def refusal(raw: bytes, **options: Any) -> Diagnostic:
    with pytest.raises(ProblemError) as raised:
        proof.check(raw, "proof.json", **options)
    (diagnostic,) = raised.value.diagnostics
    return diagnostic


def recipe(folder: Path, raw: bytes, *arguments: str) -> "subprocess.CompletedProcess[str]":
    """Check a proof as the documentation says."""
    (script,) = re.findall(r"^```sh\n(set -eu\n.*?)^```$", RECIPE.read_text("utf-8"), re.MULTILINE | re.DOTALL)
    (folder / "check-proof.sh").write_text(script)
    (folder / "proof.json").write_bytes(raw)
    command = ["sh", "check-proof.sh", "proof.json", *(arguments or ("signers",))]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True)


# What holds


@pytest.mark.parametrize("seq", [1, 2, 7, 8, 13, 20])
def test_a_proof_shows_the_entry_under_a_checkpoint(world: World, seq: int) -> None:
    entry = world.open().find(f"#{seq}")
    raw = prove(world, seq)
    found = proof.check(raw, "proof.json")
    assert found.entry == entry._replace(commit="")
    assert found.statement == world.open().statement(entry)
    assert (found.key, found.earlier, found.trust) == (world.key.public, None, "the proof itself")
    assert found.says.size == (8 if seq < 8 else 21)  # the newest that was cosigned, where one covers the entry
    assert json.loads(raw)["statement"] == json.loads(found.statement)


def test_a_proof_names_who_trusts_whom(world: World) -> None:
    good = parse_signers((world.folder / "signers").read_text(), "signers")
    assert proof.check(prove(world, 3), "proof.json", good).trust == "signers"
    stranger = parse_signers(f"release {world.make_key('other').public_line}", "others")
    why = f"the commit's signer {world.key.fingerprint} is not in others"
    assert refusal(prove(world, 3), trust=stranger) == Diagnostic(
        "GC747", f"this proves nothing: {why}", file="proof.json"
    )


def test_a_proof_starts_from_an_earlier_checkpoint(world: World) -> None:
    earlier = first(world)
    raw = prove(world, 13, earlier)
    found = proof.check(raw, "proof.json", known=[("auditor", earlier)])
    assert found.earlier == read_note(earlier.bytes())[1]
    why = "it does not start from the checkpoint that auditor holds, nor lead to it"
    without = refusal(prove(world, 13), known=[("auditor", earlier)])
    assert without == Diagnostic("GC747", f"this proves nothing: {why}", file="proof.json")
    data = json.loads(raw)
    data["consistency"] = data["consistency"][::-1]
    why = "the earlier checkpoint is not shown to be a beginning of the later one"
    assert refusal(json.dumps(data).encode()).message == f"this proves nothing: {why}"


def test_an_entry_that_no_checkpoint_covers_can_not_be_proven_yet(tmp_path: Path) -> None:
    world = World(tmp_path)
    _, second = world.append(1, 2)
    with pytest.raises(InputError) as raised:
        prove(world, 2)
    message = f"no checkpoint covers entry {second.id[:12]} yet"
    hint = "`gatecheck ledger checkpoint` signs one"
    assert raised.value.diagnostics == (Diagnostic("GC749", message, file=str(world.path), hint=hint),)
    assert proof.check(prove(world, 1), "proof.json").says.size == 2


def test_an_earlier_checkpoint_of_another_ledger_or_of_later_is_refused(world: World, tmp_path: Path) -> None:
    other = World(tmp_path)
    other.append(1, 2)
    with pytest.raises(InputError) as raised:
        proof.prove(other.open(), other.open().find("#1"), first(world))
    assert raised.value.diagnostics[0].code == "GC746"
    writer = writer_of(world.key.public)
    later, says = read_note(world.git_bytes("show", f"refs/heads/checkpoints/{writer}:checkpoint"))
    with pytest.raises(InputError) as raised:
        prove(world, 3, later)
    message = f"this checkpoint is not an earlier one of `{says.origin}` up to #7: it is up to #20"
    assert [d.message for d in raised.value.diagnostics] == [message]


# What does not hold


@given(data=st.data())
def test_no_changed_byte_goes_unnoticed(whole: bytes, data: st.DataObject) -> None:
    raw = whole
    place = data.draw(st.integers(0, len(raw) - 1))
    changed = raw[:place] + bytes([data.draw(st.integers(0, 255).filter(lambda b: b != raw[place]))]) + raw[place + 1 :]
    try:
        found = proof.check(changed, "proof.json")
    except ProblemError as error:
        assert {d.code for d in error.diagnostics} <= {"GC746", "GC747"}
    else:
        assert found == proof.check(raw, "proof.json")
        # What is left is white space between the fields, and a hexadecimal digit's case.
        assert json.dumps(json.loads(changed)).lower() == json.dumps(json.loads(raw)).lower()


def _base64(change: Callable[[bytes], bytes]) -> Callable[[str], str]:
    return lambda text: b64encode(change(b64decode(text))).decode()


@pytest.mark.parametrize(("field", "change", "why"), [
    ("seq", lambda seq: seq + 1, "the leaf is not that of the commit"),
    ("entry", lambda text: "0" * 64, "the leaf is not that of the commit"),
    ("writer", lambda text: "0" * 16, "its author is `{writer}`, not `0000000000000000`"),
    ("leaf", lambda text: text.replace("13", "12"), "the leaf is not that of the commit"),
    ("inclusion", lambda path: path[:-1], "the path is too short"),
    ("inclusion", lambda path: [*path, path[0]], "the path is too long"),
    ("inclusion", lambda path: path[::-1], "the path does not lead from the entry to the checkpoint's root"),
    ("commit", _base64(lambda raw: raw.replace(b"ALLOW", b"ADMIT")),
     "the commit's signature is missing or does not cover the commit"),
    ("checkpoint", _base64(lambda raw: raw.replace(b"\n21\n", b"\n22\n")),
     "the checkpoint is not signed by the commit's signer {key}"),
    ("envelope", lambda data: data | {"payload": b64encode(record(1).statement).decode()},
     "no signature in it is by {key}"),
    ("envelope", lambda data: data | {"signatures": [*data["signatures"], *data["signatures"]]},
     "the envelope is not that of the entry"),
    ("statement", lambda data: data | {"subject": []}, "the statement that is shown is not the one that was signed"),
])  # fmt: skip
def test_what_does_not_follow_is_named(world: World, field: str, change: Callable[[Any], Any], why: str) -> None:
    data = json.loads(prove(world, 13))
    data[field] = change(data[field])
    why = why.format(writer=writer_of(world.key.public), key=world.key.fingerprint)
    assert refusal(json.dumps(data).encode()) == Diagnostic("GC747", f"this proves nothing: {why}", file="proof.json")


def test_parts_of_two_proofs_prove_nothing(world: World) -> None:
    one, other = json.loads(prove(world, 12)), json.loads(prove(world, 13))
    for field in ("commit", "envelope", "inclusion", "leaf", "statement"):
        assert refusal(json.dumps(one | {field: other[field]}).encode()).code == "GC747"


@pytest.mark.parametrize("raw", [b"", b"{}", b"[]", b"\xff", b'{"format":"urn:gatecheck:proof:v1"}', b"nothing"])
def test_what_is_no_proof_at_all_is_told(raw: bytes) -> None:
    assert refusal(raw).code == "GC746"


def test_a_field_that_nobody_checks_is_refused(world: World) -> None:
    data = json.loads(prove(world, 3)) | {"note": "approved by the board"}
    hint = "`gatecheck ledger prove ENTRY --output FILE` writes one"
    message = "this is no proof of the form `urn:gatecheck:proof:v1`"
    assert refusal(json.dumps(data).encode()) == Diagnostic("GC746", message, file="proof.json", hint=hint)


# The recipe


@pytest.mark.parametrize("seq", [1, 7, 20])
def test_stock_tools_accept_a_proof(world: World, seq: int) -> None:
    entry = world.open().find(f"#{seq}")
    run = recipe(world.folder, prove(world, seq, first(world) if seq == 20 else None))
    origin = read_note(first(world).bytes())[1].origin
    line = f"entry {entry.id} is #{seq} of {origin}, signed by release: {entry.subject}\n"
    assert (run.returncode, run.stdout, run.stderr) == (0, line, "")


def test_stock_tools_accept_a_cosignature(world: World) -> None:
    (world.folder / "witness.line").write_text(f"{world.make_key('witness').public_line}\n")
    assert recipe(world.folder, prove(world, 3), "signers", NAME, "witness.line").returncode == 0
    run = recipe(world.folder, prove(world, 3), "signers", NAME, "key.pub")
    assert (run.returncode, run.stderr) == (1, f"check-proof: it is not cosigned by {NAME}\n")


@pytest.mark.parametrize(("field", "change", "why"), [
    ("inclusion", lambda path: path[:-1], ""),
    ("inclusion", lambda path: [*path, path[0]], "the path does not lead to the root"),
    ("inclusion", lambda path: path[::-1], "the path does not lead to the root"),
    ("commit", _base64(lambda raw: raw.replace(b"ALLOW", b"ADMIT")), "the commit is not signed by one of signers"),
    ("checkpoint", _base64(lambda raw: raw.replace(b"\n21\n", b"\n22\n")), "the checkpoint is not signed by release"),
    ("envelope", lambda data: data | {"payload": b64encode(b"{}").decode()}, "the statement is another"),
])  # fmt: skip
def test_stock_tools_refuse_what_does_not_follow(
    world: World, field: str, change: Callable[[Any], Any], why: str
) -> None:
    data = json.loads(prove(world, 13))
    data[field] = change(data[field])
    run = recipe(world.folder, json.dumps(data, indent=2).encode())
    assert run.returncode != 0
    assert run.stdout == ""
    assert why in run.stderr


# The commands


def run(world: World, *arguments: str) -> Result:
    return CliRunner().invoke(command, arguments, env={"XDG_STATE_HOME": str(world.folder / "xdg")})


def test_the_commands_write_and_check_a_proof(world: World, tmp_path: Path) -> None:
    file, entry = tmp_path / "proof.json", world.open().find("#3")
    result = run(world, "prove", "3", "--ledger", str(world.path), "--output", str(file))
    assert result.stdout == f"wrote {file}: a proof of entry {entry.id[:12]}\n"
    assert run(world, "prove", "#3", "--ledger", str(world.path)).stdout_bytes == file.read_bytes()
    origin = read_note(first(world).bytes())[1].origin
    head = (
        f"proven: entry {entry.id[:12]} is #3 of {origin}, as signed up to #7\n"
        "  ALLOW payment-service production critical\n"
        f"  recorded 2026-11-23T10:00:00Z in ledger/{entry.writer}, signed by {world.key.fingerprint}\n"
    )
    assert run(world, "verify", "--proof", str(file)).stdout == head + (
        "the key was taken from the proof itself; `--trust FILE` checks against signers that you name\n"
    )
    signers, witnesses = world.folder / "signers", world.folder / "witnesses"
    result = run(world, "verify", "--proof", str(file), "--trust", str(signers), "--witness", str(witnesses))
    assert result.stdout == f"{head}  witnessed by {NAME} at 2026-11-23T10:00:00Z\nkeys were taken from {signers}\n"
    data = json.loads(run(world, "verify", "--proof", str(file), "--format", "json").stdout)
    assert (data["entry"], data["seq"], data["size"], data["since"]) == (entry.id, 3, 8, None)


def test_a_proof_since_a_checkpoint_says_so(world: World, tmp_path: Path) -> None:
    file, earlier = tmp_path / "proof.json", tmp_path / "earlier"
    earlier.write_bytes(first(world).bytes())
    run(world, "prove", "13", "--ledger", str(world.path), "--output", str(file), "--since", str(earlier))
    shown = run(world, "verify", "--proof", str(file), "--checkpoint", str(earlier)).stdout
    assert "  begins as the earlier checkpoint says, which is up to #7\n" in shown


def test_a_cosignature_that_is_missing_is_told(world: World, tmp_path: Path) -> None:
    file, witnesses = tmp_path / "proof.json", world.folder / "witnesses"
    run(world, "prove", "13", "--ledger", str(world.path), "--output", str(file))
    result = run(world, "verify", "--proof", str(file), "--witness", str(witnesses))
    assert isinstance(result.exception, LedgerError)
    message = f"0 witnesses of {witnesses} cosigned a checkpoint of it, and at least 1 must have"
    assert result.exception.diagnostics == (Diagnostic("GC748", message, file=str(file)),)


def test_options_that_do_not_go_together_are_told(world: World) -> None:
    for arguments, message in (
        (("--proof", "x", "--ledger", "y"), "`--proof` is checked without a ledger"),
        (("--witnesses", "2"), "`--witnesses` needs `--witness`"),
    ):
        result = run(world, "verify", *arguments)
        assert isinstance(result.exception, InputError)
        assert result.exception.diagnostics[0].message == message


def test_a_broken_entry_is_not_proven(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.append(1)
    oid = world.git("rev-parse", "HEAD:request.json")
    (world.path / "objects" / oid[:2] / oid[2:]).unlink()
    result = run(world, "prove", "1", "--ledger", str(world.path))
    assert isinstance(result.exception, LedgerError)
    assert (result.exception.diagnostics[0].code, result.stdout) == ("GC720", "")
    assert verify(world.open()).problems != ()
