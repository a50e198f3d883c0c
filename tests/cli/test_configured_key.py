"""A configured key may lie in the home of whoever decides: the configuration is shared, and keys are not."""

import subprocess

from cli_world import DEV, World


def test_a_key_in_the_home(world: World) -> None:
    home = world.root / "home"
    home.mkdir()
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(home / "release")], check=True)
    config = world.here / "gatecheck.yaml"
    config.write_text(f"{config.read_text()}key: ~/release\n")
    done = world.evaluate(*DEV)
    assert (done.code, done.err) == (0, "")
    named = subprocess.run(
        ["ssh-keygen", "-l", "-f", str(home / "release")], capture_output=True, text=True, check=True
    )
    assert f"signed by {named.stdout.split()[1]}\n" in done.out
    assert not world.key.exists()


def test_a_key_of_the_environment_counts_before_a_configured_one(world: World) -> None:
    """Else a change could bring a key and a ledger of its own, in which that key has promoted it."""
    for name in ("brought", "pipeline"):
        command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(world.root / name)]
        subprocess.run(command, check=True)
    config = world.here / "gatecheck.yaml"
    config.write_text(f"{config.read_text()}key: {world.root / 'brought'}\n")
    env = {"GATECHECK_KEY": (world.root / "pipeline").read_text()}
    assert world.evaluate(*DEV).out.endswith(f"signed by {fingerprint(world, 'brought')}\n")
    assert world.evaluate(*DEV, env=env).out.endswith(f"signed by {fingerprint(world, 'pipeline')}\n")
    given = world.evaluate(*DEV, "--key", str(world.root / "brought"), env=env)
    assert given.out.endswith(f"signed by {fingerprint(world, 'brought')}\n")


def fingerprint(world: World, name: str) -> str:
    command = ["ssh-keygen", "-l", "-f", str(world.root / name)]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()[1]
