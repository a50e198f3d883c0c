"""``gatecheck ledger verify``: re-read every record."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from gatecheck.cli.ledgers.shared import counted, ledger_option, open_named, print_json

if TYPE_CHECKING:
    from gatecheck.ledger.verify import Report


@click.command(name="verify")
@click.option(
    "--trust", "trust", type=click.Path(path_type=Path), metavar="FILE",
    help="Whose signatures count: an allowed-signers file, as of ssh-keygen and git.",
)  # fmt: skip
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", help="  [default: text]")
@ledger_option
def command(trust: Path | None, form: str, path: Path | None) -> None:
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
    report = verifying.verify(open_named(path), signers)
    if form == "json":
        print_json(_report(report))
    if report.problems:
        raise LedgerError(*(problem.diagnostic() for problem in report.problems))
    if form == "text":
        _print_report(report, own_trust=trust is None)


def _report(report: "Report") -> dict[str, Any]:
    return {
        "entries": report.entries,
        "problems": [problem._asdict() for problem in report.problems],
        "trust": report.trust,
        "writers": [{"entries": w.entries, "key": w.key, "name": w.name} for w in report.writers],
    }


def _print_report(report: "Report", *, own_trust: bool) -> None:
    if not report.writers:
        click.echo("the ledger holds no entries")
        return
    click.echo(f"verified {counted(report.entries)}: records, chain and signatures are good")
    for writer in report.writers:
        click.echo(f"  ledger/{writer.name}  {counted(writer.entries)}, signed by {writer.key}")
    if own_trust:
        click.echo("keys were taken from the ledger itself; `--trust FILE` verifies against signers that you name")
    else:
        click.echo(f"keys were taken from {report.trust}")
