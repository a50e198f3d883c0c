"""Read what is new in a ledger into its index."""

import sqlite3
from collections.abc import Callable
from typing import Any

from gatecheck.ledger.entry import GENESIS, Entry
from gatecheck.ledger.ledger import Ledger
from gatecheck.ledger.record import STATEMENT
from gatecheck.ledger.rows import Rows, rows
from gatecheck.ledger.store import ObjectError, spare_memory
from gatecheck.ledger.views import INDEXES, VERSION, schema

_BATCH, _MANY = 500, 5000
_COLUMNS = {"entry": 20, "decision": 11, "finding": 6, "approval": 9, "person": 3}


def build(
    connection: sqlite3.Connection, ledger: Ledger, progress: Callable[[int, int], None], *, is_made: bool
) -> tuple[str, ...]:
    """Add what was entered since the last time; return the writers of which the index held what is no longer there.

    Runs inside a transaction of the caller's. Raises ``LedgerError`` GC713 where a commit can't be read.
    """
    if not is_made:
        _execute(connection, schema())
        connection.execute(f"PRAGMA user_version = {VERSION}")
    known = {writer: (oid, seq) for writer, oid, seq in connection.execute("SELECT writer, oid, seq FROM x_tip")}
    tips = ledger.writers()
    rewritten = [writer for writer in known if writer not in tips]
    for writer in rewritten:
        _drop(connection, writer)
    changed = {writer: tip for writer, tip in tips.items() if known.get(writer, ("", -1))[0] != tip}
    newest = {writer: next(ledger.history(writer, tip)) for writer, tip in changed.items()}
    total = sum(max(0, entry.seq - known.get(writer, ("", -1))[1]) for writer, entry in newest.items())
    if total > _MANY:
        spare_memory()
    reader = _Reader(connection, ledger, lambda done: progress(done, total))
    for writer, entry in newest.items():
        if not reader.extend(entry, known.get(writer, ("", -1))[0]):
            rewritten.append(writer)
    _execute(connection, INDEXES)
    return tuple(sorted(rewritten))


def _execute(connection: sqlite3.Connection, statements: str) -> None:
    for statement in statements.split(";"):  # `executescript` would commit
        connection.execute(statement)


def _drop(connection: sqlite3.Connection, writer: str, before: int = 2**62) -> None:
    """Forget what was indexed of a writer, up to a row."""
    old = "(SELECT n FROM x_entry WHERE writer = ? AND n < ?)"
    for table, key in (("decision", "n"), ("finding", "entry"), ("approval", "entry"), ("person", "entry")):
        connection.execute(f"DELETE FROM x_{table} WHERE {key} IN {old}", (writer, before))
    connection.execute("DELETE FROM x_entry WHERE writer = ? AND n < ?", (writer, before))
    connection.execute("DELETE FROM x_tip WHERE writer = ?", (writer,))


class _Reader:
    """Reads histories into rows, a batch of entries at a time."""

    def __init__(self, connection: sqlite3.Connection, ledger: Ledger, progress: Callable[[int], None]) -> None:
        self._connection, self._ledger, self._progress = connection, ledger, progress
        (last,) = connection.execute("SELECT coalesce(max(n), 0) FROM x_entry").fetchone()
        self._next: int = last + 1
        self._done = 0
        self._said: dict[tuple[Any, ...], int] = {}
        self._rows: dict[str, list[tuple[Any, ...]]] = {table: [] for table in _COLUMNS}

    def extend(self, newest: Entry, known: str) -> bool:
        """Index a writer's history from its newest entry back to a known commit.

        Where it does not lead there, it takes the place of what was indexed, and the answer is ``False``.
        """
        writer, first, place = newest.writer, self._next, 2**62
        leads_there = not known
        for entry in self._ledger.history(writer, newest.commit):
            if entry.commit == known:
                leads_there = True
                break
            # Writers are merged by time; one whose clock was set back keeps its own order.
            place = min(place, int(entry.at.timestamp()))
            if entry.kind != GENESIS:
                self._add(rows(entry, *self._statement(entry)), place)
        self._flush()
        if not leads_there:
            _drop(self._connection, writer, before=first)
        elif known:
            sql = "UPDATE x_entry SET place = ? WHERE writer = ? AND place > ? AND n < ?"
            self._connection.execute(sql, (place, writer, place, first))
        sql = "INSERT OR REPLACE INTO x_tip(writer, oid, seq) VALUES (?, ?, ?)"
        self._connection.execute(sql, (writer, newest.commit, newest.seq))
        return leads_there

    def _statement(self, entry: Entry) -> tuple[bytes | None, str]:
        try:
            raw = self._ledger.store.file(entry.tree, STATEMENT)
        except ObjectError as error:
            return None, f"its statement can't be read: {error}"
        return raw, "" if raw is not None else "its statement is missing"

    def _add(self, made: Rows, place: int) -> None:
        n, out = self._next, self._rows
        out["entry"].append((n, *made.entry, place))
        if made.decision is not None:
            out["decision"].append((n, *made.decision))
        out["finding"] += [
            (n, at, self._said.get(f.said) or self._enter(f.said), f.status, f.advisory, f.note)
            for at, f in enumerate(made.findings)
        ]
        out["approval"] += [(n, *approval) for approval in made.approvals]
        out["person"] += [(n, *person) for person in made.people]
        self._next += 1
        self._done += 1
        if len(out["entry"]) >= _BATCH:
            self._flush()

    def _enter(self, said: tuple[Any, ...]) -> int:
        """Return the row of what a finding says in every run, entered if it is new."""
        where = "finding = ? AND rule = ? AND kind = ? AND gate = ? AND statement = ? AND file = ? AND line = ?"
        found = self._connection.execute(f"SELECT n FROM x_said WHERE {where}", said).fetchone()
        if found is None:
            sql = "INSERT INTO x_said(finding, rule, kind, gate, statement, file, line) VALUES (?, ?, ?, ?, ?, ?, ?)"
            found = (self._connection.execute(sql, said).lastrowid,)
        n = int(found[0])
        self._said[said] = n
        return n

    def _flush(self) -> None:
        for table, made in self._rows.items():
            values = ", ".join("?" * _COLUMNS[table])
            self._connection.executemany(f"INSERT INTO x_{table} VALUES ({values})", made)
            made.clear()
        self._progress(self._done)
