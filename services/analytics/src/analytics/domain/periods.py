"""Ranges, days and hours as people of a time zone mean them; every bound lies on a quarter hour of UTC."""

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from analytics.domain.counting import QUARTER, quarter_of

LONGEST: Final[Mapping[str, timedelta]] = {"day": timedelta(days=1100), "hour": timedelta(days=93)}
"""The longest range that is cut into days, and into hours."""

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
    "period-required": "by needs from and to",
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


def start_of(day: date, zone: ZoneInfo) -> datetime:
    """When `day` begins in `zone`, in UTC; where midnight is skipped, the moment that it is skipped to."""
    return datetime.combine(day, time(), zone).astimezone(UTC)


def cuts(by: str, since: datetime, until: datetime, zone: ZoneInfo) -> list[datetime]:
    """Where the days or hours (`by`) of [since, until) begin; the first at `since` itself, whole or not.

    A day has 23, 24 or 25 hours, as the zone has it; an hour that the clock goes through twice is two. Raises
    `InvalidPeriod` for what is too long, and where the zone lies askew to the quarter hours of UTC.
    """
    if until - since > LONGEST[by]:
        raise InvalidPeriod("period-too-long", by=by, days=LONGEST[by].days)
    walk: Mapping[str, Callable[[datetime, datetime, ZoneInfo], Iterator[datetime]]]
    walk = {"day": days_after, "hour": hours_after}
    starts = [since, *walk[by](since, until, zone)]
    if any((start.astimezone(zone).utcoffset() or timedelta()) % QUARTER for start in starts):
        raise InvalidPeriod("timezone-uneven")
    return starts


def days_after(since: datetime, until: datetime, zone: ZoneInfo) -> Iterator[datetime]:
    """The starts of days after `since` and before `until`; a day that `zone` skipped has none."""
    last, day = since, since.astimezone(zone).date() + timedelta(days=1)
    while (start := start_of(day, zone)) < until:
        if start > last:
            yield start
        last, day = start, day + timedelta(days=1)


def hours_after(since: datetime, until: datetime, zone: ZoneInfo) -> Iterator[datetime]:
    """The starts of hours after `since` and before `until`: full hours, and wherever the offset changes."""
    moment, before = since + QUARTER, since.astimezone(zone)
    while moment < until:
        local = moment.astimezone(zone)
        if local.minute == 0 or local.utcoffset() != before.utcoffset():
            yield moment
        moment, before = moment + QUARTER, local
