"""`python -m analytics verify`: recomputes the read models from the log, and names the first difference.

Partition by partition, and of each some dialogs at a time, so that little is held: their events are folded
anew and compared with the documents, as both were at one moment. Then the counters, and what they call
operators, are compared with the closes. Nothing is written, nothing has to stop.
"""

import argparse
import asyncio
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final
from zlib import crc32
from zoneinfo import ZoneInfo

from aiokafka.errors import KafkaError
from aiokafka.structs import TopicPartition
from motor.motor_asyncio import AsyncIOMotorClientSession
from pydantic import TypeAdapter
from pymongo.errors import PyMongoError

from analytics.messaging.faults import what_failed
from analytics.messaging.inbound import CONSUMED_TOPICS
from analytics.messaging.partition_work import Deployment, InThisProcess, Workers
from analytics.read_models.channels import UTC
from analytics.read_models.close_filter import CloseFilter
from analytics.read_models.documents import Document, LiveChatDocuments
from analytics.read_models.generations import Generations
from analytics.read_models.operator_names import wrong_names
from analytics.read_models.projection import by_close, updated
from analytics.read_models.reconcile import compare
from analytics.read_models.snapshot import in_one_snapshot
from analytics.settings import AnalyticsSettings
from chassis.kafka.checkpoints import COLLECTION, stored_offsets
from chassis.kafka.connection import KafkaConnection
from chassis.kafka.records import EventDecoder, ReceivedEvent
from chassis.kafka.topic_reader import by_time, topic_reader
from chassis.mongo import connect

AT_ONCE: Final = 200_000
"""Events that are held at once, some hundred megabytes."""

DOCUMENTS_AT_ONCE: Final = 1_000
FETCH_BYTES: Final = 4 * 2**20

Report = Callable[[str], object]


@dataclass
class Verification:
    """How many closes are as the log says, and how many differ; `first` says what of the first."""

    closes: int = 0
    differing: int = 0
    first: str | None = None

    def differs(self, what: str) -> None:
        """Another difference."""
        self.differing += 1
        self.first = self.first or what

    def add(self, other: "Verification") -> None:
        """What was found elsewhere."""
        self.closes += other.closes
        self.differing += other.differing
        self.first = self.first or other.first


class RebuiltMeanwhile(Exception):
    """What was compared was replaced, and may have been dropped while it was."""


async def verify(
    deployment: Deployment,
    generation: int,
    report: Report = lambda _: None,
    *,
    at_once: int = AT_ONCE,
    workers: Workers | None = None,
) -> Verification:
    """Compares what is stored with what the log says. Raises PyMongoError, KafkaError and WorkFailed."""
    found, documents = Verification(), LiveChatDocuments.of(deployment.database, generation)
    offsets = await stored_offsets(deployment.database[COLLECTION], documents.checkpoints)
    numbers = sorted({partition.partition for partition in offsets})
    work = partial(verify_number, generation=generation, at_once=at_once)
    async for part in (workers or InThisProcess(deployment)).done(work, numbers):
        found.add(part)
        report(f"{found.closes} closes are as the log says, {found.differing} are not")
    everything = CloseFilter(channels=None)
    counters = await compare(lambda: documents, everything)
    for each in counters.first:
        where = f"{each.day.channel} on the day of {each.day.start:%Y-%m-%d %H:%M} UTC"
        found.differs(
            f"{where}: {each.closes} closes are {each.outcome}, the counters of its {each.part.level} say"
            f" {each.counters}"
        )
    async for wrong in wrong_names(documents):
        found.differs(wrong)
    return found


async def verify_number(
    deployment: Deployment, number: int, *, generation: int, at_once: int
) -> Verification:
    """Compares the closes of the partitions with this number, some dialogs at a time."""
    documents = LiveChatDocuments.of(deployment.database, generation)
    found, verifying = Verification(), _Verifying(documents, deployment.connection, deployment.topics)
    offsets = await verifying.offsets()
    parts = sum(offset for each, offset in offsets.items() if each.partition == number) // at_once + 1
    for part in range(parts):
        look = partial(verifying.differences, number=number, of=(part, parts))
        found.add(await in_one_snapshot(documents, look))
    return found


class _Verifying:
    def __init__(
        self,
        documents: LiveChatDocuments,
        connection: KafkaConnection,
        topics: Mapping[str, TypeAdapter[Any]],
    ) -> None:
        self.documents = documents
        self._checkpoints = documents.closes.database[COLLECTION]
        self._connection, self._decoder = connection, EventDecoder(topics)

    async def offsets(self, session: AsyncIOMotorClientSession | None = None) -> dict[TopicPartition, int]:
        """How far each partition was projected."""
        return await stored_offsets(self._checkpoints, self.documents.checkpoints, session)

    async def differences(
        self, session: AsyncIOMotorClientSession, *, number: int, of: tuple[int, int]
    ) -> Verification:
        """Compares the closes of the dialogs that are in one `of` so many parts of a partition."""
        found = Verification()
        positions = await self.offsets(session)
        ends = {part: end for part, end in positions.items() if part.partition == number and end}
        batches = by_close(await self._events(ends, of))
        names = list(batches)
        for start in range(0, len(names), DOCUMENTS_AT_ONCE):
            some = names[start : start + DOCUMENTS_AT_ONCE]
            stored = self.documents.closes.find({"_id": {"$in": some}}, session=session)
            documents: dict[str, Document] = {each["_id"]: each async for each in stored}
            for name in some:
                if wrong := difference(documents.get(name), batches[name]):
                    found.differs(f"close {name}: {wrong}")
                else:
                    found.closes += 1
        there = self.documents.closes.find({"partition": number}, {"_id": 1}, session=session)
        async for each in there:
            name = each["_id"]
            if is_of(name.rpartition(".")[0].encode(), of) and name not in batches:
                found.differs(f"close {name}: nothing in the log")
        return found

    async def _events(
        self, ends: Mapping[TopicPartition, int], of: tuple[int, int]
    ) -> list[ReceivedEvent[Any]]:
        if not ends:
            return []
        found: list[ReceivedEvent[Any]] = []
        async with topic_reader(self._connection, list(ends), fetch_bytes=FETCH_BYTES) as consumer:
            await consumer.seek_to_beginning(*ends)
            async for records in by_time(consumer, ends):
                decoded = [self._decoder.read(record) for record in records if is_of(record.key or b"", of)]
                found += [each for each in decoded if isinstance(each, ReceivedEvent)]
        return found


def is_of(dialog: bytes, of: tuple[int, int]) -> bool:
    """Whether a dialog is in part `of[0]` of `of[1]`."""
    part, parts = of
    return crc32(dialog) % parts == part


def difference(stored: Document | None, batch: Sequence[ReceivedEvent[Any]]) -> str | None:
    """Which fields of a close are not as its events say; None if all are."""
    zone = ZoneInfo(stored["zone"]) if stored and "zone" in stored else UTC
    expected = updated(None, batch, lambda _: zone)
    if stored is None or expected is None:
        return None if stored is expected else "not stored"
    if expected == stored:
        return None
    names = sorted(expected.keys() | stored.keys())
    wrong = [name for name in names if expected.get(name) != stored.get(name)]
    return f"{', '.join(wrong)} not as in the log"


def command(settings: AnalyticsSettings, argv: Sequence[str]) -> int:
    """Verifies; 0 if all is as the log says, 1 if something differs, 2 if it could not be read.

    130 if it was interrupted.
    """
    argparse.ArgumentParser(prog="python -m analytics verify", description=__doc__).parse_args(argv)

    async def run() -> Verification:
        client = connect(settings.mongo)
        try:
            deployment = Deployment(client[settings.database], settings.kafka, CONSUMED_TOPICS)
            generations = Generations(deployment.database)
            serving, _ = await generations.read()
            found = await verify(deployment, serving, _say)
            if (await generations.read())[0] != serving:
                raise RebuiltMeanwhile
            return found
        finally:
            client.close()

    try:
        found = asyncio.run(run())
    except RebuiltMeanwhile:
        _say("Another generation serves by now: begin again.")
        return 2
    except KeyboardInterrupt:
        _say("Interrupted; nothing was written. Begin again.")
        return 130
    except (PyMongoError, KafkaError) as error:
        _say(f"It could not be read: {what_failed(error, settings)}.")
        return 2
    if found.first is None:
        sys.stdout.write(f"{found.closes} closes and their counters are as the log says\n")
        return 0
    sys.stdout.write(f"{found.differing} differences; the first: {found.first}\n")
    return 1


def _say(line: str) -> None:
    sys.stderr.write(f"{line}\n")
