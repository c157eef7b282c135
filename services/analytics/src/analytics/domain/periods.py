"""Ranges, days and hours as people of a time zone mean them; every bound lies on a quarter hour of UTC."""

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from analytics.domain.counting import QUARTER, quarter_of

LONGEST: Final[Mapping[str, timedelta]] = {
    "hour": timedelta(days=93),
    "day": timedelta(days=1100),
    "week": timedelta(days=7700),
    "month": timedelta(days=33_000),
}
"""The longest range that is cut into hours, days, weeks and months."""

YEARS: Final = range(2, 9999)
"""Python ends after 9999, and every zone and the next day must still have a date."""

DATE: Final = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
INSTANT: Final = re.compile(DATE.pattern + r"[Tt][\d:.]{5,15}([Zz]|[+-]\d{2}:\d{2})", re.ASCII)
"""Narrower than what Python reads, which takes weeks and dates without hyphens too."""

SENTENCES: Final[Mapping[str, str]] = {
    "not-a-date-or-instant": (
        "from and to must be dates (2026-01-31) or instants (2026-01-31T08:00:00Z); in a URL the + of an"
        " offset is written %2B (2026-01-31T08:00:00%2B01:00)"
    ),
    "not-a-quarter-hour": "from and to must fall on a quarter hour of UTC",
    "patterns-too-long": "patterns take at most {days} days",
    "hours-too-long": "hours of the week take at most {days} days",
    "comparison-incomplete": "vs_from and vs_to go together, and without vs",
    "period-required": "this needs from and to",
    "period-reversed": "from must be before to",
    "period-skipped": "the clocks of this time zone skipped these days, so they hold no time",
    "period-too-long": "by={by} takes at most {days} days",
    "timezone-uneven": (
        "this time zone was no whole number of quarter hours apart from UTC then, so that time can't be cut"
        " into its days and hours: ask for it with another tz, such as UTC"
    ),
    "year-out-of-range": "from and to must lie within the years 0002 to 9998",
}
"""Why a range can't be counted, by code."""

Period = tuple[datetime | None, datetime | None]
"""A range [since, until) in UTC; None where it is open."""


class InvalidPeriod(ValueError):
    """A range that can't be counted: a code of `SENTENCES`, and the facts in its sentence."""

    def __init__(self, code: str, **facts: str | int) -> None:
        super().__init__(SENTENCES[code].format_map(facts))
        self.code = code
        self.facts = facts


def period(start: str | None, end: str | None, zone: ZoneInfo) -> Period:
    """The range between two bounds as `bound` takes them. Raises `InvalidPeriod`, also if it is empty."""
    since, until = (None if text is None else bound(text, zone) for text in (start, end))
    if since is not None and until is not None and since >= until:
        are_dates = all(DATE.fullmatch(text or "") for text in (start, end))
        if since == until and start != end and are_dates:
            raise InvalidPeriod("period-skipped")
        raise InvalidPeriod("period-reversed")
    return since, until


def bound(text: str, zone: ZoneInfo) -> datetime:
    """A bound in UTC: a date is the start of that day in `zone`, anything else an RFC 3339 instant.

    Raises `InvalidPeriod` for what is neither, and for what is not on a quarter hour.
    """
    is_date = DATE.fullmatch(text)
    try:
        moment = start_of(date.fromisoformat(text), zone) if is_date else instant(text)
    except (ValueError, OverflowError):
        raise InvalidPeriod("not-a-date-or-instant") from None
    if moment.year not in YEARS:
        raise InvalidPeriod("year-out-of-range")
    if moment != quarter_of(moment):
        raise InvalidPeriod("timezone-uneven" if is_date else "not-a-quarter-hour")
    return moment


def instant(text: str) -> datetime:
    """An RFC 3339 instant with its offset, in UTC. Raises ValueError."""
    if not INSTANT.fullmatch(text):
        raise ValueError("no instant")
    return datetime.fromisoformat(text).astimezone(UTC)


class LocalDay(NamedTuple):
    """From when to when (UTC) the clocks of a zone show one date; 23, 24 or 25 hours, as the zone has it."""

    start: datetime
    end: datetime


def day_of(moment: datetime, zone: ZoneInfo) -> LocalDay:
    """The day of `zone` that holds `moment`."""
    date_shown = moment.astimezone(zone).date()
    day = local_day(date_shown, zone)
    # Clocks that went back over midnight (St. John's until 2011) showed the date of a day that was over.
    return day if moment < day.end else local_day(date_shown + timedelta(days=1), zone)


@lru_cache(maxsize=4096)
def local_day(day: date, zone: ZoneInfo) -> LocalDay:
    """A day of `zone`; empty if the clocks skipped it."""
    return LocalDay(start_of(day, zone), start_of(day + timedelta(days=1), zone))


def start_of(day: date, zone: ZoneInfo) -> datetime:
    """When `day` begins in `zone`, in UTC; where midnight is skipped, the moment that it is skipped to."""
    return datetime.combine(day, time(), zone).astimezone(UTC)


def cuts(by: str, since: datetime, until: datetime, zone: ZoneInfo) -> list[datetime]:
    """Where the hours, days, weeks or months (`by`) of [since, until) begin; the first at `since` itself.

    A day has 23, 24 or 25 hours, as the zone has it; an hour that the clock goes through twice is two. Weeks
    begin on Mondays. Raises `InvalidPeriod` for what is too long, and where the zone lies askew to the
    quarter hours of UTC.
    """
    if lasts(since, until, zone) > LONGEST[by]:
        raise InvalidPeriod("period-too-long", by=by, days=LONGEST[by].days)
    rest = hours_after(since, until, zone) if by == "hour" else days_after(since, until, zone, NEXT_DAY[by])
    starts = [since, *rest]
    if any((start.astimezone(zone).utcoffset() or timedelta()) % QUARTER for start in starts):
        raise InvalidPeriod("timezone-uneven")
    return starts


def lasts(since: datetime, until: datetime, zone: ZoneInfo) -> timedelta:
    """How long [since, until) is by the clock of `zone`: a day of 25 hours is one day."""
    first, last = (moment.astimezone(zone).replace(tzinfo=None) for moment in (since, until))
    return last - first


def first_of_next_month(day: date) -> date:
    """The first day of the month after that of `day`."""
    return (day.replace(day=1) + timedelta(days=31)).replace(day=1)


NEXT_DAY: Final[Mapping[str, Callable[[date], date]]] = {
    "day": lambda day: day + timedelta(days=1),
    "week": lambda day: day + timedelta(days=7 - day.weekday()),
    "month": first_of_next_month,
}
"""The first day of what comes after the day, week or month that a day is in."""


def days_after(
    since: datetime, until: datetime, zone: ZoneInfo, next_day: Callable[[date], date] = NEXT_DAY["day"]
) -> Iterator[datetime]:
    """The starts of days, weeks or months after `since` and before `until`; a skipped day has none."""
    last, day = since, next_day(since.astimezone(zone).date())
    while (start := start_of(day, zone)) < until:
        if start > last:
            yield start
        last, day = start, next_day(day)


def hours_after(since: datetime, until: datetime, zone: ZoneInfo) -> Iterator[datetime]:
    """The starts of hours after `since` and before `until`: full hours, and wherever the offset changes."""
    moment, before = since + QUARTER, since.astimezone(zone)
    while moment < until:
        local = moment.astimezone(zone)
        if local.minute == 0 or local.utcoffset() != before.utcoffset():
            yield moment
        moment, before = moment + QUARTER, local


def previous(since: datetime, until: datetime, now: datetime, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """The period before [since, until), as long; of one that is still running, as much as has run by now.

    As many days as it has, if it begins and ends with days of `zone`; so days of 23 and 25 hours count as
    days. Else as much time. What has run is counted in whole quarter hours, at least one.
    """
    first, end = since.astimezone(zone), until.astimezone(zone)
    if start_of(first.date(), zone) == since and start_of(end.date(), zone) == until:
        back = end.date() - first.date()
        begins = start_of(first.date() - back, zone)
    else:
        back, zone = until - since, ZoneInfo("UTC")
        begins = since - back
    if now >= until:
        return begins, since
    # Back by the clock of the zone: at the same time of day.
    ran = quarter_of(now.astimezone(UTC)).astimezone(zone) - back
    return begins, max(quarter_of(ran.astimezone(UTC)), begins + QUARTER)


def offsets(since: datetime, until: datetime, zone: ZoneInfo) -> list[tuple[datetime, timedelta]]:
    """From when on in [since, until) `zone` is how far ahead of UTC, in order; the first from `since` on."""
    found = [(since, offset_at(since, zone))]
    day = since
    while day < until:
        end = min(day + timedelta(days=1), until)
        if offset_at(end, zone) != found[-1][1]:
            changed = next(
                moment for moment in quarters(day + QUARTER, end) if offset_at(moment, zone) != found[-1][1]
            )
            found.append((changed, offset_at(changed, zone)))
        day = end
    return found


def quarters(since: datetime, until: datetime) -> Iterator[datetime]:
    """The quarter hours from `since` to `until`, both included."""
    moment = since
    while moment <= until:
        yield moment
        moment += QUARTER


def offset_at(moment: datetime, zone: ZoneInfo) -> timedelta:
    """How far `zone` is ahead of UTC then."""
    return moment.astimezone(zone).utcoffset() or timedelta()
