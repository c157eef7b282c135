"""What the relay makes of one commit: the events as recorded, and what of them is published."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, Protocol, TypeVar, cast

from pydantic import BaseModel, TypeAdapter

from chassis.eventstore.decider import Decider
from chassis.eventstore.serialization import read_events
from chassis.eventstore.store import Commit
from chassis.kafka.publisher import ProducerRecord
from contracts.envelope import Envelope, Event

S = TypeVar("S")
E = TypeVar("E", bound=BaseModel)
P = TypeVar("P", bound=Event)


@dataclass(frozen=True)
class RecordedEvent(Generic[S, E]):
    """An event, where it stands in its stream, and the state right after it.

    `number` is its commit's, `position` its own in the stream; both count from 1. `at` is the commit's time.
    """

    stream: str
    number: int
    position: int
    state: S
    event: E
    at: datetime
    traceparent: str | None


@dataclass(frozen=True)
class PublicEvent:
    """A public event for `topic`; `key` chooses the partition and is the envelope's subject.

    All that one stream publishes must have one topic and one key: ``ce_sequence`` counts it.
    """

    topic: str
    key: str
    event: Event


@dataclass(frozen=True)
class Publication(Generic[P]):
    """A topic that a service publishes on, and the events: no others, a type checker sees to it."""

    topic: str
    events: TypeAdapter[P]

    def of(self, key: str, event: P) -> PublicEvent:
        """The event, to be published here."""
        return PublicEvent(self.topic, key, event)


@dataclass(frozen=True)
class StreamPosition(Generic[S]):
    """How far a stream was relayed: its state after commit `number`, and how many events it `published`."""

    state: S
    number: int
    published: int


@dataclass(frozen=True)
class CommitHandler(Generic[S, E]):
    """What becomes of the streams of one decider, in this order for each commit.

    `project` writes own read models and timers; it may be repeated and may overlap with another replica's,
    so it is guarded by the position. `before_publish` publishes what public events need first: their keys.
    `to_public` translates an event, with the state after it; None keeps it private.
    """

    decider: Decider[S, Any, E]
    to_public: Callable[[S, E], PublicEvent | None]
    project: Callable[[Sequence[RecordedEvent[S, E]]], Awaitable[None]]
    before_publish: Callable[[Sequence[PublicEvent]], Awaitable[None]] | None = None

    @property
    def start(self) -> StreamPosition[S]:
        """Before the first commit of a stream."""
        return StreamPosition(self.decider.initial, number=0, published=0)

    def skip(self, before: StreamPosition[S], commit: Commit, published: int) -> StreamPosition[S]:
        """The position after a commit that was relayed before, which left its stream at `published`."""
        state = self.decider.fold(before.state, read_events(self.decider, commit))
        return StreamPosition(state, commit.number, published)

    def plan(self, service: str, before: StreamPosition[S], commit: Commit) -> "CommitPlan[S, E]":
        """All that follows from the next commit after `before`. Raises `UnknownStoredEvent`."""
        state, published = before.state, before.published
        recorded, public, records = [], [], []
        for position, event in enumerate(read_events(self.decider, commit), commit.first):
            state = self.decider.evolve(state, event)
            one = RecordedEvent(
                commit.stream, commit.number, position, state, event, commit.at, commit.traceparent
            )
            recorded.append(one)
            if translated := self.to_public(state, event):
                published += 1
                public.append(translated)
                records.append(_producer_record(service, one, translated, published))
        after = StreamPosition(state, commit.number, published)
        return CommitPlan(self, commit.stream, after, tuple(recorded), tuple(public), tuple(records))


@dataclass(frozen=True)
class CommitPlan(Generic[S, E]):
    """What one commit asks for: what to project, to publish as `records`, and the position `after` it."""

    handler: CommitHandler[S, E]
    stream: str
    after: StreamPosition[S]
    recorded: tuple[RecordedEvent[S, E], ...]
    public: tuple[PublicEvent, ...]
    records: tuple[ProducerRecord, ...]


class _Typed(Protocol):
    type: str


def _producer_record(
    service: str, recorded: RecordedEvent[Any, Any], public: PublicEvent, sequence: int
) -> ProducerRecord:
    envelope = Envelope(
        id=f"{recorded.stream}:{recorded.position}",
        type=cast("_Typed", public.event).type,
        source=f"/candor/{service}",
        time=recorded.at,
        subject=public.key,
        sequence=sequence,
        traceparent=recorded.traceparent,
    )
    return ProducerRecord(
        topic=public.topic,
        key=public.key,
        value=public.event.model_dump_json().encode(),
        headers=envelope.to_headers(),
    )
