"""``gatecheck matrix``: show what a pack asks, by environment and risk."""

import click


@click.command(name="matrix")
@click.argument("rules", metavar="[PATH|REV:PATH]", default="")
@click.option(
    "--format", "form", type=click.Choice(["table", "markdown", "html", "json"]), default="table",
    help="How to show it.  [default: table]",
)  # fmt: skip
@click.option("-e", "--environment", "environments", multiple=True, metavar="NAME", help="Show these only.")
def command(rules: str, form: str, environments: tuple[str, ...]) -> int:
    """Show what a rule pack asks in each environment at each risk: gates, approvals, windows, soak, obligations.

    It is computed from the rules alone. A `when` in a cell is what still decides once environment and risk are known.

    \b
    Examples:
      gatecheck matrix rules
      gatecheck matrix main:rules -e production --format markdown
      gatecheck matrix rules --format html > matrix.html

    \b
    Exit codes: 0 ok, 5 wrong rules, 2 rules that can't be read or an unknown environment.
    """
    from gatecheck.cli.exits import Exit
    from gatecheck.cli.rules import check_environments, named_rules, read_rules
    from gatecheck.lang.pack import load

    pack, _, _ = load(*read_rules(*named_rules(rules)))
    check_environments(environments, pack.environments)
    if form == "json":
        from gatecheck.model.canonical import canonical
        from gatecheck.report.matrix import data

        shown = data(pack, environments)
        click.echo(canonical(shown).decode())
        return Exit.ALLOW
    from gatecheck.report.blocks import Heading, written
    from gatecheck.report.matrix_page import blocks

    title = "Promotion matrix"
    click.echo(written([Heading(1, title), *blocks(pack, environments)], form, title), nl=False)
    return Exit.ALLOW
