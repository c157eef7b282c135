"""Ranges, days and hours as people of a time zone mean them; every bound lies on a quarter hour of UTC."""

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from analytics.domain.counting import QUARTER, quarter_of

LONGEST: Final[Mapping[str, timedelta]] = {"day": timedelta(days=1100), "hour": timedelta(days=93)}
"""The longest range that is cut into days, and into hours."""


class NotAPeriod(ValueError):  # noqa: N818 - an answer to the caller, not a fault
    """A range that can't be counted; its text is a sentence for people."""


def bound(text: str, zone: ZoneInfo) -> datetime:
    """A bound in UTC: a date is the start of that day in `zone`, anything else an RFC 3339 instant.

    Raises `NotAPeriod` for what is neither, and for what is not on a quarter hour.
    """
    try:
        moment = start_of(date.fromisoformat(text), zone) if len(text) == len("2026-01-31") else instant(text)
    except (ValueError, OverflowError):
        raise NotAPeriod(
            "from and to must be dates (2026-01-31) or instants (2026-01-31T08:00:00Z)"
        ) from None
    if moment != quarter_of(moment):
        raise NotAPeriod("from and to must fall on a quarter hour of UTC")
    return moment


def instant(text: str) -> datetime:
    """An RFC 3339 instant with its offset, in UTC. Raises ValueError."""
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError("no offset")
    return moment.astimezone(UTC)


def start_of(day: date, zone: ZoneInfo) -> datetime:
    """When `day` begins in `zone`, in UTC; where midnight is skipped, the moment that it is skipped to."""
    return datetime.combine(day, time(), zone).astimezone(UTC)


def cuts(by: str, since: datetime, until: datetime, zone: ZoneInfo) -> list[datetime]:
    """Where the days or hours (`by`) of [since, until) begin; the first at `since` itself, whole or not.

    A day has 23, 24 or 25 hours, as the zone has it; an hour that the clock goes through twice is two.
    """
    if until - since > LONGEST[by]:
        raise NotAPeriod(f"by={by} takes at most {LONGEST[by].days} days")
    walk: Mapping[str, Callable[[datetime, datetime, ZoneInfo], Iterator[datetime]]]
    walk = {"day": days_after, "hour": hours_after}
    return [since, *walk[by](since, until, zone)]


def days_after(since: datetime, until: datetime, zone: ZoneInfo) -> Iterator[datetime]:
    """The starts of days after `since` and before `until`."""
    day = since.astimezone(zone).date() + timedelta(days=1)
    while (start := start_of(day, zone)) < until:
        if start > since:
            yield start
        day += timedelta(days=1)


def hours_after(since: datetime, until: datetime, zone: ZoneInfo) -> Iterator[datetime]:
    """The starts of hours after `since` and before `until`: full hours, and wherever the offset changes."""
    moment, before = since + QUARTER, since.astimezone(zone)
    while moment < until:
        local = moment.astimezone(zone)
        if local.minute == 0 or local.utcoffset() != before.utcoffset():
            yield moment
        moment, before = moment + QUARTER, local
