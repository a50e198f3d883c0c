"""``gatecheck replay``: decide recorded requests again and compare."""

import os
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import click

from gatecheck.cli.exits import Exit

if TYPE_CHECKING:
    from collections.abc import Generator

    from gatecheck.ledger.ledger import Ledger
    from gatecheck.replay.bulk import Place
    from gatecheck.replay.repeat import Replay

_IN_MEMORY = 16 * 1024 * 1024


@click.command(name="replay")
@click.argument("span", metavar="[A..B|ID]", default="")
@click.option(
    "--ledger", "path", default=None, metavar="PATH", help="The ledger's folder.  [default: .gatecheck/ledger]"
)
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", help="  [default: text]")
@click.option("--jobs", type=click.IntRange(1), default=None, metavar="N", help="How many processes.  [default: 1]")
@click.option(
    "--engine", type=click.Choice(["processes", "dask"]), default="processes",
    help="Of this machine, or of a dask cluster.  [default: processes]",
)  # fmt: skip
@click.option("--scheduler", default=None, metavar="ADDRESS", help="The scheduler of the dask cluster.")
@click.option(
    "--worker-ledger", default=None, metavar="PATH", help="Where dask workers find the ledger.  [default: as here]"
)
def command(
    span: str, path: str | None, form: str, jobs: int | None, engine: str, scheduler: str | None,
    worker_ledger: str | None,
) -> int:  # fmt: skip
    """Repeat recorded decisions with the recorded rules and requests, and compare them byte by byte.

    Without an argument every decision is repeated. Where one comes out otherwise the exit code is 6. What is printed
    does not depend on who repeats the decisions; if a process dies, its part is done once more by another.

    \b
    Examples:
      gatecheck replay
      gatecheck replay 9f2c41d
      gatecheck replay 12..20
      gatecheck replay --jobs 8
      gatecheck replay --engine dask --scheduler tcp://10.0.0.5:8786 --worker-ledger /srv/ledger
    """
    from gatecheck.cli.documents import ledger_path
    from gatecheck.ledger.ledger import open_ledger
    from gatecheck.ledger.memory import state_folder
    from gatecheck.replay.bulk import decisions

    _check_options(jobs, engine, scheduler, worker_ledger)
    ledger = open_ledger(Path(path) if path else ledger_path(), memory=state_folder(os.environ))
    places = decisions(ledger, span)
    made = _replay(ledger, places, jobs or 1, scheduler, worker_ledger)
    with closing(made), closing(_shown(made, len(places))) as shown:
        differing = _print(shown, form)
    return Exit.LEDGER if differing else Exit.ALLOW


def _check_options(jobs: int | None, engine: str, scheduler: str | None, worker_ledger: str | None) -> None:
    if engine == "dask":
        if scheduler is None:
            raise click.UsageError("`--engine dask` needs the address of its scheduler: `--scheduler ADDRESS`")
        if jobs is not None:
            raise click.UsageError("`--jobs` is for processes of this machine; a dask cluster has as many as it has")
    elif scheduler is not None or worker_ledger is not None:
        raise click.UsageError("`--scheduler` and `--worker-ledger` go with `--engine dask`")


def _replay(
    ledger: "Ledger", places: "list[Place]", jobs: int, scheduler: str | None, copy: str | None
) -> "Generator[Replay]":
    if scheduler is None:
        from gatecheck.replay import bulk

        yield from bulk.replay(ledger, places, jobs)
    else:
        from gatecheck.replay import fleet

        yield from fleet.replay(ledger, places, scheduler, copy or str(ledger.store.path.resolve()))


def _shown(made: "Iterator[Replay]", count: int) -> "Generator[Replay]":
    """Hand results on, and from the first second on tell on stderr how far they are."""
    from time import monotonic

    is_terminal = sys.stderr.isatty()
    due, is_told = monotonic() + 1, False
    for number, replay in enumerate(made, 1):
        yield replay
        if monotonic() > due and number < count:
            text = f"replayed {number:,} of {count:,} decisions"
            click.echo(f"\r{text}" if is_terminal else text, err=True, nl=not is_terminal)
            due, is_told = monotonic() + (0.2 if is_terminal else 10), True
    if is_terminal and is_told:
        click.echo("\r\033[K", err=True, nl=False)


def _print(made: "Iterator[Replay]", form: str) -> int:
    """Print all results, or none where they end in an error, and return how many differ."""
    from tempfile import SpooledTemporaryFile

    with SpooledTemporaryFile(_IN_MEMORY, "w+", encoding="utf-8", newline="") as draft:
        count = differing = 0
        for replay in made:
            draft.write(_as_json(replay, count) if form == "json" else _as_text(replay))
            count += 1
            differing += bool(replay.differences)
        draft.write(("\n]\n" if count else "[]\n") if form == "json" else _summary(count, differing))
        draft.seek(0)
        _copy(draft)
    return differing


def _copy(draft: IO[str]) -> None:
    while text := draft.read(65_536):
        click.echo(text, nl=False)


def _as_json(replay: "Replay", number: int) -> str:
    import json

    plain = {**replay._asdict(), "differences": [d._asdict() for d in replay.differences]}
    text = json.dumps(plain, indent=2, sort_keys=True, ensure_ascii=False).replace("\n", "\n  ")
    return f"{',' if number else '['}\n  {text}"


def _as_text(replay: "Replay") -> str:
    if not replay.differences:
        return ""
    lines = [f"{replay.entry[:12]}  #{replay.seq} was {replay.verdict}, and is decided otherwise now:"]
    lines += [f"  {d.field}: recorded {_short(d.recorded)}, replayed {_short(d.replayed)}" for d in replay.differences]
    return "".join(f"{line}\n" for line in lines)


def _summary(count: int, differing: int) -> str:
    if not count:
        return "the ledger holds no decisions\n"
    noun = "decision" if count == 1 else "decisions"
    outcome = "all the same bytes" if not differing else f"{differing:,} differ{'s' if differing == 1 else ''}"
    return f"replayed {count:,} {noun}: {outcome}\n"


def _short(value: Any) -> str:
    import json

    text = "nothing" if value is None else json.dumps(value, ensure_ascii=False, sort_keys=True)
    text = "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)
    return text if len(text) <= 120 else f"{text[:119]}…"
