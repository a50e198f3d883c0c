"""Ledgers with many decisions, to be replayed by more than one process."""

import json
from datetime import UTC, datetime, timedelta

from cli_world import DENIED, Done, World

from gatecheck.engine.load import program_for
from gatecheck.gate import decide
from gatecheck.ledger.ledger import Ledger, open_ledger
from gatecheck.ledger.record import Record
from gatecheck.model.canonical import canonical
from gatecheck.model.instant import write_instant
from gatecheck.model.schema import decode_request
from gatecheck.trust.key import load_or_make_key

COUNT = 30
AT = datetime(2026, 11, 26, tzinfo=UTC)
SAME = Done(0, f"replayed {COUNT} decisions: all the same bytes\n", "")


def fill(world: World, count: int) -> None:
    """Enter decisions of two writers: one example's request at many instants."""
    options = ("--ledger", str(world.root / "first"), "--exit-zero")
    assert world.example("deny").evaluate(*DENIED, *options).code == 0
    first = open_ledger(world.root / "first", memory=world.root / "seen")
    (entry,) = first.entries()
    data, files = json.loads(first.request(entry)), first.pack(entry)
    program = program_for(files)
    ledger = open_of(world, create=True)
    keys = [load_or_make_key(world.root / name)[0] for name in ("one", "two")]
    made: list[list[Record]] = [[], []]
    for number in range(count):
        at = datetime(2026, 11, 25, 9, tzinfo=UTC) + timedelta(minutes=number)
        outcome = decide(program, decode_request(canonical({**data, "as_of": write_instant(at)})))
        made[number % 2].append(Record(("X",), outcome.statement, outcome.request, files, program.digest))
    for key, records in zip(keys, made, strict=True):
        ledger.append_batch(records, key, AT)


def open_of(world: World, *, create: bool = False) -> Ledger:
    return open_ledger(world.root / "ledger", memory=world.root / "state" / "gatecheck", create=create)


def filled_world(world: World, count: int = COUNT) -> World:
    """Return a world of which the example is set to a ledger with decisions."""
    fill(world, count)
    world.example("allow")
    world.write("gatecheck.yaml", f"ledger: {world.root / 'ledger'}\n")
    return world
