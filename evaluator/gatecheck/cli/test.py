"""``gatecheck test``: run a pack's own tests, tell what they reach, and pin recorded decisions as tests."""

import math
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from gatecheck.cli.exits import Exit

if TYPE_CHECKING:
    from gatecheck.testing.run import Ran
    from gatecheck.text.source import Source


def _number(_context: click.Context, _option: click.Parameter, value: float | None) -> float | None:
    if value is not None and math.isnan(value):  # which is neither under nor over anything
        raise click.BadParameter("nan is not a number.")
    return value


@click.command(name="test")
@click.argument("rules", metavar="[PATH]", default="")
@click.option(
    "-k", "wanted", multiple=True, metavar="TEXT", help="Run the cases whose name holds this, or another such."
)
@click.option("--coverage", "is_covered", is_flag=True, help="Tell which statements and guards no test reaches.")
@click.option(
    "--fail-under",
    "least",
    type=click.FloatRange(0, 100),
    callback=_number,
    metavar="PERCENT",
    help="Fail where less of the pack is covered.",
)
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json", "junit"]),
    default="text",
    help="How to show what came of it.  [default: text]",
)
@click.option("--from-decision", "entry", metavar="ID", help="Write a test that pins this recorded decision.")
@click.option("--write", "target", metavar="FILE", help="Append that test to a rule file, instead of printing it.")
@click.option("--ledger", "ledger", metavar="PATH", help="Where it is recorded.  [default: .gatecheck/ledger]")
def command(
    rules: str,
    wanted: tuple[str, ...],
    is_covered: bool,
    least: float | None,
    form: str,
    entry: str | None,
    target: str | None,
    ledger: str | None,
) -> int:
    """Run the tests of a rule pack: a folder of `.gate` files, one such file, or a folder at a git revision.

    Each test gives a change, evidence and approvals, and expects what the rules must make of them. Of a test that fails
    all is shown: what was given, expected and found, and what came nearest. Where no test runs, that is a failure too.
    PATH may stand in gatecheck.yaml as `rules`.

    \b
    Examples:
      gatecheck test rules
      gatecheck test rules -k approval --format junit > tests.xml
      gatecheck test rules --coverage --fail-under 100
      gatecheck test rules --from-decision 9f2c41d --write rules/recorded.gate

    \b
    Exit codes: 0 all passed, 7 a test failed, none ran, or too little is covered;
    5 wrong rules, 2 wrong input.
    """
    from gatecheck.cli.rules import named_rules

    named, base = named_rules(rules)
    if entry is not None:
        return _pin(named, base, entry, target, ledger)
    from gatecheck.cli.rules import read_rules
    from gatecheck.lang.pack import load
    from gatecheck.testing.recorded import recorded_requests
    from gatecheck.testing.run import run_tests

    files, where = read_rules(named, base)
    pack, _, sources = load(files, where)
    recorded = recorded_requests(pack, _folder(named, base))
    ran = run_tests(pack, wanted, recorded, is_covered=is_covered or least is not None)
    enough = ran.coverage is None or least is None or ran.coverage.percent() >= least
    click.echo(_shown(ran, sources, form, where, wanted, least, enough=enough), nl=False)
    return Exit.ALLOW if ran.is_passed and enough else Exit.TESTS


def _shown(
    ran: "Ran", sources: "Mapping[str, Source]", form: str, where: str, wanted: Sequence[str], least: float | None,
    *, enough: bool,
) -> str:  # fmt: skip
    from gatecheck.testing.export import as_json, as_junit
    from gatecheck.testing.show import as_text, failure, lines, percent

    failures = {r.case.name: failure(r, ran.traced, sources) for r in ran.results if not r.is_passed}
    if form == "json":
        return as_json(ran.results, failures, ran.coverage, is_ok=ran.is_passed and enough)
    if form == "junit":
        texts = {name: "\n".join(lines(f, where)) for name, f in failures.items()}
        return as_junit(ran.results, failures, texts, ran.coverage, is_covered=enough)
    text = as_text(list(failures.values()), ran.results, ran.coverage, where)
    if not ran.results:
        text += f"no test was run: {_none(wanted)}\n"
    if ran.coverage is not None and least is not None and not enough:
        text += f"failed: {percent(ran.coverage.percent())} is covered, and `--fail-under` asks for {percent(least)}\n"
    return text


def _none(wanted: Sequence[str]) -> str:
    if not wanted:
        return "the pack holds none"
    return "no case's name holds " + " or ".join(f"`{text}`" for text in wanted)


def _folder(named: str, base: str) -> Path | None:
    """Return the folder of a pack's files, ``None`` for a pack at a git revision."""
    if ":" in named and not named.startswith(("./", "../", "/")):
        return None
    path = Path(base, named)
    return path if path.is_dir() else path.parent


# -- recorded decisions


def _pin(rules: str, base: str, named: str, target: str | None, path: str | None) -> int:
    import json

    from gatecheck.cli.documents import ledger_path
    from gatecheck.ledger.ledger import open_ledger
    from gatecheck.ledger.memory import state_folder
    from gatecheck.ledger.verify import verify_entry
    from gatecheck.testing.pin import file_name, pinned
    from gatecheck.text.diagnostic import LedgerError, input_error

    folder = _folder(rules, base)
    if folder is None:
        hint = "name the folder that the tests are to be written to"
        raise input_error("GC801", "a recorded request can't be written to a git revision", hint=hint)
    ledger = open_ledger(Path(path) if path else ledger_path(), memory=state_folder(os.environ))
    entry = ledger.find(named)
    problems = verify_entry(ledger, entry)
    if problems:
        raise LedgerError(*(problem.diagnostic() for problem in problems))
    if entry.kind != "decision":
        raise input_error("GC820", f"the entry `{entry.id[:12]}` records no decision", hint="name one that does")
    text = pinned(entry.id, json.loads(ledger.statement(entry)))
    if target is not None:
        text = _appended(rules, base, folder, Path(target), text)
    file = folder / file_name(entry.id)
    file.parent.mkdir(exist_ok=True)
    file.write_bytes(ledger.file(entry, "request.json"))
    click.echo(f"wrote {file}", err=True)
    if target is None:
        click.echo(text, nl=False)
        return Exit.ALLOW
    with Path(target).open("a", encoding="utf-8") as out:
        out.write(text)
    click.echo(f"wrote {target}", err=True)
    return Exit.ALLOW


def _appended(rules: str, base: str, folder: Path, target: Path, test: str) -> str:
    """Return what is to be appended to a file for a test; raise where the pack would not be sound with it."""
    from gatecheck.cli.rules import read_rules
    from gatecheck.testing.pin import appended

    files, where = read_rules(rules, base)
    place, root = target.resolve(), folder.resolve()
    name = place.relative_to(root).as_posix() if place.is_relative_to(root) else target.name
    return appended(
        files, where or f"{folder.as_posix()}/", name, target.read_bytes() if target.exists() else b"", test
    )
