"""Which channels there are, whatever the order in which they are heard of."""

import itertools

import pytest

from chassis.kafka.records import ReceivedEvent
from contracts.channels import ChannelPublished
from contracts.envelope import Envelope
from rating.read_models.channels import REMEMBERED
from tests.rating.builders import CLOSED_AT
from tests.rating.harness import Harness

pytestmark = pytest.mark.real

OPENED = ChannelPublished(
    channel="shop", name="Shop", locales=("fr", "en"), allowed_origins=("https://shop.example",)
)
RENAMED = OPENED.model_copy(update={"name": "The shop", "allowed_origins": ("https://other.example",)})
CLOSED = RENAMED.model_copy(update={"closed": True, "locales": ()})


async def consume(harness: Harness, event: ChannelPublished, sequence: int) -> None:
    envelope = Envelope(
        id=f"channel:shop:{sequence}",
        type=event.type,
        source="/candor/chat",
        time=CLOSED_AT,
        subject=event.channel,
        sequence=sequence,
    )
    received = ReceivedEvent(event, envelope, event.channel, "candor.channels", 0, sequence, b"")
    await harness.inbound.on_event(received)


@pytest.mark.parametrize("order", sorted(set(itertools.permutations([1, 2, 2, 3]))))
async def test_the_last_that_was_published_holds(harness: Harness, order: tuple[int, ...]) -> None:
    for sequence in order:
        await consume(harness, [OPENED, RENAMED, CLOSED][sequence - 1], sequence)
    assert await harness.channels.all() == [CLOSED]
    assert await harness.channels.find("shop") == CLOSED


async def test_what_is_not_known_has_no_name_but_its_id_and_no_frame(harness: Harness) -> None:
    assert await harness.channels.find("shop") is None
    assert await harness.channels.name("shop") == "shop"
    assert await harness.channels.default_locale("shop") == "en"
    assert list(await harness.channels.frame_ancestors("shop")) == []


async def test_is_looked_up_again_after_a_second(harness: Harness) -> None:
    await consume(harness, OPENED, 1)
    assert list(await harness.channels.frame_ancestors("shop")) == ["https://shop.example"]
    await consume(harness, RENAMED, 2)
    assert await harness.channels.name("shop") == "Shop"
    harness.clock.advance(REMEMBERED)
    assert await harness.channels.name("shop") == "The shop"
    assert list(await harness.channels.frame_ancestors("shop")) == ["https://other.example"]
    assert await harness.channels.default_locale("shop") == "fr"
