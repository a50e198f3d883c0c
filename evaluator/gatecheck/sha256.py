"""SHA-256 from the interpreter's own code where a text is short: hashlib loads OpenSSL first, which takes 3 ms.

OpenSSL is several times faster for every byte, so it does what is long. ``random`` of the standard library goes the
same way.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hashlib import _Hash

    def _own(raw: bytes) -> _Hash: ...

else:
    try:
        from _sha2 import sha256 as _own  # since Python 3.12
    except ImportError:
        try:
            from _sha256 import sha256 as _own
        except ImportError:  # an interpreter that was built without
            from hashlib import sha256 as _own

_LONG = 256 * 1024


def sha256(raw: bytes) -> "_Hash":
    """Return the SHA-256 of bytes, with ``digest()`` and ``hexdigest()``."""
    if len(raw) < _LONG:
        return _own(raw)
    from hashlib import sha256 as openssl

    return openssl(raw)
