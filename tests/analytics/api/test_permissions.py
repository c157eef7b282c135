"""Who may query: supervisors, about their channels, and nobody else."""

import pytest

from contracts.access import Claims, Role
from tests.analytics.builders import ExpectedClose
from tests.analytics.harness import EVERYWHERE, Harness, supervisor_of
from tests.tokens import signed

pytestmark = pytest.mark.real

ROUTES = ("summary", "reviews", "reconcile")
ONLY_A = supervisor_of("course-a")


def somebody(*roles: Role, channels: frozenset[str] = frozenset({"*"})) -> Claims:
    return Claims(sub="x", roles=frozenset(roles), channels=channels)


@pytest.mark.parametrize("path", ROUTES)
@pytest.mark.parametrize(
    "roles",
    [
        [Role.OPERATOR],
        [Role.OPERATOR, Role.SUPERVISOR],
        [Role.OPERATOR, Role.SUPERVISOR, Role.ADMIN, Role.PLATFORM, Role.SERVICE],
        [Role.ADMIN],
        [Role.PLATFORM],
        [Role.SERVICE],
        [],
    ],
    ids=lambda roles: "+".join(roles) or "nobody",
)
async def test_nobody_but_a_supervisor(harness: Harness, path: str, roles: list[Role]) -> None:
    assert (await harness.get(path, somebody(*roles))).status_code == 403


@pytest.mark.parametrize("path", ROUTES)
async def test_nobody_without_a_token_and_no_visitor(harness: Harness, path: str) -> None:
    assert (await harness.get(path, None)).status_code == 401
    visitor = signed(somebody(Role.VISITOR))
    answer = await harness.http.get(f"/v1/live-chat/{path}", headers={"Authorization": f"Bearer {visitor}"})
    assert answer.status_code in {401, 403}


async def test_a_supervisor_of_no_channel_is_told_so(harness: Harness) -> None:
    for path in ROUTES:
        nowhere = somebody(Role.SUPERVISOR, channels=frozenset())
        assert (await harness.get(path, nowhere)).status_code == 403


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
    for path in ROUTES:
        assert (await harness.get(path, ONLY_A, channel="course-b")).status_code == 403
        assert (await harness.get(path, ONLY_A, channel="course-a")).status_code == 200
