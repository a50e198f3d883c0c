"""``gatecheck ledger show``: show one entry, verified."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

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
@click.option(
    "--file", "file", metavar="FILE", help="Print one recorded file: `statement`, `request`, `trust` or `pack/PATH`."
)
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
      gatecheck ledger show 3ad7 --file trust > allowed_signers
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
    keyid, _ = entry.statement_signature()
    rows = _decision(entry, predicate, subject) if entry.kind == "decision" else _stated(entry, predicate, subject)
    rows += [
        ("signed by", f"{keyid}, verified"),
        ("id", entry.id),
        ("chain", entry.chain),
        ("commit", entry.commit),
    ]
    click.echo(plain(entry.subject))
    for label, text in rows:
        for number, line in enumerate(text.splitlines()):
            click.echo(f"  {'' if number else label:<11}  {plain(line)}")
    for noting in _notes(ledger, entry):
        click.echo(plain(f"  noted        {noting.id[:12]}  {instant(noting)}  {noting.subject}"))


def _decision(entry: "Entry", predicate: "dict[str, Any]", subject: "dict[str, Any]") -> "list[tuple[str, str]]":
    risk, files = predicate.get("risk"), [file["path"] for file in predicate["pack"]["files"]]
    return [
        ("artifact", f"{subject.get('name', '')} {entry.trailers['Gatecheck-Artifact']}".strip()),
        ("environment", predicate["environment"]),
        ("risk", str(risk["level"]) if isinstance(risk, dict) and "level" in risk else ""),
        ("as of", str(predicate.get("as_of", ""))),
        ("recorded", f"{instant(entry)} as #{entry.seq} of ledger/{entry.writer}"),
        ("request", predicate["request"]["digest"]),
        ("pack", predicate["pack"]["digest"]),
        ("", ", ".join(files) if len(files) <= 8 else f"{len(files)} files"),
    ]


def _stated(entry: "Entry", predicate: "dict[str, Any]", subject: "dict[str, Any]") -> "list[tuple[str, str]]":
    """Return what an entry of another kind says: its subject, and its own words by their names."""
    ((algorithm, value),) = subject["digest"].items()
    about = value if subject["name"] == "entry" else f"{subject['name']} {algorithm}:{value}"
    label = subject["name"] if subject["name"] in ("entry", "trust") else "artifact"
    said = [
        (name.replace("_", " "), text) for name, text in predicate.items() if isinstance(text, str) and name != "trust"
    ]
    seen = [f"{s['id'][:12]} (#{s['seq']} of ledger/{s['writer']})" for s in predicate.get("seen", ())]
    recorded = f"{instant(entry)} as #{entry.seq} of ledger/{entry.writer}"
    return [(label, about.removeprefix("trust ")), *said, ("saw", "\n".join(seen)), ("recorded", recorded)]


def _notes(ledger: "Ledger", entry: "Entry") -> "list[Entry]":
    """Return the reviews and annotations of an entry that are whole and trusted, oldest first."""
    from gatecheck.ledger.verify import verify_entry

    found, _ = ledger.mentioning(("Gatecheck-Entry", entry.id))
    good = [noting for noting in found if not verify_entry(ledger, noting)]
    return sorted(good, key=lambda noting: (noting.at, noting.seq, noting.id))
