"""An answer and the expiry race for the last millisecond: exactly one of them is stored, every time."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta

import pytest

from chassis.clock import ManualClock
from chassis.errors import CommandRejected
from chassis.eventstore.handle import handle
from chassis.eventstore.mongo import MongoEventStore
from chassis.eventstore.repository import Repository
from chassis.mongo import connect
from rating.domain.rating.decider import RATING, ExpireForm, GiveRating, RegisterClose
from tests.rating.builders import CLOSED_AT, EXPIRY, RULES, facts, snapshot

pytestmark = [pytest.mark.real, pytest.mark.long, pytest.mark.timeout(240)]

DEADLINE = CLOSED_AT + EXPIRY
JUST_BEFORE = DEADLINE - timedelta(milliseconds=1)
RACES, AT_ONCE = 1000, 50


async def race(answering: Repository, expiring: Repository, number: int) -> str:
    """One form, answered and expired at once by two replicas; what its stream then holds."""
    stream = RATING.stream(f"race{number}")
    close = RegisterClose(
        snapshot=snapshot(dialog=f"race{number}"), rules=RULES, facts=facts(),
        erased=False, now=CLOSED_AT,
    )  # fmt: skip
    await handle(answering, RATING, stream, close)
    await expiring.load(RATING, stream)
    answer = handle(answering, RATING, stream, GiveRating(1, 5, JUST_BEFORE))
    expiry = handle(expiring, RATING, stream, ExpireForm(1, DEADLINE))
    # Either may start first; the event store alone decides.
    racers = [answer, expiry] if number % 2 else [expiry, answer]
    results = await asyncio.gather(*racers, return_exceptions=True)
    assert all(
        not isinstance(result, BaseException) or isinstance(result, CommandRejected) for result in results
    )
    refused = any(isinstance(result, CommandRejected) for result in results)
    winners = await settled(answering, stream)
    assert len(winners) == 1
    assert refused == (winners == ["expired"])
    return winners[0]


async def settled(repository: Repository, stream: str) -> Sequence[str]:
    """The events of the stream that settle the form, as stored."""
    commits = await repository.store.read(stream, limit=100)
    kinds = [event["type"] for commit in commits for event in commit.events]
    return [kind for kind in kinds if kind in {"given", "expired"}]


async def test_exactly_one_of_given_and_expired_wins(mongo: str, database: str) -> None:
    client = connect(mongo)
    clock = ManualClock(DEADLINE)
    replicas = [Repository(MongoEventStore(client[database]), clock) for _ in range(2)]
    await MongoEventStore(client[database]).prepare()
    winners: list[str] = []
    for first in range(0, RACES, AT_ONCE):
        batch = range(first, first + AT_ONCE)
        winners += await asyncio.gather(*(race(replicas[0], replicas[1], number) for number in batch))
    client.close()
    assert len(winners) == RACES
    # A race that one side always wins would prove nothing.
    assert set(winners) == {"given", "expired"}
