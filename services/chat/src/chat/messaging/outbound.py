"""Translates what chat decided into what it says; messages and assignments stay private."""

from collections.abc import Collection, Sequence

from chassis.outbox.commit_handler import PublicEvent
from chat.domain import channel, client
from chat.domain.dialog import events as stored
from chat.domain.dialog.state import Dialog, DialogDetails, details_of
from contracts import topics
from contracts.channels import ChannelPublished
from contracts.clients import ClientErased
from contracts.dialogs import (
    AttributedBy,
    ClosedBy,
    Contact,
    DialogClosed,
    DialogOpened,
    DialogReopened,
    Participant,
)


def channel_to_public(_: channel.Channel, event: channel.ChannelPublished) -> PublicEvent:
    """Every publication is told, whole."""
    said = ChannelPublished(
        channel=event.channel,
        name=event.name,
        locales=event.locales,
        allowed_origins=event.allowed_origins,
        time_zone=event.time_zone,
        closed=event.closed,
    )
    return PublicEvent(topics.CHANNELS.name, event.channel, said)


def client_to_public(_: client.Client, event: client.ClientEvent) -> PublicEvent | None:
    """Only that a client must be forgotten is told."""
    if not isinstance(event, client.ClientErased):
        return None
    said = ClientErased(client=event.client, erased_at=event.erased_at)
    return PublicEvent(topics.CLIENTS.name, event.client, said)


def dialog_to_public(state: Dialog, event: stored.DialogEvent) -> PublicEvent | None:
    """Opening, closes and reopenings are told; what people write is not."""
    talk = details_of(state)
    match event:
        case stored.DialogOpened():
            return _of(talk, _opened(talk, event))
        case stored.DialogClosed():
            return _of(talk, _closed(talk, event))
        case stored.DialogReopened():
            return _of(talk, _reopened(talk, event))
        case _:
            return None


def sealed_dialogs(said: Sequence[PublicEvent]) -> Collection[str]:
    """The dialogs whose keys readers need for what is about to be said."""
    events = (public.event for public in said)
    return {event.dialog for event in events if isinstance(event, DialogClosed) and event.contact}


def _of(talk: DialogDetails, said: DialogOpened | DialogClosed | DialogReopened) -> PublicEvent:
    return PublicEvent(topics.DIALOGS.name, talk.dialog, said)


def _opened(talk: DialogDetails, event: stored.DialogOpened) -> DialogOpened:
    return DialogOpened(
        dialog=talk.dialog,
        channel=talk.channel,
        client=talk.client,
        locale=talk.locale,
        opened_at=event.opened_at,
        origin=event.origin,
    )


def _closed(talk: DialogDetails, event: stored.DialogClosed) -> DialogClosed:
    return DialogClosed(
        dialog=talk.dialog,
        channel=talk.channel,
        client=talk.client,
        operator=event.operator,
        operator_name=event.operator_name,
        team=event.team,
        locale=talk.locale,
        close_seq=event.close_seq,
        closed_at=event.closed_at,
        opened_at=event.opened_at,
        first_reply_at=event.first_reply_at,
        closed_by=ClosedBy(event.closed_by),
        attributed_by=AttributedBy(event.attributed_by),
        resumes=event.resumes,
        participants=tuple(Participant(**writer.model_dump()) for writer in event.participants),
        client_messages=event.client_messages,
        operator_messages=event.operator_messages,
        longest_client_text=event.longest_client_text,
        contact=Contact(email=event.email, name=event.name) if event.email or event.name else None,
    )


def _reopened(talk: DialogDetails, event: stored.DialogReopened) -> DialogReopened:
    return DialogReopened(
        dialog=talk.dialog,
        channel=talk.channel,
        client=talk.client,
        operator=talk.assigned.id if talk.assigned else None,
        team=talk.assigned.team if talk.assigned else None,
        locale=talk.locale,
        close_seq=event.close_seq,
        reopened_at=event.reopened_at,
    )
