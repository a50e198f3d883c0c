"""Read a JSON or YAML document that somebody else wrote: bounded, exact, and never guessed at.

JSON is read by the standard library, YAML in ``model.yaml``. Numbers with a fraction become exact ``Decimal``. Refused
with a sentence: duplicate keys, NaN and Infinity, documents too large or too deep, half surrogate pairs, text that is
neither UTF-8 nor UTF-16 with a mark.
"""

import json
import os
from decimal import Decimal
from typing import TYPE_CHECKING, Any, NoReturn

from gatecheck.text.diagnostic import Diagnostic, InputError, input_error
from gatecheck.text.source import Source, Span

if TYPE_CHECKING:
    from pathlib import Path

MAX_BYTES = 8 * 1024 * 1024
MAX_DEPTH = 100
_MAX_DIGITS = 400
_MAX_EXPONENT = 999


def read_bytes(path: "Path | str", limit: int = MAX_BYTES) -> bytes:
    """Return a file's bytes; ``InputError`` if it is missing, unreadable or larger than ``limit`` bytes."""
    try:
        with open(path, "rb") as file:
            size = os.fstat(file.fileno()).st_size
            raw = file.read(limit + 1) if size <= limit else b""
    except FileNotFoundError:
        raise input_error("GC501", "there is no such file", file=str(path)) from None
    except IsADirectoryError:
        raise input_error("GC501", "this is a directory, not a file", file=str(path)) from None
    except OSError as error:
        raise input_error("GC501", f"can't be read: {(error.strerror or str(error)).lower()}", file=str(path)) from None
    except ValueError:  # a NUL in the name
        raise input_error("GC501", "is not a file name", file=repr(str(path))) from None
    if size > limit or len(raw) > limit:
        raise input_error("GC502", f"is larger than {_amount(limit)}, the most that is read", file=str(path))
    return raw


def _amount(size: int) -> str:
    return f"{size // 1024**2} MiB" if size >= 1024**2 else f"{size:,} bytes"


def decode_text(raw: bytes, name: str) -> str:
    """Return bytes as text: UTF-8, with or without a mark, or UTF-16 with one; ``InputError`` otherwise."""
    encoding = "utf-8-sig" if raw[:1] == b"\xef" else "utf-8"  # looking for a mark in vain takes longer than reading
    if raw[:2] in (b"\xff\xfe", b"\xfe\xff"):
        encoding = "utf-16"
    try:
        text = raw.decode(encoding)
    except UnicodeDecodeError as error:
        kind = "UTF-8" if encoding != "utf-16" else "UTF-16, which its first bytes promise"
        hint = "save the file as UTF-8"
        raise input_error("GC503", f"is not text in {kind} (byte {error.start})", file=name, hint=hint) from None
    if "\x00" in text:
        raise input_error("GC503", "holds a NUL character; it is not text", file=name, hint="save the file as UTF-8")
    return text


def parse_document(raw: bytes, name: str) -> Any:
    """Return the data of a JSON or YAML document; which of the two is told by its first character.

    Raises ``InputError`` naming ``name``, the place and the mend.
    """
    text = decode_text(raw, name)
    if text.lstrip()[:1] in ("{", "["):
        try:
            return parse_json(text, name)
        except InputError:
            if not name.endswith((".yaml", ".yml")):
                raise  # a flow-style YAML file may also start with a bracket
    from gatecheck.model.yaml import parse_yaml

    return parse_yaml(text, name)


def parse_json(text: str, name: str) -> Any:
    """Return the data of a JSON text, refusing duplicate keys, NaN, and nesting beyond what is safe."""

    def pairs(items: list[tuple[str, Any]]) -> dict[str, Any]:
        made = dict(items)
        if len(made) != len(items):
            seen: set[str] = set()
            twice = next(k for k, _ in items if k in seen or seen.add(k))  # type: ignore[func-returns-value]
            raise input_error("GC505", f"the key `{twice}` stands twice in one object", file=name, hint="keep one")
        return made

    def constant(word: str) -> NoReturn:
        raise input_error("GC506", f"holds `{word}`, which is not a JSON number", file=name)

    def fraction(digits: str) -> Decimal:
        made = _decimal(digits)
        if made is None:
            raise input_error("GC506", f"holds a number that is beyond reading: `{digits[:40]}`", file=name)
        return made

    try:
        data = json.loads(text, object_pairs_hook=pairs, parse_float=fraction, parse_constant=constant)
    except json.JSONDecodeError as error:
        span = Span(name, error.lineno, error.colno, error.lineno, error.colno + 1)
        message = f"is not JSON: {error.msg[0].lower()}{error.msg[1:]}"
        raise InputError(Diagnostic("GC504", message, span), sources={name: Source(name, text)}) from None
    except RecursionError:
        raise too_deep(name) from None
    except ValueError:  # an integer of more digits than Python converts
        raise input_error("GC506", "holds a number that is beyond reading", file=name) from None
    if text.count("[") + text.count("{") > MAX_DEPTH:
        _check_depth(data, name)
    if "\\ud" in text or "\\uD" in text:
        check_surrogates(data, name)
    return data


def _decimal(digits: str) -> Decimal | None:
    """Return the exact number, or ``None`` for one so long or large that arithmetic with it would never end."""
    number = Decimal(digits) if len(digits) <= _MAX_DIGITS else None
    if number is None or (number and not -_MAX_EXPONENT <= number.adjusted() <= _MAX_EXPONENT):
        return None
    return number


def too_deep(name: str) -> InputError:
    """Return the refusal of a document that is nested too deeply."""
    return input_error("GC507", f"is nested deeper than {MAX_DEPTH} levels", file=name)


def _check_depth(data: Any, name: str) -> None:
    level = [data]
    for _ in range(MAX_DEPTH + 1):
        level = [item for item in level if type(item) is dict or type(item) is list]
        if not level:
            return
        level = [below for item in level for below in (item.values() if type(item) is dict else item)]
    raise too_deep(name)


def check_surrogates(data: Any, name: str) -> None:
    """Refuse data with text that no UTF-8 can hold."""
    pending = [data]
    while pending:
        item = pending.pop()
        if type(item) is dict:
            pending.extend(item)
            pending.extend(item.values())
        elif type(item) is list:
            pending.extend(item)
        elif type(item) is str:
            try:
                item.encode()
            except UnicodeEncodeError:
                shown = item.encode("ascii", "backslashreplace").decode()[:60]
                raise input_error("GC503", f"holds half a surrogate pair in `{shown}`", file=name) from None
