"""Days and hours as the clocks of a zone make them."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from analytics.domain.counting import QUARTER
from analytics.domain.periods import (
    LONGEST,
    InvalidPeriod,
    bound,
    cuts,
    day_of,
    offsets,
    period,
    previous,
    start_of,
)

PARIS, KATHMANDU, ST_JOHNS = (
    ZoneInfo(name) for name in ("Europe/Paris", "Asia/Kathmandu", "America/St_Johns")
)


def hours(by: str, since: str, until: str, zone: ZoneInfo) -> list[float]:
    """How many hours each part of the range has."""
    start, end = bound(since, zone), bound(until, zone)
    starts = cuts(by, start, end, zone)
    return [(b - a) / timedelta(hours=1) for a, b in zip(starts, [*starts[1:], end], strict=True)]


def test_a_date_begins_at_midnight_of_its_zone() -> None:
    assert bound("2026-01-31", PARIS) == datetime(2026, 1, 30, 23, tzinfo=UTC)
    assert bound("2026-01-31", KATHMANDU) == datetime(2026, 1, 30, 18, 15, tzinfo=UTC)
    assert bound("2026-07-31", ST_JOHNS) == datetime(2026, 7, 31, 2, 30, tzinfo=UTC)


def test_an_instant_says_its_own_offset() -> None:
    assert bound("2026-01-31T08:15:00+05:45", PARIS) == datetime(2026, 1, 31, 2, 30, tzinfo=UTC)
    assert bound("2026-01-31T08:15Z", KATHMANDU) == datetime(2026, 1, 31, 8, 15, tzinfo=UTC)


@pytest.mark.parametrize(
    "wrong",
    [
        "yesterday",
        "2026-02-30",
        "2026-01-31T08:15",
        "2026-01-31T08:15:01Z",
        "2026-01-31T08:07Z",
        "0001-01-01",
        "2026-W05-1",
        "20260131T0815Z",
        "2026-01-31 08:15:00Z",
        "2026-01-31T08:15:00 01:00",
        "2026-01-31\n",
        "",
    ],
)
def test_anything_else_is_no_bound(wrong: str) -> None:
    with pytest.raises(InvalidPeriod):
        bound(wrong, PARIS)


@pytest.mark.parametrize("text", ["0001-01-01T00:00:00Z", "0001-12-31", "9999-01-01", "9999-12-31T23:45:00Z"])
def test_the_ends_of_the_calendar_are_no_bounds(text: str) -> None:
    with pytest.raises(InvalidPeriod, match="must lie within the years"):
        bound(text, ZoneInfo("UTC"))


@pytest.mark.parametrize("name", ["America/New_York", "Asia/Tokyo", "Pacific/Kiritimati"])
def test_the_last_days_within_can_be_cut_in_every_zone(name: str) -> None:
    assert hours("day", "9998-12-30", "9998-12-31", ZoneInfo(name)) == [24]


MONROVIA = ZoneInfo("Africa/Monrovia")  # 44 minutes and 30 seconds behind UTC until 1972


def test_a_zone_that_lies_askew_to_quarter_hours_is_said_to_be_the_trouble() -> None:
    with pytest.raises(InvalidPeriod, match="this time zone was no whole number of quarter hours apart"):
        bound("1971-06-01", MONROVIA)
    assert bound("1973-06-01", MONROVIA) == datetime(1973, 6, 1, tzinfo=UTC)


@pytest.mark.parametrize("by", ["day", "hour"])
def test_it_cannot_be_cut_then_either(by: str) -> None:
    with pytest.raises(InvalidPeriod, match="this time zone was"):
        cuts(by, datetime(1971, 6, 1, tzinfo=UTC), datetime(1971, 6, 3, tzinfo=UTC), MONROVIA)
    assert len(cuts("day", datetime(1973, 6, 1, tzinfo=UTC), datetime(1973, 6, 3, tzinfo=UTC), MONROVIA)) == 2


def test_whoever_asks_for_no_quarter_hour_is_told_so() -> None:
    with pytest.raises(InvalidPeriod, match="must fall on a quarter hour"):
        bound("1971-06-01T00:44:30Z", MONROVIA)


@pytest.mark.parametrize(
    ("zone", "since", "until", "lengths"),
    [
        (PARIS, "2026-03-28", "2026-03-31", [24, 23, 24]),
        (PARIS, "2026-10-24", "2026-10-27", [24, 25, 24]),
        (ST_JOHNS, "2026-03-07", "2026-03-10", [24, 23, 24]),
        (ST_JOHNS, "2026-10-31", "2026-11-03", [24, 25, 24]),
        (KATHMANDU, "2026-03-28", "2026-03-31", [24, 24, 24]),
        (ZoneInfo("Australia/Lord_Howe"), "2026-04-04", "2026-04-07", [24, 24.5, 24]),
        (ZoneInfo("Africa/Cairo"), "2026-04-23", "2026-04-26", [24, 23, 24]),
    ],
    ids=lambda value: getattr(value, "key", None),
)
def test_days_are_as_long_as_the_clock_makes_them(
    zone: ZoneInfo, since: str, until: str, lengths: list[float]
) -> None:
    assert hours("day", since, until, zone) == lengths


def test_a_day_without_midnight_begins_where_midnight_is_skipped_to() -> None:
    cairo = ZoneInfo("Africa/Cairo")
    assert start_of(date(2026, 4, 24), cairo).astimezone(cairo).hour == 1


@pytest.mark.parametrize(
    ("zone", "moment"),
    [(ST_JOHNS, "2010-11-07T02:45Z"), (ZoneInfo("Antarctica/Casey"), "2010-03-04T15:00Z")],
    ids=lambda value: getattr(value, "key", None),
)
def test_a_moment_lies_in_its_day_although_clocks_went_back_over_midnight(
    zone: ZoneInfo, moment: str
) -> None:
    day = day_of(bound(moment, zone), zone)
    assert day.start <= bound(moment, zone) < day.end


@pytest.mark.parametrize(
    ("zone", "day", "next_day", "lengths"),
    [
        (PARIS, "2026-03-29", "2026-03-30", [1] * 23),
        (PARIS, "2026-10-25", "2026-10-26", [1] * 25),
        (KATHMANDU, "2026-10-25", "2026-10-26", [1] * 24),
        (ST_JOHNS, "2026-11-01", "2026-11-02", [1] * 25),
        (ZoneInfo("Australia/Lord_Howe"), "2026-04-05", "2026-04-06", [1, 1, 0.5, *[1] * 22]),
    ],
    ids=lambda value: getattr(value, "key", None),
)
def test_hours_begin_on_the_zones_own_full_hours(
    zone: ZoneInfo, day: str, next_day: str, lengths: list[float]
) -> None:
    found = hours("hour", day, next_day, zone)
    assert sum(found) == sum(lengths)
    assert sorted(found) == sorted(lengths)


def test_the_hour_that_comes_twice_is_two() -> None:
    starts = cuts("hour", bound("2026-10-25", PARIS), bound("2026-10-25T05:00:00+01:00", PARIS), PARIS)
    local = [start.astimezone(PARIS).strftime("%H%z") for start in starts]
    assert local == ["00+0200", "01+0200", "02+0200", "02+0100", "03+0100", "04+0100"]


def test_a_range_that_begins_within_a_day_begins_with_the_rest_of_it() -> None:
    assert hours("day", "2026-01-31T22:30:00+01:00", "2026-02-01T06:15:00+01:00", PARIS) == [1.5, 6.25]
    assert hours("hour", "2026-01-31T22:30:00+01:00", "2026-02-01T00:15:00+01:00", PARIS) == [0.5, 1, 0.25]


@pytest.mark.parametrize(
    ("name", "since", "until", "lengths"),
    [
        # At these instants it is still the day before in the west, already the day after in the east.
        ("America/Los_Angeles", "2026-03-02T02:00:00Z", "2026-03-03T02:00:00Z", [6, 18]),
        ("America/Los_Angeles", "2026-03-02T02:00:00Z", "2026-03-04", [6, 24, 24]),
        ("America/Los_Angeles", "2026-03-01", "2026-03-02T02:00:00Z", [18]),
        ("America/St_Johns", "2026-03-02T03:15:00Z", "2026-03-03T03:45:00Z", [0.25, 24, 0.25]),
        ("Pacific/Pago_Pago", "2026-03-02T10:45:00Z", "2026-03-02T11:15:00Z", [0.25, 0.25]),
        ("Asia/Kathmandu", "2026-03-02T18:00:00Z", "2026-03-03T18:30:00Z", [0.25, 24, 0.25]),
        ("Pacific/Kiritimati", "2026-03-02T09:45:00Z", "2026-03-02T10:15:00Z", [0.25, 0.25]),
    ],
)
def test_days_are_counted_from_the_date_of_the_zone(
    name: str, since: str, until: str, lengths: list[float]
) -> None:
    assert hours("day", since, until, ZoneInfo(name)) == lengths


APIA = ZoneInfo("Pacific/Apia")  # crossed the date line: the 29th of December 2011 was followed by the 31st


def test_a_date_that_did_not_exist_holds_no_time_and_the_sentence_says_so() -> None:
    with pytest.raises(InvalidPeriod, match="skipped these days"):
        period("2011-12-30", "2011-12-31", APIA)
    for start, end in (
        ("2011-12-31", "2011-12-31"), ("2011-12-31", "2011-12-29"), ("2011-12-30T10:00Z", "2011-12-31"),
    ):  # fmt: skip
        with pytest.raises(InvalidPeriod, match="from must be before to"):
            period(start, end, APIA)


def test_a_range_around_it_has_the_days_that_there_were() -> None:
    since, until = period("2011-12-29", "2012-01-01", APIA)
    assert since is not None
    assert until is not None
    starts = cuts("day", since, until, APIA)
    assert [start.astimezone(APIA).date().day for start in starts] == [29, 31]


@pytest.mark.parametrize(("by", "until"), [("day", "2030-01-01"), ("hour", "2026-05-01")])
def test_a_range_of_too_many_parts_is_refused(by: str, until: str) -> None:
    with pytest.raises(InvalidPeriod):
        hours(by, "2026-01-01", until, PARIS)


@pytest.mark.parametrize("by", ["hour", "day"])
def test_the_longest_range_is_taken(by: str) -> None:
    since, longest = datetime(2026, 1, 1, tzinfo=UTC), LONGEST[by]
    assert len(cuts(by, since, since + longest, ZoneInfo("UTC"))) == longest / timedelta(**{f"{by}s": 1})
    with pytest.raises(InvalidPeriod):
        cuts(by, since, since + longest + QUARTER, ZoneInfo("UTC"))


def test_the_longest_range_is_of_days_of_the_zone() -> None:
    since, until = (bound(day, PARIS) for day in ("2026-09-01", "2026-12-03"))  # 93 days, one of 25 hours
    assert len(cuts("hour", since, until, PARIS)) == 93 * 24 + 1
    with pytest.raises(InvalidPeriod):
        cuts("hour", since, until + QUARTER, PARIS)


@pytest.mark.parametrize(
    ("by", "start", "end", "expected"),
    [
        ("week", "2026-03-04", "2026-03-17", ["2026-03-04", "2026-03-09", "2026-03-16"]),
        ("week", "2026-03-23", "2026-04-06", ["2026-03-23", "2026-03-30"]),
        ("month", "2026-01-31", "2026-04-02", ["2026-01-31", "2026-02-01", "2026-03-01", "2026-04-01"]),
        ("month", "2027-12-01", "2028-03-01", ["2027-12-01", "2028-01-01", "2028-02-01"]),
    ],
)
def test_weeks_begin_on_mondays_and_months_on_their_first(
    by: str, start: str, end: str, expected: list[str]
) -> None:
    zone = ZoneInfo("Europe/Paris")
    starts = cuts(by, bound(start, zone), bound(end, zone), zone)
    assert [each.astimezone(zone).isoformat()[:16] for each in starts] == [f"{day}T00:00" for day in expected]


@pytest.mark.parametrize(
    ("start", "end", "now", "expected"),
    [
        # Four weeks with the end of summer time in them: they begin and end at midnight all the same.
        ("2026-10-12", "2026-11-09", "2027-01-01T00:00:00Z", ("2026-09-14T00:00", "2026-10-12T00:00")),
        ("2026-11-09", "2026-11-10", "2027-01-01T00:00:00Z", ("2026-11-08T00:00", "2026-11-09T00:00")),
        # Running, at 9:40 in Paris: as much as has run.
        ("2026-11-09", "2026-11-10", "2026-11-09T08:40:00Z", ("2026-11-08T00:00", "2026-11-08T09:30")),
        ("2026-10-19", "2026-11-16", "2026-11-09T08:40:00Z", ("2026-09-21T00:00", "2026-10-12T09:30")),
        # Begun a moment ago, or not yet.
        ("2026-11-09", "2026-11-10", "2026-11-08T23:01:00Z", ("2026-11-08T00:00", "2026-11-08T00:15")),
        ("2026-11-09", "2026-11-10", "2026-11-01T00:00:00Z", ("2026-11-08T00:00", "2026-11-08T00:15")),
        # No whole days.
        ("2026-11-09T10:00:00+01:00", "2026-11-09T12:00:00+01:00", "2027-01-01T00:00:00Z",
         ("2026-11-09T08:00", "2026-11-09T10:00")),
        ("2026-11-09T10:00:00+01:00", "2026-11-09T12:00:00+01:00", "2026-11-09T10:20:00Z",
         ("2026-11-09T08:00", "2026-11-09T09:15")),
    ],
)  # fmt: skip
def test_the_period_before(start: str, end: str, now: str, expected: tuple[str, str]) -> None:
    zone = ZoneInfo("Europe/Paris")
    found = previous(bound(start, zone), bound(end, zone), datetime.fromisoformat(now), zone)
    assert tuple(each.astimezone(zone).isoformat()[:16] for each in found) == expected


@pytest.mark.parametrize("name", ["Europe/Paris", "America/St_Johns", "Asia/Kathmandu", "Pacific/Apia"])
def test_offsets_are_those_of_each_quarter_hour(name: str) -> None:
    zone = ZoneInfo(name)
    since, until = datetime(2011, 1, 1, 5, 15, tzinfo=UTC), datetime(2012, 6, 1, 3, tzinfo=UTC)
    found = offsets(since, until, zone)
    moment = since
    while moment < until:
        known = [offset for start, offset in found if start <= moment][-1]
        assert known == moment.astimezone(zone).utcoffset(), moment
        moment += timedelta(minutes=15)
