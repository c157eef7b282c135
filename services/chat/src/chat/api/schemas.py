"""The JSON that comes in and goes out, with an example of each."""

from typing import Annotated, Any, ClassVar, Literal

from fastapi import Path
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StrictBool, StringConstraints

from chassis.crypto_shredding.opened_text import OpenedText
from chassis.http.bodies import KIB, RequestBody
from chassis.validation.addresses import origin_of
from chassis.validation.messages import Shaped, wrong
from chassis.validation.numbers import WHOLE
from chassis.validation.text import CODE_POINTS, Email, Locale, LocaleHint, Message, Name
from chat.api.problems import FIELD_SENTENCES
from contracts.access import SubjectId
from contracts.dialogs import Author, ClosedBy, DialogState, ParticipantKind
from contracts.envelope import Id, Instant, Ordinal
from contracts.zones import TimeZone

MOST_OF_A_LIST = 100
LONGEST_BEGINNING = 200
NAMED = f"1 to 200 characters, {CODE_POINTS}; line ends, controls and marks of direction are cleaned away"

ChannelId = Annotated[Id, Path(description="The channel's id.", examples=["course-a"])]
ClientId = Annotated[Id, Path(description="The client's id.", examples=["3f1c9ad2b7e64c0f8a51d7c2e9b04f66"])]
HARD_TO_GUESS = "Whoever comes first has it: choose at least 64 random bits."
DialogId = Annotated[
    Id, Path(description=f"An id that the client chooses. {HARD_TO_GUESS}", examples=["d-7f3a91c04be2d856"])
]
MessageId = Annotated[
    Id, Path(description=f"An id that its author chooses. {HARD_TO_GUESS}", examples=["m-51e0c7a92f6b38d4"])
]


def _as_browsers_write_it(origin: str) -> str:
    try:
        return origin_of(origin)
    except ValueError:
        raise wrong(FIELD_SENTENCES["not-an-origin"], "not-an-origin") from None


Origin = Annotated[
    str,
    StringConstraints(max_length=300),
    Shaped(
        r"https?://[A-Za-z0-9.:\[\]-]+",
        FIELD_SENTENCES["not-an-origin"],
        "not-an-origin",
    ),
    AfterValidator(_as_browsers_write_it),
]
CloseNumber = Annotated[Ordinal, WHOLE]


def _example(**fields: Any) -> ConfigDict:
    return ConfigDict(json_schema_extra={"examples": [fields]})


class ChannelBody(RequestBody):
    """A channel as it shall be; what is left out gets its default."""

    model_config = _example(
        name="Course A",
        locales=["fr-CA", "en"],
        allowed_origins=["https://school.example"],
        time_zone="America/Toronto",
        closed=False,
    )

    largest: ClassVar[int] = 64 * KIB

    name: Name = Field(description=f"What people call it: {NAMED}.")
    locales: tuple[Locale, ...] = Field(
        default=(),
        max_length=MOST_OF_A_LIST,
        description="The languages it is served in.",
    )
    allowed_origins: tuple[Origin, ...] = Field(
        default=(),
        max_length=MOST_OF_A_LIST,
        description="The sites that its widget may stand on.",
    )
    time_zone: TimeZone = Field(default="UTC", description="Its IANA time zone.")
    closed: StrictBool = Field(default=False, description="Takes no new visitors and dialogs.")


class ChannelView(BaseModel):
    """A channel."""

    channel: str = Field(description="Its id.", examples=["course-a"])
    name: str = Field(description="What people call it.", examples=["Course A"])
    locales: tuple[str, ...] = Field(description="The languages it is served in.", examples=[["fr-CA", "en"]])
    allowed_origins: tuple[str, ...] = Field(
        description="The sites that its widget may stand on.", examples=[["https://school.example"]]
    )
    time_zone: str = Field(description="Its IANA time zone.", examples=["America/Toronto"])
    closed: bool = Field(description="Takes no new visitors and dialogs.", examples=[False])
    version: int = Field(description="Counts its changes; in `If-Match` it is an ETag.", examples=[3])


class WidgetView(BaseModel):
    """What the widget shows before anybody has written."""

    channel: str = Field(description="The channel's id.", examples=["course-a"])
    name: str = Field(description="What people call it.", examples=["Course A"])
    locales: tuple[str, ...] = Field(description="The languages it is served in.", examples=[["fr-CA", "en"]])
    closed: bool = Field(description="Takes no new visitors and dialogs.", examples=[False])
    form_url: str = Field(
        description="The page of what may be asked after a close.", examples=["https://candor.example/form"]
    )


class ChannelList(BaseModel):
    """The channels that the token is good for, by their ids."""

    channels: list[ChannelView] = Field(description="In the order of their ids.")


class VisitorBody(RequestBody):
    """Who comes, as far as they say."""

    model_config = _example(locale="fr-CA", name="Zoë", email="zoe@school.example")

    locale: LocaleHint | None = Field(
        default=None,
        description="A language tag (BCP 47), as in fr-CA, or POSIX's name; what is none is dropped.",
    )
    name: Name | None = Field(default=None, description=f"{NAMED}; kept sealed until it is erased.")
    email: Email | None = Field(
        default=None,
        description=f"At most 254 characters, {CODE_POINTS}; kept sealed until it is erased.",
    )


class VisitorGiven(BaseModel):
    """A token for the client, who is reached with it and in no other way."""

    token: str = Field(
        description="Given in this response only: keep it, as nobody can find the client without it.",
        examples=["eyJhbGciOiJFZERTQSIsImtpZCI6Ii4uLiJ9.eyJzdWIiOiIuLi4ifQ.c2lnbmF0dXJl"],
    )
    client: str = Field(description="The client's id.", examples=["3f1c9ad2b7e64c0f8a51d7c2e9b04f66"])
    expires_at: Instant = Field(description="When the token ends; 30 days from now unless set otherwise.")


class ErasureView(BaseModel):
    """The client is being erased: at once here, in other services as soon as they consume `ClientErased`."""

    client: str = Field(description="The client's id.", examples=["3f1c9ad2b7e64c0f8a51d7c2e9b04f66"])
    erased_at: Instant = Field(description="When it was asked for the first time.")


class OpeningBody(RequestBody):
    """How the dialog shall be opened."""

    model_config = _example(locale="fr-CA")

    locale: LocaleHint | None = Field(
        default=None, description="As a visitor's; the visitor's own unless given."
    )


class OpeningView(BaseModel):
    """A dialog as it was opened."""

    dialog: str = Field(description="Its id.", examples=["d-7f3a"])
    channel: str = Field(description="Where it takes place.", examples=["course-a"])
    client: str = Field(description="Whose it is.", examples=["3f1c9ad2b7e64c0f8a51d7c2e9b04f66"])
    locale: str | None = Field(description="Its language; null if nobody said.", examples=["fr-CA"])
    opened_at: Instant = Field(description="When it was opened the first time.")


class MessageBody(RequestBody):
    """A message to post."""

    model_config = _example(text="Hello, I can't find my certificate")

    largest: ClassVar[int] = 128 * KIB  # 10,000 emoji, each written as two escapes

    text: Message = Field(
        description=f"1 to 10,000 characters, {CODE_POINTS}, of which some can be seen; kept as they are."
    )
    kind: Literal[ParticipantKind.BOT, ParticipantKind.SYSTEM] | None = Field(
        default=None, description="Of services only: for what they write, a bot unless given."
    )


class MessageView(BaseModel):
    """A message that is in the dialog."""

    dialog: str = Field(description="The dialog's id.", examples=["d-7f3a"])
    message: str = Field(description="The message's id.", examples=["m1"])
    author: Author = Field(description="Who wrote it.")
    posted_at: Instant = Field(description="When it was written.")


class OperatorBody(RequestBody):
    """Whom to give the dialog to; operators leave it out."""

    model_config = _example(operator="ann", name="Ann Lee", team="first-line")

    operator: SubjectId = Field(description="The operator's id: the subject of their token.")
    name: Name = Field(description=f"What clients see: {NAMED}.")
    team: Name | None = Field(default=None, description=f"{NAMED}.")


class OperatorView(BaseModel):
    """Whose dialog it is."""

    dialog: str = Field(description="The dialog's id.", examples=["d-7f3a"])
    operator: str = Field(description="The operator's id.", examples=["ann"])
    name: str = Field(description="What clients see.", examples=["Ann Lee"])
    team: str | None = Field(description="Null if the operator is of none.", examples=["first-line"])


class CloseBody(RequestBody):
    """Which close is meant; with a number the request can be repeated at any time."""

    model_config = _example(close_seq=1)

    close_seq: CloseNumber | None = Field(
        default=None, description="1 for the dialog's first close; whichever is next or last unless given."
    )


class CloseView(BaseModel):
    """A close of the dialog."""

    dialog: str = Field(description="The dialog's id.", examples=["d-7f3a"])
    close_seq: int = Field(description="1 for the dialog's first close.", examples=[1])
    closed_at: Instant = Field(description="When this close was made.")


class ReopeningView(BaseModel):
    """The close that was undone; without one the dialog was never closed."""

    dialog: str = Field(description="The dialog's id.", examples=["d-7f3a"])
    close_seq: int | None = Field(description="The close that was undone.", examples=[1])
    reopened_at: Instant | None = Field(description="When it was undone.")


class TranscriptMessageView(BaseModel):
    """A message. Clients see operators' names, not their ids."""

    message: str = Field(description="Its id.", examples=["m1"])
    author: Author = Field(description="Who wrote it.")
    operator: str | None = Field(
        description="The operator's id; null for the client's messages, and for clients.", examples=["ann"]
    )
    name: str | None = Field(description="The operator's name then.", examples=["Ann Lee"])
    kind: ParticipantKind = Field(
        ParticipantKind.PERSON, description="Whether a person wrote it; a client is one."
    )
    posted_at: Instant = Field(description="When it was written.")
    text: OpenedText = Field(description="What was written.")


class EndingView(BaseModel):
    """A close, and when it was undone, if it was."""

    close_seq: int = Field(description="1 for the dialog's first close.", examples=[1])
    closed_at: Instant = Field(description="When it was closed.")
    closed_by: ClosedBy = Field(description="Who closed it.")
    reopened_at: Instant | None = Field(description="When it was undone; null if it wasn't.")


class TranscriptView(BaseModel):
    """A dialog, all its closes, and a page of its messages."""

    dialog: str = Field(description="Its id.", examples=["d-7f3a"])
    channel: str = Field(description="Where it takes place.", examples=["course-a"])
    client: str = Field(description="Whose it is.", examples=["3f1c9ad2b7e64c0f8a51d7c2e9b04f66"])
    locale: str | None = Field(description="Its language; null if nobody said.", examples=["fr-CA"])
    state: DialogState = Field(description="As it is now.")
    operator: str | None = Field(
        description="Who has it; null if nobody does, and for clients.", examples=["ann"]
    )
    operator_name: str | None = Field(description="The name of who has it.", examples=["Ann Lee"])
    opened_at: Instant = Field(description="When it was opened the first time.")
    closes: list[EndingView] = Field(description="All of them, the first one first.")
    messages: list[TranscriptMessageView] = Field(description="A page of them, the oldest first.")
    next_cursor: str | None = Field(
        description="For the next page; null on the last one.", examples=["wg4K9f_kWzIwMV0"]
    )
    version: int = Field(
        description=(
            "How far the dialog has come, which grows with all that happens in it. Whoever has read all "
            "pages knows all messages up to here, and gets the others with `after`."
        ),
        examples=[12],
    )


class LastMessageView(BaseModel):
    """What was written last."""

    author: Author = Field(description="Who wrote it.")
    operator: str | None = Field(
        description="The operator's id; null for the client's messages.", examples=["ann"]
    )
    name: str | None = Field(description="The operator's name then.", examples=["Ann Lee"])
    posted_at: Instant = Field(description="When it was written.")
    text: OpenedText = Field(description=f"How it begins: {LONGEST_BEGINNING} characters at most.")


class DialogView(BaseModel):
    """A dialog in a list."""

    dialog: str = Field(description="Its id.", examples=["d-7f3a"])
    channel: str = Field(description="Where it takes place.", examples=["course-a"])
    client: str = Field(description="Whose it is.", examples=["3f1c9ad2b7e64c0f8a51d7c2e9b04f66"])
    locale: str | None = Field(description="Its language; null if nobody said.", examples=["fr-CA"])
    state: DialogState = Field(description="As it is now.")
    waiting: bool = Field(description="Nobody has taken it.")
    operator: str | None = Field(description="Who has it; null if nobody does.", examples=["ann"])
    operator_name: str | None = Field(
        default=None, description="The name of who has it.", examples=["Ann Lee"]
    )
    opened_at: Instant = Field(description="When it was opened the first time.")
    since: Instant = Field(description="When it was opened or last reopened, or closed if it is.")
    closes: int = Field(description="How often it was closed.", examples=[0])
    client_name: OpenedText | None = Field(
        default=None, description="What the client is called; null if they didn't say."
    )
    last_message: LastMessageView | None = Field(
        default=None, description="What was written last; null if nothing was."
    )
    waiting_since: Instant | None = Field(
        default=None, description="Since when the client waits for a reply; null if they don't."
    )
    unanswered: int = Field(
        default=0, description="How many messages of the client wait for a reply.", examples=[2]
    )
    version: int = Field(
        default=0, description="How far it has come, as when it is read; and in `/v1/changes`.", examples=[12]
    )


class DialogList(BaseModel):
    """A page of dialogs."""

    dialogs: list[DialogView] = Field(
        description="Open ones: the longest open first; closed: the last first."
    )
    next_cursor: str | None = Field(
        description="For the next page; null on the last one.",
        examples=["72h2tB8yWzE3NzQ3NDQ4MDAwMDAsImQtN2YzYTkxYzA0YmUyZDg1NiJd"],
    )


class DialogVersions(BaseModel):
    """What a stream of changes tells: how far dialogs have come. It holds no text."""

    dialogs: dict[str, int] = Field(
        description="The version of each dialog, by its id; what is not in it has left the list.",
        examples=[{"d-7f3a": 12}],
    )


class EarlierDialogView(BaseModel):
    """Another dialog of a client."""

    dialog: str = Field(description="Its id.", examples=["d-7f3a"])
    state: DialogState = Field(description="As it is now.")
    opened_at: Instant = Field(description="When it was opened the first time.")
    closed_at: Instant | None = Field(description="When it was closed last; null while it is open.")
    operator: str | None = Field(description="Who has it, or had it last; null if nobody did.")
    operator_name: str | None = Field(description="What they are called.", examples=["Ann Lee"])
    own: bool = Field(description="Whether the caller has it or wrote in it, and so may read it.")


class ClientView(BaseModel):
    """The client of a dialog. An erased one has no name and no e-mail."""

    client: str = Field(description="The client's id.", examples=["3f1c9ad2b7e64c0f8a51d7c2e9b04f66"])
    channel: str = Field(description="Where they came to.", examples=["course-a"])
    locale: str | None = Field(description="Their language; null if nobody said.", examples=["fr-CA"])
    name: OpenedText | None = Field(description="What they are called; null if they didn't say.")
    email: OpenedText | None = Field(description="Their address; null if they didn't say.")
    since: Instant = Field(description="When they opened their first dialog.")
    earlier: list[EarlierDialogView] = Field(
        description="Their other dialogs, the newest first: the last fifty."
    )


class OwnDialogView(BaseModel):
    """A dialog as its client lists it."""

    dialog: str = Field(description="Its id.", examples=["d-7f3a"])
    state: DialogState = Field(description="As it is now.")
    opened_at: Instant = Field(description="When it was opened the first time.")
    closed_at: Instant | None = Field(description="When it was closed last; null while it is open.")
    closes: int = Field(description="How often it was closed.", examples=[0])
    operator_name: str | None = Field(description="Who has it; null if nobody does.", examples=["Ann Lee"])
    replies: int = Field(
        description="How many messages operators have written so far: those not seen yet are unread.",
        examples=[3],
    )
    version: int = Field(description="How far it has come, as when it is read.", examples=[12])


class OwnDialogList(BaseModel):
    """A client's dialogs."""

    dialogs: list[OwnDialogView] = Field(description="The newest first: the last fifty.")
