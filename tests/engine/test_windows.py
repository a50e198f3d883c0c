"""Windows against a clock that is read minute by minute, and by hand where clocks are put forward and back."""

import os
import struct
import subprocess
import sys
from datetime import UTC, datetime, timedelta, timezone
from importlib.resources import files
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from gatecheck.engine.windows import Dated, Weekly, Window
from gatecheck.text.zones import load_zone, tzdata_version, zone_names

DAILY = (0, 1, 2, 3, 4, 5, 6)
WEEKDAYS = (0, 1, 2, 3, 4)
MINUTE = timedelta(minutes=1)

# Zones and the instants, in UTC, around which their clocks do something.
TURNS = [
    ("Europe/Berlin", "2026-03-29T01:00"),
    ("Europe/Berlin", "2026-10-25T01:00"),
    ("America/New_York", "2026-03-08T07:00"),
    ("America/New_York", "2026-11-01T06:00"),
    ("Australia/Lord_Howe", "2026-04-04T15:00"),
    ("Australia/Lord_Howe", "2026-10-03T15:30"),
    ("Pacific/Apia", "2011-12-30T10:00"),
    ("Pacific/Kwajalein", "1993-08-21T12:00"),
    ("Antarctica/Troll", "2026-03-29T01:00"),
    ("Antarctica/Troll", "2026-10-25T01:00"),
    ("America/Sao_Paulo", "2018-11-04T03:00"),
    ("America/Sao_Paulo", "2018-02-18T02:00"),
    ("Africa/Casablanca", "2026-02-15T02:00"),
    ("Asia/Beirut", "2026-03-28T22:00"),
    ("Asia/Pyongyang", "2018-05-04T15:00"),
    ("Europe/Dublin", "2026-10-25T01:00"),
    ("Asia/Kolkata", "2028-02-29T00:00"),
    ("Asia/Kathmandu", "2000-02-29T00:00"),
    ("UTC", "2028-02-29T00:00"),
]


def instant(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def is_open(zone: str, weekly: tuple[Weekly, ...], dated: tuple[Dated, ...], at: datetime) -> bool:
    """The definition: "an instant is inside iff the local wall time at that instant lies in a span"."""
    wall = at.astimezone(load_zone(zone)).replace(tzinfo=None)
    minute = wall.hour * 60 + wall.minute
    today, yesterday = wall.weekday(), (wall - timedelta(days=1)).weekday()
    for days, start, end in weekly:
        if start < end:
            if today in days and start <= minute < end:
                return True
        elif (today in days and start <= minute) or (yesterday in days and minute < end):
            return True
    return any(datetime.fromisoformat(a) <= wall < datetime.fromisoformat(b) for a, b in dated)


minutes = st.one_of(st.sampled_from([0, 30, 60, 90, 120, 150, 180, 540, 960, 1320, 1439, 1440]), st.integers(0, 1440))
weekly_spans = st.tuples(st.sets(st.integers(0, 6), min_size=1).map(lambda days: tuple(sorted(days))), minutes, minutes)


@st.composite
def cases(draw: st.DrawFn) -> tuple[str, tuple[Weekly, ...], tuple[Dated, ...], datetime]:
    """A zone, spans, and an instant: near a turn of the zone's clock, or anywhere in 1975 to 2090."""
    if draw(st.booleans()):
        zone, turn = draw(st.sampled_from(TURNS))
        centre = instant(turn)
    else:
        zone = draw(st.sampled_from(sorted(zone_names())))
        centre = instant("1975-01-01T00:00") + timedelta(hours=draw(st.integers(0, 115 * 8766)))
    weekly = tuple(draw(st.lists(weekly_spans, max_size=3)))
    dated: list[Dated] = []
    for _ in range(draw(st.integers(0 if weekly else 1, 2))):
        start = (centre + timedelta(minutes=draw(st.integers(-4000, 6000)))).replace(tzinfo=None)
        length = draw(st.one_of(st.integers(1, 180), st.integers(1, 10_000)))
        dated.append((f"{start:%Y-%m-%dT%H:%M}", f"{start + length * MINUTE:%Y-%m-%dT%H:%M}"))
    at = centre + timedelta(
        seconds=draw(st.integers(-90_000, 30_000)), microseconds=draw(st.sampled_from([0, 1, 999_999]))
    )
    return zone, weekly, tuple(dated), at


@settings(max_examples=60, deadline=None)
@given(cases())
def test_state_agrees_with_a_clock_read_every_minute(
    case: tuple[str, tuple[Weekly, ...], tuple[Dated, ...], datetime],
) -> None:
    zone, weekly, dated, at = case
    window = Window("w", zone, weekly, dated)
    state = window.state(at)
    assert state[0] is is_open(zone, weekly, dated, at)
    end = at + timedelta(days=8)
    now = at.replace(second=0, microsecond=0)
    while now < end:
        now += MINUTE
        if is_open(zone, weekly, dated, now) is not state[0]:
            assert state[1] == now
            return
    assert state[1] is None or state[1] > end


@settings(max_examples=300, deadline=None)
@given(cases(), st.integers(0, 200 * 366 * 1440))
def test_openness_is_constant_until_the_change_and_differs_at_it(
    case: tuple[str, tuple[Weekly, ...], tuple[Dated, ...], datetime], back: int
) -> None:
    zone, weekly, dated, at = case
    at -= timedelta(minutes=back)  # local mean times too, whose offsets are not whole minutes
    window = Window("w", zone, weekly, dated)
    now, until = window.state(at)
    last = until or at + timedelta(days=3000)
    for part in range(1, 50):
        between = at + (last - at) * part / 50
        assert is_open(zone, weekly, dated, between) is now
        assert Window("w", zone, weekly, dated).state(between) == (now, until)
    if until is not None:
        assert until > at
        assert is_open(zone, weekly, dated, until - timedelta(microseconds=1)) is now
        assert is_open(zone, weekly, dated, until) is not now


@settings(max_examples=100, deadline=None)
@given(cases(), st.lists(st.integers(-20_000, 20_000), min_size=2, max_size=8))
@example(("UTC", ((DAILY, 540, 960),), (), instant("2026-01-01T10:00")), [0, -1, 400, 0, -700, 0])
def test_a_window_asked_before_answers_as_a_new_one(
    case: tuple[str, tuple[Weekly, ...], tuple[Dated, ...], datetime], order: list[int]
) -> None:
    zone, weekly, dated, at = case
    asked = Window("w", zone, weekly, dated)
    for shift in order:
        local = (at + shift * MINUTE).astimezone(timezone(timedelta(minutes=shift % 700)))
        assert asked.state(local) == Window("w", zone, weekly, dated).state(at + shift * MINUTE)


def test_half_open_to_the_microsecond() -> None:
    window = Window("business-hours", "Europe/Berlin", ((WEEKDAYS, 540, 960),), ())
    opens, closes = instant("2026-11-23T08:00"), instant("2026-11-23T15:00")
    before = timedelta(microseconds=1)
    assert window.state(opens - before) == (False, opens)
    assert window.state(opens) == (True, closes)
    assert window.state(closes - before) == (True, closes)
    assert window.state(closes) == (False, instant("2026-11-24T08:00"))


def test_judged_with_the_rules_at_that_instant() -> None:
    window = Window("business-hours", "Europe/Berlin", ((WEEKDAYS, 540, 960),), ())
    assert window.state(instant("2026-10-23T06:30")) == (False, instant("2026-10-23T07:00"))
    assert window.state(instant("2026-10-23T15:00")) == (False, instant("2026-10-26T08:00"))


def test_a_span_that_wraps_midnight_belongs_to_the_day_it_starts_on() -> None:
    window = Window("night", "UTC", (((4,), 22 * 60, 6 * 60),), ())  # Fri 22:00-06:00
    assert window.state(instant("2026-11-20T23:00")) == (True, instant("2026-11-21T06:00"))
    assert window.state(instant("2026-11-20T05:00")) == (False, instant("2026-11-20T22:00"))
    assert window.state(instant("2026-11-21T06:00")) == (False, instant("2026-11-27T22:00"))


def test_a_span_that_wraps_the_week() -> None:
    window = Window("night", "UTC", (((6,), 22 * 60, 6 * 60),), ())  # Sun 22:00 to Mon 06:00
    assert window.state(instant("2026-11-22T23:00")) == (True, instant("2026-11-23T06:00"))
    assert window.state(instant("2026-11-23T05:59")) == (True, instant("2026-11-23T06:00"))


def test_whole_days_join() -> None:
    window = Window("weekend", "UTC", (((5, 6), 0, 1440), ((0,), 0, 60)), ())
    assert window.state(instant("2026-11-21T00:00")) == (True, instant("2026-11-23T01:00"))
    assert window.state(instant("2026-11-23T01:00")) == (False, instant("2026-11-28T00:00"))


def test_always_and_never_again() -> None:
    always = Window("always", "Europe/Berlin", ((DAILY, 0, 1440),), (("2026-12-18T00:00", "2027-01-04T00:00"),))
    for _ in range(2):
        assert always.state(instant("2026-03-29T01:00")) == (True, None)
    once = Window("year-end", "Europe/Berlin", (), (("2026-12-18T00:00", "2027-01-04T00:00"),))
    assert once.state(instant("2026-11-23T09:00")) == (False, instant("2026-12-17T23:00"))
    assert once.state(instant("2026-12-24T09:00")) == (True, instant("2027-01-03T23:00"))
    assert once.state(instant("2027-01-03T23:00")) == (False, None)


def test_a_gap_swallows_a_span_and_shortens_another() -> None:
    swallowed = Window("w", "Europe/Berlin", ((DAILY, 120, 180),), ())  # 02:00-03:00
    assert swallowed.state(instant("2026-03-28T02:00")) == (False, instant("2026-03-30T00:00"))
    shortened = Window("w", "Europe/Berlin", ((DAILY, 90, 210),), ())  # 01:30-03:30
    assert shortened.state(instant("2026-03-29T00:30")) == (True, instant("2026-03-29T01:30"))
    entered = Window("w", "Europe/Berlin", ((DAILY, 150, 210),), ())  # 02:30-03:30: opens as the clock jumps to 03:00
    assert entered.state(instant("2026-03-29T00:00")) == (False, instant("2026-03-29T01:00"))


def test_a_fold_repeats_a_span() -> None:
    repeated = Window("w", "Europe/Berlin", ((DAILY, 130, 150),), ())  # 02:10-02:30, twice on that day
    assert repeated.state(instant("2026-10-25T00:10")) == (True, instant("2026-10-25T00:30"))
    assert repeated.state(instant("2026-10-25T00:30")) == (False, instant("2026-10-25T01:10"))
    assert repeated.state(instant("2026-10-25T01:10")) == (True, instant("2026-10-25T01:30"))
    assert repeated.state(instant("2026-10-25T01:30")) == (False, instant("2026-10-26T01:10"))


def test_a_fold_leaves_and_reenters_a_dated_span() -> None:
    begun = Window("w", "Europe/Berlin", (), (("2026-10-25T02:30", "2026-10-26T00:00"),))
    assert begun.state(instant("2026-10-25T00:30")) == (True, instant("2026-10-25T01:00"))  # the clock is put back
    assert begun.state(instant("2026-10-25T01:00")) == (False, instant("2026-10-25T01:30"))
    ended = Window("w", "Europe/Berlin", (), (("2026-10-24T00:00", "2026-10-25T02:30"),))
    assert ended.state(instant("2026-10-25T00:30")) == (False, instant("2026-10-25T01:00"))
    assert ended.state(instant("2026-10-25T01:00")) == (True, instant("2026-10-25T01:30"))
    assert ended.state(instant("2026-10-25T01:30")) == (False, None)


def test_half_an_hour_of_summer_time() -> None:
    window = Window("w", "Australia/Lord_Howe", ((DAILY, 105, 120),), ())  # 01:45-02:00; at 02:00 back to 01:30
    assert window.state(instant("2026-04-04T14:45")) == (True, instant("2026-04-04T15:00"))
    assert window.state(instant("2026-04-04T15:00")) == (False, instant("2026-04-04T15:15"))
    assert window.state(instant("2026-04-04T15:15")) == (True, instant("2026-04-04T15:30"))


def test_a_day_that_never_was() -> None:
    friday = Window("w", "Pacific/Apia", (((4,), 0, 1440),), ())  # Apia had no Friday 2011-12-30
    assert friday.state(instant("2011-12-29T00:00")) == (False, instant("2012-01-05T10:00"))
    night = Window("w", "Pacific/Apia", (((4,), 22 * 60, 6 * 60),), ())
    assert night.state(instant("2011-12-30T09:59")) == (False, instant("2011-12-30T10:00"))  # Saturday, after no Friday
    assert night.state(instant("2011-12-30T10:00")) == (True, instant("2011-12-30T16:00"))


def test_leap_day() -> None:
    window = Window("w", "Asia/Kolkata", (), (("2028-02-29T00:00", "2028-03-01T00:00"),))
    assert window.state(instant("2028-02-28T18:30")) == (True, instant("2028-02-29T18:30"))


@pytest.mark.parametrize("text", ["0001-01-01T00:00", "9999-12-31T23:59:59.999999"])
def test_the_ends_of_the_calendar(text: str) -> None:
    window = Window("w", "America/New_York", (((0,), 540, 960),), (("0001-01-01T00:00", "9999-12-31T23:59"),))
    assert window.state(instant(text)) == (True, None)


@pytest.mark.parametrize(
    ("weekly", "dated", "message"),
    [
        ((), (), "window `w` has no span"),
        ((((), 0, 60),), (), "window `w` has a weekly span outside the week: (), 0 to 60"),
        ((((7,), 0, 60),), (), "window `w` has a weekly span outside the week: (7,), 0 to 60"),
        ((((0,), 0, 1441),), (), "window `w` has a weekly span outside the week: (0,), 0 to 1441"),
        ((((0,), -1, 60),), (), "window `w` has a weekly span outside the week: (0,), -1 to 60"),
        ((), (("2026-02-29", "2026-03-01"),), "window `w` has a date that is none: 2026-02-29 to 2026-03-01"),
        (
            (),
            (("2026-01-02", "2026-01-02"),),
            "window `w` has a dated span that ends before it starts: 2026-01-02 to 2026-01-02",
        ),
        (
            (),
            (("2026-01-02T00:00Z", "2026-01-03T00:00Z"),),
            "window `w` has a dated span with an offset of its own: 2026-01-02T00:00Z to 2026-01-03T00:00Z",
        ),
    ],
)
def test_spans_that_cannot_be_meant(weekly: tuple[Weekly, ...], dated: tuple[Dated, ...], message: str) -> None:
    with pytest.raises(ValueError) as caught:
        Window("w", "UTC", weekly, dated)
    assert str(caught.value) == message


def test_an_instant_without_an_offset_is_refused() -> None:
    window = Window("w", "UTC", ((DAILY, 0, 60),), ())
    for _ in range(2):  # with and without an earlier answer
        with pytest.raises(TypeError):
            window.state(datetime(2026, 1, 1))  # noqa: DTZ001
        window.state(instant("2026-01-01T00:00"))


@pytest.mark.parametrize(
    "name",
    [
        "",
        "Europe",
        "Europe/Berln",
        "europe/berlin",
        "../zones",
        "Europe/../UTC",
        "/etc/localtime",
        "UTC\n",
        "Europe\\Berlin",
    ],
)
def test_unknown_and_unsafe_zone_names_are_refused(name: str) -> None:
    with pytest.raises(ValueError) as caught:
        load_zone(name)
    assert str(caught.value) == f"there is no time zone `{name}`"


def test_every_named_zone_loads() -> None:
    assert len(zone_names()) > 500
    for name in zone_names():
        assert load_zone(name).key == name


def changes_of_offset(name: str) -> list[int]:
    """The seconds at which a zone's file says that its offset changes (RFC 9636, the second data block)."""
    raw = files("tzdata").joinpath("zoneinfo", name).read_bytes()

    def counts(at: int) -> tuple[int, ...]:
        assert raw[at : at + 4] == b"TZif"
        return struct.unpack(">6l", raw[at + 20 : at + 44])  # isut, isstd, leap, time, type, char

    isut, isstd, leap, time, kind, char = counts(0)
    start = 44 + time * 5 + kind * 6 + char + leap * 8 + isstd + isut
    time = counts(start)[3]
    moments = struct.unpack(f">{time}q", raw[start + 44 : start + 44 + 8 * time])
    epoch, zone = datetime(1970, 1, 1, tzinfo=UTC), load_zone(name)
    local = [(s, (epoch + timedelta(seconds=s)).astimezone(zone)) for s in moments if s > -(10**10)]
    before = [(epoch + timedelta(seconds=s - 1)).astimezone(zone).utcoffset() for s, _ in local]
    return [s for (s, wall), offset in zip(local, before, strict=True) if wall.utcoffset() != offset]


def test_what_the_search_for_changes_of_offset_takes_for_granted() -> None:
    for name in zone_names():
        seconds = changes_of_offset(name)
        assert all(b - a > 6 * 86_400 for a, b in pairwise(seconds)), name
    assert len(changes_of_offset("Europe/Berlin")) > 50


PROBE = """
import sys
from datetime import UTC, datetime
from gatecheck.engine.windows import Window
from gatecheck.text.zones import tzdata_version
assert "zoneinfo" not in sys.modules
w = Window("w", "Europe/Berlin", (((0, 1, 2, 3, 4), 540, 960),), ())
print(w.state(datetime(2026, 10, 23, 15, tzinfo=UTC)), tzdata_version())
"""


def test_the_machine_decides_nothing(tmp_path: Path) -> None:
    lying = tmp_path / "Europe"
    lying.mkdir()
    source = Path(__file__).parents[2] / "evaluator"
    (lying / "Berlin").write_bytes(files("tzdata").joinpath("zoneinfo/Asia/Tokyo").read_bytes())
    expected = f"(False, {instant('2026-10-26T08:00')!r}) {tzdata_version()}\n"
    for zone, path in (("UTC", ""), ("America/New_York", str(tmp_path)), ("Asia/Tokyo", str(tmp_path / "missing"))):
        environment = os.environ | {"TZ": zone, "PYTHONTZPATH": path, "PYTHONPATH": str(source)}
        ran = subprocess.run([sys.executable, "-c", PROBE], env=environment, capture_output=True, text=True, timeout=60)
        assert (ran.stdout, ran.stderr) == (expected, "")
