"""Wakes the streams of all replicas once lists show what happened. Losing it only makes streams slower."""

import asyncio
import random
import uuid
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final

import structlog
from aiokafka import AIOKafkaConsumer
from aiokafka.errors import KafkaError
from pydantic import BaseModel, ConfigDict, ValidationError

from chassis.http.live import LiveUpdates
from chassis.kafka.clients import partitions_of
from chassis.kafka.connection import KafkaConnection
from chassis.kafka.publisher import ProducerRecord, Publisher
from chassis.kafka.topic_reader import topic_reader
from chassis.outbox.commit_handler import RecordedEvent
from chassis.transient import is_transient
from chat.domain.dialog.events import DialogEvent, MessagePosted
from chat.domain.dialog.state import Dialog, Open, details_of
from chat.read_models.dialogs import Dialogs
from contracts.access import EVERY_CHANNEL
from contracts.topics import WAKEUPS

PUBLISH_SECONDS: Final = 5.0
CHANNELS_SECONDS: Final = 2.0
"""How often streams of whole channels are woken: many listen, and a client can move a dialog on and on."""

AHEAD_SECONDS: Final = 10.0
"""How far ahead of that they may be: what happens now and then is told at once, such as a new dialog."""

POLL_MS: Final = 500
TOGETHER_SECONDS: Final = 0.05
"""What happens within it is told, and looked up, at once."""

PAUSE_SECONDS: Final = 10.0
MOST_PENDING: Final = 10_000
REPLICA: Final = "replica"
CHANNEL: Final = "channel:"
"""How the topics of whole channels begin."""

log = structlog.stdlib.get_logger(__name__)


class DialogWakeup(BaseModel):
    """A record of `candor.chat.wakeups`, keyed by the dialog: it has come to this version."""

    model_config = ConfigDict(extra="ignore", strict=True)

    dialog: str
    version: int


class Wakeups:
    """A background task: tells the other replicas what this one has projected, and hears what they have."""

    name = "wakeups"

    def __init__(
        self, live: LiveUpdates, dialogs: Dialogs, connection: KafkaConnection, service: str
    ) -> None:
        self._live = live
        self._dialogs = dialogs
        self._connection = connection
        # One of its own: a producer that fails is given up, with all that others have in it.
        self._publisher = Publisher(connection, f"{service}-wakeups", timeout=PUBLISH_SECONDS)
        self._replica = uuid.uuid4().hex.encode()
        self._pending: dict[str, int] = {}
        self._told = asyncio.Event()
        self._channels: set[str] = set()
        self._moved = asyncio.Event()

    def announce(self, batch: Sequence[RecordedEvent[Dialog, DialogEvent]]) -> None:
        """These events are projected: wakes this replica's streams now, and the others' soon."""
        self._wake(set().union(*map(_topics_of, batch)))
        for recorded in batch:
            if len(self._pending) < MOST_PENDING:
                self._pending[details_of(recorded.state).dialog] = recorded.number
        self._told.set()

    def unhealthy_reason(self) -> str | None:
        """None: streams look by themselves, too."""
        return None

    async def run(self) -> None:
        """Until cancelled; what is not told meanwhile is never told."""
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(_again_and_again(self._tell))
                tasks.create_task(_again_and_again(self._hear))
                tasks.create_task(self._wake_channels())
        finally:
            await self._publisher.stop()

    def _wake(self, topics: set[str]) -> None:
        channels = {topic for topic in topics if topic.startswith(CHANNEL)}
        self._live.wake(topics - channels)
        if channels:
            self._channels |= channels
            self._moved.set()

    async def _wake_channels(self) -> None:
        now = asyncio.get_running_loop().time
        due_at = now()
        while True:
            await self._moved.wait()
            self._moved.clear()
            channels, self._channels = self._channels, set()
            self._live.wake(channels)
            due_at = max(due_at, now()) + CHANNELS_SECONDS
            await asyncio.sleep(due_at - AHEAD_SECONDS - now())

    async def _tell(self) -> None:
        while True:
            await self._told.wait()
            await asyncio.sleep(TOGETHER_SECONDS)
            self._told.clear()
            pending, self._pending = self._pending, {}
            headers = [(REPLICA, self._replica)]
            records = [
                ProducerRecord(WAKEUPS.name, dialog, value.model_dump_json().encode(), headers)
                for dialog, version in pending.items()
                for value in [DialogWakeup(dialog=dialog, version=version)]
            ]
            await self._publisher.publish(records)

    async def _hear(self) -> None:
        partitions = await partitions_of(self._connection, [WAKEUPS.name])
        async with topic_reader(self._connection, partitions) as consumer:
            await consumer.seek_to_end()
            while True:
                if versions := await self._heard(consumer):
                    for document in await self._dialogs.concerned(versions):
                        self._wake(_topics_of_document(document, versions[document["_id"]]))
                await asyncio.sleep(TOGETHER_SECONDS)

    async def _heard(self, consumer: AIOKafkaConsumer) -> dict[str, int]:
        """The lowest version of each dialog that other replicas told of; waits a little for it."""
        versions: dict[str, int] = {}
        for records in (await consumer.getmany(timeout_ms=POLL_MS)).values():
            for record in records:
                if not self._live.open or (REPLICA, self._replica) in record.headers:
                    continue
                try:
                    told = DialogWakeup.model_validate_json(record.value or b"")
                except ValidationError:
                    log.warning("wakeup_not_understood")
                    continue
                versions[told.dialog] = min(told.version, versions.get(told.dialog, told.version))
        return versions


async def _again_and_again(work: Callable[[], Awaitable[None]]) -> None:
    while True:
        try:
            await work()
        except Exception as error:
            if not isinstance(error, KafkaError) and not is_transient(error):
                raise
            log.warning("wakeups_lost", error=type(error).__name__)
        await asyncio.sleep(PAUSE_SECONDS * random.uniform(0.5, 1))  # noqa: S311 - jitter


def _topics_of(recorded: RecordedEvent[Dialog, DialogEvent]) -> set[str]:
    """Whoever may list the dialog; all of its channel if it may have come to, or gone from, their lists."""
    details = details_of(recorded.state)
    operators = details.writers | ({details.assigned.id} if details.assigned else set())
    waits = isinstance(recorded.state, Open) and details.assigned is None
    moved = waits or not isinstance(recorded.event, MessagePosted)
    return _topics(details.client, details.channel if moved else None, operators)


def _topics_of_document(document: dict[str, Any], version: int) -> set[str]:
    moved = document["waiting"] or document.get("moved", {}).get("version", 0) >= version
    return _topics(document["client"], document["channel"] if moved else None, document["operators"])


def _topics(client: str, channel: str | None, operators: Any) -> set[str]:
    of_channel = {CHANNEL + channel, CHANNEL + EVERY_CHANNEL} if channel else set()
    return {f"client:{client}", *(f"operator:{operator}" for operator in operators)} | of_channel
