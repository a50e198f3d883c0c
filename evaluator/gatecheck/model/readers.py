"""Values as documents hold them, to values that compare: one reader for each type of the language.

What reads evidence, and what compares it, must agree on what a duration is; so both take these.
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any, Final

SEVERITY: Final = {"none": 0, "low": 1, "medium": 2, "high": 3, "critical": 4}


def percent(value: Any) -> Decimal | None:
    """Read a percent: `"85.3%"`, or a ratio as a number or its text; ``None`` if it is none of these."""
    if isinstance(value, str) and value.endswith("%"):
        ratio = decimal(value[:-1])
        return None if ratio is None else ratio / 100
    return decimal(value)


def decimal(value: Any) -> Decimal | None:
    """Read an exact number, written plainly; ``None`` for anything else, and for one of more than 400 places."""
    if value.__class__ is int or value.__class__ is Decimal:
        return Decimal(value)
    if value.__class__ is str and not value.strip("0123456789.-+eE"):
        try:
            made = Decimal(value)
        except InvalidOperation:
            return None
        return made if -400 < made.adjusted() < 400 and len(value) < 400 else None
    return None


def duration(value: Any) -> timedelta | None:
    """Read a duration written as in rules (`1h30m`, `300ms`); ``None`` for anything else."""
    import re

    units = {"w": 604_800_000, "d": 86_400_000, "h": 3_600_000, "m": 60_000, "s": 1_000, "ms": 1}
    if not isinstance(value, str) or not re.fullmatch(r"([0-9]{1,9}(ms|[wdhms]))+", value, re.ASCII):
        return None
    total = sum(int(n) * units[u] for n, u in re.findall(r"([0-9]+)(ms|[wdhms])", value))
    return timedelta(milliseconds=total) if total < 10**14 else None


def instant(value: Any) -> datetime | None:
    """Read an instant in UTC; ``None`` for anything that is not one with an offset."""
    if isinstance(value, datetime):
        return value.astimezone(UTC)
    from gatecheck.model.instant import is_instant

    return datetime.fromisoformat(value).astimezone(UTC) if isinstance(value, str) and is_instant(value) else None


def date(value: Any) -> str | None:
    """Read a calendar day as ISO text; ``None`` for anything else."""
    try:
        made = datetime.strptime(value, "%Y-%m-%d")  # noqa: DTZ007  # a calendar day has no zone
    except (TypeError, ValueError):
        return None
    return value if made.strftime("%Y-%m-%d") == value else None


def whole(value: Any) -> int | None:
    """Read a whole number; ``None`` for anything else, booleans included."""
    return value if value.__class__ is int else None


def flag(value: Any) -> bool | None:
    """Read true or false; ``None`` for anything else."""
    return value if value.__class__ is bool else None


def text(value: Any) -> str | None:
    """Read text; ``None`` for anything else."""
    return value if value.__class__ is str else None


def texts(value: Any) -> list[str] | None:
    """Read a list of texts; ``None`` for anything else."""
    return value if value.__class__ is list and all(item.__class__ is str for item in value) else None


def rows(value: Any) -> list[dict[str, Any]] | None:
    """Read a list of records; ``None`` for anything else."""
    return value if value.__class__ is list and all(item.__class__ is dict for item in value) else None


def each(read: Callable[[Any], Any]) -> Callable[[Any], list[Any] | None]:
    """Return the reader of lists of what ``read`` reads; ``None`` for a list with an item that it does not."""

    def values(value: Any) -> list[Any] | None:
        if value.__class__ is not list:
            return None
        made = [read(item) for item in value]
        return None if None in made else made

    return values


def severity(value: Any) -> int | None:
    """Read a severity as its rank; ``None`` for anything else."""
    return SEVERITY.get(value) if isinstance(value, str) else None


READERS: Final[dict[str, Callable[[Any], Any]]] = {
    "percent": percent,
    "decimal": decimal,
    "duration": duration,
    "instant": instant,
    "date": date,
    "int": whole,
    "bool": flag,
    "string": text,
    "path": text,
    "severity": severity,
}
