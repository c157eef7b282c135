"""Another system follows the ratings by the documents alone: the example in them runs, and is right."""

import json
import os
import subprocess
import sys
from functools import partial
from typing import Any

import pytest

from deploy.demo.check import settled
from deploy.demo.people import NotYet, at_once, until
from deploy.demo.story import Ledger, Mood
from deploy.demo.support_floor import SupportFloor
from deploy.local.secrets import Secrets
from deploy.local.stack import ROOT, Stack
from tests.e2e.conftest import SETTLE_SECONDS
from tests.e2e.test_story import encounter

pytestmark = [pytest.mark.real, pytest.mark.timeout(120)]

EXAMPLE = ROOT / "docs" / "examples" / "count_ratings.py"


def count(stack: Stack) -> dict[str, Any]:
    """What the example prints; it imports none of Candor's packages."""
    told = {
        "PATH": os.environ["PATH"],
        "CANDOR_KAFKA": stack.addresses.kafka,
        "CANDOR_READERS_KEY": Secrets(stack.folder).environment("analytics")["CANDOR_READERS_KEY"],
    }
    ran = subprocess.run([sys.executable, EXAMPLE], env=told, check=True, capture_output=True, timeout=60)
    found: dict[str, Any] = json.loads(ran.stdout)
    return found


async def comments_in(stack: Stack, channel: str, wanted: list[str | None]) -> dict[str, Any]:
    """The counts of the channel, as soon as these are its comments."""

    async def look() -> dict[str, Any]:
        found = count(stack)
        assert found["gaps"] == 0
        if found["channels"][channel]["comments"] != wanted:
            raise NotYet(f"{found}")
        return dict(found["channels"][channel])

    counts: dict[str, Any] = await until(look, SETTLE_SECONDS)
    return counts


async def test_the_example_counts_what_the_summary_counts(
    stack: Stack, floor: SupportFloor, channel: str
) -> None:
    ledger = Ledger()
    rating = await encounter(floor, channel, Mood.RATES, 5, comment="Quick, привет 🙂")
    others = [await encounter(floor, channel, mood, 2) for mood in (Mood.DECLINES, Mood.IGNORES)]
    await at_once(3, [partial(one.play, ledger) for one in (rating, *others)])
    summary = await settled(floor.supervisor(), channel, 3, SETTLE_SECONDS)

    counts = await comments_in(stack, channel, ["Quick, привет 🙂"])

    for kind in ("given", "declined", "expired"):
        assert counts[kind] == summary[kind] == 1
    await floor.erase(rating.visitor.client)
    await until(partial(comments_in, stack, channel, [None]), SETTLE_SECONDS)
