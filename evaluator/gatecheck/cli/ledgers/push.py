"""``gatecheck ledger push``: give a git remote what it lacks."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from gatecheck.cli.ledgers.shared import counted, key_option, ledger_option, open_named, plain

if TYPE_CHECKING:
    from gatecheck.ledger.ledger import Ledger

timeout_option = click.option(
    "--timeout", type=click.FloatRange(min=0, min_open=True), default=60.0, metavar="SECONDS",
    help="How long the remote may take over each answer.  [default: 60]",
)  # fmt: skip


@click.command(name="push")
@click.argument("name", metavar="[REMOTE]", default="")
@key_option
@timeout_option
@ledger_option
def command(name: str, key: str | None, timeout: float, path: Path | None) -> None:
    """Push the ledger to a git remote: what the remote lacks, and never by force.

    REMOTE is a URL, a path, or the name of a remote of the ledger's repository; it may be left out where there is only
    one, or one named origin. Every writer has a ref of its own, so machines with keys of their own never collide.

    A checkpoint of all that your key has entered here is signed first, where the newest does not cover it yet.

    A remote that has less than it had, or something else, is reported and left alone. Exits with 6 if not all of it
    arrived; it is safe to push again.

    \b
    Examples:
      gatecheck ledger push
      gatecheck ledger push backup
      gatecheck ledger push https://git.example.com/audit/ledger.git --timeout 20
      gatecheck ledger push --key release.key
    """
    from gatecheck.ledger import remote as remotes
    from gatecheck.ledger.transport import Git, find_remote

    ledger = open_named(path)
    git = Git(ledger.store.path, timeout)
    remote = find_remote(git, name)
    _checkpoint(ledger, key)
    done = remotes.push(ledger, remote, git)
    shown = plain(remote.shown)
    for one in done.pushed:
        click.echo(f"pushed {counted(one.last - one.first + 1)} of ledger/{one.writer} to {shown}: {one.numbers}")
    if not done.pushed and not done.problems:
        click.echo(f"{shown} has every entry that is here")
    if done.writers_to_pull:
        click.echo(f"{shown} has entries that are not here; `gatecheck ledger pull` takes them", err=True)
    remotes.raised(done.problems)


def _checkpoint(ledger: "Ledger", named: str | None) -> None:
    """Sign a checkpoint with the key that is named, else with the caller's own, if it has entered anything here."""
    from datetime import UTC, datetime

    from gatecheck.cli.documents import read_config
    from gatecheck.cli.request import Options, present_key
    from gatecheck.ledger.entry import writer_of

    key = present_key(Options({"key": named}, *read_config()))
    if key is not None and (named is not None or writer_of(key.public) in ledger.writers()):
        ledger.checkpoint(key, datetime.now(UTC))
