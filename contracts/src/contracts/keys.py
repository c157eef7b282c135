"""Keys of sealed words, on compacted topics; a tombstone erases one."""

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field, TypeAdapter

from contracts.envelope import Event, Id, Sealed


class Purpose(StrEnum):
    """What sealed words are: bound to them, so that they open nowhere else."""

    MESSAGE = "message"
    COMMENT = "comment"
    ANSWER = "answer"
    EMAIL = "email"
    NAME = "name"


class KeyPublished(Event):
    """The data key `kid`, wrapped for the readers' key (JWE, `dir` + `A256GCM`).

    It opens the words of the data subject `subject`, a client, in `scope`, a dialog.
    """

    type: Literal["candor.key.published.v1"] = "candor.key.published.v1"
    kid: Id
    scope: Id
    subject: Id
    wrapped: Sealed = Field(repr=False)

    @property
    def about(self) -> str:
        """The kid that the record is keyed by."""
        return self.kid


class CompactionNudge(Event):
    """Carries nothing: it is written after a tombstone so that Kafka rolls and compacts the segment."""

    type: Literal["candor.key.compaction-nudge.v1"] = "candor.key.compaction-nudge.v1"


KeyEvent = Annotated[KeyPublished | CompactionNudge, Field(discriminator="type")]
KEY_EVENTS: TypeAdapter[KeyPublished | CompactionNudge] = TypeAdapter(KeyEvent)
