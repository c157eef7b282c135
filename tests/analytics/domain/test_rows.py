"""Operators beside one another: order, places, and what has none."""

from collections import Counter
from collections.abc import Mapping

from analytics.domain.counting import Counts
from analytics.domain.funnel import FunnelPosition
from analytics.domain.rows import RowNumbers, row_numbers


def rated(satisfied: int, given: int, closed: int = 0) -> Counts:
    return Counter(closed=closed or given, given=given, satisfied=satisfied, expired=given)


def rows(parts: Mapping[str | None, Counts]) -> dict[str | None, RowNumbers]:
    whole: Counts = Counter()
    for counts in parts.values():
        whole.update(counts)
    return row_numbers(parts, whole, 20, frozenset({None}))


SIX: dict[str | None, Counts] = {
    "few": rated(19, 19),
    None: rated(30, 30),
    "low": rated(60, 100),
    "best": rated(199, 200),
    "good": rated(92, 100),
    "newcomer": rated(20, 20),
    "usual": rated(85, 100),
}


def test_places_go_by_the_estimate_and_few_and_nobody_have_none() -> None:
    found = rows(SIX)
    assert list(found) == ["best", "newcomer", "good", "usual", "low", None, "few"]
    assert [row.rank for row in found.values()] == [1, 2, 3, 4, 5, None, None]
    assert found["few"].csat.too_few
    assert found["newcomer"].csat.value == 100 > (found["newcomer"].estimate or 0)


def test_a_colour_is_for_what_stands_out() -> None:
    found = rows(SIX)
    assert found["low"].funnel is FunnelPosition.BELOW_998
    assert found["best"].funnel is FunnelPosition.ABOVE_998
    assert found["usual"].funnel is FunnelPosition.INSIDE
    assert found["newcomer"].funnel is FunnelPosition.INSIDE
    assert found["few"].funnel is None


def test_four_are_in_no_order_of_places() -> None:
    four: dict[str | None, Counts] = {name: SIX[name] for name in ("low", "best", "good", "usual", "few")}
    found = rows(four)
    assert [row.rank for row in found.values()] == [None] * 5
    assert list(found) == ["best", "low", "good", "usual", "few"]
    assert all(row.estimate is not None for row in found.values())


def test_without_answers_there_is_nothing_to_say() -> None:
    found = rows({"ann": Counter(closed=7, expired=6)})["ann"]
    assert (found.csat.value, found.estimate, found.rank, found.funnel) == (None, None, None, None)
    assert (found.response_rate.value, found.response_rate.n) == (0, 6)
