"""Entries taken elsewhere: the bytes that were signed, in an order that does not change, whole or not at all."""

import json
import subprocess
import sys
from base64 import b64decode
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from ledger_world import AT, PACK, World, record

from gatecheck.cli.ledger import command
from gatecheck.ledger import export
from gatecheck.ledger.kinds import stated
from gatecheck.ledger.record import Record
from gatecheck.model.canonical import canonical
from gatecheck.model.fact import ApprovalFact, Fact
from gatecheck.model.request import Artifact
from gatecheck.text.diagnostic import Diagnostic, InputError, LedgerError
from gatecheck.trust.dsse import open_envelope, pae

OTHER = {"other.gate": b"environment dev\n", "deep/er/a.gate": b"# a\n"}


@pytest.fixture
def world(tmp_path: Path) -> World:
    made = World(tmp_path)
    ledger, other = made.open(), made.make_key("other")
    ledger.append(of(record(1), "pay"), made.key, AT)
    ledger.append(of(record(2, "deny", pack=OTHER), "shop"), other, AT + timedelta(days=1))
    approval = ApprovalFact("alice", "approve", AT, "production", comment="\x1b[2J\nfine")
    ledger.append(stated(Fact(Artifact("thing", "sha256:" + "a" * 64), approval)), made.key, AT + timedelta(days=2))
    ledger.append(of(record(3), "pay"), made.key, AT + timedelta(days=3))
    return made


def of(made: Record, service: str) -> Record:
    return made._replace(trailers={"Gatecheck-Service": service})


def run(world: World, *arguments: str) -> Result:
    arguments = ("export", *arguments, "--ledger", str(world.path))
    return CliRunner().invoke(command, arguments, env={"XDG_STATE_HOME": str(world.folder / "xdg")})


def shown(world: World, *arguments: str) -> list[Any]:
    result = run(world, *arguments)
    if result.exception is not None:
        raise result.exception
    return [json.loads(line) for line in result.stdout.splitlines()]


def leftovers(world: World) -> list[str]:
    return [file.name for file in world.folder.iterdir() if file.name.startswith(".")]


def test_a_line_holds_the_entry_and_the_bytes_that_were_signed(world: World) -> None:
    ledger = world.open()
    entries = list(ledger.entries(oldest_first=True))
    out = run(world).stdout
    for line, entry in zip(out.splitlines(), entries, strict=True):
        data = json.loads(line)
        assert canonical(data).decode() == line
        raw = ledger.statement(entry)
        assert raw.decode() in line
        assert canonical(data.pop("statement")) == raw
        signature = data.pop("signature")
        assert entry.signer().verifies(b64decode(signature["sig"]), pae(raw))  # type: ignore[union-attr]
        assert signature["keyid"] == entry.signer().fingerprint  # type: ignore[union-attr]
        assert data == {
            "chain": entry.chain, "commit": entry.commit, "id": entry.id, "kind": entry.kind,
            "recorded_at": entry.at.strftime("%Y-%m-%dT%H:%M:%SZ"), "seq": entry.seq, "writer": entry.writer,
        }  # fmt: skip
    target = world.folder / "out.jsonl"
    target.write_text("of yesterday")
    assert run(world, "--output", str(target)).stdout == f"exported 4 entries to {target}\n"
    assert target.read_text() == out
    assert leftovers(world) == []


def test_what_is_chosen_is_what_log_lists(world: World) -> None:
    environment = {"XDG_STATE_HOME": str(world.folder / "xdg"), "GATECHECK_CACHE": str(world.folder / "cache")}
    for chosen in (
        ("--service", "pay"), ("--service", "pay", "--service", "shop"), ("--since", "2026-11-24"),
        ("--until", "2026-11-24"), ("--since", "2026-11-23T10:00:01Z", "--until", "2026-11-25T11:00:00+01:00"),
        ("--since", "2026-11-23T09:59:59.5Z", "--until", "2026-11-23T10:00:00.5Z"), ("2..",), ("..1",),
        ("--since", "2027-01-01"),
    ):  # fmt: skip
        arguments = ["log", "-n", "0", "--format", "json", *chosen, "--ledger", str(world.path)]
        listed = CliRunner().invoke(command, arguments, env=environment)
        try:
            exported = [item["id"] for item in shown(world, *chosen)]
        except InputError as error:
            assert str(listed.exception) == str(error)
        else:
            assert [item["id"] for item in json.loads(listed.stdout)][::-1] == exported, chosen


def test_days_are_read_and_others_refused(world: World) -> None:
    assert [item["seq"] for item in shown(world, "--since", "2026-11-24", "--until", "2026-11-25")] == [1, 2]
    result = run(world, "--since", "2026-02-30")
    assert isinstance(result.exception, InputError)
    (found,) = result.exception.diagnostics
    assert (found.code, found.message) == ("GC801", "`--since` is not a day of the calendar: `2026-02-30`")
    result = run(world, "--until", "2026-11-24T10:00:00")
    assert isinstance(result.exception, InputError)
    assert result.exception.diagnostics[0].code == "GC517"


def test_envelopes_are_those_that_any_verifier_takes(world: World) -> None:
    target = world.folder / "envelopes"
    assert run(world, "--format", "dsse", "--output", str(target)).stdout == f"exported 4 entries to {target}\n"
    ledger = world.open()
    names = {f"{e.writer}-{e.seq:010}-{e.id[:12]}.dsse.json": e for e in ledger.entries()}
    assert {file.name for file in target.iterdir()} == names.keys()
    for name, entry in names.items():
        key = entry.signer()
        assert key is not None
        assert open_envelope((target / name).read_bytes(), key) == ledger.statement(entry)
    assert leftovers(world) == []


@pytest.mark.parametrize("form", ["dsse", "parquet"])
def test_a_folder_must_be_new(world: World, form: str) -> None:
    target = world.folder / "there"
    target.mkdir()
    assert run(world, "--format", form, "--output", str(target)).exception is None
    before = {file.name: file.read_bytes() for file in target.iterdir()}
    result = run(world, "--format", form, "--output", str(target))
    assert isinstance(result.exception, InputError)
    hint = "name a folder that is not there yet with `--output`"
    assert result.exception.diagnostics == (
        Diagnostic("GC765", "there is something here already", file=str(target), hint=hint),
    )
    assert {file.name: file.read_bytes() for file in target.iterdir()} == before
    result = run(world, "--format", form)
    assert isinstance(result.exception, InputError)
    assert result.exception.diagnostics[0].message == f"`--output` is missing, which {form} needs"


def test_a_place_that_cannot_be_written_is_told(world: World) -> None:
    (world.folder / "file").write_text("")
    for form in ("jsonl", "dsse", "parquet"):
        target = world.folder / "file" / "out"
        result = run(world, "--format", form, "--output", str(target))
        assert isinstance(result.exception, InputError)
        assert result.exception.diagnostics == (
            Diagnostic(
                "GC765", "nothing can be written here: not a directory", file=str(target),
                hint="name another place with `--output`",
            ),
        )  # fmt: skip


@pytest.mark.parametrize("form", ["jsonl", "dsse", "parquet"])
def test_a_broken_record_leaves_nothing_half(world: World, form: str) -> None:
    entry = world.open().find("3")
    oid = world.git("rev-parse", f"{entry.commit}:statement.json")
    (world.path / "objects" / oid[:2] / oid[2:]).unlink()
    target = world.folder / "out"
    result = run(world, "--format", form, "--output", str(target))
    assert isinstance(result.exception, LedgerError)
    assert not target.exists()
    assert leftovers(world) == []


def test_a_request_or_a_pack_that_is_not_the_one_decided_on_is_refused(world: World) -> None:
    entry = world.open().find("3")
    oid = world.git("rev-parse", f"{entry.commit}:request.json")
    other = world.git("hash-object", "-w", "--stdin", stdin=b"{}")
    objects = world.path / "objects"
    file = objects / oid[:2] / oid[2:]
    file.chmod(0o644)
    file.write_bytes((objects / other[:2] / other[2:]).read_bytes())
    result = run(world, "--format", "parquet", "--output", str(world.folder / "out"))
    assert isinstance(result.exception, LedgerError)
    assert result.exception.diagnostics[0].code in ("GC713", "GC728")


def test_a_statement_that_is_not_canonical_is_exported_as_an_envelope_only(tmp_path: Path) -> None:
    world = World(tmp_path)
    made = record(1)
    loose = json.dumps(json.loads(made.statement), indent=1).encode()
    entry = world.open().append(made._replace(statement=loose), world.key, AT)
    result = run(world)
    assert isinstance(result.exception, LedgerError)
    place = f"entry {entry.id[:12]} (#1 of ledger/{entry.writer})"
    hint = "`--format dsse` keeps its bytes as they are"
    assert result.exception.diagnostics == (
        Diagnostic("GC767", "the statement is not canonical JSON", file=place, hint=hint),
    )
    assert run(world, "--format", "dsse", "--output", str(tmp_path / "out")).exception is None


def test_parquet_holds_what_repeats_the_decisions(world: World) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    target = world.folder / "set"
    result = run(world, "--format", "parquet", "--output", str(target))
    assert result.stdout == f"exported 3 decisions to {target}\n"
    assert result.stderr == "1 entry of other kinds left out; jsonl and dsse hold them\n"
    ledger = world.open()
    decisions = [e for e in ledger.entries(oldest_first=True) if e.kind == "decision"]
    rows = parquet.read_table(target / "decisions.parquet").to_pylist()
    for row, entry in zip(rows, decisions, strict=True):
        key = entry.signer()
        assert key is not None
        assert key.verifies(b64decode(row["signature"]), pae(row["statement"]))
        assert (row["entry"], row["writer"], row["seq"], row["chain"], row["commit"], row["subject"]) == (
            entry.id, entry.writer, entry.seq, entry.chain, entry.commit, entry.subject,
        )  # fmt: skip
        assert (row["recorded_at"], row["keyid"]) == (entry.at, key.fingerprint)
        assert (row["statement"], row["request"]) == (ledger.statement(entry), ledger.request(entry))
        claims = json.loads(row["statement"])["predicate"]
        assert (row["pack"], row["request_digest"]) == (claims["pack"]["digest"], claims["request"]["digest"])
        for name in ("verdict", "environment", "service", "artifact"):
            assert row[name] == entry.trailers[f"Gatecheck-{name.title()}"]
    packs = parquet.read_table(target / "packs.parquet").to_pylist()
    assert [(p["pack"], p["path"], p["content"]) for p in packs] == [
        (row["pack"], path, files[path]) for row, files in ((rows[0], PACK), (rows[1], OTHER)) for path in sorted(files)
    ]
    assert leftovers(world) == []


def test_the_same_entries_give_the_same_bytes(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    for form in ("jsonl", "dsse", "parquet"):
        made = []
        for name in ("one", "two"):
            target = world.folder / f"{form}-{name}"
            assert run(world, "--format", form, "--output", str(target)).exception is None
            files = [target] if target.is_file() else sorted(target.iterdir())
            made.append([file.read_bytes() for file in files])
        assert made[0] == made[1]
    pytest.importorskip("pyarrow")
    monkeypatch.setattr(export, "_BATCH", 1)
    assert run(world, "--format", "parquet", "--output", str(world.folder / "more")).exception is None
    parquet = pytest.importorskip("pyarrow.parquet")
    for name in ("decisions.parquet", "packs.parquet"):
        one, more = (parquet.read_table(world.folder / folder / name) for folder in ("parquet-one", "more"))
        assert one.equals(more)


def test_without_the_extra_parquet_says_what_to_install(world: World) -> None:
    code = (
        "import sys; sys.modules['pyarrow'] = None\n"
        "from gatecheck.__main__ import main; main()"
    )  # fmt: skip
    target = world.folder / "out"
    command = ("ledger", "export", "--format", "parquet", "--output", str(target), "--ledger", str(world.path))
    environment = {"PYTHONPATH": ":".join(sys.path), "XDG_STATE_HOME": str(world.memory), "HOME": str(world.folder)}
    done = subprocess.run([sys.executable, "-c", code, *command], env=environment, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        "error[GC766]: Parquet is written by pyarrow, which is not installed\n"
        "   = hint: `pip install 'gatecheck[parquet]'`\n"
    )
    assert not target.exists()


def test_an_empty_ledger_is_exported_as_nothing(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.open()
    assert run(world).output == ""
    for form in ("dsse", "parquet"):
        assert run(world, "--format", form, "--output", str(tmp_path / form)).exception is None
    assert list((tmp_path / "dsse").iterdir()) == []
    parquet = pytest.importorskip("pyarrow.parquet")
    assert parquet.read_table(tmp_path / "parquet" / "decisions.parquet").num_rows == 0
