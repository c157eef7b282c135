"""The recount of closes against counters."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from itertools import product
from random import Random
from typing import Any

import pytest

from contracts.access import Claims
from tests.analytics.builders import NOON, ExpectedClose, after, many
from tests.analytics.bulk import insert_closes
from tests.analytics.harness import EVERYWHERE, Harness, supervisor_of

pytestmark = pytest.mark.real

LONGEST_WORK, LONGEST_GAP = 0.05, 1.0
"""Seconds of the event loop's thread, and on the clock, which other tests on the same cores stretch."""


@pytest.fixture
def sums_are_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    """Single numbers are not looked at."""

    async def recount(_: object) -> int:
        raise AssertionError("a sum differs")

    monkeypatch.setattr("analytics.read_models.reconcile._Days.recount", recount)


@pytest.mark.usefixtures("sums_are_enough")
async def test_a_recount_gives_the_counters(harness: Harness) -> None:
    await harness.receive(*many(Random(5), 80))
    harness.app.state.lag = lambda: 7
    found = await harness.ask("reconcile")
    assert found == {
        "equal": True, "closes": 80, "disagreements": 0, "days": [], "first": [], "lag": 7
    }  # fmt: skip


@pytest.mark.usefixtures("sums_are_enough")
async def test_parts_of_days_are_recounted_too(harness: Harness) -> None:
    closes = many(Random(6), 80)
    await harness.receive(*closes)
    since, until = NOON + timedelta(hours=3), NOON + timedelta(hours=30)
    found = await harness.ask("reconcile", from_=since.isoformat(), to=until.isoformat())
    assert found["equal"]
    assert found["closes"] == sum(since <= close.closed_at < until for close in closes)


COUNTS: tuple[tuple[Claims, dict[str, str], int], ...] = (
    (EVERYWHERE, {"operator": "ann"}, 8),
    (EVERYWHERE, {"channel": "course-a"}, 8),
    (EVERYWHERE, {"channel": "course-a", "operator": "ann"}, 4),
    (EVERYWHERE, {"operator": "ann", "to": "2026-04-10"}, 4),
    (supervisor_of("course-a"), {}, 8),
    (supervisor_of("course-a"), {"operator": "ann"}, 4),
)
"""Who asks, for what, and how many closes of two operators in two channels and four months that is."""


@pytest.mark.usefixtures("sums_are_enough")
async def test_of_every_month_it_recounts_what_was_asked_for_alone(
    harness: Harness, subtests: pytest.Subtests
) -> None:
    who = [("ann", "course-a"), ("bo", "course-a"), ("ann", "course-b"), ("bo", "course-b")]
    for month, (operator, channel) in product(range(4), who):
        name, moment = f"d{month}-{operator}-{channel}", after(month * 31 * 24 * 60)
        await harness.receive(ExpectedClose(name, operator=operator, channel=channel, closed_at=moment))
    for claims, asked, count in COUNTS:
        with subtests.test(channels=sorted(claims.channels), asked=asked):
            found = await harness.ask("reconcile", claims, **asked)
            assert (found["equal"], found["closes"]) == (True, count)


async def moved(harness: Harness, path: str, n: int, **wanted: Any) -> None:
    """Moves a number of the first counters that are so."""
    changed = await harness.database["counters_v5"].update_one(wanted, {"$inc": {path: n}})
    assert changed.modified_count == 1


async def test_it_finds_a_wrong_number_of_a_day(harness: Harness) -> None:
    day_before = ExpectedClose("d3", closed_at=after(-24 * 60))
    await harness.receive(ExpectedClose("d1"), ExpectedClose("d2", way="expired"), day_before)
    await moved(harness, "whole.expired", 1, end=datetime(2026, 3, 3, tzinfo=UTC))
    found = await harness.ask("reconcile")
    assert (found["equal"], found["closes"], found["disagreements"]) == (False, 3, 1)
    assert found["days"] == ["2026-03-02"]
    assert found["first"] == [
        {
            "channel": "course-a", "day": "2026-03-02", "time_zone": "UTC", "level": "day", "quarter": None,
            "operator": None, "team": None, "outcome": "expired", "closes": 1, "counters": 2,
        }
    ]  # fmt: skip


async def test_it_finds_what_went_to_another_operator_of_the_same_day(harness: Harness) -> None:
    await harness.receive(
        ExpectedClose("d1"), ExpectedClose("d2", operator="bo"), ExpectedClose("d3", operator=None)
    )
    five = "given:stars:1:5:5:satisfied"
    await moved(harness, f"operators.=ann.=first%2Eline.{five}", -1)
    await moved(harness, f"operators.none.=first%2Eline.{five}", 1)
    found = await harness.ask("reconcile")
    assert (found["equal"], found["disagreements"], found["days"]) == (False, 2, ["2026-03-02"])
    wrong = {(each["operator"], each["outcome"], each["closes"], each["counters"]) for each in found["first"]}
    assert wrong == {("ann", five, 1, 0), (None, five, 1, 2)}
    assert {(each["level"], each["team"]) for each in found["first"]} == {("operator", "first.line")}


@pytest.mark.parametrize(
    "period", [{}, {"from_": "2026-03-02T06:00:00Z"}], ids=["a whole day", "a part of it"]
)
async def test_it_finds_what_went_to_another_quarter_hour_of_the_same_day(
    harness: Harness, period: dict[str, Any]
) -> None:
    await harness.receive(ExpectedClose("d1"), ExpectedClose("d1", 2, closed_at=after(60)))
    five = "given:stars:1:5:5:satisfied"
    await moved(harness, f"quarters.48.{five}", -1)
    await moved(harness, f"quarters.52.{five}", 1)
    found = await harness.ask("reconcile", **period)
    assert (found["equal"], found["disagreements"], found["days"]) == (False, 2, ["2026-03-02"])
    assert [(each["quarter"], each["closes"], each["counters"]) for each in found["first"]] == [
        ("2026-03-02T12:00:00Z", 1, 0), ("2026-03-02T13:00:00Z", 1, 2)
    ]  # fmt: skip


async def test_it_finds_counters_that_are_gone_and_names_the_first_hundred(harness: Harness) -> None:
    await harness.receive(*(ExpectedClose(f"d{n}", closed_at=after(24 * 60 * n)) for n in range(120)))
    await harness.database["counters_v5"].delete_many({})
    found = await harness.ask("reconcile")
    of_the_day_the_operator_and_the_quarter_hour = 3
    assert (found["closes"], found["disagreements"]) == (
        120, 120 * of_the_day_the_operator_and_the_quarter_hour
    )  # fmt: skip
    assert (len(found["days"]), len(found["first"])) == (100, 100)
    assert found["first"][0]["day"] == "2026-03-02"
    assert found["days"][:2] == ["2026-03-02", "2026-03-03"]


async def test_it_finds_closes_that_are_gone(harness: Harness) -> None:
    await harness.receive(ExpectedClose("d1"), ExpectedClose("d2", closed_at=after(90 * 24 * 60)))
    await harness.database["closes_v5"].delete_one({"_id": "d2.1"})
    found = await harness.ask("reconcile")
    assert (found["closes"], found["days"]) == (1, ["2026-05-31"])
    assert {(each["closes"], each["counters"]) for each in found["first"]} == {(0, 1)}


async def test_a_recount_of_months_tells_how_far_it_is(harness: Harness) -> None:
    months = [after(n * 31 * 24 * 60) for n in range(3)]
    await harness.receive(*(ExpectedClose(f"d{n}", closed_at=moment) for n, moment in enumerate(months)))
    await harness.receive(ExpectedClose("elsewhere", channel="course-b"))
    await moved(harness, "whole.given:stars:1:5:5:satisfied", 1, end=datetime(2026, 4, 3, tzinfo=UTC))
    claims = supervisor_of("course-a")
    response = await harness.get("reconcile/progress", claims)
    assert response.headers["content-type"] == "application/jsonl"
    *before, last = [json.loads(line) for line in response.text.splitlines()]
    assert [(each["closes"], each["disagreements"], each["result"]) for each in before] == [
        (1, 0, None), (2, 1, None), (3, 1, None)
    ]  # fmt: skip
    assert [each["compared_until"] for each in before] == [
        f"2026-{day}T00:00:00.000Z" for day in ("03-12", "04-12", "05-13")
    ]
    assert (last["compared_until"], last["result"]) == (None, await harness.ask("reconcile", claims))


@asynccontextmanager
async def gaps() -> AsyncIterator[list[tuple[float, float]]]:
    """How long the event loop was away, again and again: seconds that its thread worked, and on the clock."""
    found: list[tuple[float, float]] = []

    async def look() -> None:
        while True:
            worked, start = time.thread_time(), time.perf_counter()
            await asyncio.sleep(0.001)
            found.append((time.thread_time() - worked, time.perf_counter() - start))

    looking = asyncio.create_task(look())
    yield found
    looking.cancel()


async def test_many_closes_hold_up_nothing_else(harness: Harness) -> None:
    await insert_closes(harness.documents, 20_000, days=60)
    async with gaps() as found:
        reconciled = await harness.ask("reconcile")
    assert (reconciled["equal"], reconciled["closes"]) == (True, 20_000)
    assert len(found) > 20
    longest_work, longest_gap = map(max, zip(*found, strict=True))
    assert longest_work < LONGEST_WORK
    assert longest_gap < LONGEST_GAP


async def test_closes_and_counters_are_of_one_moment(harness: Harness) -> None:
    await insert_closes(harness.documents, 5_000, days=5)

    async def receive_more() -> None:
        for number in range(10_000):
            await harness.receive(ExpectedClose(f"more-{number}", closed_at=after(number)))

    receiving = asyncio.create_task(receive_more())
    for _ in range(5):
        found = await harness.ask("reconcile")
        assert found["equal"], found["first"]
    assert not receiving.done()
    receiving.cancel()
    assert found["closes"] > 5_000
