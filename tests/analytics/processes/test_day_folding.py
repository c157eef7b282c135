"""Days that are over are folded: nothing that is counted changes, whatever happens meanwhile."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from random import Random
from typing import Any

import pytest
from pymongo.errors import OperationFailure

from analytics.processes import day_folding
from analytics.processes.day_folding import DayFolding
from analytics.read_models.documents import LiveChatDocuments
from chassis.clock import ManualClock
from chassis.transient import is_transient
from tests.analytics.builders import NOON, ExpectedClose, after, batches, many, shuffled
from tests.analytics.harness import Harness

pytestmark = pytest.mark.real

ASKED: tuple[tuple[str, dict[str, Any]], ...] = (
    ("summary", {}),
    ("summary", {"from_": "2026-03-02", "to": "2026-03-06", "by": "hour", "tz": "Asia/Kathmandu"}),
    ("operators", {}),
    ("operators", {"from_": "2026-03-03T08:15:00Z"}),
    ("channels", {"operator": "ann"}),
    ("hours", {"from_": "2026-03-02", "to": "2026-03-06"}),
)


def days(harness: Harness, hours: float) -> DayFolding:
    """Folding as it is so many hours after noon."""
    return DayFolding(lambda: harness.documents, ManualClock(NOON + timedelta(hours=hours)), lambda: 0.0)


async def numbers(harness: Harness) -> list[Any]:
    return [await harness.ask(path, **asked) for path, asked in ASKED]


async def partitions(harness: Harness) -> list[Any]:
    return [each["_id"]["partition"] for each in await harness.stored("counters_v5")]


async def test_days_that_are_over_become_one_document_each(harness: Harness) -> None:
    await harness.receive(*many(Random(3), 150))
    before, parts = await numbers(harness), await partitions(harness)
    folded = 2 * 4 * 2
    """Two channels, four days and both axes."""
    assert len(parts) > 2 * folded
    assert await days(harness, 200).fold() == folded
    assert await partitions(harness) == [None] * folded
    assert await numbers(harness) == before
    assert (await harness.ask("reconcile"))["equal"]
    assert await days(harness, 200).fold() == 0


async def test_a_day_is_left_alone_until_an_hour_after_its_end(harness: Harness) -> None:
    first = ExpectedClose("d1", way="expired")
    await harness.receive(first, replace(first, dialog="d2", closed_at=after(24 * 60)))
    assert await days(harness, 12.9).fold() == 0
    assert await days(harness, 13.1).fold() == 1
    assert sorted(await partitions(harness), key=str) == [0, None]


async def test_nothing_is_folded_while_the_projection_is_behind_or_nobody_knows(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(day_folding, "EVERY_SECONDS", 0.0)
    behind, folds = [None, day_folding.BEHIND_SECONDS, 1.0], asyncio.Event()

    class Folding(DayFolding):
        async def fold(self) -> int:
            folds.set()
            return await asyncio.Future[int]()

    def documents() -> LiveChatDocuments:
        raise AssertionError

    running = asyncio.create_task(Folding(documents, ManualClock(NOON), lambda: behind.pop(0)).run())
    await folds.wait()
    running.cancel()
    assert behind == []


async def test_an_operator_is_called_as_at_the_newest_close_of_the_day_however_it_is_folded(
    harness: Harness,
) -> None:
    newest = ExpectedClose("d2", operator_name="Ann Lee")
    older = [
        replace(newest, dialog=f"d{number}", closed_at=after(-number), operator_name="Ann Smith")
        for number in (1, 3, 4)
    ]
    await harness.receive(newest, *older[:2])
    for late in ((), older[2:]):
        await harness.receive(*late)
        await days(harness, 200).fold()
        [row] = (await harness.ask("operators"))["rows"]
        assert (row["name"], row["closed"]) == ("Ann Lee", 3 + len(late))


async def test_what_changes_later_is_counted_and_folded_in_its_turn(harness: Harness) -> None:
    closes = many(Random(4), 80)
    events = [close.events() for close in closes]
    await harness.receive_events([event for each in events for event in each[:2]])
    await days(harness, 200).fold()
    await harness.receive_events([event for each in events for event in each[2:]])
    assert set(await partitions(harness)) == {None, 0, 1, 2}
    before = await numbers(harness)
    await days(harness, 200).fold()
    assert set(await partitions(harness)) == {None}
    assert await numbers(harness) == before
    assert (await harness.ask("reconcile"))["equal"]


async def test_after_a_fold_a_close_may_go_to_another_operator(harness: Harness) -> None:
    """No source should publish two versions of a closing; what comes beside the fold then has no whole."""
    bo = ExpectedClose(operator="bo", way="expired")
    await harness.receive(bo)
    await days(harness, 200).fold()
    await harness.receive_events([replace(bo, operator="ann").closed()])
    assert len(set(await partitions(harness))) == 2
    assert (await harness.ask("summary"))["closed"] == 1
    assert (await harness.ask("summary", from_="2026-03-02T06:00:00Z"))["closed"] == 1
    rows = (await harness.ask("operators"))["rows"]
    assert {row["operator"]: row["closed"] for row in rows} == {"ann": 1}
    assert (await harness.ask("reconcile"))["equal"]
    await days(harness, 200).fold()
    assert (await harness.ask("reconcile"))["equal"]


async def test_folding_and_projecting_at_once_lose_nothing(harness: Harness) -> None:
    random, made = Random(5), many(Random(5), 120)
    parts = [part for _ in range(4) for part in batches(random, shuffled(random, made))]
    done = False

    async def fold_all_the_time() -> int:
        folded = 0
        while not done:
            folded += await days(harness, 200).fold()
        return folded

    async def project(part: Any) -> None:
        while True:
            try:
                return await harness.receive_events(part)
            except OperationFailure as error:
                if not is_transient(error):
                    raise

    folding = [asyncio.create_task(fold_all_the_time()) for _ in range(2)]
    for part in parts:
        await project(part)
    done = True
    assert sum([await each for each in folding]) > 0
    await days(harness, 200).fold()
    assert set(await partitions(harness)) == {None}
    found = await harness.ask("reconcile")
    assert (found["equal"], found["closes"]) == (True, len(made))
