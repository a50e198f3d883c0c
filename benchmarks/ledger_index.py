"""Time the index of a ledger: how fast it is built, kept up, and answers.

Asked is that it is built at 4,000 entries a second or better, and that ``gatecheck ledger log --service S --since D``
on 100,000 entries takes, the whole process with the index warm, at most 1.5 times ``gatecheck --version``.
Run: ``python benchmarks/ledger_index.py [ENTRIES] [ROUNDS] [FOLDER]``. The ledger is written straight into a git pack,
as one that is maintained would lie there; its decisions are the payment service's example with other changes, services
and days. An index reads no signatures, so these are all one and the same, of no key.
"""

import gc
import json
import os
import sys
import tempfile
import zlib
from base64 import b64encode
from collections.abc import Iterator
from datetime import UTC, datetime
from hashlib import sha1, sha256
from pathlib import Path
from random import Random
from subprocess import DEVNULL, run
from time import perf_counter, process_time
from typing import Any

from cold import GATECHECK, ROOT, clean_environment, compare

SERVICES = 40
START = 1_767_225_600  # 2026-01-01
WRITER = "0123456789abcdef"
EXAMPLE = ROOT / "rules" / "payment-service" / "examples" / "deny"
ARMOUR = "-----BEGIN SSH SIGNATURE-----\n " + "\n ".join(["U" * 70] * 4) + "\n -----END SSH SIGNATURE-----"
COMMIT, TREE, BLOB = 1, 2, 3


class Pack:
    """A git pack that is being written: no deltas, each object once."""

    def __init__(self, path: Path, count: int) -> None:
        self._file, self._sum = path.open("wb"), sha1()
        self._put(b"PACK" + (2).to_bytes(4, "big") + count.to_bytes(4, "big"))

    def _put(self, data: bytes) -> None:
        self._file.write(data)
        self._sum.update(data)

    def add(self, kind: int, data: bytes) -> bytes:
        """Write an object and return its id."""
        size, head = len(data), bytearray()
        byte, size = kind << 4 | size & 15, size >> 4
        while size:
            head.append(byte | 128)
            byte, size = size & 127, size >> 7
        self._put(bytes([*head, byte]) + zlib.compress(data, 1))
        return oid(kind, data)

    def close(self) -> None:
        """Finish the pack."""
        self._file.write(self._sum.digest())
        self._file.close()


def oid(kind: int, data: bytes) -> bytes:
    """Return git's id of an object."""
    name = {COMMIT: b"commit", TREE: b"tree", BLOB: b"blob"}[kind]
    return sha1(b"%b %d\0" % (name, len(data)) + data).digest()


def tree(files: dict[str, tuple[str, bytes]]) -> bytes:
    """Return a git tree of names with modes and ids, in git's order."""
    return b"".join(f"{mode} {name}\0".encode() + target for name, (mode, target) in sorted(files.items()))


def example(place: Path) -> dict[str, Any]:
    """Return the statement of the example's decision."""
    arguments = ["evaluate", "-e", "production", "--as-of", "2026-11-25T11:00:00Z", "--no-ledger", "--format", "json"]
    command = [sys.executable, "-c", GATECHECK, *arguments]
    done = run(command, cwd=EXAMPLE, env=clean_environment(place), capture_output=True, check=False)
    made: dict[str, Any] = json.loads(done.stdout)
    return made


def decisions(count: int, place: Path) -> Iterator[tuple[int, dict[str, str], bytes]]:
    """Yield instant, trailers and statement of decisions over a year."""
    random, statement = Random(4), example(place)
    predicate, (subject,) = statement["predicate"], statement["subject"]
    for number in range(1, count + 1):
        service = f"service-{random.randrange(SERVICES)}"
        verdict = random.choice(("allow", "allow", "pending", "deny"))
        value = sha256(f"{number // 3}".encode()).hexdigest()
        subject["name"], subject["digest"] = service, {"sha256": value}
        predicate["verdict"] = verdict
        predicate["change"] |= {"author": f"person-{random.randrange(300)}", "id": f"PR-{number}", "service": service}
        raw = json.dumps(statement, sort_keys=True, separators=(",", ":")).encode()
        trailers = {
            "Gatecheck-Kind": "decision", "Gatecheck-Artifact": f"sha256:{value}",
            "Gatecheck-Environment": "production", "Gatecheck-Verdict": verdict,
            "Gatecheck-Pack": predicate["pack"]["digest"], "Gatecheck-Service": service,
        }  # fmt: skip
        yield START + number * 300, trailers, raw


def commit(files: bytes, parent: str, at: int, subject: str, trailers: dict[str, str]) -> bytes:
    """Return a commit as the ledger writes them."""
    who = f"gatecheck <{WRITER}> {at} +0000"
    lines = [f"tree {files.hex()}", *([f"parent {parent}"] if parent else []), f"author {who}", f"committer {who}"]
    block = "".join(f"{name}: {value}\n" for name, value in trailers.items())
    return ("\n".join(lines) + f"\ngpgsig {ARMOUR}\n\n{subject}\n\n{block}").encode()


def write_ledger(path: Path, count: int, *, begin: int = 0) -> None:
    """Write a ledger of so many decisions, in one pack; one that was written with ``begin`` of them grows to it."""
    from gatecheck.ledger.entry import CHAIN_START, chained, identity

    settings = {"gatecheck.ledger": "1", "core.bare": "true"}
    run(["git", "init", "-q", "--bare", str(path)], check=True)
    git = ["git", "-C", str(path)]
    for name, value in settings.items():
        run([*git, "config", name, value], check=True)
    trust = b"nobody\n"
    draft = path / "draft.pack"
    pack = Pack(draft, 3 + 3 + (count - begin) * 3)
    rules, request = pack.add(BLOB, b"# no rules\n"), pack.add(BLOB, b"{}")
    folder = pack.add(TREE, tree({"payment.gate": ("100644", rules)}))
    first = pack.add(TREE, tree({"trust": ("100644", pack.add(BLOB, trust))}))
    name = "sha256:" + sha256(trust).hexdigest()
    chain = chained(CHAIN_START, name)
    head = {"Gatecheck-Kind": "genesis", **identity(0, name, chain)}
    raw = commit(first, "", START, "BEGIN", head)
    parent = pack.add(COMMIT, raw).hex()
    signature = {"Gatecheck-Sig": f"SHA256:{'k' * 43} {b64encode(bytes(64)).decode()}"}
    for seq, (at, trailers, statement) in enumerate(decisions(count, path.parent), 1):
        files = {
            "statement.json": ("100644", oid(BLOB, statement)), "request.json": ("100644", request),
            "pack": ("40000", folder),
        }  # fmt: skip
        name = "sha256:" + sha256(statement).hexdigest()
        chain = chained(chain, name)
        subject = f"{trailers['Gatecheck-Verdict'].upper()} {trailers['Gatecheck-Service']} production medium"
        whole = {**trailers, **identity(seq, name, chain), **signature}
        raw = commit(oid(TREE, tree(files)), parent, at, subject, whole)
        parent = oid(COMMIT, raw).hex()
        if seq > begin:
            pack.add(BLOB, statement)
            pack.add(TREE, tree(files))
            pack.add(COMMIT, raw)
    pack.close()
    target = path / "objects" / "pack" / f"pack-{parent}.pack"
    run([*git, "index-pack", "-o", str(target.with_suffix(".idx")), str(draft)], check=True, stdout=DEVNULL)
    draft.rename(target)
    run([*git, "update-ref", f"refs/heads/ledger/{WRITER}", parent], check=True)


def indexed(path: Path) -> tuple[int, float, float]:
    """Bring the index of a ledger up to date; return its entries, and seconds by the clock and of the processor."""
    from gatecheck.ledger.index import Index, answer
    from gatecheck.ledger.ledger import open_ledger

    def count(index: Index) -> int:
        return int(index.connection.execute("SELECT count(*) FROM entries").fetchone()[0])

    clock, processor = perf_counter(), process_time()
    found = answer(
        str(path), lambda: open_ledger(path, memory=path.parent / "state"), count, lambda done, total: None
    )  # fmt: skip
    return found, perf_counter() - clock, process_time() - processor


def main() -> int:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 20_000
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 20
    with tempfile.TemporaryDirectory() as scratch:
        place = Path(sys.argv[3] if len(sys.argv) > 3 else scratch).resolve()
        os.environ["GATECHECK_CACHE"] = str(place / "cache")
        gc.set_threshold(100_000)  # as the command has it
        path, more = place / "ledger", 200
        if not path.exists():
            write_ledger(path, count)
        for file in (place / "cache").glob("ledger-*"):
            file.unlink()
        entries, clock, processor = indexed(path)
        size = sum(file.stat().st_size for file in (place / "cache").glob("ledger-*"))
        rate = entries / clock
        print(
            f"built: {entries:,} entries in {clock:.1f} s, {processor:.1f} s of CPU: {rate:,.0f} a second; asked: 4,000"
        )
        print(f"       {size / entries:,.0f} bytes an entry")
        last = START + (count - 20 * 288) * 300
        log = ("ledger", "log", "--service", "service-7", "--since", day(last), "--ledger", str(path))
        say = "import sys; sys.argv[0] = 'gatecheck'; " + GATECHECK
        commands = {
            "gatecheck --version": lambda _: ("-c", say, "--version"),
            "ledger log": lambda _: ("-c", say, *log),
        }
        is_quick = compare(f"log of a service since 20 days, {entries:,} entries", commands, 1.5, rounds, place, place)
        write_ledger(path, count + more, begin=count)
        entries, clock, _ = indexed(path)
        print(f"kept up: {entries - count} more entries in {clock * 1000:.0f} ms")
    return 0 if is_quick and rate >= 4000 else 1


def day(seconds: int) -> str:
    """Return the day of an instant, in UTC."""
    return datetime.fromtimestamp(seconds, UTC).date().isoformat()


if __name__ == "__main__":
    sys.exit(main())
