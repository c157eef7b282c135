"""A channel is what was last published of it."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Literal, assert_never

from pydantic import TypeAdapter

from chassis.eventstore.decider import Decider, StoredValue


class ChannelPublished(StoredValue):
    """The whole channel as it now is. Storage format: only add."""

    type: Literal["published"] = "published"
    channel: str
    name: str
    locales: tuple[str, ...] = ()
    allowed_origins: tuple[str, ...] = ()
    time_zone: str = "UTC"
    closed: bool = False


@dataclass(frozen=True)
class UnpublishedChannel:
    """Nobody has published this channel."""


@dataclass(frozen=True)
class PublishedChannel:
    """The channel as it is; `closed` means that no new dialog may be opened."""

    published: ChannelPublished

    @property
    def closed(self) -> bool:
        """Whether new dialogs and visitors are turned away."""
        return self.published.closed


Channel = UnpublishedChannel | PublishedChannel


def evolve(_: Channel, event: ChannelPublished) -> Channel:
    """The channel after the event."""
    return PublishedChannel(event)


@dataclass(frozen=True)
class PublishChannel:
    """Make the channel be like this."""

    channel: str
    name: str
    locales: tuple[str, ...] = ()
    allowed_origins: tuple[str, ...] = ()
    time_zone: str = "UTC"
    closed: bool = False


def decide(state: Channel, command: PublishChannel) -> Sequence[ChannelPublished]:
    """What comes of the command; nothing if the channel is like this already."""
    wanted = ChannelPublished(**asdict(command))
    match state:
        case UnpublishedChannel():
            return [wanted]
        case PublishedChannel(published):
            return [] if published == wanted else [wanted]
        case _:
            assert_never(state)


CHANNEL: Decider[Channel, PublishChannel, ChannelPublished] = Decider(
    category="channel",
    initial=UnpublishedChannel(),
    evolve=evolve,
    decide=decide,
    events=TypeAdapter(ChannelPublished),
)
