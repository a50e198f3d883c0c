"""Recurring and dated spans of wall-clock time: is a window open at an instant, and when does that next change?

A window is judged by the wall clock of its zone at the instant itself. So the only question asked of the zone is the
offset at an instant, never which instant a wall time "is": gaps, folds and skipped days then need no case of their
own. Between two changes of offset the wall clock runs evenly, and the next change of state is the next edge of a span.
Inside, time is whole seconds since 1970: ``second`` in UTC, ``wall`` on the local clock.

Zone data is always that of the ``tzdata`` package, never the machine's, so that a replay elsewhere agrees.
"""

from bisect import bisect_right
from datetime import UTC, datetime, timedelta

from gatecheck.text.zones import load_zone

Weekly = tuple[tuple[int, ...], int, int]
Dated = tuple[str, str]
State = tuple[bool, datetime | None]

_MINUTE = 60
_DAY = 86_400
_WEEK = 7 * _DAY
_MONDAY = 3 * _DAY  # 1970-01-01 was a Thursday
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_ONE = timedelta(seconds=1)
_FIRST = -62_135_596_800 + 2 * _DAY  # the calendar's ends, two days in: no offset leads beyond them
_LAST = 253_402_300_799 - 2 * _DAY
_FAR = 1 << 60
_END_OF_TIME = datetime.max.replace(tzinfo=UTC)
_MOST_KNOWN = 4096
_REACH = 2 * _DAY  # more than any two offsets ever differ (31 hours)
_STEP = 6 * _DAY  # less than any two changes of offset are ever apart (7 days, less an hour)


class Window:
    """A named union of spans in one zone. Keeps what it answered, so asking again inside an interval is cheap.

    ``weekly`` spans are ``(weekdays, start, end)``: Monday is 0, minutes of the day from 0 to 1440, half-open; an end
    at or before the start lies on the next day, and such a span belongs to the day it starts on. ``dated`` spans are
    two ISO wall-clock times without an offset, half-open. Raises ``ValueError`` for spans that can't be meant.
    """

    __slots__ = ("_dated", "_epoch", "_known", "_open_before", "_starts", "_weekly", "name", "zone")

    def __init__(self, name: str, zone: str, weekly: tuple[Weekly, ...], dated: tuple[Dated, ...]) -> None:
        if not weekly and not dated:
            raise ValueError(f"window `{name}` has no span")
        self.name = name
        self.zone = zone
        self._open_before, self._weekly = _weekly_edges(name, weekly)
        self._dated = _edges([_dated_span(name, span) for span in dated])
        self._epoch: datetime | None = None
        self._starts: list[datetime] = []  # of the intervals that are known, ascending
        self._known: list[tuple[datetime, State]] = []  # their ends and states

    def state(self, instant: datetime) -> State:
        """Return whether the window is open at an aware instant, and the first later instant at which that differs.

        The second is in UTC, and ``None`` when it never differs again. An instant given in UTC is answered fastest.
        Raises ``ValueError`` for an unknown zone, ``TypeError`` for an instant without an offset.
        """
        at = bisect_right(self._starts, instant)
        if at:
            until, state = self._known[at - 1]
            if instant < until:
                return state
        second = max(_FIRST, min(_LAST, (instant - _EPOCH) // _ONE))
        is_open = self._run(second + self._offset(second))[0]
        change = self._change(second, is_open)
        state = (is_open, None if change is None else _EPOCH + timedelta(seconds=change))
        if len(self._known) >= _MOST_KNOWN:
            self._starts, self._known, at = [], [], 0
        self._starts.insert(at, _EPOCH + timedelta(seconds=second))
        self._known.insert(at, (state[1] or _END_OF_TIME, state))
        return state

    def _change(self, second: int, is_open: bool) -> int | None:
        """Return the first second after ``second`` at which the state is no longer ``is_open``."""
        while second < _LAST:
            offset = self._offset(second)
            wall = second + offset
            now, start, end = self._run(wall)
            if now is not is_open:
                return second
            if wall < start + _REACH:  # the clock may yet be put back to before the start
                second = self._jump(second, offset, min(end, start + _REACH) - offset)
            elif end == _FAR:
                return None
            elif wall < end - _REACH:  # whatever the offset becomes until then, it leads to neither edge
                second += end - _REACH - wall
            else:
                second = self._jump(second, offset, end - offset)
        return None

    def _run(self, wall: int) -> tuple[bool, int, int]:
        """Return the state at a wall time and a stretch [start, end) around it with that same state."""
        i = bisect_right(self._dated, wall)
        start = self._dated[i - 1] if i else -_FAR
        end = self._dated[i] if i < len(self._dated) else _FAR
        if i & 1:
            return True, start, end
        weekly = self._weekly
        if not weekly:
            return self._open_before, start, end
        at = (wall + _MONDAY) % _WEEK
        monday = wall - at
        j = bisect_right(weekly, at)
        start = max(start, monday + (weekly[j - 1] if j else weekly[-1] - _WEEK))
        end = min(end, monday + (weekly[j] if j < len(weekly) else weekly[0] + _WEEK))
        return self._open_before ^ bool(j & 1), start, end

    def _offset(self, second: int) -> int:
        """Return the zone's offset from UTC at a second, in seconds."""
        if self._epoch is None:
            self._epoch = datetime(1970, 1, 1, tzinfo=load_zone(self.zone))
        zone = self._epoch.tzinfo
        assert zone is not None  # noqa: S101 -- for the type checker
        offset = zone.fromutc(self._epoch + timedelta(seconds=second)).utcoffset()
        assert offset is not None  # noqa: S101 -- for the type checker
        return offset // _ONE

    def _jump(self, second: int, offset: int, stop: int) -> int:
        """Return the first second up to ``stop`` at which the offset is no longer ``offset``, else ``stop``."""
        stop = min(stop, _LAST)
        while second < stop:
            after = min(second + _STEP, stop)
            if self._offset(after) != offset:
                while after - second > 1:
                    middle = (second + after) // 2
                    if self._offset(middle) == offset:
                        second = middle
                    else:
                        after = middle
                return after
            second = after
        return second


def _weekly_edges(name: str, spans: tuple[Weekly, ...]) -> tuple[bool, list[int]]:
    """Return whether the week's last moment is open, and the seconds of the week at which that flips."""
    pieces: list[tuple[int, int]] = []
    for days, start, end in spans:
        if not days or not all(0 <= day <= 6 for day in days) or not (0 <= start <= 1440 and 0 <= end <= 1440):
            raise ValueError(f"window `{name}` has a weekly span outside the week: {days}, {start} to {end}")
        length = (end - start if end > start else end - start + 1440) * _MINUTE
        for day in days:
            at = (day * _DAY + start * _MINUTE) % _WEEK
            pieces.append((at, min(at + length, _WEEK)))
            if at + length > _WEEK:
                pieces.append((0, at + length - _WEEK))
    edges = _edges(pieces)
    if not edges or edges[-1] != _WEEK:
        return False, edges
    # The week's end is the next one's start: open on both sides there is no edge, open before only there is one at 0.
    return True, edges[1:-1] if edges[0] == 0 else [0, *edges[:-1]]


def _dated_span(name: str, span: Dated) -> tuple[int, int]:
    try:
        start, end = (datetime.fromisoformat(text) for text in span)
    except ValueError:
        raise ValueError(f"window `{name}` has a date that is none: {span[0]} to {span[1]}") from None
    if start.tzinfo is not None or end.tzinfo is not None:
        raise ValueError(f"window `{name}` has a dated span with an offset of its own: {span[0]} to {span[1]}")
    if start >= end:
        raise ValueError(f"window `{name}` has a dated span that ends before it starts: {span[0]} to {span[1]}")
    return (start.replace(tzinfo=UTC) - _EPOCH) // _ONE, (end.replace(tzinfo=UTC) - _EPOCH) // _ONE


def _edges(spans: list[tuple[int, int]]) -> list[int]:
    """Return the union of spans as ascending edges: start, end, start, end."""
    edges: list[int] = []
    for start, end in sorted(spans):
        if edges and start <= edges[-1]:
            edges[-1] = max(edges[-1], end)
        else:
            edges += (start, end)
    return edges
