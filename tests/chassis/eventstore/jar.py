"""A jar of coins: the smallest aggregate with refusals, repeats, commits of two events, and private ones."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from chassis.errors import CommandRejected
from chassis.eventstore.decider import Decider
from chassis.eventstore.serialization import to_stored
from chassis.eventstore.store import Commit
from chassis.outbox.commit_handler import PublicEvent
from contracts.envelope import Event, Instant

NOON = datetime(2026, 3, 29, 12, tzinfo=UTC)


class Coin(StrEnum):
    COPPER = "copper"
    SILVER = "silver"


class CoinPut(BaseModel):
    model_config = ConfigDict(frozen=True)
    type: Literal["jar.coin-put"] = "jar.coin-put"
    put: str
    coin: Coin = Coin.COPPER
    at: Instant = NOON
    seen_by: tuple[str, ...] = ()


class JarFilled(BaseModel):
    model_config = ConfigDict(frozen=True)
    type: Literal["jar.filled"] = "jar.filled"


JarEvent = CoinPut | JarFilled


@dataclass(frozen=True)
class Jar:
    puts: tuple[str, ...] = ()
    full: bool = False


@dataclass(frozen=True)
class PutCoin:
    put: str


SIZE = 3


def evolve(jar: Jar, event: JarEvent) -> Jar:
    match event:
        case CoinPut():
            return replace(jar, puts=(*jar.puts, event.put))
        case JarFilled():
            return replace(jar, full=True)


def decide(jar: Jar, command: PutCoin) -> Sequence[JarEvent]:
    if command.put in jar.puts:
        return []
    if jar.full:
        raise CommandRejected("The jar is full")
    put = CoinPut(put=command.put)
    return [put, JarFilled()] if len(jar.puts) + 1 == SIZE else [put]


JARS: Decider[Jar, PutCoin, JarEvent] = Decider(
    category="jar",
    initial=Jar(),
    evolve=evolve,
    decide=decide,
    events=TypeAdapter(Annotated[JarEvent, Field(discriminator="type")]),
)


class PublicCoinPut(Event):
    """What is published of a coin; that the jar is full stays private."""

    type: Literal["example.coin-put.v1"] = "example.coin-put.v1"
    jar_holds: int
    put: str


def to_public(topic: str, jar: Jar, event: JarEvent) -> PublicEvent | None:
    if not isinstance(event, CoinPut):
        return None
    return PublicEvent(topic, jar.puts[0], PublicCoinPut(jar_holds=len(jar.puts), put=event.put))


def commit(stream: str, number: int, *events: BaseModel, first: int | None = None) -> Commit:
    """A commit of one coin, unless other events are given."""
    stored = tuple(to_stored(event) for event in events or (CoinPut(put=f"p{number}"),))
    return Commit(stream, number, first or number, stored, NOON)
