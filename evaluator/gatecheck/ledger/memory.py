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
from gatecheck.trust import note as notes
from gatecheck.trust.note import Note


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
    """The remembered tips and checkpoints of one ledger, by writer."""

    def __init__(self, folder: Path, ledger: Path) -> None:
        from hashlib import sha256

        self._ledger = os.path.realpath(ledger)
        self.file = folder / "ledgers" / f"{sha256(os.fsencode(self._ledger)).hexdigest()[:24]}.json"

    def load(self) -> dict[str, Tip]:
        """Return the entries seen last; ``LedgerError`` GC719 if they can't be read."""
        return self._read()[0]

    def notes(self) -> dict[str, Note]:
        """Return the checkpoints seen last; ``LedgerError`` GC719 if they can't be read."""
        try:
            return {writer: notes.parse(text.encode()) for writer, text in self._read()[1].items()}
        except notes.NoteError:
            raise self._unreadable() from None

    def _read(self) -> tuple[dict[str, Tip], dict[str, str]]:
        try:
            data = json.loads(self.file.read_bytes())
            tips = {writer: Tip(int(t["seq"]), t["id"], t["chain"], t["commit"]) for writer, t in data["tips"].items()}
            texts = {str(writer): str(text) for writer, text in data.get("checkpoints", {}).items()}
            any(map(_size, texts.values()))  # each says one
        except FileNotFoundError:
            return {}, {}
        except (OSError, ValueError, KeyError, TypeError, AttributeError, IndexError):
            raise self._unreadable() from None
        return tips, texts

    def prepare(self) -> None:
        """Make the folder, before anything is recorded that would have to be remembered; ``LedgerError`` GC719."""
        if self.file.parent.is_dir():
            return
        try:
            self.file.parent.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self.file.parent.mkdir(mode=0o700, exist_ok=True)
        except OSError as error:
            raise self._unwritable(error) from None

    def save(self, tips: Mapping[str, Tip], checkpoints: Mapping[str, Note] = {}) -> None:
        """Remember these tips and checkpoints; what is older than is remembered of its writer is passed over."""
        self.prepare()
        known, seen = self._read()
        newer = {w: t for w, t in tips.items() if w not in known or t.seq > known[w].seq}
        given = {writer: note.bytes().decode() for writer, note in checkpoints.items()}
        larger = {w: text for w, text in given.items() if w not in seen or _size(text) > _size(seen[w])}
        if not newer and not larger:
            return
        both, noted = {**known, **newer}, {**seen, **larger}
        data = {
            "ledger": self._ledger,
            "tips": {writer: both[writer]._asdict() for writer in sorted(both)},
            "checkpoints": {writer: noted[writer] for writer in sorted(noted)},
        }
        draft = self.file.with_name(f".{self.file.name}.{os.getpid()}")
        try:
            draft.write_text(json.dumps(data, indent=1) + "\n")
            draft.replace(self.file)
        except OSError as error:
            raise self._unwritable(error) from None

    def _unreadable(self) -> Exception:
        hint = "if you know that the ledger is whole, remove this file"
        message = "what this machine remembers of the ledger can't be read"
        return ledger_error("GC719", message, file=str(self.file), hint=hint)

    def _unwritable(self, error: OSError) -> Exception:
        message = f"what was seen of the ledger can't be remembered: {(error.strerror or str(error)).lower()}"
        hint = "set XDG_STATE_HOME to a folder that can be written"
        return ledger_error("GC719", message, file=str(self.file.parent), hint=hint)


def _size(text: str) -> int:
    return int(text.split("\n", 2)[1])


class Witnessed:
    """What a witness has cosigned last, by origin: kept by its key, since a copy of a ledger may lie anywhere."""

    def __init__(self, folder: Path, witness: str) -> None:
        self._folder = folder / "witness" / witness

    def note(self, origin: str) -> Note | None:
        """Return the checkpoint of an origin that was cosigned last; ``LedgerError`` GC719 if it can't be read."""
        file = self._file(origin)
        try:
            return notes.parse(file.read_bytes())
        except FileNotFoundError:
            return None
        except (OSError, ValueError):
            hint = "restore it from a copy; without it this witness would vouch for any history"
            raise ledger_error("GC719", "what this witness cosigned can't be read", file=str(file), hint=hint) from None

    def save(self, origin: str, note: Note) -> None:
        """Remember a checkpoint, durably: a cosignature may be given only for what is never forgotten."""
        file = self._file(origin)
        draft = file.with_name(f".{file.name}.{os.getpid()}")
        try:
            file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            with draft.open("wb") as out:
                out.write(note.bytes())
                out.flush()
                os.fsync(out.fileno())
            draft.replace(file)
        except OSError as error:
            message = f"what this witness cosigns can't be remembered: {(error.strerror or str(error)).lower()}"
            hint = "set XDG_STATE_HOME to a folder that can be written"
            raise ledger_error("GC719", message, file=str(file), hint=hint) from None

    def _file(self, origin: str) -> Path:
        return self._folder / f"{origin.rpartition('/')[2]}.note"
