"""Whatever comes, in whatever order and how often: the rules of a form hold."""

from collections.abc import Sequence
from itertools import accumulate
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from chassis.eventlog.decider import Refused
from rating.domain.answers import Comment, Kept, Removed, Written
from rating.domain.closes import Rating
from rating.domain.events import Answered, AnyEvent, FormCancelled, FormExpired, FormOffered, RatingGiven
from rating.domain.rating import RATING, Command, DeclineRating, ExpireForm, GiveRating, HearReopen, OfferForm
from rating.domain.rules import Rules
from tests.rating.story import LATER, RULES, at, erase, hear, written

SEQS = st.integers(1, 2)
NOW = st.integers(0, 90).map(at)
RULE_SETS: st.SearchStrategy[Rules] = st.sampled_from([RULES, LATER])
COMMENTS: st.SearchStrategy[Comment] = st.sampled_from([Kept(), Removed(), written("a"), written("b")])

COMMANDS: st.SearchStrategy[Command] = st.one_of(
    st.builds(hear, SEQS, NOW, RULE_SETS, spam=st.booleans(), erased=st.booleans()),
    st.builds(hear, SEQS, NOW, RULE_SETS),
    st.builds(HearReopen, SEQS, NOW, NOW),
    st.builds(OfferForm, SEQS, NOW),
    st.builds(GiveRating, SEQS, st.integers(0, 6), NOW, COMMENTS),
    st.builds(DeclineRating, SEQS, NOW),
    st.builds(ExpireForm, SEQS, NOW),
    st.builds(erase, st.just("c1"), NOW),
)


def play(commands: Sequence[Command], rating: Rating = RATING.initial) -> list[AnyEvent]:
    """The events that follow from the commands, refusals passed over."""
    events: list[AnyEvent] = []
    for command in commands:
        try:
            new = RATING.decide(RATING.fold(rating, events), command)
        except Refused:
            continue
        events.extend(new)
    return events


def of(events: Sequence[AnyEvent], close_seq: int, *kinds: type) -> list[AnyEvent]:
    return [event for event in events if event.close_seq == close_seq and isinstance(event, kinds)]


@settings(max_examples=400)
@given(st.lists(COMMANDS, max_size=25))
def test_a_close_is_offered_once_and_settled_once(commands: list[Command]) -> None:
    events = play(commands)
    for close_seq in (1, 2):
        assert len(of(events, close_seq, FormOffered)) <= 1
        ends = [type(event) for event in of(events, close_seq, RatingGiven, FormExpired, FormCancelled)]
        assert len(ends) <= 1 or ends == [FormExpired, FormCancelled]  # a reopening that was heard late


@settings(max_examples=200)
@given(st.lists(COMMANDS, max_size=25))
def test_an_answer_lies_between_the_offer_and_the_expiry(commands: list[Command]) -> None:
    events = play(sorted(commands, key=lambda command: command.now))
    for close_seq in (1, 2):
        offers = {e.close_seq: e for e in events if isinstance(e, FormOffered)}
        for event in of(events, close_seq, RatingGiven):
            assert isinstance(event, RatingGiven)
            assert offers[close_seq].offered_at <= event.given_at < offers[close_seq].expires_at


ANSWERS = st.lists(st.tuples(st.integers(0, 6), COMMENTS), max_size=25)


@settings(max_examples=200)
@given(ANSWERS)
def test_every_stored_answer_is_whole(answers: list[tuple[int, Comment]]) -> None:
    events = play([hear()])
    score, comment = 0, None
    for given_score, said in answers:
        command = GiveRating(1, given_score, at(1), said)
        try:
            new = RATING.decide(RATING.fold(RATING.initial, events), command)
        except Refused:
            continue
        before = (score, comment)
        score = given_score
        comment = comment if isinstance(said, Kept) else said.sealed if isinstance(said, Written) else None
        assert [(e.score, e.comment) for e in new if isinstance(e, Answered)] == (
            [(score, comment)] if (score, comment) != before else []
        )
        events.extend(new)


@settings(max_examples=200)
@given(st.lists(COMMANDS, max_size=20))
def test_a_command_again_at_once_has_nothing_to_do(commands: list[Command]) -> None:
    assert play(commands) == play([command for command in commands for _ in range(2)])


@settings(max_examples=200)
@given(st.lists(COMMANDS, max_size=20), st.randoms(use_true_random=False))
def test_every_stored_history_can_be_read_and_folded_in_any_order(
    commands: list[Command], random: Random
) -> None:
    stored = [event.model_dump(mode="json") for event in play(commands)]
    events = [RATING.events.validate_python(document) for document in stored]
    assert events == play(commands)
    random.shuffle(events)
    for rating in accumulate(events, RATING.evolve, initial=RATING.initial):
        assert set(rating.closes) <= {1, 2}
