"""`python -m analytics status`: which generation of the read models serves, and how far each of them is."""

import argparse
import asyncio
import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from aiokafka.errors import KafkaError
from motor.motor_asyncio import AsyncIOMotorDatabase
from pydantic import TypeAdapter
from pymongo.errors import PyMongoError

from analytics.messaging.faults import what_failed
from analytics.messaging.inbound import CONSUMED_TOPICS
from analytics.read_models.documents import Document, LiveChatDocuments
from analytics.read_models.generations import KEY, Build, Generations
from analytics.settings import AnalyticsSettings
from chassis.kafka.checkpoints import COLLECTION, stored_offsets
from chassis.kafka.clients import partitions_of
from chassis.kafka.connection import KafkaConnection
from chassis.kafka.topic_reader import topic_reader
from chassis.mongo import connect


async def status(
    database: AsyncIOMotorDatabase[Document],
    connection: KafkaConnection,
    topics: Mapping[str, TypeAdapter[Any]] = CONSUMED_TOPICS,
) -> list[str]:
    """Lines for the platform team. Raises PyMongoError and KafkaError."""
    generation, build = await Generations(database).read()
    documents = LiveChatDocuments.of(database, generation)
    partitions = await partitions_of(connection, topics)
    async with topic_reader(connection, partitions) as consumer:
        starts = await consumer.beginning_offsets(partitions)
        ends = await consumer.end_offsets(partitions)
    offsets = await stored_offsets(database[COLLECTION], documents.checkpoints)
    waiting = sum(max(0, end - offsets.get(part, starts[part])) for part, end in ends.items())
    closes = await documents.closes.estimated_document_count()
    names = f"{documents.closes.name}, {documents.counters.name}"
    serving = f"{KEY}: generation {generation} serves ({names}): {closes} closes, {waiting} events wait"
    return [serving, *_building(build)]


def _building(build: Build | None) -> Iterator[str]:
    if build is None:
        return
    since = f"{build.began_at:%Y-%m-%d %H:%M:%S} UTC"
    took = (build.renewed_at - build.began_at).total_seconds()
    if took < 0:
        yield f"{KEY}: generation {build.generation}, begun {since}, was interrupted: begin again, it goes on"
        return
    rate = build.done / took if took else 0.0
    left = f", {(build.total - build.done) / rate:.0f} s left" if rate else ""
    yield (
        f"{KEY}: generation {build.generation} is being built since {since}: {build.done} of {build.total}"
        f" events, {rate:.0f}/s{left}; last heard of at {build.renewed_at:%H:%M:%S}"
    )


def command(settings: AnalyticsSettings, argv: Sequence[str]) -> int:
    """Writes the lines; 0, or 2 if they could not be had."""
    argparse.ArgumentParser(prog="python -m analytics status", description=__doc__).parse_args(argv)

    async def run() -> list[str]:
        client = connect(settings.mongo)
        try:
            return await status(client[settings.database], settings.kafka)
        finally:
            client.close()

    try:
        lines = asyncio.run(run())
    except (PyMongoError, KafkaError) as error:
        sys.stderr.write(f"It could not be read: {what_failed(error, settings)}.\n")
        return 2
    sys.stdout.write("".join(f"{line}\n" for line in lines))
    return 0
