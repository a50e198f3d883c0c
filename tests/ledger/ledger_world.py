"""A ledger in a temporary folder, the records that tests enter, and git to look at it with.

Run as a program it appends from a process of its own: ``python ledger_world.py FOLDER NAME COUNT``.
"""

import os
import subprocess
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from gatecheck.ledger.entry import Entry
from gatecheck.ledger.ledger import Ledger, open_ledger
from gatecheck.ledger.record import Record, pack_digest
from gatecheck.ledger.verify import Report, verify
from gatecheck.model.canonical import canonical, digest
from gatecheck.trust.key import SigningKey, load_or_make_key

AT = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)
PACK = {"payment.gate": b"environment dev\n", "shared/groups.gate": b"group pm = carol\n"}
ARTIFACT = "sha256:" + "a" * 64


def record(
    number: int = 1,
    verdict: str = "allow",
    environment: str = "production",
    artifact: str = ARTIFACT,
    pack: Mapping[str, bytes] = PACK,
    **changed: Any,
) -> Record:
    """Return a decision; ``changed`` replaces parts of its statement's predicate."""
    request = canonical({"change": {"id": f"CHG-{number}"}, "environment": environment})
    digests = {path: digest(data) for path, data in pack.items()}
    algorithm, _, value = artifact.partition(":")
    predicate = {
        "as_of": "2026-11-23T10:00:00+01:00",
        "environment": environment,
        "findings": [],
        "pack": {
            "digest": pack_digest(digests),
            "files": [{"digest": digests[path], "path": path} for path in sorted(digests)],
        },
        "request": {"digest": digest(request)},
        "risk": {"level": "critical"},
        "verdict": verdict,
    } | changed
    statement = {
        "_type": "https://in-toto.io/Statement/v1",
        "predicate": predicate,
        "predicateType": "urn:gatecheck:decision:v1",
        "subject": [{"digest": {algorithm: value}, "name": "payment-service"}],
    }
    words = (verdict.upper(), "payment-service", environment, "critical")
    return Record(words, canonical(statement), request, pack, pack_digest(digests))


class World:
    """One folder with a key, a ledger and this machine's memory of it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.path = folder / "ledger"
        self.memory = folder / "state"
        self.key = self.make_key("key")

    def make_key(self, name: str) -> SigningKey:
        return load_or_make_key(self.folder / name)[0]

    def open(self, *, create: bool = True, memory: str = "state") -> Ledger:
        return open_ledger(self.path, memory=self.folder / memory, create=create)

    def append(self, *numbers: int, key: SigningKey | None = None) -> list[Entry]:
        ledger = self.open()
        return [ledger.append(record(number), key or self.key, AT) for number in numbers]

    def verify(self) -> Report:
        return verify(self.open(create=False))

    def forget(self) -> None:
        """Let this machine remember nothing of the ledger."""
        for file in (self.memory / "ledgers").iterdir():
            file.unlink()

    def git(self, *arguments: str, stdin: bytes = b"") -> str:
        return self.git_bytes(*arguments, stdin=stdin).decode().strip()

    def git_bytes(self, *arguments: str, stdin: bytes = b"") -> bytes:
        command = ["git", "-C", str(self.path), *arguments]
        return subprocess.run(command, input=stdin, check=True, capture_output=True, env=git_environment()).stdout

    def fsck(self) -> str:
        """Return what ``git fsck --strict`` finds, apart from what unfinished appends left."""
        command = ["git", "-C", str(self.path), "fsck", "--strict", "--no-dangling", "--no-progress"]
        run = subprocess.run(command, check=True, capture_output=True, text=True, env=git_environment())
        lines = (run.stdout + run.stderr).splitlines()
        return "\n".join(line for line in lines if "fsyncObjectFiles is deprecated" not in line)


def git_environment() -> dict[str, str]:
    return os.environ | {"GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_NOSYSTEM": "1"}


def appending(folder: Path, name: str, count: int) -> "subprocess.Popen[str]":
    """Start a process that appends ``count`` records of its own and prints each id once it is acknowledged."""
    command = [sys.executable, __file__, str(folder), name, str(count)]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)


def main(folder: str, name: str, count: str) -> None:
    world = World(Path(folder))
    ledger = world.open()
    for number in range(int(count)):
        entry = ledger.append(record(number, environment=f"env-{name}"), world.key, AT)
        print(entry.id, flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
