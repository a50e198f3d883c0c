"""``gatecheck docs``: write a rule pack as a document that an auditor reads."""

import click


@click.command(name="docs")
@click.argument("rules", metavar="[PATH|REV:PATH]", default="")
@click.option(
    "--format", "form", type=click.Choice(["markdown", "html", "text"]), default="markdown",
    help="How to write it.  [default: markdown]",
)  # fmt: skip
@click.option("--title", metavar="TEXT", help="What the pack is called.  [default: the folder's name]")
def command(rules: str, form: str, title: str | None) -> int:
    """Write a rule pack as a document: what it declares, each rule with its reason and its lines, and the matrix.

    \b
    Examples:
      gatecheck docs rules > RULES.md
      gatecheck docs main:rules --format html > rules.html

    \b
    Exit codes: 0 ok, 5 wrong rules, 2 rules that can't be read.
    """
    from gatecheck.cli.exits import Exit
    from gatecheck.cli.rules import named_rules, read_rules
    from gatecheck.lang.pack import load
    from gatecheck.report.blocks import written
    from gatecheck.report.book import blocks

    rules, base = named_rules(rules)
    pack, _, _ = load(*read_rules(rules, base))
    name = title or rules.rpartition(":")[2].rstrip("/").rpartition("/")[2] or rules
    click.echo(written(blocks(pack, name), form, f"Rules: {name}"), nl=False)
    return Exit.ALLOW
