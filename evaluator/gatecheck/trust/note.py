"""Signed notes as C2SP's ``signed-note`` and ``tlog-cosignature`` have them: a text, and who vouches for it.

A note is a text that ends in a newline, an empty line, and signature lines ``— NAME BASE64``. The name stands for a key
together with a hash over both, so that several may sign, and who does not know a key passes its line over.
"""

import re
from base64 import b64decode, b64encode
from datetime import UTC, datetime
from hashlib import sha256
from typing import NamedTuple

from gatecheck.trust.key import SigningKey
from gatecheck.trust.openssh import PublicKey

_ED25519, _COSIGNATURE = b"\x01", b"\x04"  # the kinds of signature, as their key hashes have them
_LINE = re.compile(r"\u2014 (\S+) ([A-Za-z0-9+/]+={0,2})")
_NAME = re.compile(r"[^\s+\u0085\u2028\u2029]+")
_MOST = 100  # signatures on one note


class NoteError(ValueError):
    """Bytes that are no signed note; the message says why."""


class Signature(NamedTuple):
    """One signature line: the name, the key's hash, and the rest, which its kind gives a meaning."""

    name: str
    key_hash: bytes
    value: bytes


class Note(NamedTuple):
    """A text with its signatures; nothing here says that any of them is good."""

    text: str
    signatures: tuple[Signature, ...]

    def is_signed_by(self, name: str, key: PublicKey) -> bool:
        """Tell whether a good signature of ``key`` under ``name`` is on the note."""
        wanted = _key_hash(name, _ED25519, key)
        return any(
            s.name == name and s.key_hash == wanted and key.verifies(s.value, self.text.encode())
            for s in self.signatures
        )

    def cosigned_by(self, name: str, key: PublicKey) -> datetime | None:
        """Return when ``key`` cosigned the note under ``name``, the latest such instant, or ``None``."""
        wanted, found = _key_hash(name, _COSIGNATURE, key), None
        for s in self.signatures:
            if s.name == name and s.key_hash == wanted and len(s.value) == 72:
                seconds = int.from_bytes(s.value[:8], "big")
                if seconds < 2**35 and key.verifies(s.value[8:], _cosigned(self.text, seconds)):
                    at = datetime.fromtimestamp(seconds, UTC)
                    found = at if found is None else max(found, at)
        return found

    def bytes(self) -> bytes:
        """Return the note as it is kept and sent."""
        lines = (f"\u2014 {s.name} {b64encode(s.key_hash + s.value).decode()}\n" for s in self.signatures)
        return f"{self.text}\n{''.join(lines)}".encode()

    def signed(self, name: str, key: SigningKey) -> "Note":
        """Return the note with one more signature."""
        made = Signature(named(name), _key_hash(name, _ED25519, key.public), key.sign(self.text.encode()))
        return self._replace(signatures=(*self.signatures, made))

    def cosigned(self, name: str, key: SigningKey, at: datetime) -> "Note":
        """Return the note with the cosignature of a witness, who saw it at an instant and holds it for consistent."""
        seconds = int(at.timestamp())
        value = seconds.to_bytes(8, "big") + key.sign(_cosigned(self.text, seconds))
        made = Signature(named(name), _key_hash(name, _COSIGNATURE, key.public), value)
        return self._replace(signatures=(*self.signatures, made))


def unsigned(text: str) -> Note:
    """Return a note that nobody has signed yet; ``NoteError`` for a text that can't stand in one."""
    if not text.endswith("\n") or "\n\n\u2014 " in text or any(c < " " and c != "\n" for c in text):
        raise NoteError("its text does not end in a newline, or holds what no note may")
    return Note(text, ())


def parse(raw: bytes) -> Note:
    """Return the note that bytes hold; ``NoteError`` for anything else."""
    try:
        whole = raw.decode("utf-8")
    except UnicodeDecodeError:
        raise NoteError("it is not UTF-8 text") from None
    text, blank, rest = whole.rpartition("\n\n")
    lines = rest.removesuffix("\n").split("\n")
    if not blank or not rest.endswith("\n") or len(lines) > _MOST:
        raise NoteError("it does not end in signatures behind an empty line")
    signatures = []
    for line in lines:
        match = _LINE.fullmatch(line)
        try:
            value = b64decode(match[2], validate=True) if match is not None else b""
        except ValueError:
            value = b""
        # Bits that base64 leaves over could be changed without changing what they say.
        is_plain = match is not None and b64encode(value).decode() == match[2]
        if match is None or not is_plain or len(value) < 5 or not _NAME.fullmatch(match[1]):
            raise NoteError(f"`{line[:80]}` is not a signature")
        signatures.append(Signature(match[1], value[:4], value[4:]))
    return unsigned(text + "\n")._replace(signatures=tuple(signatures))


def _key_hash(name: str, kind: bytes, key: PublicKey) -> bytes:
    return sha256(name.encode() + b"\n" + kind + key.raw).digest()[:4]


def _cosigned(text: str, seconds: int) -> bytes:
    return f"cosignature/v1\ntime {seconds}\n{text}".encode()


def named(name: str) -> str:
    """Return the name of a key; ``NoteError`` for one that no signature line could hold."""
    if not _NAME.fullmatch(name):
        raise NoteError(f"`{name}` is no name for a key: it holds white space or `+`")
    return name


def verifier_line(name: str, key: PublicKey) -> str:
    """Return a key as other readers of notes take it: ``NAME+HASH+BASE64``."""
    return f"{named(name)}+{_key_hash(name, _ED25519, key).hex()}+{b64encode(_ED25519 + key.raw).decode()}"
