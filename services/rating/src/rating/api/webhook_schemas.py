"""What goes in and out of webhooks."""

from typing import Annotated

import httpx
from pydantic import AfterValidator, BaseModel, Field, StrictBool, StringConstraints

from chassis.http.bodies import RequestBody
from chassis.validation.messages import FIELD_SENTENCES, wrong
from chassis.validation.numbers import WholeNumber
from contracts.envelope import HIGHEST, Id, Instant
from rating.domain.webhook import WebhookEvent
from rating.read_models.webhooks import DeliveryState

LONGEST_URL = 2_000
LAST_PORT = 65_535
MOST_CHANNELS = 100


def _reachable(url: str) -> str:
    try:
        parsed = httpx.URL(url)
        host = parsed.host  # decoded only now: what no name is, `idna` would quote
    except (httpx.InvalidURL, ValueError):
        raise wrong(FIELD_SENTENCES["not-valid"], "not-valid") from None
    reachable = parsed.scheme in {"https", "http"} and host and (parsed.port or 0) <= LAST_PORT
    if not reachable or parsed.userinfo or parsed.fragment:
        raise wrong(FIELD_SENTENCES["not-valid"], "not-valid")
    return url


WebhookUrl = Annotated[
    str,
    StringConstraints(strip_whitespace=True, max_length=LONGEST_URL),
    AfterValidator(_reachable),
]


def _in_order(events: list[WebhookEvent]) -> list[WebhookEvent]:
    return [event for event in WebhookEvent if event in events]


class WebhookBody(RequestBody):
    """Where messages go, and of which events; always all of it."""

    url: WebhookUrl = Field(
        description="https, without a user or a fragment; http only into networks that are allowed.",
        examples=["https://crm.example/candor"],
    )
    events: Annotated[list[WebhookEvent], Field(min_length=1), AfterValidator(_in_order)] = Field(
        examples=[["given", "changed"]]
    )
    channels: Annotated[list[Id], Field(max_length=MOST_CHANNELS)] = Field(
        description="Of these channels; of all, if there are none.", examples=[["course-a"]]
    )
    score_at_or_below: Annotated[WholeNumber, Field(ge=0, le=HIGHEST)] | None = Field(
        description="Of answers only those with at most this score. Null: of all.", examples=[2]
    )
    enabled: StrictBool = Field(examples=[True])


class WebhookView(BaseModel):
    """A webhook. Its ETag is the version."""

    webhook: str = Field(examples=["crm"])
    version: int = Field(examples=[1])
    url: str = Field(examples=["https://crm.example/candor"])
    events: list[WebhookEvent]
    channels: list[str]
    score_at_or_below: int | None = Field(examples=[2])
    enabled: bool
    gone: bool = Field(description="Its endpoint answered 410: nothing is sent until it is saved again.")
    both_until: Instant | None = Field(
        description="Until then messages are signed with the secret before, too. Null: there was none."
    )
    delivered_at: Instant | None = Field(description="When it took a message last. Null: never.")
    failing_since: Instant | None = Field(
        description="Since when it takes none. Null: it took the last one, or was changed since."
    )


class WebhookList(BaseModel):
    """All webhooks, by their ids."""

    webhooks: list[WebhookView]


class SecretView(BaseModel):
    """What messages are signed with, as Standard Webhooks 1.0.0 has it."""

    secret: str = Field(examples=["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"])


class DeliveryView(BaseModel):
    """One message for a webhook: no word of a client is in it, nor kept here."""

    delivery: str = Field(examples=["crm/rating:d1:3"])
    message: str = Field(
        description="Its `webhook-id`; the `ce_id` of the event on Kafka.", examples=["rating:d1:3"]
    )
    type: WebhookEvent
    channel: str = Field(examples=["course-a"])
    dialog: str = Field(examples=["d1"])
    close_seq: int = Field(examples=[1])
    created_at: Instant
    state: DeliveryState
    attempts: int = Field(examples=[1])
    due_at: Instant | None = Field(description="When it is tried next. Null: not any more.")
    delivered_at: Instant | None
    reason: str | None = Field(description="Why the last attempt failed.", examples=["timeout"])
    status: int | None = Field(description="What the endpoint answered then, if it did.", examples=[503])


class DeliveryPage(BaseModel):
    """A part of a webhook's log, the newest first. It reaches back 30 days."""

    deliveries: list[DeliveryView]
    next_cursor: str | None = Field(description="For the next page; null on the last.")


class RedeliverBody(RequestBody):
    """Which message is sent again."""

    delivery: Annotated[str, StringConstraints(max_length=300)] = Field(examples=["crm/rating:d1:3"])


class RedeliveredView(BaseModel):
    """How much is sent again."""

    redelivered: int = Field(examples=[12])
