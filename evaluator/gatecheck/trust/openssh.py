"""OpenSSH's own forms of an ed25519 key: the wire blob, the public line, the private container, the armour.

Read and written here rather than through ``cryptography``'s SSH serialization, which costs 15 ms to import and which
answers trouble with one exception for many causes. What is read is checked to its last byte.
"""

from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from typing import NamedTuple

ED25519 = "ssh-ed25519"
PRIVATE = "OPENSSH PRIVATE KEY"
_MAGIC = b"openssh-key-v1\x00"


class FormError(ValueError):
    """Bytes that are not what they claim to be; the message says how."""


class EncryptedError(FormError):
    """A private key that a passphrase protects."""


class OtherTypeError(FormError):
    """A key that is not ed25519; ``kind`` is what it is."""

    def __init__(self, kind: str) -> None:
        super().__init__(f"a key of type `{kind}`")
        self.kind = kind


class PublicKey(NamedTuple):
    """An ed25519 public key: its 32 bytes."""

    raw: bytes

    @property
    def blob(self) -> bytes:
        """The key in SSH's wire form."""
        return pack_string(ED25519.encode()) + pack_string(self.raw)

    @property
    def line(self) -> str:
        """The key as it stands in a ``.pub`` file, without comment or line end."""
        return f"{ED25519} {b64encode(self.blob).decode()}"

    @property
    def fingerprint(self) -> str:
        """``SHA256:`` and base64 without padding, as ``ssh-keygen -l`` prints it."""
        from hashlib import sha256

        return "SHA256:" + b64encode(sha256(self.blob).digest()).decode().rstrip("=")

    def verifies(self, signature: bytes, message: bytes) -> bool:
        """Tell whether ``signature`` (64 bytes) is this key's over ``message``."""
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

        try:
            Ed25519PublicKey.from_public_bytes(self.raw).verify(signature, message)
        except InvalidSignature:
            return False
        return True


class Reader:
    """Take SSH wire values from the front of a byte string; ``FormError`` where it ends too soon."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.at = 0

    def take(self, count: int) -> bytes:
        """Return the next ``count`` bytes."""
        if len(self.data) - self.at < count:
            raise FormError("it is cut short")
        self.at += count
        return self.data[self.at - count : self.at]

    def number(self) -> int:
        """Return the next 32-bit number."""
        return int.from_bytes(self.take(4), "big")

    def string(self) -> bytes:
        """Return the next length-prefixed string."""
        return self.take(self.number())

    def end(self) -> None:
        """Require that nothing is left."""
        if self.at != len(self.data):
            raise FormError("it has bytes left over")


def pack_string(value: bytes) -> bytes:
    """Return a string in SSH's wire form: its length in four bytes, then itself."""
    return len(value).to_bytes(4, "big") + value


def armour(label: str, data: bytes) -> str:
    """Return ``data`` between BEGIN and END lines as OpenSSH wraps it, with a final line end."""
    text = b64encode(data).decode()
    lines = [text[i : i + 70] for i in range(0, len(text), 70)]
    return "\n".join([f"-----BEGIN {label}-----", *lines, f"-----END {label}-----", ""])


def disarm(label: str, text: str) -> bytes:
    """Return what stands between the BEGIN and END lines, whatever white space an environment made of the line ends."""
    begin, end = f"-----BEGIN {label}-----", f"-----END {label}-----"
    body = text.strip()
    if not body.startswith(begin) or not body.endswith(end):
        raise FormError(f"it has no `{begin}` and `{end}` around it")
    return _base64("".join(body[len(begin) : -len(end)].split()))


def parse_public_blob(blob: bytes) -> PublicKey:
    """Return the key of a wire blob; ``OtherTypeError`` if it is not ed25519, ``FormError`` if it is damaged."""
    reader = Reader(blob)
    kind = reader.string().decode("ascii", "replace")
    if kind != ED25519:
        raise OtherTypeError(kind)
    raw = reader.string()
    reader.end()
    if len(raw) != 32:
        raise FormError("its ed25519 key is not 32 bytes long")
    return PublicKey(raw)


def parse_public_line(line: str) -> PublicKey:
    """Return the key of a line ``ssh-ed25519 AAAA… [comment]``."""
    kind, _, rest = line.strip().partition(" ")
    words = rest.split()
    if not words:
        raise FormError("it is not a public key line")
    if kind != ED25519:
        raise OtherTypeError(kind)
    return parse_public_blob(_base64(words[0]))


def parse_private(text: str) -> tuple[bytes, PublicKey]:
    """Return the 32-byte seed and the public key of an unencrypted ``openssh-key-v1`` container.

    Raises ``EncryptedError``, ``OtherTypeError`` or ``FormError``. That seed and public key belong together is for the
    caller to check: it takes curve arithmetic.
    """
    data = disarm(PRIVATE, text)
    if not data.startswith(_MAGIC):
        raise FormError("it is not an `openssh-key-v1` container")
    outer = Reader(data[len(_MAGIC) :])
    cipher, kdf, options, count = outer.string(), outer.string(), outer.string(), outer.number()
    if cipher != b"none" or kdf != b"none" or options:
        raise EncryptedError("it is encrypted")
    if count != 1:
        raise FormError(f"it holds {count} keys")
    public = parse_public_blob(outer.string())
    inner = Reader(outer.string())
    outer.end()
    if inner.take(4) != inner.take(4) or inner.string() != ED25519.encode():
        raise FormError("its private part is damaged")
    raw, pair = inner.string(), inner.string()
    inner.string()  # the comment
    padding = inner.data[inner.at :]
    if raw != public.raw or pair[32:] != raw or len(pair) != 64 or padding != bytes(range(1, len(padding) + 1)):
        raise FormError("its private part is damaged")
    return pair[:32], public


def format_private(seed: bytes, public: PublicKey, comment: str, check: bytes) -> str:
    """Return an unencrypted container as ``ssh-keygen`` writes it; ``check`` is four random bytes."""
    inner = check + check + public.blob + pack_string(seed + public.raw) + pack_string(comment.encode())
    inner += bytes(range(1, -len(inner) % 8 + 1))
    outer = pack_string(b"none") * 2 + pack_string(b"") + (1).to_bytes(4, "big")
    return armour(PRIVATE, _MAGIC + outer + pack_string(public.blob) + pack_string(inner))


def _base64(text: str) -> bytes:
    try:
        return b64decode(text, validate=True)
    except (Base64Error, ValueError):
        raise FormError("its base64 is damaged") from None
