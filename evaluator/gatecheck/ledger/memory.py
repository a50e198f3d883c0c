"""What this machine saw last of each ledger, kept outside of it.

Signatures and chain can't show that the end of a history was cut off, or that the holder of the key wrote it anew:
only a memory of the earlier state can. One small file for each ledger, named by the ledger's real path.
"""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from gatecheck.text.diagnostic import ledger_error


class Tip(NamedTuple):
    """The newest entry of one writer that this machine has seen."""

    seq: int
    id: str
    chain: str
    commit: str


def state_folder(environment: Mapping[str, str]) -> Path:
    """Return where gatecheck keeps what it remembers, from ``XDG_STATE_HOME`` or ``HOME``."""
    base = environment.get("XDG_STATE_HOME", "")
    if base.startswith("/"):  # the specification has relative paths ignored
        return Path(base) / "gatecheck"
    return Path(environment.get("HOME") or Path.home()) / ".local" / "state" / "gatecheck"


class Memory:
    """The remembered tips of one ledger, by writer."""

    def __init__(self, folder: Path, ledger: Path) -> None:
        from hashlib import sha256

        self._ledger = os.path.realpath(ledger)
        self.file = folder / "ledgers" / f"{sha256(os.fsencode(self._ledger)).hexdigest()[:24]}.json"

    def load(self) -> dict[str, Tip]:
        """Return what was seen last; ``LedgerError`` GC719 if it can't be read."""
        try:
            data = json.loads(self.file.read_bytes())
            return {writer: Tip(int(t["seq"]), t["id"], t["chain"], t["commit"]) for writer, t in data["tips"].items()}
        except FileNotFoundError:
            return {}
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            hint = "if you know that the ledger is whole, remove this file"
            message = "what this machine remembers of the ledger can't be read"
            raise ledger_error("GC719", message, file=str(self.file), hint=hint) from None

    def prepare(self) -> None:
        """Make the folder, before anything is recorded that would have to be remembered; ``LedgerError`` GC719."""
        if self.file.parent.is_dir():
            return
        try:
            self.file.parent.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self.file.parent.mkdir(mode=0o700, exist_ok=True)
        except OSError as error:
            raise self._unwritable(error) from None

    def save(self, tips: Mapping[str, Tip]) -> None:
        """Remember these tips; a tip older than a remembered one of its writer is passed over."""
        self.prepare()
        known = self.load()
        newer = {w: t for w, t in tips.items() if w not in known or t.seq > known[w].seq}
        if not newer:
            return
        both = {**known, **newer}
        data = {"ledger": self._ledger, "tips": {writer: both[writer]._asdict() for writer in sorted(both)}}
        draft = self.file.with_name(f".{self.file.name}.{os.getpid()}")
        try:
            draft.write_text(json.dumps(data, indent=1) + "\n")
            draft.replace(self.file)
        except OSError as error:
            raise self._unwritable(error) from None

    def _unwritable(self, error: OSError) -> Exception:
        message = f"what was seen of the ledger can't be remembered: {(error.strerror or str(error)).lower()}"
        hint = "set XDG_STATE_HOME to a folder that can be written"
        return ledger_error("GC719", message, file=str(self.file.parent), hint=hint)
