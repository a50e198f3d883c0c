"""``gatecheck ledger trust``: show whose keys are trusted, or change it from here on."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from gatecheck.cli.documents import LEDGER
from gatecheck.cli.ledgers.shared import plain

if TYPE_CHECKING:
    from gatecheck.ledger.ledger import Ledger


@click.command(name="trust")
@click.argument("file", metavar="[FILE]", default="")
@click.option("--by", metavar="PERSON", help="Who changes it.")
@click.option("--because", metavar="TEXT", help="Why.")
@click.option("--at", metavar="INSTANT", help="When that was, with its offset.  [default: now]")
@click.option("--key", metavar="PATH", help="The key that signs the change; it must be trusted until now.")
@click.option("--ledger", metavar="PATH", help=f"The ledger.  [default: {LEDGER}]")
def command(file: str, **given: Any) -> None:
    """Show whose keys the ledger trusts; with FILE, trust those in FILE from here on.

    FILE is an allowed-signers file, as of ssh-keygen and git; the ledger keeps it. Entries that stand before the change
    are judged by what was trusted then, so those of a key that is retired stay good. Entries after it count only if
    FILE trusts their signer, whatever time they claim. What another machine has recorded and this one has not seen
    stands after it, too: pull first.

    \b
    Examples:
      gatecheck ledger trust
      gatecheck ledger trust allowed_signers --by carol --because "ci has a new key"
    """
    from gatecheck.cli.documents import read_config, require
    from gatecheck.cli.ledgers.shared import open_named
    from gatecheck.cli.request import Options

    config, base = read_config()
    options = Options(given, config, base)
    ledger = open_named(Path(given["ledger"]) if given["ledger"] else None)
    if not file:
        _show(ledger)
        return
    by = require(given["by"], "by", "say who changes it")
    because = require(given["because"], "because", "say why, for those who read the ledger later")
    _change(options, ledger, file, by, because)


def _change(options: "Any", ledger: "Ledger", file: str, by: str, because: str) -> None:
    from datetime import UTC, datetime

    from gatecheck.cli.record import fact_from
    from gatecheck.cli.request import signing_key
    from gatecheck.gate import state
    from gatecheck.ledger.entry import writer_of
    from gatecheck.model.canonical import digest
    from gatecheck.model.document import decode_text, read_bytes
    from gatecheck.model.fact import KeyFact, about_trust
    from gatecheck.text.diagnostic import input_error
    from gatecheck.trust.signers import parse_signers
    from gatecheck.trust.sshsig import GIT

    raw, now = read_bytes(file), datetime.now(UTC)
    signers = parse_signers(decode_text(raw, file), file)
    if all(signers.refusal(one.key, GIT, now) for one in signers.signers):
        hint = 'at least one line must allow `namespaces="git"`, and not be over'
        raise input_error("GC792", "nobody could enter anything any more by this file", file=file, hint=hint)
    key = signing_key(options)
    seen = [
        {"writer": entry.writer, "seq": entry.seq, "id": entry.id}
        for entry in ledger.newest()
        if entry.writer != writer_of(key.public)
    ]
    said = fact_from(KeyFact, options.given, trust=digest(raw), by=by, because=because, seen=seen)
    entry = state(about_trust(said), ledger, key, now, raw)
    click.echo(f"recorded {entry.id[:12]} in {ledger.name}, signed by {key.fingerprint}")
    if why := signers.refusal(key.public, GIT, now):
        click.echo(f"this key {why}: it was its last entry", err=True)


def _show(ledger: "Ledger") -> None:
    changes = ledger.trust().newest()
    if not changes:
        click.echo("each writer is trusted by its own first entry; nobody has changed that")
    for change in changes:
        click.echo(plain(f"{change.entry.id[:12]}  {change.entry.subject}"))
        for line in ledger.file(change.entry, "trust").decode().splitlines():
            click.echo(plain(f"  {line}"))
