"""A summary beside that of another period; the clock stands at noon of 2 March 2026."""

from datetime import timedelta
from random import Random
from typing import Any

import pytest

from tests.analytics.builders import ExpectedClose, after, many
from tests.analytics.harness import Harness
from tests.analytics.read_models.test_summary import summed

pytestmark = pytest.mark.real


def days(random: Random, first: int, last: int) -> list[ExpectedClose]:
    """Closes of some days, counted from the clock's day."""
    ways = ("given", "given", "expired", "not_offered")
    return [
        ExpectedClose(
            f"d{day}-{n}", closed_at=after(day * 24 * 60 + random.randrange(-700, 700)),
            way=random.choice(ways), score=random.choice((1, 4, 5, 5)),
        )
        for day in range(first, last)
        for n in range(12)
    ]  # fmt: skip


async def test_the_other_period_has_the_numbers_of_a_summary_of_its_own(harness: Harness) -> None:
    await harness.receive(*days(Random(1), -14, 0))
    asked: dict[str, Any] = {"by": "day", "tz": "Europe/Paris", "state": ["given", "expired"]}
    found = await harness.ask("summary", from_="2026-02-23", to="2026-03-02", vs="previous", **asked)
    alone = await harness.ask("summary", from_="2026-02-16", to="2026-02-23", **asked)
    compared = found["compared"]
    assert (compared["from"], compared["to"]) == ("2026-02-16T00:00:00+01:00", "2026-02-23T00:00:00+01:00")
    assert compared == {name: alone[name] for name in compared}
    assert compared["closed"] == summed(compared["buckets"])["closed"] > 0
    csat = found["changes"]["csat"]
    assert csat["value"] == pytest.approx(found["csat"]["value"] - alone["csat"]["value"])
    assert (csat["confidence"], found["running"]) == (95, False)
    assert found["changes"]["closed"]["value"] == found["closed"] - alone["closed"]


async def test_a_running_period_is_compared_with_as_much(harness: Harness) -> None:
    await harness.receive(*days(Random(2), -2, 1))
    found = await harness.ask("summary", from_="2026-03-02", to="2026-03-03", vs="previous")
    assert (found["compared"]["from"], found["compared"]["to"]) == (
        "2026-03-01T00:00:00Z",
        "2026-03-01T12:00:00Z",
    )
    assert (found["running"], found["changes"]["csat"]["confidence"]) == (True, 99.8)


async def test_a_period_of_ones_own(harness: Harness) -> None:
    await harness.receive(*many(Random(3), 60))
    own: dict[str, Any] = {"vs_from": "2026-03-02", "vs_to": "2026-03-03", "by": "hour"}
    found = await harness.ask("summary", from_="2026-03-03", to="2026-03-04", **own)
    assert len(found["compared"]["buckets"]) == 24
    assert found["compared"]["closed"] == (await harness.ask("summary", to="2026-03-03"))["closed"]
    assert (await harness.ask("summary"))["compared"] is (await harness.ask("summary"))["changes"] is None


async def test_a_day_that_stands_out_says_so(harness: Harness) -> None:
    good = [ExpectedClose(f"g{n}", closed_at=after(n)) for n in range(100)]
    bad = [ExpectedClose(f"b{n}", closed_at=after(n) + timedelta(days=1), score=1) for n in range(20)]
    few = [ExpectedClose("f", closed_at=after(0) + timedelta(days=2), score=1)]
    await harness.receive(*good, *bad, *few)
    found = await harness.ask("summary", from_="2026-03-02", to="2026-03-06", by="day")
    assert [bucket["funnel"] for bucket in found["buckets"]] == ["above_998", "below_998", None, None]


async def test_a_summary_of_some_states_counts_no_others(harness: Harness) -> None:
    await harness.receive(*many(Random(4), 150))
    whole = await harness.ask("summary")
    some = await harness.ask("summary", state=["expired", "cancelled"])
    assert some["closed"] == whole["expired"] + whole["cancelled"] == some["expired"] + some["cancelled"]
    assert (some["given"], some["csat"]["value"], some["scales"]) == (0, None, [])
    assert some["unrated"]["cancelled_by_reason"] == whole["unrated"]["cancelled_by_reason"]
    rated = await harness.ask("summary", state=["given"])
    assert (rated["csat"], rated["scales"]) == (whole["csat"], whole["scales"])
