"""``gatecheck ledger``: list, show and verify what was recorded."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from gatecheck.ledger.entry import Entry
    from gatecheck.ledger.ledger import Ledger
    from gatecheck.ledger.verify import Report

_ledger_option = click.option(
    "--ledger", "path", type=click.Path(path_type=Path), metavar="PATH",
    help="The ledger's folder.  [default: .gatecheck/ledger]",
)  # fmt: skip


@click.group(name="ledger")
def command() -> None:
    """Read the ledger: every decision, signed and chained.

    The ledger is a bare git repository, so git reads it too.

    \b
    Examples:
      gatecheck ledger log -n 5
      gatecheck ledger show 9f2c41d
      gatecheck ledger verify --trust allowed_signers
      git -C .gatecheck/ledger log
    """


@command.command()
@click.argument("span", metavar="[A..B]", default="")
@click.option("-n", "--number", type=click.IntRange(min=0), default=20, help="How many; 0 for all.  [default: 20]")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", help="  [default: text]")
@_ledger_option
def log(span: str, number: int, form: str, path: Path | None) -> None:
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

    ledger = _open(path)
    entries = ledger.entries(span)
    shown = list(islice(entries, number or None))
    is_cut = number > 0 and next(entries, None) is not None
    if form == "json":
        _print_json([_summary(entry) for entry in shown])
    elif shown:
        _print_table(shown, several_writers=len(ledger.writers()) > 1)
    else:
        click.echo("the ledger holds no entries")
    if is_cut:
        click.echo("older entries are left out; `-n 0` shows all", err=True)


@command.command()
@click.argument("name", metavar="ID")
@click.option(
    "--format", "form", type=click.Choice(["text", "json", "dsse"]), default="text",
    help="For a person, the signed statement, or it in its DSSE envelope.  [default: text]",
)  # fmt: skip
@click.option("--file", "file", metavar="FILE", help="Print one recorded file: `statement`, `request` or `pack/PATH`.")
@_ledger_option
def show(name: str, form: str, file: str | None, path: Path | None) -> None:
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

    ledger = _open(path)
    entry = ledger.find(name)
    problems = verify_entry(ledger, entry)
    if problems:
        raise LedgerError(*(problem.diagnostic() for problem in problems))
    if file is not None:
        inside = {"statement": "statement.json", "request": "request.json"}.get(file, file)
        _print_bytes(ledger.file(entry, inside))
    elif form == "json":
        _print_bytes(ledger.statement(entry) + b"\n")
    elif form == "dsse":
        _print_bytes(ledger.envelope(entry) + b"\n")
    else:
        _print_entry(ledger, entry)


@command.command()
@click.option(
    "--trust", "trust", type=click.Path(path_type=Path), metavar="FILE",
    help="Whose signatures count: an allowed-signers file, as of ssh-keygen and git.",
)  # fmt: skip
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", help="  [default: text]")
@_ledger_option
def verify(trust: Path | None, form: str, path: Path | None) -> None:
    """Re-read every record: bytes, statements, chain, signatures, and whose they are.

    Also noticed is a history that was cut short or written anew since this machine last saw it. Without --trust the
    keys are those that the ledger itself names, which shows changes but not who made the ledger. Exits with 6 if
    anything is wrong.

    \b
    Examples:
      gatecheck ledger verify
      gatecheck ledger verify --trust allowed_signers
    """
    from gatecheck.ledger import verify as verifying
    from gatecheck.text.diagnostic import LedgerError
    from gatecheck.trust.signers import load_signers

    signers = load_signers(trust) if trust is not None else None
    report = verifying.verify(_open(path), signers)
    if form == "json":
        _print_json(_report(report))
    if report.problems:
        raise LedgerError(*(problem.diagnostic() for problem in report.problems))
    if form == "text":
        _print_report(report, own_trust=trust is None)


def _open(path: Path | None) -> "Ledger":
    import os

    from gatecheck.cli.documents import ledger_path
    from gatecheck.ledger.ledger import open_ledger
    from gatecheck.ledger.memory import state_folder

    return open_ledger(path or ledger_path(), memory=state_folder(os.environ))


def _summary(entry: "Entry") -> dict[str, Any]:
    return {
        "seq": entry.seq,
        "id": entry.id,
        "at": _instant(entry),
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


def _report(report: "Report") -> dict[str, Any]:
    return {
        "entries": report.entries,
        "problems": [problem._asdict() for problem in report.problems],
        "trust": report.trust,
        "writers": [{"entries": w.entries, "key": w.key, "name": w.name} for w in report.writers],
    }


def _print_table(entries: "list[Entry]", *, several_writers: bool) -> None:
    from tabulate import tabulate

    rows = []
    for entry in entries:
        row = [str(entry.seq), entry.id[:12], _instant(entry), entry.verdict, _rest(entry)]
        rows.append([*row, entry.writer[:8]] if several_writers else row)
    heads = ["seq", "id", "recorded", "verdict", "what", *(["writer"] if several_writers else [])]
    click.echo(tabulate(rows, headers=heads, tablefmt="plain", disable_numparse=True))


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
        ("recorded", f"{_instant(entry)} as #{entry.seq} of ledger/{entry.writer}"),
        ("request", predicate["request"]["digest"]),
        ("pack", predicate["pack"]["digest"]),
        ("", ", ".join(files) if len(files) <= 8 else f"{len(files)} files"),
        ("signed by", f"{keyid}, verified"),
        ("id", entry.id),
        ("chain", entry.chain),
        ("commit", entry.commit),
    ]
    click.echo(_plain(entry.subject))
    for label, text in rows:
        if text:
            click.echo(f"  {label:<11}  {_plain(text)}")


def _print_report(report: "Report", *, own_trust: bool) -> None:
    if not report.writers:
        click.echo("the ledger holds no entries")
        return
    click.echo(f"verified {_counted(report.entries)}: records, chain and signatures are good")
    for writer in report.writers:
        click.echo(f"  ledger/{writer.name}  {_counted(writer.entries)}, signed by {writer.key}")
    if own_trust:
        click.echo("keys were taken from the ledger itself; `--trust FILE` verifies against signers that you name")
    else:
        click.echo(f"keys were taken from {report.trust}")


def _counted(number: int) -> str:
    return f"{number} entry" if number == 1 else f"{number} entries"


def _instant(entry: "Entry") -> str:
    return entry.at.strftime("%Y-%m-%dT%H:%M:%SZ")


def _rest(entry: "Entry") -> str:
    """Return the subject without the verdict, which has a column of its own."""
    first, _, rest = entry.subject.partition(" ")
    return rest if first.lower() == entry.verdict else entry.subject


def _plain(text: str) -> str:
    """Return text without what could drive a terminal: it was named by others."""
    return "".join(c if c.isprintable() else "�" for c in text)


def _print_json(data: Any) -> None:
    import json

    click.echo(json.dumps(data, indent=2, ensure_ascii=False))


def _print_bytes(raw: bytes) -> None:
    click.echo(raw, nl=False)
