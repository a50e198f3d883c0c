"""The way in: bytes of a file that a tool wrote become a piece of evidence."""

from typing import TYPE_CHECKING

from gatecheck.evidence.formats import FORMATS, KINDS, Content, look
from gatecheck.evidence.values import Reading
from gatecheck.model.canonical import digest
from gatecheck.model.document import read_bytes
from gatecheck.model.request import Evidence
from gatecheck.text.diagnostic import input_error

if TYPE_CHECKING:
    from pathlib import Path

MAX_BYTES = 64 * 1024 * 1024


def read_evidence_file(path: "Path | str", name: str, kind: str | None = None) -> Evidence:
    """Read a file of at most 64 MiB; ``name`` is how evidence and messages call it. Otherwise as ``read_evidence``."""
    return read_evidence(read_bytes(path, MAX_BYTES), name, kind)


def read_evidence(raw: bytes, name: str, kind: str | None = None) -> Evidence:
    """Return the evidence that the content ``raw`` of the file ``name`` holds; gzipped content is unpacked.

    Without a ``kind`` the content must show it. ``fields`` are as ``schemas/evidence/<kind>.schema.json`` says, and
    ``raw`` of the evidence is the digest of the bytes as given. Raises ``InputError`` where the content is none of the
    known formats, not of the stated kind, broken, hostile or larger than 64 MiB. What is readable but measured nothing,
    or contradicts itself, is returned with a ``flaw``.
    """
    if kind is not None and kind not in KINDS:
        from gatecheck.text.nearest import did_you_mean

        raise input_error("GC602", f"`{kind}` is not a kind of evidence", file=name, hint=did_you_mean(kind, KINDS))
    content = look(_unpacked(raw, name), name)
    row = next((f for f in FORMATS if kind in (None, f.kind) and f.fits(content)), None)
    if row is None:
        raise _unfit(content, name, kind)
    return _evidence(row.kind, row.read(content, name), raw, name)


def read_own_evidence(raw: bytes, name: str, kind: str, schema: str) -> Evidence:
    """Return the evidence of a pack's own ``kind`` in a JSON or YAML document, judged by the text of its ``schema``.

    Raises ``InputError`` where the content is no such document, or does not fit.
    """
    from gatecheck.evidence.own import read_own

    unpacked = _unpacked(raw, name)
    content = look(unpacked, name)
    if not isinstance(content.data, dict):
        message = f"is not evidence of the kind `{kind}`: {content.described()}"
        raise input_error("GC603", message, file=name, hint="it is read from a JSON or YAML object")
    return _evidence(kind, read_own(content.data, unpacked, name, kind, schema), raw, name)


def _evidence(kind: str, reading: Reading, raw: bytes, name: str) -> Evidence:
    return Evidence(
        kind=kind,
        fields=reading.fields,
        raw=digest(raw),
        file=name,
        producer=reading.producer,
        produced_at=reading.produced_at,
        subject=reading.subject,
        flaw=reading.flaw,
    )


def _unfit(content: Content, name: str, kind: str | None) -> Exception:
    looks = content.described()
    if kind is None:
        message = f"is not of a known kind of evidence: {looks}"
        return input_error("GC601", message, file=name, hint=f"known kinds: {', '.join(KINDS)}")
    titles = ", ".join(row.title for row in FORMATS if row.kind == kind)
    other = next((row.kind for row in FORMATS if row.fits(content)), None)
    message = f"is not evidence of the kind `{kind}`: " + (f"it is `{other}`" if other else looks)
    return input_error("GC603", message, file=name, hint=f"`{kind}` is read from {titles}")


def _unpacked(raw: bytes, name: str) -> bytes:
    unpacked = _gunzip(raw, name) if raw.startswith(b"\x1f\x8b") else raw
    if len(unpacked) > MAX_BYTES:
        raise _too_large(name)
    return unpacked


def _too_large(name: str) -> Exception:
    return input_error("GC502", f"is larger than {MAX_BYTES // (1024 * 1024)} MiB, the most that is read", file=name)


def _gunzip(raw: bytes, name: str) -> bytes:
    import zlib

    made: list[bytes] = []
    room = MAX_BYTES + 1
    rest = raw
    while rest:
        unpack = zlib.decompressobj(wbits=31)
        try:
            made.append(unpack.decompress(rest, room))
        except zlib.error:
            raise input_error("GC608", "is not a whole gzip file", file=name) from None
        room -= len(made[-1])
        if room <= 0:
            raise _too_large(name)
        if not unpack.eof:
            raise input_error("GC608", "is a gzip file that was cut off", file=name)
        rest = unpack.unused_data
    return b"".join(made)
