"""The few values that every reader makes: counts, exact ratios, instants, short texts; and the one shape of a reading.

What is read here is recorded for years, so texts are cut to a stated length, and nothing is kept that canonical JSON
can't hold: no floats, no lone surrogates, no integer beyond 2^53 - 1.
"""

from datetime import UTC, datetime
from decimal import ROUND_CEILING, ROUND_DOWN, Context, Decimal
from typing import Any, NoReturn

from msgspec import Struct

from gatecheck.model.request import Subject
from gatecheck.text.diagnostic import input_error

MAX_COUNT = 2**53 - 1
MAX_PATH = 1000
_EXACT = Context(prec=60, rounding=ROUND_DOWN)
_LOWER_HEXADECIMAL = frozenset("0123456789abcdef")
_RATE_PLACES = Decimal("0.000000001")


class Reading(Struct, frozen=True):
    """What a reader found in one file; ``flaw`` says why nothing in it counts as measured."""

    fields: dict[str, Any]
    flaw: str = ""
    producer: str = ""
    produced_at: datetime | None = None
    subject: Subject | None = None


def refuse(name: str, message: str, hint: str = "") -> NoReturn:
    """Raise the ``InputError`` for a file of a known format whose content breaks that format."""
    raise input_error("GC607", message, file=name, hint=hint)


def ratio(part: int, whole: int) -> str | None:
    """Return ``part`` of ``whole`` as an exact decimal string rounded down to 9 places; ``None`` of nothing."""
    return rate(_EXACT.divide(Decimal(part), Decimal(whole))) if whole else None


def rate(value: Decimal) -> str:
    """Return a ratio as the record writes it: plain digits, rounded down to 9 places, no zeros at the end."""
    text = format(value.quantize(_RATE_PLACES, context=_EXACT), "f")
    return text.rstrip("0").rstrip(".")


def plain_decimal(text: str | None, digits: int = 18) -> Decimal | None:
    """Return a number written in plain digits with at most one point, or ``None`` for anything else."""
    if text is None or len(text) > 2 * digits:
        return None
    whole, point, fraction = text.partition(".")
    if not (whole.isascii() and whole.isdigit()) or len(whole) > digits:
        return None
    if point and not (fraction.isascii() and fraction.isdigit()):
        return None
    return Decimal(text)


def plain_count(text: str | None) -> int | None:
    """Return a count written in plain digits (``12``, and ``12.0`` as some tools write it), or ``None``."""
    number = plain_decimal(text)
    return int(number) if number is not None and number == number.to_integral_value() <= MAX_COUNT else None


def duration(seconds: Decimal) -> str | None:
    """Return seconds as rules write a duration, in whole milliseconds, rounded up; ``None`` beyond 30 years."""
    if seconds >= 10**9:
        return None
    milliseconds = int((seconds * 1000).to_integral_value(ROUND_CEILING))
    whole, rest = divmod(milliseconds, 1000)
    return f"{milliseconds}ms" if milliseconds < 10**9 else f"{whole}s{rest}ms"


def instant(text: object) -> datetime | None:
    """Return an ISO 8601 date and time in UTC; ``None`` where it names no offset or is not one."""
    if not isinstance(text, str) or "T" not in text or len(text) > 40:
        return None
    try:
        at = datetime.fromisoformat(text)
        return _in_reach(at.astimezone(UTC)) if at.tzinfo is not None else None
    except (ValueError, OverflowError):
        return None


def epoch(text: str | None) -> datetime | None:
    """Return seconds or milliseconds since 1970 (told apart by size) as an instant; ``None`` for anything else."""
    number = plain_count(text)
    if not number:
        return None
    seconds, milliseconds = divmod(number, 1000) if number >= 10**11 else (number, 0)
    if seconds >= 10**11:
        return None
    return _in_reach(datetime.fromtimestamp(seconds, UTC).replace(microsecond=milliseconds * 1000))


def _in_reach(at: datetime) -> datetime | None:
    return at if 1970 <= at.year <= 2999 else None  # what a record can hold


def short(text: str, limit: int) -> str:
    """Return a text on one line, printable and at most ``limit`` characters long."""
    line = text[: 4 * limit]
    if not (line.isascii() and line.isprintable()):
        line = "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in " ".join(line.split()))
    return line if len(line) <= limit and len(text) <= 4 * limit else line[: limit - 1] + "…"


def is_digest(text: str) -> bool:
    """Tell whether a text is a digest as records hold it: the algorithm, a colon, lower-case hexadecimal digits."""
    algorithm, _, digits = text.partition(":")
    return (
        len(digits) == {"sha256": 64, "sha384": 96, "sha512": 128}.get(algorithm) and set(digits) <= _LOWER_HEXADECIMAL
    )


def is_commit(text: object) -> bool:
    """Tell whether a text is the full hexadecimal name of a commit, SHA-1 or SHA-256."""
    return isinstance(text, str) and len(text) in (40, 64) and all(c in "0123456789abcdefABCDEF" for c in text)
