"""``gatecheck ledger log``: list what was recorded, found by the index."""

from typing import TYPE_CHECKING, Any

import click

from gatecheck.cli.ledgers.asked import Progress, named, opener, path_option, second, since_option, until_option

if TYPE_CHECKING:
    from gatecheck.ledger.index import Index
    from gatecheck.ledger.search import Found

_STATUSES = ("passed", "failed", "waiting", "waived")


@click.command(name="log")
@click.argument("span", metavar="[A..B]", default="")
@click.option("-n", "--number", type=click.IntRange(min=0), default=20, help="How many; 0 for all.  [default: 20]")
@click.option("--service", "services", multiple=True, metavar="NAME", help="About this service.")
@click.option("--environment", "environments", multiple=True, metavar="NAME", help="About this environment.")
@click.option(
    "--verdict", "verdicts", multiple=True, type=click.Choice(["allow", "pending", "deny"]), help="Decided so."
)
@click.option(
    "--person", "people", multiple=True, metavar="NAME",
    help="This person had a part: as author, counted or refused approver, whoever recorded it, …",
)  # fmt: skip
@click.option("--rule", "rules", multiple=True, metavar="NAME", help="Holds a finding of this rule.")
@click.option(
    "--status", "statuses", multiple=True, type=click.Choice(_STATUSES),
    help="Holds a finding (with --rule: of that rule) that came to this.",
)  # fmt: skip
@click.option("--kind", "kinds", multiple=True, metavar="KIND", help="Is a decision, approval, deployment, review, …")
@click.option(
    "--digest", "digests", multiple=True, metavar="DIGEST",
    help="Names this digest, or one that begins so: of an artifact, a pack, a request, or its own.",
)  # fmt: skip
@since_option
@until_option
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", help="  [default: text]")
@path_option
def command(span: str, number: int, form: str, path: str | None, **asked: Any) -> None:
    """List the entries, newest first.

    A..B keeps those from A to B, both included; each is an id or a sequence number, and either may be left out. Of an
    option that is given several times any value will do; different options must all hold.

    Answers come from an index of what the entries say, which is brought up to date first. It verifies no signatures:
    `gatecheck ledger show` verifies one entry, `gatecheck ledger verify` all.

    \b
    Examples:
      gatecheck ledger log
      gatecheck ledger log --service payment-service --since 2026-11-01
      gatecheck ledger log --person frank --verdict allow -n 0
      gatecheck ledger log --rule production-approval --status failed
      gatecheck ledger log --digest sha256:3b1f5c --format json
      gatecheck ledger log 9f2c41d..
    """
    from gatecheck.ledger.index import answer
    from gatecheck.ledger.search import Between, Filter, search, unknown

    since, until = second(asked.pop("since"), "--since"), second(asked.pop("until"), "--until", is_end=True)
    wanted = Filter(**asked, since=since, until=until)
    folder, progress = named(path), Progress()
    between = Between(span, folder, lambda name: opener(folder).find(name)) if span else None

    def ask(index: "Index") -> "tuple[list[Found], bool, list[str]]":
        found = search(index, wanted, number + 1 if number else None, between)
        progress.end(unkept=index.unkept, rewritten=index.rewritten)
        return found, index.writers() > 1, [] if found else list(unknown(index, wanted))

    found, several_writers, hints = answer(folder, lambda: opener(folder), ask, progress)
    shown = found[:number] if number else found
    if form == "json":
        _print_json(shown)
    elif shown:
        _print_table(shown, several_writers=several_writers)
    else:
        click.echo("the ledger holds no entries" if wanted == Filter() else "no entry matches")
    _print_remarks(shown, hints, is_cut=len(shown) < len(found))


def _print_json(entries: "list[Found]") -> None:
    from json import dumps

    from gatecheck.cli.ledgers.cells import json_text

    keys = (
        "seq", "id", "at", "verdict", "environment", "service", "artifact", "pack", "subject", "kind", "person",
        "about", "writer", "chain", "commit",
    )  # fmt: skip
    data = [{key: getattr(entry, key) for key in keys} for entry in entries]
    click.echo(json_text(dumps(data, indent=2, ensure_ascii=False)))


def _print_table(entries: "list[Found]", *, several_writers: bool) -> None:
    from gatecheck.cli.ledgers.cells import table

    rows = []
    for entry in entries:
        row = [str(entry.seq), entry.id[:12], entry.at, entry.verdict, _rest(entry)]
        rows.append([*row, entry.writer[:8]] if several_writers else row)
    heads = ["seq", "id", "recorded", "verdict", "what", *(["writer"] if several_writers else [])]
    click.echo(table(heads, rows))


def _rest(entry: "Found") -> str:
    """Return the subject without the verdict, which has a column of its own."""
    first, _, rest = entry.subject.partition(" ")
    return rest if first.lower() == entry.verdict else entry.subject


def _print_remarks(shown: "list[Found]", hints: list[str], *, is_cut: bool) -> None:
    if is_cut:
        click.echo("older entries are left out; `-n 0` shows all", err=True)
    for entry in shown:
        if entry.problem:
            click.echo(f"#{entry.seq} {entry.id[:12]}: {entry.problem}; `gatecheck ledger verify` tells more", err=True)
    for hint in hints:
        click.echo(hint, err=True)
