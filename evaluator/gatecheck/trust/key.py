"""The key that signs: read from a file, from the text of an environment variable, or made on first use.

Only ed25519 in OpenSSH's private form: one kind of key, which every ``ssh-keygen`` writes and stock git verifies.
"""

import os
from pathlib import Path
from typing import TYPE_CHECKING

from gatecheck.text.diagnostic import InputError, input_error
from gatecheck.trust import openssh
from gatecheck.trust.openssh import PublicKey

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

_MAX_BYTES = 64 * 1024
_MAKE = "make one with `ssh-keygen -t ed25519 -N '' -f FILE`"


class SigningKey:
    """An ed25519 private key, ready to sign. Its ``repr`` shows the fingerprint and nothing secret."""

    def __init__(self, private: "Ed25519PrivateKey") -> None:
        self._private = private
        self.public = PublicKey(private.public_key().public_bytes_raw())

    def sign(self, message: bytes) -> bytes:
        """Return the 64-byte ed25519 signature over ``message``."""
        return self._private.sign(message)

    @property
    def fingerprint(self) -> str:
        """``SHA256:…`` as ``ssh-keygen -l`` prints it."""
        return self.public.fingerprint

    @property
    def public_line(self) -> str:
        """``ssh-ed25519 AAAA…``, as in a ``.pub`` file."""
        return self.public.line

    def __repr__(self) -> str:
        return f"SigningKey({self.fingerprint})"


def key_from_text(text: str, name: str) -> SigningKey:
    """Return the key that ``text`` holds; ``name`` says where it came from (a file, an environment variable).

    White space around and inside is forgiven: secrets lose their final line end, or get ``\\r\\n`` or spaces for it.
    Raises ``InputError`` GC702 (a public key), GC703 (encrypted), GC704 (not ed25519), GC706 (anything else).
    """
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    try:
        seed, public = openssh.parse_private(text)
    except openssh.EncryptedError:
        hint = "remove its passphrase with `ssh-keygen -p`, or use a key without one"
        raise input_error("GC703", "this private key is encrypted", file=name, hint=hint) from None
    except openssh.OtherTypeError as error:
        raise input_error("GC704", f"this is a `{error.kind}` key, not ed25519", file=name, hint=_MAKE) from None
    except openssh.FormError as error:
        raise _not_a_key(text, name, error) from None
    key = SigningKey(Ed25519PrivateKey.from_private_bytes(seed))
    if key.public != public:
        raise input_error("GC706", "this key's private and public parts do not belong together", file=name, hint=_MAKE)
    return key


def load_key(path: Path) -> SigningKey:
    """Return the key in a file, which only its owner may read.

    Raises ``InputError`` GC701 (missing, unreadable), GC705 (open to others) and those of ``key_from_text``.
    """
    name = str(path)
    try:
        with path.open("rb") as file:
            status = os.fstat(file.fileno())
            raw = file.read(_MAX_BYTES)
    except FileNotFoundError:
        raise input_error("GC701", "there is no such key file", file=name, hint=_MAKE) from None
    except OSError as error:
        raise input_error("GC701", f"the key can't be read: {_reason(error)}", file=name) from None
    text = raw.decode("latin-1")
    # The rule of ssh itself: a key of one's own must be closed to others; one that another user owns and lends
    # (a secret mounted into a container) is for that user to guard.
    if status.st_uid == os.getuid() and status.st_mode & 0o077 and "PRIVATE KEY-----" in text:
        message = f"the key file is open to other users (mode {status.st_mode & 0o777:04o})"
        raise input_error(
            "GC705", message, file=name, hint=f"`chmod 600 {name}`; if others could read it, make a new key"
        )
    return key_from_text(text, name)


def load_or_make_key(path: Path) -> tuple[SigningKey, bool]:
    """Return the key in a file and whether it was made just now; the public key then lies beside it as ``.pub``.

    Of several processes that arrive at once one makes the key and all return it. Raises ``InputError`` as ``load_key``
    does, and GC707 when the key can't be written.
    """
    import fcntl

    try:
        if path.exists():
            return load_key(path), False
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            fcntl.flock(folder, fcntl.LOCK_EX)
            if path.exists():
                return load_key(path), False
            key = _make(path)
            os.fsync(folder)
        finally:
            os.close(folder)
    except OSError as error:
        raise input_error("GC707", f"a signing key can't be made here: {_reason(error)}", file=str(path)) from None
    return key, True


def _make(path: Path) -> SigningKey:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    private = Ed25519PrivateKey.generate()
    key = SigningKey(private)
    # The public half first: whoever finds the private one finds both.
    _write(path.with_name(path.name + ".pub"), f"{key.public_line} gatecheck\n", 0o644)
    text = openssh.format_private(private.private_bytes_raw(), key.public, "gatecheck", os.urandom(4))
    _write(path, text, 0o600)
    return key


def _write(path: Path, text: str, mode: int) -> None:
    """Write a whole file or nothing, durably; called under the folder's lock, so the draft's name is ours."""
    draft = path.with_name(f".{path.name}.draft")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "w", encoding="ascii") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)


def _not_a_key(text: str, name: str, error: openssh.FormError) -> InputError:
    if text.split(maxsplit=1)[:1] == [openssh.ED25519] or "PUBLIC KEY" in text or text.startswith("ssh-"):
        hint = "name the file without `.pub`"
        return input_error("GC702", "this is a public key; signing needs the private one", file=name, hint=hint)
    if not text.strip():
        return input_error("GC706", "the key is empty", file=name, hint=_MAKE)
    if "PRIVATE KEY-----" in text and openssh.PRIVATE not in text:
        return input_error("GC706", "this private key is not in OpenSSH's form", file=name, hint=_MAKE)
    return input_error("GC706", f"this is not an OpenSSH private key: {error}", file=name, hint=_MAKE)


def _reason(error: OSError) -> str:
    return (error.strerror or str(error)).lower()
