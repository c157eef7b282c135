"""How an event travels (CloudEvents 1.0, Kafka binding, binary mode), and the types that its fields have.

What a type allows, every reader can hold; types are strict, so that none reads what another refuses.
"""

import re
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Annotated, Any, Final, Self

from pydantic import (
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    PlainSerializer,
    ValidatorFunctionWrapHandler,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema

CONTENT_TYPE = "application/json"
HIGHEST: Final = 2**31 - 1
FIRST_INSTANT: Final = datetime(2000, 1, 1, tzinfo=UTC)
AFTER_LAST_INSTANT: Final = datetime(2200, 1, 1, tzinfo=UTC)
TRACEPARENT: Final = re.compile(r"00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")
"""A trace context (W3C) that is taken; any other is ignored."""


def to_milliseconds(moment: datetime) -> datetime:
    """The same moment in UTC, cut to whole milliseconds: what Kafka, MongoDB and JSON all keep."""
    moment = moment.astimezone(UTC)
    beyond = moment.microsecond % 1000
    return moment.replace(microsecond=moment.microsecond - beyond) if beyond else moment


def rfc3339(moment: datetime) -> str:
    """RFC 3339 in UTC with milliseconds, e.g. ``2026-03-29T00:59:59.999Z``."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


OWN_INSTANT: Final = re.compile(r"2[01]\d\d-\d\d-\d\dT([01]\d|2[0-3]):[0-5]\d:[0-5]\d\.\d{3}Z", re.ASCII)
"""As `rfc3339` writes an `Instant`, but for days that a month doesn't have."""


_is_own, _from_own = OWN_INSTANT.fullmatch, datetime.fromisoformat


def _read_own(value: Any, read: ValidatorFunctionWrapHandler) -> Any:
    # Nearly all are written so, and then nothing is left to check or to cut; it is a third of the time.
    try:
        if _is_own(value):
            return _from_own(value)
    except (TypeError, ValueError):  # no text, or a day that there never was
        pass
    return read(value)


class _Rfc3339:
    """In JSON a time is written in full; pydantic would also take seconds since 1970, or no seconds."""

    pattern = r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?(Z|[+-]\d{2}:\d{2})$"

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        moment: Any = handler(source)
        lax = core_schema.no_info_after_validator_function(to_milliseconds, {**moment, "strict": False})
        text = core_schema.str_schema(pattern=cls.pattern)
        read = core_schema.chain_schema([text, lax])
        return core_schema.json_or_python_schema(
            core_schema.no_info_wrap_validator_function(_read_own, read),
            core_schema.no_info_after_validator_function(to_milliseconds, moment),
        )

    @classmethod
    def __get_pydantic_json_schema__(
        cls, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        return {"type": "string", "format": "date-time"}


Instant = Annotated[
    AwareDatetime,
    Field(ge=FIRST_INSTANT, lt=AFTER_LAST_INSTANT),
    _Rfc3339,
    PlainSerializer(rfc3339, return_type=str, when_used="json"),
]
"""A moment of the years 2000 to 2199, to the millisecond."""

Count = Annotated[int, Field(strict=True, ge=0, le=HIGHEST)]
"""How many there are."""

Ordinal = Annotated[int, Field(strict=True, ge=1, le=HIGHEST)]
"""The first is 1."""

CloseSeq = Ordinal
"""The number of a close in its dialog."""

Id = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$")]
"""An opaque id: no separators of streams, topics or URLs, at most 64 characters."""

Name = Annotated[str, Field(min_length=1, max_length=200)]
"""What somebody or something is called; also a label, a tag and another system's id."""

Text = Annotated[str, Field(max_length=1_000)]
"""A sentence."""

LanguageTag = Annotated[str, Field(min_length=2, max_length=64)]
"""BCP 47, in its canonical form, such as ``fr-CA``."""

MOST_NAMES: Final = 100
Names = Annotated[tuple[Name, ...], Field(max_length=MOST_NAMES, fail_fast=True)]
"""Labels, or tags."""

Sealed = Annotated[
    str,
    Field(
        max_length=100_000,
        pattern=r"^[A-Za-z0-9_-]+\.\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*\.[A-Za-z0-9_-]+$",
    ),
]
"""Words that can be forgotten: JWE compact (RFC 7516), ``dir`` + ``A256GCM``, the key's id in ``kid``."""


class ContractModel(BaseModel):
    """What events consist of. Readers ignore fields they don't know; stored samples are never edited."""

    model_config = ConfigDict(frozen=True, extra="ignore", strict=True)


class Event(ContractModel):
    """A public event."""

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
    id: str = Field(min_length=1, max_length=1_000)
    type: Name
    source: Name
    time: Instant
    subject: Name
    sequence: Ordinal
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
        """Reads what `to_headers` wrote; no other header is looked at, nor a trace context that is none.

        Raises ValueError (pydantic's ValidationError or UnicodeDecodeError) for a missing, null or
        unreadable header of ours.
        """
        attributes: dict[str, str] = {}
        for name, value in headers:
            if value is None:
                continue
            if field := _ATTRIBUTES.get(name):
                attributes[field] = value.decode()
            elif name == "traceparent" and TRACEPARENT.fullmatch(trace := value.decode("ascii", "replace")):
                attributes[name] = trace
        return cls.model_validate_strings(attributes)


_ATTRIBUTES: Final = {f"ce_{name}": name for name in Envelope.model_fields if name != "traceparent"}
"""The attribute of each header."""
