"""Writes records to Kafka: in order per partition, every acknowledgement awaited, "unknown" is an error."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import Any

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError, MessageSizeTooLargeError
from aiokafka.structs import RecordMetadata as KafkaRecordMetadata

from chassis.errors import PublishFailed
from chassis.kafka.clients import started
from chassis.kafka.connection import KafkaConnection


@dataclass(frozen=True)
class ProducerRecord:
    """A record to write. Without `partition` the key chooses it (murmur2, as in Java).

    A `value` of None is a tombstone. Bytes as key, and null headers, are for records passed on as they came.
    """

    topic: str
    key: str | bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes | None]] = field(default=())
    partition: int | None = None


@dataclass(frozen=True)
class RecordMetadata:
    """Where a record landed; the offset is -1 if Kafka knew it for a repeated one and had forgotten where."""

    partition: int
    offset: int


class Publisher:
    """One idempotent producer, made when it is first needed and again whenever it may have lost count.

    `timeout` is what one `publish` waits for all its acknowledgements, in seconds.
    """

    def __init__(self, connection: KafkaConnection, client_id: str, *, timeout: float = 10.0) -> None:
        self._connection = connection
        self._client_id = client_id
        self._timeout = timeout
        self._producer: AIOKafkaProducer | None = None
        self._starting = asyncio.Lock()

    async def stop(self) -> None:
        """Disconnects; whoever still waits in `publish` gets PublishFailed."""
        if self._producer is not None:
            await self._discard(self._producer)

    async def publish(self, records: Sequence[ProducerRecord]) -> list[RecordMetadata]:
        """Writes `records`, in order per partition, and tells where each one landed.

        Raises PublishFailed if any acknowledgement is missing; then nothing is known about any of them.
        """
        if not records:
            return []
        producer: AIOKafkaProducer | None = None
        try:
            async with asyncio.timeout(self._timeout):
                producer = await self._ready()
                return await _send_all(producer, records)
        except (TimeoutError, KafkaError, OSError, AssertionError) as error:
            # One that was refused before it was queued has not made the producer lose count.
            if producer is not None and not isinstance(error, (AssertionError, MessageSizeTooLargeError)):
                await self._discard(producer)
            raise PublishFailed(f"{len(records)} records: {type(error).__name__}") from error

    async def _ready(self) -> AIOKafkaProducer:
        async with self._starting:
            if self._producer is None:
                producer = AIOKafkaProducer(
                    **self._connection.options(),
                    client_id=self._client_id,
                    acks="all",
                    enable_idempotence=True,
                    compression_type="lz4",
                    linger_ms=3,
                    max_batch_size=256 * 1024,
                    request_timeout_ms=int(self._timeout * 1000),
                )
                try:
                    await started(producer.start())
                except BaseException:
                    await _kill(producer)
                    raise
                self._producer = producer
            return self._producer

    async def _discard(self, producer: AIOKafkaProducer) -> None:
        # An idempotent producer never gives up: left alone it would write what we already called unknown.
        if self._producer is producer:
            self._producer = None
        await _kill(producer)


async def _send_all(producer: AIOKafkaProducer, records: Sequence[ProducerRecord]) -> list[RecordMetadata]:
    acknowledgements: list[asyncio.Future[KafkaRecordMetadata]] = []
    try:
        for record in records:  # one after the other: that is the order in the partition
            key = record.key.encode() if isinstance(record.key, str) else record.key
            written = await producer.send(
                record.topic, record.value, key, partition=record.partition, headers=list(record.headers)
            )
            acknowledgements.append(written)
        return [
            RecordMetadata(written.partition, written.offset)
            for written in await asyncio.gather(*acknowledgements)
        ]
    finally:
        for acknowledgement in acknowledgements:
            _forget(acknowledgement)


def _forget(acknowledgement: "asyncio.Future[Any]") -> None:
    """Nobody waits for it any more; a late error must not be reported as never retrieved."""
    if not acknowledgement.done():
        acknowledgement.cancel()
    elif not acknowledgement.cancelled():
        acknowledgement.exception()


async def _kill(producer: AIOKafkaProducer) -> None:
    # `stop` alone flushes first, which never ends while the broker is away (aiokafka #1017 and its kin).
    sender = producer._sender.sender_task
    if sender is not None:
        sender.cancel()
    await producer.client.close()
    if sender is not None:
        await asyncio.wait([sender], timeout=2)
    waiting = producer._message_accumulator
    waiting.fail_all(KafkaError("the producer was given up"))
    for batch in (*waiting._pending_batches, *chain.from_iterable(waiting._batches.values())):
        _forget(batch._drain_waiter)
    # In a task of its own, since it may pass on the cancellation that was meant for the sender.
    stopping = asyncio.create_task(producer.stop())
    await asyncio.wait([stopping], timeout=2)
    _forget(stopping)
