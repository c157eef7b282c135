"""Chat's events about channels, on the compacted `candor.channels`."""

from typing import Annotated, Literal

from pydantic import Field, TypeAdapter

from contracts.envelope import MOST_NAMES, Event, Id, LanguageTag, Name

Origin = Annotated[str, Field(min_length=1, max_length=300)]


class ChannelPublished(Event):
    """A channel as it now is: of several records the last one holds."""

    type: Literal["candor.channel.published.v1"] = "candor.channel.published.v1"
    channel: Id
    name: Name
    locales: Annotated[tuple[LanguageTag, ...], Field(max_length=MOST_NAMES, fail_fast=True)] = ()
    allowed_origins: Annotated[tuple[Origin, ...], Field(max_length=MOST_NAMES, fail_fast=True)] = ()
    time_zone: Name = "UTC"
    closed: bool = False

    @property
    def about(self) -> str:
        """The channel that the record is keyed by."""
        return self.channel


ChannelEvent = Annotated[ChannelPublished, Field()]
CHANNEL_EVENTS: TypeAdapter[ChannelPublished] = TypeAdapter(ChannelEvent)
