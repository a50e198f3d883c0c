"""What only a process shows: pipes, terminals, signals, locales, warnings."""

import os
import pty
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from cli_world import DENIED, DEV, Done, World

FULL = Path("/dev/full")


def on_a_terminal(world: World, *args: str, **env: str) -> str:
    """Return what a command writes where standard output is a terminal."""
    ours, theirs = pty.openpty()
    process = world.start(*args, stdout=theirs, env=env)
    os.close(theirs)
    written = b""
    while True:
        try:
            some = os.read(ours, 65536)
        except OSError:  # so Linux says that nobody holds the other end
            break
        if not some:
            break
        written += some
    os.close(ours)
    with process:
        process.communicate(timeout=60)
    return written.decode().replace("\r\n", "\n")


def test_colour_is_for_terminals_only(world: World) -> None:
    world.example("deny")
    args = ("evaluate", "--no-ledger", *DENIED)
    plain = world.spawn(*args).out
    assert "\x1b" not in plain
    coloured = on_a_terminal(world, *args, TERM="xterm")
    assert coloured.startswith("\x1b[1;31mDENY\x1b[0m  payment-service 2.14.1")
    assert (
        coloured.replace("\x1b[1;31m", "").replace("\x1b[31m", "").replace("\x1b[32m", "").replace("\x1b[0m", "")
        == plain
    )
    assert on_a_terminal(world, *args, TERM="xterm", NO_COLOR="1") == plain
    assert on_a_terminal(world, *args, TERM="dumb") == plain
    assert on_a_terminal(world, *args, "--format", "markdown", TERM="xterm") == (
        world.spawn(*args, "--format", "markdown").out
    )
    output = world.here / "o"
    assert on_a_terminal(world, *args, "--output", "o", TERM="xterm") == ""
    assert output.read_text() == plain


def test_the_module_the_same_as_in_process(world: World) -> None:
    world.example("deny")
    assert world.spawn("evaluate", "--no-ledger", *DENIED) == world.decide(*DENIED)
    assert world.spawn("evaluate", "--no-ledger", "-e", "nowhere") == world.decide("-e", "nowhere")
    assert world.spawn("--version") == Done(0, "gatecheck 0.1.0\n", "")


def test_a_reader_that_leaves_is_no_trouble(world: World) -> None:
    ours, theirs = os.pipe()
    os.close(ours)
    process = world.start("evaluate", *DEV, "--format", "json", stdout=theirs)
    os.close(theirs)
    with process:
        _, err = process.communicate(timeout=60)
    told, _, rest = err.decode().partition("\n")
    assert told.startswith("made a signing key in ")
    assert (process.returncode, rest) == (1, "")
    assert world.verified() == "verified 1 entry: records, chain and signatures are good"


@pytest.mark.skipif(not FULL.exists(), reason="there is no device that is always full")
def test_a_full_disk_is_told(world: World) -> None:
    with FULL.open("wb") as full:
        done = subprocess.run(
            [sys.executable, "-m", "gatecheck", "evaluate", "--no-ledger", *DEV],
            cwd=world.here, env=world.env, stdout=full, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
    assert (done.returncode, done.stderr) == (1, "error[GC802]: the system refuses: no space left on device\n")
    assert world.spawn("evaluate", "--no-ledger", *DEV, "--output", "/dev/full") == Done(
        2, "", "error[GC871]: the decision can't be written: no space left on device\n  --> /dev/full\n"
    )


def writer_once_read(path: Path, process: "subprocess.Popen[bytes]") -> int:
    """Return a pipe's writing end, as soon as the process reads from it."""
    while process.poll() is None:
        try:
            return os.open(path, os.O_WRONLY | os.O_NONBLOCK)
        except OSError:  # nobody reads yet
            time.sleep(0.005)
    raise AssertionError("the process ended before it read")


def test_an_interruption_ends_it_without_a_trace(world: World) -> None:
    """The change is a pipe into which nobody writes, so that the command waits until it is interrupted."""
    os.mkfifo(world.here / "pipe")
    with world.start("evaluate", *DEV, "--change", "pipe") as process:
        writer = writer_once_read(world.here / "pipe", process)
        time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
        os.close(writer)
    assert (process.returncode, out.decode(), err.decode().strip()) == (1, "", "interrupted")
    assert not world.ledger.exists()


@pytest.mark.parametrize("locale", [{"LC_ALL": "C", "PYTHONUTF8": "0"}, {"PYTHONIOENCODING": "latin-1"}])
def test_a_locale_changes_no_byte(world: World, locale: dict[str, str]) -> None:
    world.replace("change.yaml", "title: Refund", "title: Rückzahlung → €, 払い戻し")
    world.replace("change.yaml", "type: feature", "type: brücke")
    world.replace("../../dev.gate", '"Dev is fast feedback"', '"Für schnelle Rückmeldung"')
    for form in ("text", "json", "markdown", "github"):
        args = ("evaluate", "--no-ledger", *DEV, "--explain", "--format", form)
        assert world.spawn(*args, env=locale) == world.run(*args)
    world.replace("change.yaml", "id: PR-1412", "idee: ü")
    assert world.spawn("evaluate", "--no-ledger", *DEV, env=locale) == world.decide(*DEV)


def test_nothing_is_warned_of(world: World) -> None:
    """Not even that a file was left open: of a first run, which compiles, and of a second, which reads the cache."""
    env = {"PYTHONWARNINGS": "error", "GATECHECK_CACHE": str(world.root / "cache")}
    first = world.spawn("evaluate", *DEV, env=env)
    assert (first.code, first.err.count("\n")) == (0, 1)
    assert world.spawn("evaluate", *DEV, env=env) == Done(0, first.out, "")
    assert world.spawn("replay", env=env) == Done(0, "replayed 1 decision: all the same bytes\n", "")
    assert world.spawn("ledger", "verify", env=env).err == ""


def test_a_user_without_a_home(world: World) -> None:
    env = {name: value for name, value in world.env.items() if name not in ("HOME", "XDG_CACHE_HOME")}
    command = [sys.executable, "-m", "gatecheck", "evaluate", "--no-ledger", *DEV]
    done = subprocess.run(command, cwd=world.here, env=env | {"GATECHECK_CACHE": "off"}, capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, world.decide(*DEV).out, "")
