"""What rating decides about a close, command by command."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import pytest

from chassis.errors import CommandRejected
from rating.domain.quality_control.state import DEFAULT_VERSION
from rating.domain.rating.answers import ChosenOption, RemoveComment
from rating.domain.rating.decider import RATING, GiveRating, RegisterClose
from rating.domain.rating.eligibility import CloseFacts, Eligibility, KindOfClose, ReopenedPolicy
from rating.domain.rating.events import (
    FollowUpRecorded,
    FormOffered,
    FormScheduled,
    RatingChanged,
    RatingEvent,
    RatingGiven,
)
from rating.domain.rating.form_version import CommentMode, CommentRule, FollowUpRule, FormVersion, TagRule
from rating.domain.rating.state import Form, Registered
from rating.domain.rejections import Rejection
from tests.rating.builders import (
    CLOSED_AT,
    DELAY,
    LATER,
    MINUTE,
    RULES,
    at,
    cancelled,
    changed,
    decline,
    declined,
    erase,
    expire,
    expired,
    facts,
    forgotten,
    give,
    give_without,
    given,
    just_before,
    not_offered,
    offer,
    offered,
    rated,
    register,
    register_reopening,
    registered,
    reopening_registered,
    resume,
    resumed,
    scheduled,
    snapshot,
    written,
)

SYSTEM = KindOfClose.SYSTEM
History = tuple[RatingEvent, ...]
WAITING: History = (registered(), offered())
"""Offered at the close, to be answered within the hour."""


SILENT = RULES.model_copy(update={"comment": CommentRule(mode=CommentMode.OFF)})
EXPLAINED = RULES.model_copy(
    update={"comment": CommentRule(mode=CommentMode.REQUIRED, required_at_or_below=2)}
)
"""A score of 2 or less needs a comment."""


class TestHearClose:
    def test_asks_nobody_while_it_is_off(self) -> None:
        off = RULES.model_copy(update={"enabled": False})
        given().when(register(rules=off, spam=True)).then(
            registered(rules=off, spam=True), not_offered("disabled")
        )

    def test_goes_on_with_what_was_begun_before_it_was_off(self) -> None:
        off = RULES.model_copy(update={"enabled": False, "version": 2})
        before = (registered(), offered(), cancelled("reopened"))
        given(*before).when(resume(rules=off)).then(resumed(2), offered(close_seq=2))

    def test_offers_a_form_at_once_without_a_delay(self) -> None:
        given().when(register()).then(registered(), offered())

    def test_schedules_the_form_with_a_delay(self) -> None:
        given().when(register(rules=LATER)).then(registered(rules=LATER), scheduled())

    def test_counts_the_delay_from_the_close_however_late_it_is_consumed(self) -> None:
        given().when(register(rules=LATER, now=at(5))).then(
            registered(now=at(5), rules=LATER), offered(at(5))
        )

    def test_counts_the_delay_from_now_if_the_close_seems_to_lie_ahead(self) -> None:
        ahead = datetime(2199, 12, 31, 23, 59, 59, tzinfo=UTC)
        given().when(register(rules=LATER, closed_at=ahead)).then(
            registered(rules=LATER, closed_at=ahead), scheduled()
        )

    def test_offers_at_once_even_if_the_close_seems_to_lie_ahead(self) -> None:
        given().when(register(now=at(-1))).then(registered(now=at(-1)), offered(at(-1)))

    @pytest.mark.parametrize(
        ("close", "reason"),
        [
            (register(erased=True), "erased"),
            (register(spam=True), "spam"),
            (register(by=SYSTEM), "kind_of_close"),
            (register(by=KindOfClose.IDLE), "kind_of_close"),
            (register(replied=False), "no_reply"),
            (register(cooling_down=True), "cool_down"),
            (register(spam=True, by=SYSTEM, replied=False), "spam"),
        ],
    )
    def test_says_why_there_is_no_form(self, close: RegisterClose, reason: str) -> None:
        registration = registered(**dict(close.facts) | {"by": close.facts.closed_by})
        given().when(close).then(registration, not_offered(reason))

    def test_offers_until_just_before_the_offer_window_ends(self) -> None:
        now = just_before(24 * 60)
        given().when(register(now=now)).then(registered(now=now), offered(now))

    def test_does_not_ask_when_the_offer_window_has_ended(self) -> None:
        now = at(24 * 60)
        given().when(register(now=now)).then(registered(now=now), not_offered("too_late", now=now))

    def test_answers_a_close_that_was_reopened_before(self) -> None:
        given(reopening_registered()).when(register()).then(registered(), not_offered("reopened"))

    @pytest.mark.parametrize(
        "history",
        [
            (registered(), not_offered("spam")),
            (registered(rules=LATER), scheduled()),
            WAITING,
            (*WAITING, rated(5, at(1))),
            (*WAITING, declined(at(1))),
            (*WAITING, expired(at(60))),
            (*WAITING, cancelled("reopened")),
        ],
    )
    def test_registers_the_same_close_twice_without_effect(self, history: History) -> None:
        given(*history).when(register()).then()

    def test_makes_a_form_of_its_own_for_the_next_close(self) -> None:
        given(*WAITING, rated(5, at(1))).when(register(2)).then(registered(2), offered(close_seq=2))


def asking(**demands: Any) -> FormVersion:
    """The rules, with these demands on a close."""
    return RULES.model_copy(update={"eligibility": Eligibility(**demands)})


class TestEligibility:
    """Each rule alone: the last close that it lets pass, and the first that it doesn't."""

    @pytest.mark.parametrize(
        ("demands", "passes", "fails", "reason"),
        [
            ({"closed_by": (KindOfClose.IDLE,)}, {"by": KindOfClose.IDLE}, {}, "kind_of_close"),
            ({"closed_by": ()}, {"by": None}, {}, "kind_of_close"),
            (
                {"skips_labels": ("Test",)},
                {"labels": ("tested",)},
                {"labels": ("x", "tEST")},
                "kind_of_close",
            ),
            ({"skips_labels": ("straße",)}, {"labels": ()}, {"labels": ("STRASSE",)}, "kind_of_close"),
            ({"least_client_messages": 2}, {"client_messages": 2}, {"client_messages": 1}, "too_short"),
            ({"least_operator_messages": 2}, {"operator_messages": 2}, {}, "too_short"),
            ({"least_text": 12}, {"longest_text": 12}, {"longest_text": 11}, "too_short"),
            ({"share": 30}, {"draw": 29.999}, {"draw": 30.0}, "sampled_out"),
            ({"share": 100}, {"draw": 99.999}, {"spam": True}, "spam"),
        ],
    )
    def test_a_rule_lets_pass_what_it_says(
        self, demands: dict[str, Any], passes: dict[str, Any], fails: dict[str, Any], reason: str
    ) -> None:
        rules = asking(**demands)
        given().when(register(rules=rules, **passes)).then(registered(rules=rules, **passes), offered())
        given().when(register(rules=rules, **fails)).then(
            registered(rules=rules, **fails), not_offered(reason)
        )

    def test_what_is_not_demanded_keeps_nobody_out(self) -> None:
        rules = asking(closed_by=tuple(KindOfClose), needs_reply=False, skips_spam=False)
        close: dict[str, Any] = {"by": SYSTEM, "replied": False, "spam": True}
        given().when(register(rules=rules, **close)).then(registered(rules=rules, **close), offered())

    def test_a_form_goes_on_by_the_demands_that_it_was_made_by(self) -> None:
        strict = asking(least_client_messages=3)
        past = registered(client_messages=1), offered(), cancelled("reopened")
        given(*past).when(resume(rules=strict)).then(resumed(2, client_messages=1), offered(close_seq=2))

    @pytest.mark.parametrize("demand", ["least_client_messages", "least_operator_messages", "least_text"])
    def test_what_was_written_before_a_reopening_counts_on(self, demand: str) -> None:
        rules = asking(**{demand: 3})
        said: dict[str, Any] = {"client_messages": 2, "operator_messages": 2, "longest_text": 3}
        again: dict[str, Any] = {"client_messages": 1, "operator_messages": 1, "longest_text": 1}
        all_of_it: dict[str, Any] = {"client_messages": 3, "operator_messages": 3, "longest_text": 3}
        past = registered(rules=rules, **said), offered(), cancelled("reopened")
        given(*past).when(register(2, rules=rules, **again)).then(
            registered(2, rules=rules, **all_of_it), offered(close_seq=2)
        )

    def test_nobody_draws_again_by_reopening(self) -> None:
        rules = asking(share=50)
        past = registered(rules=rules, draw=49.0), offered(), cancelled("reopened")
        given(*past).when(register(2, rules=rules, draw=51.0, replied=False)).then(
            registered(2, rules=rules, draw=49.0), offered(close_seq=2)
        )

    def test_whoever_was_not_drawn_is_drawn_anew_at_the_next_close(self) -> None:
        rules = asking(share=50)
        past = registered(rules=rules, draw=51.0), not_offered("sampled_out")
        given(*past).when(register(2, rules=rules, draw=49.0)).then(
            registered(2, rules=rules, draw=49.0), offered(close_seq=2)
        )


FURTHER = RULES.model_copy(
    update={
        "tags": (TagRule(id="slow", lowest=1, highest=3), TagRule(id="rude", lowest=1, highest=2)),
        "follow_ups": (FollowUpRule(id="solved", options=("yes", "no")), FollowUpRule(id="missing")),
    }
)
"""Reasons for low scores, a question with options, and one that is answered in words."""


class TestTagsAndFollowUps:
    ASKED: History = (registered(rules=FURTHER), offered())

    def give(self, score: int, *past: RatingEvent, **more: Any) -> Sequence[RatingEvent]:
        """What follows from an answer after the form was offered."""
        rating = RATING.fold(RATING.initial, [*self.ASKED, *past])
        return RATING.decide(rating, GiveRating(1, score, at(1), **more))

    def test_are_kept_with_the_answer(self) -> None:
        follow_ups = {"solved": ChosenOption("no"), "missing": written("receipt")}
        (event,) = self.give(1, tags=("slow", "rude", "slow"), follow_ups=follow_ups)
        assert isinstance(event, RatingGiven)
        assert event.tags == ("rude", "slow")
        assert event.follow_ups == {
            "solved": FollowUpRecorded(option="no"),
            "missing": FollowUpRecorded(text="sealed receipt", fingerprint="receipt"),
        }

    def test_stay_when_they_are_not_sent_as_far_as_the_score_offers_them(self) -> None:
        first = self.give(1, tags=("rude", "slow"), follow_ups={"solved": ChosenOption("no")})
        (event,) = self.give(3, *first)
        assert isinstance(event, RatingChanged)
        assert (event.tags, event.follow_ups) == (("slow",), {"solved": FollowUpRecorded(option="no")})
        (event,) = self.give(5, *first, tags=(), follow_ups={"solved": RemoveComment()})
        assert isinstance(event, RatingChanged)
        assert (event.tags, event.follow_ups) == ((), {})

    def test_the_same_again_has_nothing_to_do(self) -> None:
        follow_ups = {"solved": ChosenOption("no"), "missing": written("receipt")}
        first = self.give(2, tags=("slow",), follow_ups=follow_ups)
        again = {"solved": ChosenOption("no"), "missing": written("receipt", again=" twice")}
        assert self.give(2, *first, tags=("slow",), follow_ups=again) == []
        assert self.give(2, *first) == []

    def test_other_words_are_another_answer(self) -> None:
        first = self.give(2, follow_ups={"missing": written("receipt")})
        (event,) = self.give(2, *first, follow_ups={"missing": written("order number")})
        assert isinstance(event, RatingChanged)
        assert event.follow_ups["missing"].fingerprint == "order number"

    def test_a_question_that_the_form_does_not_ask_cannot_be_left_empty(self) -> None:
        with pytest.raises(CommandRejected) as refused:
            self.give(2, follow_ups={"other": RemoveComment()})
        assert refused.value.code == "follow-up-not-asked"

    def test_words_may_be_as_long_as_a_comment(self) -> None:
        (event,) = self.give(2, follow_ups={"missing": written("words", 2000)})
        assert isinstance(event, RatingGiven)
        assert event.follow_ups["missing"].text == "sealed words"

    @pytest.mark.parametrize("past", [False, True])
    @pytest.mark.parametrize(
        ("sent", "code"),
        [
            ({"tags": ("kind",)}, "tag-not-offered"),
            ({"score": 3, "tags": ("rude",)}, "tag-not-offered"),
            ({"follow_ups": {"solved": ChosenOption("perhaps")}}, "follow-up-not-asked"),
            ({"follow_ups": {"solved": written("words")}}, "follow-up-not-asked"),
            ({"follow_ups": {"missing": ChosenOption("yes")}}, "follow-up-not-asked"),
            ({"follow_ups": {"other": written("words")}}, "follow-up-not-asked"),
            ({"follow_ups": {"missing": written("words", 2001)}}, "follow-up-too-long"),
        ],
    )
    def test_that_the_form_does_not_offer_are_refused(
        self, *, past: bool, sent: dict[str, Any], code: str
    ) -> None:
        first, sent = self.give(2) if past else (), dict(sent)
        with pytest.raises(CommandRejected) as refused:
            self.give(sent.pop("score", 2), *first, **sent)
        assert refused.value.code == code


DEALT_WITH = [(rated(5, at(1)),), (declined(at(1)),), (expired(at(60)),)]


class TestReopenedPolicy:
    """Whether a dialog is asked about again when it was reopened and closed again."""

    ONCE = asking(reopened=ReopenedPolicy.ONCE_PER_DIALOG)
    DAILY = asking(reopened=ReopenedPolicy.ONCE_WITHIN, once_within=24 * 60 * MINUTE)

    @pytest.mark.parametrize("settled", DEALT_WITH)
    def test_once_per_dialog_is_once(self, settled: History) -> None:
        given(*WAITING, *settled).when(register(2, at(90), self.ONCE, closed_at=at(90))).then(
            registered(2, at(90), self.ONCE, closed_at=at(90)), not_offered("once_per_dialog", 2, at(90))
        )

    @pytest.mark.parametrize("settled", DEALT_WITH)
    def test_once_within_a_day_is_from_the_offer(self, settled: History) -> None:
        day = 24 * 60
        for now in (at(day), just_before(day)):
            registration = registered(2, now, self.DAILY, closed_at=now)
            may = offered(now, 2) if now == at(day) else not_offered("once_per_dialog", 2, now)
            given(*WAITING, *settled).when(register(2, now, self.DAILY, closed_at=now)).then(
                registration, may
            )

    def test_of_several_forms_the_one_that_was_offered_last_counts(self) -> None:
        day = 24 * 60
        second = (registered(2, at(day), self.DAILY), offered(at(day), 2), expired(at(day + 60), 2))
        past, now = (*WAITING, rated(5, at(1)), *second), at(2 * day - 1)
        given(*past).when(register(3, now, self.DAILY, closed_at=now)).then(
            registered(3, now, self.DAILY, closed_at=now), not_offered("once_per_dialog", 3, now)
        )

    def test_the_delay_counts_to_the_day(self) -> None:
        rules = self.DAILY.model_copy(update={"delay": DELAY})
        now = at(24 * 60 - 5)
        given(*WAITING, rated(5, at(1))).when(register(2, now, rules, closed_at=now)).then(
            registered(2, now, rules, closed_at=now), FormScheduled(close_seq=2, due_at=at(24 * 60))
        )

    @pytest.mark.parametrize("rules", [ONCE, DAILY])
    @pytest.mark.parametrize(
        "past", [(*WAITING, cancelled("reopened")), (registered(), not_offered("no_reply"))]
    )
    def test_a_form_that_a_reopening_withdrew_is_not_the_one(self, rules: FormVersion, past: History) -> None:
        asked = RATING.decide(RATING.fold(RATING.initial, past), register(2, rules=rules))
        assert isinstance(asked[-1], FormOffered)

    def test_else_each_close_is_asked_about(self) -> None:
        given(*WAITING, declined(at(1))).when(register(2)).then(registered(2), offered(close_seq=2))


UNREPLIED = register(2, replied=False)
"""The second close, before which no operator wrote again."""


class TestResumedClose:
    """A reopening that nobody used takes nothing away, and asks nobody twice."""

    OLD = RULES.model_copy(update={"version": 7, "question": "As it was?"})
    REOPENED = registered(rules=OLD), offered(), cancelled("reopened")

    def test_is_asked_by_the_rules_of_the_close_before(self) -> None:
        given(*self.REOPENED).when(resume()).then(resumed(2, rules=self.OLD), offered(close_seq=2))

    def test_counts_the_delay_from_itself(self) -> None:
        past = registered(rules=LATER), scheduled(), cancelled("reopened")
        closed_at, due_at = at(20), at(20) + DELAY
        given(*past).when(resume(now=at(21), closed_at=closed_at)).then(
            resumed(2, at(21), LATER, closed_at=closed_at), FormScheduled(close_seq=2, due_at=due_at)
        )

    def test_is_asked_if_the_close_before_came_after_its_reopening(self) -> None:
        past = reopening_registered(), registered(rules=self.OLD), not_offered("reopened")
        given(*past).when(resume()).then(resumed(2, rules=self.OLD), offered(close_seq=2))

    @pytest.mark.parametrize(
        "settled",
        [(rated(5, at(1)),), (declined(at(1)),), (expired(at(60)),), (rated(5, at(1)), forgotten())],
    )
    def test_is_not_asked_if_the_close_before_is_settled(self, settled: History) -> None:
        given(*WAITING, *settled).when(resume(now=at(70), closed_at=at(69))).then(
            resumed(2, at(70), by=SYSTEM, replied=False, closed_at=at(69)),
            not_offered("once_per_dialog", 2, at(70)),
        )

    @pytest.mark.parametrize(
        "reason", ["spam", "kind_of_close", "no_reply", "too_late", "cool_down", "once_per_dialog", "erased"]
    )
    def test_keeps_the_reason_why_the_close_before_was_not_asked(self, reason: str) -> None:
        given(registered(), not_offered(reason)).when(resume()).then(
            resumed(2, by=SYSTEM, replied=False), not_offered(reason, 2)
        )

    def test_is_still_no_close_by_people_if_the_close_before_was_none(self) -> None:
        past = reopening_registered(), registered(by=SYSTEM), not_offered("reopened")
        given(*past).when(resume()).then(resumed(2, by=SYSTEM), not_offered("kind_of_close", 2))

    def test_is_not_asked_once_the_client_is_erased(self) -> None:
        given(*WAITING, cancelled("erased")).when(resume()).then(
            resumed(2, by=SYSTEM, replied=False), not_offered("erased", 2)
        )
        given(*self.REOPENED).when(resume(erased=True)).then(
            resumed(2, rules=self.OLD), not_offered("erased", 2)
        )

    def test_is_consumed_too_late_like_any_other(self) -> None:
        now = at(24 * 60)
        given(*self.REOPENED).when(resume(now=now)).then(
            resumed(2, now, self.OLD), not_offered("too_late", 2, now)
        )

    def test_implies_a_reopening_that_was_not_consumed(self) -> None:
        given(*WAITING).when(resume()).then(cancelled("reopened"), resumed(2), offered(close_seq=2))
        given().when(register(2, by=SYSTEM, resumes=1)).then(
            reopening_registered(), resumed(2, by=None), offered(close_seq=2)
        )

    def test_takes_an_expiry_back_that_came_after_it(self) -> None:
        past = *WAITING, expired(at(60))
        given(*past).when(resume(now=at(70), closed_at=just_before(60))).then(
            cancelled("reopened", at(70)),
            resumed(2, at(70), closed_at=just_before(60)),
            offered(at(70), 2),
        )

    def test_that_was_reopened_first_passes_on_what_it_resumed(self) -> None:
        asked = *self.REOPENED, reopening_registered(2), resumed(2, rules=self.OLD)
        given(*self.REOPENED, reopening_registered(2)).when(resume()).then(
            resumed(2, rules=self.OLD), not_offered("reopened", 2)
        )
        given(*asked, not_offered("reopened", 2)).when(resume(3)).then(
            resumed(3, rules=self.OLD), offered(close_seq=3)
        )
        given(*WAITING, rated(5, at(1)), reopening_registered(2)).when(resume()).then(
            resumed(2, by=SYSTEM, replied=False), not_offered("once_per_dialog", 2)
        )

    def test_consumed_again_has_nothing_to_do(self) -> None:
        given(*self.REOPENED, resumed(2), offered(close_seq=2)).when(resume(now=at(3))).then_nothing()


class TestHearCloseAfterAReopening:
    def test_a_reply_outlives_the_close_that_was_withdrawn(self) -> None:
        history = (*WAITING, cancelled("reopened"))
        given(*history).when(UNREPLIED).then(registered(2), offered(close_seq=2))

    def test_also_when_the_reopening_was_consumed_first(self) -> None:
        history = (reopening_registered(), registered(), not_offered("reopened"))
        given(*history).when(UNREPLIED).then(registered(2), offered(close_seq=2))

    def test_however_often_it_is_closed_and_reopened(self) -> None:
        again = (registered(2), offered(close_seq=2), cancelled("reopened", close_seq=2))
        history = (*WAITING, cancelled("reopened"), *again)
        given(*history).when(register(3, replied=False)).then(registered(3), offered(close_seq=3))

    @pytest.mark.parametrize(
        "history",
        [
            (*WAITING, rated(5, at(1))),
            (*WAITING, declined(at(1))),
            (*WAITING, cancelled("erased")),
            (registered(), not_offered("too_late")),
            (registered(replied=False), not_offered("no_reply")),
            (reopening_registered(), registered(replied=False), not_offered("reopened")),
            (),
        ],
    )
    def test_nothing_outlives_a_close_that_was_not_withdrawn_or_had_no_reply(self, history: History) -> None:
        given(*history).when(UNREPLIED).then(
            registered(2, replied=False), not_offered("no_reply", close_seq=2)
        )

    def test_nor_one_that_expired_before(self) -> None:
        late = register(2, at(61), replied=False, closed_at=at(60))
        given(*WAITING, expired(at(60))).when(late).then(
            registered(2, at(61), replied=False, closed_at=at(60)),
            not_offered("no_reply", close_seq=2, now=at(61)),
        )

    @pytest.mark.parametrize(
        ("stored", "known"),
        [
            ({"replied": True, "by_people": True}, facts(None)),
            ({"replied": True, "by_people": False}, facts(SYSTEM)),
            ({}, facts(None, replied=False)),
        ],
    )
    def test_of_a_close_that_an_older_release_registered_less_is_known(
        self, stored: dict[str, bool], known: CloseFacts
    ) -> None:
        old = registered().model_dump(mode="json", exclude={"replied", "by_people", "facts"}) | stored
        event = RATING.events.validate_python(old)
        assert RATING.evolve(RATING.initial, event).close(1) == Registered(
            Form(snapshot(), RULES, known, CLOSED_AT)
        )


class TestHearReopen:
    def test_withdraws_a_scheduled_form(self) -> None:
        given(registered(rules=LATER), scheduled()).when(register_reopening()).then(cancelled("reopened"))

    def test_withdraws_a_waiting_form(self) -> None:
        given(*WAITING).when(register_reopening()).then(cancelled("reopened"))

    def test_remembers_a_close_not_yet_registered(self) -> None:
        given().when(register_reopening()).then(reopening_registered())

    def test_leaves_other_closes_alone(self) -> None:
        given(*WAITING).when(register_reopening(2)).then(reopening_registered(2))

    @pytest.mark.parametrize(
        "history",
        [
            (reopening_registered(),),
            (registered(), not_offered("spam")),
            (*WAITING, rated(5, at(1))),
            (*WAITING, declined(at(1))),
            (*WAITING, cancelled("erased")),
        ],
    )
    def test_keeps_what_is_settled(self, history: History) -> None:
        given(*history).when(register_reopening()).then()

    def test_consumed_late_takes_back_the_expiry_of_a_form_that_was_withdrawn_in_time(self) -> None:
        late = given(*WAITING, expired(at(60)))
        late.when(register_reopening(reopened_at=just_before(60), now=at(61))).then(
            cancelled("reopened", now=at(61))
        )
        late.when(register_reopening(reopened_at=at(60), now=at(61))).then()


class TestCloseWhoseReopeningWasNotConsumed:
    """A dialog that is closed again was reopened, whether or not that was consumed."""

    def test_withdraws_the_form_that_waits(self) -> None:
        given(*WAITING).when(UNREPLIED).then(cancelled("reopened"), registered(2), offered(close_seq=2))

    def test_withdraws_the_form_that_is_scheduled(self) -> None:
        given(registered(rules=LATER), scheduled()).when(register(2, rules=LATER, replied=False)).then(
            cancelled("reopened"), registered(2, rules=LATER), scheduled(2)
        )

    def test_takes_back_an_expiry_that_came_after_it(self) -> None:
        late = register(2, at(61), replied=False, closed_at=just_before(60))
        given(*WAITING, expired(at(60))).when(late).then(
            cancelled("reopened", now=at(61)),
            registered(2, at(61), closed_at=just_before(60)),
            offered(at(61), close_seq=2),
        )

    def test_consumed_late_finds_nothing_to_withdraw(self) -> None:
        past = *WAITING, cancelled("reopened"), registered(2), offered(close_seq=2)
        given(*past).when(register_reopening()).then()

    def test_is_not_asked_about_after_a_later_one(self) -> None:
        given(registered(2), offered(close_seq=2)).when(register()).then(
            registered(), not_offered("reopened")
        )


class TestOfferForm:
    def test_offers_when_the_time_has_come_and_counts_the_expiry_from_then(self) -> None:
        given(registered(rules=LATER), scheduled()).when(offer(at(7))).then(offered(at(7)))

    def test_offers_exactly_when_due(self) -> None:
        given(registered(rules=LATER), scheduled()).when(offer(at(0) + DELAY)).then(offered(at(5)))

    def test_does_nothing_before(self) -> None:
        given(registered(rules=LATER), scheduled()).when(offer(just_before(5))).then()

    @pytest.mark.parametrize(
        "history", [(), (reopening_registered(),), WAITING, (*WAITING, cancelled("reopened"))]
    )
    def test_has_nothing_to_do_when_nothing_is_scheduled(self, history: History) -> None:
        given(*history).when(offer(at(7))).then()


class TestGiveRating:
    def test_rates(self) -> None:
        given(*WAITING).when(give(5, at(1), "lovely")).then(rated(5, at(1), "lovely"))

    def test_rates_just_before_the_form_expires(self) -> None:
        given(*WAITING).when(give(1, just_before(60))).then(rated(1, just_before(60)))

    def test_rates_after_a_no_thanks(self) -> None:
        given(*WAITING, declined(at(1))).when(give(4, at(59))).then(rated(4, at(59)))

    def test_changes_inside_the_edit_window_even_beyond_the_expiry(self) -> None:
        given(*WAITING, rated(5, at(59))).when(give(2, just_before(74))).then(changed(2, just_before(74)))

    def test_counts_the_changes_and_the_window_from_the_first_answer(self) -> None:
        history = (*WAITING, rated(5, at(1)), changed(4, at(10)))
        given(*history).when(give(3, at(15))).then(changed(3, at(15), change=2))
        given(*history).when(give(3, at(16))).then_rejected(Rejection.CHANGE_WINDOW_OVER)

    def test_the_last_answer_is_the_one_to_compare_with(self) -> None:
        history = (*WAITING, rated(5, at(1)), changed(4, at(2)))
        given(*history).when(give(4, at(3))).then()
        given(*history).when(give(5, at(3))).then(changed(5, at(3), change=2))

    def test_a_changed_comment_is_another_answer(self) -> None:
        given(*WAITING, rated(5, at(1), "fine")).when(give(5, at(2), "good")).then(
            changed(5, at(2), words="good")
        )

    def test_goes_by_the_rules_that_the_form_was_made_from(self) -> None:
        scale = RULES.scale.model_copy(update={"highest": 7})
        seven = RULES.model_copy(update={"version": 2, "scale": scale})
        given(registered(rules=seven), offered()).when(give(7, at(1))).then(rated(7, at(1)))
        given(*WAITING).when(give(7, at(1))).then_rejected(Rejection.SCORE_NOT_ON_SCALE, lowest=1, highest=5)

    def test_changes_twenty_times_and_no_more(self) -> None:
        often = tuple(changed(1 + n % 2, at(2), change=n) for n in range(1, 21))
        given(*WAITING, rated(5, at(1)), *often[:19]).when(give(1, at(3))).then(changed(1, at(3), change=20))
        full = given(*WAITING, rated(5, at(1)), *often)
        full.when(give(5, at(3))).then_rejected(Rejection.CHANGED_TOO_OFTEN, most=20)
        full.when(give(1, at(3))).then()
        full.when(give(5, at(16))).then_rejected(Rejection.CHANGE_WINDOW_OVER)

    @pytest.mark.parametrize("now", [at(2), at(61), at(9999)])
    def test_the_same_answer_again_is_one_answer_whenever_it_comes(self, now: datetime) -> None:
        given(*WAITING, rated(5, at(1), "fine")).when(give(5, now, "fine")).then()

    def test_refuses_another_answer_when_the_edit_window_has_ended(self) -> None:
        given(*WAITING, rated(5, at(1))).when(give(4, at(16))).then_rejected(Rejection.CHANGE_WINDOW_OVER)

    @pytest.mark.parametrize("history", [WAITING, (*WAITING, declined(at(1))), (*WAITING, expired(at(60)))])
    def test_refuses_an_answer_at_the_deadline(self, history: History) -> None:
        given(*history).when(give(5, at(60))).then_rejected(Rejection.RATING_WINDOW_OVER)

    @pytest.mark.parametrize("score", [0, 6, -1, 10**30])
    def test_refuses_a_score_outside_the_scale(self, score: int) -> None:
        given(*WAITING).when(give(score, at(1))).then_rejected(
            Rejection.SCORE_NOT_ON_SCALE, lowest=1, highest=5
        )
        given(*WAITING, rated(5, at(1))).when(give(score, at(2))).then_rejected(
            Rejection.SCORE_NOT_ON_SCALE, lowest=1, highest=5
        )

    def test_refuses_a_comment_that_is_too_long_and_takes_one_that_just_fits(self) -> None:
        given(*WAITING).when(give(5, at(1), "much", length=2001)).then_rejected(
            Rejection.COMMENT_TOO_LONG, most=2000
        )
        given(*WAITING).when(give(5, at(1), "much", length=2000)).then(rated(5, at(1), "much"))

    def test_refuses_a_comment_that_is_not_asked(self) -> None:
        history = registered(rules=SILENT), offered()
        given(*history).when(give(5, at(1), "much")).then_rejected(Rejection.COMMENT_NOT_ASKED)
        given(*history).when(give(5, at(1))).then(rated(5, at(1)))
        given(*history).when(give_without(5, at(1))).then(rated(5, at(1)))

    def test_a_low_score_needs_a_comment(self) -> None:
        history = registered(rules=EXPLAINED), offered()
        for answer in (give(2, at(1)), give_without(2, at(1))):
            given(*history).when(answer).then_rejected(Rejection.COMMENT_REQUIRED, at_or_below=2)
        given(*history).when(give(2, at(1), "slow")).then(rated(2, at(1), "slow"))
        given(*history).when(give(3, at(1))).then(rated(3, at(1)))

    def test_a_changed_score_needs_a_comment_too_and_may_keep_the_one_before(self) -> None:
        history = registered(rules=EXPLAINED), offered()
        given(*history, rated(5, at(1))).when(give(2, at(2))).then_rejected(
            Rejection.COMMENT_REQUIRED, at_or_below=2
        )
        given(*history, rated(5, at(1), "slow")).when(give(2, at(2))).then(changed(2, at(2), words="slow"))
        given(*history, rated(2, at(1), "slow")).when(give_without(2, at(2))).then_rejected(
            Rejection.COMMENT_REQUIRED, at_or_below=2
        )

    @pytest.mark.parametrize("reason", ["reopened", "erased"])
    def test_refuses_what_was_withdrawn(self, reason: str) -> None:
        given(*WAITING, cancelled(reason)).when(give(5, at(1))).then_rejected(Rejection.FORM_WITHDRAWN)

    @pytest.mark.parametrize(
        "history",
        [
            (),
            (reopening_registered(),),
            (registered(), not_offered("spam")),
            (registered(rules=LATER), scheduled()),
        ],
    )
    def test_refuses_where_nothing_was_asked(self, history: History) -> None:
        given(*history).when(give(5, at(1))).then_rejected(Rejection.NO_SUCH_FORM)


FULL: History = (*WAITING, rated(5, at(1), "fine"), *(
    changed(1 + n % 2, at(2), change=n, words="fine") for n in range(1, 21)
))  # fmt: skip
"""Answered, and changed as often as can be; the score is 1 now."""


class TestTheCommentOfAnAnswer:
    def test_is_kept_when_only_the_score_changes(self) -> None:
        history = (*WAITING, rated(5, at(1), "fine"))
        given(*history).when(give(4, at(2))).then(changed(4, at(2), words="fine"))

    def test_is_kept_over_any_number_of_changes(self) -> None:
        history = (*WAITING, rated(5, at(1), "fine"), changed(4, at(2), words="fine"))
        given(*history).when(give(3, at(3))).then(changed(3, at(3), change=2, words="fine"))

    def test_is_not_kept_by_a_change_that_comes_too_late_or_too_often(self) -> None:
        given(*WAITING, rated(5, at(1), "fine")).when(give(4, at(16))).then_rejected(
            Rejection.CHANGE_WINDOW_OVER
        )
        given(*FULL).when(give(4, at(3))).then_rejected(Rejection.CHANGED_TOO_OFTEN, most=20)

    @pytest.mark.parametrize("now", [at(2), at(61), at(9999)])
    def test_is_kept_by_the_same_score_alone_without_a_change(self, now: datetime) -> None:
        given(*WAITING, rated(5, at(1), "fine")).when(give(5, now)).then()
        given(*FULL).when(give(1, now)).then()

    def test_is_the_same_however_often_it_is_sealed(self) -> None:
        given(*WAITING, rated(5, at(1), "fine")).when(give(5, at(2), "fine", again=" again")).then()

    @pytest.mark.parametrize("score", [4, 5])
    def test_is_removed_whatever_the_score(self, score: int) -> None:
        history = (*WAITING, rated(5, at(1), "fine"))
        given(*history).when(give_without(score, at(2))).then(changed(score, at(2)))

    def test_is_not_removed_too_late_or_too_often(self) -> None:
        given(*WAITING, rated(5, at(1), "fine")).when(give_without(5, at(16))).then_rejected(
            Rejection.CHANGE_WINDOW_OVER
        )
        given(*FULL).when(give_without(1, at(3))).then_rejected(Rejection.CHANGED_TOO_OFTEN, most=20)

    @pytest.mark.parametrize("now", [at(2), at(61), at(9999)])
    def test_is_removed_without_a_change_where_there_is_none(self, now: datetime) -> None:
        given(*WAITING, rated(5, at(1))).when(give_without(5, now)).then()
        history = (*WAITING, rated(5, at(1), "fine"), changed(5, at(2)))
        given(*history).when(give_without(5, now)).then()

    def test_does_not_come_back_once_it_is_removed(self) -> None:
        history = (*WAITING, rated(5, at(1), "fine"), changed(5, at(2)))
        given(*history).when(give(5, at(3))).then()
        given(*history).when(give(4, at(3))).then(changed(4, at(3), change=2))

    @pytest.mark.parametrize("command", [give(5, at(1)), give_without(5, at(1))])
    def test_is_none_in_a_first_answer_without_one(self, command: GiveRating) -> None:
        given(*WAITING).when(command).then(rated(5, at(1)))


class TestDeclineRating:
    def test_declines(self) -> None:
        given(*WAITING).when(decline(just_before(60))).then(declined(just_before(60)))

    @pytest.mark.parametrize("now", [at(2), at(60)])
    def test_has_nothing_to_do_the_second_time(self, now: datetime) -> None:
        given(*WAITING, declined(at(1))).when(decline(now)).then()

    @pytest.mark.parametrize(
        ("history", "code"),
        [
            (WAITING, Rejection.RATING_WINDOW_OVER),
            ((*WAITING, expired(at(60))), Rejection.RATING_WINDOW_OVER),
            ((*WAITING, rated(5, at(1))), Rejection.ALREADY_RATED),
            ((*WAITING, cancelled("reopened")), Rejection.FORM_WITHDRAWN),
            ((registered(rules=LATER), scheduled()), Rejection.NO_SUCH_FORM),
            ((), Rejection.NO_SUCH_FORM),
        ],
    )
    def test_refuses_when_there_is_nothing_to_decline_any_more(self, history: History, code: str) -> None:
        given(*history).when(decline(at(60))).then_rejected(code)


class TestExpireForm:
    def test_expires_at_the_deadline(self) -> None:
        given(*WAITING).when(expire(at(60))).then(expired(at(60)))

    def test_expires_as_of_the_deadline_however_late_the_timer(self) -> None:
        given(*WAITING).when(expire(at(600))).then(expired(at(60)))

    def test_does_nothing_before(self) -> None:
        given(*WAITING).when(expire(just_before(60))).then()

    @pytest.mark.parametrize(
        "history",
        [
            (),
            (registered(rules=LATER), scheduled()),
            (*WAITING, rated(5, at(1))),
            (*WAITING, declined(at(1))),
            (*WAITING, expired(at(60))),
            (*WAITING, cancelled("reopened")),
        ],
    )
    def test_never_touches_what_is_settled(self, history: History) -> None:
        given(*history).when(expire(at(600))).then()


class TestForgetClient:
    def test_withdraws_every_form_that_waits_or_will(self) -> None:
        given(*WAITING, registered(2, rules=LATER), scheduled(2)).when(erase()).then(
            cancelled("erased"), cancelled("erased", close_seq=2)
        )

    @pytest.mark.parametrize("history", [(*WAITING, rated(5, at(1))), (*WAITING, declined(at(1)))])
    def test_keeps_the_numbers_and_takes_nothing_more(self, history: History) -> None:
        given(*history).when(erase(now=at(2))).then(forgotten(now=at(2)))
        for command in (give(4, at(3)), give(5, at(3)), give(5, at(3), "fine"), decline(at(3))):
            given(*history, forgotten(now=at(2))).when(command).then_rejected(Rejection.CLIENT_ERASED)

    @pytest.mark.parametrize(
        "history",
        [
            (),
            (reopening_registered(),),
            (registered(), not_offered("spam")),
            (*WAITING, expired(at(60))),
            (*WAITING, cancelled("erased")),
            (*WAITING, rated(5, at(1)), forgotten()),
            (*WAITING, declined(at(1)), forgotten()),
        ],
    )
    def test_has_nothing_to_do_where_nothing_can_be_answered_anyway(self, history: History) -> None:
        given(*history).when(erase()).then()

    def test_leaves_other_clients_alone(self) -> None:
        given(*WAITING).when(erase("c2")).then()
        given(*WAITING, rated(5, at(1))).when(erase("c2")).then()


def test_a_form_that_was_stored_before_quality_control_reads_as_one_of_the_services_own_settings() -> None:
    stored = {
        "type": "close-registered",
        "close_seq": 1,
        "snapshot": {
            "dialog": "d1", "close_seq": 1, "channel": "shop", "client": "c1", "operator": "o1",
            "team": "north", "locale": "en", "closed_at": "2026-03-29T00:59:59.999Z",
        },
        "rules": {
            "version": 1, "question": "How was your conversation with us?",
            "scale": {"name": "stars", "lowest": 1, "highest": 5, "satisfied_from": 4},
            "comment_limit": 2000, "delay": "PT0S", "expiry": "PT1H", "edit_window": "PT15M",
            "offer_window": "P1D", "cool_down": "PT0S",
        },
        "registered_at": "2026-03-29T00:59:59.999Z",
        "replied": True,
        "by_people": True,
    }  # fmt: skip
    assert RATING.events.validate_python(stored) == registered().model_copy(update={"facts": None})
    assert RULES.version == DEFAULT_VERSION
    assert (RULES.comment, RULES.enabled) == (CommentRule(mode=CommentMode.OPTIONAL), True)
