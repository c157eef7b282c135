"""No request keeps others waiting: what is long is done some at a time."""

import asyncio
import gc
import time
from collections.abc import Iterator
from typing import Any

import pytest

from analytics.api.schemas import Bucket, Summary
from tests.analytics.builders import ExpectedClose
from tests.analytics.harness import Harness

pytestmark = pytest.mark.real

LONGEST_SECONDS = 0.05
A_QUARTER_OF_HOURS: dict[str, Any] = {
    "by": "hour", "from_": "2026-01-01", "to": "2026-04-04", "vs": "previous", "tz": "Asia/Kathmandu",
}  # fmt: skip


async def longest_hold(ended: asyncio.Event) -> float:
    """The most processor time that others took between two turns of this task."""
    longest = 0.0
    while not ended.is_set():
        began = time.thread_time()
        await asyncio.sleep(0)
        longest = max(longest, time.thread_time() - began)
    return longest


@pytest.fixture
def uncollected() -> Iterator[None]:
    """A service collects its garbage rarely; here the whole run of tests would be looked through."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()


@pytest.mark.usefixtures("uncollected")
async def test_a_summary_by_hour_lets_others_be_answered(harness: Harness) -> None:
    await harness.receive(ExpectedClose())
    await harness.get("summary")
    holds = []
    for _ in range(3):
        ended = asyncio.Event()
        watching = asyncio.create_task(longest_hold(ended))
        response = await harness.get("summary", **A_QUARTER_OF_HOURS)
        ended.set()
        assert response.status_code == 200
        holds.append(await watching)
    assert min(holds) < LONGEST_SECONDS


async def test_written_some_at_a_time_it_is_the_same_summary(harness: Harness) -> None:
    await harness.receive(*(ExpectedClose(f"d{n}", score=n) for n in range(1, 6)))
    told, whole = await harness.ask("summary", **A_QUARTER_OF_HOURS), await harness.ask("summary")
    assert set(told) == set(whole) == set(Summary.model_json_schema()["properties"])
    assert len(told["buckets"]) == 93 * 24
    assert set(told["buckets"][0]) == set(Bucket.model_json_schema()["properties"])
    assert sum(each["closed"] for each in told["buckets"]) == told["closed"] == whole["closed"] == 5
    assert told["compared"]["closed"] == sum(each["closed"] for each in told["compared"]["buckets"]) == 0
    assert (whole["buckets"], whole["compared"], whole["changes"]) == (None, None, None)
