"""What one entry records, and what its statement claims about the rest of it.

The same reading of a statement serves the writer, which refuses a record that contradicts itself, and the verifier.
"""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from gatecheck.ledger.store import MAX_DEPTH
from gatecheck.model.canonical import canonical, digest
from gatecheck.text.diagnostic import InputError, LedgerError, ledger_error

DECISION = "decision"
STATEMENT, REQUEST, PACK = "statement.json", "request.json", "pack"
STATEMENT_TYPE = "https://in-toto.io/Statement/v1"
DECISION_TYPE = "urn:gatecheck:decision:v1"


class Record(NamedTuple):
    """A decision to be entered.

    ``subject`` are the words of the commit's first line; ``pack`` maps relative paths to bytes and is read only when
    the pack of ``pack_digest`` is not in a recent entry already; ``trailers`` adds search terms, such as
    ``Gatecheck-Service``, to those that are taken from the statement.
    """

    subject: tuple[str, ...]
    statement: bytes
    request: bytes
    pack: Mapping[str, bytes]
    pack_digest: str
    trailers: Mapping[str, str] = {}


class Claims(NamedTuple):
    """What a decision's statement says. ``pack_files`` are the (path, digest) pairs in its order."""

    artifact: str
    environment: str
    verdict: str
    request: str
    pack: str
    pack_files: tuple[tuple[str, str], ...]

    @property
    def trailers(self) -> dict[str, str]:
        """The search terms that an entry carries in its commit message."""
        return {
            "Gatecheck-Artifact": self.artifact,
            "Gatecheck-Environment": self.environment,
            "Gatecheck-Verdict": self.verdict,
            "Gatecheck-Pack": self.pack,
        }


class ClaimError(ValueError):
    """A statement that is not a decision, or that contradicts what lies beside it; the message says how."""


def read_claims(statement: bytes) -> Claims:
    """Return what a statement claims; ``ClaimError`` if it is not an in-toto statement of a gatecheck decision."""
    from gatecheck.model.document import parse_json

    try:
        data = parse_json(statement.decode("utf-8"), STATEMENT)
    except UnicodeDecodeError:
        raise ClaimError("the statement is not UTF-8 text") from None
    except InputError as error:
        raise ClaimError(f"the statement {error.diagnostics[0].message}") from None
    if not isinstance(data, dict) or data.get("_type") != STATEMENT_TYPE:
        raise ClaimError("the statement is not an in-toto statement of version 1")
    if data.get("predicateType") != DECISION_TYPE:
        raise ClaimError(f"the statement's predicate is not `{DECISION_TYPE}`")
    try:
        return _claims(data)
    except (KeyError, TypeError, ValueError, IndexError, AttributeError):
        raise ClaimError("the statement lacks a part of a decision, or has one of another shape") from None


def _claims(data: dict[str, Any]) -> Claims:
    predicate, (subject,) = data["predicate"], data["subject"]
    ((algorithm, value),) = subject["digest"].items()
    pack = predicate["pack"]
    texts = (f"{algorithm}:{value}", predicate["environment"], predicate["verdict"], predicate["request"]["digest"])
    files = tuple((file["path"], file["digest"]) for file in pack["files"])
    for text in (*texts, pack["digest"], *(word for file in files for word in file)):
        if not isinstance(text, str) or not text.isprintable():
            raise TypeError
    return Claims(*texts, pack["digest"], files)


def pack_digest(digests: Mapping[str, str]) -> str:
    """Return the digest of a pack from its files' digests by path."""
    return digest(canonical([{"digest": digests[path], "path": path} for path in sorted(digests)]))


def check_record(record: Record) -> Claims:
    """Return the claims of a record whose parts agree; ``LedgerError`` GC717 if they don't."""
    try:
        claims = read_claims(record.statement)
        check_request(record.request, claims)
    except ClaimError as error:
        raise _refused(error) from None
    if claims.pack != record.pack_digest:
        raise _refused("the statement names another pack than the one beside it")
    return claims


def check_pack(record: Record, claims: Claims) -> None:
    """Require that a pack's files are those that the statement names; ``LedgerError`` GC717 otherwise."""
    try:
        check_pack_files({path: digest(data) for path, data in record.pack.items()}, claims)
        folders = {parent for path in record.pack for parent in _folders(path)}
        for path in record.pack:
            _check_path(path, folders)
    except ClaimError as error:
        raise _refused(error) from None


def check_request(request: bytes, claims: Claims) -> None:
    """Require that a request is the one that a statement claims; ``ClaimError`` otherwise."""
    if digest(request) != claims.request:
        raise ClaimError("the request does not have the digest that the statement gives")


def check_pack_files(digests: Mapping[str, str], claims: Claims) -> None:
    """Require that files with these digests by path are the pack that a statement claims; ``ClaimError`` otherwise."""
    if not digests:
        raise ClaimError("the pack holds no file")
    if pack_digest(digests) != claims.pack:
        raise ClaimError("the pack's files do not have the digest that the statement gives")
    if sorted(digests.items()) != sorted(claims.pack_files):
        raise ClaimError("the pack's files are not those that the statement lists")


def _folders(path: str) -> Iterator[str]:
    end = path.rfind("/")
    while end > 0:
        yield path[:end]
        end = path.rfind("/", 0, end)


def _check_path(path: str, folders: set[str]) -> None:
    if path in folders:
        raise ClaimError(f"the pack's path `{path}` is a file and a folder")
    parts = path.split("/")
    # Git itself refuses these names in a tree, on one system or another.
    if any(not p or p.strip(". ") == "" or p.lower().startswith((".git", "git~")) for p in parts) or "\\" in path:
        raise ClaimError(f"the pack's path `{path}` can't be kept in git")
    if not path.isprintable() or len(parts) > MAX_DEPTH:
        raise ClaimError(f"the pack's path {path[:200]!r} can't be kept in git")


def _refused(why: object) -> LedgerError:
    return ledger_error("GC717", f"this record can't be entered: {why}")
