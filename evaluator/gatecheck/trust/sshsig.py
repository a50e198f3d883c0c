"""SSHSIG: the signatures of ``ssh-keygen -Y sign``, which git puts into signed commits.

Made natively because it is short and a process of ``ssh-keygen`` costs a hundred times as much; for ed25519 the bytes
are the same. PROTOCOL.sshsig of OpenSSH is the specification.
"""

from typing import NamedTuple

from gatecheck.trust.key import SigningKey
from gatecheck.trust.openssh import FormError, PublicKey, Reader, armour, disarm, pack_string, parse_public_blob

GIT = "git"
_LABEL = "SSH SIGNATURE"
_MAGIC = b"SSHSIG"
_HASHES = ("sha512", "sha256")


class Signature(NamedTuple):
    """A parsed signature: whose key, for which namespace, over which hash; not yet verified."""

    key: PublicKey
    namespace: str
    hash: str
    raw: bytes

    def covers(self, message: bytes) -> bool:
        """Tell whether this is a good signature of its own key over ``message``."""
        return self.key.verifies(self.raw, _to_sign(message, self.namespace, self.hash))


def sign(key: SigningKey, message: bytes, namespace: str = GIT) -> str:
    """Return the armoured signature over ``message``, with a final line end."""
    raw = key.sign(_to_sign(message, namespace, "sha512"))
    parts = (key.public.blob, namespace.encode(), b"", b"sha512", pack_string(b"ssh-ed25519") + pack_string(raw))
    return armour(_LABEL, _MAGIC + (1).to_bytes(4, "big") + b"".join(map(pack_string, parts)))


def parse(text: str) -> Signature:
    """Return the signature that an armoured text holds; ``FormError`` if it is damaged or not ed25519."""
    reader = Reader(disarm(_LABEL, text))
    if reader.take(6) != _MAGIC or reader.number() != 1:
        raise FormError("it is not a signature of version 1")
    key = parse_public_blob(reader.string())
    namespace, _reserved, hash_name = (reader.string().decode("ascii", "replace") for _ in range(3))
    signature = Reader(reader.string())
    reader.end()
    kind, raw = signature.string(), signature.string()
    signature.end()
    if kind != b"ssh-ed25519" or len(raw) != 64:
        raise FormError("it is not an ed25519 signature")
    if hash_name not in _HASHES:
        raise FormError(f"its hash `{hash_name}` is not known")
    return Signature(key, namespace, hash_name, raw)


def _to_sign(message: bytes, namespace: str, hash_name: str) -> bytes:
    import hashlib

    hashed = hashlib.new(hash_name, message).digest()
    return _MAGIC + b"".join(map(pack_string, (namespace.encode(), b"", hash_name.encode(), hashed)))
