"""A decider says what happens: commands and past events in, new events out; no clock, no I/O."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Generic, TypeVar

from pydantic import BaseModel, ConfigDict, TypeAdapter

S = TypeVar("S")
C = TypeVar("C")
E = TypeVar("E", bound=BaseModel)


class StoredValue(BaseModel):
    """An event, or a value inside of one. Storage format: only add, and only optional fields."""

    model_config = ConfigDict(frozen=True)


@dataclass(frozen=True)
class Decider(Generic[S, C, E]):
    """The rules of one kind of stream.

    `decide` returns the new events, none when there is nothing to do, or raises `CommandRejected`.
    `events` reads stored events: a union discriminated by ``type``, to which one may only add.
    """

    category: str
    initial: S
    evolve: Callable[[S, E], S]
    decide: Callable[[S, C], Sequence[E]]
    events: TypeAdapter[E]

    def fold(self, state: S, events: Sequence[E]) -> S:
        """The state after `events`."""
        return reduce(self.evolve, events, state)

    def stream(self, key: str) -> str:
        """The name of the stream that holds the aggregate `key`."""
        return f"{self.category}:{key}"
