"""The command group: knows every command's name and summary, and imports a command only when it is run."""

import os
import sys
from importlib import import_module

import click

from gatecheck.cli.exits import Exit
from gatecheck.text.diagnostic import Diagnostic, LedgerError, ProblemError, RulesError, render
from gatecheck.version import GATECHECK

_COMMANDS = {
    "evaluate": "Decide whether a change may enter an environment.",
    "check": "Check a rule pack.",
    "lint": "Lint a rule pack, and go through the review list.",
    "test": "Run a rule pack's own tests.",
    "explain": "Explain a decision, or what would change it.",
    "fmt": "Format rules.",
    "lsp": "Serve an editor.",
    "explain-code": "Explain the code of a diagnostic.",
    "change": "Write the change document from git.",
    "record": "Record a deployment, an approval, a review, or a note on an entry.",
    "replay": "Repeat recorded decisions and compare them.",
    "ledger": "Read and verify the ledger.",
    "docs": "Write rules as a document.",
    "matrix": "Show what rules ask, by environment and risk.",
    "render": "Show a recorded decision in another format.",
}


def _show_help(context: click.Context, _option: click.Parameter, is_asked: bool) -> None:
    if is_asked and not context.resilient_parsing:
        click.echo(context.get_help(), color=context.color)
        context.exit()


def _show_version(context: click.Context, _option: click.Parameter, is_asked: bool) -> None:
    if is_asked and not context.resilient_parsing:
        click.echo(f"gatecheck {GATECHECK}")
        context.exit()


# Those that click has ready look their one sentence up in the locale's language, which takes longer than parsing.
HELP = click.Option(
    ["-h", "--help"], is_flag=True, expose_value=False, is_eager=True, callback=_show_help,
    help="Show this message and exit.",
)  # fmt: skip
_version_option = click.option(
    "--version", is_flag=True, expose_value=False, is_eager=True, callback=_show_version,
    help="Show the version and exit.",
)  # fmt: skip


class _Commands(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _COMMANDS:
            return None
        command: click.Command = import_module(f"gatecheck.cli.{cmd_name.replace('-', '_')}").command
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and not args[0].startswith("-") and args[0] not in _COMMANDS:
            from gatecheck.text.nearest import did_you_mean

            ctx.fail(f"there is no command `{args[0]}`; {did_you_mean(args[0], _COMMANDS)}")
        return super().resolve_command(ctx, args)

    def get_help_option(self, ctx: click.Context) -> click.Option:
        return HELP

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(_COMMANDS.items()))


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@_version_option
def app() -> None:
    """Decide by rules whether a change may be promoted, and keep a signed record of every decision.

    \b
    Exit codes:
      0 allow   3 deny   4 pending
      2 a wrong option or document   5 wrong rules   6 a broken ledger or signature
      7 a test of the rules failed
      1 anything unexpected
    """


def run(args: list[str]) -> int:
    """Run the command line and return its exit code; expected problems become sentences on stderr."""
    try:
        code = app.main(args, prog_name="gatecheck", standalone_mode=False)
    except ProblemError as error:
        click.echo(render(error.diagnostics, error.sources), err=True)
        return _code_of(error)
    except click.exceptions.Exit as exit_:
        return exit_.exit_code
    except click.ClickException as error:
        error.show()
        return Exit.USAGE
    except click.Abort:
        click.echo("interrupted", err=True)
        return Exit.UNEXPECTED
    except SystemExit as exit_:  # by click: who reads our output has read enough, or a shell asked for completions
        return exit_.code if isinstance(exit_.code, int) else Exit.UNEXPECTED
    except OSError as error:
        return _refused(error)
    except Exception as error:  # the last resort: one sentence and a closed gate, not a stack trace
        if os.environ.get("GATECHECK_DEBUG"):
            raise
        click.echo(f"error: unexpected {type(error).__name__}: {error}", err=True)
        click.echo("  this is a bug in gatecheck; GATECHECK_DEBUG=1 shows where", err=True)
        return Exit.UNEXPECTED
    return code if isinstance(code, int) else Exit.ALLOW


def _refused(error: OSError) -> Exit:
    """Say what the system refused: a file that is named, which the user can mend, or the output itself."""
    message = f"the system refuses: {(error.strerror or str(error)).lower()}"
    click.echo(render([Diagnostic("GC802", message, file=str(error.filename or ""))], {}), err=True)
    if error.filename is not None:
        return Exit.USAGE
    # Python would complain again when it flushes at exit.
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return Exit.UNEXPECTED


def _code_of(error: ProblemError) -> Exit:
    if isinstance(error, RulesError):
        return Exit.RULES
    return Exit.LEDGER if isinstance(error, LedgerError) else Exit.USAGE
