"""Canonical JSON (RFC 8785), so that the same data gives the same bytes on every machine.

The standard library's encoder already writes strings and integers as RFC 8785 asks. What it does not do is refused
here instead of approximated: floats (a record holds exact decimals as strings), integers that a double can't hold,
and object names outside ASCII (where sorting by code point and by UTF-16 unit could differ).
"""

import json
from typing import Any, NoReturn

from gatecheck.sha256 import sha256

_MAX_INTEGER = 2**53 - 1


def canonical(data: Any) -> bytes:
    """Return ``data`` (dicts, lists, strings, integers, booleans, null) as RFC 8785 bytes.

    Raises ``TypeError`` or ``ValueError`` for what has no exact canonical form.
    """
    _check(data)
    text = json.dumps(data, sort_keys=True, ensure_ascii=False, separators=(",", ":"), allow_nan=False, default=_refuse)
    return text.encode("utf-8")


def digest(raw: bytes) -> str:
    """Return the SHA-256 of bytes as gatecheck writes digests: ``sha256:`` and 64 hexadecimal digits."""
    return "sha256:" + sha256(raw).hexdigest()


def _refuse(value: object) -> NoReturn:
    raise TypeError(f"no canonical form for {type(value).__name__}")


def _check(data: Any) -> None:
    pending = [data]
    while pending:
        item = pending.pop()
        kind = type(item)
        if kind is str or kind is bool or item is None:
            continue
        if kind is dict:
            for name in item:
                if type(name) is not str or not name.isascii():
                    raise ValueError(f"object name {name!r} is not ASCII text")
            pending.extend(item.values())
        elif kind is list or kind is tuple:
            pending.extend(item)
        elif kind is int:
            if not -_MAX_INTEGER <= item <= _MAX_INTEGER:
                raise ValueError(f"integer {item} is beyond 2^53 - 1")
        else:
            _refuse(item)
