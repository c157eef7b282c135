"""A client who was erased never comes back under the same id."""

from datetime import UTC, datetime, timedelta

import pytest

from chassis.errors import CommandRejected
from chat.domain.client import (
    CLIENT,
    ClientErased,
    ClientRegistered,
    EraseClient,
    RegisterClient,
    UnknownClient,
    refuse_if_erased,
)
from tests.chassis.decider_spec import DeciderSpec

given = DeciderSpec(CLIENT).given
NOW = datetime(2026, 3, 29, 1, tzinfo=UTC)
LATER = NOW + timedelta(hours=1)

REGISTERED = ClientRegistered(client="c1", channel="shop", registered_at=NOW, locale="fr", email="sealed")
ERASED = ClientErased(client="c1", erased_at=NOW)


def register(**changed: str) -> RegisterClient:
    return RegisterClient("c1", "shop", LATER, **{"locale": "fr", "email": "sealed", **changed})


def test_somebody_registers() -> None:
    given().when(RegisterClient("c1", "shop", NOW, "fr", "sealed")).then(REGISTERED)


def test_the_same_registration_again_is_nothing_new() -> None:
    given(REGISTERED).when(register()).then_nothing()


def test_an_id_is_not_given_to_somebody_else() -> None:
    given(REGISTERED).when(register(email="other")).then_rejected("somebody else")


def test_an_erased_client_does_not_come_back() -> None:
    given(REGISTERED, ERASED).when(register()).then_rejected("erased")


def test_a_client_is_erased() -> None:
    given(REGISTERED).when(EraseClient("c1", NOW)).then(ERASED)


def test_a_client_of_another_system_is_erased_too() -> None:
    given().when(EraseClient("c1", NOW)).then(ERASED)


def test_erasing_again_is_nothing_new() -> None:
    given(ERASED).when(EraseClient("c1", LATER)).then_nothing()


def test_nothing_is_written_for_an_erased_client() -> None:
    with pytest.raises(CommandRejected, match="erased"):
        refuse_if_erased(CLIENT.fold(CLIENT.initial, [REGISTERED, ERASED]))


def test_others_may_write() -> None:
    refuse_if_erased(UnknownClient())
    refuse_if_erased(CLIENT.fold(CLIENT.initial, [REGISTERED]))
