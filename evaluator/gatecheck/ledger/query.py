"""Answer SQL of a user's own on the documented views of an index, and let it do nothing else.

The index is opened once more, for reading only. Whatever SQLite then asks leave for is refused, but for selecting and
for calling functions: there is no way to write, attach a file, set a pragma or load an extension.
"""

import re
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

from gatecheck.ledger.index import Index
from gatecheck.ledger.views import VIEWS
from gatecheck.text.diagnostic import InputError, input_error
from gatecheck.text.nearest import did_you_mean, nearest

Cell = None | int | float | str | bytes

_LONGEST = 16 * 1024 * 1024
_FORBIDDEN = {"load_extension", "fts3_tokenizer"}
_DAMAGED = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_IOERR}
_SELECT = re.compile(r"(?:\s|--[^\n]*\n|/\*.*?\*/)*(?:SELECT|WITH|VALUES)\b", re.DOTALL | re.IGNORECASE)
_MISSING = re.compile(r"no such (table|column|function): (.+)", re.DOTALL)
_NEAR = re.compile(r'near "(.+)": syntax error', re.DOTALL)
_AMBIGUOUS = re.compile(r"ambiguous column name: (.+)", re.DOTALL)
_SEE = "`gatecheck ledger query --views` lists views and columns"


class Answer(NamedTuple):
    """Names of columns, and rows; ``is_cut`` where there were more than were asked for."""

    columns: tuple[str, ...]
    rows: list[tuple[Cell, ...]]
    is_cut: bool


def query(index: Index, sql: str, *, most: int | None, seconds: float) -> Answer:
    """Return what a SELECT statement finds, at most ``most`` rows, in at most ``seconds``.

    Raises ``InputError`` GC761 (is more than one SELECT), GC762 (names what there is not), GC763 (can't be worked out),
    GC764 (takes longer).
    """
    if _SELECT.match(sql) is None:
        raise input_error("GC761", "a query is one SELECT statement", hint="begin with SELECT, or with WITH")
    with _restricted(index, seconds) as connection:
        try:
            cursor = connection.execute(sql)
            columns = tuple(name for name, *_ in cursor.description or ())
            rows = cursor.fetchmany(most + 1) if most is not None else cursor.fetchall()
        except (sqlite3.Error, sqlite3.Warning, ValueError) as error:
            if getattr(error, "sqlite_errorcode", 0) & 0xFF in _DAMAGED:
                raise
            raise _explained(error, sql, seconds) from None
    return Answer(columns, rows[:most], most is not None and len(rows) > most)


@contextmanager
def _restricted(index: Index, seconds: float) -> Iterator[sqlite3.Connection]:
    """Give a connection that can do no more than select, and not for longer."""
    from time import monotonic
    from urllib.parse import quote

    connection = index.connection
    if index.file:
        connection = sqlite3.connect(f"file:{quote(index.file)}?mode=ro", uri=True, isolation_level=None)
    end = monotonic() + seconds
    try:
        connection.execute("PRAGMA query_only = ON")
        connection.execute("SELECT 1 FROM json_each('[]'), json_tree('[]')")  # enters these two in the schema
        connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, _LONGEST)
        connection.set_progress_handler(lambda: monotonic() > end, 10_000)
        connection.set_authorizer(_leave)
        yield connection
    finally:
        if connection is not index.connection:
            connection.close()


def _leave(action: int, first: str | None, second: str | None, _database: str | None, _inside: str | None) -> int:
    if action == sqlite3.SQLITE_FUNCTION:
        is_granted = second not in _FORBIDDEN
    elif action == sqlite3.SQLITE_READ:
        is_granted = first is None or not first.startswith(("sqlite_", "pragma_"))
    else:
        is_granted = action in (sqlite3.SQLITE_SELECT, sqlite3.SQLITE_RECURSIVE)
    return sqlite3.SQLITE_OK if is_granted else sqlite3.SQLITE_DENY


def _explained(error: Exception, sql: str, seconds: float) -> InputError:
    text = str(error)
    if "one statement at a time" in text:
        return input_error("GC761", "a query is one SELECT statement, and this is more", hint="ask one at a time")
    if "not authorized" in text or "prohibited" in text:
        return input_error("GC761", "a query can only read the ledger's views, and this asks for more", hint=_SEE)
    if text == "interrupted":
        hint = "ask for less, as for fewer days; or give it longer with `--timeout`"
        return input_error("GC764", f"the answer takes longer than {seconds:g} seconds", hint=hint)
    if match := _MISSING.fullmatch(text):
        return _missing(match[1], match[2], sql)
    if match := _AMBIGUOUS.fullmatch(text):
        hint = f"write the view before it, as in `decisions.{match[1]}`"
        return input_error("GC763", f"several of the views have a column `{match[1]}`", hint=hint)
    if match := _NEAR.fullmatch(text):
        return input_error("GC763", f"the SQL is wrong near `{match[1]}`", hint="it is read as SQLite's")
    if text == "incomplete input":
        return input_error("GC763", "the SQL ends too early", hint="it is read as SQLite's")
    if "bindings" in text:
        return input_error("GC763", "nothing is given for the `?` in the SQL", hint="write the value itself")
    return input_error("GC763", f"the SQL can't be worked out: {text}", hint="it is read as SQLite's")


def _missing(what: str, name: str, sql: str) -> InputError:
    if what == "table":
        return input_error("GC762", f"there is no view `{name}`", hint=did_you_mean(name, VIEWS))
    if what == "function":
        return input_error("GC762", f"there is no function `{name}`", hint="there are those that SQLite has of its own")
    words = {word.lower() for word in re.findall(r"\w+", sql)}
    named = [view for view in VIEWS if view in words] or list(VIEWS)
    near = nearest(name.rpartition(".")[2], (column for view in named for column in VIEWS[view].columns))
    hint = f"did you mean `{near}`?" if near is not None else _SEE
    return input_error("GC762", f"there is no column `{name}` in {' or '.join(f'`{v}`' for v in named)}", hint=hint)
