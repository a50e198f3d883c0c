"""``gatecheck record``: enter what else there is to say of an artifact, or of an entry, beside decisions."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypeVar

import click

from gatecheck.cli.documents import LEDGER, read_config
from gatecheck.cli.request import KEY_VARIABLE, Options, as_of_option, named_signers, own_ledger, signing_key

if TYPE_CHECKING:
    from gatecheck.ledger.entry import Entry
    from gatecheck.ledger.ledger import Ledger
    from gatecheck.model.fact import ApprovalFact, Fact, Predicate
    from gatecheck.model.request import Artifact
    from gatecheck.text.diagnostic import InputError

    _P = TypeVar("_P", bound=Predicate)

_SHARED: tuple[Callable[..., Any], ...] = (
    click.option("--no-config", is_flag=True, help="Read no gatecheck.yaml: only what the command line says counts."),
    click.option("--key", metavar="PATH", help=f"The ed25519 key that signs; ${KEY_VARIABLE} may hold one instead."),
    click.option("--ledger", metavar="PATH", help=f"The ledger; made on first use.  [default: {LEDGER}]"),
    click.option("--at", metavar="INSTANT", help="When that was, with its offset.  [default: now]"),
    click.option("--by", metavar="PERSON", required=True, help="Who says so."),
)
_ARTIFACT: tuple[Callable[..., Any], ...] = (
    click.option("-e", "--environment", metavar="NAME", help="The environment that it is about."),
    click.option("--change", metavar="FILE", help="The change document, whose artifact is meant."),
    click.option("--artifact", metavar="NAME@DIGEST", help="The artifact itself, instead of a change."),
)


def _with(*options: Callable[..., Any]) -> Callable[..., Any]:
    def add(function: Callable[..., Any]) -> Callable[..., Any]:
        for option in options:
            function = option(function)
        return function

    return add


@click.group(name="record")
def command() -> None:
    """Record what else there is to say: of an artifact, or of an entry.

    Recorded approvals and deployments count in later decisions as if they were given in a file, where the key that
    signed them is trusted: the decider's own, or one that `--trust` names. Nothing is ever changed: what was wrong is
    corrected by a new entry.
    """


@command.command(name="approval")
@_with(*_SHARED, *_ARTIFACT)
@click.option(
    "--stance", type=click.Choice(["approve", "reject", "withdraw"]), default="approve", help="  [default: approve]"
)
@click.option("--comment", metavar="TEXT", default="", help="What was written with it.")
@click.option("--source", metavar="TEXT", default="", help="Where it was stated, such as the address of a review.")
@click.option("--signature", metavar="FILE", help="The approver's own SSHSIG; give `--at` as it was signed.")
@click.option("--trust", metavar="FILE", help="Allowed signers: whose signature that must be.")
def _approval(**given: Any) -> None:
    """Record that a person approved an artifact for an environment, rejected it, or withdrew that.

    The entry is signed by your key: it says that you saw the approval. Rules that ask for `signed` approvals want the
    approver's own signature as well.

    \b
    Examples:
      gatecheck record approval -e production --by alice
      gatecheck record approval -e production --by alice --stance withdraw
      gatecheck record approval -e production --by bob --artifact pay@sha256:9f86… \\
          --at 2026-11-23T09:00:00Z --signature bob.sig
    """
    from gatecheck.model.fact import ApprovalFact, Fact

    options = _options(given)
    artifact, change = _artifact(options)
    said = fact_from(
        ApprovalFact, given, approver=given["by"], stance=given["stance"], environment=_environment(options),
        change=change, comment=given["comment"], source=given["source"], signature=_text(given["signature"]),
    )  # fmt: skip
    if said.signature:
        said = _vouched(options, said, artifact)
    _enter(options, Fact(artifact, said))


@command.command(name="deployment")
@_with(*_SHARED, *_ARTIFACT)
@click.option("--from", "from_", metavar="INSTANT", help="When the artifact arrived.  [default: now]")
@click.option("--to", metavar="INSTANT", help="When it was replaced.  [default: it is still there]")
@click.option("--verified-at", metavar="INSTANT", help="When it was verified to run; it soaks from then on.")
@click.option("--service", metavar="NAME", help="The service.  [default: the change's]")
def _deployment(**given: Any) -> None:
    """Record that an artifact was deployed to an environment.

    A later entry about the same artifact, environment and `--from` corrects it: so is the end of a stay recorded.

    \b
    Examples:
      gatecheck record deployment -e staging --by ci --verified-at 2026-11-22T06:05:00Z
      gatecheck record deployment -e staging --by ci --artifact pay@sha256:9f86… \\
          --from 2026-11-22T06:00:00Z --to 2026-11-23T06:00:00Z
    """
    from gatecheck.model.fact import DeploymentFact, Fact

    given["at"] = as_of_option(given["at"])
    options = _options(given)
    artifact, _ = _artifact(options)
    instants = {"from": given["from_"] or given["at"], "to": given["to"], "verified_at": given["verified_at"]}
    said = fact_from(
        DeploymentFact, given, by=given["by"], environment=_environment(options), service=_service(options), **instants
    )
    for name, instant in (("--to", said.to), ("--verified-at", said.verified_at)):
        if instant is not None and (instant < said.from_ or (name == "--to" and instant == said.from_)):
            raise _wrong("GC734", f"`{name}` is before the stay begins, {instants['from']}", "give `--from` as well")
    _enter(options, Fact(artifact, said))


@command.command(name="review")
@click.argument("entry", metavar="ENTRY")
@_with(*_SHARED)
@click.option(
    "--outcome", type=click.Choice(["accepted", "rejected"]), required=True, help="Whether the override was right."
)
@click.option("--comment", metavar="TEXT", default="", help="What was written with it.")
def _review(entry: str, **given: Any) -> None:
    """Record the review that an overridden decision owes. `gatecheck ledger owed` lists what is owed.

    \b
    Example:
      gatecheck record review 9f2c41d --by dora --outcome accepted --comment "The outage was real"
    """
    import json

    from gatecheck.model.fact import ReviewFact, about_entry

    options = _options(given)
    ledger, path = own_ledger(options)
    found = _entry(ledger, entry)
    if found.kind != "decision" or "review" not in json.loads(ledger.statement(found))["predicate"]:
        hint = "`gatecheck ledger owed` lists those that do; `gatecheck record annotation` says something of any entry"
        raise _wrong("GC733", f"the entry {found.id[:12]} owes no review", hint)
    said = fact_from(
        ReviewFact, given, reviewer=given["by"], outcome=given["outcome"], comment=given["comment"]
    )  # fmt: skip
    _enter(options, about_entry(found.id, said), ledger, path)


@command.command(name="annotation")
@click.argument("entry", metavar="ENTRY")
@click.argument("text", metavar="TEXT")
@_with(*_SHARED)
def _annotation(entry: str, text: str, **given: Any) -> None:
    """Record a remark on an entry, such as a correction. It decides nothing.

    \b
    Example:
      gatecheck record annotation 9f2c41d "the change id was mistyped: it is PR-1412" --by bob
    """
    from gatecheck.model.fact import AnnotationFact, about_entry

    options = _options(given)
    ledger, path = own_ledger(options)
    found = _entry(ledger, entry)
    _enter(options, about_entry(found.id, fact_from(AnnotationFact, given, by=given["by"], text=text)), ledger, path)


def _options(given: dict[str, Any]) -> Options:
    config, base = ({}, "") if given["no_config"] else read_config()
    return Options({"trust": None, "change": None, "environment": None, **given}, config, base)


def _environment(options: Options) -> str:
    from gatecheck.cli.documents import require

    found: str = require(options.one("environment")[0], "environment", "say where to, as `-e production`")
    return found


def _change(options: Options) -> Any:
    """Return the change that is named, or ``None`` where an artifact is."""
    from gatecheck.cli.documents import below, read_part, require

    if options.given["artifact"] is not None:
        return None
    value, base = options.one("change")
    value = require(value, "change", "name the change document, or the artifact with `--artifact NAME@DIGEST`")
    return read_part(below(base, value), "change", value)[0]


def _artifact(options: Options) -> "tuple[Artifact, str]":
    """Return the artifact that is meant, and the id of the change that names it."""
    from gatecheck.model.request import Artifact
    from gatecheck.repository.changes import read_artifact

    change = _change(options)
    if change is None:
        return Artifact(*read_artifact(options.given["artifact"])), ""
    return change.artifact, change.id


def _service(options: Options) -> str:
    if options.given["service"] is not None:
        return str(options.given["service"])
    change = _change(options)
    return "" if change is None else str(change.service)


def _text(path: str | None) -> str:
    from gatecheck.model.document import decode_text, read_bytes

    return "" if path is None else decode_text(read_bytes(path), path)


def fact_from(form: "type[_P]", given: dict[str, Any], **said: Any) -> "_P":
    """Return what is said, in its form; ``InputError`` naming the option that can't be."""
    import msgspec

    from gatecheck.model.instant import parse_instant

    for name in ("from", "to", "verified_at"):
        if said.get(name) is not None:
            parse_instant(said[name], f"--{name.replace('_', '-')}")
    said["at"] = as_of_option(given["at"])
    try:
        return msgspec.convert({name: value for name, value in said.items() if value is not None}, form)
    except msgspec.ValidationError as error:
        name = str(error).rpartition("$.")[2].rstrip("`")
        raise _refused(name, str(said[name])) from None


def _refused(name: str, value: str) -> "InputError":
    import json

    from gatecheck.assets import shipped

    forms = json.loads(shipped("schemas", "entry.schema.json").read_bytes())["$defs"].values()
    known = [
        f["properties"]["predicate"]["properties"]
        for f in forms
        if "properties" in f.get("properties", {}).get("predicate", {})
    ]
    meant = next(form[name]["description"] for form in known if name in form)
    option = {"text": "TEXT", "approver": "--by", "reviewer": "--by"}.get(name, f"--{name}")
    shown = value if len(value) <= 60 else f"{value[:60]}…"
    return _wrong("GC734", f"`{option}` can't be `{shown}`", meant[:1].lower() + meant[1:].rstrip("."))


def _vouched(options: Options, said: "ApprovalFact", artifact: "Artifact") -> "ApprovalFact":
    """Return an approval with whose signature it carries; ``InputError`` where that is not of this approval."""
    from msgspec.structs import replace

    from gatecheck.trust import sshsig
    from gatecheck.trust.approval import NAMESPACE, payload, signer
    from gatecheck.trust.openssh import FormError

    approval = said.approval(artifact.digest)
    hint = f"what is signed is, without a final line end: {payload(approval).decode()}"
    name = options.given["signature"]
    try:
        signature = sshsig.parse(said.signature)
    except FormError as error:
        raise _wrong("GC735", f"the signature can't be read: {error}", hint, name) from None
    if signature.namespace != NAMESPACE or not signature.covers(payload(approval)):
        raise _wrong("GC735", "the signature is not of this approval", hint, name)
    trust = named_signers(options)
    if trust is None:
        return said
    found, why = signer(approval, [approval.approver], trust)
    if not found:
        raise _wrong("GC735", f"the approval is not signed by `{approval.approver}`: {why}", "see `--trust`", name)
    return replace(said, principal=found)


def _wrong(code: str, message: str, hint: str, file: str = "") -> "InputError":
    from gatecheck.text.diagnostic import input_error

    return input_error(code, message, hint=hint, file=file)


def _entry(ledger: "Ledger", name: str) -> "Entry":
    """Return the entry that is named, verified."""
    from gatecheck.ledger.verify import verify_entry
    from gatecheck.text.diagnostic import LedgerError

    entry = ledger.find(name)
    problems = verify_entry(ledger, entry)
    if problems:
        raise LedgerError(*(problem.diagnostic() for problem in problems))
    return entry


def _enter(options: Options, fact: "Fact", ledger: "Ledger | None" = None, path: str = "") -> None:
    """Enter what was said, and tell under which id."""
    from gatecheck.gate import state

    key = signing_key(options)
    if ledger is None:
        ledger, path = own_ledger(options)
    entry = state(fact, ledger, key, datetime.now(UTC))
    click.echo(f"recorded {entry.id[:12]} in {path}, signed by {key.fingerprint}")
