"""``gatecheck ledger show``: show one entry, verified."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from gatecheck.cli.ledgers.shared import instant, ledger_option, open_named, plain, print_bytes

if TYPE_CHECKING:
    from gatecheck.ledger.entry import Entry
    from gatecheck.ledger.ledger import Ledger


@click.command(name="show")
@click.argument("name", metavar="ID")
@click.option(
    "--format", "form", type=click.Choice(["text", "json", "dsse"]), default="text",
    help="For a person, the signed statement, or it in its DSSE envelope.  [default: text]",
)  # fmt: skip
@click.option("--file", "file", metavar="FILE", help="Print one recorded file: `statement`, `request` or `pack/PATH`.")
@ledger_option
def command(name: str, form: str, file: str | None, path: Path | None) -> None:
    """Show one entry, once its record and signatures were verified.

    ID is the start of its id, at least four digits, or its sequence number.

    \b
    Examples:
      gatecheck ledger show 9f2c41d
      gatecheck ledger show 12 --format json
      gatecheck ledger show 9f2c41d --format dsse > decision.dsse.json
      gatecheck ledger show 9f2c41d --file pack/payment.gate
    """
    from gatecheck.ledger.verify import verify_entry
    from gatecheck.text.diagnostic import LedgerError

    ledger = open_named(path)
    entry = ledger.find(name)
    problems = verify_entry(ledger, entry)
    if problems:
        raise LedgerError(*(problem.diagnostic() for problem in problems))
    if file is not None:
        inside = {"statement": "statement.json", "request": "request.json"}.get(file, file)
        print_bytes(ledger.file(entry, inside))
    elif form == "json":
        print_bytes(ledger.statement(entry) + b"\n")
    elif form == "dsse":
        print_bytes(ledger.envelope(entry) + b"\n")
    else:
        _print_entry(ledger, entry)


def _print_entry(ledger: "Ledger", entry: "Entry") -> None:
    import json

    statement = json.loads(ledger.statement(entry))
    predicate, subject = statement["predicate"], statement["subject"][0]
    risk, files = predicate.get("risk"), [file["path"] for file in predicate["pack"]["files"]]
    keyid, _ = entry.statement_signature()
    rows = [
        ("artifact", f"{subject.get('name', '')} {entry.trailers['Gatecheck-Artifact']}".strip()),
        ("environment", predicate["environment"]),
        ("risk", str(risk["level"]) if isinstance(risk, dict) and "level" in risk else ""),
        ("as of", str(predicate.get("as_of", ""))),
        ("recorded", f"{instant(entry)} as #{entry.seq} of ledger/{entry.writer}"),
        ("request", predicate["request"]["digest"]),
        ("pack", predicate["pack"]["digest"]),
        ("", ", ".join(files) if len(files) <= 8 else f"{len(files)} files"),
        ("signed by", f"{keyid}, verified"),
        ("id", entry.id),
        ("chain", entry.chain),
        ("commit", entry.commit),
    ]
    click.echo(plain(entry.subject))
    for label, text in rows:
        if text:
            click.echo(f"  {label:<11}  {plain(text)}")
