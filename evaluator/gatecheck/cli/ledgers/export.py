"""``gatecheck ledger export``: take entries elsewhere."""

from pathlib import Path

import click

from gatecheck.cli.ledgers.asked import Progress, named, opener, path_option, second, since_option, until_option


@click.command(name="export")
@click.argument("span", metavar="[A..B]", default="")
@click.option("--service", "services", multiple=True, metavar="NAME", help="About this service.")
@since_option
@until_option
@click.option(
    "--format", "form", type=click.Choice(["jsonl", "dsse", "parquet"]), default="jsonl", help="  [default: jsonl]"
)
@click.option(
    "--output", "output", type=click.Path(path_type=Path), metavar="PATH",
    help="A file for jsonl, else standard output; a new folder for dsse and parquet.",
)  # fmt: skip
@path_option
def command(
    span: str, services: tuple[str, ...], since: str | None, until: str | None, form: str, output: Path | None,
    path: str | None,
) -> None:  # fmt: skip
    """Write entries to where other tools read them, oldest first.

    jsonl is one line of canonical JSON for each entry, with its signed statement. dsse is one signed envelope for each
    entry, in a file of its own. parquet is a table of decisions, with statements and requests, beside one of the rules;
    it needs the extra `gatecheck[parquet]`.

    Records are held against their digests on the way. Signatures are taken along, and not verified: `gatecheck ledger
    verify` does that.

    \b
    Examples:
      gatecheck ledger export > ledger.jsonl
      gatecheck ledger export --since 2026-01-01 --until 2026-12-31 --output 2026.jsonl
      gatecheck ledger export --service payment-service --format dsse --output envelopes
      gatecheck ledger export --format parquet --output decisions
    """
    from gatecheck.ledger import export
    from gatecheck.text.diagnostic import input_error

    first, last = second(since, "--since"), second(until, "--until", is_end=True)
    if output is None and form != "jsonl":
        hint = "name a folder that is not there yet"
        raise input_error("GC801", f"`--output` is missing, which {form} needs", hint=hint)
    chosen = export.choose(opener(named(path)), span, since=first, until=last, services=services)
    progress, count = Progress("exporting"), len(chosen.commits)
    if output is None:
        for line in export.lines(chosen, progress):
            click.echo(line, nl=False)
        progress.end()
        return
    if form == "parquet":
        count = export.write_parquet(chosen, output, progress)
    else:
        {"jsonl": export.write_lines, "dsse": export.write_envelopes}[form](chosen, output, progress)
    progress.end()
    noun = "decision" if form == "parquet" else "entry"
    plural = noun if count == 1 else {"decision": "decisions", "entry": "entries"}[noun]
    click.echo(f"exported {count:,} {plural} to {output}")
    if count < len(chosen.commits):
        other = len(chosen.commits) - count
        entries = "1 entry" if other == 1 else f"{other:,} entries"
        click.echo(f"{entries} of other kinds left out; jsonl and dsse hold them", err=True)
