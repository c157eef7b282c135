"""By which ways a form reaches its client, and what becomes of it when none is left."""

from typing import Any

import pytest

from rating.domain.rating.eligibility import KindOfClose
from rating.domain.rating.events import RatingEvent
from rating.domain.rating.form_version import FormVersion
from rating.domain.rating.ways import Way
from tests.rating.builders import (
    BOTH,
    EVERY_WAY,
    HOOKED,
    MAILED,
    RULES,
    SEALED_EMAIL,
    at,
    cancelled,
    decline,
    declined,
    delivery_failed,
    erase,
    expire,
    expired,
    give,
    given,
    just_before,
    not_offered,
    offered,
    rated,
    record_failure,
    record_reminder,
    record_sending,
    register,
    register_reopening,
    registered,
    reminded,
    resume,
    resumed,
    sent,
    undeliverable,
)

History = tuple[RatingEvent, ...]
ADDRESSED: dict[str, Any] = {"ways": (Way.WIDGET, Way.EMAIL), "email": SEALED_EMAIL}
"""Of a close whose client has given an address."""
ELSEWHERE: dict[str, Any] = {"ways": ()}
"""Of a close in another system, whose client has given none."""
BY_MAIL: History = (registered(rules=MAILED, **ADDRESSED), offered())
MAIL_FIRST = BOTH.model_copy(update={"ways": BOTH.ways[::-1]})
BY_BOTH: History = (registered(rules=BOTH, **ADDRESSED), offered())
BY_WEBHOOK: History = (registered(rules=HOOKED, ways=(Way.WEBHOOK,)), offered())
BY_EVERY_WAY: History = (
    registered(rules=EVERY_WAY, ways=tuple(Way), email=SEALED_EMAIL),
    offered(),
)
GIVEN_UP: History = (*BY_MAIL, delivery_failed(at(1)), undeliverable(at(1)))


class TestRegisterClose:
    @pytest.mark.parametrize("rules", [RULES, MAILED, BOTH])
    def test_asks_by_whatever_way_is_there(self, rules: FormVersion) -> None:
        given().when(register(rules=rules, **ADDRESSED)).then(registered(rules=rules, **ADDRESSED), offered())

    @pytest.mark.parametrize("rules", [RULES, MAILED, BOTH])
    def test_asks_nobody_who_cannot_be_reached(self, rules: FormVersion) -> None:
        given().when(register(rules=rules, **ELSEWHERE)).then(
            registered(rules=rules, **ELSEWHERE), not_offered("unreachable")
        )

    def test_a_widget_that_is_no_way_of_the_channel_does_not_help(self) -> None:
        given().when(register(rules=MAILED)).then(registered(rules=MAILED), not_offered("unreachable"))

    def test_says_if_only_their_opting_out_is_in_the_way(self) -> None:
        out: dict[str, Any] = {"opted_out": True, "email": SEALED_EMAIL}
        given().when(register(rules=MAILED, **out)).then(
            registered(rules=MAILED, **out), not_offered("opted_out")
        )
        given().when(register(rules=BOTH, **out)).then(registered(rules=BOTH, **out), offered())

    def test_opting_out_is_no_reason_where_there_are_no_mails(self) -> None:
        out: dict[str, Any] = {"opted_out": True, "ways": ()}
        given().when(register(rules=RULES, **out)).then(
            registered(rules=RULES, **out), not_offered("unreachable")
        )

    def test_a_close_that_resumes_one_that_reached_nobody_reaches_nobody(self) -> None:
        given(*GIVEN_UP).when(resume(closed_at=at(2), now=at(2), **ADDRESSED)).then(
            resumed(2, at(2), by=KindOfClose.SYSTEM, replied=False, closed_at=at(2), **ADDRESSED),
            not_offered("unreachable", 2, at(2)),
        )


class TestRecordSending:
    def test_remembers_that_the_form_was_sent(self) -> None:
        given(*BY_BOTH).when(record_sending(at(10))).then(sent(at(10)))

    def test_has_nothing_to_do_twice(self) -> None:
        given(*BY_BOTH, sent(at(10))).when(record_sending(at(11))).then_nothing()

    @pytest.mark.parametrize(
        "since",
        [rated(5, at(9)), declined(at(9)), expired(at(9)), cancelled("reopened"), undeliverable(at(9))],
    )
    def test_has_nothing_to_do_once_the_form_waits_no_more(self, since: RatingEvent) -> None:
        given(*BY_BOTH, since).when(record_sending(at(10))).then_nothing()

    def test_has_nothing_to_do_by_a_way_that_the_form_has_not(self) -> None:
        given(*BY_MAIL).when(record_sending(way=Way.WIDGET)).then_nothing()


class TestRecordReminder:
    def test_remembers_the_one_reminder(self) -> None:
        given(*BY_BOTH, sent(at(10))).when(record_reminder(at(30))).then(reminded(at(30)))

    def test_has_nothing_to_do_twice_or_after_an_answer(self) -> None:
        given(*BY_BOTH, sent(at(10)), reminded(at(30))).when(record_reminder(at(31))).then_nothing()
        given(*BY_BOTH, sent(at(10)), rated(5, at(20))).when(record_reminder(at(30))).then_nothing()


class TestRecordFailure:
    def test_gives_the_form_up_if_no_way_is_left(self) -> None:
        given(*BY_MAIL).when(record_failure(at(1))).then(delivery_failed(at(1)), undeliverable(at(1)))

    def test_gives_the_form_up_if_the_last_of_several_is_gone(self) -> None:
        gone = delivery_failed(at(1), way=Way.WIDGET)
        given(*BY_BOTH, gone).when(record_failure(at(2))).then(
            delivery_failed(at(2)), undeliverable(at(2), ways=(Way.WIDGET, Way.EMAIL))
        )

    @pytest.mark.parametrize("rules", [BOTH, MAIL_FIRST])
    def test_lets_the_form_wait_in_the_widget(self, rules: FormVersion) -> None:
        waiting = (registered(rules=rules, **ADDRESSED), offered())
        given(*waiting).when(record_failure(at(10))).then(delivery_failed(at(10)))

    def test_has_nothing_to_do_twice_or_once_the_form_waits_no_more(self) -> None:
        given(*BY_BOTH, delivery_failed(at(10))).when(record_failure(at(11))).then_nothing()
        given(*GIVEN_UP).when(record_failure(at(2))).then_nothing()
        given(*BY_MAIL, rated(5, at(1))).when(record_failure(at(2))).then_nothing()

    def test_has_nothing_to_do_once_the_form_was_sent(self) -> None:
        given(*BY_MAIL, sent(at(1))).when(record_failure(at(2))).then_nothing()


class TestWebhook:
    """The channel's own system reaches clients whom the widget and e-mail don't."""

    def test_asks_clients_of_other_systems(self) -> None:
        given().when(register(rules=HOOKED, ways=(Way.WEBHOOK,))).then(
            registered(rules=HOOKED, ways=(Way.WEBHOOK,)), offered()
        )

    def test_asks_nobody_where_it_is_gone(self) -> None:
        given().when(register(rules=HOOKED, ways=())).then(
            registered(rules=HOOKED, ways=()), not_offered("unreachable")
        )

    def test_asks_those_who_want_no_mails(self) -> None:
        out: dict[str, Any] = {"opted_out": True, "ways": (Way.WEBHOOK,)}
        given().when(register(rules=EVERY_WAY, **out)).then(registered(rules=EVERY_WAY, **out), offered())

    def test_is_remembered_as_sent_beside_a_mail(self) -> None:
        given(*BY_EVERY_WAY, sent(at(10))).when(record_sending(at(20), Way.WEBHOOK)).then(
            sent(at(20), Way.WEBHOOK)
        )

    def test_gives_the_form_up_if_it_was_the_only_way(self) -> None:
        given(*BY_WEBHOOK).when(record_failure(at(1), "webhook_gone", Way.WEBHOOK)).then(
            delivery_failed(at(1), "webhook_gone", Way.WEBHOOK),
            undeliverable(at(1), "webhook_gone", (Way.WEBHOOK,)),
        )

    def test_leaves_the_widget(self) -> None:
        given(*BY_EVERY_WAY).when(record_failure(at(20), "webhook_off", Way.WEBHOOK)).then(
            delivery_failed(at(20), "webhook_off", Way.WEBHOOK)
        )

    def test_a_form_that_it_never_took_is_undeliverable_and_one_that_it_took_expires(self) -> None:
        never = undeliverable(at(60), "not_sent_in_time", (Way.WEBHOOK,))
        given(*BY_WEBHOOK).when(expire(at(61))).then(never)
        given(*BY_WEBHOOK, sent(at(1), Way.WEBHOOK)).when(expire(at(61))).then(expired(at(60)))


class TestUndeliverable:
    def test_a_form_that_never_left_is_undeliverable_at_its_deadline_and_not_expired(self) -> None:
        given(*BY_MAIL).when(expire(at(61))).then(undeliverable(at(60), "not_sent_in_time"))
        given(*BY_MAIL).when(expire(just_before(60))).then_nothing()

    @pytest.mark.parametrize(
        "reached", [(*BY_MAIL, sent(at(1))), BY_BOTH, (*BY_BOTH, delivery_failed(at(1)))]
    )
    def test_a_form_that_could_be_seen_expires(self, reached: History) -> None:
        given(*reached).when(expire(at(61))).then(expired(at(60)))

    def test_is_final(self) -> None:
        given(*GIVEN_UP).when(give(5, at(2))).then_rejected("no-such-form")
        given(*GIVEN_UP).when(decline(at(2))).then_rejected("no-such-form")
        given(*GIVEN_UP).when(expire(at(60))).then_nothing()
        given(*GIVEN_UP).when(erase()).then_nothing()
        given(*GIVEN_UP).when(register_reopening(reopened_at=at(2), now=at(2))).then_nothing()

    def test_a_reopening_before_it_was_given_up_takes_that_back(self) -> None:
        given(*GIVEN_UP).when(register_reopening(reopened_at=at(0.5), now=at(2))).then(
            cancelled("reopened", at(2))
        )


def test_a_form_of_a_release_without_ways_waits_in_the_widget() -> None:
    old = registered().model_dump(mode="json")
    for part in ("rules", "facts"):
        del old[part]["ways"]
    del old["rules"]["reminder"], old["facts"]["opted_out"], old["email"]
    stored = type(registered()).model_validate(old)
    assert stored == registered()
    given(stored, offered()).when(record_sending()).then_nothing()
    given(stored, offered()).when(expire(at(60))).then(expired(at(60)))
