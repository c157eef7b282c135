"""A snapshot that can't be had: tried again, then the caller is asked to."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from motor.motor_asyncio import AsyncIOMotorClientSession
from pymongo.errors import OperationFailure

from analytics.read_models.snapshot import in_one_snapshot
from chassis.transient import SNAPSHOT_CODES, is_transient
from tests.analytics.harness import Harness

pytestmark = pytest.mark.real


def failing(times: int, code: int) -> Callable[[AsyncIOMotorClientSession], Awaitable[str]]:
    """A read that fails so often."""
    left = iter(range(times))

    async def read(_: AsyncIOMotorClientSession) -> str:
        for _attempt in left:
            raise OperationFailure("no", code)
        return "read"

    return read


@pytest.mark.parametrize("code", sorted(SNAPSHOT_CODES))
async def test_another_snapshot_is_tried(harness: Harness, code: int) -> None:
    assert await in_one_snapshot(harness.documents, failing(4, code)) == "read"


@pytest.mark.parametrize("code", sorted(SNAPSHOT_CODES))
async def test_a_lasting_lack_of_them_is_503(
    harness: Harness, code: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def summed(*_: Any) -> None:
        raise OperationFailure("no", code)

    monkeypatch.setattr("analytics.api.live_chat.summed", summed)
    assert (await harness.get("summary")).status_code == 503


async def test_a_time_limit_is_not_run_into_again(harness: Harness) -> None:
    with pytest.raises(OperationFailure) as caught:
        await in_one_snapshot(harness.documents, failing(1, 50))
    assert is_transient(caught.value)
