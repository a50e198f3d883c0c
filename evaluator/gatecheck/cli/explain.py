"""``gatecheck explain``: why a decision came out as it did, and what it would be if something were otherwise."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from gatecheck.cli.documents import LEDGER, ledger_path, read_config
from gatecheck.cli.exits import BY_VERDICT
from gatecheck.cli.request import Options, as_of_option, present_key, read_request, trusted, with_ledger
from gatecheck.cli.rules import read_rules
from gatecheck.cli.terminal import wants_colour
from gatecheck.engine.trace import Trace, TracedProgram, traced_program
from gatecheck.gate import Outcome, decide
from gatecheck.lang import core
from gatecheck.model.request import Request
from gatecheck.text.diagnostic import InputError, ProblemError, input_error
from gatecheck.text.source import Source

if TYPE_CHECKING:
    from gatecheck.ledger.entry import Entry
    from gatecheck.ledger.ledger import Ledger

_ASKED = ("rules", "change", "environment", "evidence", "approvals", "directory", "deployments", "as_of", "trust")
_WHAT_IF = "--what-if"


class _Answer(NamedTuple):
    """A decision, its record as data, and what was seen on the way to it."""

    request: Request
    outcome: Outcome
    record: dict[str, Any]
    trace: Trace


@click.command(name="explain")
@click.option("--rules", metavar="PATH|REV:PATH", help="The rule pack; `main:rules` reads it from a git revision.")
@click.option("--change", metavar="FILE", help="The change document; `gatecheck change` writes it.")
@click.option("-e", "--environment", metavar="NAME", help="The environment that the change is to enter.")
@click.option(
    "--evidence", multiple=True, metavar="[GATE=]PATH", help="What a tool wrote; a folder is read by file name = gate."
)
@click.option("--approvals", multiple=True, metavar="FILE", help="What people said.")
@click.option("--directory", metavar="FILE", help="Who is in which group, and who is who.")
@click.option("--deployments", metavar="FILE", help="Where the artifact has run.")
@click.option("--as-of", metavar="INSTANT", help="Explain as of this instant, with its offset.  [default: now]")
@click.option("--entry", metavar="ID", help="Explain a recorded decision instead, by its own rules and request.")
@click.option("--ledger", metavar="PATH", help=f"The ledger that is read.  [default: {LEDGER}]")
@click.option("--no-ledger", is_flag=True, help="Read no ledger.")
@click.option(
    "--trust", metavar="FILE", help="Allowed signers: whose entries in the ledger count, whose signatures.",
)  # fmt: skip
@click.option("--rule", metavar="NAME", help="Explain one rule only.")
@click.option(
    "--what-if", "what_if", multiple=True, metavar="TEXT", help="Answer what would be if TEXT were so; may be repeated."
)
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", help="  [default: text]")
@click.option("--no-config", is_flag=True, help="Read no gatecheck.yaml: only what the command line says counts.")
def command(**given: Any) -> int:
    """Explain a decision as a tree in the shape of the rules; nothing is signed or recorded.

    Each line says what it came to: guards, conditions with the values found, evidence, who filled which place of a
    quorum, and each approval that did not count, with the reason. The request is read as `gatecheck evaluate` reads it,
    or from the ledger, with the rules that decided then.

    A what-if holds what a test's `given` may say, and `now`, separated by `;`:

    \b
      approval by carol; rejection by bob; sast passes; error-rate is stale
      now 2026-11-24 10:00 Europe/Berlin; soak 30h in staging; risk low
      change.type docs; change { labels: ["incident"] }

    \b
    Examples:
      gatecheck explain -e production
      gatecheck explain -e production --rule production-approval
      gatecheck explain -e production --what-if "approval by carol; now 2026-11-24 10:00 Europe/Berlin"
      gatecheck explain --entry 9f2c41d
      gatecheck explain --entry 9f2c41d --what-if "risk low" --format json

    \b
    Exit codes: those of the verdict, with --what-if of the changed one: 0 allow, 3 deny, 4 pending.
    """
    program, request = _recorded(given) if given["entry"] is not None else _asked(given)
    _check_rule(program.pack, given["rule"])
    answer = _answer(program, request)
    wished = _answer(program, _wished(program.pack, request, given["what_if"])) if given["what_if"] else None
    click.echo(_shown(given, answer, wished), nl=False)
    return BY_VERDICT[(wished or answer).outcome.decision.verdict]


def _asked(given: dict[str, Any]) -> tuple[TracedProgram, Request]:
    """Return the rules and the request that the options describe, with what the ledger knows."""
    given = {**given, "key": None}
    config, base = ({}, "") if given["no_config"] else read_config()
    options = Options(given, config, base)
    files, where = read_rules(*options.path("rules", "name the folder of `.gate` files"))
    program = traced_program(files, where)
    request = read_request(options, as_of_option(given["as_of"]), program)
    named, base = options.one("ledger")
    path = Path(base, named or LEDGER)
    if given["no_ledger"] or (named is None and not path.exists()):
        return program, request
    trust = trusted(options, present_key(options))
    return program, request if trust is None else with_ledger(options, program, request, _open(path), trust)


def _recorded(given: Mapping[str, Any]) -> tuple[TracedProgram, Request]:
    """Return the rules and the request of a recorded decision, once its record was verified."""
    from gatecheck.ledger.verify import verify_entry
    from gatecheck.model.schema import decode_request
    from gatecheck.replay.repeat import Replayer
    from gatecheck.text.diagnostic import LedgerError

    for name in _ASKED:
        if given[name]:
            option = f"--{name.replace('_', '-')}"
            hint = f"drop `{option}`, or say what would be otherwise with `--what-if`"
            raise input_error("GC801", f"`--entry` takes its request from the ledger, and not `{option}`", hint=hint)
    ledger = _open(Path(given["ledger"]) if given["ledger"] else ledger_path())
    entry = ledger.find(given["entry"])
    problems = verify_entry(ledger, entry)
    if problems:
        raise LedgerError(*(problem.diagnostic() for problem in problems))
    if entry.kind != "decision":
        raise input_error(
            "GC801", f"the entry `{entry.id[:12]}` is no decision", hint="`gatecheck ledger log` has them"
        )
    if Replayer(ledger).repeat(entry).differences:
        click.echo(_otherwise(entry), err=True)
    request = decode_request(ledger.request(entry), f"request of {entry.id[:12]}")
    return traced_program(ledger.pack(entry), "pack/"), request


def _otherwise(entry: "Entry") -> str:
    return f"this version decides otherwise than was recorded: `gatecheck replay {entry.id[:12]}` says in what"


def _open(path: Path) -> "Ledger":
    from gatecheck.ledger.ledger import open_ledger
    from gatecheck.ledger.memory import state_folder

    return open_ledger(path, memory=state_folder(os.environ))


def _check_rule(pack: core.Pack, name: str | None) -> None:
    from gatecheck.text.nearest import did_you_mean

    rules = {s.rule for s in pack.statements}
    if name is not None and name not in rules:
        raise input_error("GC801", f"there is no rule `{name}`", hint=did_you_mean(name, rules))


def _answer(program: TracedProgram, request: Request) -> _Answer:
    from msgspec.json import decode

    outcome = decide(program, request)
    return _Answer(request, outcome, decode(outcome.statement), program.trace(request.environment))


def _wished(pack: core.Pack, request: Request, texts: tuple[str, ...]) -> Request:
    """Return the request as it would be if the texts were so."""
    from gatecheck.lang.check_scenarios import check_wishes
    from gatecheck.lang.parser import parse_what_if
    from gatecheck.testing.given import apply
    from gatecheck.testing.samples import Samples

    source = Source(_WHAT_IF, "; ".join(text.strip().rstrip(";") for text in texts))
    try:
        wishes = parse_what_if(source).wishes
        problems: list[Any] = []
        check_wishes(pack, wishes, problems.append)
        if problems:
            raise InputError(*problems)
        return apply(pack, request, wishes, Samples(pack))
    except ProblemError as error:  # of whatever kind: it is the option's text that is wrong
        raise InputError(*error.diagnostics, sources={_WHAT_IF: source}) from None


def _shown(given: Mapping[str, Any], answer: _Answer, wished: _Answer | None) -> str:
    from gatecheck.report.changed import changed, changes
    from gatecheck.report.explanation import explanation
    from gatecheck.report.tree import tree

    rule, texts = given["rule"] or "", given["what_if"]
    final = wished or answer
    made = explanation(final.trace, final.request, final.record, rule)
    if given["form"] == "json":
        from gatecheck.model.canonical import canonical

        if wished is not None:
            made |= {"what_if": list(texts), **changes(answer.record, wished.record)}
        return canonical(made).decode() + "\n"
    colour = wants_colour()
    if wished is None:
        return tree(made, final.record, colour=colour)
    text = changed(texts, answer.record, wished.record, colour=colour)
    return f"{text}\n{tree(made, colour=colour)}" if rule else text
