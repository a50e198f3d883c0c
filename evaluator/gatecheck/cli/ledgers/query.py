"""``gatecheck ledger query``: ask about the ledger in SQL."""

from typing import TYPE_CHECKING, Any

import click

from gatecheck.cli.ledgers.asked import Progress, named, opener, path_option

if TYPE_CHECKING:
    from gatecheck.ledger.index import Index
    from gatecheck.ledger.query import Answer, Cell


@click.command(name="query")
@click.argument("sql", metavar="[SQL]", required=False)
@click.option("--views", "is_asked_for_views", is_flag=True, help="Tell what can be asked about, and exit.")
@click.option(
    "--format", "form", type=click.Choice(["table", "csv", "json"]), default="table", help="  [default: table]"
)
@click.option(
    "-n", "--number", type=click.IntRange(min=0), default=1000, help="How many rows; 0 for all.  [default: 1000]"
)
@click.option(
    "--timeout", type=click.FloatRange(min=0, min_open=True), default=30.0, metavar="SECONDS",
    help="How long it may take to answer.  [default: 30]",
)  # fmt: skip
@path_option
def command(
    sql: str | None, form: str, number: int, timeout: float, path: str | None, *, is_asked_for_views: bool
) -> None:  # fmt: skip
    """Ask about the ledger in SQL: one SELECT statement, as SQLite reads it. `-` reads it from standard input.

    Answers come from an index of what the entries say, which is brought up to date first. Nothing can be written, and
    no signatures are verified: `gatecheck ledger show` verifies one entry, `gatecheck ledger verify` all.

    \b
    Examples:
      gatecheck ledger query --views
      gatecheck ledger query "SELECT verdict, count(*) FROM decisions GROUP BY verdict"
      gatecheck ledger query --format csv "SELECT * FROM findings WHERE status = 'failed'"
      gatecheck ledger query --format json - < question.sql
    """
    from gatecheck.ledger.index import answer
    from gatecheck.ledger.query import query
    from gatecheck.text.diagnostic import input_error

    if is_asked_for_views:
        from gatecheck.ledger.views import document

        click.echo(document())
        return
    if sql is None:
        raise input_error("GC801", "the SQL is missing", hint="write it in quotes, or `--views` for what there is")
    if sql == "-":
        with click.open_file("-", encoding="utf-8") as given:
            sql = given.read()
    asked = sql
    folder, progress = named(path), Progress()

    def ask(index: "Index") -> "Answer":
        progress.end(unkept=index.unkept, rewritten=index.rewritten)
        return query(index, asked, most=number or None, seconds=timeout)

    found = answer(folder, lambda: opener(folder), ask, progress)
    if form == "table":
        _print_table(found)
    elif form == "csv":
        _print_csv(found)
    else:
        _print_json(found)
    if found.is_cut:
        click.echo(f"rows after the first {number:,} are left out; `-n 0` shows all", err=True)


def _print_table(found: "Answer") -> None:
    from gatecheck.cli.ledgers.cells import table

    click.echo(table(found.columns, ([_text(cell) for cell in row] for row in found.rows)))


def _print_csv(found: "Answer") -> None:
    import csv
    import io

    from gatecheck.cli.ledgers.cells import spread

    out = io.StringIO()
    lines = csv.writer(out, lineterminator="\n")
    for row in (found.columns, *found.rows):
        lines.writerow([spread(cell.hex() if isinstance(cell, bytes) else cell) for cell in row])
    click.echo(out.getvalue(), nl=False)


def _print_json(found: "Answer") -> None:
    import json

    from gatecheck.cli.ledgers.cells import json_text
    from gatecheck.text.diagnostic import input_error

    twice = next((name for name in found.columns if found.columns.count(name) > 1), None)
    if twice is not None:
        raise input_error("GC763", f"two columns are named `{twice}`", hint="name one of them otherwise, with AS")
    rows = [
        json.dumps({name: _plain(cell) for name, cell in zip(found.columns, row, strict=True)}, ensure_ascii=False)
        for row in found.rows
    ]
    click.echo(json_text("[\n  " + ",\n  ".join(rows) + "\n]" if rows else "[]"))


def _text(cell: "Cell") -> str:
    if cell is None:
        return ""
    return cell.hex() if isinstance(cell, bytes) else str(cell)


def _plain(cell: "Cell") -> Any:
    if isinstance(cell, bytes):
        return cell.hex()
    # JSON has no infinity.
    return str(cell) if isinstance(cell, float) and cell in (float("inf"), float("-inf")) else cell
