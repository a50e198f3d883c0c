"""Take entries elsewhere: as JSON Lines, as DSSE envelopes, as Parquet.

Entries are read from the ledger itself, never from the index, oldest first, so that the same entries give the same
bytes. Each record is held against its digests on the way; signatures travel along and are verified by nobody here.
What is written appears whole under its name or not at all.
"""

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

from gatecheck.ledger.check import problem
from gatecheck.ledger.entry import Entry, MalformedError, parse_commit
from gatecheck.ledger.ledger import Ledger
from gatecheck.ledger.record import DECISION, ClaimError, Claims, check_pack_files, check_request, read_claims
from gatecheck.ledger.store import ObjectError, spare_memory
from gatecheck.model.canonical import canonical, digest
from gatecheck.text.diagnostic import InputError, LedgerError, input_error, ledger_error

_BATCH = 1000
Progress = Callable[[int, int], None]


class Chosen(NamedTuple):
    """Entries of a ledger by writer and commit, oldest first: few bytes each, however many there are."""

    ledger: Ledger
    commits: list[tuple[str, str]]

    def entries(self, progress: Progress) -> Iterator[Entry]:
        """Yield the entries; ``LedgerError`` GC713 where one can't be read."""
        for done, (writer, oid) in enumerate(self.commits):
            progress(done, len(self.commits))
            try:
                yield parse_commit(writer, oid, self.ledger.store.commit(oid))
            except (ObjectError, MalformedError) as error:
                hint = "`gatecheck ledger verify`"
                raise ledger_error(
                    "GC713", f"the ledger is broken: {error}", file=self.ledger.name, hint=hint
                ) from None


def choose(
    ledger: Ledger,
    span: str = "",
    *,
    since: int | None = None,
    until: int | None = None,
    services: tuple[str, ...] = (),
) -> Chosen:
    """Return the entries of a span that were recorded in a time, both ends included, about one of some services.

    Times are in seconds since 1970. Raises ``InputError`` GC715, GC716 as ``Ledger.entries`` does.
    """
    spare_memory()
    found = []
    for entry in ledger.entries(span):
        at = entry.at.timestamp()
        if (since is not None and at < since) or (until is not None and at > until):
            continue
        if not services or entry.trailers.get("Gatecheck-Service", "") in services:
            found.append((entry.writer, entry.commit))
    return Chosen(ledger, found[::-1])


def lines(chosen: Chosen, progress: Progress) -> Iterator[bytes]:
    """Yield one line of canonical JSON for each entry: what the commit says, and the statement's very bytes.

    Raises ``LedgerError`` GC767 for a statement that is not canonical JSON, which no such line can hold.
    """
    for entry in chosen.entries(progress):
        raw = chosen.ledger.statement(entry)
        if not _is_canonical(raw):
            hint = "`--format dsse` keeps its bytes as they are"
            raise LedgerError(problem(entry, "GC767", "the statement is not canonical JSON").diagnostic(hint))
        keyid, signature = _signature(chosen.ledger, entry)
        head = {
            "chain": entry.chain, "commit": entry.commit, "id": entry.id, "kind": entry.kind,
            "recorded_at": entry.at.astimezone(UTC).isoformat().replace("+00:00", "Z"), "seq": entry.seq,
            "signature": {"keyid": keyid, "sig": signature},
        }  # fmt: skip
        yield canonical(head)[:-1] + b',"statement":' + raw + b',"writer":"' + entry.writer.encode() + b'"}\n'


def _is_canonical(raw: bytes) -> bool:
    import msgspec

    try:
        return canonical(msgspec.json.decode(raw)) == raw
    except (ValueError, TypeError, RecursionError, msgspec.MsgspecError):
        return False


def _signature(ledger: Ledger, entry: Entry) -> tuple[str, str]:
    keyid, _, text = entry.trailers.get("Gatecheck-Sig", "").partition(" ")
    ledger.envelope(entry)  # refuses a damaged one, in words
    return keyid, text


def write_lines(chosen: Chosen, target: Path, progress: Progress) -> None:
    """Write the lines to a file, which is replaced; ``InputError`` GC765 where it can't be written."""
    with _whole_file(target) as out:
        for line in lines(chosen, progress):
            out.write(line)


def write_envelopes(chosen: Chosen, target: Path, progress: Progress) -> None:
    """Write each entry's DSSE envelope to a file of its own in a new folder, ``WRITER-SEQ-ID.dsse.json``.

    Raises ``InputError`` GC765 where the folder holds something already or can't be made.
    """
    with _whole_folder(target) as folder:
        for entry in chosen.entries(progress):
            name = f"{entry.writer}-{entry.seq:010}-{entry.id[:12]}.dsse.json"
            (folder / name).write_bytes(chosen.ledger.envelope(entry) + b"\n")


def write_parquet(chosen: Chosen, target: Path, progress: Progress) -> int:
    """Write the decisions as ``decisions.parquet`` and their rules as ``packs.parquet`` in a new folder.

    Returns how many there are. Raises ``InputError`` GC765 as ``write_envelopes`` does, GC766 without the extra, and
    ``LedgerError`` GC728, GC729, GC730 where a record is not what its statement says.
    """
    arrow, parquet = _arrow()
    with _whole_folder(target) as folder:
        tables = _schemas(arrow)
        with (
            parquet.ParquetWriter(folder / "decisions.parquet", tables["decisions"], compression="zstd") as decisions,
            parquet.ParquetWriter(folder / "packs.parquet", tables["packs"], compression="zstd") as packs,
        ):
            seen: set[str] = set()
            rows: list[dict[str, Any]] = []
            count = 0
            for entry in chosen.entries(progress):
                if entry.kind != DECISION:
                    continue
                row, claims = _decision(chosen.ledger, entry)
                rows.append(row)
                count += 1
                if claims.pack not in seen:
                    seen.add(claims.pack)
                    files = _pack(chosen.ledger, entry, claims)
                    packs.write_table(arrow.Table.from_pylist(files, schema=tables["packs"]))
                if len(rows) == _BATCH:
                    decisions.write_table(arrow.Table.from_pylist(rows, schema=tables["decisions"]))
                    rows.clear()
            if rows:
                decisions.write_table(arrow.Table.from_pylist(rows, schema=tables["decisions"]))
    return count


def _arrow() -> tuple[Any, Any]:
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError:
        hint = "`pip install 'gatecheck[parquet]'`"
        raise input_error("GC766", "Parquet is written by pyarrow, which is not installed", hint=hint) from None
    return pyarrow, pyarrow.parquet


def _schemas(arrow: Any) -> dict[str, Any]:
    text, raw = arrow.string(), arrow.binary()
    texts = ("verdict", "environment", "service", "artifact", "pack", "request_digest", "subject", "chain", "commit")
    decisions = [
        ("entry", text), ("writer", text), ("seq", arrow.int64()), ("recorded_at", arrow.timestamp("ms", tz="UTC")),
        *((name, text) for name in texts), ("keyid", text), ("signature", text), ("statement", raw), ("request", raw),
    ]  # fmt: skip
    return {
        "decisions": arrow.schema(decisions),
        "packs": arrow.schema([("pack", text), ("path", text), ("content", raw)]),
    }


def _decision(ledger: Ledger, entry: Entry) -> tuple[dict[str, Any], Claims]:
    statement = ledger.statement(entry)
    try:
        claims = read_claims(statement)
    except ClaimError as error:
        raise LedgerError(problem(entry, "GC730", str(error)).diagnostic()) from None
    try:
        request = ledger.request(entry)
    except InputError:  # it was erased, which the entry outlives
        request = None
    try:
        if request is not None:
            check_request(request, claims)
    except ClaimError as error:
        raise LedgerError(problem(entry, "GC728", str(error)).diagnostic()) from None
    keyid, signature = _signature(ledger, entry)
    row = {
        "entry": entry.id, "writer": entry.writer, "seq": entry.seq, "recorded_at": entry.at,
        "verdict": claims.verdict, "environment": claims.environment,
        "service": entry.trailers.get("Gatecheck-Service", ""), "artifact": claims.artifact, "pack": claims.pack,
        "request_digest": claims.request, "subject": entry.subject, "chain": entry.chain, "commit": entry.commit,
        "keyid": keyid, "signature": signature, "statement": statement, "request": request,
    }  # fmt: skip
    return row, claims


def _pack(ledger: Ledger, entry: Entry, claims: Claims) -> list[dict[str, Any]]:
    files = ledger.pack(entry)
    try:
        check_pack_files({path: digest(data) for path, data in files.items()}, claims)
    except ClaimError as error:
        raise LedgerError(problem(entry, "GC729", str(error)).diagnostic()) from None
    return [{"pack": claims.pack, "path": path, "content": files[path]} for path in sorted(files)]


@contextmanager
def _whole_file(target: Path) -> Iterator[BinaryIO]:
    draft = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        with draft.open("xb") as out:
            yield out
            out.flush()
            os.fsync(out.fileno())
        draft.replace(target)
    except OSError as error:
        raise _unwritable(target, error) from None
    finally:
        with suppress(OSError):  # where nothing can be written, nothing can be removed
            draft.unlink()


@contextmanager
def _whole_folder(target: Path) -> Iterator[Path]:
    draft = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        if target.exists() and (not target.is_dir() or any(target.iterdir())):
            hint = "name a folder that is not there yet with `--output`"
            raise input_error("GC765", "there is something here already", file=str(target), hint=hint)
        draft.mkdir(parents=True)
        yield draft
        draft.rename(target)
    except OSError as error:
        raise _unwritable(target, error) from None
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def _unwritable(target: Path, error: OSError) -> InputError:
    message = f"nothing can be written here: {(error.strerror or str(error)).lower()}"
    return input_error("GC765", message, file=str(target), hint="name another place with `--output`")
