"""``gatecheck ledger``: knows the ledger's commands, and imports one only when it is run."""

from importlib import import_module

import click

_COMMANDS = {
    "log": "List the entries, newest first.",
    "pull": "Take from a git remote what others pushed, verified.",
    "push": "Give a git remote what it lacks.",
    "show": "Show one entry, verified.",
    "verify": "Re-read every record, or check a proof.",
    "prove": "Write a proof that an entry is in the ledger.",
    "checkpoint": "Sign what the ledger holds now.",
    "witness": "Vouch for another's ledger.",
    "owed": "List overrides whose review is owed.",
    "query": "Ask about the ledger in SQL.",
    "export": "Write entries as JSON Lines, DSSE or Parquet.",
    "trust": "Change whose keys are trusted, or show it.",
}


class _Commands(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _COMMANDS:
            return None
        command: click.Command = import_module(f"gatecheck.cli.ledgers.{cmd_name}").command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(_COMMANDS.items()))


@click.group(name="ledger", cls=_Commands)
def command() -> None:
    """Read the ledger: every decision, signed and chained.

    The ledger is a bare git repository, so git reads it too.

    \b
    Examples:
      gatecheck ledger log -n 5
      gatecheck ledger show 9f2c41d
      gatecheck ledger verify --trust allowed_signers
      gatecheck ledger prove 9f2c41d --output proof.json
      git -C .gatecheck/ledger log
    """
