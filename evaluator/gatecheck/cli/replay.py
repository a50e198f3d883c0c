"""``gatecheck replay``: decide recorded requests again and compare."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from gatecheck.cli.exits import Exit

if TYPE_CHECKING:
    from gatecheck.ledger.entry import Entry
    from gatecheck.ledger.ledger import Ledger
    from gatecheck.replay.repeat import Replay


@click.command(name="replay")
@click.argument("span", metavar="[A..B|ID]", default="")
@click.option(
    "--ledger", "path", default=None, metavar="PATH", help="The ledger's folder.  [default: .gatecheck/ledger]"
)
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", help="  [default: text]")
def command(span: str, path: str | None, form: str) -> int:
    """Repeat recorded decisions with the recorded rules and requests, and compare them byte by byte.

    Without an argument every decision is repeated. Where one comes out otherwise the exit code is 6.

    \b
    Examples:
      gatecheck replay
      gatecheck replay 9f2c41d
      gatecheck replay 12..20
    """
    from gatecheck.cli.documents import ledger_path
    from gatecheck.ledger.ledger import open_ledger
    from gatecheck.ledger.memory import state_folder
    from gatecheck.replay.repeat import Replayer

    ledger = open_ledger(Path(path) if path else ledger_path(), memory=state_folder(os.environ))
    replayer = Replayer(ledger)
    made = [replayer.repeat(entry) for entry in _entries(ledger, span)]
    differing = [replay for replay in made if replay.differences]
    if form == "json":
        _print_json(made)
    else:
        _print_text(made, differing)
    return Exit.LEDGER if differing else Exit.ALLOW


def _entries(ledger: "Ledger", span: str) -> "Iterator[Entry]":
    found = ledger.entries(span, oldest_first=True) if ".." in span or not span else iter([ledger.find(span)])
    return (entry for entry in found if entry.kind == "decision")


def _print_json(made: "list[Replay]") -> None:
    import json

    plain: list[dict[str, Any]] = [
        {**replay._asdict(), "differences": [d._asdict() for d in replay.differences]} for replay in made
    ]
    click.echo(json.dumps(plain, indent=2, sort_keys=True, ensure_ascii=False))


def _print_text(made: "list[Replay]", differing: "list[Replay]") -> None:
    for replay in differing:
        click.echo(f"{replay.entry[:12]}  #{replay.seq} was {replay.verdict}, and is decided otherwise now:")
        for d in replay.differences:
            click.echo(f"  {d.field}: recorded {_short(d.recorded)}, replayed {_short(d.replayed)}")
    if not made:
        click.echo("the ledger holds no decisions")
        return
    noun = "decision" if len(made) == 1 else "decisions"
    outcome = (
        "all the same bytes" if not differing else f"{len(differing):,} differ{'s' if len(differing) == 1 else ''}"
    )
    click.echo(f"replayed {len(made):,} {noun}: {outcome}")


def _short(value: Any) -> str:
    import json

    text = "nothing" if value is None else json.dumps(value, ensure_ascii=False, sort_keys=True)
    text = "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)
    return text if len(text) <= 120 else f"{text[:119]}…"
