"""What the ledger's commands share: which ledger, and how entries and data are printed."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from gatecheck.ledger.entry import Entry
    from gatecheck.ledger.ledger import Ledger

ledger_option = click.option(
    "--ledger", "path", type=click.Path(path_type=Path), metavar="PATH",
    help="The ledger's folder.  [default: .gatecheck/ledger]",
)  # fmt: skip


def open_named(path: Path | None) -> "Ledger":
    """Return the ledger at a path, else the configured one, else the default."""
    import os

    from gatecheck.cli.documents import ledger_path
    from gatecheck.ledger.ledger import open_ledger
    from gatecheck.ledger.memory import state_folder

    return open_ledger(path or ledger_path(), memory=state_folder(os.environ))


def counted(number: int) -> str:
    """Return a number of entries in words."""
    return f"{number} entry" if number == 1 else f"{number} entries"


def instant(entry: "Entry") -> str:
    """Return when an entry was recorded."""
    return entry.at.strftime("%Y-%m-%dT%H:%M:%SZ")


def plain(text: str) -> str:
    """Return text without what could drive a terminal: it was named by others."""
    return "".join(c if c.isprintable() else "�" for c in text)


def print_json(data: Any) -> None:
    """Print data as JSON."""
    import json

    click.echo(json.dumps(data, indent=2, ensure_ascii=False))


def print_bytes(raw: bytes) -> None:
    """Print bytes as they are."""
    click.echo(raw, nl=False)
