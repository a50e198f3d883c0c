"""``gatecheck lint``: what a sound pack says by mistake, and the review list of the field."""

import click

from gatecheck.cli.exits import Exit


@click.command(name="lint")
@click.argument("rules", metavar="[PATH|REV:PATH]", default="")
@click.option("--checklist", "is_list", is_flag=True, help="Go through the review list instead.")
@click.option(
    "--format", "form", type=click.Choice(["text", "markdown", "json"]), default="text",
    help="How to show it.  [default: text]",
)  # fmt: skip
@click.option("--strict", is_flag=True, help="Let warnings, or items that need attention, fail.")
@click.option("--dev", multiple=True, metavar="NAME", help="Environments for learning.  [default: the first]")
@click.option("--production", multiple=True, metavar="NAME", help="Environments that count.  [default: the last]")
@click.option("--as-of", metavar="INSTANT", help="When to judge ends of waivers and windows.  [default: now]")
def command(
    rules: str, is_list: bool, form: str, strict: bool, dev: tuple[str, ...], production: tuple[str, ...],
    as_of: str | None,
) -> int:  # fmt: skip
    """Tell what a sound rule pack says by mistake; or go through the review list of the field, item by item.

    Without `--checklist` these are the warnings of `gatecheck check`. An item of the list is ok, needs attention, or
    does not apply; each says why, where, and how to mend it. `gatecheck explain-code GC401` tells more of one.

    \b
    Examples:
      gatecheck lint rules
      gatecheck lint rules --checklist
      gatecheck lint main:rules --checklist --strict --format markdown
      gatecheck lint rules --checklist --dev sandbox --production eu --production us

    \b
    Exit codes: 0 ok, 5 wrong rules, or warnings or attention under `--strict`, 2 what can't be read.
    """
    from gatecheck.cli.check import instant_of, prefix_of
    from gatecheck.cli.rules import check_environments, named_rules, read_rules
    from gatecheck.lang.check import in_order
    from gatecheck.lang.pack import load
    from gatecheck.lint.checklist import checklist
    from gatecheck.lint.findings import findings
    from gatecheck.report import checklist as shown
    from gatecheck.text.diagnostic import render

    instant = instant_of(as_of)
    rules, base = named_rules(rules)
    files, where = read_rules(rules, base)
    pack, warnings, sources = load(files, where)
    check_environments((*dev, *production), pack.environments)
    prefix = prefix_of(rules, where)
    items = checklist(pack, instant, dev, production)
    if is_list:
        forms = {"text": shown.as_text, "markdown": shown.as_markdown, "json": shown.as_json}
        click.echo(forms[form](items, prefix), nl=False)
        return Exit.RULES if strict and any(i.verdict == "attention" for i in items) else Exit.ALLOW
    found = in_order({*warnings, *findings(pack, instant)})
    is_ok = not (strict and found)
    if form == "json":
        from gatecheck.report.diagnostics import Checked, as_json

        click.echo(as_json(Checked(found, is_ok, len(files), prefix)), nl=False)
    elif form == "markdown":
        click.echo(shown.findings_markdown(found, prefix), nl=False)
    else:
        click.echo(f"{render(found, sources)}\n\n" if found else "", nl=False)
        click.echo(f"{len(found)} warning{'' if len(found) == 1 else 's'}; review list: {shown.summary(items)}")
    return Exit.ALLOW if is_ok else Exit.RULES
