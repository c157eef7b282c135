"""The numbers, against published values and sums done by hand."""

from collections import Counter
from math import isclose, sqrt

import pytest
from hypothesis import given as for_all
from hypothesis import strategies as st

from analytics.domain.counting import Counts, ScaleKey
from analytics.domain.intervals import wilson
from analytics.domain.numbers import numbers, share
from contracts.ratings import CloseState

STARS = ScaleKey("stars", 1, 5)
THUMBS = ScaleKey("thumbs", 0, 1)


def answers(scored: ScaleKey, *scores: int) -> Counts:
    counts: Counts = Counter()
    for score in scores:
        counts[scored.name_of(score)] += 1
    return counts


@pytest.mark.parametrize(
    ("hits", "n", "low", "high"),
    [
        # Published: Newcombe, "Two-sided confidence intervals for the single proportion", Statistics in
        # Medicine 17 (1998), table I, method 3.
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_the_interval_is_the_published_one(hits: int, n: int, low: float, high: float) -> None:
    assert [round(bound, 4) for bound in wilson(hits, n)] == [low, high]


@for_all(st.integers(1, 10_000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_the_bounds_are_the_shares_that_just_would_not_be_rejected(case: tuple[int, int]) -> None:
    """Where the interval comes from: |p - bound| is z standard errors of the bound itself."""
    hits, n = case
    low, high = wilson(hits, n)
    assert 0 <= low <= hits / n <= high <= 1
    for bound in {low, high} - {0.0, 1.0}:
        error = 1.959963984540054 * sqrt(bound * (1 - bound) / n)
        assert isclose(abs(hits / n - bound), error, rel_tol=1e-6, abs_tol=1e-9)


def test_nothing_to_divide_by_is_null_and_not_zero() -> None:
    nothing = numbers(Counter())
    for each in (nothing.csat, nothing.response_rate, nothing.coverage):
        assert (each.value, each.low, each.high, each.n, each.too_few) == (None, None, None, 0, True)
    assert (nothing.average_normalised.value, nothing.scales) == (None, ())


def test_few_answers_are_marked() -> None:
    assert share(10, 19).too_few
    assert not share(10, 20).too_few
    assert not share(1, 3, minimum=3).too_few


def test_the_minimum_holds_for_every_number() -> None:
    counts = answers(STARS, 5, 4, 5) + Counter(closed=3, given=3, satisfied=3)
    for minimum, too_few in ((3, False), (4, True)):
        found = numbers(counts, minimum)
        shares = [found.csat, found.response_rate, found.coverage]
        assert [share.too_few for share in shares] == [too_few] * 3
        assert found.average_normalised.too_few == found.scales[0].too_few == too_few


def test_csat_is_satisfied_of_given() -> None:
    found = numbers(Counter(closed=8, given=4, satisfied=3, declined=1, expired=3))
    assert (found.csat.value, found.csat.n) == (75.0, 4)


def test_the_response_rate_looks_at_settled_forms_only() -> None:
    counts = Counter(closed=20, given=4, declined=1, expired=3, pending=5, cancelled=2, not_offered=5)
    found = numbers(counts)
    assert (found.response_rate.value, found.response_rate.n) == (50.0, 8)
    assert numbers(counts + Counter(undeliverable=3)).response_rate == found.response_rate
    assert (found.coverage.value, found.coverage.n, found.offered_total) == (75.0, 20, 15)
    assert (found.unrated.total, found.unrated.by_state[CloseState.PENDING]) == (16, 5)


def test_averages_stay_on_their_scale_and_meet_from_0_to_100() -> None:
    found = numbers(answers(STARS, 5, 3) + answers(THUMBS, 1, 0, 0, 1))
    stars, thumbs = found.scales
    assert (stars.name, stars.average, stars.n) == ("stars", 4.0, 2)
    assert (thumbs.name, thumbs.average, thumbs.n) == ("thumbs", 0.5, 4)
    # Stars are at 100 and 50, thumbs at 100, 0, 0 and 100.
    assert isclose(found.average_normalised.value or 0, 350 / 6)


def test_a_distribution_shows_scores_that_nobody_gave() -> None:
    (stars,) = numbers(answers(STARS, 5, 5, 2)).scales
    assert [(each.score, each.n) for each in stars.distribution] == [(1, 0), (2, 1), (3, 0), (4, 0), (5, 2)]


def test_a_very_wide_scale_shows_only_scores_that_were_given() -> None:
    (wide,) = numbers(answers(ScaleKey("points", 0, 10**9), 7, 10**9)).scales
    assert [each.score for each in wide.distribution] == [7, 10**9]


def test_a_scale_of_one_score_cannot_be_stretched() -> None:
    found = numbers(answers(ScaleKey("like", 1, 1), 1) + answers(STARS, 3))
    assert (found.average_normalised.value, found.average_normalised.n) == (50.0, 1)


def test_a_scale_that_all_answers_left_is_gone() -> None:
    counts = answers(STARS, 5)
    counts.subtract(answers(STARS, 5))
    assert numbers(counts).scales == ()


def test_bounds_by_silence_are_those_of_the_page() -> None:
    found = numbers(Counter(closed=1214, given=412, satisfied=358, declined=60, expired=540)).bounds
    assert found
    assert (round(found.from_), round(found.to), found.n) == (35, 95, 1012)
    assert numbers(Counter(closed=3, pending=3)).bounds is None


@for_all(st.integers(0, 50), st.integers(0, 50), st.integers(0, 50), st.integers(0, 50))
def test_csat_lies_within_its_bounds(satisfied: int, others: int, declined: int, expired: int) -> None:
    given = satisfied + others
    found = numbers(Counter(closed=200, given=given, satisfied=satisfied, declined=declined, expired=expired))
    if found.bounds and found.csat.value is not None:
        assert 0 <= found.bounds.from_ <= found.csat.value <= found.bounds.to <= 100


def test_the_interval_of_an_average_is_that_of_its_scores() -> None:
    """The page's 270, 88, 22, 14, 18 of five stars to one: 4.4, 4.3 to 4.5."""
    counts: Counts = Counter()
    for score, n in {5: 270, 4: 88, 3: 22, 2: 14, 1: 18}.items():
        for _ in range(n):
            counts[STARS.name_of(score)] += 1
    [stars] = numbers(counts).scales
    assert (stars.average, stars.low, stars.high) == pytest.approx((4.4029, 4.303, 4.503), abs=5e-4)
    average = numbers(counts).average_normalised
    assert average.low == pytest.approx(25 * (stars.low or 0) - 25)
    assert average.high == pytest.approx(25 * (stars.high or 0) - 25)


def test_an_interval_ends_with_its_scale_and_takes_two_answers() -> None:
    [stars] = numbers(answers(STARS, 5, 5, 5, 4)).scales
    assert (stars.high, (stars.low or 0) < 4.75) == (5, True)
    [stars] = numbers(answers(STARS, 5)).scales
    assert (stars.average, stars.low, stars.high) == (5, None, None)
