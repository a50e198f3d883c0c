"""SHA-256 by the interpreter's own code where there is little to hash: hashlib loads OpenSSL first, which takes 3 ms.

OpenSSL is ten times faster for every byte, so it does what is long. ``random`` of the standard library goes the same
way.
"""

import sys
from collections.abc import Callable
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


def sha256_of(size: int) -> "Callable[[bytes], _Hash]":
    """Return the function that hashes so many bytes soonest, be they one text or many."""
    if size < _LONG and "_hashlib" not in sys.modules:
        return _own
    from hashlib import sha256 as openssl

    return openssl


def sha256(raw: bytes) -> "_Hash":
    """Return the SHA-256 of bytes, with ``digest()`` and ``hexdigest()``."""
    return sha256_of(len(raw))(raw)
