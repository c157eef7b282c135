"""What closes count, and how counters move."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from random import Random
from typing import Any, TypeVar

import pytest
from hypothesis import given as for_all
from hypothesis import settings
from hypothesis import strategies as st

from analytics.domain.close import Close, CloseEvent, fold_all
from analytics.domain.counting import (
    CounterDelta,
    CounterKey,
    Counts,
    ScaleKey,
    count,
    difference,
    in_states,
    quarter_of,
    scales,
)
from analytics.domain.numbers import Numbers, numbers
from analytics.read_models.projection import by_close
from contracts.ratings import CloseState
from tests.analytics.builders import FACES, WAYS, ExpectedClose, batches, many, received, shuffled

K = TypeVar("K")


def counted(*events: CloseEvent) -> CounterDelta:
    return count(fold_all(Close("d1", 1), events))


def names(tally: CounterDelta) -> dict[str, int]:
    return {name: n for (_, name), n in tally.items()}


def test_a_close_counts_in_the_cell_of_its_closing() -> None:
    close = ExpectedClose(
        operator=None, closed_at=datetime(2026, 3, 2, 12, 44, 59, 999000, UTC), way="undecided"
    )
    cell = CounterKey("course-a", None, "first.line", datetime(2026, 3, 2, 12, 30, tzinfo=UTC))
    assert counted(*close.events()) == {(cell, "closed"): 1, (cell, "undecided"): 1}


def test_an_answer_counts_for_whoever_the_dialog_was_closed_by() -> None:
    close, moved = ExpectedClose(), ExpectedClose(operator="bo", team="second.line")
    (cell,) = {cell for cell, _ in counted(close.closed(), moved.offered(), moved.given())}
    assert (cell.operator, cell.team) == ("ann", "first.line")


@pytest.mark.parametrize("way", WAYS)
def test_each_way_counts_what_it_must(way: str) -> None:
    close = ExpectedClose(way=way, changes=(2, 4))
    assert without_zeros(names(counted(*close.events()))) == without_zeros(close.counts())


def test_rating_events_that_come_early_are_not_counted() -> None:
    assert counted(ExpectedClose().offered(), ExpectedClose().given()) == {}


def test_counters_move_by_what_changed_and_by_nothing_else() -> None:
    close = ExpectedClose(score=5)
    before = fold_all(Close("d1", 1), [close.closed(), close.given()])
    moved = names(difference(before, fold_all(before, [close.changed(1, 2)])))
    star = "scale:stars:1:5"
    assert moved == {"satisfied": -1, f"{star}:sum": -3, f"{star}:score:5": -1, f"{star}:score:2": 1}
    assert difference(before, before) == {}


def test_a_close_that_expired_moves_from_pending() -> None:
    close = ExpectedClose()
    before = fold_all(Close("d1", 1), [close.closed(), close.offered()])
    assert names(difference(before, fold_all(before, [close.expired()]))) == {"pending": -1, "expired": 1}


def test_a_scale_of_any_name_is_counted_under_a_name_that_is_no_path() -> None:
    scored = ScaleKey.of(FACES)
    assert not set(scored.name) & set(".$")
    assert scales(scored.count(-1)) == [ScaleKey("faces v2.0 $", -1, 1)]


def test_quarter_hours_begin_where_they_should() -> None:
    assert quarter_of(datetime(2026, 1, 1, 0, 14, 59, 999000, UTC)) == datetime(2026, 1, 1, tzinfo=UTC)
    assert quarter_of(datetime(2026, 1, 1, 0, 15, tzinfo=UTC)) == datetime(2026, 1, 1, 0, 15, tzinfo=UTC)


def projected(parts: Iterable[Sequence[CloseEvent]]) -> tuple[dict[str, Close], dict[Any, int]]:
    """Closes and counters after the batches, in memory."""
    closes: dict[str, Close] = {}
    counters: CounterDelta = Counter()
    for part in parts:
        for name, batch in by_close([received(event) for event in part]).items():
            first = batch[0].event
            before = closes.get(name) or Close(first.dialog, first.close_seq)
            closes[name] = fold_all(before, [record.event for record in batch])
            counters.update(difference(before, closes[name]))
    return closes, without_zeros(counters)


@for_all(st.integers(0, 2**32), st.integers(1, 40))
@settings(max_examples=100, deadline=None)
def test_any_order_repetition_and_batches_give_the_same_closes_and_counters(seed: int, number: int) -> None:
    random = Random(seed)
    made = many(random, number)
    closes, counters = projected(batches(random, shuffled(random, made)))
    assert (closes, counters) == projected([[event for close in made for event in close.events()]])
    found: Counter[str] = Counter()
    for (_, name), n in counters.items():
        found[name] += n
    assert without_zeros(found) == totals(made)
    adds_up(numbers(found))


def totals(closes: list[ExpectedClose]) -> dict[str, int]:
    found: Counter[str] = Counter()
    for close in closes:
        found.update(close.counts())
    return without_zeros(found)


def without_zeros(counts: Mapping[K, int]) -> dict[K, int]:
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
    every: Counts = Counter()
    some: Counts = Counter()
    for close in closes:
        every.update(close.counts())
        if close.state in states:
            some.update(close.counts())
    assert +in_states(every, {CloseState(state) for state in states}) == +some
