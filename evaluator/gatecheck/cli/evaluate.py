"""``gatecheck evaluate``: read a request's parts, decide, record, show, and exit with the verdict's code."""

import os
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Literal

import click

from gatecheck.cli.app import HELP
from gatecheck.cli.documents import LEDGER, below, read_config
from gatecheck.cli.exits import BY_VERDICT, Exit
from gatecheck.cli.request import (
    KEY_VARIABLE,
    Options,
    as_of_option,
    own_ledger,
    read_request,
    signing_key,
    trusted,
    with_ledger,
)
from gatecheck.cli.rules import read_rules
from gatecheck.cli.terminal import wants_colour
from gatecheck.engine.load import program_for
from gatecheck.engine.program import Program
from gatecheck.gate import Outcome, decide
from gatecheck.model.request import Request
from gatecheck.report.decision import Recorded

_FORMATS = ("text", "json", "markdown", "github")


class _Command(click.Command):
    def get_help_option(self, ctx: click.Context) -> click.Option:
        return HELP

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Write `-e` out: click takes it for a long option first, and imports difflib to say which one it may be."""
        for at, word in enumerate(args[:-1]):
            if word == "-e" and (at == 0 or not args[at - 1].startswith("-")):  # else it may be an option's value
                args[at] = "--environment"
        return super().parse_args(ctx, args)


@click.command(name="evaluate", cls=_Command)
@click.option("--rules", metavar="PATH|REV:PATH", help="The rule pack; `main:rules` reads it from a git revision.")
@click.option("--change", metavar="FILE", help="The change document; `gatecheck change` writes it.")
@click.option("-e", "--environment", metavar="NAME", help="The environment that the change is to enter.")
@click.option(
    "--evidence", multiple=True, metavar="[GATE=]PATH", help="What a tool wrote; a folder is read by file name = gate."
)
@click.option("--approvals", multiple=True, metavar="FILE", help="What people said.")
@click.option("--directory", metavar="FILE", help="Who is in which group, who is who, who acts for whom.")
@click.option("--deployments", metavar="FILE", help="Where the artifact has run.")
@click.option("--as-of", metavar="INSTANT", help="Decide as of this instant, with its offset.  [default: now]")
@click.option("--ledger", metavar="PATH", help=f"The ledger; made on first use.  [default: {LEDGER}]")
@click.option("--no-ledger", is_flag=True, help="Decide only: record nothing, and know of no earlier decision.")
@click.option("--key", metavar="PATH", help=f"The ed25519 key that signs; ${KEY_VARIABLE} may hold one instead.")
@click.option("--trust", metavar="FILE", help="Allowed signers: whose entries in the ledger count, whose signatures.")
@click.option("--format", "form", type=click.Choice(_FORMATS), help="How to show the decision.  [default: text]")
@click.option("--output", metavar="FILE", help="Write the decision there instead of to standard output.")
@click.option("--explain", is_flag=True, help="Show every finding.")
@click.option("--no-config", is_flag=True, help="Read no gatecheck.yaml: only what the command line says counts.")
@click.option("--exit-zero", is_flag=True, help="Exit with 0 whatever the verdict; errors keep their codes.")
def command(**given: Any) -> int:
    """Decide whether a change may enter an environment: allow, pending or deny.

    What the ledger holds about the artifact counts as if it were given: where it was allowed and deployed, and who
    approved it. Only entries signed by your own key count, or with `--trust` those of the signers in it.

    Options may also stand in `gatecheck.yaml` at the repository's root, under their long names, all but `--exit-zero`.
    In CI run this where the change under judgement can't edit that file, or give `--no-config`.

    \b
    Examples:
      gatecheck evaluate -e production
      gatecheck evaluate --rules main:rules --change change.json -e staging \\
          --evidence reports --approvals approvals.yaml
      gatecheck evaluate -e production --approvals approvals.yaml --directory people.yaml --trust signers
      gatecheck evaluate -e production --no-ledger --format github

    \b
    Exit codes: 0 allow, 3 deny, 4 pending; 2 wrong input, 5 wrong rules, 6 ledger.
    """
    config, base = ({}, "") if given["no_config"] else read_config()
    options = Options(given, config, base)
    files, where = read_rules(*options.path("rules", "name the folder of `.gate` files"))
    program = program_for(files, where)
    as_of = as_of_option(given["as_of"])
    request = read_request(options, as_of, program)
    if given["no_ledger"]:
        outcome, recorded = decide(program, request), None
    else:
        outcome, recorded = _recorded(options, files, program, request)
    _show(options, outcome, recorded)
    return Exit.ALLOW if given["exit_zero"] else BY_VERDICT[outcome.decision.verdict]


def _recorded(
    options: Options, files: Mapping[str, bytes], program: Program, request: Request
) -> tuple[Outcome, Recorded]:
    from gatecheck.gate import enter

    key = signing_key(options)
    ledger, path = own_ledger(options)
    request = with_ledger(options, program, request, ledger, trusted(options, key))
    outcome = decide(program, request)
    entry = enter(outcome, request, files, program, ledger, key, datetime.now(UTC))
    return outcome, Recorded(entry.id, path, key.fingerprint)


def _show(options: Options, outcome: Outcome, recorded: Recorded | None) -> None:
    from msgspec.json import decode

    from gatecheck.report.decision import render

    form = options.one("form")[0] or options.config.get("format") or "text"
    statement = decode(outcome.statement)
    to_file, base = options.one("output")
    colour = to_file is None and form == "text" and wants_colour()
    text = render(statement, form, explain=options.flag("explain"), colour=colour, recorded=recorded)
    if to_file is None:
        click.echo(text, nl=False)
    else:
        _write(below(base, to_file), text, "w", to_file)
    if form == "github":
        _github(statement, recorded)


def _github(statement: dict[str, Any], recorded: Recorded | None) -> None:
    """Append the step's summary and outputs to the files that GitHub's runner names."""
    from gatecheck.report import github

    for variable, text in (
        ("GITHUB_STEP_SUMMARY", github.summary(statement, recorded=recorded)),
        ("GITHUB_OUTPUT", github.outputs(statement, recorded=recorded)),
    ):
        if os.environ.get(variable):
            _write(os.environ[variable], text, "a", f"${variable}")


def _write(path: str, text: str, mode: Literal["a", "w"], name: str) -> None:
    from gatecheck.text.diagnostic import input_error

    try:
        with open(path, mode, encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        message = f"the decision can't be written: {(error.strerror or str(error)).lower()}"
        raise input_error("GC871", message, file=name) from None
