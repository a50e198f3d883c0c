"""An entry as a git commit: its message, its chain value, its signature, and the way back from the raw bytes.

The message is one line for people and one block of trailers. Everything that identifies the record stands there, so
the commit's SSHSIG signature covers the content by SHA-256, whatever git's own object hash is worth. A chain value is
``printf '%s %s\\n' PREVIOUS_CHAIN STATEMENT_DIGEST | sha256sum``.
"""

import re
from base64 import b64decode, b64encode
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import NamedTuple

from gatecheck.model.canonical import digest
from gatecheck.trust import sshsig
from gatecheck.trust.key import SigningKey
from gatecheck.trust.openssh import FormError, PublicKey

GENESIS = "genesis"
CHAIN_START = "sha256:" + "0" * 64
TRUST = "trust"
_TRAILER = re.compile(r"(Gatecheck-[A-Z][A-Za-z-]{0,40}): (\S(?:.*\S)?)")
_HEADER = re.compile(
    rb"tree ([0-9a-f]{40})\n(?:parent ([0-9a-f]{40})\n)?"
    rb"author gatecheck <([0-9a-f]{16})> (\d{1,10}) \+0000\ncommitter gatecheck <\3> \4 \+0000\n"
    rb"gpgsig ((?:[^\n]+\n )*[^\n]+)"
)


class MalformedError(ValueError):
    """A commit that is not an entry; the message says how."""


class Entry(NamedTuple):
    """One entry. ``at`` is when it was recorded, in UTC, to the second; ``parent`` is empty for a writer's first."""

    writer: str
    commit: str
    parent: str
    tree: str
    at: datetime
    subject: str
    trailers: Mapping[str, str]
    payload: bytes
    signature: str
    seq: int
    id: str

    @property
    def kind(self) -> str:
        """What is recorded: ``decision``, or ``genesis`` for a writer's first commit."""
        return self.trailers["Gatecheck-Kind"]

    @property
    def chain(self) -> str:
        """The chain value up to and with this entry."""
        return self.trailers["Gatecheck-Chain"]

    @property
    def statement(self) -> str:
        """The digest of what is recorded: the statement, or the trust file of a writer's first commit."""
        return "sha256:" + self.id

    @property
    def verdict(self) -> str:
        """The recorded verdict as the message gives it; empty for a kind without one."""
        return self.trailers.get("Gatecheck-Verdict", "")

    def signer(self) -> PublicKey | None:
        """Return the key whose good signature the commit carries, or ``None``: trust in it is another question."""
        try:
            signature = sshsig.parse(self.signature)
        except FormError:
            return None
        if signature.namespace != sshsig.GIT or not signature.covers(self.payload):
            return None
        return signature.key

    def statement_signature(self) -> tuple[str, bytes]:
        """Return key id and signature over the statement; ``MalformedError`` if the trailer has neither."""
        keyid, _, text = self.trailers.get("Gatecheck-Sig", "").partition(" ")
        try:
            return keyid, b64decode(text, validate=True)
        except ValueError:
            raise MalformedError("its trailer `Gatecheck-Sig` is damaged") from None


def writer_of(key: PublicKey) -> str:
    """Return the name of the ref that a key writes: the first 16 digits of the SHA-256 over its wire form."""
    return digest(key.blob)[7:23]


def chained(previous: str, statement: str) -> str:
    """Return the chain value after one more statement."""
    return digest(f"{previous} {statement}\n".encode())


def identity(seq: int, statement: str, chain: str) -> dict[str, str]:
    """Return the trailers that place a record in its writer's sequence."""
    return {
        "Gatecheck-Seq": str(seq),
        "Gatecheck-Id": statement.removeprefix("sha256:"),
        "Gatecheck-Statement": statement,
        "Gatecheck-Chain": chain,
    }


def signature_trailer(key: SigningKey, signature: bytes) -> dict[str, str]:
    """Return the trailer with the DSSE signature over the statement."""
    return {"Gatecheck-Sig": f"{key.fingerprint} {b64encode(signature).decode()}"}


def format_message(subject: str, trailers: Mapping[str, str]) -> str:
    """Return a commit message; ``ValueError`` for a trailer that could be read as something else."""
    lines = [f"{name}: {value}" for name, value in trailers.items()]
    for line in lines:
        if not _TRAILER.fullmatch(line) or not line.isprintable():
            raise ValueError(f"`{line!r}` is not a trailer")
    return f"{one_line(subject)}\n\n" + "\n".join(lines) + "\n"


def one_line(text: str) -> str:
    """Return text on one line of at most 200 characters: what others named must not forge a trailer."""
    line = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return (line if len(line) <= 200 else line[:199] + "…") or "(no subject)"


def signed_commit(tree: str, parent: str, at: datetime, message: str, key: SigningKey) -> bytes:
    """Return the raw bytes of a commit, signed as ``git commit -S`` does with an SSH key."""
    who = f"gatecheck <{writer_of(key.public)}> {int(at.timestamp())} +0000"
    lines = [f"tree {tree}", *([f"parent {parent}"] if parent else []), f"author {who}", f"committer {who}"]
    head, body = "\n".join(lines), f"\n\n{message}"
    signature = sshsig.sign(key, (head + body).encode()).rstrip("\n").replace("\n", "\n ")
    return f"{head}\ngpgsig {signature}{body}".encode()


def parse_commit(writer: str, oid: str, raw: bytes) -> Entry:
    """Return the entry that a commit's raw bytes hold; ``MalformedError`` if they are anything else."""
    head, _, body = raw.partition(b"\n\n")
    match = _HEADER.fullmatch(head)
    if match is None:
        raise MalformedError("its commit has not the header of an entry")
    tree, parent, author, seconds, signature = match.groups(b"")
    if author.decode() != writer:
        raise MalformedError(f"its author is `{author.decode()}`, not `{writer}`")
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError:
        raise MalformedError("its message is not UTF-8 text") from None
    subject, _, block = text.partition("\n\n")
    trailers = _parse_trailers(block)
    payload = head[: match.start(5) - len(b"\ngpgsig ")] + b"\n\n" + body
    at = datetime.fromtimestamp(int(seconds), UTC)
    armour = signature.decode("ascii", "replace").replace("\n ", "\n")
    seq, name = int(trailers["Gatecheck-Seq"]), trailers["Gatecheck-Id"]
    return Entry(
        writer, oid, parent.decode(), tree.decode(), at, subject, trailers, payload, armour, seq, name
    )  # fmt: skip


def _parse_trailers(block: str) -> dict[str, str]:
    trailers: dict[str, str] = {}
    for line in block.removesuffix("\n").split("\n"):
        match = _TRAILER.fullmatch(line)
        if match is None or match[1] in trailers:
            raise MalformedError("its message does not end in trailers, each once")
        trailers[match[1]] = match[2]
    seq, name = trailers.get("Gatecheck-Seq", ""), trailers.get("Gatecheck-Id", "")
    if not (seq.isascii() and seq.isdigit() and len(seq) < 16 and str(int(seq)) == seq):
        raise MalformedError("its trailer `Gatecheck-Seq` is not a number")
    if not re.fullmatch("[0-9a-f]{64}", name) or trailers.get("Gatecheck-Statement") != f"sha256:{name}":
        raise MalformedError("its trailers `Gatecheck-Id` and `Gatecheck-Statement` do not agree")
    if "Gatecheck-Chain" not in trailers or "Gatecheck-Kind" not in trailers:
        raise MalformedError("its trailers lack `Gatecheck-Chain` or `Gatecheck-Kind`")
    return trailers
