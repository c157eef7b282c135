"""Cursors of reviews: ours or refused."""

from collections.abc import Sequence
from datetime import UTC, datetime

import pytest
from hypothesis import given as for_all
from hypothesis import strategies as st

from analytics.api.parameters import ReviewParameters
from analytics.read_models.documents import close_id
from analytics.read_models.reviews import CURSOR, ReviewPosition
from chassis.cursors import encode
from contracts.envelope import to_milliseconds
from tests.analytics.builders import NOON, ExpectedClose
from tests.analytics.harness import Harness

MOMENTS = st.datetimes(timezones=st.just(UTC)).map(to_milliseconds)
"""Every time that Python and MongoDB both hold."""

IDS = st.builds(close_id, st.from_regex(r"\A[A-Za-z0-9][A-Za-z0-9_-]{0,63}\Z"), st.integers(1, 2**63 - 1))


@for_all(st.builds(ReviewPosition, MOMENTS, IDS))
def test_every_cursor_that_is_given_is_taken(position: ReviewPosition) -> None:
    assert ReviewParameters(cursor=position.to_cursor()).after == position


@pytest.mark.parametrize("year", [1, 1965, 1970, 2026, 9999])
def test_so_are_those_of_long_ago_and_of_long_ids(year: int) -> None:
    position = ReviewPosition(
        to_milliseconds(datetime(year, 12, 31, 23, 59, 59, 999_999, UTC)), f"{'d' * 64}.{2**63 - 1}"
    )
    assert ReviewParameters(cursor=position.to_cursor()).after == position


@pytest.mark.parametrize(
    "values", [[], [1], ["1", "d1.2"], [1, 2], [1, "d", "e"], [10**30, "d"], [10**15, "d"], [-(10**14), "d"]]
)
def test_what_is_no_position_is_no_cursor(values: Sequence[str | int]) -> None:
    with pytest.raises(ValueError, match="not one of ours"):
        ReviewPosition.from_cursor(encode(CURSOR, values))


@pytest.mark.real
async def test_another_lists_cursor_and_a_changed_one_are_422(harness: Harness) -> None:
    await harness.receive(ExpectedClose("d1"), ExpectedClose("d2"))
    cursor = (await harness.ask("reviews", limit=1))["next_cursor"]
    assert len((await harness.ask("reviews", cursor=cursor))["reviews"]) == 1
    changed = cursor[:-3] + ("A" if cursor[-3] != "A" else "B") + cursor[-2:]
    theirs = encode("chat.dialogs", [0, "d1.1"])
    for wrong in (changed, theirs, cursor[1:], cursor + "=", ReviewPosition(NOON, "d1.1").to_cursor()[:-1]):
        assert (await harness.get("reviews", cursor=wrong)).status_code == 422
