"""Has a client's stream keep a place for a dialog before it is opened or reopened."""

from collections.abc import Mapping
from dataclasses import replace

from chassis.crypto_shredding import KeyRing
from chassis.errors import CommandRejected
from chassis.eventstore.handle import handle
from chassis.eventstore.repository import Repository
from chat.domain.client import CLIENT, Client, RegisteredClient, ReserveDialog, UnknownClient
from chat.domain.dialog.decider import DIALOG
from chat.domain.dialog.state import Open, Unopened
from chat.domain.rejections import Rejection
from chat.personal_data import sealed_registration
from chat.read_models.pending_visitors import PendingVisitor


async def reserve(
    streams: Repository, keys: KeyRing, command: ReserveDialog, visitor: PendingVisitor | None = None
) -> None:
    """Keeps a place for the dialog; `visitor` is whose first one it is. Raises `CommandRejected`.

    Only when all places are taken their dialogs are looked at; what was closed gives its place back.
    """

    async def sealed(state: Client) -> ReserveDialog:
        if visitor is None or not isinstance(state, UnknownClient):
            return command
        return await sealed_registration(keys, command, visitor.email, visitor.name)

    while True:
        try:
            await handle(streams, CLIENT, CLIENT.stream(command.client), command, complete=sealed)
        except CommandRejected as refusal:
            not_open = await _not_open(streams, command.client)
            if refusal.code != Rejection.TOO_MANY_OPEN_DIALOGS or not_open == command.not_open:
                raise
            command = replace(command, not_open=not_open)
        else:
            return


async def _not_open(streams: Repository, client: str) -> Mapping[str, int]:
    """The client's dialogs that have a place and aren't open, and how often each was closed."""
    state = (await streams.load(CLIENT, CLIENT.stream(client))).state
    found: dict[str, int] = {}
    for dialog in state.reserved if isinstance(state, RegisteredClient) else ():
        known = (await streams.load(DIALOG, DIALOG.stream(dialog))).state
        if isinstance(known, Unopened) or known.talk.client != client:
            found[dialog] = 0  # not this client's, or not yet
        elif not isinstance(known, Open):
            found[dialog] = known.talk.closes
    return found
