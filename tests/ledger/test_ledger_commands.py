"""The commands over the ledger: what they print, and what they refuse."""

import json
import subprocess
import sys
from hashlib import sha256
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from ledger_world import ARTIFACT, AT, PACK, World, record

from gatecheck.cli.ledger import command
from gatecheck.text.diagnostic import Diagnostic, InputError, LedgerError
from gatecheck.trust.dsse import open_envelope


@pytest.fixture
def world(tmp_path: Path) -> World:
    made = World(tmp_path)
    made.open().append_batch([record(1), record(2, "deny"), record(3, "pending", "staging")], made.key, AT)
    return made


def run(world: World, *arguments: str) -> Result:
    arguments = (*arguments, "--ledger", str(world.path))
    environment = {"XDG_STATE_HOME": str(world.folder / "xdg"), "GATECHECK_CACHE": str(world.folder / "cache")}
    return CliRunner().invoke(command, arguments, env=environment)


def shown(world: World, *arguments: str) -> str:
    result = run(world, *arguments)
    if result.exception is not None:
        raise result.exception
    return result.stdout


def identities(world: World) -> list[str]:
    return [entry.id for entry in world.open().entries(oldest_first=True)]


def test_log_lists_the_newest_first(world: World) -> None:
    one, two, three = (name[:12] for name in identities(world))
    assert shown(world, "log") == (
        "seq  id            recorded              verdict  what\n"
        f"3    {three}  2026-11-23T10:00:00Z  pending  payment-service staging critical\n"
        f"2    {two}  2026-11-23T10:00:00Z  deny     payment-service production critical\n"
        f"1    {one}  2026-11-23T10:00:00Z  allow    payment-service production critical\n"
    )


def test_log_of_a_number_says_that_more_is_there(world: World) -> None:
    result = run(world, "log", "-n", "1")
    assert len(result.stdout.splitlines()) == 2
    assert result.stderr == "older entries are left out; `-n 0` shows all\n"
    assert run(world, "log", "-n", "3").stderr == ""
    assert run(world, "log", "-n", "0").stderr == ""


def test_log_of_a_range_as_json(world: World) -> None:
    entries = list(world.open().entries("1..2"))
    data = json.loads(shown(world, "log", "1..2", "--format", "json"))
    assert [item["seq"] for item in data] == [2, 1]
    assert data[0] == {
        "seq": 2,
        "id": entries[0].id,
        "at": "2026-11-23T10:00:00Z",
        "verdict": "deny",
        "environment": "production",
        "service": "",
        "artifact": ARTIFACT,
        "pack": record(2).pack_digest,
        "subject": "DENY payment-service production critical",
        "kind": "decision",
        "person": "",
        "about": "",
        "writer": entries[0].writer,
        "chain": entries[0].chain,
        "commit": entries[0].commit,
    }


def test_log_names_the_writer_where_there_are_several(world: World) -> None:
    (entry,) = world.append(4, key=world.make_key("other"))
    assert "what                                 writer\n" in shown(world, "log")
    assert entry.writer[:8] in shown(world, "log")


def test_an_empty_ledger_says_so(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.open()
    assert shown(world, "log") == "the ledger holds no entries\n"
    assert shown(world, "log", "--format", "json") == "[]\n"
    assert shown(world, "verify") == "the ledger holds no entries\n"


def test_show_for_a_person(world: World) -> None:
    entry = world.open().find("2")
    assert shown(world, "show", "2") == (
        "DENY payment-service production critical\n"
        f"  artifact     payment-service {ARTIFACT}\n"
        "  environment  production\n"
        "  risk         critical\n"
        "  as of        2026-11-23T10:00:00+01:00\n"
        f"  recorded     2026-11-23T10:00:00Z as #2 of ledger/{entry.writer}\n"
        f"  request      sha256:{sha256(record(2).request).hexdigest()}\n"
        f"  pack         {record(2).pack_digest}\n"
        "               payment.gate, shared/groups.gate\n"
        f"  signed by    {world.key.fingerprint}, verified\n"
        f"  id           {entry.id}\n"
        f"  chain        {entry.chain}\n"
        f"  commit       {entry.commit}\n"
    )


def test_show_gives_the_exact_bytes(world: World) -> None:
    made = record(2, "deny")
    name = identities(world)[1][:8]
    assert shown(world, "show", name, "--format", "json").encode() == made.statement + b"\n"
    envelope = shown(world, "show", name, "--format", "dsse").encode()
    assert open_envelope(envelope, world.key.public) == made.statement
    assert shown(world, "show", name, "--file", "statement").encode() == made.statement
    assert shown(world, "show", name, "--file", "request").encode() == made.request
    assert shown(world, "show", name, "--file", "pack/payment.gate").encode() == PACK["payment.gate"]


def test_show_of_a_file_that_is_not_there(world: World) -> None:
    result = run(world, "show", "2", "--file", "pack/none.gate")
    assert isinstance(result.exception, InputError)
    message = f"entry {identities(world)[1][:12]} holds no file `pack/none.gate`"
    assert result.exception.diagnostics == (Diagnostic("GC715", message, file=str(world.path)),)


def test_show_cannot_drive_the_terminal(world: World) -> None:
    made = record(4, as_of="\x1b[2J2026")
    world.open().append(made, world.key, AT)
    assert "\x1b" not in shown(world, "show", "4")


def test_show_refuses_an_entry_that_is_not_as_it_was_signed(world: World) -> None:
    oid = world.git("rev-parse", "HEAD:request.json")
    (world.path / "objects" / oid[:2] / oid[2:]).unlink()
    result = run(world, "show", "3")
    assert isinstance(result.exception, LedgerError)
    entry = world.open().find("3")
    place = f"entry {entry.id[:12]} (#3 of ledger/{entry.writer}), request.json"
    assert result.exception.diagnostics == (Diagnostic("GC720", f"git object {oid} is missing", file=place),)
    assert result.stdout == ""


def test_verify_says_what_was_verified_and_with_whose_keys(world: World) -> None:
    (writer,) = world.open().writers()
    first = (
        "verified 3 entries: records, chain and signatures are good\n"
        f"  ledger/{writer}  3 entries, signed by {world.key.fingerprint}\n"
        "    1 checkpoint up to #3\n"
    )
    assert shown(world, "verify") == first + (
        "keys were taken from the ledger itself; `--trust FILE` verifies against signers that you name\n"
    )
    trust = world.folder / "signers"
    trust.write_text(f"release {world.key.public_line}\n")
    assert shown(world, "verify", "--trust", str(trust)) == first + f"keys were taken from {trust}\n"


def test_verify_raises_every_problem_and_still_prints_json(world: World) -> None:
    trust = world.folder / "signers"
    trust.write_text(f"release {world.make_key('other').public_line}\n")
    result = run(world, "verify", "--trust", str(trust), "--format", "json")
    assert isinstance(result.exception, LedgerError)
    assert [d.code for d in result.exception.diagnostics] == ["GC727"] * 4 + ["GC741"]
    data = json.loads(result.stdout)
    assert (data["entries"], data["trust"], len(data["problems"])) == (3, str(trust), 5)
    assert data["problems"][1]["seq"] == 1


def test_verify_refuses_a_trust_file_that_trusts_nobody(world: World) -> None:
    trust = world.folder / "signers"
    trust.write_text("# nobody\n")
    assert isinstance(run(world, "verify", "--trust", str(trust)).exception, InputError)


def test_verify_remembers_where_xdg_says_and_notices_a_rewriting(world: World) -> None:
    shown(world, "verify")
    world.git("update-ref", "HEAD", "HEAD~1")
    result = run(world, "verify")
    assert isinstance(result.exception, LedgerError)
    assert [d.code for d in result.exception.diagnostics] == ["GC714", "GC743"]
    assert isinstance(run(world, "show", "9").exception, InputError)


@pytest.mark.parametrize("arguments", [("log",), ("show", "1"), ("verify",)])
def test_a_missing_ledger_is_told_by_every_command_and_never_made(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    world = World(tmp_path)
    result = run(world, *arguments)
    assert isinstance(result.exception, LedgerError)
    assert result.exception.diagnostics[0].message == "there is no ledger here"
    assert not world.path.exists()


def test_loading_the_commands_loads_neither_git_nor_cryptography() -> None:
    code = (
        "import sys, gatecheck.cli.ledger\n"
        "print(sorted({m.split('.')[0] for m in sys.modules} & {'pygit2', 'cryptography', 'tabulate', 'json'}))"
    )
    environment = {"PYTHONPATH": ":".join(sys.path)}
    out = subprocess.run([sys.executable, "-c", code], env=environment, check=True, capture_output=True, text=True)
    assert out.stdout == "[]\n"


def test_every_help_text_has_examples() -> None:
    for arguments in ([], ["log"], ["show"], ["verify"], ["query"], ["export"]):
        text = CliRunner().invoke(command, [*arguments, "--help"]).stdout
        assert "Examples:\n    gatecheck ledger " in text
