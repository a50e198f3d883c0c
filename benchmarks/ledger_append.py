"""Time recording a decision (evaluate, sign, commit durably) against a bare durable pygit2 commit of the same objects.

The bare side writes, into a second repository of the same settings, the very bytes that the ledger has just written:
statement, request, tree and commit, and moves a ref; it neither decides, signs, locks nor reads anything. Both sides
take turns, so that the machine's mood falls on both. Checkpoints are part of ours, as they come. Then a hundred at
once, and, where asked, the same on a ledger that has grown (its growing is not measured; `git repack` packs it).

    python benchmarks/ledger_append.py                       # a minute
    python benchmarks/ledger_append.py --entries 100000      # and again after so many entries; takes several minutes
"""

import argparse
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pygit2

from gatecheck.engine.load import program_for
from gatecheck.engine.program import Program
from gatecheck.gate import decide, enter
from gatecheck.lang.pack import read_folder
from gatecheck.ledger.entry import Entry
from gatecheck.ledger.ledger import Ledger, open_ledger
from gatecheck.ledger.record import Record
from gatecheck.model.request import Artifact, Change, Directory, Request, TouchedFile
from gatecheck.trust.key import SigningKey, load_or_make_key

ROOT = Path(__file__).parent.parent
AT = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
WARM, ROUNDS, EACH, BATCH = 50, 9, 50, 100


class Bench:
    """A ledger, and beside it a bare repository of the same settings."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.files = read_folder(ROOT / "rules" / "payment-service")
        self.program: Program = program_for(self.files)
        self.key: SigningKey = load_or_make_key(folder / "key")[0]
        self.ledger: Ledger = open_ledger(folder / "ledger", memory=folder / "state", create=True)
        open_ledger(folder / "bare", memory=folder / "state", create=True)
        self.bare = pygit2.Repository(str(folder / "bare"))
        self.number = 0

    def request(self) -> Request:
        self.number += 1
        change = Change(
            id=f"CHG-{self.number}", service="payment-service", type="feature", author="frank", commit="a" * 40,
            artifact=Artifact("payment-service", "sha256:" + f"{self.number:064x}"),
            files=[TouchedFile("payments/charge.py", 3, 1)], attributes={"ticket": f"PAY-{self.number}"},
        )  # fmt: skip
        return Request(
            change=change, environment="dev", as_of=AT.isoformat(), evidence={}, approvals=[], directory=Directory(),
            deployments=[],
        )  # fmt: skip

    def one(self) -> Entry:
        """Decide and record, as `gatecheck evaluate` does; a hundred of these are recorded within a second."""
        request = self.request()
        at = AT + timedelta(seconds=self.number // 100)
        return enter(decide(self.program, request), request, self.files, self.program, self.ledger, self.key, at)

    def records(self, count: int) -> list[Record]:
        made = []
        for request in (self.request() for _ in range(count)):
            outcome = decide(self.program, request)
            words = (outcome.decision.verdict.upper(), "payment-service", "dev", "low")
            made.append(Record(words, outcome.statement, outcome.request, self.files, self.program.digest))
        return made

    def objects(self, entry: Entry) -> list[tuple[int, bytes]]:
        """Return the objects that one entry brought, in the order in which they were written."""
        store = self.ledger.store
        tree = store.tree(entry.tree)
        blobs = [(3, store.blob(tree[name].id)) for name in ("statement.json", "request.json")]
        raw = pygit2.Repository(str(store.path)).read(entry.tree)[1]
        return [*blobs, (2, raw), (1, store.commit(entry.commit))]

    def write_bare(self, entries: list[list[tuple[int, bytes]]]) -> None:
        for objects in entries:
            for kind, raw in objects:
                oid = self.bare.write(kind, raw)
            ref = self.bare.references.get("refs/heads/ledger/bare")
            if ref is None:
                self.bare.references.create("refs/heads/ledger/bare", oid)
            else:
                ref.set_target(oid)

    def copy_packs(self, entry: Entry) -> None:
        """Let the bare repository hold what the trees name besides: the pack, and the commit before."""
        source, target = str(self.folder / "ledger"), str(self.folder / "bare")
        subprocess.run(["git", "-C", target, "fetch", "-q", source, entry.commit], check=True, capture_output=True)

    def grow(self, entries: int) -> None:
        """Record until so many entries are there, without waiting for the disk, and pack them."""
        path = str(self.folder / "ledger")
        subprocess.run(["git", "-C", path, "config", "core.fsyncObjectFiles", "false"], check=True)
        while self.number < entries:
            ledger = open_ledger(self.folder / "ledger", memory=self.folder / "state")
            for _ in range(10):
                count = min(500, entries - self.number)
                if count > 0:
                    ledger.append_batch(self.records(count), self.key, AT + timedelta(seconds=self.number // 100))
            subprocess.run(["git", "-C", path, "repack", "-q", "-d"], check=True, capture_output=True)
        subprocess.run(["git", "-C", path, "repack", "-q", "-a", "-d"], check=True, capture_output=True)
        subprocess.run(["git", "-C", path, "config", "core.fsyncObjectFiles", "true"], check=True)
        self.ledger = open_ledger(self.folder / "ledger", memory=self.folder / "state")


def seconds(action: Callable[[], object]) -> float:
    start = time.perf_counter()
    action()
    return time.perf_counter() - start


def shown(label: str, times: list[float]) -> float:
    middle = statistics.median(times)
    print(f"  {label:<44}{middle * 1e3:>8.2f} ms each  (from {min(times) * 1e3:.2f} to {max(times) * 1e3:.2f})")
    return middle


def measure(bench: Bench) -> tuple[float, float]:
    """Print the figures at the ledger's size; return the median of recording one, in seconds and by the bare one."""
    print(f"at {bench.number:,} entries, {ROUNDS} rounds of {EACH}:")
    for _ in range(WARM):
        last = bench.one()
    bench.copy_packs(last)
    ours, bare, quotients = [], [], []
    for _ in range(ROUNDS):
        made: list[Entry] = []
        a = seconds(lambda made=made: made.extend(bench.one() for _ in range(EACH))) / EACH  # type: ignore[misc]
        objects = [bench.objects(entry) for entry in made]
        b = seconds(lambda objects=objects: bench.write_bare(objects)) / EACH  # type: ignore[misc]
        ours.append(a)
        bare.append(b)
        quotients.append(a / b)
    middle = shown("decide, sign, record", ours)
    shown("bare durable commit of the same objects", bare)
    print(f"  {statistics.median(quotients):.2f}x, round by round (from {min(quotients):.2f} to {max(quotients):.2f});"
          " asked: at most 1.5x")  # fmt: skip
    batches = []
    for _ in range(3):
        at = AT + timedelta(seconds=bench.number // 100)
        records = bench.records(BATCH)
        batches.append(seconds(lambda r=records, at=at: bench.ledger.append_batch(r, bench.key, at)) / BATCH)  # type: ignore[misc]
    batch = shown(f"each of a batch of {BATCH}, decided before", batches)
    print(f"  {middle / batch:.1f}x the single rate; asked: at least 5x")
    return middle, statistics.median(quotients)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--entries", type=int, default=0, help="measure again at this size")
    parser.add_argument("--folder", type=Path, help="where to put the ledger, on the disk that is meant")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        bench = Bench(Path(folder))
        bench.grow(1000)
        first = measure(bench)
        if options.entries > bench.number:
            bench.grow(options.entries)
            then = measure(bench)
            print(f"{then[0] / first[0]:.2f}x the time at 1,000 entries; asked: at most 1.3x")
            print(f"{then[1] / first[1]:.2f}x by the time of the bare commit, which the disk's mood does not change")


if __name__ == "__main__":
    main()
