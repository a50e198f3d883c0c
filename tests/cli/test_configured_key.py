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
