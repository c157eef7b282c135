"""Translates stored events into public ones; messages and assignments stay private."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final

from chassis.outbox.commit_handler import Publication, PublicEvent
from chat.domain import channel, client
from chat.domain.dialog import events as stored
from chat.domain.dialog.state import Dialog, details_of
from contracts import topics
from contracts.channels import CHANNEL_EVENTS, ChannelPublished
from contracts.clients import CLIENT_EVENTS, ClientErased
from contracts.dialogs import (
    DIALOG_EVENTS,
    AttributedBy,
    ClosedBy,
    Contact,
    DialogClosed,
    DialogOpened,
    DialogReopened,
    Participant,
    ParticipantKind,
)
from contracts.keys import KEY_EVENTS

CHANNELS: Final = Publication(topics.CHANNELS.name, CHANNEL_EVENTS)
DIALOGS: Final = Publication(topics.DIALOGS.name, DIALOG_EVENTS)
CLIENTS: Final = Publication(topics.CLIENTS.name, CLIENT_EVENTS)
KEYS: Final = Publication(topics.DIALOG_KEYS.name, KEY_EVENTS)
PUBLISHED: Final = (CHANNELS, DIALOGS, CLIENTS, KEYS)


def channel_to_public(_: channel.Channel, event: channel.ChannelPublished) -> PublicEvent:
    """Every publication is public, whole."""
    public = ChannelPublished(
        channel=event.channel,
        name=event.name,
        locales=event.locales,
        allowed_origins=event.allowed_origins,
        time_zone=event.time_zone,
        closed=event.closed,
    )
    return CHANNELS.of(event.channel, public)


def client_to_public(_: client.Client, event: client.ClientEvent) -> PublicEvent | None:
    """Only that a client must be forgotten is public."""
    if not isinstance(event, client.ClientErased):
        return None
    public = ClientErased(client=event.client, erased_at=event.erased_at)
    return CLIENTS.of(event.client, public)


def dialog_to_public(state: Dialog, event: stored.DialogEvent) -> PublicEvent | None:
    """Opening, closes and reopenings are public; messages and assignments are not."""
    details = details_of(state)
    whose = {name: getattr(details, name) for name in ("dialog", "channel", "client", "locale")}
    public: DialogOpened | DialogClosed | DialogReopened
    match event:
        case stored.DialogOpened():
            public = DialogOpened(**whose, opened_at=event.opened_at, origin=event.origin)
        case stored.DialogClosed():
            public = _closed(whose, event)
        case stored.DialogReopened():
            public = DialogReopened(
                **whose,
                operator=details.assigned.id if details.assigned else None,
                team=details.assigned.team if details.assigned else None,
                close_seq=event.close_seq,
                reopened_at=event.reopened_at,
            )
        case _:
            return None
    return DIALOGS.of(details.dialog, public)


def sealed_dialogs(public: Sequence[PublicEvent]) -> Collection[str]:
    """The dialogs whose keys readers need for these events."""
    events = (each.event for each in public)
    return {event.dialog for event in events if isinstance(event, DialogClosed) and event.contact}


def _closed(whose: Mapping[str, Any], event: stored.DialogClosed) -> DialogClosed:
    return DialogClosed(
        **whose,
        operator=event.operator,
        operator_name=event.operator_name,
        team=event.team,
        close_seq=event.close_seq,
        closed_at=event.closed_at,
        opened_at=event.opened_at,
        first_reply_at=event.first_reply_at,
        closed_by=ClosedBy(event.closed_by),
        attributed_by=AttributedBy(event.attributed_by),
        resumes=event.resumes,
        participants=tuple(
            Participant(**{**writer.model_dump(), "kind": ParticipantKind(writer.kind)})
            for writer in event.participants
        ),
        client_messages=event.client_messages,
        operator_messages=event.operator_messages,
        longest_client_text=event.longest_client_text,
        contact=Contact(email=event.email, name=event.name) if event.email or event.name else None,
    )
