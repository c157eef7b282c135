"""What a follower makes of one commit: what happened, and what of it is said to others."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, Protocol, TypeVar, cast

from pydantic import BaseModel

from chassis.eventstore.decider import Decider
from chassis.eventstore.serialization import read_events
from chassis.eventstore.store import Commit
from chassis.kafka.publisher import ProducerRecord
from contracts.envelope import Envelope, Event

S = TypeVar("S")
E = TypeVar("E", bound=BaseModel)


@dataclass(frozen=True)
class RecordedEvent(Generic[S, E]):
    """An event, where it stands in its stream, and the state right after it."""

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

    All that one stream says must have one topic and one key: ``ce_sequence`` counts it.
    """

    topic: str
    key: str
    event: Event


@dataclass(frozen=True)
class CommitHandler(Generic[S, E]):
    """What becomes of the streams of one decider, in this order for each commit.

    `project` writes own read models and timers; it may be repeated and may overlap with another replica's,
    so it is guarded by the number. `before_publish` publishes what public events need first: their keys.
    `to_public` translates an event, with the state after it; None keeps it private.
    """

    decider: Decider[S, Any, E]
    to_public: Callable[[S, E], PublicEvent | None]
    project: Callable[[Sequence[RecordedEvent[S, E]]], Awaitable[None]]
    before_publish: Callable[[Sequence[PublicEvent]], Awaitable[None]] | None = None

    @property
    def start(self) -> "StreamPosition[S]":
        """Before the first commit of a stream."""
        return StreamPosition(self.decider.initial, number=0, said=0)

    def passed(self, place: "StreamPosition[S]", commit: Commit, said: int) -> "StreamPosition[S]":
        """The place after a commit that was followed before, and then had `said` so much."""
        return StreamPosition(
            self.decider.fold(place.state, read_events(self.decider, commit)), commit.number, said
        )

    def step(self, service: str, place: "StreamPosition[S]", commit: Commit) -> "CommitPlan[S, E]":
        """All that follows from the next commit after `place`. Raises `UnknownStoredEvent`."""
        followed = tuple(self._follow(place.state, commit))
        translated = [(one, self.to_public(one.state, one.event)) for one in followed]
        spoken = [(one, public) for one, public in translated if public is not None]
        records = tuple(
            _record(service, one, public, place.said + count) for count, (one, public) in enumerate(spoken, 1)
        )
        state = followed[-1].state if followed else place.state
        after = StreamPosition(state, commit.number, place.said + len(spoken))
        return CommitPlan(
            self, commit.stream, after, followed, tuple(public for _, public in spoken), records
        )

    def _follow(self, state: S, commit: Commit) -> "list[RecordedEvent[S, E]]":
        followed = []
        for position, event in enumerate(read_events(self.decider, commit), commit.first):
            state = self.decider.evolve(state, event)
            followed.append(
                RecordedEvent(
                    commit.stream, commit.number, position, state, event, commit.at, commit.traceparent
                )
            )
        return followed


@dataclass(frozen=True)
class StreamPosition(Generic[S]):
    """How far a stream was followed: its state after commit `number`, and what it `said` by then."""

    state: S
    number: int
    said: int


@dataclass(frozen=True)
class CommitPlan(Generic[S, E]):
    """What one commit asks for: to project, to say, and where the stream then stands."""

    following: CommitHandler[S, E]
    stream: str
    place: StreamPosition[S]
    followed: tuple[RecordedEvent[S, E], ...]
    public: tuple[PublicEvent, ...]
    records: tuple[ProducerRecord, ...]


class _Typed(Protocol):
    type: str


def _record(
    service: str, followed: RecordedEvent[Any, Any], public: PublicEvent, sequence: int
) -> ProducerRecord:
    envelope = Envelope(
        id=f"{followed.stream}:{followed.position}",
        type=cast("_Typed", public.event).type,
        source=f"/candor/{service}",
        time=followed.at,
        subject=public.key,
        sequence=sequence,
        traceparent=followed.traceparent,
    )
    return ProducerRecord(
        topic=public.topic,
        key=public.key,
        value=public.event.model_dump_json().encode(),
        headers=envelope.to_headers(),
    )
