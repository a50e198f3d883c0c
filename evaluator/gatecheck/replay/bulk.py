"""Repeat many decisions in several processes, and say the same as one process would.

Decisions are cut into parts, ranges of their order; a part names each by its writer and commit, so that whoever opens
the same ledger, or a copy, can repeat it. What comes back is put in order again and handed on as soon as that is
possible, so that neither the number of processes nor where the cuts fall shows in it. A part whose process dies is
given to another; if that dies over it too, it is reported, not tried for ever.
"""

import gc
import signal
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import suppress
from itertools import islice
from multiprocessing import get_context, resource_tracker
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from gatecheck.ledger.ledger import Ledger, open_ledger
from gatecheck.replay.repeat import Replay, Replayer
from gatecheck.text.diagnostic import Diagnostic, LedgerError, ledger_error

if TYPE_CHECKING:
    from multiprocessing.context import SpawnProcess

PART = 200
TRIES = 2


class Place(NamedTuple):
    """Where a decision is recorded: whose it is, and git's id of its commit."""

    writer: str
    commit: str


Part = tuple[Place, ...]


class Made(NamedTuple):
    """What the decisions of a part came to, up to the first that can't be read, and what is wrong with that one."""

    replays: tuple[Replay, ...]
    broken: tuple[Diagnostic, ...] = ()


def decisions(ledger: Ledger, span: str = "") -> list[Place]:
    """Return where decisions are recorded, oldest first; ``span`` is a range or one entry's name, empty for all."""
    found = ledger.entries(span) if ".." in span or not span else iter([ledger.find(span)])
    places = [Place(entry.writer, entry.commit) for entry in found if entry.kind == "decision"]
    places.reverse()
    return places


def cut(places: Sequence[Place], size: int = PART) -> Iterator[Part]:
    """Yield decisions in parts of a size, in order."""
    rest = iter(places)
    while part := tuple(islice(rest, size)):
        yield part


def repeat_part(replayer: Replayer, part: Part) -> Made:
    """Return what the decisions of a part came to."""
    made = []
    for writer, commit in part:
        try:
            made.append(replayer.repeat(next(replayer.ledger.history(writer, commit))))
        except LedgerError as error:
            return Made(tuple(made), error.diagnostics)
    return Made(tuple(made))


def unpacked(made: Made) -> Iterator[Replay]:
    """Yield what the decisions of a part came to; ``LedgerError`` where one of them can't be read."""
    yield from made.replays
    if made.broken:
        raise LedgerError(*made.broken)


def replay(ledger: Ledger, places: Sequence[Place], jobs: int = 1, size: int = PART) -> Iterator[Replay]:
    """Yield what decisions come to, in their order, repeated in so many processes; one is this process itself.

    Raises ``LedgerError`` GC713 where one can't be read, after what comes before it, and GC780 where two processes
    died over the same part.
    """
    parts = list(cut(places, size))
    jobs = min(jobs, len(parts))
    if jobs <= 1:
        replayer = Replayer(ledger)
        for part in parts:
            yield from unpacked(repeat_part(replayer, part))
        return
    crew = _Crew(ledger, parts, jobs)
    try:
        for made in crew.results():
            yield from unpacked(made)
    finally:
        crew.end()


class _Crew:
    """Processes that repeat parts, each one part at a time."""

    def __init__(self, ledger: Ledger, parts: list[Part], jobs: int) -> None:
        self._ledger, self._parts, self._jobs = ledger, parts, jobs
        self._waiting = deque(range(len(parts)))
        self._tries = [0] * len(parts)
        self._busy: dict[Connection, tuple[SpawnProcess, int]] = {}
        self._free: list[SpawnProcess] = []
        self._done: dict[int, Made] = {}

    def results(self) -> Iterator[Made]:
        """Yield what the parts came to, in order."""
        for _ in range(self._jobs):
            self._start()
        for number in range(len(self._parts)):
            while number not in self._done:
                ready: Any = wait(list(self._busy))
                for line in ready:
                    self._take(line)
            yield self._done.pop(number)

    def _start(self) -> None:
        """Start a process and give it a part."""
        spawn = get_context("spawn")
        ours, theirs = spawn.Pipe()
        memory = self._ledger.memory.file.parents[1]
        process = spawn.Process(target=_work, args=(theirs, self._ledger.store.path, memory), daemon=True)
        resource_tracker.ensure_running()  # which else the first process starts, and so lets interrupts through
        # An interrupt means the process that leads; it comes when the new one is known, and never to that one.
        before = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
        try:
            process.start()
            theirs.close()
            self._give(process, ours)
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)

    def _give(self, process: "SpawnProcess", line: Connection) -> None:
        """Give a process the next part, or let it end where none is left."""
        if not self._waiting:
            line.close()
            self._free.append(process)
            return
        number = self._waiting.popleft()
        self._tries[number] += 1
        self._busy[line] = process, number
        with suppress(OSError):  # it died before, which reading from it says
            line.send(self._parts[number])

    def _take(self, line: Connection) -> None:
        """Take what a process has made of its part; where it died, give the part to a new one."""
        process, number = self._busy.pop(line)
        try:
            made = line.recv()
        except (EOFError, OSError):
            line.close()
            process.join()
            if self._tries[number] >= TRIES:
                raise lost(self._ledger.name, self._parts[number]) from None
            self._waiting.appendleft(number)
            self._start()
            return
        self._give(process, line)
        if isinstance(made, Exception):
            raise made
        self._done[number] = made

    def end(self) -> None:
        """End all processes that are left."""
        for line, (process, _) in self._busy.items():
            process.kill()  # it only reads, and may be stopped
            line.close()
            self._free.append(process)
        for process in self._free:
            process.join()


def lost(name: str, part: Part) -> LedgerError:
    """Return the error for a part that no process came back from."""
    first, last = part[0].commit[:12], part[-1].commit[:12]
    message = f"one process after another died that repeated {len(part):,} decisions, of commits {first} to {last}"
    hint = "were they killed, or out of memory? `gatecheck replay ID` repeats one of these decisions alone"
    return ledger_error("GC780", message, file=name, hint=hint)


def _work(line: Connection, path: Path, memory: Path) -> None:
    """Repeat parts as they come, until there are no more."""
    gc.set_threshold(100_000)  # as the command itself has it
    replayer: Replayer | None = None
    while True:
        try:
            part = line.recv()
        except (EOFError, OSError):
            return
        try:
            replayer = replayer or Replayer(open_ledger(path, memory=memory))
            made: Made | Exception = repeat_part(replayer, part)
        except LedgerError as error:
            made = Made((), error.diagnostics)
        except Exception as error:  # noqa: BLE001  # it is raised where the command can answer for it
            made = RuntimeError(f"{type(error).__name__}: {error}")
        with suppress(OSError):  # nobody waits for it any more, which the next reading says
            line.send(made)
