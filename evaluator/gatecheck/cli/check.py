"""``gatecheck check``: parse and check a rule pack, and show all that is noticed."""

import click

from gatecheck.cli.exits import Exit


@click.command(name="check")
@click.argument("rules", metavar="PATH|REV:PATH")
def command(rules: str) -> int:
    """Check a rule pack: a folder of `.gate` files, one such file, or a folder at a git revision.

    Every problem of every file is shown. Warnings do not fail the check.

    \b
    Examples:
      gatecheck check rules
      gatecheck check main:rules
    """
    from gatecheck.cli.rules import read_rules
    from gatecheck.lang.pack import examine
    from gatecheck.text.diagnostic import render

    files, where = read_rules(rules)
    pack, found, sources = examine(files, where)
    if found:
        click.echo(render(found, sources), err=True)
    if pack is None:
        count = sum(d.severity == "error" for d in found)
        click.echo(f"\n{count} error{'s' if count != 1 else ''}", err=True)
        return Exit.RULES
    number = len({s.rule for s in pack.statements})
    click.echo(
        f"ok: {_count(len(files), 'file')}, {_count(len(pack.environments), 'environment')}, "
        f"{_count(len(pack.gates), 'gate')}, {_count(number, 'rule')} ({_count(len(pack.statements), 'statement')})"
    )
    return Exit.ALLOW


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
