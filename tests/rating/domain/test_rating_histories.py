"""Whatever comes, in whatever order and how often: the rules of a form hold."""

from collections.abc import Sequence
from itertools import accumulate
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from chassis.errors import CommandRejected
from rating.domain.rating.answers import Comment, KeepComment, RemoveComment, WrittenComment
from rating.domain.rating.decider import (
    RATING,
    DeclineRating,
    ExpireForm,
    GiveRating,
    OfferForm,
    RatingCommand,
    RegisterReopening,
)
from rating.domain.rating.delivery import RecordFailure, RecordReminder, RecordSending
from rating.domain.rating.events import (
    AnswerRecorded,
    FormCancelled,
    FormExpired,
    FormOffered,
    FormSent,
    FormUndeliverable,
    RatingEvent,
    RatingGiven,
    ReminderSent,
)
from rating.domain.rating.form_version import FormVersion
from rating.domain.rating.state import Given, Offered, Rating, Scheduled
from rating.domain.rating.ways import DeliveryFailureReason, Way
from tests.rating.builders import BOTH, LATER, MAILED, RULES, at, erase, register, resume, written

SEQS = st.integers(1, 2)
NOW = st.integers(0, 90).map(at)
RULE_SETS: st.SearchStrategy[FormVersion] = st.sampled_from([RULES, LATER, MAILED, BOTH])
COMMENTS: st.SearchStrategy[Comment] = st.sampled_from(
    [KeepComment(), RemoveComment(), written("a"), written("b")]
)

WAYS = st.sampled_from(Way)
REACHED = st.sampled_from([(Way.WIDGET,), (Way.WIDGET, Way.EMAIL), (Way.EMAIL,), ()])

COMMANDS: st.SearchStrategy[RatingCommand] = st.one_of(
    st.builds(register, SEQS, NOW, RULE_SETS, spam=st.booleans(), erased=st.booleans()),
    st.builds(register, SEQS, NOW, RULE_SETS, cooling_down=st.booleans()),
    st.builds(resume, st.just(2), NOW, RULE_SETS),
    st.builds(register, SEQS, NOW, RULE_SETS, ways=REACHED, opted_out=st.booleans()),
    st.builds(RecordSending, SEQS, WAYS, NOW),
    st.builds(RecordReminder, SEQS, NOW),
    st.builds(RecordFailure, SEQS, WAYS, st.sampled_from(DeliveryFailureReason), NOW),
    st.builds(RegisterReopening, SEQS, NOW, NOW),
    st.builds(OfferForm, SEQS, NOW),
    st.builds(GiveRating, SEQS, st.integers(0, 6), NOW, COMMENTS),
    st.builds(DeclineRating, SEQS, NOW),
    st.builds(ExpireForm, SEQS, NOW),
    st.builds(erase, st.just("c1"), NOW),
)


def play(commands: Sequence[RatingCommand], rating: Rating = RATING.initial) -> list[RatingEvent]:
    """The events that follow from the commands, refusals passed over."""
    events: list[RatingEvent] = []
    for command in commands:
        try:
            new = RATING.decide(RATING.fold(rating, events), command)
        except CommandRejected:
            continue
        events.extend(new)
    return events


def of(events: Sequence[RatingEvent], close_seq: int, *kinds: type) -> list[RatingEvent]:
    return [event for event in events if event.close_seq == close_seq and isinstance(event, kinds)]


@settings(max_examples=400)
@given(st.lists(COMMANDS, max_size=25))
def test_a_close_is_offered_once_and_settled_once(commands: list[RatingCommand]) -> None:
    events = play(commands)
    for close_seq in (1, 2):
        assert len(of(events, close_seq, FormOffered)) <= 1
        settling = (RatingGiven, FormExpired, FormCancelled, FormUndeliverable)
        ends = [type(event) for event in of(events, close_seq, *settling)]
        # A reopening that was consumed late.
        taken_back = [[FormExpired, FormCancelled], [FormUndeliverable, FormCancelled]]
        assert len(ends) <= 1 or ends in taken_back


@settings(max_examples=400)
@given(st.lists(COMMANDS, max_size=25))
def test_a_form_that_was_sent_is_never_undeliverable_and_is_sent_and_reminded_of_once(
    commands: list[RatingCommand],
) -> None:
    events = play(commands)
    for close_seq in (1, 2):
        by = [event.way for event in of(events, close_seq, FormSent) if isinstance(event, FormSent)]
        assert len(by) == len(set(by))
        assert not by or not of(events, close_seq, FormUndeliverable)
        assert len(of(events, close_seq, ReminderSent)) <= 1


@settings(max_examples=200)
@given(st.lists(COMMANDS, max_size=25))
def test_an_answer_lies_between_the_offer_and_the_expiry(commands: list[RatingCommand]) -> None:
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
    events = play([register()])
    score, comment = 0, None
    for given_score, sent in answers:
        command = GiveRating(1, given_score, at(1), sent)
        try:
            new = RATING.decide(RATING.fold(RATING.initial, events), command)
        except CommandRejected:
            continue
        before = (score, comment)
        score = given_score
        comment = (
            comment
            if isinstance(sent, KeepComment)
            else sent.sealed
            if isinstance(sent, WrittenComment)
            else None
        )
        assert [(e.score, e.comment) for e in new if isinstance(e, AnswerRecorded)] == (
            [(score, comment)] if (score, comment) != before else []
        )
        events.extend(new)


@settings(max_examples=200)
@given(st.lists(COMMANDS, max_size=20))
def test_a_command_again_at_once_has_nothing_to_do(commands: list[RatingCommand]) -> None:
    assert play(commands) == play([command for command in commands for _ in range(2)])


@settings(max_examples=200)
@given(st.lists(COMMANDS, max_size=20), st.randoms(use_true_random=False))
def test_every_stored_history_can_be_read_and_folded_in_any_order(
    commands: list[RatingCommand], random: Random
) -> None:
    stored = [event.model_dump(mode="json") for event in play(commands)]
    events = [RATING.events.validate_python(document) for document in stored]
    assert events == play(commands)
    random.shuffle(events)
    for rating in accumulate(events, RATING.evolve, initial=RATING.initial):
        assert set(rating.closes) <= {1, 2}


@settings(max_examples=300)
@given(
    turns=st.lists(st.tuples(st.booleans(), st.booleans(), st.integers(0, 3)), max_size=6),
    answered=st.booleans(),
    rules=RULE_SETS,
)
def test_closing_and_reopening_takes_no_form_away_and_asks_nobody_twice(
    *, turns: list[tuple[bool, bool, int]], answered: bool, rules: FormVersion
) -> None:
    """Reopenings that nobody uses, each of which may be lost or come late, and closes that come twice."""
    reached = (Way.WIDGET, Way.EMAIL)
    commands: list[RatingCommand] = [register(rules=rules, ways=reached)]
    late: list[RatingCommand] = []
    for close_seq, (lost, twice, minutes) in enumerate(turns, 2):
        reopening = RegisterReopening(close_seq - 1, at(0), at(minutes))
        (late if lost else commands).append(reopening)
        commands += [resume(close_seq, at(minutes), ways=reached)] * (1 + twice)
        if answered:
            commands.append(GiveRating(close_seq, 5, at(minutes)))
    rating = RATING.fold(RATING.initial, play([*commands, *late]))
    asked = (Scheduled, Offered, Given)
    assert sum(isinstance(close, asked) for close in rating.closes.values()) == 1
