"""Instants: one narrow form, the same for every reader, and a mend for each looser one."""

from datetime import UTC, datetime, timedelta, timezone

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gatecheck.model.instant import PATTERN, is_instant, parse_instant, write_instant
from gatecheck.model.request import Instant
from gatecheck.text.diagnostic import InputError, render

ZONES = st.integers(-23 * 60 - 59, 23 * 60 + 59).map(lambda minutes: timezone(timedelta(minutes=minutes)))
INSTANTS = st.datetimes(datetime(1970, 1, 2), datetime(2999, 12, 30), timezones=ZONES)  # noqa: DTZ001


@settings(deadline=None)
@given(st.from_regex(PATTERN, fullmatch=True))
def test_what_is_an_instant_here_is_one_to_the_fast_reader(text: str) -> None:
    if is_instant(text):
        assert parse_instant(text, "--as-of") == msgspec.convert(text, Instant)
    else:
        with pytest.raises(InputError):
            parse_instant(text, "--as-of")


@given(INSTANTS)
def test_an_instant_is_read_as_it_was_written(instant: datetime) -> None:
    text = instant.isoformat()
    read = parse_instant(text, "--as-of")
    assert (read, read.utcoffset()) == (instant, instant.utcoffset())


@given(INSTANTS)
def test_records_hold_an_instant_in_utc(instant: datetime) -> None:
    text = write_instant(instant)
    assert text.endswith("Z")
    assert ("." in text) == bool(instant.microsecond)
    assert parse_instant(text, "record") == instant


@given(st.text(alphabet="0123456789-:TtZz+. ", max_size=35))
def test_no_text_does_worse_than_be_refused(text: str) -> None:
    try:
        parse_instant(text, "--as-of")
    except InputError as error:
        assert error.diagnostics[0].hint


CORRECTED = "write `2026-11-23T09:00:00Z`"
FORM = "an instant is written in one form only"
NEITHER = ("this is not an instant", "write it as `2026-11-23T09:00:00+01:00` or `2026-11-23T08:00:00Z`")


@pytest.mark.parametrize(
    ("text", "problem", "hint"),
    [
        (
            "2026-11-23T09:00:00",
            "an instant needs its offset",
            "write `2026-11-23T09:00:00+01:00` or `2026-11-23T09:00:00Z`",
        ),
        ("2026-11-23", "an instant needs its offset", "write `2026-11-23T00:00:00+01:00` or `2026-11-23T00:00:00Z`"),
        (
            "2026-11-23 09:00",
            "an instant needs its offset",
            "write `2026-11-23T09:00:00+01:00` or `2026-11-23T09:00:00Z`",
        ),
        ("2026-11-23 09:00:00Z", FORM, CORRECTED),
        ("2026-11-23t09:00:00z", FORM, CORRECTED),
        ("2026-11-23T09:00Z", FORM, CORRECTED),
        (" 2026-11-23T09:00:00Z", FORM, CORRECTED),
        ("2026-11-23T09:00:00+0100", FORM, "write `2026-11-23T09:00:00+01:00`"),
        ("2026-11-23T09:00:00+01", FORM, "write `2026-11-23T09:00:00+01:00`"),
        ("2026-11-23T09:00:00.1234567Z", FORM, "write `2026-11-23T09:00:00.123456Z`"),
        ("2026-12-31T23:59:60Z", "a leap second is not read", "write `2026-12-31T23:59:59Z`"),
        ("2026-02-29T09:00:00Z", "there is no such day in the calendar", "check the day"),
        ("1969-12-31T23:59:59Z", "an instant lies in the years 1970 to 2999, in UTC", "check the year"),
        ("2999-12-31T23:59:59-01:00", "an instant lies in the years 1970 to 2999, in UTC", "check the year"),
        ("9999-12-31T23:59:59-01:00", "an instant lies in the years 1970 to 2999, in UTC", "check the year"),
        ("2026-11-23T24:00:00Z", *NEITHER),
        ("2026-11-23T09:00:00 Europe/Berlin", *NEITHER),
        ("23.11.2026", *NEITHER),
        ("now", *NEITHER),
        ("", *NEITHER),
    ],
)
def test_every_looser_form_is_refused_with_its_mend(text: str, problem: str, hint: str) -> None:
    with pytest.raises(InputError) as caught:
        parse_instant(text, "--as-of")
    assert render(caught.value.diagnostics, {}) == (
        f"error[GC517]: {problem}: `{text}`\n  --> --as-of\n   = hint: {hint}"
    )


def test_a_negative_zero_offset_is_utc() -> None:
    assert parse_instant("2026-11-23T09:00:00-00:00", "--as-of") == datetime(2026, 11, 23, 9, tzinfo=UTC)
