"""Instants as people write them: RFC 3339 with seconds and an offset, and nothing looser.

The form is narrower than RFC 3339 on purpose (upper-case ``T`` and ``Z``, at most microseconds, no leap second), so
that one instant has few spellings and every reader of a record agrees on it. Years run from 1970 to 2999 in UTC, so
that adding a duration never leaves what ``datetime`` can hold.
"""

import re
from datetime import UTC, datetime

from gatecheck.text.diagnostic import input_error

PATTERN = (
    r"^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\.[0-9]{1,6})?"
    r"(Z|[+-]([01][0-9]|2[0-3]):[0-5][0-9])$(?!\n)"
)
"""The form of an instant as a regular expression; ``schemas/terms.schema.json`` holds the same."""

_is_formed = re.compile(PATTERN).match
_FIRST_YEAR, _LAST_YEAR = 1970, 2999


def is_instant(text: str) -> bool:
    """Tell whether ``text`` is an instant: its form, its calendar day and its year."""
    if _is_formed(text) is None:
        return False
    if "1971" <= text[:4] <= "2998" and text[8:10] <= "28":
        return True
    try:
        return _FIRST_YEAR <= datetime.fromisoformat(text).astimezone(UTC).year <= _LAST_YEAR
    except (ValueError, OverflowError):
        return False


def parse_instant(text: str, name: str) -> datetime:
    """Return the instant that ``text`` states, with the offset it was written with.

    ``name`` is the option or file that holds it. Raises ``InputError`` saying what is missing and how to write it.
    """
    if not is_instant(text):
        problem, hint = describe_instant(text)
        raise input_error("GC517", f"{problem}: `{text[:60]}`", file=name, hint=hint)
    return datetime.fromisoformat(text)


def write_instant(instant: datetime) -> str:
    """Return an instant as records hold it: in UTC, with ``Z``, and microseconds only where there are any."""
    return instant.astimezone(UTC).isoformat().replace("+00:00", "Z")


_DAY = r"[0-9]{4}-[0-9]{2}-[0-9]{2}"


def describe_instant(text: str) -> tuple[str, str]:
    """Return what is wrong with a text that is no instant, and the mend: the text corrected, where that is certain."""
    tidy = text.strip().replace(" ", "T", 1).replace("t", "T").replace("z", "Z")
    loose = re.fullmatch(rf"({_DAY})(?:T([0-9]{{2}}:[0-9]{{2}})(:[0-9]{{2}})?(\.[0-9]+)?(.*))?", tidy)
    if loose is None:
        return "this is not an instant", "write it as `2026-11-23T09:00:00+01:00` or `2026-11-23T08:00:00Z`"
    day, minute, second, fraction, offset = loose.groups()
    written = f"{day}T{minute or '00:00'}{second or ':00'}{(fraction or '')[:7]}"
    if not offset:
        return "an instant needs its offset", f"write `{written}+01:00` or `{written}Z`"
    if second == ":60":
        return "a leap second is not read", f"write `{day}T{minute}:59{offset}`"
    short = re.fullmatch(r"([+-][0-9]{2}):?([0-9]{2})?", offset)
    mended = written + (f"{short[1]}:{short[2] or '00'}" if short else offset)
    if mended != text and is_instant(mended):
        return "an instant is written in one form only", f"write `{mended}`"
    if _is_formed(mended) is None:
        return "this is not an instant", "write it as `2026-11-23T09:00:00+01:00` or `2026-11-23T08:00:00Z`"
    try:
        datetime.fromisoformat(mended)
    except ValueError:
        return "there is no such day in the calendar", "check the day"
    return f"an instant lies in the years {_FIRST_YEAR} to {_LAST_YEAR}, in UTC", "check the year"
