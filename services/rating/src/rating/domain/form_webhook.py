"""A channel's webhook for forms is sent nothing once it is gone, until the settings are saved again."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Annotated, Literal, assert_never

from pydantic import AwareDatetime, Field, TypeAdapter

from chassis.errors import CommandRejected
from chassis.eventstore.decider import Decider, StoredValue
from rating.domain.rejections import Rejection
from rating.domain.webhook import ROTATION


class FormEndpointGone(StoredValue):
    """The endpoint that this `version` of the settings names wants nothing any more (410).

    Storage format: only add.
    """

    type: Literal["endpoint-gone"] = "endpoint-gone"
    version: int
    gone_at: AwareDatetime


class FormSecretRotated(StoredValue):
    """From now on messages are signed with the secret of this `generation`, and until then with both.

    Storage format: only add.
    """

    type: Literal["secret-rotated"] = "secret-rotated"
    generation: int
    both_until: AwareDatetime
    by: str


FormWebhookEvent = FormEndpointGone | FormSecretRotated


@dataclass(frozen=True)
class FormWebhookState:
    """What is known of a channel's webhook beside its settings, of which version `gone_with` was gone."""

    generation: int = 1
    both_until: datetime | None = None
    gone_with: int = 0

    def is_gone(self, version: int) -> bool:
        """Whether nothing is sent, `version` being that of the settings that hold."""
        return version <= self.gone_with

    def generations(self, now: datetime) -> tuple[int, ...]:
        """The generations of the secrets that messages are signed with, the newest first."""
        both = self.both_until is not None and now < self.both_until
        return (self.generation, self.generation - 1) if both else (self.generation,)


@dataclass(frozen=True)
class SwitchFormWebhookOff:
    """The endpoint of this version of the settings has answered that it is gone."""

    version: int
    now: datetime


@dataclass(frozen=True)
class RotateFormSecret:
    """Sign with a new secret, too."""

    by: str
    now: datetime


FormWebhookCommand = SwitchFormWebhookOff | RotateFormSecret


def evolve(state: FormWebhookState, event: FormWebhookEvent) -> FormWebhookState:
    """The webhook after the event."""
    match event:
        case FormEndpointGone():
            return replace(state, gone_with=event.version)
        case FormSecretRotated():
            return replace(state, generation=event.generation, both_until=event.both_until)
        case _:
            assert_never(event)


def decide(state: FormWebhookState, command: FormWebhookCommand) -> Sequence[FormWebhookEvent]:
    """What follows from the command; raises `CommandRejected`."""
    match command:
        case SwitchFormWebhookOff():
            if state.is_gone(command.version):
                return []
            return [FormEndpointGone(version=command.version, gone_at=command.now)]
        case RotateFormSecret():
            if len(state.generations(command.now)) > 1:
                raise CommandRejected(Rejection.ROTATION_UNDER_WAY)
            until = command.now + ROTATION
            return [FormSecretRotated(generation=state.generation + 1, both_until=until, by=command.by)]
        case _:
            assert_never(command)


FORM_WEBHOOK: Decider[FormWebhookState, FormWebhookCommand, FormWebhookEvent] = Decider(
    category="form_webhook",
    initial=FormWebhookState(),
    evolve=evolve,
    decide=decide,
    events=TypeAdapter(Annotated[FormWebhookEvent, Field(discriminator="type")]),
)
"""One stream a channel, by its id."""
