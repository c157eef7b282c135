"""Keys of sealed words, on compacted topics; a tombstone forgets one."""

from typing import Literal

from pydantic import Field, TypeAdapter

from contracts.envelope import Event, Id, Sealed


class KeyPublished(Event):
    """The data key `kid` of one dialog, wrapped for the readers' key (JWE, `dir` + `A256GCM`)."""

    type: Literal["candor.key.published.v1"] = "candor.key.published.v1"
    kid: Id
    dialog: Id
    client: Id
    wrapped: Sealed = Field(repr=False)

    @property
    def about(self) -> str:
        """The kid that the record is keyed by."""
        return self.kid


class CompactionNudge(Event):
    """Says nothing: it is written after a tombstone so that Kafka rolls and compacts the segment."""

    type: Literal["candor.key.beat.v1"] = "candor.key.beat.v1"


KEY_EVENTS: TypeAdapter[KeyPublished | CompactionNudge] = TypeAdapter(KeyPublished | CompactionNudge)
