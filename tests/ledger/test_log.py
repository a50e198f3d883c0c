"""`gatecheck ledger log`: finding entries, what is said besides, and that a warm index needs little."""

import json
import os
import sqlite3
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from ledger_world import AT, World, record

from gatecheck.cli.ledger import command
from gatecheck.cli.ledgers.asked import Progress, named
from gatecheck.text.diagnostic import InputError

FINDING = {"id": "ship/x", "rule": "ship", "kind": "require", "status": "failed", "statement": "require x"}


@pytest.fixture
def world(tmp_path: Path) -> World:
    made = World(tmp_path)
    ledger = made.open()
    for number, (service, verdict) in enumerate([("pay", "allow"), ("shop", "deny"), ("pay", "pending")], 1):
        change = {"author": f"person-{number}", "id": f"PR-{number}"}
        one = record(number, verdict, findings=[FINDING] if verdict == "deny" else [], change=change)
        at = AT + timedelta(days=number)
        ledger.append(one._replace(trailers={"Gatecheck-Service": service}), made.key, at)
    return made


def environment(world: World) -> dict[str, str]:
    return {"XDG_STATE_HOME": str(world.folder / "xdg"), "GATECHECK_CACHE": str(world.folder / "cache")}


def run(world: World, *arguments: str) -> Result:
    arguments = ("log", *arguments, "--ledger", str(world.path))
    return CliRunner().invoke(command, arguments, env=environment(world))


def found(world: World, *arguments: str) -> list[int]:
    result = run(world, "--format", "json", *arguments)
    if result.exception is not None:
        raise result.exception
    return [item["seq"] for item in json.loads(result.stdout)]


def test_each_option_chooses(world: World) -> None:
    entry = world.open().find("2")
    for expected, arguments in [
        ([3, 1], ["--service", "pay"]),
        ([3, 2, 1], ["--service", "pay", "--service", "shop"]),
        ([1], ["--service", "pay", "--verdict", "allow"]),
        ([2], ["--person", "person-2"]),
        ([2], ["--rule", "ship"]),
        ([2], ["--rule", "ship", "--status", "failed"]),
        ([], ["--rule", "ship", "--status", "passed"]),
        ([3, 2, 1], ["--environment", "production", "--kind", "decision"]),
        ([2], ["--digest", entry.id]),
        ([3, 2], ["--since", "2026-11-25"]),
        ([2, 1], ["--until", "2026-11-25"]),
        ([2], ["--since", "2026-11-24T11:00:00Z", "--until", "2026-11-25T12:00:00+02:00"]),
        ([1], ["--service", "pay", "..2"]),
    ]:
        assert found(world, *arguments) == expected, arguments


def test_nothing_found_is_said_with_the_nearest_name(world: World) -> None:
    result = run(world, "--service", "pays", "--person", "person-1")
    assert (result.stdout, result.exit_code) == ("no entry matches\n", 0)
    assert result.stderr == "no entry names the service `pays`; did you mean `pay`?\n"
    assert run(world, "--service", "pay", "--verdict", "deny").stderr == ""
    assert run(world, "--service", "pays", "--format", "json").stdout == "[]\n"


def test_an_entry_that_cannot_be_read_is_remarked(world: World) -> None:
    entry = world.open().find("2")
    oid = world.git("rev-parse", f"{entry.commit}:statement.json")
    (world.path / "objects" / oid[:2] / oid[2:]).unlink()
    result = run(world, "--verdict", "deny")
    assert len(result.stdout.splitlines()) == 2
    assert result.stderr == (
        f"#2 {entry.id[:12]}: its statement can't be read: git object {oid} is missing; "
        "`gatecheck ledger verify` tells more\n"
    )


def test_a_rewritten_history_is_said_once(world: World) -> None:
    assert run(world).stderr == ""
    (writer,) = world.open().writers()
    world.git("update-ref", "HEAD", "HEAD~1")
    result = run(world)
    assert len(result.stdout.splitlines()) == 3
    assert result.stderr == (
        f"warning[GC760]: the history of ledger/{writer} was rewritten since it was indexed last\n"
        "   = hint: `gatecheck ledger verify` tells more\n"
    )
    assert run(world).stderr == ""


def test_texts_by_others_drive_no_terminal(world: World) -> None:
    run(world)  # the ledger itself enters no such text, but another's git may bring it
    (kept,) = (world.folder / "cache").glob("ledger-*.sqlite")
    with sqlite3.connect(kept) as index:
        index.execute("UPDATE x_entry SET subject = ? WHERE seq = 3", ("ALLOW \x1b[2J\u202e",))
    index.close()
    assert "\x1b" not in run(world).stdout
    assert "\ufffd[2J\ufffd" in run(world).stdout
    out = run(world, "--format", "json").stdout
    assert "\\u001b[2J\\u202e" in out


def test_a_warm_index_is_asked_without_git_or_anything_large(world: World) -> None:
    run(world)
    code = (
        "import sys\n"
        "from gatecheck.cli.app import run\n"
        f"run(['ledger', 'log', '--service', 'pay', '--since', '2026-11-24', '--ledger', {str(world.path)!r}])\n"
        "large = {'pygit2', 'cryptography', 'msgspec', 'tabulate', 'json', 'pathlib', 'jsonschema', 'yaml'}\n"
        "print(sorted({m.split('.')[0] for m in sys.modules} & large))\n"
    )
    path = {"PYTHONPATH": os.pathsep.join(sys.path), "HOME": str(world.folder)}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment(world) | path, capture_output=True, text=True, check=True
    )
    assert len(done.stdout.splitlines()) == 4
    assert done.stdout.splitlines()[-1] == "[]"


def test_the_ledger_is_found_as_by_other_commands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    below = tmp_path / "a" / "b"
    below.mkdir(parents=True)
    monkeypatch.chdir(below)
    assert named("x") == "x"
    assert named(None) == ".gatecheck/ledger"
    (tmp_path / ".git").mkdir()
    (tmp_path / "gatecheck.yaml").write_text("ledger: kept/here\n")
    monkeypatch.setenv("GATECHECK_CACHE", "off")
    assert Path(named(None)).resolve() == (tmp_path / "kept" / "here").resolve()


def test_progress_is_said_only_of_what_takes_long(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    now = [100.0]
    monkeypatch.setattr("time.monotonic", lambda: now[0])
    progress = Progress()
    progress(10, 1000)
    progress.end(unkept="no place")
    assert capsys.readouterr().err == ""
    now[0] += 1.1
    progress(0, 0)
    now[0] += 1.1
    progress(20, 1000)
    progress.end(unkept="no place")
    assert capsys.readouterr().err == ("waiting for another to index it\nthe index was made for this once: no place\n")
    progress = Progress("exporting")
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    now[0] += 2
    progress(20, 1000)
    progress.end()
    said = capsys.readouterr().err
    assert said.startswith("\rexporting: 20 of 1,000 entries ")
    assert said.endswith(" \r")


def test_wrong_days_and_spans_are_told(world: World) -> None:
    for arguments, code in [(("--since", "2026-02-30"), "GC801"), (("--until", "now"), "GC517"), (("9..",), "GC715")]:
        result = run(world, *arguments)
        assert isinstance(result.exception, InputError)
        assert result.exception.diagnostics[0].code == code
