"""Kafka Connect with MongoDB's sink: what a team would take that only wants the events in a database.

It merges all events of a dialog into one document, at least once; it counts nothing.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

from aiokafka.admin import AIOKafkaAdminClient

from contracts.topics import DIALOGS, RATINGS
from deploy.local import jars, java
from deploy.local.servers import Servers
from deploy.local.stack import free_port_base

LOCK: Final = Path(__file__).with_name("connect.lock.txt")
SINK: Final = "com.mongodb.kafka.connect.sink"


def worker(kafka: str, folder: Path, port: int) -> dict[str, str]:
    """How the worker runs: texts as keys, JSON without schemas as values."""
    return {
        "bootstrap.servers": kafka,
        "key.converter": "org.apache.kafka.connect.storage.StringConverter",
        "value.converter": "org.apache.kafka.connect.json.JsonConverter",
        "value.converter.schemas.enable": "false",
        "offset.storage.file.filename": str(folder / "offsets"),
        "offset.flush.interval.ms": "500",
        "listeners": f"http://127.0.0.1:{port}",
        "consumer.max.poll.records": "5000",
    }


def sink(name: str, mongo: str, database: str) -> dict[str, str]:
    """What the connector does: `$set`s the fields of each event in the document of its key."""
    return {
        "name": name,
        "connector.class": "com.mongodb.kafka.connect.MongoSinkConnector",
        "tasks.max": "1",
        "topics": f"{DIALOGS.name},{RATINGS.name}",
        "connection.uri": mongo,
        "database": database,
        "collection": "closes",
        "transforms": "id",
        "transforms.id.type": "org.apache.kafka.connect.transforms.HoistField$Key",
        "transforms.id.field": "_id",
        "document.id.strategy": f"{SINK}.processor.id.strategy.ProvidedInKeyStrategy",
        "writemodel.strategy": f"{SINK}.writemodel.strategy.UpdateOneDefaultStrategy",
    }


def written(path: Path, settings: dict[str, str]) -> str:
    """A properties file."""
    path.write_text("".join(f"{name}={value}\n" for name, value in settings.items()))
    return str(path)


@asynccontextmanager
async def connecting(up: Servers, folder: Path, name: str) -> AsyncIterator[int]:
    """Connect at work, into the database `name`; its process id."""
    kafka = up.kafka_connection.servers
    files = (
        written(folder / f"{name}.worker.properties", worker(kafka, folder, free_port_base())),
        written(folder / f"{name}.sink.properties", sink(name, up.mongo_address, name)),
    )
    with (folder / f"{name}.log").open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            java.java(), "-Xmx1g", "-cp", jars.classpath(LOCK),
            "org.apache.kafka.connect.cli.ConnectStandalone", *files, stdout=log, stderr=log,
        )  # fmt: skip
        try:
            yield process.pid
        finally:
            process.terminate()
            await process.wait()


async def written_so_far(admin: AIOKafkaAdminClient, name: str) -> int:
    """How many events the connector says that it has written."""
    offsets = await admin.list_consumer_group_offsets(f"connect-{name}")
    return sum(each.offset for each in offsets.values() if each.offset > 0)
