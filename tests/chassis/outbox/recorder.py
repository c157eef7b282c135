"""What a relay talks to: it remembers everything, and breaks where it is told to."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from chassis.eventstore.mongo import MongoEventStore
from chassis.kafka.publisher import ProducerRecord
from chassis.outbox.commit_handler import CommitHandler, PublicEvent, RecordedEvent
from chassis.outbox.pending import RelayMark
from chassis.outbox.relay import OutboxRelay
from contracts.envelope import Envelope
from tests.chassis.eventstore.jar import JARS, Jar, JarEvent, to_public
from tests.waiting import until

TOPIC = "toy.jars"


class Crash(BaseException):
    """The process is gone: nothing catches it."""


@dataclass
class Recorder:
    """Publisher, projection and key store in one; `reach` is called before and after each of their steps."""

    reach: Callable[[str], None] = lambda _: None
    records: list[ProducerRecord] = field(default_factory=list)
    projected: dict[str, int] = field(default_factory=dict)
    steps: list[str] = field(default_factory=list)

    async def project(self, recorded: Sequence[RecordedEvent[Jar, JarEvent]]) -> None:
        self.step("project")
        for one in recorded:
            self.projected[one.stream] = max(self.projected.get(one.stream, 0), one.number)
            assert len(one.state.puts) >= 1
        self.step("projected")

    async def before_publish(self, public: Sequence[PublicEvent]) -> None:
        self.step("keys")
        assert public
        self.step("keyed")

    async def publish(self, records: Sequence[ProducerRecord]) -> None:
        self.step("publish")
        half = len(records) // 2
        self.records.extend(records[:half])
        self.step("half published")
        self.records.extend(records[half:])
        self.step("published")

    def step(self, name: str) -> None:
        self.steps.append(name)
        self.reach(name)

    def handler(self) -> CommitHandler[Jar, JarEvent]:
        return CommitHandler(JARS, partial(to_public, TOPIC), self.project, self.before_publish)

    def relay(self, store: MongoEventStore, **settings: Any) -> OutboxRelay:
        relay = OutboxRelay("toy", store, self, [self.handler()], **settings)
        mark = relay._outbox.mark

        async def marked(marks: Sequence[RelayMark]) -> None:
            self.step("mark")
            await mark(marks)
            self.step("marked")

        relay._outbox.mark = marked  # type: ignore[method-assign]
        return relay

    def envelopes(self) -> dict[str, list[Envelope]]:
        """All envelopes by subject, in the order they were published, repeats too."""
        found: defaultdict[str, list[Envelope]] = defaultdict(list)
        for record in self.records:
            envelope = Envelope.from_headers(record.headers)
            assert record.key == envelope.subject
            found[envelope.subject].append(envelope)
        return dict(found)

    def sequences(self, subject: str) -> list[int]:
        """Without repeats, in the order they were published first."""
        return list(dict.fromkeys(envelope.sequence for envelope in self.envelopes().get(subject, [])))


@asynccontextmanager
async def running(*relays: OutboxRelay) -> AsyncIterator[list["asyncio.Task[None]"]]:
    """Relays at work; whatever they die of is not raised here."""
    tasks = [asyncio.create_task(relay.run()) for relay in relays]
    try:
        yield tasks
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def all_relayed(store: MongoEventStore) -> bool:
    return await store.commits.count_documents({"relayed": False}) == 0


async def relay_all(store: MongoEventStore, *relays: OutboxRelay) -> None:
    """Runs the relays until nothing is left to relay."""
    async with running(*relays):
        await until(lambda: all_relayed(store))
