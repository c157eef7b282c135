"""Nobody overwrites a webhook that they haven't read; one that is off or deleted is sent nothing."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Annotated, Final, Literal, assert_never

from pydantic import AwareDatetime, Field, TypeAdapter

from chassis.errors import CommandRejected
from chassis.eventstore.decider import Decider, StoredValue
from rating.domain.rejections import Rejection

ROTATION: Final = timedelta(hours=24)
"""How long messages are signed with the secret before, too."""


class WebhookEvent(StrEnum):
    """What a webhook can be told of: what became of the form of a close."""

    NOT_OFFERED = "not_offered"
    OFFERED = "offered"
    GIVEN = "given"
    CHANGED = "changed"
    EXPIRED = "expired"


class WebhookSettings(StoredValue):
    """Where messages go, and of which events.

    Of all channels if `channels` is empty; of answers only those with a score of at most
    `score_at_or_below`, if that is set.
    """

    url: str
    events: tuple[WebhookEvent, ...]
    channels: tuple[str, ...] = ()
    score_at_or_below: int | None = None
    enabled: bool = True


class WebhookSaved(StoredValue):
    """The whole settings. Storage format: only add, and only optional fields."""

    type: Literal["webhook-saved"] = "webhook-saved"
    settings: WebhookSettings
    by: str
    saved_at: AwareDatetime


class SecretRotated(StoredValue):
    """From now on messages are signed with the secret of this `generation`, and until then with both.

    Storage format: only add.
    """

    type: Literal["secret-rotated"] = "secret-rotated"
    generation: int
    both_until: AwareDatetime
    by: str


class EndpointGone(StoredValue):
    """The endpoint answered that it wants nothing any more (410). Storage format: only add."""

    type: Literal["endpoint-gone"] = "endpoint-gone"
    url: str
    gone_at: AwareDatetime


class WebhookDeleted(StoredValue):
    """Nothing is sent any more. Storage format: only add."""

    type: Literal["webhook-deleted"] = "webhook-deleted"
    by: str
    deleted_at: AwareDatetime


StoredWebhookEvent = WebhookSaved | SecretRotated | EndpointGone | WebhookDeleted


@dataclass(frozen=True)
class NoWebhook:
    """There is none of this id, or none any more; `version` counts its changes."""

    version: int = 0


@dataclass(frozen=True)
class Webhook:
    """What holds; `gone` if its endpoint has switched it off."""

    version: int
    settings: WebhookSettings
    generation: int = 1
    both_until: datetime | None = None
    gone: bool = False

    @property
    def is_on(self) -> bool:
        """Whether anything is sent."""
        return self.settings.enabled and not self.gone

    def generations(self, now: datetime) -> tuple[int, ...]:
        """The generations of the secrets that messages are signed with, the newest first."""
        both = self.both_until is not None and now < self.both_until
        return (self.generation, self.generation - 1) if both else (self.generation,)


WebhookState = NoWebhook | Webhook


@dataclass(frozen=True)
class SaveWebhook:
    """Make the webhook be like this, `based_on` being the version that was read; 0 for a new one."""

    settings: WebhookSettings
    based_on: int
    by: str
    now: datetime


@dataclass(frozen=True)
class RotateSecret:
    """Sign with a new secret, too; `based_on` as in `SaveWebhook`."""

    based_on: int
    by: str
    now: datetime


@dataclass(frozen=True)
class SwitchOff:
    """The endpoint at `url` has answered that it is gone."""

    url: str
    now: datetime


@dataclass(frozen=True)
class DeleteWebhook:
    """Send nothing any more, ever."""

    by: str
    now: datetime


WebhookCommand = SaveWebhook | RotateSecret | SwitchOff | DeleteWebhook


def evolve(state: WebhookState, event: StoredWebhookEvent) -> WebhookState:
    """The webhook after the event."""
    version = state.version + 1
    match event:
        case WebhookSaved():
            if isinstance(state, Webhook):
                return replace(state, version=version, settings=event.settings, gone=False)
            return Webhook(version, event.settings, generation=version)
        case WebhookDeleted():
            return NoWebhook(version)
        case SecretRotated() if isinstance(state, Webhook):
            return replace(state, version=version, generation=event.generation, both_until=event.both_until)
        case EndpointGone() if isinstance(state, Webhook):
            return replace(state, version=version, gone=True)
        case SecretRotated() | EndpointGone():
            return NoWebhook(version)
        case _:
            assert_never(event)


def decide(state: WebhookState, command: WebhookCommand) -> Sequence[StoredWebhookEvent]:
    """What follows from the command; raises `CommandRejected`."""
    match command:
        case SaveWebhook():
            return save(state, command)
        case RotateSecret():
            return rotate(state, command)
        case SwitchOff():
            if isinstance(state, Webhook) and not state.gone and state.settings.url == command.url:
                return [EndpointGone(url=command.url, gone_at=command.now)]
            return []
        case DeleteWebhook():
            if isinstance(state, Webhook):
                return [WebhookDeleted(by=command.by, deleted_at=command.now)]
            return []
        case _:
            assert_never(command)


def save(state: WebhookState, command: SaveWebhook) -> Sequence[StoredWebhookEvent]:
    """Nothing, if it is like this already; else the settings, unless others were saved since."""
    known = state.version if isinstance(state, Webhook) else 0
    if isinstance(state, Webhook) and state.settings == command.settings and not state.gone:
        return []
    if known != command.based_on:
        raise CommandRejected(Rejection.WEBHOOK_CHANGED)
    return [WebhookSaved(settings=command.settings, by=command.by, saved_at=command.now)]


def rotate(state: WebhookState, command: RotateSecret) -> Sequence[StoredWebhookEvent]:
    """The next secret; both are used for a day, in which there is no other."""
    if not isinstance(state, Webhook):
        raise CommandRejected(Rejection.NO_SUCH_WEBHOOK)
    if state.version != command.based_on:
        raise CommandRejected(Rejection.WEBHOOK_CHANGED)
    if len(state.generations(command.now)) > 1:
        raise CommandRejected(Rejection.ROTATION_UNDER_WAY)
    until = command.now + ROTATION
    return [SecretRotated(generation=state.generation + 1, both_until=until, by=command.by)]


WEBHOOK: Decider[WebhookState, WebhookCommand, StoredWebhookEvent] = Decider(
    category="webhook",
    initial=NoWebhook(),
    evolve=evolve,
    decide=decide,
    events=TypeAdapter(Annotated[StoredWebhookEvent, Field(discriminator="type")]),
)
