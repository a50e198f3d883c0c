"""Canonical JSON (RFC 8785), so that the same data gives the same bytes on every machine.

msgspec writes strings and integers, and sorts names, as RFC 8785 asks. What it does not do is refused here instead of
approximated: floats (a record holds exact decimals as strings), integers that a double can't hold, and object names
outside ASCII (where sorting by code point and by UTF-16 unit could differ).
"""

from typing import Any

from msgspec.json import encode

from gatecheck.sha256 import sha256

_MAX_INTEGER = 2**53 - 1


def canonical(data: Any) -> bytes:
    """Return ``data`` (dicts, lists, strings, integers, booleans, null) as RFC 8785 bytes.

    Raises ``TypeError`` or ``ValueError`` for what has no exact canonical form.
    """
    _check(data)
    return encode(data, order="deterministic")


def digest(raw: bytes) -> str:
    """Return the SHA-256 of bytes as gatecheck writes digests: ``sha256:`` and 64 hexadecimal digits."""
    return "sha256:" + sha256(raw).hexdigest()


def _check(data: Any) -> None:
    pending: list[Any] = [(data,)]
    while pending:
        holder = pending.pop()
        if type(holder) is dict:
            for name in holder:
                if type(name) is not str or not name.isascii():
                    raise ValueError(f"object name {name!r} is not ASCII text")
            holder = holder.values()
        for item in holder:
            kind = type(item)
            if kind is str or kind is bool or item is None:
                continue
            if kind is dict or kind is list or kind is tuple:
                pending.append(item)
            elif kind is not int:
                raise TypeError(f"no canonical form for {kind.__name__}")
            elif not -_MAX_INTEGER <= item <= _MAX_INTEGER:
                raise ValueError(f"integer {item} is beyond 2^53 - 1")
