"""``gatecheck ledger owed``: which overrides owe a review, and for how long."""

from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from gatecheck.cli.ledgers.shared import ledger_option, open_named, plain, print_json

if TYPE_CHECKING:
    from gatecheck.ledger.owed import Owed

_UNITS = (("day", timedelta(days=1)), ("hour", timedelta(hours=1)), ("minute", timedelta(minutes=1)))


@click.command(name="owed")
@click.option("--as-of", metavar="INSTANT", help="As of this instant, with its offset.  [default: now]")
@click.option("--all", "everything", is_flag=True, help="List overrides that were reviewed, too.")
@click.option(
    "--trust", "trust", type=click.Path(path_type=Path), metavar="FILE",
    help="Whose entries count: an allowed-signers file.  [default: those that the ledger itself trusts]",
)  # fmt: skip
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", help="  [default: text]")
@ledger_option
def command(as_of: str | None, everything: bool, trust: Path | None, form: str, path: Path | None) -> None:
    """List overridden decisions whose review is owed, oldest first, with their age.

    A decision that broke the glass says who owes a review, and before when. `gatecheck record review` settles it,
    whatever its outcome.

    \b
    Examples:
      gatecheck ledger owed
      gatecheck ledger owed --all --as-of 2026-12-01T00:00:00Z
    """
    from gatecheck.cli.request import as_of_option
    from gatecheck.ledger.owed import owed
    from gatecheck.model.instant import parse_instant
    from gatecheck.trust.signers import load_signers

    now = parse_instant(as_of_option(as_of), "--as-of")
    signers = load_signers(trust) if trust is not None else None
    found = [one for one in owed(open_named(path), now, signers) if everything or one.review is None]
    if form == "json":
        print_json([_data(one, now) for one in found])
        return
    for one in found:
        for line in _lines(one, now):
            click.echo(plain(line))
    due = [one.due for one in found if one.review is None]
    open_, late = len(due), sum(at <= now for at in due)
    overdue = f", {late} overdue" if late else ""
    click.echo(f"{open_ or 'no'} review{'' if open_ == 1 else 's'} owed{overdue}")


def _lines(one: "Owed", now: datetime) -> list[str]:
    head = f"{one.entry[:12]}  {one.service} -> {one.environment}  {one.change}, by the override {one.override}"
    groups = " or ".join(one.groups)
    if one.review is not None:
        r = one.review
        late = f", {words(r.at - one.due)} late" if r.at >= one.due else ""
        return [head, f"  {r.outcome} by {r.reviewer} on {_instant(r.at)}{late}, in entry {r.entry[:12]}"]
    rest = f"overdue by {words(now - one.due)}" if now >= one.due else f"due in {words(one.due - now)}"
    return [head, f"  owed by {groups} for {words(now - one.at)}, {rest}: before {_instant(one.due)}"]


def _data(one: "Owed", now: datetime) -> dict[str, Any]:
    data = {**one._asdict(), "at": _instant(one.at), "due": _instant(one.due), "groups": list(one.groups)}
    data["review"] = None if one.review is None else {**one.review._asdict(), "at": _instant(one.review.at)}
    data["age_seconds"] = int((now - one.at).total_seconds())
    data["overdue"] = one.review is None and now >= one.due
    return data


def _instant(at: datetime) -> str:
    from gatecheck.model.instant import write_instant

    return write_instant(at)


def words(age: timedelta) -> str:
    """Return how long something took, in words of its largest unit or two: `1 day 2 hours`."""
    parts = []
    for name, unit in _UNITS:
        count, age = divmod(age, unit)
        if count:
            parts.append(f"{count} {name}{'' if count == 1 else 's'}")
    return " ".join(parts[:2]) or "less than a minute"
