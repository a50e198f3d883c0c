"""``gatecheck ledger log``: list what was recorded."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from gatecheck.cli.ledgers.shared import instant, ledger_option, open_named, print_json

if TYPE_CHECKING:
    from gatecheck.ledger.entry import Entry


@click.command(name="log")
@click.argument("span", metavar="[A..B]", default="")
@click.option("-n", "--number", type=click.IntRange(min=0), default=20, help="How many; 0 for all.  [default: 20]")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", help="  [default: text]")
@ledger_option
def command(span: str, number: int, form: str, path: Path | None) -> None:
    """List the entries, newest first.

    A..B keeps those from A to B, both included; each is an id or a sequence number, and either may be left out.

    \b
    Examples:
      gatecheck ledger log
      gatecheck ledger log -n 0 --format json
      gatecheck ledger log 12..20
      gatecheck ledger log 9f2c41d..
    """
    from itertools import islice

    ledger = open_named(path)
    entries = ledger.entries(span)
    shown = list(islice(entries, number or None))
    is_cut = number > 0 and next(entries, None) is not None
    if form == "json":
        print_json([_summary(entry) for entry in shown])
    elif shown:
        _print_table(shown, several_writers=len(ledger.writers()) > 1)
    else:
        click.echo("the ledger holds no entries")
    if is_cut:
        click.echo("older entries are left out; `-n 0` shows all", err=True)


def _summary(entry: "Entry") -> dict[str, Any]:
    return {
        "seq": entry.seq,
        "id": entry.id,
        "at": instant(entry),
        "verdict": entry.verdict,
        "environment": entry.trailers.get("Gatecheck-Environment", ""),
        "artifact": entry.trailers.get("Gatecheck-Artifact", ""),
        "pack": entry.trailers.get("Gatecheck-Pack", ""),
        "subject": entry.subject,
        "kind": entry.kind,
        "writer": entry.writer,
        "chain": entry.chain,
        "commit": entry.commit,
    }


def _print_table(entries: "list[Entry]", *, several_writers: bool) -> None:
    from tabulate import tabulate

    rows = []
    for entry in entries:
        row = [str(entry.seq), entry.id[:12], instant(entry), entry.verdict, _rest(entry)]
        rows.append([*row, entry.writer[:8]] if several_writers else row)
    heads = ["seq", "id", "recorded", "verdict", "what", *(["writer"] if several_writers else [])]
    click.echo(tabulate(rows, headers=heads, tablefmt="plain", disable_numparse=True))


def _rest(entry: "Entry") -> str:
    """Return the subject without the verdict, which has a column of its own."""
    first, _, rest = entry.subject.partition(" ")
    return rest if first.lower() == entry.verdict else entry.subject
