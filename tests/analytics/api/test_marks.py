"""Marks on the time axis over HTTP: by supervisors and by systems, for the channels of their token."""

from typing import Any

import pytest

from analytics.api import marks
from contracts.access import Claims, Role
from tests.analytics.builders import NOON, after
from tests.analytics.harness import EVERYWHERE, Harness, limited_to, supervisor_of

pytestmark = pytest.mark.real

ONLY_A = supervisor_of("course-a")
DEPLOYS = Claims(
    sub="deploys", roles=frozenset({Role.SERVICE}), channels=frozenset({"*"}), scope="read marks:write"
)


async def put(
    harness: Harness, mark: str, text: str, claims: Claims = EVERYWHERE, status: int = 200, **more: Any
) -> Any:
    body = {"at": "2026-03-02T12:00:00Z", "text": text, **more}
    response = await harness.send("PUT", f"marks/{mark}", claims, json=body)
    assert response.status_code == status, response.text
    return response.json()


async def listed(harness: Harness, claims: Claims = EVERYWHERE, **asked: Any) -> list[str]:
    await harness.relayed()
    return [each["text"] for each in (await harness.ask("marks", claims, **asked))["marks"]]


async def test_a_mark_says_what_happened_who_placed_it_and_when(harness: Harness) -> None:
    shown = await put(harness, "bot", " New\nbot ", EVERYWHERE.model_copy(update={"name": "Sue Hart"}))
    assert shown == {
        "id": "bot", "at": "2026-03-02T12:00:00.000Z", "text": "New bot", "channels": None,
        "by": {"id": "sue", "name": "Sue Hart"}, "placed_at": "2026-03-02T12:00:00.000Z", "may_change": True,
    }  # fmt: skip
    await harness.relayed()
    assert await harness.ask("marks") == {"marks": [shown], "complete": True}
    assert await put(harness, "bot", "New bot") == shown
    assert await harness.database["commits"].count_documents({}) == 1
    noted = [(each["what"], each["who"], each["mark"]) for each in await harness.stored("audit")]
    assert noted == [("mark.place", "sue", "bot")] * 2


async def test_a_mark_is_placed_anew_and_removed(harness: Harness) -> None:
    await put(harness, "bot", "New bot")
    await put(harness, "bot", "Price change", at="2026-03-03T08:00:00+01:00")
    assert await listed(harness) == ["Price change"]
    for _ in range(2):
        assert (await harness.send("DELETE", "marks/bot", EVERYWHERE)).status_code == 204
    assert await listed(harness) == []
    assert await harness.stored("marks") == [{"_id": "bot", "position": 3}]
    await put(harness, "bot", "New bot")
    assert await listed(harness) == ["New bot"]
    noted = [(each["what"], each["mark"]) for each in await harness.stored("audit")]
    places, removals = [("mark.place", "bot")], [("mark.remove", "bot")]
    assert noted == places * 2 + removals * 2 + places


async def test_marks_are_of_a_period_and_in_its_order(harness: Harness) -> None:
    for hours in (26, 0, 12):
        await put(harness, f"m{hours}", f"after {hours}", at=after(60 * hours).isoformat())
    assert await listed(harness) == ["after 0", "after 12", "after 26"]
    # Midnight of 3 March is outside of a day that ends then.
    assert await listed(harness, from_="2026-03-02", to="2026-03-03") == ["after 0"]
    assert await listed(harness, from_="2026-03-03", tz="UTC") == ["after 12", "after 26"]
    assert await listed(harness, to="2026-03-03", tz="America/New_York") == ["after 0", "after 12"]
    bad = await harness.get("marks", from_="2026-03-03", to="2026-03-02")
    assert bad.status_code == 422


async def test_more_marks_than_a_response_holds(harness: Harness, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(marks, "MOST", 2)
    for minutes in range(3):
        await put(harness, f"m{minutes}", f"after {minutes}", at=after(minutes).isoformat())
    await harness.relayed()
    found = await harness.ask("marks")
    assert ([each["text"] for each in found["marks"]], found["complete"]) == (["after 1", "after 2"], False)


async def test_a_supervisor_of_some_channels_sees_and_writes_marks_of_these(harness: Harness) -> None:
    await put(harness, "all", "Everywhere")
    await put(harness, "b", "In b", channels=["course-b"])
    await put(harness, "both", "In both", channels=["course-a", "course-b"])
    await put(harness, "mine", "In a", ONLY_A, channels=["course-a"])
    assert await listed(harness, ONLY_A) == ["Everywhere", "In both", "In a"]
    assert await listed(harness, channel=["course-b"]) == ["Everywhere", "In b", "In both"]
    seen = (await harness.ask("marks", ONLY_A))["marks"]
    assert [(each["channels"], each["may_change"]) for each in seen] == [
        (None, False), (["course-a"], False), (["course-a"], True),
    ]  # fmt: skip
    for mark, more in (
        ("new", {}),
        ("new", {"channels": ["course-b"]}),
        ("both", {"channels": ["course-a"]}),
    ):
        problem = await put(harness, mark, "Mine", ONLY_A, 403, **more)
        assert problem["type"] == "/problems/mark-of-other-channels", (mark, more)
    assert (await harness.send("DELETE", "marks/all", ONLY_A)).status_code == 403
    assert (await harness.send("DELETE", "marks/mine", ONLY_A)).status_code == 204
    assert (await harness.get("marks", ONLY_A, channel=["course-b"])).status_code == 403
    await put(harness, "none", "Of no team", limited_to(), 403)
    for method, path in (("GET", "marks"), ("DELETE", "marks/all")):
        assert (await harness.send(method, path, limited_to())).status_code == 403
    assert await listed(harness) == ["Everywhere", "In b", "In both"]


async def test_a_system_writes_marks_if_its_token_says_so(harness: Harness) -> None:
    shown = await put(harness, "deploy-7", "Release 7", DEPLOYS)
    assert shown["by"] == {"id": "deploys", "name": "deploys"}
    assert (await harness.send("DELETE", "marks/deploy-7", DEPLOYS)).status_code == 204
    assert (await harness.get("marks", DEPLOYS)).status_code == 403
    changes: list[dict[str, Any]] = [
        {"scope": "marks:read marks:writer"},
        {"roles": frozenset({Role.SERVICE, Role.OPERATOR})},
        {"roles": frozenset({Role.ADMIN})},
        {"channels": frozenset()},
    ]
    for change in changes:
        await put(harness, "deploy-7", "Release 7", DEPLOYS.model_copy(update=change), 403)
    await put(harness, "a-8", "Release 8", DEPLOYS.model_copy(update={"channels": frozenset({"a"})}), 403)


WRONG: tuple[dict[str, Any], ...] = (
    {"text": ""}, {"text": " \u200b"}, {"text": "x" * 81}, {"at": "2026-03-02"},
    {"at": "1999-01-01T00:00:00Z"},
    {"channels": []}, {"channels": ["a:b"]}, {"more": 1},
)  # fmt: skip


async def test_what_is_no_mark_is_refused(harness: Harness, subtests: pytest.Subtests) -> None:
    for wrong in WRONG:
        with subtests.test(wrong=wrong):
            await put(harness, "bot", **{"text": "New bot", "status": 422, **wrong})
    assert (
        await harness.send("PUT", "marks/a:b", EVERYWHERE, json={"at": NOON.isoformat(), "text": "x"})
    ).status_code == 422
