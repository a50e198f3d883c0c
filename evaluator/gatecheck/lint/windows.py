"""Windows that don't open (GC311), and windows whose spans overlap (GC312)."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from gatecheck.lang import core
from gatecheck.text.diagnostic import Diagnostic
from gatecheck.text.zones import load_zone

_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_DAY = 1440
_WEEK = 7 * _DAY
_LONGEST_SKIP = timedelta(days=1)  # Samoa left a day out


def closed(pack: core.Pack, as_of: datetime) -> Iterator[Diagnostic]:
    """Warn of each dated span that clocks skip, and of each window that won't open again."""
    for window in pack.windows.values():
        place = pack.places[f"window {window.name}"]
        skipped = [span for span in window.dated if _is_skipped(window, span)]
        for start, end in skipped:
            message = f"`{window.name}` never opens {_shown(start)} .. {_shown(end)}: clocks in {window.zone} skip that"
            yield Diagnostic("GC311", message, place, "", "move the span", "warning")
        ends = [end for _, end in window.dated]
        if not window.weekly and not skipped and all(_instant(window, end) <= as_of for end in ends):
            message = f"the window `{window.name}` is over since {_shown(max(ends))}"
            hint = "give it its next dates, or take it away with what asks for it"
            yield Diagnostic("GC311", message, place, "", hint, "warning")


def overlapping(pack: core.Pack) -> Iterator[Diagnostic]:
    """Warn of each window of which two weekly spans, or two dated ones, share a time."""
    for window in pack.windows.values():
        where = _weekly_overlap(window) or _dated_overlap(window)
        if where:
            message = f"two spans of the window `{window.name}` overlap, {where}"
            hint = "a window is the union of its spans: make them one, or correct their ends"
            yield Diagnostic("GC312", message, pack.places[f"window {window.name}"], "", hint, "warning")


def _weekly_overlap(window: core.WindowSpec) -> str:
    pieces: list[tuple[int, int]] = []
    for days, start, end in window.weekly:
        length = end - start if end > start else end - start + _DAY
        for day in days:
            at = (day * _DAY + start) % _WEEK
            pieces.append((at, min(at + length, _WEEK)))
            if at + length > _WEEK:
                pieces.append((0, at + length - _WEEK))
    last = 0
    for start, end in sorted(pieces):
        if start < last:
            return f"on {_DAYS[start // _DAY]} from {start % _DAY // 60:02}:{start % 60:02}"
        last = end
    return ""


def _dated_overlap(window: core.WindowSpec) -> str:
    last = ""
    for start, end in sorted(window.dated, key=lambda span: tuple(map(datetime.fromisoformat, span))):
        if last and datetime.fromisoformat(start) < datetime.fromisoformat(last):
            return f"from {_shown(start)}"
        last = end
    return ""


def _is_skipped(window: core.WindowSpec, span: tuple[str, str]) -> bool:
    """Tell whether clocks are put forward over a whole span."""
    start, end = map(datetime.fromisoformat, span)
    if end - start > _LONGEST_SKIP:
        return False
    return all(_is_no_time(window, wall) for wall in (start, end - timedelta(minutes=1)))


def _is_no_time(window: core.WindowSpec, wall: datetime) -> bool:
    there = wall.replace(tzinfo=load_zone(window.zone))
    return there.astimezone(UTC).astimezone(there.tzinfo).replace(tzinfo=None) != wall


def _instant(window: core.WindowSpec, wall: str) -> datetime:
    return datetime.fromisoformat(wall).replace(tzinfo=load_zone(window.zone)).astimezone(UTC)


def _shown(wall: str) -> str:
    moment = datetime.fromisoformat(wall)
    return f"{moment:%Y-%m-%d}" if moment.hour == moment.minute == 0 else f"{moment:%Y-%m-%d %H:%M}"
