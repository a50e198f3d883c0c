"""Decide a recorded request again by the recorded rules: the same bytes, or the fields that differ.

The versions that decided stand in the record. A replay by other versions must still come to the same decision, so
they alone are left out of the comparison.
"""

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

from gatecheck.engine.load import program_for
from gatecheck.engine.program import Program
from gatecheck.gate import decide
from gatecheck.lang.pack import digests, pack_digest
from gatecheck.model.canonical import canonical
from gatecheck.model.document import decode_text, parse_json
from gatecheck.model.record import check_statement
from gatecheck.model.schema import decode_request
from gatecheck.text.diagnostic import ProblemError

if TYPE_CHECKING:
    from gatecheck.ledger.entry import Entry
    from gatecheck.ledger.ledger import Ledger

_MOST_SHOWN = 20


class Difference(NamedTuple):
    """A field that a replay decided otherwise; absent values are ``None``."""

    field: str
    recorded: Any
    replayed: Any


class Replay(NamedTuple):
    """What repeating one entry came to. ``engine`` is what decided it first."""

    entry: str
    seq: int
    verdict: str
    engine: dict[str, Any]
    differences: tuple[Difference, ...]


class Replayer:
    """Repeats entries of one ledger; packs that entries share are compiled once."""

    def __init__(self, ledger: "Ledger") -> None:
        self.ledger = ledger
        self._programs: dict[str, Program] = {}

    def repeat(self, entry: "Entry") -> Replay:
        """Return what repeating an entry came to. Raises ``LedgerError`` where its record can't be read."""
        recorded = self.ledger.statement(entry)
        name = f"statement of {entry.id[:12]}"
        try:
            statement = check_statement(parse_json(decode_text(recorded, name), name))
        except (ProblemError, ValueError) as error:
            other = Difference("statement", None, f"it is not a decision: {error}")
            return Replay(entry.id, entry.seq, entry.verdict, {}, (other,))
        predicate = statement["predicate"]
        try:
            request = decode_request(self.ledger.request(entry), f"request of {entry.id[:12]}")
            made = decide(self._program(entry), request).statement
        except ProblemError as error:
            differences: tuple[Difference, ...] = (Difference("decision", predicate["verdict"], str(error)),)
        else:
            differences = _compare(statement, recorded, made)
        return Replay(entry.id, entry.seq, predicate["verdict"], predicate["engine"], differences)

    def _program(self, entry: "Entry") -> Program:
        files = self.ledger.pack(entry)
        digest = pack_digest(digests(files))  # of what lies there, which may be another than the statement says
        if digest not in self._programs:
            self._programs[digest] = program_for(files, "pack/")
        return self._programs[digest]


def _compare(statement: dict[str, Any], recorded: bytes, made: bytes) -> tuple[Difference, ...]:
    if made == recorded:
        return ()
    again = json.loads(made)
    again["predicate"]["engine"] = statement["predicate"]["engine"]
    if canonical(again) == recorded:
        return ()
    found = tuple(d for d, _ in zip(_differences("", statement, again), range(_MOST_SHOWN), strict=False))
    return found or (Difference("bytes", "canonical JSON", "the same data in other bytes"),)


def _differences(path: str, one: Any, other: Any) -> Iterator[Difference]:
    if isinstance(one, dict) and isinstance(other, dict):
        for name in sorted({*one, *other}):
            yield from _differences(f"{path}.{name}" if path else name, one.get(name), other.get(name))
    elif isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        for index, (a, b) in enumerate(zip(one, other, strict=True)):
            yield from _differences(f"{path}[{index}]", a, b)
    elif one != other or type(one) is not type(other):
        yield Difference(path, one, other)
