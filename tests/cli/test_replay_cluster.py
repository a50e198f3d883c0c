"""Replay on a real cluster of processes on this machine: the same bytes, whatever becomes of its workers."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from cli_world import Done, World
from replay_world import COUNT, SAME, filled_world

pytest.importorskip("distributed", reason="the extra `dask` is not installed")

# Parts of five, so that a small ledger is enough for all workers.
CODE = (
    "import gatecheck.replay.fleet as f; f.replay.__defaults__ = ({size},);from gatecheck.__main__ import main; main()"
)


class Cluster(NamedTuple):
    address: str
    workers: tuple[int, ...]
    world: World


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    world = filled_world(World(tmp_path_factory.mktemp("world"), tmp_path_factory.mktemp("cache")))
    with running(world) as process:
        yield of(process, world)


@pytest.fixture
def shortlived(cluster: Cluster) -> Iterator[Cluster]:
    """Yield a cluster of which workers may be killed."""
    with running(cluster.world) as process:
        yield of(process, cluster.world)


def running(world: World) -> "subprocess.Popen[str]":
    program = [sys.executable, str(Path(__file__).with_name("replay_cluster.py"))]
    return subprocess.Popen(
        program, cwd=world.root, env=world.env, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL, text=True,
    )  # fmt: skip


def of(process: "subprocess.Popen[str]", world: World) -> Cluster:
    assert process.stdout is not None
    address, *workers = process.stdout.readline().split()
    return Cluster(address, tuple(map(int, workers)), world)


def start(cluster: Cluster, *options: str, size: int = 5) -> "subprocess.Popen[bytes]":
    command = [sys.executable, "-c", CODE.format(size=size), "replay", "--engine", "dask", *options]
    return subprocess.Popen(
        command, cwd=cluster.world.here, env=cluster.world.env, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )


def end(process: "subprocess.Popen[bytes]") -> Done:
    out, err = process.communicate(timeout=300)
    return Done(process.returncode, out.decode(), err.decode())


@pytest.mark.parametrize("form", ["text", "json"])
@pytest.mark.parametrize("size", [1, 13, 1000])
def test_the_same_bytes_as_alone(cluster: Cluster, form: str, size: int) -> None:
    alone = cluster.world.run("replay", "--format", form)
    assert alone.code == 0
    done = end(start(cluster, "--scheduler", cluster.address, "--format", form, size=size))
    assert (done.code, done.out) == (alone.code, alone.out)  # what is on stderr may be how far it is


def test_workers_use_a_copy_of_their_own(cluster: Cluster) -> None:
    copy = cluster.world.root / "copy"
    cluster.world.git("clone", "-q", "--mirror", ".", str(copy), folder=cluster.world.root / "ledger")
    asked = ("--scheduler", cluster.address, "--worker-ledger", str(copy))
    done = end(start(cluster, *asked))
    assert (done.code, done.out) == (SAME.code, SAME.out)
    shutil.rmtree(copy)
    nowhere = cluster.world.root / "nowhere"
    assert end(start(cluster, "--scheduler", cluster.address, "--worker-ledger", str(nowhere))) == Done(
        6,
        "",
        "error[GC711]: there is no ledger here\n"
        f"  --> {nowhere}\n"
        "   = hint: the first recorded decision makes it; or name another with `--ledger`\n",
    )


def kill_one_in_the_middle(cluster: Cluster) -> Done:
    """Stop one worker before it is asked, so that it holds parts of the replay when it is killed."""
    victim = cluster.workers[0]
    os.kill(victim, signal.SIGSTOP)
    process = start(cluster, "--scheduler", cluster.address)
    time.sleep(3)
    assert process.poll() is None  # it waits for what the stopped one holds
    os.kill(victim, signal.SIGKILL)
    return end(process)


def test_the_parts_of_a_worker_that_is_killed_are_done_again(shortlived: Cluster) -> None:
    done = kill_one_in_the_middle(shortlived)
    assert (done.code, done.out) == (SAME.code, SAME.out)
    assert all(line.endswith(f"of {COUNT} decisions") for line in done.err.splitlines())


def test_no_scheduler_there(cluster: Cluster) -> None:
    done = end(start(cluster, "--scheduler", "nonsense://127.0.0.1:1"))
    assert done == Done(
        6,
        "",
        "error[GC781]: no scheduler with workers answers at `nonsense://127.0.0.1:1`: ValueError\n"
        "   = hint: name it as `tcp://HOST:PORT`, as `dask scheduler` prints it, and start workers\n",
    )


def test_without_the_package(cluster: Cluster) -> None:
    code = "import sys; sys.modules['distributed'] = None; from gatecheck.__main__ import main; main()"
    command = [sys.executable, "-c", code, "replay", "--engine", "dask", "--scheduler", "tcp://127.0.0.1:1"]
    run = subprocess.run(command, cwd=cluster.world.here, env=cluster.world.env, capture_output=True, text=True)
    assert Done(run.returncode, run.stdout, run.stderr) == Done(
        2,
        "",
        "error[GC783]: `--engine dask` needs the package `distributed`\n"
        "   = hint: `pip install 'gatecheck[dask]'`, here and on the workers; or leave `--engine` out\n",
    )


@pytest.mark.soak
def test_a_large_ledger_and_a_worker_that_is_killed(tmp_path: Path) -> None:
    world = filled_world(World(tmp_path, tmp_path / "cache"), 20_000)
    with running(world) as process:
        done = kill_one_in_the_middle(of(process, world))
    assert (done.code, done.out) == (0, "replayed 20,000 decisions: all the same bytes\n")
