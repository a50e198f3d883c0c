"""What several of the ledger's commands ask for alike: which ledger, which entries, and how long it takes.

Listing entries is meant to take hardly longer than starting gatecheck, so nothing here is imported before it is needed.
"""

import os
import sys
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from gatecheck.ledger.ledger import Ledger

path_option = click.option(
    "--ledger", "path", metavar="PATH", help="The ledger's folder.  [default: .gatecheck/ledger]"
)
since_option = click.option(
    "--since", metavar="WHEN", help="Recorded then or later: a day, in UTC, or an instant with its offset."
)
until_option = click.option("--until", metavar="WHEN", help="Recorded then or earlier; a day counts to its end.")


def named(path: str | None) -> str:
    """Return the folder of the ledger at ``path``, else of the configured one, else of the default one."""
    if path is not None:
        return path
    folder = os.path.realpath("")
    while not os.path.exists(os.path.join(folder, "gatecheck.yaml")):
        above = os.path.dirname(folder)
        if above == folder:
            return os.path.join(".gatecheck", "ledger")
        folder = above
    from gatecheck.cli.documents import ledger_path  # takes as long to import as all the rest

    return str(ledger_path())


def opener(path: str) -> "Ledger":
    """Return the ledger at ``path``, open."""
    from pathlib import Path

    from gatecheck.cli.ledgers.shared import open_named

    return open_named(Path(path))


def second(text: str | None, option: str, *, is_end: bool = False) -> int | None:
    """Return a day's first second, or its last, or an instant, in seconds since 1970; ``InputError`` GC517, GC801."""
    if text is None:
        return None
    from datetime import UTC, date, datetime, time, timedelta

    if len(text) != 10 or text[4:5] != "-":
        from gatecheck.model.instant import parse_instant

        instant = parse_instant(text, option).astimezone(UTC)
        return int(instant.timestamp()) + (instant.microsecond > 0 and not is_end)
    try:
        day = date.fromisoformat(text)
    except ValueError:
        from gatecheck.text.diagnostic import input_error

        hint = "write a day as `2026-11-23`"
        raise input_error("GC801", f"`{option}` is not a day of the calendar: `{text}`", hint=hint) from None
    start = datetime.combine(day, time(), UTC)
    return int((start + timedelta(days=1) if is_end else start).timestamp()) - is_end


class Progress:
    """Says on standard error how far something is, once it takes over a second."""

    def __init__(self, doing: str = "indexing the ledger") -> None:
        from time import monotonic

        self._doing = doing
        self._now = monotonic
        self._next = monotonic() + 1
        self._said = False

    def __call__(self, done: int, total: int) -> None:
        if self._now() < self._next:
            return
        what = f"{self._doing}: {done:,} of {total:,} entries" if total else "waiting for another to index it"
        if sys.stderr.isatty():
            click.echo(f"\r{what:<60}", err=True, nl=False)
        elif not self._said:
            click.echo(what, err=True)
        self._next = self._now() + 0.5
        self._said = True

    def end(self, *, unkept: str = "", rewritten: tuple[str, ...] = ()) -> None:
        """Say what is to be known besides of an index that was made: why it isn't kept, and of whom it held more."""
        if self._said and sys.stderr.isatty():
            click.echo(f"\r{'':<60}\r", err=True, nl=False)
        if self._said and unkept:
            click.echo(f"the index was made for this once: {unkept}", err=True)
        if rewritten:
            from gatecheck.text.diagnostic import Diagnostic, render

            refs = ", ".join(f"ledger/{writer}" for writer in rewritten)
            message = f"the history of {refs} was rewritten since it was indexed last"
            hint = "`gatecheck ledger verify` tells more"
            click.echo(render([Diagnostic("GC760", message, severity="warning", hint=hint)], {}), err=True)
