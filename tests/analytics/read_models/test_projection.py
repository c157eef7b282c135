"""The projection on the real database: any order, any batches, any races give the same documents."""

import asyncio
from collections import Counter
from random import Random
from typing import Any

import pytest
from pymongo import WriteConcern
from pymongo.errors import OperationFailure
from pymongo.read_concern import ReadConcern

from analytics.domain.counting import counted
from analytics.messaging.inbound import CONSUMED_TOPICS
from analytics.read_models.projection import LiveChatProjection
from chassis.kafka.projection_runner import Projection
from chassis.kafka.records import EventDecoder
from contracts.channels import ChannelPublished
from contracts.envelope import HIGHEST
from contracts.ratings import RatingGiven
from tests.analytics.builders import ExpectedClose, batches, many, received, shuffled
from tests.analytics.harness import Harness
from tests.analytics.read_models.test_rows import publish

pytestmark = pytest.mark.real


async def counts(harness: Harness) -> Counter[str]:
    found: Counter[str] = Counter()
    for counter in await harness.stored("counters_v5"):
        if counter["_id"]["axis"] == "closed_at":
            found.update(counted(counter["whole"]))
    return Counter({name: n for name, n in found.items() if n})


def expected(closes: list[ExpectedClose]) -> dict[str, int]:
    found: Counter[str] = Counter()
    for close in closes:
        found.update(close.counts())
    return {name: n for name, n in found.items() if n}


async def test_it_is_a_projection(harness: Harness) -> None:
    projection: Projection = LiveChatProjection(harness.database)
    assert (projection.name, projection.version) == ("live_chat", "5")


@pytest.mark.parametrize("seed", range(4))
async def test_any_order_repetition_and_batches_give_the_same_documents(harness: Harness, seed: int) -> None:
    random = Random(seed)
    made = many(random, 60)
    for part in batches(random, shuffled(random, made)):
        await harness.receive_events(part)
    closes, counters = await harness.stored("closes_v5"), await counts(harness)
    assert counters == expected(made)
    for collection in ("closes_v5", "counters_v5"):
        await harness.database[collection].delete_many({})
    await harness.receive(*made)
    assert await harness.stored("closes_v5") == closes
    assert await counts(harness) == counters
    assert (await harness.ask("reconcile"))["equal"]


async def test_a_close_that_is_only_rated_waits_uncounted(harness: Harness) -> None:
    close = ExpectedClose()
    await harness.receive_events([close.offered(), close.given()])
    assert [close["events"] and "channel" in close for close in await harness.stored("closes_v5")] == [False]
    assert (await harness.ask("summary"))["closed"] == 0
    await harness.receive_events([close.closed()])
    summary = await harness.ask("summary")
    assert (summary["closed"], summary["given"]) == (1, 1)


async def test_receiving_it_all_again_writes_nothing(harness: Harness) -> None:
    close = ExpectedClose(changes=(3,))
    await harness.receive(close)
    before = await harness.database.command("serverStatus")
    await harness.receive(close)
    after = await harness.database.command("serverStatus")
    written = [status["metrics"]["document"] for status in (before, after)]
    assert written[0] == {**written[1], "returned": written[0]["returned"]}


async def test_counters_are_kept_per_partition_and_summed_when_read(harness: Harness) -> None:
    await harness.receive(ExpectedClose("d1"), ExpectedClose("d2"))
    assert {each["_id"]["partition"] for each in await harness.stored("counters_v5")} == {
        received(ExpectedClose(dialog).closed()).partition for dialog in ("d1", "d2")
    }
    assert (await harness.ask("summary"))["closed"] == 2


async def test_a_close_stays_in_the_zone_in_which_it_was_counted_first(harness: Harness) -> None:
    await harness.receive_events([ExpectedClose().closed()])
    kathmandu = ChannelPublished(channel="course-a", name="A", time_zone="Asia/Kathmandu")
    await publish(harness, (1, kathmandu))
    await harness.receive(ExpectedClose(), ExpectedClose("d2"))
    zones = {each["_id"]: each["zone"] for each in await harness.stored("closes_v5")}
    assert zones == {"d1.1": "UTC", "d2.1": "Asia/Kathmandu"}
    assert all(
        n >= 0 for each in await harness.stored("counters_v5") for n in counted(each["whole"]).values()
    )
    assert (await harness.ask("reconcile"))["equal"]


async def test_a_transaction_that_is_undone_leaves_nothing(harness: Harness) -> None:
    async with await harness.client.start_session() as session:
        session.start_transaction()
        await LiveChatProjection(harness.database).apply(session, [received(ExpectedClose().closed())])
        await session.abort_transaction()
    assert await harness.stored("closes_v5") == []
    assert await harness.stored("counters_v5") == []


@pytest.mark.parametrize("known", [False, True], ids=["a new close", "a close that is known"])
async def test_of_two_writers_of_one_close_one_must_do_it_again(harness: Harness, *, known: bool) -> None:
    close = ExpectedClose()
    if known:
        await harness.receive_events([close.closed()])
    results = await asyncio.gather(
        *(
            harness.apply([received(close.closed()), received(event)])
            for event in (close.offered(), close.scheduled())
        ),
        return_exceptions=True,
    )
    lost = [result for result in results if isinstance(result, OperationFailure)]
    assert all(error.has_error_label("TransientTransactionError") for error in lost)
    assert len([result for result in results if result is None]) + len(lost) == 2
    await harness.receive_events([close.offered(), close.scheduled()])
    assert await counts(harness) == {"closed": 1, "pending": 1}


async def test_fields_with_odd_names_and_numbers_do_no_harm(harness: Harness) -> None:
    close = ExpectedClose(team="$a.b\0|")
    odd: dict[str, Any] = {"where": HIGHEST, "0": -HIGHEST}
    given = RatingGiven(**{**dict(close.given()), "answers": odd})
    await harness.receive_events([close.closed(), given])
    (found,) = (await harness.ask("reviews"))["reviews"]
    assert (found["team"], found["state"]) == ("$a.b\0|", "given")
    assert (await harness.ask("reconcile"))["equal"]


def test_what_is_replayed_is_consumed_by_the_same_members() -> None:
    types = EventDecoder(CONSUMED_TOPICS)._types
    assert types["candor.analytics.replay"] == types["candor.dialogs"] | types["candor.ratings"]


async def test_it_reads_through_the_session_what_its_transaction_has_written(harness: Harness) -> None:
    projection = LiveChatProjection(harness.database)
    async with (
        await harness.client.start_session() as session,
        session.start_transaction(
            read_concern=ReadConcern("snapshot"), write_concern=WriteConcern("majority")
        ),
    ):
        for offset, event in enumerate(ExpectedClose().events()):
            await projection.apply(session, [received(event, offset)])
    found = await harness.ask("summary")
    assert (found["closed"], found["given"], found["pending"]) == (1, 1, 0)
