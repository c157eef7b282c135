"""How many closes a channel has had lately: counted by the index alone, and no further than is said."""

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Any

import pytest

from rating.read_models.forms import MOST_COUNTED
from tests.rating.builders import CLOSED_AT
from tests.rating.harness import Harness, open_harness

pytestmark = pytest.mark.real

DAY = timedelta(days=1)


@pytest.fixture
async def harness(mongo: str, database: str) -> AsyncIterator[Harness]:
    async with open_harness(mongo, database) as harness:
        await harness.forms.prepare()
        yield harness


async def stored(harness: Harness, channel: str, closed_at: datetime, many: int) -> None:
    """Forms of which only what is counted is there."""
    forms = harness.database["forms"]
    await forms.insert_many({"channel": channel, "closed_at": closed_at} for _ in range(many))


async def test_only_the_channels_own_closes_of_since_then_are_counted(harness: Harness) -> None:
    since = CLOSED_AT - 28 * DAY
    for channel, closed_at in (("shop", since), ("shop", CLOSED_AT), ("shop", since - DAY),
                               ("blog", CLOSED_AT)):  # fmt: skip
        await stored(harness, channel, closed_at, 1)
    assert await harness.forms.count_closes("shop", since) == 2
    assert await harness.forms.count_closes("none", since) == 0


async def test_no_document_is_read_for_it_and_no_more_keys_than_are_told(harness: Harness) -> None:
    await stored(harness, "blog", CLOSED_AT, 500)
    await stored(harness, "shop", CLOSED_AT, MOST_COUNTED + 500)
    await harness.database.command("profile", 2)
    assert await harness.forms.count_closes("shop", CLOSED_AT - DAY) == MOST_COUNTED
    await harness.database.command("profile", 0)
    ran: dict[str, Any] | None = await harness.database["system.profile"].find_one(
        {"ns": f"{harness.database.name}.forms", "op": "command"}
    )
    assert ran is not None
    assert (ran["docsExamined"], ran["keysExamined"] <= MOST_COUNTED + 1) == (0, True), ran
