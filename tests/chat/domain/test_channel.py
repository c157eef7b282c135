"""A channel is what was last published of it."""

from chat.domain.channel import CHANNEL, ChannelPublished, PublishChannel
from tests.chassis.decider_spec import DeciderSpec

given = DeciderSpec(CHANNEL).given
SHOP = ChannelPublished(channel="shop", name="Shop", locales=("en", "fr"))


def test_a_channel_is_published() -> None:
    given().when(PublishChannel("shop", "Shop", ("en", "fr"))).then(SHOP)


def test_a_change_is_published_whole() -> None:
    changed = SHOP.model_copy(update={"closed": True})
    given(SHOP).when(PublishChannel("shop", "Shop", ("en", "fr"), closed=True)).then(changed)


def test_the_same_again_is_nothing_new() -> None:
    given(SHOP).when(PublishChannel("shop", "Shop", ("en", "fr"))).then_nothing()


def test_back_to_what_it_was_is_a_change() -> None:
    closed = SHOP.model_copy(update={"closed": True})
    given(SHOP, closed).when(PublishChannel("shop", "Shop", ("en", "fr"))).then(SHOP)
