"""What becomes of a webhook, command by command."""

from datetime import timedelta
from typing import Any

import pytest

from rating.domain.webhook import (
    WEBHOOK,
    DeleteWebhook,
    EndpointGone,
    RotateSecret,
    SaveWebhook,
    SecretRotated,
    SwitchOff,
    Webhook,
    WebhookDeleted,
    WebhookEvent,
    WebhookSaved,
    WebhookSettings,
)
from tests.chassis.decider_spec import DeciderSpec
from tests.rating.builders import at

given = DeciderSpec(WEBHOOK).given
FIRST = WebhookSettings(url="https://crm.example/candor", events=(WebhookEvent.GIVEN,))
SECOND = FIRST.model_copy(update={"score_at_or_below": 2})
DAY = 24 * 60


def save(settings: WebhookSettings, based_on: int) -> SaveWebhook:
    return SaveWebhook(settings, based_on, "ada", at(1))


def saved(settings: WebhookSettings) -> WebhookSaved:
    return WebhookSaved(settings=settings, by="ada", saved_at=at(1))


def rotated(generation: int, minutes: float = 1) -> SecretRotated:
    return SecretRotated(generation=generation, both_until=at(minutes + DAY), by="ada")


GONE = EndpointGone(url=FIRST.url, gone_at=at(2))
DELETED = WebhookDeleted(by="ada", deleted_at=at(2))


class TestSaving:
    def test_makes_it_and_changes_it(self) -> None:
        given().when(save(FIRST, 0)).then(saved(FIRST))
        given(saved(FIRST)).when(save(SECOND, 1)).then(saved(SECOND))

    def test_the_same_again_is_nothing_new(self) -> None:
        given(saved(FIRST)).when(save(FIRST, 0)).then_nothing()

    @pytest.mark.parametrize("based_on", [0, 2])
    def test_over_what_was_not_read_is_refused(self, based_on: int) -> None:
        given(saved(FIRST)).when(save(SECOND, based_on)).then_rejected("webhook-changed")
        given().when(save(SECOND, 1)).then_rejected("webhook-changed")

    def test_switches_on_again_what_its_endpoint_switched_off(self) -> None:
        given(saved(FIRST), GONE).when(save(FIRST, 2)).then(saved(FIRST))

    def test_one_that_was_deleted_begins_anew_with_another_secret(self) -> None:
        given(saved(FIRST), DELETED).when(save(FIRST, 0)).then(saved(FIRST))
        state = WEBHOOK.fold(WEBHOOK.initial, [saved(FIRST), DELETED, saved(FIRST)])
        assert isinstance(state, Webhook)
        assert state.generations(at(3)) == (3,)


class TestRotating:
    def test_signs_with_both_for_a_day(self) -> None:
        given(saved(FIRST)).when(RotateSecret(1, "ada", at(1))).then(rotated(2))
        state = WEBHOOK.fold(WEBHOOK.initial, [saved(FIRST), rotated(2)])
        assert isinstance(state, Webhook)
        just_before = at(1 + DAY) - timedelta(milliseconds=1)
        assert [state.generations(now) for now in (just_before, at(1 + DAY))] == [(2, 1), (2,)]

    def test_once_a_day_at_most(self) -> None:
        past = saved(FIRST), rotated(2)
        given(*past).when(RotateSecret(2, "ada", at(DAY))).then_rejected("rotation-under-way")
        given(*past).when(RotateSecret(2, "ada", at(1 + DAY))).then(rotated(3, 1 + DAY))

    @pytest.mark.parametrize(
        ("past", "based_on", "code"),
        [([], 0, "no-such-webhook"), ([saved(FIRST), DELETED], 2, "no-such-webhook"),
         ([saved(FIRST), saved(SECOND)], 1, "webhook-changed")],
    )  # fmt: skip
    def test_what_is_not_there_or_was_not_read_is_refused(
        self, past: list[Any], based_on: int, code: str
    ) -> None:
        given(*past).when(RotateSecret(based_on, "ada", at(1))).then_rejected(code)


class TestSwitchingOff:
    def test_an_endpoint_that_is_gone_switches_it_off_once(self) -> None:
        given(saved(FIRST)).when(SwitchOff(FIRST.url, at(2))).then(GONE)
        given(saved(FIRST), GONE).when(SwitchOff(FIRST.url, at(3))).then_nothing()
        state = WEBHOOK.fold(WEBHOOK.initial, [saved(FIRST), GONE])
        assert isinstance(state, Webhook)
        assert not state.is_on

    def test_an_endpoint_that_it_had_before_does_not(self) -> None:
        given(saved(FIRST)).when(SwitchOff("https://old.example", at(2))).then_nothing()

    def test_deleting_is_for_good_and_once(self) -> None:
        given(saved(FIRST)).when(DeleteWebhook("ada", at(2))).then(DELETED)
        given(saved(FIRST), DELETED).when(DeleteWebhook("ada", at(3))).then_nothing()
        given().when(DeleteWebhook("ada", at(2))).then_nothing()
        given(saved(FIRST), DELETED).when(SwitchOff(FIRST.url, at(3))).then_nothing()
