"""``gatecheck ledger prove``: write a proof that an entry is in the ledger."""

from pathlib import Path

import click

from gatecheck.cli.ledgers.shared import ledger_option, open_named, print_bytes, read_checkpoint, write_bytes


@click.command(name="prove")
@click.argument("name", metavar="ENTRY")
@click.option("--output", type=click.Path(path_type=Path), metavar="FILE", help="Where to write it.  [default: stdout]")
@click.option(
    "--since", type=click.Path(path_type=Path), metavar="FILE",
    help="Show, too, that the ledger still begins as this earlier checkpoint says.",
)  # fmt: skip
@ledger_option
def command(name: str, output: Path | None, since: Path | None, path: Path | None) -> None:
    """Write a proof that an entry is in the ledger: one file, checked without the ledger.

    ENTRY is the start of its id, at least four digits, or its sequence number. The file holds the signed statement, the
    signed commit, and the way from these to a checkpoint that the writer signed. Whoever has it checks it with
    `gatecheck ledger verify --proof FILE`, or with openssl, ssh-keygen and sha256sum as docs/ledger.md shows.

    \b
    Examples:
      gatecheck ledger prove 9f2c41d --output proof.json
      gatecheck ledger prove 12 --since checkpoint-of-last-year
    """
    from gatecheck.ledger.proof import prove
    from gatecheck.ledger.verify import verify_entry
    from gatecheck.text.diagnostic import LedgerError

    earlier = read_checkpoint(since) if since is not None else None
    ledger = open_named(path)
    entry = ledger.find(name)
    problems = verify_entry(ledger, entry)
    if problems:
        raise LedgerError(*(problem.diagnostic() for problem in problems))
    raw = prove(ledger, entry, earlier)
    if output is None:
        print_bytes(raw)
    else:
        write_bytes(output, raw)
        click.echo(f"wrote {output}: a proof of entry {entry.id[:12]}")
