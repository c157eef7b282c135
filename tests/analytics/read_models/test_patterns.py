"""How ratings came about, over HTTP: whom it is asked of, what counts, and what is left out."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from analytics.domain.close import CloseEvent
from analytics.read_models.close_filter import CloseFilter
from analytics.read_models.documents import Axis
from analytics.read_models.patterns import patterns_by_operator
from contracts.access import Claims
from tests.analytics.builders import NOON, ExpectedClose, after
from tests.analytics.harness import EVERYWHERE, Harness, limited_to, supervisor_of

pytestmark = pytest.mark.real

MARCH: dict[str, Any] = {"from_": "2026-03-01", "to": "2026-04-01"}


def rated(number: int, minutes: float, **other: Any) -> ExpectedClose:
    return ExpectedClose(dialog=f"d{number}", closed_at=after(minutes), **other)


def of_client(client: str, close: ExpectedClose) -> list[CloseEvent]:
    return [event.model_copy(update={"client": client}) for event in close.events()]


async def rows(harness: Harness, claims: Claims = EVERYWHERE, **asked: Any) -> dict[str, Any]:
    found = await harness.ask("patterns", claims, **{**MARCH, **asked})
    return {row["operator"]: row for row in found["rows"]}


def hits(row: dict[str, Any], pattern: str) -> tuple[int, int]:
    """How many of how many."""
    share = row[pattern]
    return round((share["value"] or 0) * share["n"] / 100), share["n"]


async def test_both_attacks_are_marked_and_nobody_else_is(harness: Harness) -> None:
    honest = [
        rated(100 * number + index, 60 * index + number, operator=f"op-{number}", way=way)
        for number in range(9)
        for index, way in enumerate(["given"] * 16 + ["expired"] * 4)
    ]
    own = [rated(2_000 + index, 500 + index / 2, operator="cheat") for index in range(25)]
    undone = [rated(3_000 + index, 60 * index, operator="undoer", way="cancelled") for index in range(10)]
    await harness.receive(*honest, *own, *undone, rated(4_000, 1, operator=None, way="cancelled"))
    found = await rows(harness)
    assert {operator: row["odd"] for operator, row in found.items() if row["odd"]} == {
        "cheat": ["bursts"], "undoer": ["withdrawn"],
    }  # fmt: skip
    assert len(found) == 11
    assert None not in found
    cheat = found["cheat"]["bursts"]
    assert (cheat["value"], cheat["n"], cheat["too_few"]) == (100, 25, False)
    assert cheat["limit"] < 100
    assert found["cheat"]["name"] == "Ann Lee"
    whole = (await harness.ask("patterns", **MARCH, operator="cheat"))["whole"]
    assert (whole["bursts"]["n"], whole["withdrawn"]["n"]) == (9 * 16 + 25, 9 * 20 + 25 + 10)


async def test_an_operator_who_is_asked_for_stands_beside_all(harness: Harness) -> None:
    await harness.receive(rated(1, 0), rated(2, 9, operator="bo"), rated(3, 60, operator=None))
    shown = await harness.ask("patterns", **MARCH, operator="bo")
    assert [row["operator"] for row in shown["rows"]] == ["bo"]
    assert shown["whole"]["first_contacts"]["n"] == 2
    assert (await harness.ask("patterns", **MARCH, nobody=True))["rows"] == []


async def test_a_client_who_rated_in_the_channel_lately_is_no_first_contact(harness: Harness) -> None:
    day = 24 * 60
    given = [
        *of_client("old", rated(1, -90 * day - 1, operator="bo")),
        *of_client("old", rated(2, 0)),
        *of_client("late", rated(3, -90 * day, operator="bo")),
        *of_client("late", rated(4, 0)),
        *of_client("elsewhere", rated(5, -1 * day, channel="course-b", operator="bo")),
        *of_client("elsewhere", rated(6, 0)),
        *of_client("silent", rated(7, -1 * day, way="expired")),
        *of_client("silent", rated(8, 0)),
        *of_client("twice", rated(9, 0)),
        *of_client("twice", rated(10, 60)),
    ]
    await harness.receive_events(given)
    for axis in Axis:
        found = await rows(harness, axis=axis.value, channel="course-a", from_="2026-03-02")
        assert hits(found["ann"], "first_contacts") == (4, 6), axis


async def test_a_burst_is_five_within_five_minutes_of_one(harness: Harness) -> None:
    near = [rated(index, minutes) for index, minutes in enumerate([0, 5, 2, 3, 7])]
    far = [rated(10 + index, 60 + 6 * index) for index in range(6)]
    others = [rated(20 + index, 2, operator="bo") for index in range(4)]
    await harness.receive(*near, *far, *others)
    found = await rows(harness)
    # Those at 2, 3 and 5 have four others near: at 0, 5, 3, 7 and so on; that at 0 misses the one at 7.
    assert hits(found["ann"], "bursts") == (3, 11)
    assert hits(found["bo"], "bursts") == (0, 4)
    # Which are counted is looked at afterwards: one tag more makes no burst less.
    assert hits((await rows(harness, score=5))["ann"], "bursts") == (3, 11)
    assert await rows(harness, score=1) == {}


async def test_what_supervisors_excluded_is_left_out_and_breaks_a_burst(harness: Harness) -> None:
    await harness.receive(*[rated(index, index) for index in range(5)], rated(9, 0, way="cancelled"))
    await harness.database["reviewed"].insert_one(
        {"_id": "d2.1", "channel": "course-a", "closed_at": after(2), "excluded": "test"}
    )
    found = (await rows(harness))["ann"]
    assert hits(found, "bursts") == (0, 4)
    assert hits(found, "withdrawn") == (1, 5)


async def test_a_rating_that_was_excluded_long_before_the_period_makes_nobody_known(harness: Harness) -> None:
    day = 24 * 60
    await harness.receive_events(
        [*of_client("c", rated(1, -30 * day, operator="bo")), *of_client("c", rated(2, 0))]
    )
    for expected, excluded in ((0, {}), (1, {"excluded": "test"})):
        await harness.database["reviewed"].replace_one(
            {"_id": "d1.1"}, {"channel": "course-a", "closed_at": after(-30 * day), **excluded}, upsert=True
        )
        assert hits((await rows(harness))["ann"], "first_contacts") == (expected, 1)


async def test_a_supervisor_sees_the_patterns_of_their_channels_and_teams(harness: Harness) -> None:
    mine = rated(1, 0)
    await harness.receive(
        mine, replace(rated(2, 1), channel="course-b"), rated(3, 2, team=None, operator="bo")
    )
    assert hits((await rows(harness, supervisor_of("course-b")))["ann"], "first_contacts") == (1, 1)
    assert (await rows(harness, limited_to("first.line"))).keys() == {"ann"}
    assert (
        await harness.get("patterns", supervisor_of("course-b"), channel="course-a", **MARCH)
    ).status_code == 403


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        ({}, "period-required"),
        ({"from_": "2026-03-01"}, "period-required"),
        ({"from_": "2026-01-01", "to": "2026-04-05"}, "patterns-too-long"),
    ],
)
async def test_it_needs_a_period_of_93_days_at_most(
    harness: Harness, asked: dict[str, Any], code: str
) -> None:
    response = await harness.get("patterns", **asked)
    assert response.status_code == 422
    assert [error["code"] for error in response.json()["errors"]] == [code]


async def test_who_has_the_patterns_already_is_told_so(harness: Harness) -> None:
    await harness.receive(rated(1, 0))
    first = await harness.get("patterns", **MARCH)
    again = await harness.send(
        "GET",
        "patterns?from=2026-03-01&to=2026-04-01",
        EVERYWHERE,
        headers={"If-None-Match": first.headers["etag"]},
    )
    assert (first.status_code, again.status_code) == (200, 304)


@pytest.mark.parametrize("axis", Axis)
async def test_only_the_closes_of_the_time_are_read(harness: Harness, axis: Axis) -> None:
    await harness.receive(*[rated(index, -300 * 24 * 60 + index) for index in range(300)], rated(900, 0))
    asked = CloseFilter(None, since=NOON - timedelta(days=1), until=NOON + timedelta(days=1), axis=axis)
    await harness.database.command("profile", 2)
    await patterns_by_operator(harness.documents, None, asked)
    await harness.database.command("profile", 0)
    profile = harness.database["system.profile"]
    [read] = [each async for each in profile.find({"command.aggregate": harness.documents.closes.name})]
    assert read["docsExamined"] <= 2
    assert read["command"]["maxTimeMS"]
