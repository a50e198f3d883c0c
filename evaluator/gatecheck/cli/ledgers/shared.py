"""What the ledger's commands share: which ledger, and how entries and data are printed."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from gatecheck.ledger.entry import Entry
    from gatecheck.ledger.ledger import Ledger
    from gatecheck.trust.key import SigningKey
    from gatecheck.trust.note import Note

ledger_option = click.option(
    "--ledger", "path", type=click.Path(path_type=Path), metavar="PATH",
    help="The ledger's folder.  [default: .gatecheck/ledger]",
)  # fmt: skip

key_option = click.option(
    "--key", metavar="PATH", help="The ed25519 key that signs; $GATECHECK_KEY may hold one instead."
)


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


def present_key(path: str | None) -> "SigningKey":
    """Return the key that is named, else configured, else the caller's own; ``InputError`` GC801 if there is none."""
    from gatecheck.cli import request
    from gatecheck.cli.documents import read_config
    from gatecheck.text.diagnostic import input_error

    key = request.present_key(request.Options({"key": path}, *read_config()))
    if key is None:
        raise input_error("GC801", "`--key` is missing", hint="name the key that signs, or set `key` in gatecheck.yaml")
    return key


def read_checkpoint(path: Path) -> "Note":
    """Return the checkpoint in a file, nothing of it verified; ``InputError`` GC501, GC502, GC746."""
    from gatecheck.ledger.checkpoint import read_note
    from gatecheck.ledger.entry import MalformedError
    from gatecheck.model.document import read_bytes
    from gatecheck.text.diagnostic import input_error

    try:
        return read_note(read_bytes(path))[0]
    except MalformedError as error:
        hint = "`git show checkpoints/WRITER:checkpoint` in a ledger prints one"
        raise input_error("GC746", f"this is no checkpoint: {error}", file=str(path), hint=hint) from None


def write_bytes(path: Path, raw: bytes) -> None:
    """Write a file; ``InputError`` GC802 where the system refuses."""
    from gatecheck.text.diagnostic import input_error

    try:
        path.write_bytes(raw)
    except OSError as error:
        why = (error.strerror or str(error)).lower()
        raise input_error("GC802", f"can't be written: {why}", file=str(path)) from None
