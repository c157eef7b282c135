"""`python -m analytics rebuild`: builds the read models anew from the log, beside those that serve.

The log is projected into the collections of the next generation, partition by partition and side by side in
time, so that nearly each close is written once; indexes come afterwards. What was built is verified by
another folding of the log. Then one transaction takes over: it locks the checkpoints that serve, applies what
is missing up to them, removes them and makes the new generation the one that serves. Numbers never go back,
and whoever still projects the one before loses its checkpoints. Killed, it goes on where it was.
"""

import argparse
import asyncio
import os
import sys
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from functools import partial
from typing import Any, Final
from uuid import uuid4

from aiokafka.errors import KafkaError
from aiokafka.structs import TopicPartition
from motor.motor_asyncio import AsyncIOMotorClientSession
from pymongo.errors import PyMongoError
from tenacity import retry, retry_if_exception, stop_after_attempt, wait_random_exponential

from analytics.messaging.inbound import CONSUMED_TOPICS
from analytics.messaging.partition_work import InProcesses, InThisProcess, Place, Workers, WorkFailed
from analytics.messaging.verification import FETCH_BYTES, verify
from analytics.read_models.documents import FIRST_GENERATION, NAME, LiveChatDocuments
from analytics.read_models.generations import Build, BuiltElsewhere, Generations
from analytics.read_models.projection import LiveChatProjection
from analytics.read_models.views import publish_views
from analytics.settings import AnalyticsSettings
from chassis.errors import CheckpointConflict
from chassis.kafka.checkpoints import COLLECTION, Checkpoint, Checkpoints, begins_with, stored_offsets
from chassis.kafka.clients import partitions_of
from chassis.kafka.records import EventDecoder, ReceivedEvent, Record, fingerprint
from chassis.kafka.topic_reader import by_time, topic_reader
from chassis.mongo import connect, transaction
from chassis.transient import is_transient

AT_ONCE: Final = 20_000
"""Events of a transaction, some ten megabytes."""

NEAR: Final = 2_000
"""Events that may be missing when the last transaction begins."""

TELL_SECONDS: Final = 3.0
PROCESSES: Final = min(4, os.cpu_count() or 1)
LEAVE_SECONDS: Final = 30.0
"""How long what served before is left: a request may read it for 25 seconds."""

Report = Callable[[str], object]
Step = tuple[Record, ReceivedEvent[Any] | None]
"""A record, and the event to apply; None for what is no event, which the projection has put aside."""


class NotRebuilt(Exception):
    """What was built is not as the log says, or the log can't be read; a sentence. The old one serves on."""


@dataclass(frozen=True)
class Rebuilt:
    """The generation that serves now, how many closes it holds, and how long the old one stood still."""

    generation: int
    closes: int
    switched_in: float


async def rebuild(
    place: Place,
    report: Report = lambda _: None,
    *,
    at_once: int = AT_ONCE,
    leave_seconds: float = LEAVE_SECONDS,
    workers: Workers | None = None,
) -> Rebuilt:
    """Builds, verifies, switches, and removes what served before.

    Raises BuiltElsewhere, NotRebuilt, PyMongoError, KafkaError and WorkFailed.
    """
    database, generations = place.database, Generations(place.database)
    workers = workers or InThisProcess(place)
    serving, _ = await generations.read()
    build = await generations.claim(uuid4().hex)
    shadow = LiveChatDocuments.of(database, build.generation)
    filling = _Filling(place, build.generation, at_once)
    async with _telling(generations, build, filling, report):
        for gone in range(FIRST_GENERATION, serving):
            await _drop(LiveChatDocuments.of(database, gone))
        await shadow.create()
        await filling.locate()
        work = partial(fill_number, generation=build.generation, at_once=at_once)
        async for _ in workers.done(work, sorted({partition.partition for partition in filling.at})):
            pass
        report("building the indexes")
        await shadow.prepare()
        found = await verify(place, build.generation, report, workers=workers)
        if found.first:
            await _drop(shadow)
            await generations.discard(build.owner)
            raise NotRebuilt(f"{found.differing} differences; the first: {found.first}")
        await filling.locate()
        took = await _Switch(generations, build, LiveChatDocuments.of(database, serving), filling).done()
    await publish_views(shadow)
    report(f"generation {build.generation} serves")
    await asyncio.sleep(leave_seconds)
    await _drop(LiveChatDocuments.of(database, serving))
    return Rebuilt(build.generation, found.closes, took)


@retry(
    retry=retry_if_exception(is_transient),
    wait=wait_random_exponential(0.1, max=5),
    stop=stop_after_attempt(10),
    reraise=True,
)
async def fill_number(place: Place, number: int, *, generation: int, at_once: int) -> None:
    """Projects the partitions with this number up to their present ends."""
    filling = _Filling(place, generation, at_once)
    await filling.locate(number)
    await filling.advance(await filling.ends())


class _Filling:
    """Projects the log into a generation that nobody reads yet."""

    def __init__(self, place: Place, generation: int, at_once: int) -> None:
        self.at: dict[TopicPartition, Checkpoint] = {}
        self._place, self._at_once = place, at_once
        self._decoder = EventDecoder(place.topics)
        self._projection = LiveChatProjection(place.database, generation)
        self._checkpoints = Checkpoints(
            place.database[COLLECTION], self._projection.name, self._projection.version, place.connection
        )

    async def locate(self, number: int | None = None) -> None:
        """Goes on from the checkpoints, of the partitions with this number or of all."""
        partitions = [
            each
            for each in await partitions_of(self._place.connection, self._place.topics)
            if number in {None, each.partition}
        ]
        self.at, wrong = await self._checkpoints.locate(partitions)
        for partition, reason in wrong.items():
            raise NotRebuilt(f"{partition.topic}-{partition.partition}: {reason}")
        await self._checkpoints.fence_previous_owner(partitions)

    async def ends(self) -> Mapping[TopicPartition, int]:
        """Where the log ends."""
        async with topic_reader(self._place.connection, self.at) as consumer:
            ends: Mapping[TopicPartition, int] = await consumer.end_offsets(list(self.at))
        return ends

    async def done(self) -> int:
        """How many events were applied, by whomever."""
        found = await self._checkpoints.read(self.at)
        return sum(checkpoint.offset for checkpoint in found.values())

    async def advance(self, ends: Mapping[TopicPartition, int]) -> None:
        """Projects up to these ends; reads and decodes while what was decoded before is written."""
        writing: asyncio.Task[None] | None = None
        steps: list[Step] = []
        try:
            async for some in self.read(ends):
                steps += some
                if len(steps) >= self._at_once:
                    if writing:
                        await writing
                    writing, steps = asyncio.create_task(self._apply(steps)), []
        finally:
            if writing:
                await writing
        if steps:
            await self._apply(steps)

    async def read(self, ends: Mapping[TopicPartition, int]) -> AsyncIterator[list[Step]]:
        """What is missing up to these ends."""
        missing = {partition: end for partition, end in ends.items() if self.at[partition].offset < end}
        if not missing:
            return
        async with topic_reader(self._place.connection, missing, fetch_bytes=FETCH_BYTES) as consumer:
            for partition in missing:
                consumer.seek(partition, self.at[partition].offset)
            async for records in by_time(consumer, missing):
                yield [(record, self._event(record)) for record in records]

    async def apply_in(self, session: AsyncIOMotorClientSession, steps: Sequence[Step]) -> None:
        """Moves the checkpoints past these records and writes what they change, in a transaction.

        `at` isn't moved: that is `passed`, once it is committed.
        """
        after = _after(steps)
        moves = {partition: (self.at[partition], new) for partition, new in after.items()}
        await self._checkpoints.move(session, moves)
        if events := [event for _, event in steps if event]:
            await self._projection.apply(session, events)

    def passed(self, steps: Sequence[Step]) -> None:
        """The transaction was committed."""
        self.at |= _after(steps)

    def _event(self, record: Record) -> ReceivedEvent[Any] | None:
        decoded = self._decoder.read(record)
        return decoded if isinstance(decoded, ReceivedEvent) else None

    async def _apply(self, steps: Sequence[Step]) -> None:
        try:
            async with self._checkpoints.fencing.transaction() as session:
                await self.apply_in(session, steps)
        except CheckpointConflict:
            raise BuiltElsewhere from None
        except Exception as error:
            if is_transient(error):
                raise
            first = steps[0][0]
            where = f"{len(steps)} records from {first.topic}-{first.partition} {first.offset} on"
            raise NotRebuilt(f"the projection raised {type(error).__name__}, among {where}") from error
        self.passed(steps)


class _Switch:
    """Takes over from what serves."""

    def __init__(
        self, generations: Generations, build: Build, serving: LiveChatDocuments, filling: _Filling
    ) -> None:
        self._generations, self._build, self._serving, self._filling = generations, build, serving, filling
        self._checkpoints = serving.closes.database[COLLECTION]

    async def done(self) -> float:
        """Catches up, and takes over; returns for how many seconds nothing could be projected."""
        filling = self._filling
        while True:
            ends = await filling.ends()
            near = sum(ends.values()) - sum(each.offset for each in filling.at.values()) < NEAR
            await filling.advance(ends)
            if near:
                try:
                    return await self._take_over()
                except (PyMongoError, KafkaError) as error:
                    if not is_transient(error):
                        raise
                    if (await self._generations.read())[0] == self._build.generation:
                        return 0.0  # it was committed, and the acknowledgement is what was lost
                    # The projection was about to commit: it comes first, and there is a little more to apply.
                    await asyncio.sleep(0.01)

    async def _take_over(self) -> float:
        filling, theirs = self._filling, begins_with(self._serving.checkpoints)
        client = self._checkpoints.database.client
        async with await client.start_session() as session, transaction(session):
            began = time.monotonic()
            # From here on whoever projects what serves waits, and then finds its checkpoints gone.
            await self._checkpoints.update_many(theirs, {"$set": {"replaced": True}}, session=session)
            offsets = await stored_offsets(self._checkpoints, self._serving.checkpoints, session)
            steps = [step async for some in filling.read(offsets) for step in some]
            if steps:
                await filling.apply_in(session, steps)
            await self._checkpoints.delete_many(theirs, session=session)
            await self._generations.serve(self._build.owner, self._build.generation, session)
        filling.passed(steps)
        return time.monotonic() - began


@asynccontextmanager
async def _telling(
    generations: Generations, build: Build, filling: _Filling, report: Report
) -> AsyncIterator[None]:
    """Tells how far it is, again and again, so that nobody else goes on with it."""
    began, before = time.monotonic(), build.done

    async def tell() -> None:
        while True:
            await asyncio.sleep(TELL_SECONDS)
            with suppress(PyMongoError, KafkaError):
                done, total = await filling.done(), sum((await filling.ends()).values())
                await generations.renew(build.owner, done, total)
                if done < total:
                    rate = (done - before) / (time.monotonic() - began)
                    left = (total - done) / max(1, rate)
                    report(f"{done} of {total} events, {rate:.0f}/s, {left:.0f} s left")

    telling = asyncio.create_task(tell())
    try:
        yield
    finally:
        telling.cancel()
        with suppress(asyncio.CancelledError, BuiltElsewhere):
            await telling


async def _drop(documents: LiveChatDocuments) -> None:
    database = documents.closes.database
    await documents.closes.drop()
    await documents.counters.drop()
    await database[COLLECTION].delete_many(begins_with(documents.checkpoints))


def _after(steps: Sequence[Step]) -> dict[TopicPartition, Checkpoint]:
    """The checkpoints behind these records."""
    last = {(record.topic, record.partition): record for record, _ in steps}
    return {
        TopicPartition(*of): Checkpoint(record.offset + 1, fingerprint(record), record.timestamp)
        for of, record in last.items()
    }


def command(settings: AnalyticsSettings, argv: Sequence[str]) -> int:
    """Rebuilds; 0 if the new generation serves, 1 if it was refused or differs, 2 if it could not be done."""
    parser = argparse.ArgumentParser(prog="python -m analytics rebuild", description=__doc__)
    parser.add_argument("model", nargs="?", default=NAME, choices=[NAME], help=f"which one ({NAME})")
    parser.add_argument("--processes", type=int, default=PROCESSES, help=f"at a time ({PROCESSES})")
    told = parser.parse_args(argv)
    workers = InProcesses(told.processes, settings.mongo, settings.database, settings.kafka)

    async def run() -> Rebuilt:
        client = connect(settings.mongo)
        try:
            place = Place(client[settings.database], settings.kafka, CONSUMED_TOPICS)
            return await rebuild(place, _say, workers=workers)
        finally:
            client.close()

    try:
        built = asyncio.run(run())
    except BuiltElsewhere:
        _say("Somebody else is rebuilding it; see `python -m analytics status`.")
        return 1
    except NotRebuilt as error:
        _say(f"Nothing was switched: {error}")
        return 1
    except (PyMongoError, KafkaError, WorkFailed) as error:
        what = error if isinstance(error, WorkFailed) else type(error).__name__
        _say(f"It could not be done: {what}. Begin again: it goes on where it was.")
        return 2
    _say(f"generation {built.generation} of {NAME} serves with {built.closes} closes")
    return 0


def _say(line: str) -> None:
    sys.stderr.write(f"{line}\n")
