"""``gatecheck render``: show a recorded decision in another format."""

from pathlib import Path
from typing import Any

import click


@click.command(name="render")
@click.argument("decision", metavar="FILE")
@click.option(
    "--format", "form", type=click.Choice(["text", "json", "markdown", "github"]), default="text",
    help="How to show it.  [default: text]",
)  # fmt: skip
@click.option("--explain", is_flag=True, help="Show every finding.")
def command(decision: str, form: str, explain: bool) -> None:
    """Show a decision that was written with `--format json`, or by `gatecheck ledger show --format json`.

    \b
    Examples:
      gatecheck render decision.json
      gatecheck render decision.json --format markdown --explain
    """
    from gatecheck.model.document import decode_text, parse_json, read_bytes
    from gatecheck.report.decision import render

    raw = read_bytes(Path(decision))
    click.echo(
        render(_statement(parse_json(decode_text(raw, decision), decision), decision), form, explain=explain), nl=False
    )


def _statement(data: Any, name: str) -> dict[str, Any]:
    from gatecheck.model.record import check_statement
    from gatecheck.text.diagnostic import input_error

    try:
        return check_statement(data)
    except ValueError as error:
        hint = "it is written by `gatecheck evaluate --format json`"
        raise input_error("GC820", f"is not a recorded decision: {error}", file=name, hint=hint) from None
