"""``gatecheck ledger witness``: vouch for another's ledger."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from gatecheck.cli.ledgers.shared import key_option, plain, present_key

if TYPE_CHECKING:
    from gatecheck.trust.note import Note


@click.command(name="witness")
@click.argument("path", type=click.Path(path_type=Path), metavar="LEDGER")
@key_option
@click.option("--name", metavar="NAME", help="The name to cosign under.  [default: witness/DIGITS, of your key]")
@click.option(
    "--trust", "trust", type=click.Path(path_type=Path), metavar="FILE",
    help="Whose signatures count: an allowed-signers file, as of ssh-keygen and git.",
)  # fmt: skip
def command(path: Path, key: str | None, name: str | None, trust: Path | None) -> None:
    """Verify another's ledger, and cosign its newest checkpoints if it only grew since you cosigned last.

    What you cosigned is remembered by the ledger's origin, wherever a copy of it lies; your cosignatures go onto the
    ref `witness/…` of your key, which is pushed with the rest. Others then ask for them with `gatecheck ledger verify
    --witness FILE`. Exits with 6, and signs nothing, if anything is wrong.

    \b
    Examples:
      gatecheck ledger witness ledger.git --key witness.key --name example.org/witness
      gatecheck ledger witness ledger.git --trust allowed_signers
    """
    import os
    from datetime import UTC, datetime

    from gatecheck.ledger import verify as verifying
    from gatecheck.ledger.entry import writer_of
    from gatecheck.ledger.ledger import open_ledger
    from gatecheck.ledger.memory import Witnessed, state_folder
    from gatecheck.ledger.witness import checked_name, cosign
    from gatecheck.text.diagnostic import LedgerError, input_error
    from gatecheck.trust.signers import load_signers

    signing = present_key(key)
    witness = writer_of(signing.public)
    named = checked_name(name) if name is not None else f"witness/{witness}"
    state = state_folder(os.environ)
    ledger, memory = open_ledger(path, memory=state), Witnessed(state, witness)

    def recall(origin: str) -> "list[tuple[str, Note]]":
        note = memory.note(origin)
        return [("this witness", note)] if note is not None else []

    report = verifying.verify(ledger, load_signers(trust) if trust is not None else None, recall=recall)
    if report.problems:
        raise LedgerError(*(problem.diagnostic() for problem in report.problems))
    if all(writer.checkpoint is None for writer in report.writers):
        hint = "its writer signs one with `gatecheck ledger checkpoint`"
        raise input_error("GC749", "the ledger has no checkpoint to cosign", file=str(path), hint=hint)
    made = cosign(ledger, report, signing, named, datetime.now(UTC), memory)
    for each in made:
        click.echo(f"cosigned {each.says.origin} up to #{each.says.size - 1} as {plain(named)}")
    if not made:
        click.echo("the newest checkpoints are cosigned already")
