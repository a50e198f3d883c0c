"""``gatecheck ledger verify``: re-read every record, or check a proof."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from gatecheck.cli.ledgers.shared import counted, instant, ledger_option, open_named, plain, print_json, read_checkpoint

if TYPE_CHECKING:
    from gatecheck.ledger.proof import Proven
    from gatecheck.ledger.verify import Report
    from gatecheck.ledger.witness import Wanted
    from gatecheck.trust.note import Note
    from gatecheck.trust.signers import AllowedSigners


@click.command(name="verify")
@click.option(
    "--trust", "trust", type=click.Path(path_type=Path), metavar="FILE",
    help="Whose signatures count: an allowed-signers file, as of ssh-keygen and git.",
)  # fmt: skip
@click.option(
    "--proof", "proof", type=click.Path(path_type=Path), metavar="FILE",
    help="Check this proof instead, for which no ledger is needed.",
)  # fmt: skip
@click.option(
    "--checkpoint", "seen", type=click.Path(path_type=Path), metavar="FILE", multiple=True,
    help="A checkpoint that another verifier has seen: it must be part of this ledger. May be repeated.",
)  # fmt: skip
@click.option(
    "--witness", "witness", type=click.Path(path_type=Path), metavar="FILE",
    help="Require cosignatures by the witnesses in this allowed-signers file.",
)  # fmt: skip
@click.option("--witnesses", "least", type=click.IntRange(min=1), help="Of how many of them.  [default: 1]")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", help="  [default: text]")
@ledger_option
def command(
    trust: Path | None, proof: Path | None, seen: tuple[Path, ...], witness: Path | None, least: int | None, form: str,
    path: Path | None,
) -> None:  # fmt: skip
    """Re-read every record: bytes, statements, chain, signatures, checkpoints, and whose they are.

    Also noticed is a history that was cut short or written anew since this machine last saw it, or since the
    --checkpoint that another saw. Without --trust the keys are those that the ledger itself names, which shows changes
    but not who made the ledger. Exits with 6 if anything is wrong.

    \b
    Examples:
      gatecheck ledger verify
      gatecheck ledger verify --trust allowed_signers
      gatecheck ledger verify --checkpoint theirs --witness witnesses --witnesses 2
      gatecheck ledger verify --proof proof.json --trust allowed_signers
    """
    from gatecheck.text.diagnostic import input_error
    from gatecheck.trust.signers import load_signers

    if least is not None and witness is None:
        raise input_error("GC801", "`--witnesses` needs `--witness`", hint="name a file of witnesses with `--witness`")
    signers = load_signers(trust) if trust is not None else None
    wanted = _wanted(witness, least or 1) if witness is not None else None
    known = [(str(file), read_checkpoint(file)) for file in seen]
    if proof is None:
        _verify_ledger(path, signers, known, wanted, form)
    elif path is None:
        _check_proof(proof, signers, known, wanted, form)
    else:
        raise input_error("GC801", "`--proof` is checked without a ledger", hint="leave `--ledger` out")


def _wanted(file: Path, least: int) -> "Wanted":
    from gatecheck.ledger.witness import Wanted
    from gatecheck.trust.signers import load_signers

    return Wanted(load_signers(file), least)


def _verify_ledger(
    path: Path | None,
    trust: "AllowedSigners | None",
    known: "list[tuple[str, Note]]",
    wanted: "Wanted | None",
    form: str,
) -> None:
    from gatecheck.ledger import verify as verifying
    from gatecheck.ledger.checkpoint import read_text
    from gatecheck.text.diagnostic import LedgerError, input_error

    origins = [read_text(note.text).origin for _, note in known]

    def recall(origin: str) -> "list[tuple[str, Note]]":
        return [item for item, of in zip(known, origins, strict=True) if of == origin]

    report = verifying.verify(open_named(path), trust, recall=recall, witnesses=wanted)
    if form == "json":
        print_json(_report(report))
    if report.problems:
        raise LedgerError(*(problem.diagnostic() for problem in report.problems))
    for (file, _), origin in zip(known, origins, strict=True):
        if origin not in {writer.origin for writer in report.writers}:
            message = f"this is a checkpoint of `{origin}`, which this ledger does not hold"
            raise input_error("GC746", message, file=file, hint="name the ledger that it is of with `--ledger`")
    if form == "text":
        _print_report(report, own_trust=trust is None)


def _check_proof(
    file: Path, trust: "AllowedSigners | None", known: "list[tuple[str, Note]]", wanted: "Wanted | None", form: str
) -> None:
    from gatecheck.ledger.proof import check
    from gatecheck.model.document import read_bytes

    proven = check(read_bytes(file), str(file), trust, wanted, known)
    if form == "json":
        print_json(_proven(proven))
    else:
        _print_proven(proven, own_trust=trust is None)


def _proven(proven: "Proven") -> dict[str, Any]:
    entry, earlier = proven.entry, proven.earlier
    return {
        "entry": entry.id,
        "seq": entry.seq,
        "writer": entry.writer,
        "at": instant(entry),
        "subject": entry.subject,
        "key": proven.key.fingerprint,
        "origin": proven.says.origin,
        "size": proven.says.size,
        "since": earlier.size if earlier is not None else None,
        "trust": proven.trust,
        "witnesses": [{"at": at.strftime("%Y-%m-%dT%H:%M:%SZ"), "name": name} for name, at in proven.witnessed],
    }


def _print_proven(proven: "Proven", *, own_trust: bool) -> None:
    entry, says = proven.entry, proven.says
    click.echo(f"proven: entry {entry.id[:12]} is #{entry.seq} of {says.origin}, as signed up to #{says.size - 1}")
    click.echo(f"  {plain(entry.subject)}")
    click.echo(f"  recorded {instant(entry)} in ledger/{entry.writer}, signed by {proven.key.fingerprint}")
    if proven.earlier is not None:
        click.echo(f"  begins as the earlier checkpoint says, which is up to #{proven.earlier.size - 1}")
    for name, at in proven.witnessed:
        click.echo(f"  witnessed by {plain(name)} at {at:%Y-%m-%dT%H:%M:%SZ}")
    if own_trust:
        click.echo("the key was taken from the proof itself; `--trust FILE` checks against signers that you name")
    else:
        click.echo(f"keys were taken from {proven.trust}")


def _report(report: "Report") -> dict[str, Any]:
    return {
        "entries": report.entries,
        "problems": [problem._asdict() for problem in report.problems],
        "trust": report.trust,
        "writers": [
            {
                "checkpoints": w.checkpoints,
                "entries": w.entries,
                "key": w.key,
                "name": w.name,
                "origin": w.origin,
                "size": w.checkpoint.says.size if w.checkpoint is not None else 0,
                "witnesses": [
                    {"at": c.at.strftime("%Y-%m-%dT%H:%M:%SZ"), "name": c.name, "size": c.says.size}
                    for c in w.witnessed
                ],
            }
            for w in report.writers
        ],
    }


def _print_report(report: "Report", *, own_trust: bool) -> None:
    if not report.writers:
        click.echo("the ledger holds no entries")
        return
    click.echo(f"verified {counted(report.entries)}: records, chain and signatures are good")
    for writer in report.writers:
        click.echo(f"  ledger/{writer.name}  {counted(writer.entries)}, signed by {writer.key}")
        if writer.checkpoint is not None:
            number, noun = writer.checkpoints, "checkpoint" if writer.checkpoints == 1 else "checkpoints"
            click.echo(f"    {number:,} {noun} up to #{writer.checkpoint.says.size - 1}")
        for each in writer.witnessed:
            at = each.at.strftime("%Y-%m-%dT%H:%M:%SZ")
            click.echo(f"    witnessed up to #{each.says.size - 1} by {plain(each.name)} at {at}")
    if own_trust:
        click.echo("keys were taken from the ledger itself; `--trust FILE` verifies against signers that you name")
    else:
        click.echo(f"keys were taken from {report.trust}")
