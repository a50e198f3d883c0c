"""``gatecheck ledger checkpoint``: sign what the ledger holds now."""

from pathlib import Path

import click

from gatecheck.cli.ledgers.shared import key_option, ledger_option, open_named, present_key


@click.command(name="checkpoint")
@key_option
@ledger_option
def command(key: str | None, path: Path | None) -> None:
    """Sign a checkpoint of all that your key has entered, where the newest one does not cover it yet.

    Recording does so by itself every 256 entries, and when a minute has passed since the last; so this is for the end
    of a day, before a proof is asked for, or before a copy is made.

    \b
    Examples:
      gatecheck ledger checkpoint
      gatecheck ledger checkpoint --key release.key
      git -C .gatecheck/ledger log --all --grep CHECKPOINT
    """
    from datetime import UTC, datetime

    ledger = open_named(path)
    saved = ledger.checkpoint(present_key(key), datetime.now(UTC))
    if saved is None:
        click.echo("the newest checkpoint covers every entry already")
    else:
        click.echo(f"signed a checkpoint of checkpoints/{saved.entry.writer} up to #{saved.says.size - 1}")
