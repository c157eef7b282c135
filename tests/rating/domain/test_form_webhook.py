"""What is known of a channel's own system, command by command."""

from rating.domain.form_webhook import (
    FORM_WEBHOOK,
    FormEndpointGone,
    FormSecretRotated,
    RotateFormSecret,
    SwitchFormWebhookOff,
)
from tests.chassis.decider_spec import DeciderSpec
from tests.rating.builders import at, just_before

given = DeciderSpec(FORM_WEBHOOK).given
DAY = 24 * 60


def gone(version: int) -> FormEndpointGone:
    return FormEndpointGone(version=version, gone_at=at(2))


def rotated(generation: int, minutes: float = 1) -> FormSecretRotated:
    return FormSecretRotated(generation=generation, both_until=at(minutes + DAY), by="ada")


class TestSwitchFormWebhookOff:
    def test_switches_it_off_for_a_version_of_the_settings(self) -> None:
        given().when(SwitchFormWebhookOff(3, at(2))).then(gone(3))
        state = FORM_WEBHOOK.fold(FORM_WEBHOOK.initial, [gone(3)])
        assert [state.is_gone(version) for version in (2, 3, 4)] == [True, True, False]
        given(gone(3)).when(SwitchFormWebhookOff(5, at(2))).then(gone(5))

    def test_has_nothing_to_do_twice_or_once_later_settings_were_saved(self) -> None:
        given(gone(3)).when(SwitchFormWebhookOff(3, at(2))).then_nothing()
        given(gone(3)).when(SwitchFormWebhookOff(2, at(2))).then_nothing()

    def test_switches_nothing_off_before_it_was_asked_to(self) -> None:
        assert not FORM_WEBHOOK.initial.is_gone(1)


class TestRotateFormSecret:
    def test_makes_the_next_one_and_keeps_the_one_before_for_a_day(self) -> None:
        given().when(RotateFormSecret("ada", at(1))).then(rotated(2))
        state = FORM_WEBHOOK.fold(FORM_WEBHOOK.initial, [rotated(2)])
        assert state.generations(just_before(1 + DAY)) == (2, 1)
        assert state.generations(at(1 + DAY)) == (2,)

    def test_refuses_a_third_while_two_are_used(self) -> None:
        given(rotated(2)).when(RotateFormSecret("ada", at(2))).then_rejected("rotation-under-way")
        given(rotated(2)).when(RotateFormSecret("ada", at(1 + DAY))).then(rotated(3, 1 + DAY))
