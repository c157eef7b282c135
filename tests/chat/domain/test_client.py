"""A client has few dialogs open at once, and one who was erased never comes back under the same id."""

from datetime import UTC, datetime, timedelta

import pytest

from chassis.errors import CommandRejected
from chat.domain.client import (
    CLIENT,
    LONGEST_OPENING,
    MOST_OPEN,
    ClientErased,
    ClientEvent,
    ClientRegistered,
    DialogReserved,
    EraseClient,
    Registration,
    ReserveDialog,
    UnknownClient,
    channel_of,
    refuse_if_erased,
)
from chat.domain.rejections import Rejection
from tests.chassis.decider_spec import DeciderSpec

given = DeciderSpec(CLIENT).given
NOW = datetime(2026, 3, 29, 1, tzinfo=UTC)
LATER = NOW + timedelta(hours=1)
ZOE = Registration("shop", "fr", email="sealed")

REGISTERED = ClientRegistered(client="c1", channel="shop", registered_at=NOW, locale="fr", email="sealed")
ERASED = ClientErased(client="c1", channel="shop", erased_at=NOW)


def reserve(dialog: str = "d1", closes: int = 0, now: datetime = NOW, **not_open: int) -> ReserveDialog:
    return ReserveDialog("c1", dialog, now, closes, not_open=not_open)


def reserved(
    dialog: str = "d1", closes: int = 0, *, now: datetime = NOW, released: tuple[str, ...] = ()
) -> DialogReserved:
    return DialogReserved(dialog=dialog, closes=closes, released=released, reserved_at=now)


FULL: tuple[ClientEvent, ...] = REGISTERED, *(reserved(f"d{number}") for number in range(1, MOST_OPEN + 1))


class TestReserving:
    def test_the_first_dialog_registers_its_client(self) -> None:
        given().when(ReserveDialog("c1", "d1", NOW, registration=ZOE)).then(REGISTERED, reserved())

    def test_nobody_opens_a_dialog_who_never_came(self) -> None:
        given().when(reserve()).then_rejected(Rejection.VISITOR_EXPIRED)

    def test_a_later_dialog_registers_nobody_anew(self) -> None:
        other = Registration("school")
        given(REGISTERED).when(ReserveDialog("c1", "d1", NOW, registration=other)).then(reserved())

    def test_the_same_dialog_again_is_nothing_new(self) -> None:
        given(REGISTERED, reserved()).when(reserve()).then_nothing()
        given(REGISTERED, reserved(closes=1)).when(reserve(closes=0)).then_nothing()

    def test_a_place_that_waited_long_is_renewed_before_it_counts_as_unused(self) -> None:
        now = NOW + LONGEST_OPENING / 2
        given(REGISTERED, reserved()).when(reserve(now=now)).then(reserved(now=now))

    def test_no_more_than_five_are_open_at_once(self) -> None:
        given(*FULL).when(reserve("d6", now=LATER)).then_rejected(Rejection.TOO_MANY_OPEN_DIALOGS, most=5)

    def test_one_that_was_closed_gives_its_place_back(self) -> None:
        given(*FULL).when(reserve("d6", d2=1)).then(reserved("d6", released=("d2",)))

    def test_one_that_is_about_to_be_opened_keeps_its_place(self) -> None:
        just = NOW + LONGEST_OPENING - timedelta(milliseconds=1)
        given(*FULL).when(reserve("d6", now=just, d2=0)).then_rejected(
            Rejection.TOO_MANY_OPEN_DIALOGS, most=5
        )

    def test_one_whose_opening_has_failed_gives_its_place_back(self) -> None:
        now = NOW + LONGEST_OPENING
        given(*FULL).when(reserve("d6", now=now, d2=0)).then(reserved("d6", now=now, released=("d2",)))

    def test_one_that_is_reopened_meanwhile_keeps_its_place(self) -> None:
        # Seen closed once; since then it was reserved anew, to undo that close.
        past = *FULL, reserved("d2", 1)
        given(*past).when(reserve("d6", d2=1)).then_rejected(Rejection.TOO_MANY_OPEN_DIALOGS, most=5)

    def test_a_dialog_in_its_place_is_reopened_although_all_are_taken(self) -> None:
        given(*FULL).when(reserve("d2", 1)).then(reserved("d2", 1))

    def test_a_dialog_that_lost_its_place_is_not_reopened_when_all_are_taken(self) -> None:
        past = *FULL, reserved("d6", released=("d2",))
        given(*past).when(reserve("d2", 1)).then_rejected(Rejection.TOO_MANY_OPEN_DIALOGS, most=5)

    def test_an_erased_client_does_not_come_back(self) -> None:
        command = ReserveDialog("c1", "d1", NOW, registration=ZOE)
        given(REGISTERED, ERASED).when(command).then_rejected(Rejection.CLIENT_ERASED)
        given(ERASED).when(command).then_rejected(Rejection.CLIENT_ERASED)


class TestErasing:
    def test_a_client_is_erased(self) -> None:
        given(REGISTERED).when(EraseClient("c1", NOW)).then(ERASED)

    def test_a_client_of_another_system_is_erased_too(self) -> None:
        given().when(EraseClient("c1", NOW)).then(ClientErased(client="c1", erased_at=NOW))

    def test_the_channel_of_one_who_opened_no_dialog_is_remembered(self) -> None:
        given().when(EraseClient("c1", NOW, "shop")).then(ERASED)
        assert channel_of(CLIENT.fold(CLIENT.initial, [ERASED])) == "shop"

    def test_erasing_again_is_nothing_new(self) -> None:
        given(ERASED).when(EraseClient("c1", LATER)).then_nothing()


def test_nothing_is_written_for_an_erased_client() -> None:
    with pytest.raises(CommandRejected, match="erased"):
        refuse_if_erased(CLIENT.fold(CLIENT.initial, [REGISTERED, ERASED]))


def test_others_may_write() -> None:
    refuse_if_erased(UnknownClient())
    refuse_if_erased(CLIENT.fold(CLIENT.initial, [REGISTERED]))


def test_a_story_without_a_registration_is_not_readable() -> None:
    with pytest.raises(ValueError, match="registered"):
        CLIENT.evolve(CLIENT.initial, reserved())
