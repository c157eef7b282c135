"""Who may query: supervisors, about their channels, and nobody else."""

import json
from itertools import product
from typing import Any

import pytest

from analytics.read_models import reviews
from contracts.access import Claims, Role
from deploy.openapi import FOLDER
from tests.analytics.builders import ExpectedClose, after
from tests.analytics.harness import EVERYWHERE, Harness, limited_to, supervisor_of

pytestmark = pytest.mark.real

DOCUMENT = json.loads((FOLDER / "analytics.json").read_text())
ROUTES = tuple(
    (method.upper(), path.removeprefix("/v1/live-chat/").format(dialog="d1", close_seq=1, mark="m1"))
    for path, methods in DOCUMENT["paths"].items()
    for method in methods
    if path.startswith("/v1/")
)
"""Every route that there is, with its method."""

FILTERED = tuple(
    path for _, path in ROUTES if path != "changes" and not path.startswith(("closes/", "marks"))
)
OTHERS = tuple(
    (method, path)
    for method, path in ROUTES
    if path not in FILTERED and path != "changes" and method in {"GET", "DELETE"}
)
"""What is read and removed by its id, and marks."""

NO_SUPERVISORS: tuple[tuple[Role, ...], ...] = (
    (Role.OPERATOR,),
    (Role.OPERATOR, Role.SUPERVISOR),
    (Role.OPERATOR, Role.SUPERVISOR, Role.ADMIN, Role.PLATFORM, Role.SERVICE),
    (Role.ADMIN,),
    (Role.PLATFORM,),
    (Role.SERVICE,),
    (),
)
"""Roles of who may query nothing: operators, whatever else they are, and whoever is no supervisor."""

PERIOD: dict[str, Any] = {"from_": "2026-03-01", "to": "2026-04-01"}
ONLY_A = supervisor_of("course-a")


def asked_of(path: str) -> dict[str, Any]:
    """What has to be asked."""
    return {**PERIOD, **({"channel": "course-a"} if path == "form-versions" else {})}


def somebody(*roles: Role, channels: frozenset[str] = frozenset({"*"})) -> Claims:
    return Claims(sub="x", roles=frozenset(roles), channels=channels)


async def test_nobody_but_a_supervisor(harness: Harness, subtests: pytest.Subtests) -> None:
    for roles, (method, path) in product(NO_SUPERVISORS, ROUTES):
        with subtests.test(f"{method} {path}", who="+".join(roles) or "nobody"):
            assert (await harness.send(method, path, somebody(*roles))).status_code == 403


async def test_nobody_without_a_token_and_no_visitor(harness: Harness, subtests: pytest.Subtests) -> None:
    for method, path in ROUTES:
        with subtests.test(f"{method} {path}", who="without a token"):
            assert (await harness.send(method, path, None)).status_code == 401
        with subtests.test(f"{method} {path}", who="visitor"):
            answer = await harness.send(method, path, somebody(Role.VISITOR))
            assert answer.status_code in {401, 403}


async def test_a_supervisor_of_no_channel_is_told_so(harness: Harness) -> None:
    nowhere = somebody(Role.SUPERVISOR, channels=frozenset())
    for path in (*FILTERED, "changes"):
        assert (await harness.get(path, nowhere, **({} if path == "changes" else PERIOD))).status_code == 403


async def test_whoever_may_see_nothing_reads_and_removes_nothing_by_its_id(harness: Harness) -> None:
    await harness.receive(ExpectedClose("d1"))
    for claims in (somebody(Role.SUPERVISOR, channels=frozenset()), limited_to()):
        for method, path in OTHERS:
            assert (await harness.send(method, path, claims)).status_code in {403, 404}, path
    assert (await harness.get("closes/d1/1")).status_code == 200


async def test_a_supervisor_sees_own_channels_only(harness: Harness) -> None:
    await harness.receive(ExpectedClose("d1"), ExpectedClose("d2", channel="course-b"))
    assert (await harness.ask("summary"))["closed"] == 2
    assert (await harness.ask("summary", ONLY_A))["closed"] == 1
    assert [each["dialog"] for each in (await harness.ask("reviews", ONLY_A))["reviews"]] == ["d1"]
    assert (await harness.ask("reconcile", ONLY_A))["closes"] == 1


async def test_a_summary_says_which_channels_it_is_of(harness: Harness) -> None:
    two = EVERYWHERE.model_copy(update={"channels": frozenset({"course-b", "course-a"})})
    assert (await harness.ask("summary"))["channels"] is None
    assert (await harness.ask("summary", channel="course-a"))["channels"] == ["course-a"]
    assert (await harness.ask("summary", two))["channels"] == ["course-a", "course-b"]
    assert (await harness.ask("summary", two, channel="course-b"))["channels"] == ["course-b"]


async def test_asking_for_anothers_channel_is_forbidden(harness: Harness) -> None:
    for path in FILTERED:
        for channels, status in (
            (["course-b"], 403),
            (["course-a", "course-b"], 422 if path == "form-versions" else 403),
            (["course-a"], 200),
        ):
            found = await harness.get(path, ONLY_A, channel=channels, **PERIOD)
            assert found.status_code == status, (path, channels)


async def test_a_close_that_is_not_yours_is_like_one_that_is_not_there(harness: Harness) -> None:
    await harness.receive(ExpectedClose("d1", channel="course-b"))
    hidden, missing = [await harness.get(f"closes/{dialog}/1", ONLY_A) for dialog in ("d1", "d2")]
    assert hidden.status_code == missing.status_code == 404
    shown = [{**each.json(), "instance": ""} for each in (hidden, missing)]
    assert shown[0] == shown[1]
    assert (await harness.get("closes/d1/1", supervisor_of("course-b"))).status_code == 200
    assert (await harness.get("closes/d1/2")).status_code == 404


async def test_a_close_that_is_not_yours_takes_as_long_as_one_that_is_not_there(
    harness: Harness, monkeypatch: pytest.MonkeyPatch
) -> None:
    await harness.receive(ExpectedClose("d1", channel="course-b"), ExpectedClose("d2", team="b"))
    read: list[str] = []
    monkeypatch.setattr(reviews, "from_document", lambda document: read.append(document["_id"]))
    for dialog, claims in (("d1", ONLY_A), ("d2", limited_to("a"))):
        assert (await harness.get(f"closes/{dialog}/1", claims)).status_code == 404
    assert read == []


async def test_a_supervisor_of_no_team_is_told_so(harness: Harness) -> None:
    for path in (*FILTERED, "changes"):
        found = await harness.get(path, limited_to(), **({} if path == "changes" else asked_of(path)))
        assert (found.status_code, found.json()["type"]) == (403, "/problems/no-team"), path


async def test_asking_for_anothers_team_is_forbidden(harness: Harness) -> None:
    for path in FILTERED:
        for teams, status in ((["b"], 403), (["a", "b"], 403), (["a"], 200)):
            found = await harness.get(path, limited_to("a"), team=teams, **asked_of(path))
            assert found.status_code == status, (path, teams)


async def test_a_supervisor_sees_own_teams_only_in_totals_as_well(harness: Harness) -> None:
    await harness.receive(
        ExpectedClose("d1", team="a", closed_at=after(-2)),
        ExpectedClose("d2", team="b", closed_at=after(-2)),
        ExpectedClose("d3", team=None, closed_at=after(-2)),
        ExpectedClose("d4", team="a", channel="course-b", operator=None, closed_at=after(-1)),
    )  # fmt: skip
    ours = limited_to("a", "c")
    assert [(await harness.ask("summary", who))["closed"] for who in (EVERYWHERE, ours)] == [4, 2]
    for path in ("operators", "channels"):
        assert sum(row["closed"] for row in (await harness.ask(path, ours))["rows"]) == 2, path
    hours = (await harness.ask("hours", ours, **PERIOD))["hours"]
    assert sum(each["closed"] for each in hours) == 2
    assert (await harness.ask("unrated", ours))["closed"] == 2
    [scale] = (await harness.ask("distribution", ours))["scales"]
    assert scale["n"] == 2
    page = await harness.ask("reviews", ours, counts=True)
    assert ([each["dialog"] for each in page["reviews"]], page["counts"]["all"]) == (["d4", "d1"], 2)
    assert len((await harness.get("export.csv", ours)).text.splitlines()) == 1 + 2
    assert (await harness.ask("reconcile", ours))["closes"] == 2
    one_channel = ours.model_copy(update={"channels": frozenset({"course-b"})})
    assert (await harness.ask("summary", one_channel))["closed"] == 1


@pytest.mark.parametrize("team", ["b", None])
async def test_a_close_of_another_team_or_of_none_is_like_one_that_is_not_there(
    harness: Harness, team: str | None
) -> None:
    await harness.receive(ExpectedClose("d1", team=team))
    assert (await harness.get("closes/d1/1", limited_to("a"))).status_code == 404
    assert (await harness.get("closes/d1/1")).status_code == 200
