"""Find entries in an index by what they are about, newest first."""

import re
import sqlite3
from collections.abc import Callable, Iterator
from typing import NamedTuple

from gatecheck.ledger.index import Index
from gatecheck.text.diagnostic import input_error

_SEQ, _PREFIX = re.compile(r"#?([0-9]{1,15})"), re.compile(r"(?:sha256:)?([0-9a-f]{4,64})")
_DIGEST = re.compile(r"(?:(?P<algorithm>[a-z0-9]+):)?(?P<value>[0-9a-f]{4,128})")
# Newest first; of what several writers recorded in one second, the first writer's.
_ORDER = "e.place DESC, e.writer, e.seq DESC"


class Filter(NamedTuple):
    """What is looked for. Of several values any will do; of several fields all must hold. Empty fields ask nothing.

    ``since`` and ``until`` bound when an entry was recorded, both included, in seconds since 1970. ``people`` are
    looked for in every part (author, counted or refused approver, deployer, …), ``rules`` and ``statuses`` in one
    finding. ``digests`` are of an artifact, a pack, a request or the entry itself, or the beginning of one.
    """

    services: tuple[str, ...] = ()
    environments: tuple[str, ...] = ()
    verdicts: tuple[str, ...] = ()
    people: tuple[str, ...] = ()
    rules: tuple[str, ...] = ()
    statuses: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()
    digests: tuple[str, ...] = ()
    since: int | None = None
    until: int | None = None


class Between(NamedTuple):
    """A span ``A..B`` of entries, both included and either left out, of the ledger ``name``.

    ``find`` is that of the ledger: it says in words what is wrong with a text that does not name one entry.
    """

    span: str
    name: str
    find: Callable[[str], object]


class Found(NamedTuple):
    """One entry as the index has it; ``at`` is when it was recorded, in UTC."""

    seq: int
    id: str
    at: str
    verdict: str
    environment: str
    service: str
    artifact: str
    pack: str
    subject: str
    kind: str
    person: str
    about: str
    writer: str
    chain: str
    commit: str
    problem: str


_COLUMNS = (
    "e.seq, e.id, strftime('%Y-%m-%dT%H:%M:%SZ', e.at, 'unixepoch'), e.verdict, e.environment, e.service, e.artifact,"
    " e.pack, e.subject, e.kind, e.person, e.about, e.writer, e.chain, e.oid, e.problem"
)
_KNOWN = {
    "services": ("service", "SELECT DISTINCT service FROM x_entry WHERE service <> ''"),
    "environments": ("environment", "SELECT DISTINCT environment FROM x_entry WHERE environment <> ''"),
    "verdicts": ("verdict", "SELECT DISTINCT verdict FROM x_entry WHERE verdict <> ''"),
    "people": ("person", "SELECT DISTINCT person FROM x_person"),
    "rules": ("rule", "SELECT DISTINCT rule FROM x_said"),
    "kinds": ("kind", "SELECT DISTINCT kind FROM x_entry"),
}


def search(index: Index, wanted: Filter, most: int | None = None, between: "Between | None" = None) -> list[Found]:
    """Return the entries that match, newest first, at most ``most``; ``InputError`` GC715, GC716 for a wrong span."""
    clauses = list(_clauses(wanted))
    if between is not None:
        clauses += _between(index.connection, between)
    where = " AND ".join(f"({clause})" for clause, _ in clauses) or "1"
    values = [value for _, given in clauses for value in given]
    sql = f"SELECT {_COLUMNS} FROM x_entry e WHERE {where} ORDER BY {_ORDER} LIMIT ?"
    found = index.connection.execute(sql, (*values, -1 if most is None else most))
    return [Found(*row) for row in found]


def unknown(index: Index, wanted: Filter) -> Iterator[str]:
    """Yield a sentence for each name looked for that no entry holds, with the nearest one that some entry does."""
    from gatecheck.text.nearest import did_you_mean

    for field, (noun, sql) in _KNOWN.items():
        names = getattr(wanted, field)
        if names:
            known = {text for (text,) in index.connection.execute(sql)}
            for name in names:
                if name not in known:
                    yield f"no entry names the {noun} `{name}`; {did_you_mean(name, known)}"


def _clauses(wanted: Filter) -> Iterator[tuple[str, tuple[object, ...]]]:
    columns = (
        ("service", wanted.services), ("environment", wanted.environments), ("verdict", wanted.verdicts),
        ("kind", wanted.kinds),
    )  # fmt: skip
    for column, names in columns:
        if names:
            yield f"e.{column} IN ({_marks(names)})", names
    if wanted.since is not None:
        yield "e.at >= ?", (wanted.since,)
    if wanted.until is not None:
        yield "e.at <= ?", (wanted.until,)
    if wanted.people:
        yield f"e.n IN (SELECT entry FROM x_person WHERE person IN ({_marks(wanted.people)}))", wanted.people
    if wanted.rules or wanted.statuses:
        both = (("s.rule", wanted.rules), ("f.status", wanted.statuses))
        asked = " AND ".join(f"{column} IN ({_marks(names)})" for column, names in both if names)
        sql = f"e.n IN (SELECT f.entry FROM x_said s JOIN x_finding f ON f.said = s.n WHERE {asked})"
        yield sql, (*wanted.rules, *wanted.statuses)
    if wanted.digests:
        parts = [_digest(text) for text in wanted.digests]
        yield " OR ".join(clause for clause, _ in parts), tuple(value for _, values in parts for value in values)


def _marks(names: tuple[str, ...]) -> str:
    return ", ".join("?" * len(names))


def _digest(text: str) -> tuple[str, tuple[object, ...]]:
    """Return what finds a digest, or the beginning of one, wherever an entry names it."""
    match = _DIGEST.fullmatch(text)
    if match is None:
        message = f"`--digest` is not a digest: `{text[:80]}`"
        hint = "write it as `sha256:…`, or at least four of its hexadecimal digits"
        raise input_error("GC801", message, hint=hint)
    begins = f"{match['algorithm'] or 'sha256'}:{match['value']}"
    end = begins + "g"  # comes after every digit
    of = ("e.artifact >= ? AND e.artifact < ?", "e.pack >= ? AND e.pack < ?")
    asked = [f"({each})" for each in of]
    asked.append("e.n IN (SELECT n FROM x_decision WHERE request >= ? AND request < ?)")
    values: list[object] = [begins, end] * 3
    if begins.startswith("sha256:"):
        asked.append("(e.id >= ? AND e.id < ?)")
        values += [begins[7:], end[7:]]
    return " OR ".join(asked), tuple(values)


def _between(connection: sqlite3.Connection, between: Between) -> list[tuple[str, tuple[object, ...]]]:
    span, name, find = between
    first, dots, last = span.partition("..")
    if not dots:
        hint = "write it as `A..B`, each an id or a sequence number"
        raise input_error("GC716", f"`{span}` is not a range", file=name, hint=hint)
    ends = [_place(connection, text, name, find) if text else None for text in (first, last)]
    low, high = ends
    if low is not None and high is not None and low < high:
        hint = "write the older entry first"
        raise input_error("GC716", f"the range `{span}` ends before it begins", file=name, hint=hint)
    key = "(-e.place, e.writer, -e.seq)"
    clauses: list[tuple[str, tuple[object, ...]]] = []
    if high is not None:
        clauses.append((f"{key} >= (?, ?, ?)", high))
    if low is not None:
        clauses.append((f"{key} <= (?, ?, ?)", low))
    return clauses


def _place(
    connection: sqlite3.Connection, text: str, name: str, find: Callable[[str], object]
) -> tuple[int, str, int]:  # fmt: skip
    """Return where the entry that a text names stands in the order of newest first."""
    seq, prefix = _SEQ.fullmatch(text), _PREFIX.fullmatch(text.lower())
    begins = prefix[1] if prefix else "~"
    where = f"e.seq = ? OR e.id >= ? AND e.id < ? ORDER BY {_ORDER}"
    sql = f"SELECT -e.place, e.writer, -e.seq, e.id FROM x_entry e WHERE {where}"
    found = connection.execute(sql, (int(seq[1]) if seq else -1, begins, begins + "g")).fetchall()
    if len({row[3] for row in found}) != 1:
        find(text)
        raise input_error("GC715", f"there is no entry `{text}`", file=name)
    place, writer, number, _ = found[-1]  # what several keys entered is the earliest of these
    return place, writer, number
