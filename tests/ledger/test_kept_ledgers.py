"""Ledgers that earlier versions made, kept as they were: each must verify and replay for ever.

``fixtures/make.sh`` made them, and says what is in each.
"""

import subprocess
from pathlib import Path

import pytest
from click.testing import CliRunner
from ledger_world import World, git_environment

from gatecheck.cli.ledger import command as ledger_command
from gatecheck.cli.replay import command as replay_command

FIXTURES = Path(__file__).parent / "fixtures"
KEPT = {"ledger-1": (9, "8f3a4fb8c3a4259f", "SHA256:jzpPuMOkJZ+q52dRqHskl64H1zyRbTuRqfKmn7HIksw")}


def unpacked(name: str, folder: Path) -> World:
    """Return a world whose ledger is a kept one, as a mirror of its bundle."""
    world = World(folder)
    bundle = FIXTURES / f"{name}.bundle"
    subprocess.run(["git", "clone", "-q", "--mirror", str(bundle), str(world.path)], check=True, env=git_environment())
    return world


def test_every_fixture_is_tested() -> None:
    assert sorted(path.stem for path in FIXTURES.glob("*.bundle")) == sorted(KEPT)


@pytest.mark.parametrize("name", KEPT)
def test_a_kept_ledger_verifies_and_replays(name: str, tmp_path: Path) -> None:
    world = unpacked(name, tmp_path)
    count, writer, key = KEPT[name]
    signers = FIXTURES / f"{name}.signers"
    environment = {"XDG_STATE_HOME": str(tmp_path / "state"), "XDG_CACHE_HOME": str(tmp_path / "cache")}
    for command, arguments, wanted in (
        (ledger_command, ["verify", "--trust", str(signers)],
         f"verified {count} entries: records, chain and signatures are good\n"
         f"  ledger/{writer}  {count} entries, signed by {key}\n"
         f"keys were taken from {signers}\n"),
        (replay_command, [], f"replayed {count} decisions: all the same bytes\n"),
    ):  # fmt: skip
        result = CliRunner().invoke(command, [*arguments, "--ledger", str(world.path)], env=environment)
        assert (result.stdout, result.stderr) == (wanted, "")
    assert world.fsck() == ""
