"""``gatecheck check``: parse and check a rule pack, lint it, and show all that is noticed."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from gatecheck.cli.exits import Exit

if TYPE_CHECKING:
    from gatecheck.lang.core import Pack
    from gatecheck.report.diagnostics import Checked
    from gatecheck.text.diagnostic import Diagnostic


@click.command(name="check")
@click.argument("rules", metavar="[PATH|REV:PATH]", default="")
@click.option(
    "--format", "form", type=click.Choice(["text", "json", "sarif", "github"]), default="text",
    help="How to show what is found.  [default: text]",
)  # fmt: skip
@click.option("--strict", is_flag=True, help="Let warnings fail the check, too.")
@click.option("--as-of", metavar="INSTANT", help="When to judge ends of waivers and windows.  [default: now]")
def command(rules: str, form: str, strict: bool, as_of: str | None) -> int:
    """Check a rule pack: a folder of `.gate` files, one such file, or a folder at a git revision.

    Every problem of every file is shown. A sound pack is linted, too: what it says by mistake is a warning. Warnings do
    not fail the check, unless `--strict` says so.

    \b
    Examples:
      gatecheck check rules
      gatecheck check main:rules --strict
      gatecheck check rules --format sarif > gatecheck.sarif
      gatecheck check rules --as-of 2027-01-31T00:00:00Z

    \b
    Exit codes: 0 ok, 5 wrong rules, 2 rules that can't be read.
    """
    from gatecheck.cli.rules import named_rules, read_rules
    from gatecheck.lang.check import in_order
    from gatecheck.lang.pack import examine
    from gatecheck.lint.findings import findings
    from gatecheck.report.diagnostics import Checked
    from gatecheck.text.diagnostic import InputError, render

    instant = instant_of(as_of)
    try:
        rules, base = named_rules(rules)
        files, where = read_rules(rules, base)
        prefix = prefix_of(rules, where)
        pack, found, sources = examine(files, where if form == "text" else prefix)
    except InputError as error:
        if form == "text":
            raise
        _show(Checked(error.diagnostics, is_ok=False, files=0), form)
        return Exit.USAGE
    if pack is not None:
        found = in_order({*found, *findings(pack, instant)})
    is_ok = pack is not None and not (strict and any(d.severity == "warning" for d in found))
    if form != "text":
        _show(Checked(found, is_ok, len(files), prefix), form)
    else:
        said = [*([render(found, sources)] if found else []), *([] if is_ok else [_verdict(found)])]
        click.echo("".join(f"{part}\n" for part in said), err=True, nl=False)
    if pack is not None and is_ok and form in ("text", "github"):
        click.echo(_summary(pack, len(files)))
    return Exit.ALLOW if is_ok else Exit.RULES


def instant_of(as_of: str | None) -> datetime:
    """Return the instant that `--as-of` states, else what the clock says."""
    if as_of is None:
        return datetime.now(UTC)
    from gatecheck.model.instant import parse_instant

    return parse_instant(as_of, "--as-of")


def prefix_of(named: str, where: str) -> str:
    """Return what stands before the names of a pack's files so that they lead there from the caller's folder."""
    prefix = where or named[: named.rfind("/") + 1]  # a single file's own folder
    while prefix.startswith("./"):
        prefix = prefix[2:].lstrip("/")
    return prefix


def _show(checked: "Checked", form: str) -> None:
    from gatecheck.report.diagnostics import as_github, as_json, as_sarif

    click.echo({"json": as_json, "sarif": as_sarif, "github": as_github}[form](checked), nl=False)


def _verdict(found: Sequence["Diagnostic"]) -> str:
    errors = [d for d in found if d.severity == "error"]
    if not errors:
        return f"\n{_count(sum(d.severity == 'warning' for d in found), 'warning')}, which `--strict` does not allow"
    return f"\n{_count(len(errors), 'error')}\n`gatecheck explain-code {errors[0].code}` tells more"


def _summary(pack: "Pack", files: int) -> str:
    number = len({s.rule for s in pack.statements})
    return (
        f"ok: {_count(files, 'file')}, {_count(len(pack.environments), 'environment')}, "
        f"{_count(len(pack.gates), 'gate')}, {_count(number, 'rule')} ({_count(len(pack.statements), 'statement')})"
    )


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
