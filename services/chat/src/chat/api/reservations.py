"""Reserves a dialog on its client's stream before it is opened or reopened."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace

from chassis.errors import CommandRejected
from chassis.eventstore.handle import handle
from chassis.eventstore.repository import Repository
from chat.domain.client import (
    CLIENT,
    Client,
    RegisteredClient,
    Registration,
    ReserveDialog,
    UnknownClient,
    refuse_if_erased,
)
from chat.domain.dialog.actor import author_of
from chat.domain.dialog.decider import DIALOG, OpenDialog, ReopenDialog
from chat.domain.dialog.state import Dialog, Open, Unopened
from chat.domain.rejections import Rejection


def opening(
    repository: Repository,
    command: OpenDialog,
    register: Callable[[], Awaitable[Registration]] | None = None,
) -> Callable[[Dialog], Awaitable[OpenDialog]]:
    """Reserves a dialog that the command opens; what is refused, or was done before, needs no reservation."""

    async def complete(state: Dialog) -> OpenDialog:
        if DIALOG.decide(state, command):
            await reserve(repository, ReserveDialog(command.client, command.dialog, command.now), register)
        return command

    return complete


def reopening(
    repository: Repository, dialog: str, command: ReopenDialog
) -> Callable[[Dialog], Awaitable[ReopenDialog]]:
    """Reserves a dialog that the command reopens, also for an operator. Raises `CommandRejected`."""

    async def complete(state: Dialog) -> ReopenDialog:
        details, _ = author_of(command.actor, state)
        refuse_if_erased((await repository.load(CLIENT, CLIENT.stream(details.client))).state)
        if DIALOG.decide(state, command):
            await reserve(repository, ReserveDialog(details.client, dialog, command.now, details.closes))
        return command

    return complete


async def reserve(
    repository: Repository,
    command: ReserveDialog,
    register: Callable[[], Awaitable[Registration]] | None = None,
) -> None:
    """Reserves the dialog, a client's first one with `register`. Raises `CommandRejected`.

    Only when a client has as many as they may, those dialogs are loaded, and the closed ones released.
    """

    async def complete(state: Client) -> ReserveDialog:
        # Sealed once it is known that nothing forbids it: what is refused leaves no key.
        if isinstance(state, UnknownClient) and register is not None:
            return replace(command, registration=await register())
        return command

    try:
        await handle(repository, CLIENT, CLIENT.stream(command.client), command, complete=complete)
    except CommandRejected as refusal:
        not_open = await _not_open(repository, command.client)
        if refusal.code != Rejection.TOO_MANY_OPEN_DIALOGS or not_open == command.not_open:
            raise
        await reserve(repository, replace(command, not_open=not_open), register)


async def _not_open(repository: Repository, client: str) -> Mapping[str, int]:
    """The client's reserved dialogs that aren't open, and how often each was closed."""
    state = (await repository.load(CLIENT, CLIENT.stream(client))).state
    found: dict[str, int] = {}
    for dialog in state.reserved if isinstance(state, RegisteredClient) else ():
        known = (await repository.load(DIALOG, DIALOG.stream(dialog))).state
        if isinstance(known, Unopened) or known.details.client != client:
            found[dialog] = 0  # not this client's, or not yet
        elif not isinstance(known, Open):
            found[dialog] = known.details.closes
    return found
