"""Time the replay of recorded decisions: what each costs to read and to repeat, and what a second process brings.

Asked are at least 5,000 decisions a second on one core, once they are read. The decisions are those of the payment
service's examples, of all verdicts, each with a change and an instant of its own. Last it works out what 100 million
such decisions take, as docs/scale.md tells. Run, on a machine that does nothing else:
``python benchmarks/replay.py [DECISIONS] [ROUNDS]``.
"""

import gc
import json
import os
import statistics
import sys
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import cycle, islice
from pathlib import Path
from subprocess import DEVNULL, run
from time import perf_counter, process_time

from cold import GATECHECK, ROOT, clean_environment

from gatecheck.engine.load import program_for
from gatecheck.gate import decide
from gatecheck.lang.pack import read_folder
from gatecheck.ledger.ledger import Ledger, open_ledger
from gatecheck.ledger.record import Record
from gatecheck.ledger.verify import verify
from gatecheck.model.canonical import canonical
from gatecheck.model.instant import write_instant
from gatecheck.model.schema import decode_request
from gatecheck.replay.bulk import decisions, replay
from gatecheck.replay.repeat import Replayer
from gatecheck.trust.key import load_or_make_key

PACK = ROOT / "rules" / "payment-service"
ASKED = 5000
MANY = 100_000_000
BATCH = 500
EXAMPLES = (
    ("allow", "dev", "2026-11-24T09:05:00+01:00"),
    ("allow", "staging", "2026-11-24T10:30:00+01:00"),
    ("allow", "production", "2026-11-25T11:00:00+01:00"),
    ("deny", "production", "2026-11-25T12:00:00+01:00"),
    ("pending", "production", "2026-11-25T17:30:00+01:00"),
)


def examples(place: Path) -> list[bytes]:
    """Return the requests of the examples, as the command records them."""
    path = place / "examples"
    for name, environment, at in EXAMPLES:
        options = ["-e", environment, "--as-of", at, "--ledger", str(path), "--exit-zero"]
        command = [sys.executable, "-c", GATECHECK, "evaluate", *options]
        run(command, cwd=PACK / "examples" / name, env=clean_environment(place), stdout=DEVNULL, check=True)
    ledger = open_ledger(path, memory=place / "seen")
    return [ledger.request(entry) for entry in ledger.entries(oldest_first=True)]


def varied(requests: list[bytes], count: int) -> Iterator[bytes]:
    """Yield so many requests, each with an instant and a change of its own."""
    for number, raw in enumerate(islice(cycle(requests), count)):
        data = json.loads(raw)
        at = datetime.fromisoformat(data["as_of"]) + timedelta(milliseconds=number)
        data["as_of"] = write_instant(at)
        data["change"]["id"] = f"PR-{number}"
        yield canonical(data)


def write_ledger(place: Path, count: int) -> Ledger:
    """Return a ledger of so many decisions, packed as one that is maintained."""
    files = read_folder(PACK)
    program = program_for(files)
    ledger = open_ledger(place / "ledger", memory=place / "state", create=True)
    key = load_or_make_key(place / "key")[0]
    made: list[Record] = []
    for number, raw in enumerate(varied(examples(place), count), 1):
        request = decode_request(raw)
        outcome = decide(program, request)
        decision, service = outcome.decision, request.change.service
        words = (decision.verdict.upper(), service, decision.environment, decision.risk)
        trailers = {"Gatecheck-Service": service}
        made.append(Record(words, outcome.statement, outcome.request, files, program.digest, trailers))
        if len(made) == BATCH or number == count:
            ledger.append_batch(made, key, datetime(2026, 11, 26, tzinfo=UTC))
            made.clear()
    run(["git", "-C", ledger.name, "repack", "-adq"], check=True)
    run(["git", "-C", ledger.name, "prune-packed", "-q"], check=True)
    return open_ledger(place / "ledger", memory=place / "state")


class Costs:
    """Microseconds of one core for each decision, and bytes on disk."""

    def __init__(self, ledger: Ledger, count: int, rounds: int) -> None:
        walks, reads, repeats, checks = [], [], [], []
        for _ in range(rounds):
            start = process_time()
            found = list(decisions(ledger))
            walks.append((process_time() - start) / count * 1e6)
            replayer = Replayer(ledger)
            start = process_time()
            recorded = [replayer.read(next(ledger.history(*place))) for place in found]
            reads.append((process_time() - start) / count * 1e6)
            start = process_time()
            same = sum(not replayer.redo(each).differences for each in recorded)
            repeats.append((process_time() - start) / count * 1e6)
            if same != count:
                raise SystemExit(f"{count - same} decisions differ")
            start = process_time()
            if verify(ledger).problems:
                raise SystemExit("the ledger is broken")
            checks.append((process_time() - start) / count * 1e6)
        self.walk, self.read, self.repeat, self.verify = map(statistics.median, (walks, reads, repeats, checks))
        sizes = [path.stat().st_size for path in (Path(ledger.name) / "objects").rglob("*") if path.is_file()]
        self.bytes = sum(sizes) / count


def seconds(ledger: Ledger, jobs: int, rounds: int) -> float:
    """Return how long a replay in so many processes takes, with their start."""
    times = []
    for _ in range(rounds):
        start = perf_counter()
        found = list(replay(ledger, list(decisions(ledger)), jobs))
        times.append(perf_counter() - start)
        if any(each.differences for each in found):
            raise SystemExit("decisions differ")
    return statistics.median(times)


def main(count: int = 5000, rounds: int = 3) -> int:
    gc.set_threshold(100_000)  # as the command has it
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        os.environ["XDG_CACHE_HOME"] = str(place / "cache")
        ledger = write_ledger(place, count)
        cost = Costs(ledger, count, rounds)
        print(f"{count:,} decisions, medians of {rounds} rounds; microseconds of one core for each")
        print(f"  find it in the history {cost.walk:9.1f}")
        print(f"  read it                {cost.read:9.1f}")
        print(f"  repeat it and compare  {cost.repeat:9.1f}   {1e6 / cost.repeat:,.0f} a second; asked: {ASKED:,}")
        print(f"  verify it              {cost.verify:9.1f}")
        print(f"  bytes on disk          {cost.bytes:9.0f}")
        one, two = seconds(ledger, 1, rounds), seconds(ledger, 2, rounds)
        print(f"replay, one process: {one:.2f} s; two, with their start: {two:.2f} s, {one / two:.2f}x")
        print(f"{MANY:,} such decisions, on one core")
        whole = (cost.walk + cost.read + cost.repeat) * MANY / 1e6 / 3600
        checked = cost.verify * MANY / 1e6 / 3600
        print(f"  storage {cost.bytes * MANY / 1e9:,.0f} GB   verify {checked:,.1f} h   replay {whole:,.1f} h")
    return 0


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:])))
