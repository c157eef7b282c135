"""Erases clients: withdraws the forms that are open for them, and deletes the keys of their comments."""

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime

import structlog

from chassis.crypto_shredding import KeyRing
from chassis.eventstore.handle import handle
from chassis.eventstore.repository import Repository
from chassis.telemetry.metrics import Alarm, raise_alarm
from chassis.telemetry.tracebacks import safe_traceback
from chassis.transient import is_transient
from rating.domain.rating.decider import RATING, ForgetClient
from rating.read_models.erased_clients import ErasedClients
from rating.read_models.forms import Forms

log = structlog.stdlib.get_logger(__name__)

POLL_SECONDS = 0.25
RETRY_SECONDS = 1.0


class ClientErasure:
    """Works through clients that were marked as erased, and through open forms that were written since.

    No form escapes: what is written before a marked client's forms are searched is found by that search, and
    what is written later is checked after it was written, when the client is marked. Every step can be
    repeated, by several replicas at once; what is left to do is in the database, so a crash loses nothing.
    """

    name = "erasure"

    def __init__(self, repository: Repository, forms: Forms, erased: ErasedClients, keys: KeyRing) -> None:
        self._repository = repository
        self._forms = forms
        self._erased = erased
        self._keys = keys
        self._woken = asyncio.Event()

    def unhealthy_reason(self) -> str | None:
        """Never: an erasure that fails is an alarm, and no reason to refuse requests."""
        return None

    async def erase(self, client: str, erased_at: datetime) -> None:
        """From now on no form is made for the client; the rest is done in the background, within a second."""
        await self._erased.mark(client, erased_at)
        self._woken.set()

    async def run(self) -> None:
        """Works until cancelled; waits while the database is away."""
        while True:
            self._woken.clear()
            done = False
            try:
                done = await self.catch_up()
            except Exception as error:
                if not is_transient(error):
                    raise
                log.warning("erasure_waits", error=type(error).__name__)
            if not done:
                await asyncio.sleep(RETRY_SECONDS)
            with suppress(TimeoutError):
                async with asyncio.timeout(POLL_SECONDS):
                    await self._woken.wait()

    async def catch_up(self) -> bool:
        """Does what is left to do now. False if some of it failed: it is left for the next time."""
        failed: frozenset[str] = frozenset()
        async for client in self._erased.pending():
            await self._keys.erase(client)
            failures = await self._forget(dict.fromkeys(await self._forms.open_dialogs(client), client))
            failed |= failures
            if not failures:
                await self._erased.finish(client)
        async for written in self._forms.unchecked():
            erased = await self._erased.among({form.client for form in written})
            failures = await self._forget(
                {form.dialog: form.client for form in written if form.client in erased}
            )
            failed |= failures
            await self._forms.mark_checked([form for form in written if form.dialog not in failures])
        return not failed

    async def _forget(self, dialogs: Mapping[str, str]) -> frozenset[str]:
        """Withdraws the open forms of dialogs, given with their clients; returns those where that failed."""
        done = await asyncio.gather(*(self._forget_in(dialog, client) for dialog, client in dialogs.items()))
        return frozenset(dialog for dialog, well in zip(dialogs, done, strict=True) if not well)

    async def _forget_in(self, dialog: str, client: str) -> bool:
        command = ForgetClient(client, self._repository.clock.now())
        try:
            await handle(self._repository, RATING, RATING.stream(dialog), command)
        except Exception as error:  # noqa: BLE001 - one dialog must not hold up the others
            if not is_transient(error):
                raise_alarm(self._repository.service, Alarm.ERASURE_FAILED)
            log.error(  # noqa: TRY400 - a message may quote
                "dialog_not_erased", dialog=dialog, error=type(error).__name__, where=safe_traceback(error)
            )
            return False
        return True
