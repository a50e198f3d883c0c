"""Decide a recorded request again by the recorded rules: the same bytes, or the fields that differ.

The versions that decided stand in the record. A replay by other versions must still come to the same decision, so
they alone are left out of the comparison.

Nearly all come out the same, so this is tried first and shortest: where the recorded request is canonical and the
statement that it leads to has the recorded bytes, all else that deciding anew would check is said by these bytes. What
differs in anything is decided once more by ``gate.decide``, which ``evaluate`` goes through, and compared by field.
"""

import json
import re
from collections.abc import Iterator
from decimal import Decimal
from typing import TYPE_CHECKING, Any, NamedTuple

from msgspec import json as fast_json

from gatecheck.engine.load import program_for
from gatecheck.engine.program import Program, evaluate
from gatecheck.engine.record import unchecked_statement
from gatecheck.gate import decide
from gatecheck.ledger.record import PACK, REQUEST, STATEMENT
from gatecheck.ledger.store import ObjectError
from gatecheck.model.canonical import canonical, digest
from gatecheck.model.document import decode_text, parse_json
from gatecheck.model.record import check_statement
from gatecheck.model.schema import decode_request, read
from gatecheck.text.diagnostic import ProblemError

if TYPE_CHECKING:
    from gatecheck.ledger.entry import Entry
    from gatecheck.ledger.ledger import Ledger

_MOST_SHOWN = 20
_DECODER = fast_json.Decoder(float_hook=Decimal)  # which is written as text again, so that no fraction is canonical
_ENCODER = fast_json.Encoder(order="deterministic")
_ENGINE = re.compile(rb'"engine":(\{"gatecheck":"[^"\\]*","language":\d+,"tzdata":"[^"\\]*"\})')


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


class Recorded(NamedTuple):
    """An entry with its statement and request as bytes, and git's id of its pack: empty where these can't be read."""

    entry: "Entry"
    statement: bytes
    request: bytes
    pack: str


class Replayer:
    """Repeats entries of one ledger; a pack that entries share is read and compiled once."""

    def __init__(self, ledger: "Ledger") -> None:
        self.ledger = ledger
        self._programs: dict[str, Program] = {}

    def repeat(self, entry: "Entry") -> Replay:
        """Return what repeating an entry came to. Raises ``LedgerError`` GC713 where its statement can't be read."""
        return self.redo(self.read(entry))

    def read(self, entry: "Entry") -> Recorded:
        """Return what an entry holds. Raises ``LedgerError`` GC713 where its statement is not what was entered."""
        store = self.ledger.store
        try:
            names = store.tree(entry.tree)
            made = Recorded(entry, store.blob(names[STATEMENT].id), store.blob(names[REQUEST].id), names[PACK].id)
        except (ObjectError, KeyError):
            return Recorded(entry, self.ledger.statement(entry), b"", "")
        if digest(made.statement) != entry.statement:
            return made._replace(statement=self.ledger.statement(entry))  # which says what is wrong with it
        return made

    def redo(self, recorded: Recorded) -> Replay:
        """Return what repeating a decision that was read came to."""
        entry = recorded.entry
        try:
            program = self._program(recorded)
            verdict, made = _shortly(program, recorded.request)
            engine = _same(recorded.statement, made)
            if engine is not None:
                return Replay(entry.id, entry.seq, verdict, engine, ())
            raw = recorded.request or self.ledger.request(entry)
            return _other(recorded, decide(program, decode_request(raw, f"request of {entry.id[:12]}")).statement)
        except ProblemError as error:
            return _other(recorded, str(error))

    def _program(self, recorded: Recorded) -> Program:
        # By what lies there, which may be another pack than the statement says.
        program = self._programs.get(recorded.pack)
        if program is None:
            program = program_for(self.ledger.pack(recorded.entry), "pack/")
            if recorded.pack:
                self._programs[recorded.pack] = program
        return program


def _shortly(program: Program, raw: bytes) -> tuple[str, bytes]:
    """Return verdict and statement of a request in canonical bytes; nothing where these are anything else."""
    try:
        data = _DECODER.decode(raw)
        if _ENCODER.encode(data) != raw:
            return "", b""
        request = read(data, "request")
    except (ValueError, RecursionError):
        return "", b""
    decision = evaluate(program, request)
    return decision.verdict, _ENCODER.encode(unchecked_statement(program, request, decision, digest(raw)))


def _same(recorded: bytes, made: bytes) -> dict[str, Any] | None:
    """Return what decided first, if both statements are the same bytes but for that."""
    first, again = _ENGINE.findall(recorded), _ENGINE.findall(made)
    if len(first) != 1 or len(again) != 1 or made.replace(again[0], first[0]) != recorded:
        return None
    engine: dict[str, Any] = json.loads(first[0])
    return engine


def _other(recorded: Recorded, made: bytes | str) -> Replay:
    """Return in which fields a decision came out otherwise: as ``made``, or not at all, for a reason."""
    entry = recorded.entry
    name = f"statement of {entry.id[:12]}"
    try:
        statement = check_statement(parse_json(decode_text(recorded.statement, name), name))
    except (ProblemError, ValueError) as error:
        other = Difference("statement", None, f"it is not a decision: {error}")
        return Replay(entry.id, entry.seq, entry.verdict, {}, (other,))
    predicate = statement["predicate"]
    if isinstance(made, str):
        differences: tuple[Difference, ...] = (Difference("decision", predicate["verdict"], made),)
    else:
        differences = _compare(statement, recorded.statement, made)
    return Replay(entry.id, entry.seq, predicate["verdict"], predicate["engine"], differences)


def _compare(statement: dict[str, Any], recorded: bytes, made: bytes) -> tuple[Difference, ...]:
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
