"""A channel is what was last published of it, and nobody overwrites what they haven't read."""

import pytest

from chat.domain.channel import CHANNEL, ChannelPublished, PublishChannel
from chat.domain.rejections import Rejection
from tests.chassis.decider_spec import DeciderSpec

given = DeciderSpec(CHANNEL).given
SHOP = ChannelPublished(channel="shop", name="Shop", locales=("en", "fr"))
CLOSED = SHOP.model_copy(update={"closed": True, "version": 2})


@pytest.mark.parametrize("based_on", [None, 0])
def test_a_channel_is_published(based_on: int | None) -> None:
    given().when(PublishChannel(SHOP, based_on)).then(SHOP)


@pytest.mark.parametrize("based_on", [None, 1])
def test_a_change_is_published_whole_as_the_next_version(based_on: int | None) -> None:
    wanted = CLOSED.model_copy(update={"version": 1})
    given(SHOP).when(PublishChannel(wanted, based_on)).then(CLOSED)


@pytest.mark.parametrize("based_on", [None, 0, 1, 2])
def test_the_same_again_is_nothing_new(based_on: int | None) -> None:
    given(SHOP, CLOSED).when(PublishChannel(CLOSED, based_on)).then_nothing()


def test_back_to_what_it_was_is_a_change() -> None:
    back = SHOP.model_copy(update={"version": 3})
    given(SHOP, CLOSED).when(PublishChannel(SHOP)).then(back)


@pytest.mark.parametrize("based_on", [0, 1, 3])
def test_nobody_overwrites_what_they_have_not_read(based_on: int) -> None:
    given(SHOP, CLOSED).when(PublishChannel(SHOP, based_on)).then_rejected(Rejection.CHANGED_MEANWHILE)


def test_a_channel_that_is_not_there_has_no_version_to_be_based_on() -> None:
    given().when(PublishChannel(SHOP, 1)).then_rejected(Rejection.CHANGED_MEANWHILE)
