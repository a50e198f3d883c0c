"""``gatecheck ledger pull``: take from a git remote what others pushed."""

from pathlib import Path

import click

from gatecheck.cli.ledgers.push import timeout_option
from gatecheck.cli.ledgers.shared import counted, ledger_option, open_named, plain


@click.command(name="pull")
@click.argument("name", metavar="[REMOTE]", default="")
@click.option(
    "--trust", "trust", type=click.Path(path_type=Path), metavar="FILE",
    help="Whose signatures count: an allowed-signers file, as of ssh-keygen and git.",
)  # fmt: skip
@timeout_option
@ledger_option
def command(name: str, trust: Path | None, timeout: float, path: Path | None) -> None:
    """Pull from a git remote what others pushed, each entry verified before it counts.

    REMOTE is a URL, a path, or the name of a remote of the ledger's repository; it may be left out where there is only
    one, or one named origin. Without --trust the keys are those that the entries themselves name: then anyone who may
    push there can bring a writer.

    A writer whose entries are not good, or do not go on from those that are here, is reported and left as it was, and
    the others are taken. Exits with 6 if anything was refused.

    \b
    Examples:
      gatecheck ledger pull
      gatecheck ledger pull --trust allowed_signers
      gatecheck ledger pull /mnt/backup/ledger.git
    """
    from gatecheck.ledger.arrive import pull
    from gatecheck.ledger.remote import raised
    from gatecheck.ledger.transport import Git, find_remote
    from gatecheck.trust.signers import load_signers

    signers = load_signers(trust) if trust is not None else None
    ledger = open_named(path)
    git = Git(ledger.store.path, timeout)
    remote = find_remote(git, name)
    done = pull(ledger, remote, git, signers)
    shown = plain(remote.shown)
    for one, key, is_new in done.taken:
        count, new = counted(one.last - one.first + 1), ", a new writer" if is_new else ""
        click.echo(f"pulled {count} of ledger/{one.writer} from {shown}: {one.numbers}, signed by {key}{new}")
    if not done.taken and not done.problems:
        click.echo(f"{shown} has nothing new")
    if done.writers_to_push:
        click.echo(f"{shown} lacks entries that are here; `gatecheck ledger push` gives them", err=True)
    raised(done.problems)
