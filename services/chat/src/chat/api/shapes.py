"""The JSON that comes in and goes out, with an example of each."""

import re
from typing import Annotated, Any, Literal

from fastapi import Path
from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from contracts.envelope import Id, Instant
from contracts.zones import TimeZone

MOST_CHARS = 10_000
MOST_OF_A_LIST = 100
UNSEEN = re.compile(r"[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")
"""C0 and C1, line separators, bidirectional controls: names go to mails, logs and other people's screens."""

ChannelId = Annotated[Id, Path(description="The channel's id.", examples=["course-a"])]
ClientId = Annotated[Id, Path(description="The client's id.", examples=["3f1c9ad2b7e64c0f8a51d7c2e9b04f66"])]
HARD_TO_GUESS = "Whoever comes first has it: choose at least 64 random bits."
DialogId = Annotated[
    Id, Path(description=f"An id that the client chooses. {HARD_TO_GUESS}", examples=["d-7f3a91c04be2d856"])
]
MessageId = Annotated[
    Id, Path(description=f"An id that its author chooses. {HARD_TO_GUESS}", examples=["m-51e0c7a92f6b38d4"])
]

Locale = Annotated[
    str,
    Field(pattern=r"^[A-Za-z]{2,3}(-[A-Za-z0-9]{1,8})*$", max_length=35, description="BCP 47, as in fr-CA."),
]
Origin = Annotated[str, Field(pattern=r"^https?://[A-Za-z0-9.:\[\]-]+$", max_length=300)]


def _is_visible(text: str) -> str:
    if UNSEEN.search(text):
        raise ValueError("must have no line breaks, control characters or marks of writing direction")
    return text


Name = Annotated[str, Field(min_length=1, max_length=200), AfterValidator(_is_visible)]
Email = Annotated[str, Field(pattern=r"^[^@\s]+@[^@\s]+$", max_length=254), AfterValidator(_is_visible)]
CloseNumber = Annotated[int, Field(ge=1, le=2**31 - 1)]


def _example(**fields: Any) -> ConfigDict:
    return ConfigDict(extra="forbid", frozen=True, json_schema_extra={"examples": [fields]})


class ChannelBody(BaseModel):
    """A channel as it shall be; what is left out gets its default."""

    model_config = _example(
        name="Course A",
        locales=["fr-CA", "en"],
        allowed_origins=["https://school.example"],
        time_zone="America/Toronto",
        closed=False,
    )

    name: Name
    locales: tuple[Locale, ...] = Field(default=(), max_length=MOST_OF_A_LIST)
    allowed_origins: tuple[Origin, ...] = Field(default=(), max_length=MOST_OF_A_LIST)
    time_zone: TimeZone = "UTC"
    closed: bool = Field(default=False, description="Takes no new visitors and dialogs.")


class ChannelView(BaseModel):
    """A channel."""

    channel: str = Field(examples=["course-a"])
    name: str = Field(examples=["Course A"])
    locales: tuple[str, ...] = Field(examples=[["fr-CA", "en"]])
    allowed_origins: tuple[str, ...] = Field(examples=[["https://school.example"]])
    time_zone: str = Field(examples=["America/Toronto"])
    closed: bool = Field(examples=[False])


class ChannelList(BaseModel):
    """The channels that the token is good for, by their ids."""

    channels: list[ChannelView]


class VisitorBody(BaseModel):
    """Who comes, as far as they say."""

    model_config = _example(locale="fr-CA", name="Zoë", email="zoe@school.example")

    locale: Locale | None = None
    name: Name | None = None
    email: Email | None = None


class VisitorGiven(BaseModel):
    """A token for the new client; it is told once."""

    token: str = Field(examples=["eyJhbGciOiJFZERTQSIsImtpZCI6Ii4uLiJ9.eyJzdWIiOiIuLi4ifQ.c2lnbmF0dXJl"])
    client: str = Field(examples=["3f1c9ad2b7e64c0f8a51d7c2e9b04f66"])
    expires_at: Instant


class ErasureView(BaseModel):
    """The client is being forgotten: at once here, and elsewhere as soon as it is heard."""

    client: str = Field(examples=["3f1c9ad2b7e64c0f8a51d7c2e9b04f66"])
    erased_at: Instant


class OpeningBody(BaseModel):
    """How the dialog shall be opened."""

    model_config = _example(locale="fr-CA")

    locale: Locale | None = Field(default=None, description="The visitor's own unless given.")


class OpeningView(BaseModel):
    """A dialog as it was opened."""

    dialog: str = Field(examples=["d-7f3a"])
    channel: str = Field(examples=["course-a"])
    client: str = Field(examples=["3f1c9ad2b7e64c0f8a51d7c2e9b04f66"])
    locale: str | None = Field(examples=["fr-CA"])
    opened_at: Instant


class MessageBody(BaseModel):
    """What to say."""

    model_config = _example(text="Hello, I can't find my certificate")

    text: Annotated[str, Field(min_length=1, max_length=MOST_CHARS)]


class MessageView(BaseModel):
    """A message that is in the dialog."""

    dialog: str = Field(examples=["d-7f3a"])
    message: str = Field(examples=["m1"])
    author: Literal["client", "operator"]
    posted_at: Instant


class OperatorBody(BaseModel):
    """Whom to give the dialog to; operators leave it out."""

    model_config = _example(operator="ann", name="Ann Lee", team="first-line")

    operator: Id
    name: Name
    team: Name | None = None


class OperatorView(BaseModel):
    """Whose dialog it is."""

    dialog: str = Field(examples=["d-7f3a"])
    operator: str = Field(examples=["ann"])
    name: str = Field(examples=["Ann Lee"])
    team: str | None = Field(examples=["first-line"])


class CloseBody(BaseModel):
    """Which close is meant; with a number the request can be repeated at any time."""

    model_config = _example(close_seq=1)

    close_seq: CloseNumber | None = None


class CloseView(BaseModel):
    """A close of the dialog."""

    dialog: str = Field(examples=["d-7f3a"])
    close_seq: int = Field(examples=[1])
    closed_at: Instant


class ReopeningView(BaseModel):
    """The close that was undone; without one the dialog was never closed."""

    dialog: str = Field(examples=["d-7f3a"])
    close_seq: int | None = Field(examples=[1])
    reopened_at: Instant | None


class SaidView(BaseModel):
    """A message. `text` is null if it was erased. Clients see operators' names, not their ids."""

    message: str = Field(examples=["m1"])
    author: Literal["client", "operator"]
    operator: str | None = Field(examples=["ann"])
    name: str | None = Field(examples=["Ann Lee"])
    posted_at: Instant
    text: str | None = Field(examples=["Hello, I can't find my certificate"])
    erased: bool


class EndingView(BaseModel):
    """A close, and when it was undone, if it was."""

    close_seq: int = Field(examples=[1])
    closed_at: Instant
    closed_by: str = Field(examples=["operator"])
    reopened_at: Instant | None


class TranscriptView(BaseModel):
    """A dialog, all its closes, and a page of what was said; `next_cursor` is null on the last page."""

    dialog: str = Field(examples=["d-7f3a"])
    channel: str = Field(examples=["course-a"])
    client: str = Field(examples=["3f1c9ad2b7e64c0f8a51d7c2e9b04f66"])
    locale: str | None = Field(examples=["fr-CA"])
    state: Literal["open", "closed"]
    operator: str | None = Field(examples=["ann"])
    operator_name: str | None = Field(examples=["Ann Lee"])
    opened_at: Instant
    closes: list[EndingView]
    messages: list[SaidView]
    next_cursor: str | None = Field(examples=["wg4K9f_kWzIwMV0"])


class DialogView(BaseModel):
    """A dialog in a list. `since` is when it was opened or last reopened, or closed if it is."""

    dialog: str = Field(examples=["d-7f3a"])
    channel: str = Field(examples=["course-a"])
    client: str = Field(examples=["3f1c9ad2b7e64c0f8a51d7c2e9b04f66"])
    locale: str | None = Field(examples=["fr-CA"])
    state: Literal["open", "closed"]
    waiting: bool = Field(description="Nobody has taken it.")
    operator: str | None = Field(examples=["ann"])
    opened_at: Instant
    since: Instant
    closes: int = Field(examples=[0])


class DialogList(BaseModel):
    """A page of dialogs; `next_cursor` is the cursor after it, null on the last one."""

    dialogs: list[DialogView]
    next_cursor: str | None = Field(examples=["72h2tB8yWzE3NzQ3NDQ4MDAwMDAsImQtN2YzYTkxYzA0YmUyZDg1NiJd"])
