"""Repeat many decisions on a cluster of dask.distributed: each worker opens a copy of the ledger that it can reach.

Parts are the tasks. The scheduler gives the parts of a worker that is lost to others; here no more is done than to keep
them coming, and to put what comes back in order.
"""

import os
from collections import deque
from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import islice
from pathlib import Path
from threading import get_ident
from typing import Any

from gatecheck.ledger.ledger import Ledger, open_ledger
from gatecheck.ledger.memory import state_folder
from gatecheck.replay.bulk import PART, Made, Part, Place, cut, lost, repeat_part, unpacked
from gatecheck.replay.repeat import Replay, Replayer
from gatecheck.text.diagnostic import LedgerError, input_error, ledger_error

_PATIENCE_SECONDS = 30
_AHEAD = 4  # parts that wait for each core, so that none is idle while results travel


def replay(ledger: Ledger, places: Sequence[Place], address: str, copy: str, size: int = PART) -> Iterator[Replay]:
    """Yield what decisions come to, in their order, repeated by the workers of the scheduler at ``address``.

    ``copy`` is where workers find the ledger. Raises ``LedgerError``: GC713 as ``bulk.replay`` does, GC780 (the workers
    died over a part), GC781 (no scheduler or no worker), GC782 (a worker can't do it); ``InputError`` GC783 where
    distributed is not installed.
    """
    client = _connect(address)
    try:
        futures: deque[tuple[Any, Part]] = deque()
        rest = cut(places, size)
        while True:
            wanted = max(1, sum(client.ncores().values())) * _AHEAD - len(futures)
            for part in islice(rest, max(0, wanted)):
                futures.append((client.submit(repeat_in, copy, part, pure=False), part))
            if not futures:
                return
            future, part = futures.popleft()
            yield from unpacked(_result(future, part, ledger.name, address))
    finally:
        client.close()


def repeat_in(copy: str, part: Part) -> Made:
    """Return what the decisions of a part come to in a copy of their ledger; a worker runs this."""
    try:
        return repeat_part(_replayer(copy, get_ident()), part)
    except LedgerError as error:
        return Made((), error.diagnostics)


@lru_cache(64)
def _replayer(copy: str, _thread: int) -> Replayer:
    """Return the replayer of one thread: an open repository is not for two."""
    return Replayer(open_ledger(Path(copy), memory=state_folder(os.environ)))


def _connect(address: str) -> Any:
    try:
        from distributed import Client
    except ImportError:
        hint = "`pip install 'gatecheck[dask]'`, here and on the workers; or leave `--engine` out"
        raise input_error("GC783", "`--engine dask` needs the package `distributed`", hint=hint) from None
    try:
        connect: Any = Client
        client = connect(address, timeout=_PATIENCE_SECONDS, set_as_default=False)
        client.wait_for_workers(1, timeout=_PATIENCE_SECONDS)
    except (OSError, TimeoutError, ValueError) as error:
        message = f"no scheduler with workers answers at `{address}`: {type(error).__name__}"
        hint = "name it as `tcp://HOST:PORT`, as `dask scheduler` prints it, and start workers"
        raise ledger_error("GC781", message, hint=hint) from None
    return client


def _result(future: Any, part: Part, name: str, address: str) -> Made:
    from asyncio import CancelledError

    from distributed import KilledWorker

    try:
        made: Made = future.result()
    except KilledWorker:
        raise lost(name, part) from None
    except (CancelledError, OSError, TimeoutError) as error:
        message = f"the scheduler at `{address}` was lost: {type(error).__name__}"
        raise ledger_error("GC781", message, file=name, hint="nothing is recorded by a replay: run it again") from None
    except Exception as error:  # noqa: BLE001  # whatever a worker of another machine lacks
        message = f"a worker can't repeat decisions: {type(error).__name__}: {error}"
        hint = "workers need the same gatecheck, and read access to the ledger"
        raise ledger_error("GC782", message, file=name, hint=hint) from None
    return made
