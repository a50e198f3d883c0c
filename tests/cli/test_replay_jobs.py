"""Replay in several processes: the same bytes as in one, whatever the processes come to."""

import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from cli_world import Done, World
from replay_world import AT, COUNT, SAME, filled_world, open_of

from gatecheck.ledger.record import Record, read_claims
from gatecheck.model.canonical import canonical
from gatecheck.replay.bulk import cut, decisions, replay
from gatecheck.text.diagnostic import LedgerError
from gatecheck.trust.key import SigningKey, load_or_make_key


@pytest.fixture
def filled(world: World) -> World:
    return filled_world(world)


def enter_no_decision(world: World) -> str:
    """Enter a statement that is none of a decision, and return its id."""
    ledger = open_of(world)
    entry = next(ledger.entries())
    statement = json.loads(ledger.statement(entry))
    del statement["predicate"]["engine"]
    raw = canonical(statement)
    made = Record(("X",), raw, ledger.request(entry), ledger.pack(entry), read_claims(raw).pack)
    return ledger.append(made, key_of(world), AT).id


def key_of(world: World) -> SigningKey:
    return load_or_make_key(world.root / "one")[0]


@pytest.mark.parametrize("form", ["text", "json"])
def test_the_same_bytes_whatever_the_processes(filled: World, form: str) -> None:
    name = enter_no_decision(filled)
    alone = filled.run("replay", "--format", form)
    assert (alone.code, alone.err) == (6, "")
    assert alone.out.count(name[:12]) == 1
    for jobs in ("1", "3"):
        assert filled.run("replay", "--jobs", jobs, "--format", form) == alone


@pytest.mark.parametrize("size", [1, 7, COUNT - 1, COUNT, 1000])
def test_the_same_results_wherever_the_cuts_fall(filled: World, size: int) -> None:
    ledger = open_of(filled)
    places = decisions(ledger)
    alone = list(replay(ledger, places))
    assert [each.entry for each in alone] == [e.id for e in ledger.entries(oldest_first=True)]
    assert [place for part in cut(places, size) for place in part] == places
    assert list(replay(ledger, places, 2, size)) == alone


def test_a_range_in_processes(filled: World) -> None:
    first, *_, last = [e.id for e in open_of(filled).entries(oldest_first=True)][4:10]
    done = filled.run("replay", f"{first}..{last}", "--jobs", "2")
    assert done == Done(0, "replayed 6 decisions: all the same bytes\n", "")


def test_what_can_not_be_read_ends_every_replay_alike(filled: World) -> None:
    ledger = open_of(filled)
    entry = next(ledger.entries())
    blob = ledger.store.tree(entry.tree)["statement.json"].id
    (filled.root / "ledger" / "objects" / blob[:2] / blob[2:]).unlink()
    alone = filled.run("replay", "--format", "json")
    assert alone == Done(
        6,
        "",
        f"error[GC713]: the ledger is broken: entry {entry.id[:12]}: git object {blob} is missing\n"
        f"  --> {filled.root / 'ledger'}\n"
        "   = hint: `gatecheck ledger verify`\n",
    )
    assert filled.run("replay", "--jobs", "2", "--format", "json") == alone
    found = []
    with pytest.raises(LedgerError):
        for each in replay(ledger, decisions(ledger), 2, 4):
            found.append(each.entry)
    assert found == [e.id for e in ledger.entries(oldest_first=True)][:-1]


# -- processes that die


def children(parent: int) -> list[int]:
    """Return the processes that repeat decisions for another."""
    found = []
    with suppress(OSError):
        for pid in Path(f"/proc/{parent}/task/{parent}/children").read_text().split():
            with suppress(OSError):
                if b"spawn_main" in Path(f"/proc/{pid}/cmdline").read_bytes():
                    found.append(int(pid))
    return found


def stopped_child(process: "subprocess.Popen[bytes]") -> int:
    """Stop a process that was given a part and can't have repeated it yet, since Python has hardly started there."""
    while process.poll() is None:
        for pid in children(process.pid):
            os.kill(pid, signal.SIGSTOP)
            return pid
    raise AssertionError("it ended before")


needs_proc = pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="needs /proc to find processes")


@pytest.fixture
def started(filled: World, monkeypatch: pytest.MonkeyPatch) -> Iterator["subprocess.Popen[bytes]"]:
    """Yield a replay in two processes that each get a part."""
    # The parts are cut small by the code that runs, not by the command: 30 decisions are one part otherwise.
    code = (
        "import gatecheck.replay.bulk as b; b.replay.__defaults__ = (1, 5); from gatecheck.__main__ import main; main()"
    )
    command = ["python", "-c", code, "replay", "--jobs", "2"]
    with subprocess.Popen(
        command, cwd=filled.here, env=filled.env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True
    ) as process:
        yield process
        process.kill()


@needs_proc
def test_a_part_of_a_process_that_died_is_done_again(started: "subprocess.Popen[bytes]") -> None:
    os.kill(stopped_child(started), signal.SIGKILL)
    out, err = started.communicate(timeout=60)
    assert Done(started.returncode, out.decode(), err.decode()) == SAME


@needs_proc
def test_a_part_over_which_processes_die_is_reported(started: "subprocess.Popen[bytes]") -> None:
    while started.poll() is None:
        for pid in children(started.pid):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.01)
    out, err = started.communicate(timeout=60)
    assert (started.returncode, out) == (6, b"")
    first, _, hint = err.decode().splitlines()
    assert first.startswith("error[GC780]: one process after another died that repeated 5 decisions, of commits ")
    assert hint == (
        "   = hint: were they killed, or out of memory? `gatecheck replay ID` repeats one of these decisions alone"
    )


@needs_proc
def test_an_interrupt_ends_all_processes(started: "subprocess.Popen[bytes]") -> None:
    pid = stopped_child(started)
    os.killpg(started.pid, signal.SIGINT)
    out, err = started.communicate(timeout=60)
    assert Done(started.returncode, out.decode(), err.decode()) == Done(1, "", "\ninterrupted\n")
    assert not Path(f"/proc/{pid}").exists()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--jobs", "0"), "Invalid value for '--jobs': 0 is not in the range x>=1."),
        (("--engine", "dask"), "`--engine dask` needs the address of its scheduler: `--scheduler ADDRESS`"),
        (("--scheduler", "tcp://x:1"), "`--scheduler` and `--worker-ledger` go with `--engine dask`"),
        (
            ("--engine", "dask", "--scheduler", "tcp://x:1", "--jobs", "2"),
            "`--jobs` is for processes of this machine; a dask cluster has as many as it has",
        ),
    ],
)
def test_options_that_do_not_go_together(world: World, options: tuple[str, ...], message: str) -> None:
    done = world.run("replay", *options)
    assert (done.code, done.out) == (2, "")
    assert done.err.splitlines()[-1] == f"Error: {message}"
