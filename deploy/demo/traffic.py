"""Dialogs at a steady pace until somebody stops them, and what analytics shows of them meanwhile."""

import asyncio
import random
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final

import httpx

from deploy.demo.channels import DEMO_CHANNELS
from deploy.demo.check import OFFERED, UNSETTLED, parts
from deploy.demo.people import NotYet, ServiceUnavailable
from deploy.demo.story import COMMENTS, Encounter, Ledger, Mood, moods
from deploy.demo.support_floor import OPERATORS, SupportFloor

LONGEST: Final = timedelta(hours=1)
MOST_AT_ONCE: Final = 60
SETTLES_WITHIN: Final = timedelta(seconds=60)
CLIENTS: Final = (
    ("Lucía Ferrer", "es"), ("Denis Arkhipov", "ru"), ("Maëlle Riou", "fr"), ("Tom Hale", "en"),
    ("Yasmin Haddad", "ar"), ("Wei Chen", "en"), ("Ebba Lind", "sv"), ("Camille Roy", "fr-CA"),
)  # fmt: skip


@dataclass(frozen=True)
class Numbers:
    """What became of all closes of the demo's channels; the parts add up to `closed`."""

    closed: int
    rated: int
    declined_or_expired: int
    open: int
    fell_away: int
    not_asked: int

    @classmethod
    def of(cls, summary: Mapping[str, int]) -> "Numbers":
        """From the counts of summaries."""
        return cls(
            closed=summary["closed"],
            rated=summary["given"],
            declined_or_expired=summary["declined"] + summary["expired"],
            open=sum(summary[state] for state in UNSETTLED),
            fell_away=summary["cancelled"] + summary["undeliverable"],
            not_asked=summary["not_offered"],
        )


@dataclass(frozen=True)
class Comparison:
    """Whether the numbers can be believed: `wrong` are sentences.

    `agrees` says whether closes, ratings and refusals since the traffic was first started are those that were
    acknowledged to clients and operators; None as long as some are still on their way.
    """

    at: datetime
    agrees: bool | None
    wrong: list[str]


@dataclass
class Traffic:
    """Plays encounters on the demo's channels; `pace` is in closes a second, None while it is stopped."""

    floor: SupportFloor
    dice: random.Random = field(default_factory=random.Random)
    pace: float | None = None
    started_at: datetime | None = None
    ledger: Ledger = field(default_factory=Ledger)
    failed: int = 0
    last_failure: str | None = None
    _playing: set[asyncio.Task[None]] = field(default_factory=set)
    _producing: asyncio.Task[None] | None = None
    _before: Counter[str] | None = None
    _settled_by: datetime = field(default_factory=lambda: datetime.now(UTC))

    @property
    def ends_at(self) -> datetime | None:
        """When it stops by itself."""
        return self.started_at and self.started_at + LONGEST

    async def start(self, pace: float) -> None:
        """Start, or go on at another pace. What the channels showed before is no part of the comparison."""
        if self._before is None:
            self._before = await self.counts()
        self.pace = pace
        if self._producing is None:
            self.started_at = datetime.now(UTC)
            self._producing = asyncio.create_task(self._produce())

    async def stop(self) -> None:
        """Begin no more dialogs; those that are under way come to their end."""
        if self._producing is not None:
            self._producing.cancel()
        self._stopped()

    async def end(self) -> None:
        """Stop, and give up what is under way."""
        await self.stop()
        for task in self._playing:
            task.cancel()
        await asyncio.gather(*self._playing, return_exceptions=True)

    async def counts(self) -> Counter[str]:
        """The counts of the summaries of all demo channels, added up."""
        supervisor, names = (
            self.floor.supervisor(),
            (*UNSETTLED, *OFFERED, "not_offered", "offered_total", "closed"),
        )
        summaries = [await supervisor.read("summary", channel=channel) for channel in DEMO_CHANNELS]
        return Counter({name: sum(summary[name] for summary in summaries) for name in {*names}})

    def compare(self, counts: Counter[str]) -> Comparison:
        """Whether the parts add up, and are what the clients did."""
        wrong = list(parts(counts))
        differing = list(self._differing(counts))
        agrees = not differing
        now = datetime.now(UTC)
        if differing and (self.pace or self._playing or now < self._settled_by):
            return Comparison(now, None, wrong)
        return Comparison(now, agrees, [*wrong, *differing])

    def _differing(self, counts: Counter[str]) -> Iterator[str]:
        before = self._before or counts
        done = Counter(each.state for each in self.ledger.endings.values())
        done["closed"] = len(self.ledger.endings)
        for name in ("closed", "given", "declined"):
            if (shown := counts[name] - before[name]) != done[name]:
                yield f"{name} rose by {shown}, the clients did {done[name]}"

    async def _produce(self) -> None:
        loop = asyncio.get_running_loop()
        ends, due = loop.time() + LONGEST.total_seconds(), loop.time()
        for number, mood in enumerate(self._moods()):
            if loop.time() > ends or self.pace is None:
                break
            if len(self._playing) < MOST_AT_ONCE:
                task = asyncio.create_task(self._play(number, mood))
                self._playing.add(task)
                task.add_done_callback(self._playing.discard)
            # A machine that can't keep the pace doesn't run after it.
            due = max(due + 1 / self.pace, loop.time() - 1)
            await asyncio.sleep(due - loop.time())
        self._stopped()

    def _stopped(self) -> None:
        self.pace, self.started_at, self._producing = None, None, None
        self._settled_by = datetime.now(UTC) + SETTLES_WITHIN

    def _moods(self) -> Iterator[Mood]:
        while True:
            yield from moods(20, self.dice)

    async def _play(self, number: int, mood: Mood) -> None:
        channel = list(DEMO_CHANNELS)[number % len(DEMO_CHANNELS)]
        operator = self.dice.choice(list(OPERATORS))
        name, locale = CLIENTS[number % len(CLIENTS)]
        comment = self.dice.choice(COMMENTS) if mood is Mood.COMMENTS else None
        score = self.dice.choices(range(1, 6), weights=(1, 1, 2, 5, 9))[0]
        try:
            visitor = await self.floor.visitor(channel, name=name, locale=locale)
            person = self.floor.operator(operator, OPERATORS[operator])
            await Encounter(visitor, person, operator, channel, mood, score, comment).play(self.ledger)
        except (ServiceUnavailable, NotYet, httpx.HTTPStatusError, AssertionError) as error:
            self.failed += 1
            self.last_failure = str(error)[:300]
