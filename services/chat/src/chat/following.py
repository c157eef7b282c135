"""What happens to each stored event before it is said: lists are written, words forgotten, keys published."""

from collections.abc import Sequence
from typing import Any

from chassis.eventlog.following import Followed, Following, Public
from chassis.sealing import KeyRing
from chat.domain.channel import CHANNEL
from chat.domain.client import CLIENT, Client, ClientErased, ClientEvent
from chat.domain.dialog import DIALOG
from chat.messaging.outbound import channel_to_public, client_to_public, dialog_to_public, sealed_dialogs
from chat.read_models.channels import Channels
from chat.read_models.dialogs import Dialogs


def following(channels: Channels, dialogs: Dialogs, keys: KeyRing) -> Sequence[Following[Any, Any]]:
    """Joins the read models and the keys to the follower."""

    async def keys_first(said: Sequence[Public]) -> None:
        if needed := sealed_dialogs(said):
            await keys.publish(needed)

    async def forget(batch: Sequence[Followed[Client, ClientEvent]]) -> None:
        for followed in batch:
            if isinstance(followed.event, ClientErased):
                await keys.forget(followed.event.client)

    return (
        Following(CHANNEL, channel_to_public, channels.project),
        Following(CLIENT, client_to_public, forget),
        Following(DIALOG, dialog_to_public, dialogs.project, keys_first),
    )
