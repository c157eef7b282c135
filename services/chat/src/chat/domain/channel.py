"""A channel is what was last published of it, and nobody overwrites what they haven't read."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, assert_never

from pydantic import TypeAdapter

from chassis.errors import CommandRejected
from chassis.eventstore.decider import Decider, StoredValue
from chat.domain.rejections import Rejection


class ChannelPublished(StoredValue):
    """The whole channel as it now is. Storage format: only add."""

    type: Literal["published"] = "published"
    channel: str
    name: str
    locales: tuple[str, ...] = ()
    allowed_origins: tuple[str, ...] = ()
    time_zone: str = "UTC"
    closed: bool = False
    version: int = 1


@dataclass(frozen=True)
class UnpublishedChannel:
    """Nobody has published this channel."""

    version = 0


@dataclass(frozen=True)
class PublishedChannel:
    """The channel as it is; `closed` means that no new dialog may be opened."""

    published: ChannelPublished

    @property
    def closed(self) -> bool:
        """Whether new dialogs and visitors are turned away."""
        return self.published.closed

    @property
    def version(self) -> int:
        """How often it was changed, from 1 on."""
        return self.published.version


Channel = UnpublishedChannel | PublishedChannel


def evolve(_: Channel, event: ChannelPublished) -> Channel:
    """The channel after the event."""
    return PublishedChannel(event)


@dataclass(frozen=True)
class PublishChannel:
    """Make the channel be like `wanted`, whose own version doesn't count.

    `based_on` is the version that was read before: 0 for a channel that shall be new, None for whichever.
    """

    wanted: ChannelPublished
    based_on: int | None = None


def decide(state: Channel, command: PublishChannel) -> Sequence[ChannelPublished]:
    """What comes of the command; nothing if the channel is like this already. Raises `CommandRejected`."""
    following = command.wanted.model_copy(update={"version": state.version + 1})
    match state:
        case PublishedChannel(now) if now == following.model_copy(update={"version": now.version}):
            return []
        case PublishedChannel() | UnpublishedChannel() if command.based_on not in (None, state.version):
            raise CommandRejected(Rejection.CHANGED_MEANWHILE)
        case PublishedChannel() | UnpublishedChannel():
            return [following]
        case _:
            assert_never(state)


CHANNEL: Decider[Channel, PublishChannel, ChannelPublished] = Decider(
    category="channel",
    initial=UnpublishedChannel(),
    evolve=evolve,
    decide=decide,
    events=TypeAdapter(ChannelPublished),
)
