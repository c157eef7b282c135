"""What happens to each stored event before it is published: lists written, keys deleted or published."""

from collections.abc import Sequence
from typing import Any

from chassis.crypto_shredding import KeyRing
from chassis.outbox.commit_handler import CommitHandler, PublicEvent, RecordedEvent
from chat.domain.channel import CHANNEL
from chat.domain.client import CLIENT, Client, ClientErased, ClientEvent
from chat.domain.dialog.decider import DIALOG
from chat.domain.dialog.events import DialogEvent
from chat.domain.dialog.state import Dialog
from chat.messaging.outbound import channel_to_public, client_to_public, dialog_to_public, sealed_dialogs
from chat.messaging.wakeups import Wakeups
from chat.read_models.channels import Channels
from chat.read_models.clients import Clients
from chat.read_models.dialogs import Dialogs
from chat.read_models.pending_visitors import PendingVisitors


def commit_handlers(
    channels: Channels,
    dialogs: Dialogs,
    clients: Clients,
    wakeups: Wakeups,
    keys: KeyRing,
    visitors: PendingVisitors,
) -> Sequence[CommitHandler[Any, Any]]:
    """Joins the read models and the keys to the relay."""

    async def publish_keys(public: Sequence[PublicEvent]) -> None:
        if needed := sealed_dialogs(public):
            await keys.publish(needed)

    async def list_dialogs(batch: Sequence[RecordedEvent[Dialog, DialogEvent]]) -> None:
        await dialogs.project(batch)
        wakeups.announce(batch)

    async def list_or_forget(batch: Sequence[RecordedEvent[Client, ClientEvent]]) -> None:
        await clients.project(batch)
        for recorded in batch:
            if isinstance(recorded.event, ClientErased):
                await visitors.remove(recorded.event.client)
                await keys.erase(recorded.event.client)

    return (
        CommitHandler(CHANNEL, channel_to_public, channels.project),
        CommitHandler(CLIENT, client_to_public, list_or_forget),
        CommitHandler(DIALOG, dialog_to_public, list_dialogs, publish_keys),
    )
