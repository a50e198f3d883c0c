"""Texts by others, shown so that they can drive neither a terminal nor a spreadsheet."""

import re
from collections.abc import Iterable, Sequence

_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_UNSAFE = re.compile(r"[^\x20-\x7e\n]")


def plain(text: str) -> str:
    """Return text without what could drive a terminal."""
    return text if text.isprintable() else "".join(c if c.isprintable() else "\ufffd" for c in text)


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return cells in columns, two spaces apart; what is not printable is shown as `\ufffd`."""
    lines = [list(heads), *([plain(cell) for cell in row] for row in rows)]
    widths = [max(len(line[at]) for line in lines) for at in range(len(heads))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines
    )


def spread(cell: object) -> object:
    """Return a cell of a CSV file: text that a spreadsheet would compute has a `'` before it."""
    if not isinstance(cell, str):
        return cell
    shown = "\n".join(plain(line) for line in cell.split("\n"))
    return f"'{shown}" if cell.startswith(_FORMULA) else shown


def json_text(text: str) -> str:
    """Return JSON with what a terminal could obey escaped; it is the same JSON to whoever reads it."""
    return _UNSAFE.sub(_escaped, text)


def _escaped(match: "re.Match[str]") -> str:
    found = match[0]
    return found if found.isprintable() else "".join(f"\\u{unit:04x}" for unit in _units(ord(found)))


def _units(point: int) -> tuple[int, ...]:
    if point < 0x10000:
        return (point,)
    return 0xD800 + (point - 0x10000 >> 10), 0xDC00 + (point - 0x10000 & 0x3FF)
