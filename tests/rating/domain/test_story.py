"""What a story says of the rules is what was decided, whatever happened to the dialog before and since."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from chassis.errors import CommandRejected
from rating.domain.rating.decider import (
    RATING,
    ExpireForm,
    GiveRating,
    RatingCommand,
    RegisterClose,
    RegisterReopening,
    exclusions,
)
from rating.domain.rating.eligibility import CloseFacts, Eligibility, KindOfClose, ReopenedPolicy
from rating.domain.rating.events import CloseRegistered, FormNotOffered, RatingEvent
from rating.domain.rating.form_version import FormVersion, NotOfferedReason
from rating.domain.rating.story import Fact, RuleVerdict, Story, Verdict, story_of, verdicts
from tests.rating.builders import (
    CLOSED_AT,
    DELAY,
    MINUTE,
    RULES,
    at,
    erase,
    give,
    not_offered,
    offered,
    register,
    register_reopening,
    registered,
    reopening_registered,
    resume,
    snapshot,
)
from tests.rating.picks import Make, Pick, picked, up_to

SEQS = (1, 2, 3)
KINDS = tuple(KindOfClose)
POLICIES = tuple(ReopenedPolicy)
RARELY = (False, False, False, True)


def pick_facts(pick: Pick) -> CloseFacts:
    return CloseFacts(
        closed_by=pick((None, *KINDS)),
        client_messages=pick(range(3)),
        operator_messages=pick(range(3)),
        longest_text=pick(range(21)),
        labels=pick(((), ("test",))),
        spam=pick((False, False, True)),
        draw=pick((0.0, 49.9, 50.0)),
    )


def pick_rules(pick: Pick) -> FormVersion:
    eligibility = Eligibility(
        closed_by=pick(((KindOfClose.OPERATOR,), KINDS)),
        needs_reply=pick((False, True)),
        least_client_messages=pick(range(3)),
        least_operator_messages=pick(range(2)),
        least_text=pick((0, 10)),
        skips_spam=pick((False, True)),
        skips_labels=pick(((), ("Test",))),
        share=pick((50, 100)),
        reopened=pick(POLICIES),
        once_within=60 * MINUTE,
    )
    return RULES.model_copy(
        update={
            "eligibility": eligibility,
            "enabled": not pick(RARELY),
            "delay": pick((timedelta(0), DELAY)),
            "offer_window": pick((30 * MINUTE, timedelta(hours=24))),
        }
    )


def pick_now(pick: Pick) -> datetime:
    return at(pick(range(91)))


def pick_close(pick: Pick) -> RegisterClose:
    """A close, of which it may be that it resumes the one before."""
    close_seq, resumes, known = pick(SEQS), pick((False, True)), pick_facts(pick)
    if close_seq > 1 and resumes:
        known = known.model_copy(update={"resumes": close_seq - 1})
    return RegisterClose(
        snapshot(close_seq),
        pick_rules(pick),
        known,
        erased=pick(RARELY),
        now=pick_now(pick),
        cooling_down=pick(RARELY),
    )


CLOSE = 25
"""The picks of a close."""


def pick_two_closes(pick: Pick) -> tuple[RegisterClose, RegisterClose]:
    """Two closes that differ in a few picks: of any two, hardly a rule demands and finds the same."""
    one, other = pick.take(CLOSE), pick.take(CLOSE)
    start, end = sorted((pick(range(CLOSE + 1)), pick(range(CLOSE + 1))))
    return pick_close(Pick(one)), pick_close(Pick(one[:start] + other[start:end] + one[end:]))


COMMANDS: Sequence[Make[RatingCommand]] = (
    *[pick_close] * 3,
    lambda pick: RegisterReopening(pick(SEQS), pick_now(pick), pick_now(pick)),
    lambda pick: GiveRating(pick(SEQS), 5, pick_now(pick)),
    lambda pick: ExpireForm(pick(SEQS), pick_now(pick)),
    lambda pick: erase("c1", pick_now(pick)),
)


def play(commands: Sequence[RatingCommand]) -> list[RatingEvent]:
    """The events that follow, refusals passed over; a question is reserved only by who would be asked."""
    rating, events = RATING.initial, list[RatingEvent]()
    for command in commands:
        try:
            new = RATING.decide(rating, command)
        except CommandRejected:
            continue
        rating = RATING.fold(rating, new)
        events.extend(new)
    return events


def told(events: Sequence[RatingEvent], close_seq: int = 1) -> Story:
    story = story_of(events, close_seq)
    assert story is not None
    return story


def failed(story: Story) -> list[NotOfferedReason]:
    return [rule.name for rule in story.rules if rule.verdict is Verdict.FAILED]


@settings(max_examples=500)
@given(up_to(12, lambda pick: pick(COMMANDS)(pick), size=1 + CLOSE))
def test_the_rule_that_failed_is_the_stored_reason_and_none_did_where_a_form_was_made(
    commands: list[RatingCommand],
) -> None:
    events = play(commands)
    reasons = {event.close_seq: event.reason for event in events if isinstance(event, FormNotOffered)}
    for close in (event for event in events if isinstance(event, CloseRegistered)):
        story, reason = told(events, close.close_seq), reasons.get(close.close_seq)
        assert failed(story) == ([reason] if reason else [])
        seen = [rule.verdict for rule in story.rules]
        if reason is None:
            assert set(seen) == {Verdict.PASSED}
        else:
            before = seen[: seen.index(Verdict.FAILED)]
            assert len(set(before)) <= 1
            assert set(seen[len(before) + 1 :]) <= {Verdict.NOT_LOOKED_AT}
        assert story.events == [event for event in events if event.close_seq == close.close_seq]


def of(rules: Sequence[RuleVerdict], name: NotOfferedReason) -> tuple[Mapping[str, Fact], Mapping[str, Fact]]:
    (rule,) = [rule for rule in rules if rule.name is name]
    return rule.demanded, rule.found


@settings(max_examples=500)
@given(picked(pick_two_closes, size=2 * CLOSE + 2), st.sampled_from([None, at(0), at(40)]))
def test_what_a_rule_shows_is_all_that_it_goes_by(
    closes: tuple[RegisterClose, RegisterClose], last_asked: Any
) -> None:
    """Two closes of which a rule demanded and found the same have the same verdict of it."""
    one, other = closes
    for name, fails in exclusions(one, last_asked).items():
        shown, alike = verdicts(one, None, last_asked), verdicts(other, None, last_asked)
        if of(shown, name)[1] and of(shown, name) == of(alike, name):
            assert exclusions(other, last_asked)[name] is fails


def test_rules_are_told_in_the_order_in_which_they_are_looked_at() -> None:
    names = [rule.name for rule in told(play([register()])).rules]
    assert names == [
        "reopened", "disabled", "erased", "spam", "kind_of_close", "no_reply", "too_short", "too_late",
        "once_per_dialog", "opted_out", "unreachable", "sampled_out", "cool_down",
    ]  # fmt: skip


def test_a_rule_says_what_it_demanded_and_what_it_found() -> None:
    demands = Eligibility(least_client_messages=2, share=50)
    rules = RULES.model_copy(update={"eligibility": demands})
    story = told(play([register(rules=rules, client_messages=1)]))
    assert of(story.rules, NotOfferedReason.TOO_SHORT) == (
        {"least_client_messages": 2, "least_operator_messages": 0, "least_text": 0},
        {"client_messages": 1, "operator_messages": 1, "longest_text": 0},
    )
    assert of(story.rules, NotOfferedReason.SAMPLED_OUT) == ({"share": 50}, {})  # not looked at


def test_a_close_is_as_old_as_it_was_when_it_was_heard_of_and_not_when_it_would_be_asked_about() -> None:
    later = RULES.model_copy(update={"delay": DELAY})
    story = told(play([register(now=at(1), rules=later)]))
    assert of(story.rules, NotOfferedReason.TOO_LATE)[1] == {"age": MINUTE}


def test_messages_count_over_a_form_that_was_withdrawn() -> None:
    story = told(
        play([register(client_messages=3), register_reopening(), register(2, client_messages=1)]), close_seq=2
    )
    assert story.form.facts.client_messages == 4


def test_a_reason_that_is_kept_names_the_close_it_is_from() -> None:
    events = play([register(spam=True), resume(2)])
    assert events[-1] == not_offered("spam", 2)
    story = told(events, 2)
    assert failed(story) == ["spam"]
    assert of(story.rules, NotOfferedReason.SPAM)[1] == {"resumes": 1}
    assert {rule.verdict for rule in story.rules} == {Verdict.FAILED, Verdict.NOT_LOOKED_AT}


def test_a_close_that_was_reopened_first_fails_by_that_alone() -> None:
    story = told([reopening_registered(), registered(), not_offered("reopened")])
    assert failed(story) == ["reopened"]
    assert of(story.rules, NotOfferedReason.REOPENED)[1] == {"reopened": True}


def test_a_close_that_resumes_one_goes_by_the_rules_of_that_one() -> None:
    events = play([register(), resume(2, rules=RULES.model_copy(update={"version": 7}))])
    story = told(events, 2)
    assert (story.form.rules.version, failed(story)) == (1, [])
    assert of(story.rules, NotOfferedReason.KIND_OF_CLOSE)[1] == {"closed_by": "operator", "labels": ()}


def test_what_was_asked_before_is_as_it_was_then() -> None:
    once = RULES.model_copy(update={"eligibility": Eligibility(reopened=ReopenedPolicy.ONCE_PER_DIALOG)})
    events = play(
        [register(rules=once), give(5, at(1)), register(2, at(2), once, closed_at=at(2)), give(4, at(3))]
    )
    found = [of(told(events, each).rules, NotOfferedReason.ONCE_PER_DIALOG)[1] for each in (1, 2)]
    assert [each["last_asked"] for each in found] == [None, CLOSED_AT]
    assert failed(told(events, 2)) == ["once_per_dialog"]


def test_closes_that_were_not_registered_have_no_story() -> None:
    assert story_of([], 1) is None
    assert story_of([reopening_registered()], 1) is None
    assert story_of([registered(), offered()], 2) is None


def test_closes_of_an_older_release_without_facts_have_one() -> None:
    old = registered(replied=False).model_copy(update={"facts": None})
    assert failed(told([old, not_offered("no_reply")])) == ["no_reply"]
    idle = registered(by=KindOfClose.IDLE).model_copy(update={"facts": None})
    assert failed(told([idle, not_offered("kind_of_close")])) == ["kind_of_close"]
