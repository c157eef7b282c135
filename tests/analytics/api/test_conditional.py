"""Who has a response already is told so, and nothing is computed for it."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import httpx
import pytest

from analytics.api import distribution, live_chat
from chassis.clock import ManualClock
from contracts.access import Claims
from contracts.channels import ChannelPublished
from tests.analytics.builders import ExpectedClose
from tests.analytics.harness import EVERYWHERE, Harness, limited_to, supervisor_of
from tests.analytics.read_models.test_progress import moved
from tests.analytics.read_models.test_rows import publish
from tests.tokens import bearer, signed

pytestmark = pytest.mark.real

NUMBERS = ("summary", "operators", "channels", "hours", "distribution", "unrated", "closes")
PERIOD = {"from": "2026-03-01", "to": "2026-03-03"}


async def get(
    harness: Harness, path: str, tag: str | None = None, claims: Claims = EVERYWHERE, **asked: Any
) -> httpx.Response:
    headers = bearer(signed(claims)) | ({} if tag is None else {"If-None-Match": tag})
    return await harness.http.get(f"/v1/live-chat/{path}", params={**PERIOD, **asked}, headers=headers)


async def test_the_same_again_is_not_computed(harness: Harness, monkeypatch: pytest.MonkeyPatch) -> None:
    await harness.receive(ExpectedClose())
    await moved(harness, 1)
    first = {path: await get(harness, path) for path in NUMBERS}

    async def computed(*_: object) -> None:
        raise AssertionError

    for module in (live_chat, distribution):
        monkeypatch.setattr(module, "in_one_snapshot", computed)
    for path, found in first.items():
        tag = found.headers["etag"]
        assert (tag[:3], found.headers["cache-control"]) == ('W/"', "private, no-cache")
        for given in (tag, tag.removeprefix("W/"), f'"other", {tag}', "*"):
            again = await get(harness, path, given)
            assert (again.status_code, again.content) == (304, b""), path
            assert (again.headers["etag"], again.headers["cache-control"]) == (tag, "private, no-cache")
        assert (await get(harness, path, tag, limited_to())).status_code == 403
        assert (await get(harness, path, tag, unheard="of")).status_code == 422


async def by_an_event(harness: Harness) -> dict[str, Any]:
    await moved(harness, 2)
    return {}


async def by_a_delay(harness: Harness) -> dict[str, Any]:
    harness.app.state.progress._behind = lambda: 3.0
    return {}


async def by_channels(_: Harness) -> dict[str, Any]:
    return {"claims": supervisor_of("course-a")}


async def by_teams(_: Harness) -> dict[str, Any]:
    return {"claims": limited_to("first.line")}


async def by_the_minimum(harness: Harness) -> dict[str, Any]:
    harness.app.state.minimum_n += 1
    return {}


CHANGES: tuple[Callable[[Harness], Awaitable[dict[str, Any]]], ...] = (
    by_an_event, by_a_delay, by_channels, by_teams, by_the_minimum,
)  # fmt: skip


async def test_what_changed_is_sent(harness: Harness, subtests: pytest.Subtests) -> None:
    await moved(harness, 1)
    for change in CHANGES:
        tags = {path: (await get(harness, path)).headers["etag"] for path in NUMBERS}
        asked = await change(harness)
        for path, tag in tags.items():
            with subtests.test(path, change=change.__name__):
                changed = await get(harness, path, tag, **asked)
                assert changed.status_code == 200
                assert changed.headers["etag"] != tag


async def test_a_summary_changes_with_the_clock(harness: Harness) -> None:
    clock: ManualClock = harness.app.state.clock
    plain = (await get(harness, "summary")).headers["etag"]
    compared = (await get(harness, "summary", vs="previous")).headers["etag"]
    clock.advance(timedelta(minutes=15))  # as much more has run, and the period still does
    assert (await get(harness, "summary", plain)).status_code == 304
    assert (await get(harness, "summary", compared, vs="previous")).status_code == 200
    clock.advance(timedelta(hours=12))
    over = await get(harness, "summary", plain)
    assert (over.status_code, over.json()["running"]) == (200, False)


async def test_versions_of_a_form_change_with_the_clock(harness: Harness) -> None:
    tag = (await get(harness, "form-versions", channel="course-a")).headers["etag"]
    assert (await get(harness, "form-versions", tag, channel="course-a")).status_code == 304
    harness.app.state.clock.advance(timedelta(hours=12))  # the period is over: fewer changes may be chance
    assert (await get(harness, "form-versions", tag, channel="course-a")).status_code == 200


async def test_channels_change_with_their_names(harness: Harness) -> None:
    tag = (await get(harness, "channels")).headers["etag"]
    await publish(harness, (1, ChannelPublished(channel="course-a", name="Course A")))
    assert (await get(harness, "channels", tag)).json()["rows"][0]["name"] == "Course A"
    assert (await get(harness, "summary", (await get(harness, "summary")).headers["etag"])).status_code == 304


async def test_reviews_are_never_kept(harness: Harness) -> None:
    found = await harness.get("reviews")
    assert ("etag" in found.headers, found.headers["cache-control"]) == (False, "no-store")
