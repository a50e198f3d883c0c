"""The cache is a matter of time only: damaged, foreign or absent, it never changes a decision."""

import os
import shutil
import subprocess
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import pytest
from cli_world import PRODUCTION, STAGING, Done, World

from gatecheck import cache as caches


@pytest.fixture
def warm(world: World) -> tuple[World, Path, Done]:
    """A world with a filled cache of its own, and what is decided there."""
    cache = world.root / "cache"
    world.env["GATECHECK_CACHE"] = str(cache)
    done = world.decide(*PRODUCTION, "--format", "json")
    assert done.code == 0
    assert world.decide(*PRODUCTION, "--format", "json") == done
    return world, cache, done


def flip(raw: bytes, at: int) -> bytes:
    return raw[:at] + bytes([raw[at] ^ 0xFF]) + raw[at + 1 :]


DAMAGES: dict[str, Callable[[bytes], bytes]] = {
    "emptied": lambda _: b"",
    "cut within the mark": lambda raw: raw[:30],
    "cut within the head": lambda raw: raw[:80],
    "cut at the end": lambda raw: raw[:-1],
    "another form": lambda raw: b"gatecheck cache 9\n" + raw[18:],
    "damaged head": lambda raw: flip(raw, 70),
    "damaged digest": lambda raw: flip(raw, 20),
    "an endless head": lambda raw: raw[:50] + b"\xff" * 8 + raw[58:],
    "damaged body": lambda raw: raw[: len(raw) // 2] + bytes(b ^ 0xFF for b in raw[len(raw) // 2 :]),
    "something else": lambda raw: os.urandom(len(raw)),
}


@pytest.mark.parametrize("damage", sorted(DAMAGES))
def test_damaged_files_are_passed_over(warm: tuple[World, Path, Done], damage: str) -> None:
    world, cache, done = warm
    files = sorted(cache.iterdir())
    assert len(files) == 6  # the program and five documents
    for file in files:
        file.write_bytes(DAMAGES[damage](file.read_bytes()))
    assert world.decide(*PRODUCTION, "--format", "json") == done
    assert world.decide(*PRODUCTION, "--format", "json") == done


def test_files_that_were_swapped_do_not_stand_for_one_another(warm: tuple[World, Path, Done]) -> None:
    world, cache, done = warm
    files = sorted(cache.iterdir())
    kept = [file.read_bytes() for file in files]
    for shift in range(1, len(files)):
        for file, raw in zip(files, kept[shift:] + kept[:shift], strict=True):
            file.write_bytes(raw)
        assert world.decide(*PRODUCTION, "--format", "json") == done


def others_write(path: Path) -> None:
    path.chmod(path.stat().st_mode | 0o002)


def group_writes(path: Path) -> None:
    path.chmod(path.stat().st_mode | 0o020)


def give_away(path: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can give a file away")
    os.chown(path, 12345, 12345)


@pytest.mark.parametrize("spoil", [others_write, group_writes, give_away])
@pytest.mark.parametrize("what", ["folder", "file"])
def test_what_others_can_write_is_neither_read_nor_written(
    warm: tuple[World, Path, Done], spoil: Callable[[Path], None], what: str
) -> None:
    """A file that is forged well enough to be believed, were it not for who could have written it."""
    world, cache, done = warm
    forged = next(file for file in cache.iterdir() if b"PAY-1412" in file.read_bytes())
    head = forged.read_bytes()[58:].replace(b"PAY-1412", b"XYZ-1412")
    mark = b"gatecheck cache 2\n" + sha256(forged.name.encode() + head).digest() + len(head).to_bytes(8, "big")
    forged.write_bytes(mark + head)
    assert world.decide(*PRODUCTION).code == 3
    spoil(cache if what == "folder" else forged)
    assert world.decide(*PRODUCTION, "--format", "json") == done
    assert (forged.read_bytes() == mark + head) == (what == "folder")


def test_a_link_is_not_a_cache(warm: tuple[World, Path, Done]) -> None:
    world, cache, done = warm
    elsewhere = world.root / "elsewhere"
    cache.rename(elsewhere)
    cache.symlink_to(elsewhere)
    shutil.rmtree(elsewhere)
    elsewhere.mkdir()
    assert world.decide(*PRODUCTION, "--format", "json") == done
    assert list(elsewhere.iterdir()) == []


@pytest.mark.parametrize("place", ["off", "/dev/null", "/proc", "/proc/none/cache", "/dev/null/cache"])
def test_where_there_can_be_no_cache_there_is_none(warm: tuple[World, Path, Done], place: str) -> None:
    world, cache, done = warm
    shutil.rmtree(cache)
    assert world.decide(*PRODUCTION, "--format", "json", env={"GATECHECK_CACHE": place}) == done
    assert not cache.exists()


def test_a_relative_folder_of_xdg_is_not_made_in_the_repository(world: World) -> None:
    assert world.decide(*PRODUCTION, env={"XDG_CACHE_HOME": "cache"}).code == 0
    assert not (world.here / "cache").exists()
    assert Path(world.env["HOME"], ".cache", "gatecheck").is_dir()


@pytest.mark.parametrize(
    ("variable", "below"), [("GATECHECK_CACHE", ""), ("XDG_CACHE_HOME", "gatecheck"), ("HOME", ".cache/gatecheck")]
)
def test_a_change_can_not_bring_a_cache(
    warm: tuple[World, Path, Done], monkeypatch: pytest.MonkeyPatch, variable: str, below: str
) -> None:
    """Pipelines like to keep caches in the checkout, and the key of a document that is kept is no secret."""
    world, cache, done = warm
    brought = world.folder / "brought"
    shutil.copytree(cache, brought / below)
    monkeypatch.setenv("GATECHECK_CACHE", str(brought / below))
    for file in cache.iterdir():
        kept = caches.read(file.name)
        if kept is not None and kept.head.startswith(b"["):
            caches.write(file.name, b"[]", b"")
    del world.env["GATECHECK_CACHE"]
    world.env[variable] = str(brought)
    if variable == "HOME":
        world.env["XDG_CACHE_HOME"] = ""
    command = ("evaluate", "--no-ledger", *PRODUCTION, "--format", "json")
    assert world.spawn(*command).code == 4  # where it lies in no repository it is the user's own, and believed
    subprocess.run(["git", "init", "-q", str(world.folder)], check=True)
    assert world.spawn(*command) == done
    shutil.rmtree(brought)
    assert world.spawn(*command) == done
    assert not brought.exists()


def test_the_folder_and_its_files_are_the_users_alone(warm: tuple[World, Path, Done]) -> None:
    _, cache, _ = warm
    assert cache.stat().st_mode & 0o777 == 0o700
    assert {file.stat().st_mode & 0o777 for file in cache.iterdir()} == {0o600}


def test_a_pack_that_changed_is_not_taken_from_the_cache(warm: tuple[World, Path, Done]) -> None:
    world, _, _ = warm
    world.replace("../../gates.gate", "line_rate >= 80%", "line_rate >= 99%")
    assert world.decide(*PRODUCTION).code == 3
    world.replace("../../gates.gate", "line_rate >= 99%", "line_rate >= 80%")
    assert world.decide(*PRODUCTION).code == 0


def test_what_a_killed_process_left_is_in_nobodys_way(warm: tuple[World, Path, Done]) -> None:
    world, cache, done = warm
    for file in sorted(cache.iterdir()):
        file.rename(file.with_name(f"{file.name}.{os.getpid()}.new"))
    assert world.decide(*PRODUCTION, "--format", "json") == done
    assert world.decide(*PRODUCTION, "--format", "json") == done
    assert world.decide(*PRODUCTION, "--format", "json") == done
    assert len([file for file in cache.iterdir() if not file.name.endswith(".new")]) == 6


def test_first_runs_at_once_agree(world: World) -> None:
    env = {"GATECHECK_CACHE": str(world.root / "new" / "cache")}
    args = ("evaluate", "--no-ledger", *STAGING, "--format", "json")
    started = [world.start(*args, env=env) for _ in range(4)]
    ended = []
    for process in started:
        with process:
            out, err = process.communicate(timeout=60)
            ended.append(Done(process.returncode, out.decode(), err.decode()))
    assert ended == [world.decide(*STAGING, "--format", "json", env={"GATECHECK_CACHE": "off"})] * 4
    assert not [file.name for file in (world.root / "new" / "cache").iterdir() if file.name.endswith(".new")]
