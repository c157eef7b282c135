"""The summary, as a whole and in days and hours."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import pytest

from tests.analytics.builders import ExpectedClose, after, many
from tests.analytics.harness import MINIMUM, Harness

pytestmark = pytest.mark.real


def summed(parts: list[dict[str, Any]]) -> Counter[str]:
    """The whole numbers of several summaries, added."""
    found: Counter[str] = Counter()
    for part in parts:
        found.update({name: n for name, n in part.items() if isinstance(n, int) and not isinstance(n, bool)})
        found.update({f"unrated {name}": n for name, n in part["unrated"]["by_state"].items()})
        for scale in part["scales"]:
            found.update({f"{scale['name']} {each['score']}": each["n"] for each in scale["distribution"]})
    return Counter({name: n for name, n in found.items() if n})


async def test_nothing_to_divide_by_is_null(harness: Harness) -> None:
    found = await harness.ask("summary")
    assert (found["closed"], found["csat"]["value"], found["average_normalised"]["value"]) == (
        0,
        None,
        None,
    )


async def test_it_tells_the_story(harness: Harness) -> None:
    ways = [
        ("given", 5),
        ("given", 3),
        ("declined", 1),
        ("expired", 1),
        ("not_offered", 1),
        ("undecided", 1),
    ]
    await harness.receive(
        *(ExpectedClose(f"d{n}", way=way, score=score) for n, (way, score) in enumerate(ways))
    )
    found = await harness.ask("summary")
    parts = ("closed", "undecided", "not_offered", "offered_total", "given", "declined", "expired")
    assert [found[part] for part in parts] == [6, 1, 1, 4, 2, 1, 1]
    assert (found["csat"]["value"], found["csat"]["n"], found["csat"]["too_few"]) == (50.0, 2, True)
    assert found["response_rate"]["value"] == 50.0
    assert found["scales"][0]["average"] == 4.0
    assert found["unrated"]["not_offered_by_reason"]["spam"] == 1
    assert found["buckets"] is None


async def test_the_minimum_that_was_set_holds_for_the_whole_and_for_its_buckets(harness: Harness) -> None:
    asked: dict[str, Any] = {"from_": "2026-03-02", "to": "2026-03-03", "by": "day"}
    for number in range(1, MINIMUM + 1):
        await harness.receive(ExpectedClose(f"d{number}"))
        found = await harness.ask("summary", **asked)
        for part in (found, *found["buckets"]):
            assert (part["csat"]["n"], part["csat"]["too_few"]) == (number, number < MINIMUM)


async def test_filters_pick_channel_operator_and_time(harness: Harness) -> None:
    await harness.receive(
        ExpectedClose("d1", operator="ann"),
        ExpectedClose("d2", operator="bo"),
        ExpectedClose("d3", operator=None, channel="course-b"),
        ExpectedClose("d4", closed_at=after(24 * 60)),
    )
    assert (await harness.ask("summary", operator="bo"))["closed"] == 1
    assert (await harness.ask("summary", channel="course-a"))["closed"] == 3
    assert (await harness.ask("summary", from_="2026-03-03"))["closed"] == 1
    assert (await harness.ask("summary", to="2026-03-03"))["closed"] == 3


async def test_a_range_takes_its_start_and_leaves_its_end(harness: Harness) -> None:
    start = datetime(2026, 3, 2, 12, 15, tzinfo=UTC)
    moments = [start - timedelta(milliseconds=1), start, start + timedelta(minutes=15)]
    await harness.receive(*(ExpectedClose(f"d{n}", closed_at=at) for n, at in enumerate(moments)))
    asked: dict[str, Any] = {"from_": "2026-03-02T12:15:00Z", "to": "2026-03-02T12:30:00Z"}
    assert (await harness.ask("summary", **asked))["closed"] == 1
    assert [each["dialog"] for each in (await harness.ask("reviews", **asked))["reviews"]] == ["d1"]


@pytest.mark.parametrize("tz", ["UTC", "Asia/Kathmandu", "America/St_Johns", "Europe/Paris"])
@pytest.mark.parametrize("by", ["day", "hour"])
async def test_the_whole_is_the_sum_of_its_buckets_and_of_its_list(
    harness: Harness, tz: str, by: str
) -> None:
    await harness.receive(*many(Random(tz), 120))
    asked: dict[str, Any] = {"from_": "2026-03-02", "to": "2026-03-05", "tz": tz}
    whole = await harness.ask("summary", by=by, **asked)
    assert summed(whole["buckets"]) == summed([whole])
    assert len(whole["buckets"]) == {"day": 3, "hour": 72}[by]
    listed = await harness.ask("reviews", limit=200, **asked)
    states = Counter(each["state"] for each in listed["reviews"])
    assert states == Counter({state: whole[state] for state in states})
    assert len(listed["reviews"]) == whole["closed"]


@pytest.mark.parametrize(
    ("tz", "day", "moment", "neighbour"),
    [
        # Just before and just after the midnight that ends a day, in UTC.
        ("Asia/Kathmandu", "2026-03-02", "2026-03-02T18:14:59.999", "2026-03-02T18:15:00"),
        ("Europe/Paris", "2026-03-29", "2026-03-29T21:59:59.999", "2026-03-29T22:00:00"),
        ("Europe/Paris", "2026-10-25", "2026-10-25T22:59:59.999", "2026-10-25T23:00:00"),
        ("America/St_Johns", "2026-11-01", "2026-11-02T03:29:59.999", "2026-11-02T03:30:00"),
    ],
)
async def test_a_close_falls_on_the_day_of_its_zone(
    harness: Harness, tz: str, day: str, moment: str, neighbour: str
) -> None:
    for name, at in (("d1", moment), ("d2", neighbour)):
        await harness.receive(ExpectedClose(name, closed_at=datetime.fromisoformat(at + "+00:00")))
    until = (datetime.fromisoformat(day) + timedelta(days=2)).date().isoformat()
    found = await harness.ask("summary", from_=day, to=until, tz=tz, by="day")
    assert [bucket["closed"] for bucket in found["buckets"]] == [1, 1]
    assert found["buckets"][0]["from"].startswith(f"{day}T00:00:00")


async def test_days_of_23_and_25_hours(harness: Harness) -> None:
    for day, until, hours in (("2026-03-29", "2026-03-30", 23), ("2026-10-25", "2026-10-26", 25)):
        found = await harness.ask("summary", from_=day, to=until, tz="Europe/Paris", by="hour")
        assert len(found["buckets"]) == hours
        assert found["buckets"][-1]["to"] == found["to"]


async def test_a_year_of_days_and_a_quarter_of_hours_can_be_asked_for(harness: Harness) -> None:
    await harness.receive(ExpectedClose())
    for by, until in (("day", "2027-03-01"), ("hour", "2026-06-01")):
        found = await harness.ask("summary", from_="2026-03-01", to=until, by=by, tz="Europe/Paris")
        assert sum(bucket["closed"] for bucket in found["buckets"]) == 1
    assert (await harness.get("summary", from_="2026-03-01", to="2027-03-01", by="hour")).status_code == 422
