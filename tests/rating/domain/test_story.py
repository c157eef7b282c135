"""What a story says of the rules is what was decided, whatever happened to the dialog before and since."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
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

SEQS = st.integers(1, 3)
NOW = st.integers(0, 90).map(at)
FACTS = st.builds(
    CloseFacts,
    closed_by=st.sampled_from([None, *KindOfClose]),
    client_messages=st.integers(0, 2),
    operator_messages=st.integers(0, 2),
    longest_text=st.integers(0, 20),
    labels=st.sampled_from([(), ("test",)]),
    spam=st.sampled_from([False, False, True]),
    draw=st.sampled_from([0.0, 49.9, 50.0]),
)
ELIGIBILITY = st.builds(
    Eligibility,
    closed_by=st.sampled_from([(KindOfClose.OPERATOR,), tuple(KindOfClose)]),
    needs_reply=st.booleans(),
    least_client_messages=st.integers(0, 2),
    least_operator_messages=st.integers(0, 1),
    least_text=st.sampled_from([0, 10]),
    skips_spam=st.booleans(),
    skips_labels=st.sampled_from([(), ("Test",)]),
    share=st.sampled_from([50, 100]),
    reopened=st.sampled_from(ReopenedPolicy),
    once_within=st.just(60 * MINUTE),
)
RULE_SETS: st.SearchStrategy[FormVersion] = st.fixed_dictionaries(
    {
        "eligibility": ELIGIBILITY,
        "enabled": st.sampled_from([True, True, True, False]),
        "delay": st.sampled_from([timedelta(0), DELAY]),
        "offer_window": st.sampled_from([30 * MINUTE, timedelta(hours=24)]),
    }
).map(lambda rules: RULES.model_copy(update=rules))
RARELY = st.sampled_from([False, False, False, True])


@st.composite
def closes(draw: st.DrawFn) -> RegisterClose:
    """A close, of which it may be that it resumes the one before."""
    close_seq, facts = draw(SEQS), draw(FACTS)
    if close_seq > 1 and draw(st.booleans()):
        facts = facts.model_copy(update={"resumes": close_seq - 1})
    return RegisterClose(
        snapshot(close_seq),
        draw(RULE_SETS),
        facts,
        erased=draw(RARELY),
        now=draw(NOW),
        cooling_down=draw(RARELY),
    )


COMMANDS: st.SearchStrategy[RatingCommand] = st.one_of(
    closes(),
    closes(),
    closes(),
    st.builds(RegisterReopening, SEQS, NOW, NOW),
    st.builds(GiveRating, SEQS, st.just(5), NOW),
    st.builds(ExpireForm, SEQS, NOW),
    st.builds(erase, st.just("c1"), NOW),
)


def play(commands: Sequence[RatingCommand]) -> list[RatingEvent]:
    """The events that follow, refusals passed over; a question is reserved only by who would be asked."""
    events: list[RatingEvent] = []
    for command in commands:
        try:
            events.extend(RATING.decide(RATING.fold(RATING.initial, events), command))
        except CommandRejected:
            continue
    return events


def told(events: Sequence[RatingEvent], close_seq: int = 1) -> Story:
    story = story_of(events, close_seq)
    assert story is not None
    return story


def failed(story: Story) -> list[NotOfferedReason]:
    return [rule.name for rule in story.rules if rule.verdict is Verdict.FAILED]


@settings(max_examples=500)
@given(st.lists(COMMANDS, max_size=12))
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
@given(closes(), closes(), st.sampled_from([None, at(0), at(40)]))
def test_what_a_rule_shows_is_all_that_it_goes_by(
    one: RegisterClose, other: RegisterClose, last_asked: Any
) -> None:
    """Two closes of which a rule demanded and found the same have the same verdict of it."""
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
