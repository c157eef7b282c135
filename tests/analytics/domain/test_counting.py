"""What closes count, and how counters move."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from random import Random

import pytest
from hypothesis import given as for_all
from hypothesis import settings
from hypothesis import strategies as st

from analytics.domain.close import Close, CloseEvent, fold_all
from analytics.domain.counting import (
    OutcomeFilter,
    ScaleKey,
    counted,
    outcome_of,
    quarter_of,
    scores_of,
)
from analytics.domain.numbers import Numbers, numbers
from analytics.read_models.projection import by_close
from contracts.ratings import CloseState, Scale
from tests.analytics.builders import (
    FACES,
    SEALED,
    STARS,
    WAYS,
    ExpectedClose,
    batches,
    many,
    received,
    shuffled,
)


def outcome(*events: CloseEvent) -> str | None:
    return outcome_of(fold_all(Close("d1", 1), events))


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("scale", [STARS, FACES])
@pytest.mark.parametrize("comment", [SEALED, None])
def test_each_way_counts_what_it_must(way: str, scale: Scale, comment: str | None) -> None:
    close = ExpectedClose(way=way, scale=scale, score=1, changes=(0, -1) if scale is FACES else (2, 4))
    close = replace(close, comment=comment)
    found = outcome(*close.events())
    assert found is not None
    assert +counted({found: 1}) == +close.counts()
    assert not set(found) & set(".$")


@pytest.mark.parametrize(
    ("wanted", "n"),
    [
        (OutcomeFilter(), 4),
        (OutcomeFilter(scores=frozenset({0, 5})), 1),
        (OutcomeFilter(scale=ScaleKey.of(FACES)), 1),
        (OutcomeFilter(satisfied=False), 1),
        (OutcomeFilter(commented=False), 1),
        (OutcomeFilter(commented=True), 1),
        (OutcomeFilter(frozenset({CloseState.EXPIRED}), satisfied=True), 0),
    ],
)
def test_outcomes_without_an_answer_are_not_among_those_with_one(wanted: OutcomeFilter, n: int) -> None:
    outcomes = {
        "given:stars:1:5:5:satisfied:commented": 1, "given:faces%20v2%2E0%20%24:-1:1:-1:unsatisfied": 1,
        "not_offered:spam": 1, "expired": 1,
    }  # fmt: skip
    assert counted(outcomes, wanted)["closed"] == n


def test_outcomes_have_names_for_people() -> None:
    close = ExpectedClose(comment=SEALED)
    assert outcome(*close.events()) == "given:stars:1:5:5:satisfied:commented"
    assert outcome(close.closed()) == "undecided"
    assert outcome(close.closed(), close.not_offered()) == "not_offered:spam"
    assert outcome(close.closed(), close.undeliverable()) == "undeliverable"


def test_rating_events_that_come_early_are_not_counted() -> None:
    assert outcome(ExpectedClose().offered(), ExpectedClose().given()) is None


def test_a_scale_of_any_name_is_counted_under_a_name_that_is_no_path() -> None:
    scored = ScaleKey.of(FACES)
    assert not set(scored.name) & set(".$")
    assert scores_of(Counter({scored.name_of(-1): 2})) == {ScaleKey("faces v2.0 $", -1, 1): {-1: 2}}


def test_quarter_hours_begin_where_they_should() -> None:
    assert quarter_of(datetime(2026, 1, 1, 0, 14, 59, 999000, UTC)) == datetime(2026, 1, 1, tzinfo=UTC)
    assert quarter_of(datetime(2026, 1, 1, 0, 15, tzinfo=UTC)) == datetime(2026, 1, 1, 0, 15, tzinfo=UTC)


@for_all(st.integers(0, 2**32), st.integers(1, 40))
@settings(max_examples=100, deadline=None)
def test_any_order_repetition_and_batches_give_the_same_outcomes(seed: int, number: int) -> None:
    random = Random(seed)
    made = many(random, number)
    closes: dict[str, Close] = {}
    for part in batches(random, shuffled(random, made)):
        for name, batch in by_close([received(event) for event in part]).items():
            first = batch[0].event
            before = closes.get(name) or Close(first.dialog, first.close_seq)
            closes[name] = fold_all(before, [record.event for record in batch])
    found = counted(Counter(filter(None, map(outcome_of, closes.values()))))
    assert without_zeros(found) == totals(made)
    adds_up(numbers(found))


def totals(closes: list[ExpectedClose]) -> dict[str, int]:
    found: Counter[str] = Counter()
    for close in closes:
        found.update(close.counts())
    return without_zeros(found)


def without_zeros(counts: Mapping[str, int]) -> dict[str, int]:
    return {name: n for name, n in counts.items() if n}


def adds_up(all_of: Numbers) -> None:
    """The parts of product.md's numbers are the whole, and no share leaves 0 to 100."""
    offered = ("scheduled", "pending", "given", "declined", "expired", "cancelled", "undeliverable")
    assert all_of.closed == all_of.undecided + all_of.not_offered + all_of.offered_total
    assert all_of.offered_total == sum(getattr(all_of, name) for name in offered)
    assert all_of.unrated.total == all_of.closed - all_of.given == sum(all_of.unrated.by_state.values())
    assert all_of.not_offered == sum(all_of.unrated.not_offered_by_reason.values())
    assert all_of.cancelled == sum(all_of.unrated.cancelled_by_reason.values())
    assert all_of.given == sum(scale.n for scale in all_of.scales) == all_of.csat.n
    for scale in all_of.scales:
        assert scale.n == sum(score.n for score in scale.distribution)
    for share in (all_of.csat, all_of.response_rate, all_of.coverage):
        assert (share.value is None) == (share.n == 0)
        assert share.value is None or 0 <= (share.low or 0) <= share.value <= (share.high or 0) <= 100


@pytest.mark.parametrize(
    "states", [{"given"}, {"not_offered", "cancelled"}, {"expired", "given"}, set(CloseState)]
)
def test_what_closes_in_some_states_count_is_in_what_all_count(states: set[CloseState]) -> None:
    closes = many(Random(5), 200)
    outcomes = Counter(filter(None, (outcome(*close.events()) for close in closes)))
    assert +counted(outcomes, OutcomeFilter(frozenset(map(CloseState, states)))) == Counter(
        totals([close for close in closes if close.state in states])
    )
