"""The projection on the real database: any order, any batches, any races give the same documents."""

import asyncio
from collections import Counter
from random import Random
from typing import Any

import pytest
from pymongo import WriteConcern
from pymongo.errors import OperationFailure
from pymongo.read_concern import ReadConcern

from analytics.messaging.inbound import CONSUMED_TOPICS, LiveChatProjection
from chassis.kafka.projection_runner import Projection
from chassis.kafka.records import EventDecoder
from contracts.envelope import HIGHEST
from contracts.ratings import RatingGiven
from tests.analytics.builders import ExpectedClose, batches, heard, many, shuffled
from tests.analytics.harness import Harness

pytestmark = pytest.mark.real


async def counts(house: Harness) -> Counter[str]:
    found: Counter[str] = Counter()
    for counter in await house.kept("counters_v1"):
        found.update(counter["n"])
    return Counter({name: n for name, n in found.items() if n})


def expected(told: list[ExpectedClose]) -> dict[str, int]:
    found: Counter[str] = Counter()
    for close in told:
        found.update(close.counts())
    return {name: n for name, n in found.items() if n}


async def test_it_is_a_projection(house: Harness) -> None:
    projection: Projection = LiveChatProjection(house.rooms)
    assert (projection.name, projection.version) == ("live_chat", 1)


@pytest.mark.parametrize("seed", range(4))
async def test_any_order_repetition_and_batches_give_the_same_documents(house: Harness, seed: int) -> None:
    random = Random(seed)
    told = many(random, 60)
    for part in batches(random, shuffled(random, told)):
        await house.hear_events(part)
    closes, counters = await house.kept("closes_v1"), await counts(house)
    assert counters == expected(told)
    for collection in ("closes_v1", "counters_v1"):
        await house.rooms[collection].delete_many({})
    await house.hear(*told)
    assert await house.kept("closes_v1") == closes
    assert await counts(house) == counters
    assert (await house.ask("reconcile"))["equal"]


async def test_a_close_that_is_only_rated_waits_uncounted(house: Harness) -> None:
    told = ExpectedClose()
    await house.hear_events([told.offered(), told.given()])
    assert [close["said"] and "channel" in close for close in await house.kept("closes_v1")] == [False]
    assert (await house.ask("summary"))["closed"] == 0
    await house.hear_events([told.closed()])
    summary = await house.ask("summary")
    assert (summary["closed"], summary["given"]) == (1, 1)


async def test_hearing_it_all_again_writes_nothing(house: Harness) -> None:
    told = ExpectedClose(changes=(3,))
    await house.hear(told)
    before = await house.rooms.command("serverStatus")
    await house.hear(told)
    after = await house.rooms.command("serverStatus")
    written = [status["metrics"]["document"] for status in (before, after)]
    assert written[0] == {**written[1], "returned": written[0]["returned"]}


async def test_counters_are_kept_per_partition_and_summed_when_read(house: Harness) -> None:
    await house.hear(ExpectedClose("d1"), ExpectedClose("d2"))
    assert {each["_id"]["partition"] for each in await house.kept("counters_v1")} == {
        heard(ExpectedClose(dialog).closed()).partition for dialog in ("d1", "d2")
    }
    assert (await house.ask("summary"))["closed"] == 2


async def test_a_transaction_that_is_undone_leaves_nothing(house: Harness) -> None:
    async with await house.client.start_session() as session:
        session.start_transaction()
        await LiveChatProjection(house.rooms).apply(session, [heard(ExpectedClose().closed())])
        await session.abort_transaction()
    assert await house.kept("closes_v1") == []
    assert await house.kept("counters_v1") == []


@pytest.mark.parametrize("known", [False, True], ids=["a new close", "a close that is known"])
async def test_of_two_writers_of_one_close_one_must_do_it_again(house: Harness, known: bool) -> None:  # noqa: FBT001
    told = ExpectedClose()
    if known:
        await house.hear_events([told.closed()])
    results = await asyncio.gather(
        *(house.apply([heard(told.closed()), heard(event)]) for event in (told.offered(), told.scheduled())),
        return_exceptions=True,
    )
    lost = [result for result in results if isinstance(result, OperationFailure)]
    assert all(error.has_error_label("TransientTransactionError") for error in lost)
    assert len([result for result in results if result is None]) + len(lost) == 2
    await house.hear_events([told.offered(), told.scheduled()])
    assert await counts(house) == {"closed": 1, "pending": 1}


async def test_words_with_odd_names_and_numbers_do_no_harm(house: Harness) -> None:
    told = ExpectedClose(team="$a.b\0|")
    odd: dict[str, Any] = {"where": HIGHEST, "0": -HIGHEST}
    given = RatingGiven(**{**dict(told.given()), "answers": odd})
    await house.hear_events([told.closed(), given])
    (found,) = (await house.ask("reviews"))["reviews"]
    assert (found["team"], found["state"]) == ("$a.b\0|", "given")
    assert (await house.ask("reconcile"))["equal"]


def test_what_is_replayed_is_heard_by_the_same_members() -> None:
    types = EventDecoder(CONSUMED_TOPICS)._types
    assert types["candor.analytics.replay"] == types["candor.dialogs"] | types["candor.ratings"]


async def test_it_reads_through_the_session_what_its_transaction_has_written(house: Harness) -> None:
    projection = LiveChatProjection(house.rooms)
    async with (
        await house.client.start_session() as session,
        session.start_transaction(
            read_concern=ReadConcern("snapshot"), write_concern=WriteConcern("majority")
        ),
    ):
        for offset, event in enumerate(ExpectedClose().events()):
            await projection.apply(session, [heard(event, offset)])
    found = await house.ask("summary")
    assert (found["closed"], found["given"], found["pending"]) == (1, 1, 0)
