"""Whatever comes, in whatever order and how often: the rules of a form hold."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import accumulate, cycle, permutations
from random import Random
from typing import get_args

from hypothesis import given, settings
from hypothesis import strategies as st

from chassis.errors import CommandRejected
from rating.domain.rating.answers import Comment, KeepComment, RemoveComment, WrittenComment
from rating.domain.rating.decider import (
    RATING,
    DeclineRating,
    ExpireForm,
    ForgetClient,
    GiveRating,
    OfferForm,
    RatingCommand,
    RegisterClose,
    RegisterReopening,
)
from rating.domain.rating.delivery import RecordFailure, RecordReminder, RecordSending
from rating.domain.rating.eligibility import Eligibility, ReopenedPolicy
from rating.domain.rating.events import (
    AnswerRecorded,
    CloseRegistered,
    FormCancelled,
    FormExpired,
    FormNotOffered,
    FormOffered,
    FormSent,
    FormUndeliverable,
    RatingChanged,
    RatingEvent,
    RatingGiven,
    ReminderSent,
)
from rating.domain.rating.form_version import CancelledReason, FormVersion, NotOfferedReason
from rating.domain.rating.state import (
    MOST_CHANGES,
    Cancelled,
    Declined,
    Expired,
    Given,
    NotOffered,
    Offered,
    Rating,
    Scheduled,
    Undeliverable,
)
from rating.domain.rating.ways import DeliveryFailureReason, Way
from tests.rating.builders import (
    BOTH,
    CLOSED_AT,
    EVERY_WAY,
    HOOKED,
    LATER,
    MAILED,
    MINUTE,
    RULES,
    at,
    decline,
    erase,
    expire,
    facts,
    give,
    register,
    resume,
    snapshot,
    written,
)
from tests.rating.domain.test_dry_run import pick_facts
from tests.rating.domain.test_dry_run import pick_rules as pick_any_rules
from tests.rating.invariants import check_dialog
from tests.rating.picks import Make, Pick, picked, up_to

SELDOM = (*[False] * 19, True)
AT_TIMES = (False, False, False, True)
SEQS = (1, 2)
RULE_SETS = (RULES, LATER, MAILED, BOTH, HOOKED, EVERY_WAY)
COMMENTS: Sequence[Comment] = (KeepComment(), RemoveComment(), written("a"), written("b"))
WAYS, FAILURES = tuple(Way), tuple(DeliveryFailureReason)
REACHED = tuple(some for n in range(len(Way) + 1) for some in permutations(Way, n))


def pick_now(pick: Pick) -> datetime:
    return at(pick(range(91)))


COMMANDS: Sequence[Make[RatingCommand]] = (
    lambda pick: register(
        pick(SEQS), pick_now(pick), pick(RULE_SETS), spam=pick(SELDOM), erased=pick(SELDOM)
    ),
    lambda pick: register(pick(SEQS), pick_now(pick), pick(RULE_SETS), cooling_down=pick(SELDOM)),
    lambda pick: resume(2, pick_now(pick), pick(RULE_SETS)),
    lambda pick: register(
        pick(SEQS), pick_now(pick), pick(RULE_SETS), ways=pick(REACHED), opted_out=pick((False, True))
    ),
    *[lambda pick: RecordSending(pick(SEQS), pick((*WAYS, Way.EMAIL)), pick_now(pick))] * 4,
    *[lambda pick: RecordReminder(pick(SEQS), pick_now(pick))] * 3,
    lambda pick: RecordFailure(pick(SEQS), pick(WAYS), pick(FAILURES), pick_now(pick)),
    lambda pick: RegisterReopening(pick(SEQS), pick_now(pick), pick_now(pick)),
    *[lambda pick: OfferForm(pick(SEQS), pick_now(pick))] * 2,
    *[lambda pick: GiveRating(pick(SEQS), pick(range(7)), pick_now(pick), pick(COMMENTS))] * 3,
    lambda pick: DeclineRating(pick(SEQS), pick_now(pick)),
    lambda pick: ExpireForm(pick(SEQS), pick_now(pick)),
    lambda pick: erase("c1", pick_now(pick)),
)


def commands_up_to(
    most: int, kinds: Sequence[Make[RatingCommand]] = COMMANDS
) -> st.SearchStrategy[list[RatingCommand]]:
    """Commands of these kinds about two closes, in any order, at any time."""
    return up_to(most, lambda pick: pick(kinds)(pick), size=6)


def play(commands: Sequence[RatingCommand], rating: Rating = RATING.initial) -> list[RatingEvent]:
    """The events that follow from the commands, refusals passed over."""
    events: list[RatingEvent] = []
    for command in commands:
        try:
            new = RATING.decide(rating, command)
        except CommandRejected:
            continue
        rating = RATING.fold(rating, new)
        events.extend(new)
    return events


def of(events: Sequence[RatingEvent], close_seq: int, *kinds: type) -> list[RatingEvent]:
    return [event for event in events if event.close_seq == close_seq and isinstance(event, kinds)]


@settings(max_examples=400)
@given(commands_up_to(25))
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
@given(
    commands_up_to(
        8,
        (
            lambda pick: register(pick(SEQS), pick_now(pick), pick((RULES, LATER))),
            lambda pick: RegisterReopening(pick(SEQS), pick_now(pick), pick_now(pick)),
            lambda pick: OfferForm(pick(SEQS), pick_now(pick)),
            lambda pick: ExpireForm(pick(SEQS), pick_now(pick)),
        ),
    )
)
def test_at_most_one_form_of_a_dialog_waits(commands: list[RatingCommand]) -> None:
    rating = RATING.initial
    for event in play(commands):
        rating = RATING.evolve(rating, event)
        assert sum(isinstance(each, Scheduled | Offered) for each in rating.closes.values()) <= 1


@settings(max_examples=400)
@given(commands_up_to(25))
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
@given(commands_up_to(25))
def test_an_answer_lies_between_the_offer_and_the_expiry(commands: list[RatingCommand]) -> None:
    events = play(sorted(commands, key=lambda command: command.now))
    for close_seq in (1, 2):
        offers = {e.close_seq: e for e in events if isinstance(e, FormOffered)}
        for event in of(events, close_seq, RatingGiven):
            assert isinstance(event, RatingGiven)
            assert offers[close_seq].offered_at <= event.given_at < offers[close_seq].expires_at


ANSWERS = up_to(25, lambda pick: (pick(range(7)), pick(COMMENTS)), size=2)


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
@given(commands_up_to(20))
def test_a_command_again_at_once_has_nothing_to_do(commands: list[RatingCommand]) -> None:
    assert play(commands) == play([command for command in commands for _ in range(2)])


@settings(max_examples=200)
@given(commands_up_to(20), st.integers(0, 999).map(Random))
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
    turns=up_to(6, lambda pick: (pick((False, True)), pick((False, True)), pick(range(4))), size=3),
    answered=st.booleans(),
    rules=st.sampled_from(RULE_SETS),
)
def test_closing_and_reopening_takes_no_form_away_and_asks_nobody_twice(
    *, turns: list[tuple[bool, bool, int]], answered: bool, rules: FormVersion
) -> None:
    """Reopenings that nobody uses, each of which may be lost or come late, and closes that come twice."""
    reached = tuple(Way)
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


LAST_CLOSE = 4
MINUTES = (0, 0, 0, 0, 1, 5, 20, 60)
LAGS = (0, 0, 0, 0, 0, 0, 5, 5, 30, 30, 1440)
"""How many minutes late closes are consumed; the last one is just too late."""
WAYS_OF_RULES = tuple(rules.ways for rules in (RULES, MAILED, BOTH, BOTH, HOOKED, EVERY_WAY))


def pick_close(pick: Pick) -> RegisterClose:
    """A close by any rules, with anything known of it, that may resume the one before."""
    rules = pick_any_rules(pick).model_copy(
        update={
            "ways": pick(WAYS_OF_RULES),
            "reminder": pick((None, 30 * MINUTE)),
            "enabled": not pick(SELDOM),
        }
    )
    # A close that no rule excludes, most of the time.
    chatted = facts(client_messages=2, operator_messages=2, longest_text=20, draw=pick(range(55)))
    known = pick_facts(pick) if pick(AT_TIMES) else chatted
    more = {
        "ways": pick(REACHED) if pick(AT_TIMES) else WAYS,
        "resumes": pick((None, 1)),
        "opted_out": pick((False, True)),
    }
    return RegisterClose(
        snapshot=snapshot(),
        rules=rules,
        facts=known.model_copy(update=more),
        erased=pick(SELDOM),
        now=at(pick(LAGS)),
        cooling_down=pick(SELDOM),
    )


WEIGHTS: Mapping[Make[RatingCommand | None], int] = {
    lambda _: None: 3,
    lambda pick: GiveRating(1, pick((0, 1, 2, 3, 4, 4, 5, 5, 6)), CLOSED_AT, pick(COMMENTS)): 10,
    lambda _: DeclineRating(1, CLOSED_AT): 3,
    lambda pick: RegisterReopening(1, pick_now(pick), CLOSED_AT): 1,
    lambda _: OfferForm(1, CLOSED_AT): 4,
    lambda _: ExpireForm(1, CLOSED_AT): 4,
    lambda pick: RecordSending(1, pick((*WAYS, Way.EMAIL)), CLOSED_AT): 8,
    lambda _: RecordReminder(1, CLOSED_AT): 6,
    lambda pick: RecordFailure(1, pick(WAYS), pick(FAILURES), CLOSED_AT): 2,
    lambda _: erase("c1", CLOSED_AT): 1,
}
"""What comes next, and how often; None for the next close."""
STEPS = [kind for kind, weight in WEIGHTS.items() for _ in range(weight)]
PLACES = (*[0] * 16, *range(1, LAST_CLOSE + 1))
"""The close that a step is about; 0 for the last one, or for the next one if it is closed."""

Step = tuple[int, int, RatingCommand | None]


def pick_step(pick: Pick) -> Step:
    return pick(MINUTES), pick(PLACES), pick(STEPS)(pick)


def histories(most: int = 40) -> st.SearchStrategy[list[RatingCommand]]:
    """A dialog that is closed, dealt with and closed again, with a step of any other close now and then."""
    return picked(
        lambda pick: _placed(
            [pick.part(pick_close, size=30) for _ in range(LAST_CLOSE)], pick.up_to(most, pick_step, size=5)
        ),
        size=LAST_CLOSE * 30 + 1 + most * 6,
    )


def _placed(closes: Sequence[RegisterClose], steps: Sequence[Step]) -> list[RatingCommand]:
    """These steps one after the other, in the order in which they are consumed."""
    commands: list[RatingCommand] = []
    minutes, last = 0, 0
    following = cycle(closes)
    for later, place, step in [(0, 1, None), *steps]:
        minutes += later
        match command := step or next(following):
            case RegisterClose(facts=known):
                last = place or min(last + 1, LAST_CLOSE)
                resumes = last - 1 if known.resumes and last > 1 else None
                closed = replace(
                    command,
                    snapshot=snapshot(last, closed_at=at(minutes)),
                    facts=known.model_copy(update={"resumes": resumes}),
                )
                commands.append(replace(closed, now=at(minutes) + (command.now - CLOSED_AT)))
            case ForgetClient():
                commands.append(replace(command, now=at(minutes)))
            case _:
                commands.append(replace(command, close_seq=place or last, now=at(minutes)))
    return sorted(commands, key=lambda command: command.now)


SEEN: Counter[object] = Counter()


@settings(max_examples=800, derandomize=True, database=None)
@given(histories())
def play_and_count(commands: list[RatingCommand]) -> None:
    """Counts what each history has, once."""
    events = play(commands)
    reasons = {event.reason for event in events if isinstance(event, FormNotOffered | FormCancelled)}
    SEEN.update({type(event) for event in events} | reasons)


def test_the_histories_come_to_all_that_can_happen() -> None:
    """Else the rules would hold of forms that nobody is offered."""
    SEEN.clear()
    play_and_count()
    all_of_it: list[object] = [*get_args(RatingEvent), *NotOfferedReason, *CancelledReason]
    assert [each for each in all_of_it if not SEEN[each]] == []
    often = (FormOffered, RatingGiven, RatingChanged, FormExpired, FormSent)
    assert [each for each in often if SEEN[each] < 25] == []


@settings(max_examples=800)
@given(histories(), st.integers(0, 999).map(Random))
def test_every_rule_of_a_form_holds_after_whatever_comes(
    commands: list[RatingCommand], random: Random
) -> None:
    """Closes, reopenings, answers, timers, deliveries and erasures, some of them more than once."""
    again = random.choices(commands, k=len(commands) // 3)
    # Whoever sends it again does so at another time.
    again = [replace(command, now=random.choice(commands).now) for command in again]
    check_dialog(play(sorted([*commands, *again], key=lambda command: command.now)))


@settings(max_examples=300)
@given(histories(30), st.integers(1, 5))
def test_an_answer_is_taken_until_just_before_its_deadline_and_in_no_other_state(
    commands: list[RatingCommand], score: int
) -> None:
    rating = RATING.fold(RATING.initial, play(commands))
    for close_seq in range(1, LAST_CLOSE + 1):
        match rating.close(close_seq):
            case Offered(expires_at=deadline) | Declined(expires_at=deadline, forgotten=False):
                kind: type | None = RatingGiven
            case Given(editable_until=deadline, forgotten=False, changes=changes) if changes < MOST_CHANGES:
                kind = RatingChanged
            case _:
                deadline, kind = at(0), None
        before = GiveRating(close_seq, score, deadline - timedelta(milliseconds=1), written("new words"))
        assert kind_of_answer(rating, before) is kind
        assert kind_of_answer(rating, replace(before, now=deadline)) is None


@settings(max_examples=300)
@given(histories(30))
def test_a_timer_has_nothing_to_do_until_its_time_has_come(commands: list[RatingCommand]) -> None:
    """An expiry is as of the deadline, whenever it was recorded: its event doesn't tell if it came early."""
    rating = RATING.fold(RATING.initial, play(commands))
    for close_seq, close in rating.closes.items():
        match close:
            case Scheduled(due_at=moment):
                timer: OfferForm | ExpireForm = OfferForm(close_seq, moment)
            case Offered(expires_at=moment):
                timer = ExpireForm(close_seq, moment)
            case _:
                continue
        early = replace(timer, now=moment - timedelta(milliseconds=1))
        assert RATING.decide(rating, early) == []
        assert len(RATING.decide(rating, timer)) == 1


def kind_of_answer(rating: Rating, command: GiveRating) -> type | None:
    """The event that an answer leads to; None if it is refused."""
    try:
        [event] = RATING.decide(rating, command)
    except CommandRejected:
        return None
    return type(event)


FINAL = (NotOffered, Given, Expired, Cancelled, Undeliverable)
TAKEN_BACK = (Expired, Undeliverable)


@settings(max_examples=300)
@given(histories())
def test_a_close_that_is_settled_stays_what_it_is(
    commands: list[RatingCommand],
) -> None:
    """But for an end that a reopening takes back, and for the last word of an answer."""
    rating = RATING.initial
    for event in play(commands):
        after = RATING.evolve(rating, event)
        for close_seq, close in rating.closes.items():
            if isinstance(close, FINAL):
                kinds = (type(close), Cancelled) if isinstance(close, TAKEN_BACK) else type(close)
                assert isinstance(after.close(close_seq), kinds)
        rating = after


@settings(max_examples=300)
@given(
    ending=st.sampled_from(["given", "declined", "expired", "pending"]),
    minutes=st.lists(st.integers(0, 200), min_size=1, max_size=3),
    rules=st.sampled_from([RULES, LATER]),
    within=st.integers(1, 300),
)
def test_a_dialog_is_asked_once_if_once_is_enough(
    ending: str, minutes: list[int], rules: FormVersion, within: int
) -> None:
    """A form that was withdrawn before anybody dealt with it is no question."""
    for policy in ReopenedPolicy:
        eligibility = Eligibility(reopened=policy, once_within=at(within) - at(0))
        once = rules.model_copy(update={"eligibility": eligibility})
        asked_at = 5 if rules.delay else 0
        commands: list[RatingCommand] = [register(rules=once), OfferForm(1, at(asked_at))]
        settling: dict[str, list[RatingCommand]] = {
            "given": [give(5, at(asked_at))],
            "declined": [decline(at(asked_at))],
            "expired": [expire(at(asked_at + 60))],
            "pending": [],
        }
        commands += settling[ending]
        moment = at(asked_at + 60)
        expected = []
        for close_seq, later in enumerate(minutes, 2):
            moment += at(later) - at(0)
            commands.append(RegisterReopening(close_seq - 1, moment, moment))
            commands.append(register(close_seq, moment, once, closed_at=moment))
            too_soon = moment + rules.delay < at(asked_at + within)
            dealt_with = ending != "pending"
            expected.append(
                dealt_with
                and (
                    policy is ReopenedPolicy.ONCE_PER_DIALOG
                    or (policy is ReopenedPolicy.ONCE_WITHIN and too_soon)
                )
            )
        rating = RATING.fold(RATING.initial, play(commands))
        refused = [
            isinstance(rating.close(close_seq), NotOffered) for close_seq in range(2, len(minutes) + 2)
        ]
        assert refused == expected


@settings(max_examples=300)
@given(
    share=st.integers(0, 100),
    draws=st.lists(st.floats(0, 99.9), min_size=1, max_size=6),
    silent=st.lists(st.booleans(), min_size=6, max_size=6),
)
def test_the_draw_of_a_close_holds_for_all_that_follow_its_reopening(
    share: int, draws: list[float], silent: list[bool]
) -> None:
    """However often somebody closes and reopens: who draws again could draw until the form is gone."""
    rules = RULES.model_copy(update={"eligibility": Eligibility(share=share)})
    commands: list[RatingCommand] = []
    held, expected = None, dict[int, float]()
    for close_seq, (drawn, unused) in enumerate(zip(draws, silent, strict=False), 1):
        resumes = close_seq - 1 if unused and close_seq > 1 else None
        commands.append(RegisterReopening(close_seq - 1, at(close_seq), at(close_seq)))
        commands.append(register(close_seq, at(close_seq), rules, draw=drawn, resumes=resumes))
        if held is None and resumes is None and drawn < share:
            held = drawn
        if held is not None:
            expected[close_seq] = held
    events = play(commands[1:])
    facts = {event.close_seq: event.facts for event in events if isinstance(event, CloseRegistered)}
    asked = {event.close_seq for event in events if isinstance(event, FormOffered)}
    assert {close_seq: known.draw for close_seq, known in facts.items() if known and close_seq in asked} == (
        expected
    )
