"""How good was the live chat? Sums of counters: over a period, its days or hours, operators or channels.

A day that lies wholly in one part of what was asked for is counted by its whole; one that is cut, by its
quarter hours. Operators have no quarter hours: of days that are cut, their closes themselves are counted, and
so are all closes of what counters don't know: tags, locales, and who took part without being counted for.
"""

import asyncio
from bisect import bisect_right
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, Final, Literal

from motor.motor_asyncio import AsyncIOMotorClientSession

from analytics.domain.counting import ANY_OUTCOME, EXCLUDED, QUARTER, Counts, Outcomes, counted
from analytics.read_models.close_filter import CloseFilter
from analytics.read_models.counters import key_part, named_by
from analytics.read_models.documents import LONGEST_READ_MS, Document, LiveChatDocuments
from analytics.read_models.reviewed import COLLECTION, excluded_ids

HOURS_OF_DAY: Final = 24
AT_ONCE: Final = 100
WHOLES_AT_ONCE: Final = 1_000
"""Of a day's whole alone little is sent, and each round trip costs as much as a hundred of them."""

QUARTERS_AT_ONCE: Final = 20
"""Documents that are worked on without a pause: some milliseconds. With quarter hours they are larger."""

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
QUARTER_SECONDS: Final = int(QUARTER.total_seconds())
EVER: Final = 2**40

By = Literal["channel", "operator", "person"] | None
"""A `person` took part; a close is counted for each of them."""

GROUPS: Final[Mapping[By, tuple[str | None, str | None]]] = {
    None: (None, None),
    "channel": ("$channel", None),
    "operator": ("$operator", "$operator_name"),
    "person": ("$people.id", "$people.name"),
}
"""Where closes have what they are grouped by, and its name."""

PartOf = Callable[[int], Hashable]
"""The part that a quarter hour belongs to, by its number since 1970. What is between two quarter hours of one
part, and at most a day long, is of that part as well.
"""


def everything(_: int) -> Hashable:
    """One part for all of the time."""
    return None


def number_of(moment: datetime) -> int:
    """The number of a quarter hour since 1970."""
    # `moment - EPOCH` is slow where both are UTC by another name.
    return int(moment.timestamp() // QUARTER_SECONDS)


@dataclass(frozen=True)
class Span:
    """The quarter hours that are counted, [first, end), and the part that each of them belongs to."""

    first: int
    end: int
    part_of: PartOf

    @classmethod
    def of(cls, closes: CloseFilter, part_of: PartOf = everything) -> "Span":
        """The period of `closes`."""
        first = -EVER if closes.since is None else number_of(closes.since)
        return cls(first, EVER if closes.until is None else number_of(closes.until), part_of)

    def cut(self, first: int, end: int) -> tuple[int, int]:
        """What of [first, end) is counted; nothing if it doesn't begin before it ends."""
        return max(first, self.first), min(end, self.end)

    def touches(self, first: int, end: int) -> bool:
        """Whether any of [first, end) is counted."""
        return first < self.end and self.first < end

    def holds(self, first: int, end: int) -> bool:
        """Whether all of [first, end) is counted, and in one part."""
        return self.cut(first, end) == (first, end) and self.part_of(first) == self.part_of(end - 1)


@dataclass
class Sums:
    """The outcomes per part and group, and the newest name of each operator."""

    outcomes: defaultdict[tuple[Hashable, Any], defaultdict[str, int]] = field(
        default_factory=lambda: defaultdict(lambda: defaultdict(int))
    )
    names: dict[str | None, tuple[datetime, str]] = field(default_factory=dict)

    def add(self, part: Hashable, group: Any, outcomes: Mapping[str, int]) -> None:
        """Adds to a part and group."""
        found = self.outcomes[part, group]
        for outcome, n in outcomes.items():
            found[outcome] += n

    def name(self, operator: str | None, named: Mapping[str, Any] | None) -> None:
        """Keeps what an operator was called at ``{at, name}``, if that is newer."""
        if named and (operator not in self.names or self.names[operator][0] < named["at"]):
            self.names[operator] = (named["at"], named["name"])


async def sums(
    documents: LiveChatDocuments,
    session: AsyncIOMotorClientSession | None,
    closes: CloseFilter,
    part_of: PartOf = everything,
    by: By = None,
    *,
    with_excluded: bool = False,
) -> Sums:
    """The outcomes of `closes` per part of the time and per group, also those that were not asked for.

    Those that supervisors excluded are taken away, and there as `EXCLUDED`, unless `with_excluded`.
    """
    reader = _Reader(documents, session, closes, Span.of(closes, part_of), by)
    if by == "person" or not closes.is_counted:
        await reader.add_closes([closes.of_closes()])
    elif by == "operator" or closes.by_operator:
        await reader.add_operators()
    else:
        await reader.add_wholes()
    if not with_excluded:
        await reader.take_away_excluded()
    return reader.sums


class _Reader:
    def __init__(
        self,
        documents: LiveChatDocuments,
        session: AsyncIOMotorClientSession | None,
        closes: CloseFilter,
        span: Span,
        by: By,
    ) -> None:
        self.sums = Sums()
        self._documents, self._session = documents, session
        self._closes, self._span, self._by = closes, span, by

    async def add_wholes(self) -> None:
        """Adds up days, and of those that are cut the quarter hours."""
        cut: list[Document] = []
        async for day, first, end in self._days(["whole", "end"], WHOLES_AT_ONCE):
            if self._span.holds(first, end):
                self.sums.add(self._span.part_of(first), self._group(day), day.get("whole", {}))
            else:
                cut.append(day["_id"])
        for some in (cut[at : at + QUARTERS_AT_ONCE] for at in range(0, len(cut), QUARTERS_AT_ONCE)):
            async for day in self._find({"_id": {"$in": some}}, ["quarters"]):
                start = number_of(day["_id"]["start"])
                for number, outcomes in day.get("quarters", {}).items():
                    quarter = start + int(number)
                    if self._span.first <= quarter < self._span.end:
                        self.sums.add(self._span.part_of(quarter), self._group(day), outcomes)

    async def add_operators(self) -> None:
        """Adds up the operators of days, and of those that are cut their closes."""
        cut: set[tuple[str, int, int]] = set()
        async for day, first, end in self._days(self._operator_fields(), AT_ONCE):
            if self._span.holds(first, end):
                self._add_operators_of(day, self._span.part_of(first))
            else:
                cut.add((day["_id"]["zone"], *self._span.cut(first, end)))
        if ranges := [*merged(cut)]:
            await self.add_closes(
                [
                    {**self._closes.within(*map(moment_of, span)).of_closes(), "zone": zone}
                    for zone, *span in ranges
                ]
            )

    def _operator_fields(self) -> list[str]:
        if self._closes.operators is None:
            return ["end", "operators", "names"]
        keys = sorted(map(key_part, self._closes.operators))
        return ["end", *(f"{field}.{key}" for field in ("operators", "names") for key in keys)]

    def _add_operators_of(self, day: Document, part: Hashable) -> None:
        for key, teams in day.get("operators", {}).items():
            operator, asked = named_by(key), self._closes.teams
            group = self._group(day, operator)
            for team, outcomes in teams.items():
                if asked is None or named_by(team) in asked:
                    self.sums.add(part, group, outcomes)
            self.sums.name(operator, day.get("names", {}).get(key))

    def _group(self, day: Document, operator: str | None = None) -> Any:
        if self._by == "channel":
            return day["_id"]["channel"]
        return operator if self._by == "operator" else None

    async def add_closes(self, parts: Sequence[Document]) -> None:
        """Counts closes inside of the database: those that one of these filters finds."""
        async for quarter, group, outcome, n, named in self._grouped({"$or": [*parts]}):
            self.sums.add(self._span.part_of(quarter), group, {outcome: n})
            self.sums.name(group, named)

    async def take_away_excluded(self) -> None:
        """Takes away what supervisors excluded, and notes how much that was."""
        # Not by a $lookup, which takes three times as long.
        reviewed = self._documents.closes.database[COLLECTION]
        if not (ids := await excluded_ids(reviewed, self._session, self._closes)):
            return
        # Of every outcome, as counters have them: which are asked for is looked at afterwards.
        closes = replace(self._closes, outcomes=ANY_OUTCOME) if self._closes.is_counted else self._closes
        wanted = {"_id": {"$in": ids}, **closes.of_closes()}
        async for quarter, group, outcome, n, _ in self._grouped(wanted, hint={"_id": 1}):
            self.sums.add(self._span.part_of(quarter), group, {outcome: -n, EXCLUDED + outcome: n})

    async def _grouped(
        self, wanted: Document, **how: Any
    ) -> AsyncIterator[tuple[int, Any, str, int, Document | None]]:
        """Closes by quarter hour, group and outcome: these, how many, and what the operator was called."""
        moment = f"${self._closes.axis}"
        quarter: Any = {"$floor": {"$divide": [{"$toLong": moment}, QUARTER // timedelta(milliseconds=1)]}}
        if self._span.part_of is everything:
            quarter = {"$literal": 0}  # a row per outcome then, not one per quarter hour of it
        field, name = GROUPS[self._by]
        named = {"$cond": [name, {"at": moment, "name": name}, None]} if name else None
        group = {"quarter": quarter, "group": field, "outcome": "$outcome"}
        found = self._documents.closes.aggregate(
            [
                {"$match": wanted},
                *([{"$unwind": "$people"}] if self._by == "person" else []),
                {"$group": {"_id": group, "n": {"$sum": 1}, "named": {"$max": named}}},
            ],
            session=self._session, allowDiskUse=True, maxTimeMS=LONGEST_READ_MS, batchSize=10 * AT_ONCE,
            **how,
        )  # fmt: skip
        async for row in found:
            key = row["_id"]
            yield int(key["quarter"]), key["group"], key["outcome"], row["n"], row["named"]

    async def _days(self, fields: Sequence[str], batch: int) -> AsyncIterator[tuple[Document, int, int]]:
        """The counters of the days that are asked for, in whole or in part, with their quarter hours."""
        found = self._find(self._closes.of_counters(), fields, batch)
        while days := await found.to_list(AT_ONCE):
            for day in days:
                first, end = bounds_of(day)
                if self._span.touches(first, end):
                    yield day, first, end
            await asyncio.sleep(0)  # other requests are answered in between

    def _find(self, wanted: Document, fields: Sequence[str], batch: int = AT_ONCE) -> Any:
        found = self._documents.counters.find(wanted, [*fields], session=self._session, batch_size=batch)
        return found.max_time_ms(LONGEST_READ_MS)


def bounds_of(day: Document) -> tuple[int, int]:
    """The quarter hours of a day's counters, [first, end)."""
    return number_of(day["_id"]["start"]), number_of(day["end"])


def moment_of(number: int) -> datetime:
    """When the quarter hour with this number begins."""
    return EPOCH + number * QUARTER


def merged(ranges: Iterable[tuple[str, int, int]]) -> Iterator[tuple[str, int, int]]:
    """The ranges of each zone in order, those that touch as one; without those that are empty."""
    last: tuple[str, int, int] | None = None
    for zone, first, end in sorted(ranges):
        if first >= end:
            continue
        if last and last[0] == zone and first <= last[2]:
            last = (zone, last[1], max(end, last[2]))
        else:
            if last:
                yield last
            last = (zone, first, end)
    if last:
        yield last


async def summed(
    documents: LiveChatDocuments,
    session: AsyncIOMotorClientSession,
    closes: CloseFilter,
    starts: Sequence[datetime] = (),
) -> tuple[Counts, dict[datetime, Counts]]:
    """The counts of all `closes` and of each part that begins at one of `starts` (in order)."""
    numbers = [number_of(start) for start in starts]
    part_of = partial(bisect_right, numbers) if numbers else everything
    found = await sums(documents, session, closes, part_of)
    whole: defaultdict[str, int] = defaultdict(int)
    parts: dict[Hashable, Outcomes] = {}
    for (index, _), outcomes in found.outcomes.items():
        parts[index] = outcomes
        for outcome, n in outcomes.items():
            whole[outcome] += n
    counts: dict[datetime, Counts] = {}
    for index, start in enumerate(starts, start=1):
        counts[start] = counted(parts.get(index, {}), closes.outcomes)
        if index % AT_ONCE == 0:
            await asyncio.sleep(0)
    return counted(whole, closes.outcomes), counts


@dataclass(frozen=True)
class GroupCounts:
    """What the closes of an operator or a channel count, and the newest name that the operator had at one."""

    counts: Counts
    name: str | None


async def summed_by(
    documents: LiveChatDocuments,
    session: AsyncIOMotorClientSession | None,
    closes: CloseFilter,
    by: Literal["channel", "operator", "person"],
) -> Mapping[Any, GroupCounts]:
    """The counts of the `closes` per channel, operator or person; without closes there is none."""
    found = await sums(documents, session, closes, by=by)
    return {
        group: GroupCounts(counted(outcomes, closes.outcomes), found.names.get(group, (None, None))[1])
        for (_, group), outcomes in found.outcomes.items()
    }


async def summed_by_hour(
    documents: LiveChatDocuments,
    session: AsyncIOMotorClientSession | None,
    closes: CloseFilter,
    offsets: Sequence[tuple[datetime, timedelta]],
) -> Mapping[int, Counts]:
    """The counts per hour of the week in a zone, 0 to 167 from Monday's first; by the zone's `offsets`."""
    since = [number_of(moment) for moment, _ in offsets]
    ahead = [offset // QUARTER for _, offset in offsets]

    def hour_of_week(quarter: int) -> int:
        local = quarter + ahead[bisect_right(since, quarter) - 1]
        # 1970 began on a Thursday, three days into its week.
        return (local // 4 + 3 * HOURS_OF_DAY) % (7 * HOURS_OF_DAY)

    found = await sums(documents, session, closes, hour_of_week)
    return {int(str(hour)): counted(each, closes.outcomes) for (hour, _), each in found.outcomes.items()}


async def review_counts(documents: LiveChatDocuments, closes: CloseFilter) -> Counts:
    """The counts of all `closes`, whatever their outcome, excluded or not: as many as the list has."""
    found = await sums(documents, None, replace(closes, outcomes=ANY_OUTCOME), with_excluded=True)
    return counted(found.outcomes[None, None])
