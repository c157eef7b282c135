"""What an erasure means here: comments are forgotten, nothing more is asked or taken; the numbers stay."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from chassis.clock import Clock
from chassis.crypto_shredding import KeyRing
from chassis.eventstore.handle import Repository, handle
from rating.domain.rating.decider import RATING, ForgetClient
from rating.read_models.erased_clients import ErasedClients
from rating.read_models.form_documents import FormDocument
from rating.read_models.forms import Forms


@dataclass(frozen=True)
class ClientErasure:
    """Erases clients; each step can be repeated."""

    streams: Repository
    clock: Clock
    forms: Forms
    erased: ErasedClients
    keys: KeyRing

    async def erase(self, client: str, erased_at: datetime) -> None:
        """Forgets what the client wrote, and closes their forms.

        The mark comes first: a form that is written too late to be found here meets the mark in `catch_up`.
        """
        await self.erased.mark(client, erased_at)
        await self.keys.erase(client)
        for dialog in await self.forms.open_dialogs(client):
            await self._forget(client, dialog)

    async def is_erased(self, client: str) -> bool:
        """Whether the client is erased, as far as it was heard."""
        return bool(await self.erased.among([client]))

    async def catch_up(self, written: Collection[FormDocument]) -> None:
        """Closes those of the open forms just written whose client is erased."""
        erased = await self.erased.among({card.client for card in written})
        for client, dialog in {(card.client, card.dialog) for card in written if card.client in erased}:
            await self._forget(client, dialog)

    async def _forget(self, client: str, dialog: str) -> None:
        command = ForgetClient(client, self.clock.now())
        await handle(self.streams, RATING, RATING.stream(dialog), command)
