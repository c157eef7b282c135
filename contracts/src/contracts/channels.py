"""What chat says about channels, on the compacted `candor.channels`."""

from typing import Annotated, Literal

from pydantic import Field, TypeAdapter

from contracts.envelope import Event, Id


class ChannelPublished(Event):
    """A channel as it now is; the last one said holds."""

    type: Literal["candor.channel.published.v1"] = "candor.channel.published.v1"
    channel: Id
    name: str = Field(min_length=1)
    locales: tuple[str, ...] = ()
    allowed_origins: tuple[str, ...] = ()
    time_zone: str = "UTC"
    closed: bool = False

    @property
    def about(self) -> str:
        """The channel that the record is keyed by."""
        return self.channel


ChannelEvent = Annotated[ChannelPublished, Field()]
CHANNEL_EVENTS: TypeAdapter[ChannelPublished] = TypeAdapter(ChannelEvent)
