"""Cursors of reviews: ours or refused."""

from collections.abc import Sequence

import pytest
from hypothesis import given as for_all
from hypothesis import strategies as st

from analytics.read_models.reviews import CURSOR, ReviewPosition
from chassis.http.cursors import encode
from tests.analytics.builders import NOON, ExpectedClose
from tests.analytics.harness import Harness


@for_all(st.integers(0, 10**13))
def test_a_place_is_found_again(milliseconds: int) -> None:
    text = encode(CURSOR, [milliseconds, "d1.2"])
    assert ReviewPosition.from_cursor(text).to_cursor() == text


@pytest.mark.parametrize(
    "values", [[], [1], ["1", "d1.2"], [1, 2], [1, "d", "e"], [10**30, "d"], [10**15, "d"], [-1, "d"]]
)
def test_what_is_no_place_is_no_cursor(values: Sequence[str | int]) -> None:
    with pytest.raises(ValueError, match="not one of ours"):
        ReviewPosition.from_cursor(encode(CURSOR, values))


@pytest.mark.real
async def test_another_lists_cursor_and_a_changed_one_are_422(house: Harness) -> None:
    await house.hear(ExpectedClose("d1"), ExpectedClose("d2"))
    cursor = (await house.ask("reviews", limit=1))["next_cursor"]
    assert len((await house.ask("reviews", cursor=cursor))["reviews"]) == 1
    changed = cursor[:-3] + ("A" if cursor[-3] != "A" else "B") + cursor[-2:]
    theirs = encode("chat.dialogs", [0, "d1.1"])
    for wrong in (changed, theirs, cursor[1:], cursor + "=", ReviewPosition(NOON, "d1.1").to_cursor()[:-1]):
        assert (await house.get("reviews", cursor=wrong)).status_code == 422
