"""How an event travels: CloudEvents 1.0, Kafka binding, binary mode."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Annotated, Self

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, PlainSerializer

CONTENT_TYPE = "application/json"


def to_milliseconds(moment: datetime) -> datetime:
    """The same moment in UTC, cut to whole milliseconds: what Kafka, MongoDB and JSON all keep."""
    moment = moment.astimezone(UTC)
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


def rfc3339(moment: datetime) -> str:
    """RFC 3339 in UTC with milliseconds, e.g. ``2026-03-29T00:59:59.999Z``."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


Instant = Annotated[
    AwareDatetime,
    AfterValidator(to_milliseconds),
    PlainSerializer(rfc3339, return_type=str, when_used="json"),
]

Id = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$")]
"""An opaque id: no separators of streams, topics or URLs, at most 64 characters."""

Sealed = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]+\.\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*\.[A-Za-z0-9_-]+$")]
"""Words that can be forgotten: JWE compact (RFC 7516), ``dir`` + ``A256GCM``, the key's id in ``kid``."""


class Event(BaseModel):
    """A public event. Readers ignore fields they don't know; stored samples are never edited."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    @property
    def about(self) -> str | None:
        """The id that the record is keyed by; None if the event is about nothing."""
        return None


class Envelope(BaseModel):
    """The CloudEvents attributes of one record.

    `id` is the same whenever the event is sent again; `sequence` counts the public events of `subject`
    from 1 without gaps, so that a reader sees duplicates and gaps.
    """

    model_config = ConfigDict(frozen=True)

    specversion: str = Field(default="1.0", pattern=r"^1\.0$")
    id: str = Field(min_length=1)
    type: str = Field(min_length=1)
    source: str = Field(min_length=1)
    time: Instant
    subject: str = Field(min_length=1)
    sequence: int = Field(ge=1)
    traceparent: str | None = None

    def to_headers(self) -> list[tuple[str, bytes]]:
        """Kafka headers: ``ce_*``, ``content-type`` and, if there is a trace, ``traceparent``."""
        attributes = {
            "ce_specversion": self.specversion,
            "ce_id": self.id,
            "ce_type": self.type,
            "ce_source": self.source,
            "ce_time": rfc3339(self.time),
            "ce_subject": self.subject,
            "ce_sequence": str(self.sequence),
            "content-type": CONTENT_TYPE,
        }
        if self.traceparent:
            attributes["traceparent"] = self.traceparent
        return [(name, value.encode()) for name, value in attributes.items()]

    @classmethod
    def from_headers(cls, headers: Iterable[tuple[str, bytes | None]]) -> Self:
        """Reads what `to_headers` wrote; foreign headers are ignored, whatever they hold.

        Raises ValueError (pydantic's ValidationError or UnicodeDecodeError) for a missing, null or
        unreadable header of ours.
        """
        fields: dict[str, str | None] = {}
        for name, value in headers:
            if name.startswith("ce_") or name == "traceparent":
                fields[name.removeprefix("ce_")] = None if value is None else value.decode()
        return cls.model_validate(fields)
