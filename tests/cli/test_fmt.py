"""``gatecheck fmt``: which files it formats, what it writes, shows and says, and what its exit code tells."""

import os
import stat
import sys
from io import BytesIO, TextIOWrapper
from pathlib import Path

import pytest
from cli_world import Done, World

from gatecheck.cli.exits import Exit

LOOSE = "group a=b # who\nlet x=y\n"
NEAT = "group a = b  # who\n\nlet x = y\n"
BROKEN = "group a b\n"


@pytest.fixture
def rules(world: World) -> Path:
    """A folder with a loose, a neat and, further below, another loose file."""
    world.write("r/loose.gate", LOOSE)
    world.write("r/neat.gate", NEAT)
    world.write("r/below/also.gate", "environment   dev\n")
    world.write("r/notes.txt", LOOSE)
    return world.here / "r"


def test_files_of_a_folder_are_formatted(world: World, rules: Path) -> None:
    said = "formatted r/below/also.gate\nformatted r/loose.gate\n2 files formatted, 1 already so\n"
    assert world.run("fmt", "r") == Done(Exit.ALLOW, "", said)
    assert (rules / "loose.gate").read_text() == (rules / "neat.gate").read_text() == NEAT
    assert (rules / "below" / "also.gate").read_text() == "environment dev\n"
    assert (rules / "notes.txt").read_text() == LOOSE
    assert {path.name for path in rules.iterdir()} == {"below", "loose.gate", "neat.gate", "notes.txt"}
    assert world.run("fmt", "r") == Done(Exit.ALLOW, "", "0 files formatted, 3 already so\n")


def test_shipped_rules_are_formatted(world: World) -> None:
    assert world.run("fmt", "--check", "../..") == Done(Exit.ALLOW, "", "0 files to format, 6 already so\n")


def test_check_names_what_would_change_and_changes_nothing(world: World, rules: Path) -> None:
    said = "would format r/below/also.gate\nwould format r/loose.gate\n2 files to format, 1 already so\n"
    assert world.run("fmt", "--check", "r") == Done(Exit.RULES, "", said)
    assert (rules / "loose.gate").read_text() == LOOSE


def test_a_difference_can_be_applied(world: World, rules: Path) -> None:
    (rules / "loose.gate").write_text(LOOSE.rstrip())
    done = world.run("fmt", "--diff", "r/loose.gate", "r/neat.gate")
    assert done == Done(
        Exit.RULES,
        "--- r/loose.gate\n+++ r/loose.gate\n@@ -1,2 +1,3 @@\n"
        "-group a=b # who\n-let x=y\n\\ No newline at end of file\n"
        "+group a = b  # who\n+\n+let x = y\n",
        "would format r/loose.gate\n1 file to format, 1 already so\n",
    )
    assert (rules / "loose.gate").read_text() == LOOSE.rstrip()
    world.git("apply", "-p0", "-", stdin=done.out.encode(), folder=world.here)
    assert (rules / "loose.gate").read_text() == NEAT


def test_what_does_not_parse_is_left_and_the_others_are_formatted(world: World, rules: Path) -> None:
    world.write("r/broken.gate", BROKEN)
    done = world.run("fmt", "r")
    assert (done.code, done.out) == (Exit.RULES, "")
    assert done.err.startswith("formatted r/below/also.gate\nerror[GC101]: unexpected `b`\n  --> r/broken.gate:1:9\n")
    assert done.err.endswith("\nformatted r/loose.gate\n2 files formatted, 1 already so\n")
    assert (rules / "broken.gate").read_text() == BROKEN
    assert (rules / "loose.gate").read_text() == NEAT


def test_what_is_no_text_is_left_and_the_others_are_formatted(world: World, rules: Path) -> None:
    world.write("r/broken.gate", BROKEN)
    world.write("r/a.gate", b"\xff\xff")
    done = world.run("fmt", "r")
    assert done.code == Exit.USAGE
    assert "error[GC503]: is not text in UTF-8 (byte 0)\n  --> r/a.gate\n" in done.err
    assert (rules / "a.gate").read_bytes() == b"\xff\xff"
    assert (rules / "loose.gate").read_text() == NEAT


def through(world: World, monkeypatch: pytest.MonkeyPatch, text: bytes, *options: str) -> Done:
    monkeypatch.setattr(sys, "stdin", TextIOWrapper(BytesIO(text)))
    return world.run("fmt", *options, "-")


def test_standard_input(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    assert through(world, monkeypatch, LOOSE.encode()) == Done(Exit.ALLOW, NEAT, "")
    assert through(world, monkeypatch, NEAT.encode()) == Done(Exit.ALLOW, NEAT, "")
    assert through(world, monkeypatch, b"") == Done(Exit.ALLOW, "", "")
    would = "would format <stdin>\n1 file to format, 0 already so\n"
    assert through(world, monkeypatch, LOOSE.encode(), "--check") == Done(Exit.RULES, "", would)
    shown = through(world, monkeypatch, LOOSE.encode(), "--diff")
    assert (shown.code, shown.out[:24], shown.err) == (Exit.RULES, "--- <stdin>\n+++ <stdin>\n", would)
    broken = through(world, monkeypatch, BROKEN.encode())
    assert (broken.code, broken.out) == (Exit.RULES, "")
    assert "  --> <stdin>:1:9\n" in broken.err


def test_mode_link_and_line_ends_stay(world: World, rules: Path) -> None:
    file = rules / "loose.gate"
    file.write_bytes(LOOSE.replace("\n", "\r\n").encode())
    file.chmod(0o640)
    (rules / "link.gate").symlink_to("loose.gate")
    assert world.run("fmt", "r/link.gate").code == Exit.ALLOW
    assert (rules / "link.gate").is_symlink()
    assert stat.S_IMODE(file.stat().st_mode) == 0o640
    assert file.read_bytes() == NEAT.replace("\n", "\r\n").encode()


@pytest.mark.parametrize("encoding", ["utf-16", "utf-8-sig"])
def test_a_mark_goes(encoding: str, world: World, rules: Path) -> None:
    (rules / "neat.gate").write_bytes(NEAT.encode(encoding))
    assert world.run("fmt", "--check", "r/neat.gate").code == Exit.RULES
    assert world.run("fmt", "r/neat.gate").code == Exit.ALLOW
    assert (rules / "neat.gate").read_bytes() == NEAT.encode()


def test_a_file_that_is_named_twice_is_formatted_once(world: World, rules: Path) -> None:
    done = world.run("fmt", "r/loose.gate", "r", "r/../r/loose.gate")
    assert done.err == "formatted r/loose.gate\nformatted r/below/also.gate\n2 files formatted, 1 already so\n"


def test_nothing_is_written_where_a_path_is_wrong(world: World, rules: Path) -> None:
    done = world.run("fmt", "r", "absent")
    assert done == Done(
        Exit.USAGE,
        "",
        "error[GC501]: there is no such rule pack\n  --> absent\n   = hint: name a folder of `.gate` files\n",
    )
    assert (rules / "loose.gate").read_text() == LOOSE


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_what_can_not_be_written_is_told(world: World, rules: Path) -> None:
    (rules / "loose.gate").chmod(0o444)
    done = world.run("fmt", "r/loose.gate")
    assert done == Done(Exit.USAGE, "", "error[GC871]: can't be written: permission denied\n  --> r/loose.gate\n")
    assert (rules / "loose.gate").read_text() == LOOSE


def test_a_file_is_replaced_whole_or_not_at_all(world: World, rules: Path) -> None:
    taken = world.write(f"r/.loose.gate.{os.getpid()}.new", "another's")
    done = world.run("fmt", "r/loose.gate")
    assert done == Done(Exit.USAGE, "", "error[GC871]: can't be written: file exists\n  --> r/loose.gate\n")
    assert (rules / "loose.gate").read_text() == LOOSE
    assert taken.read_text() == "another's"


def test_without_a_path_the_configured_rules_are_formatted(world: World) -> None:
    world.write("gatecheck.yaml", "rules: ../..\n")
    loose = world.write("../../more.gate", LOOSE)
    done = world.run("fmt")
    assert done == Done(Exit.ALLOW, "", "formatted ../../more.gate\n1 file formatted, 6 already so\n")
    assert loose.read_text() == NEAT


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ("change: c.json\n", "no PATH is given"),
        ("rules: main:rules\n", "the rules are those of a revision: `main:rules`"),
    ],
)
def test_without_a_path_and_a_folder_there_is_nothing_to_format(config: str, said: str, world: World) -> None:
    world.write("gatecheck.yaml", config)
    assert world.run("fmt") == Done(
        Exit.USAGE, "", f"error[GC801]: {said}\n   = hint: name a file, a folder, or `-` for standard input\n"
    )


def test_a_name_moves_nothing_on_the_screen(world: World) -> None:
    world.write("\x1b[2J.gate", LOOSE)
    done = world.run("fmt", "--diff", "\x1b[2J.gate")
    assert "\x1b" not in done.out + done.err
    assert done.out.startswith("--- \ufffd[2J.gate\n+++ \ufffd[2J.gate\n")
