"""Scores and reasons: parts that add up, each with its interval."""

from collections import Counter
from itertools import pairwise

import pytest

from analytics.domain.counting import Counts, ScaleKey
from analytics.domain.distribution import distribution, unrated_rows
from contracts.ratings import CancelledReason, CloseState, NotOfferedReason


def answers(lowest: int, highest: int, *scores: int) -> Counts:
    counts: Counts = Counter()
    for score in scores:
        counts[ScaleKey("s.", lowest, highest).name_of(score)] += 1
    return counts


def test_every_score_has_its_share_and_its_interval() -> None:
    [scale] = distribution(answers(1, 3, 3, 3, 1), minimum=3)
    assert (scale.name, scale.n) == ("s.", 3)
    assert [(each.from_, each.to, each.n) for each in scale.groups] == [(1, 1, 1), (2, 2, 0), (3, 3, 2)]
    none, some = scale.groups[1].share, scale.groups[2].share
    assert (none.value, none.low, none.too_few) == (0, 0, False)
    assert some.n == 3
    assert [some.value, some.low, some.high] == pytest.approx([66.7, 20.8, 93.9], abs=0.1)


@pytest.mark.parametrize(
    ("lowest", "highest", "number"), [(0, 10, 11), (0, 11, 6), (-3, 96, 10), (0, 100, 10), (0, 1_000_000, 10)]
)
def test_long_scales_are_put_together_and_nothing_is_left_out(lowest: int, highest: int, number: int) -> None:
    [scale] = distribution(answers(lowest, highest, lowest, lowest + 1, highest))
    groups = scale.groups
    assert (len(groups), sum(each.n for each in groups)) == (number, 3)
    assert (groups[0].from_, groups[-1].to, groups[-1].n) == (lowest, highest, 1)
    assert groups[0].n == (1 if number == highest - lowest + 1 else 2)
    assert all(one.to + 1 == other.from_ for one, other in pairwise(groups))


def test_without_answers_there_is_no_scale() -> None:
    assert distribution(Counter({"closed": 3, "expired": 3})) == ()


def test_every_close_without_a_rating_is_in_one_row() -> None:
    counts = Counter(
        {"closed": 10, "given": 2, "expired": 3, "not_offered": 3, "not_offered:spam": 1,
         "not_offered:no_reply": 2, "cancelled": 2, "cancelled:erased": 2}
    )  # fmt: skip
    rows = unrated_rows(counts)
    assert [(each.state, each.reason, each.n) for each in rows] == [
        (CloseState.EXPIRED, None, 3),
        (CloseState.NOT_OFFERED, NotOfferedReason.NO_REPLY, 2),
        (CloseState.CANCELLED, CancelledReason.ERASED, 2),
        (CloseState.NOT_OFFERED, NotOfferedReason.SPAM, 1),
    ]
    assert (rows[0].share.value, rows[0].share.n, rows[0].share.too_few) == (30, 10, True)
    assert unrated_rows(Counter()) == ()
