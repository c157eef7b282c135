"""Do the counters agree with the closes? Recounts the closes, and compares every number that is counted.

The closes are summed inside of the database, some days at a time, so that no query takes long and nothing
large is held: per day and outcome, and per operator, team and outcome. With each sum comes its moment, every
close times the number of its quarter hour, or of its day, so that what is counted in a wrong one shows as
well. Only where a sum or a moment differs every single number is compared.

Of days that the period cuts the quarter hours alone are compared: operators are not counted by them.
"""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Final, Literal, NamedTuple
from zoneinfo import ZoneInfo

from motor.motor_asyncio import AsyncIOMotorClientSession

from analytics.domain.counting import QUARTER
from analytics.domain.periods import day_of
from analytics.read_models.close_filter import CloseFilter
from analytics.read_models.counters import LONGEST_DAY, key_part, named_by
from analytics.read_models.documents import Document, LiveChatDocuments
from analytics.read_models.snapshot import in_one_snapshot
from analytics.read_models.summary import AT_ONCE, Span, moment_of, number_of

SHOWN: Final = 100
MAX_TIME_MS: Final = 60_000
SLICE: Final = timedelta(days=10)
A_QUARTER_MS: Final = QUARTER // timedelta(milliseconds=1)
OPERATOR: Final = {name: f"${name}" for name in ("channel", "zone", "operator", "team", "outcome")}

Sums = defaultdict[tuple[Any, ...], list[int]]
"""Per key how many closes there are, and their moment."""


class Day(NamedTuple):
    """A channel's day: its first quarter hour, by its number since 1970, and whose zone's day it is."""

    first: int
    channel: str
    zone: str

    @property
    def start(self) -> datetime:
        """When it starts."""
        return moment_of(self.first)


class Part(NamedTuple):
    """What of a day is counted: all, what is in a quarter hour, or what counts for an operator of a team.

    `quarter` is the number of the quarter hour since 1970.
    """

    level: Literal["day", "operator", "quarter"]
    quarter: int | None = None
    operator: str | None = None
    team: str | None = None


WHOLE: Final = Part("day")


class Difference(NamedTuple):
    """How many closes of a part of a day have an outcome, by the closes and by the counters."""

    day: Day
    part: Part
    outcome: str
    closes: int
    counters: int


@dataclass
class Comparison:
    """How many closes were recounted, how many numbers differ, in which days, and which, oldest first.

    `until` is where the days begin that are still to be compared; None when all were.
    """

    closes: int = 0
    differing: int = 0
    days: list[Day] = field(default_factory=list)
    first: list[Difference] = field(default_factory=list)
    until: datetime | None = None

    def add(self, later: "Comparison") -> None:
        """Goes on with the days that follow."""
        self.closes += later.closes
        self.differing += later.differing
        self.days += later.days
        self.first += later.first[: SHOWN - len(self.first)]
        self.until = later.until


async def compare(serving: Callable[[], LiveChatDocuments], closes: CloseFilter) -> Comparison:
    """Recounts `closes` and compares with their counters. Raises ExecutionTimeout if it takes too long."""
    async for found in comparing(serving, closes):
        whole = found
    return whole


async def comparing(
    serving: Callable[[], LiveChatDocuments], closes: CloseFilter
) -> AsyncIterator[Comparison]:
    """As `compare`, and gives what was found so far after every ten days, the oldest first.

    Each ten days are compared as they were at one moment, in the generation that serves by then.
    """
    found = Comparison()
    while (part := await days_from(serving(), closes, found.until)) is not None:
        found.add(part)
        yield found
    found.until = None
    yield found


async def days_from(
    documents: LiveChatDocuments, closes: CloseFilter, start: datetime | None
) -> Comparison | None:
    """Compares the first ten days since `start` that have closes or counters; None if none has."""

    async def read(session: AsyncIOMotorClientSession) -> Comparison | None:
        if (first := await _Days(documents, session, closes, start, None).first()) is None:
            return None
        end = first + SLICE
        days = _Days(documents, session, closes, first, end)
        if (count := await days.closes_if_equal()) is not None:
            return Comparison(count, until=end)
        count = await days.recount()
        await days.read_counters()
        wrong = days.differences()
        return Comparison(
            count, len(wrong), list(dict.fromkeys(each.day for each in wrong)), wrong[:SHOWN], end
        )

    return await in_one_snapshot(documents, read)


class _Days:
    """The days that start in [start, end), as far as they are of the period."""

    def __init__(
        self,
        documents: LiveChatDocuments,
        session: AsyncIOMotorClientSession,
        closes: CloseFilter,
        start: datetime | None,
        end: datetime | None,
    ) -> None:
        self._documents, self._session = documents, session
        self._asked, self._span = closes, Span.of(closes)
        bounds = {name: moment for name, moment in (("$gte", start), ("$lt", end)) if moment}
        within: Document = dict(bounds) or {"$type": "date"}
        # The day says which; the time is what the index knows.
        since = max(filter(None, (closes.since, start)), default=None)
        until = min(filter(None, (closes.until, end and end + LONGEST_DAY)), default=None)
        closed = replace(closes, since=since, until=until).of_closes()
        moment, self._day = closes.axis.value, closes.axis.day
        self._oldest_first = [(moment, 1)]
        self._closes = {"$and": [closed, {self._day: within}]}
        self._per_day = {name: f"${name}" for name in ("channel", "zone", "outcome")} | {
            "day": f"${self._day}"
        }
        since_start = {"$subtract": [f"${moment}", f"${self._day}"]}
        self._number_of_quarter = {"$floor": {"$divide": [since_start, A_QUARTER_MS]}}
        self._number_of_day = {"$divide": [{"$toLong": f"${self._day}"}, A_QUARTER_MS]}
        self._counters = {"$and": [closes.of_counters(), {"_id.start": within}]}
        self._whole: dict[Day, bool] = {}
        self._found: defaultdict[tuple[Day, Part, str], list[int]] = defaultdict(lambda: [0, 0])

    async def first(self) -> datetime | None:
        """When the first of the days starts; None if there is none."""
        close = await self._documents.closes.find_one(
            self._closes, {self._day: 1}, sort=self._oldest_first, session=self._session
        )
        counter = await self._documents.counters.find_one(
            self._counters, {"_id": 1}, sort=[("_id.start", 1)], session=self._session
        )
        starts = [close[self._day]] if close else []
        return min([*starts, counter["_id"]["start"]] if counter else starts, default=None)

    async def closes_if_equal(self) -> int | None:
        """How many closes there are, if no sum and no moment differs; else None."""
        counters, cut = await self._sums_of_counters()
        closes: Sums = defaultdict(lambda: [0, 0])
        count = 0
        async for key, n, moment in self._summed(self._per_day, self._number_of_quarter):
            day, count = day_of_key(key), count + n
            if not self._asked.by_operator:
                closes[day, "quarter", key["outcome"]] = [n, moment]
            if self._is_compared(day, WHOLE):
                closes[day, "day", key["outcome"]] = [n, 0]
        async for key, n, moment in self._summed(OPERATOR, self._number_of_day, but=cut):
            operator = key_part(key.get("operator")), key_part(key.get("team"))
            closes[key["channel"], key["zone"], *operator, key["outcome"]] = [n, moment]
        return count if without_zeros(closes) == without_zeros(counters) else None

    async def _sums_of_counters(self) -> tuple[Sums, list[Document]]:
        """The sums of the counters, and which days the period cuts."""
        sums: Sums = defaultdict(lambda: [0, 0])
        cut: dict[tuple[str, int], Document] = {}
        async for day, document in self._days_of_counters():
            whole = self._is_whole(day)
            if not whole:
                cut[day.zone, day.first] = {"zone": day.zone, self._day: day.start}
            for part, outcomes in parts_of(day, document):
                if not self._is_compared(day, part):
                    continue
                where: tuple[Any, ...] = (day, part.level)
                number = 0
                if part.level == "operator":
                    who = key_part(part.operator), key_part(part.team)
                    where, number = (day.channel, day.zone, *who), day.first
                elif part.quarter is not None:
                    number = part.quarter - day.first
                for outcome, n in outcomes.items():
                    found = sums[(*where, outcome)]
                    found[0] += n
                    found[1] += n * number
        return sums, list(cut.values())

    async def recount(self) -> int:
        """Sums the closes; returns how many there are."""
        count = 0
        async for key, n, _ in self._summed({**self._per_day, **OPERATOR}):
            day, count = day_of_key(key), count + n
            self._add(0, day, WHOLE, key["outcome"], n)
            self._add(0, day, Part("operator", None, key.get("operator"), key.get("team")), key["outcome"], n)
        async for key, n, _ in self._summed({**self._per_day, "number": self._number_of_quarter}):
            day = day_of_key(key)
            self._add(0, day, quarter(day, key["number"]), key["outcome"], n)
        return count

    async def read_counters(self) -> None:
        """Adds up the counters of the same days."""
        async for day, document in self._days_of_counters():
            for part, outcomes in parts_of(day, document):
                for outcome, n in outcomes.items():
                    self._add(1, day, part, outcome, n)

    async def _days_of_counters(self) -> AsyncIterator[tuple[Day, Document]]:
        found = self._documents.counters.find(self._counters, session=self._session, batch_size=AT_ONCE)
        async for document in found.max_time_ms(MAX_TIME_MS):
            key = document["_id"]
            yield Day(number_of(key["start"]), key["channel"], key["zone"]), document
            # A day of a large channel takes some milliseconds, and a cursor doesn't pause within a batch.
            await asyncio.sleep(0)

    def differences(self) -> list[Difference]:
        """What differs, in order of time."""
        wrong = [
            Difference(*which, closes, counters)
            for which, (closes, counters) in self._found.items()
            if closes != counters
        ]
        return sorted(wrong, key=lambda each: [*each.day, *map(str, each.part), each.outcome])

    def _add(self, side: int, day: Day, part: Part, outcome: str, n: int) -> None:
        if self._is_compared(day, part):
            self._found[day, part, outcome][side] += n

    def _is_compared(self, day: Day, part: Part) -> bool:
        if part.quarter is not None:
            return not self._asked.by_operator and self._span.holds(part.quarter, part.quarter + 1)
        if part is WHOLE:
            return not self._asked.by_operator and self._is_whole(day)
        operators, teams = self._asked.operators, self._asked.teams
        asked = (operators is None or part.operator in operators) and (teams is None or part.team in teams)
        return asked and self._is_whole(day)

    def _is_whole(self, day: Day) -> bool:
        if day not in self._whole:
            end = day_of(day.start, ZoneInfo(day.zone)).end
            self._whole[day] = self._span.holds(day.first, number_of(end))
        return self._whole[day]

    async def _summed(
        self, by: Document, moment: Any = 0, *, but: Sequence[Document] = ()
    ) -> AsyncIterator[tuple[Document, int, int]]:
        """A key, how many closes, and their moment; of all days, `but` of these."""
        wanted = {"$and": [self._closes, {"$nor": list(but)}]} if but else self._closes
        stages: list[Document] = [
            {"$match": wanted},
            {"$group": {"_id": by, "n": {"$sum": 1}, "moment": {"$sum": moment}}},
        ]
        found = self._documents.closes.aggregate(
            stages, session=self._session, allowDiskUse=True, maxTimeMS=MAX_TIME_MS, batchSize=10 * AT_ONCE
        )
        async for row in found:
            yield row["_id"], row["n"], int(row["moment"])


def day_of_key(key: Document) -> Day:
    """The day of a sum's key."""
    return Day(number_of(key["day"]), key["channel"], key["zone"])


def without_zeros(sums: Sums) -> dict[Any, list[int]]:
    """The sums that are not nothing."""
    return {key: numbers for key, numbers in sums.items() if any(numbers)}


def quarter(day: Day, number: Any) -> Part:
    """The quarter hour with this number of a day."""
    return Part("quarter", day.first + int(number))


def parts_of(day: Day, document: Document) -> Iterator[tuple[Part, Document]]:
    """Everything that a day's counters count."""
    yield WHOLE, document.get("whole", {})
    for operator, teams in document.get("operators", {}).items():
        for team, outcomes in teams.items():
            yield Part("operator", None, named_by(operator), named_by(team)), outcomes
    for number, outcomes in document.get("quarters", {}).items():
        yield quarter(day, number), outcomes
