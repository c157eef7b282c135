"""Clients' e-mail addresses, which chat has sealed: opened for the moment in which one is needed."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from enum import Enum, auto

from chassis.crypto_shredding.opened_text import OpenedText, OpensText, TextState
from contracts.keys import Purpose

SOON = timedelta(seconds=1)
LOOK_EVERY = timedelta(milliseconds=50)


class NoAddress(Enum):
    """Why there is none."""

    AWAITED = auto()
    """Its key is still to be received."""
    GONE = auto()
    """It was erased, or is damaged."""


class Addresses:
    """Opens addresses with the keys that were received; `read_to_end` tells whether all were."""

    def __init__(self, keys: OpensText, read_to_end: Callable[[], Awaitable[bool]]) -> None:
        self._keys = keys
        self._read_to_end = read_to_end

    async def open(self, sealed: str, *, client: str, dialog: str) -> str | NoAddress:
        """The address as it can be read now. It must never get into a log, a metric, or anything stored."""
        found = await self._opened(sealed, client, dialog)
        if found is not NoAddress.AWAITED or not await self._read_to_end():
            return found
        # Asked first, then tried again: a key that came in between is not taken for an erased one.
        found = await self._opened(sealed, client, dialog)
        return NoAddress.GONE if found is NoAddress.AWAITED else found

    async def open_soon(self, sealed: str, *, client: str, dialog: str) -> str | NoAddress:
        """As `open`, but a key that is awaited has a second to come: it is published just before a close."""
        try:
            async with asyncio.timeout(SOON.total_seconds()):
                while (found := await self.open(sealed, client=client, dialog=dialog)) is NoAddress.AWAITED:  # noqa: ASYNC110 - nothing gives a sign
                    await asyncio.sleep(LOOK_EVERY.total_seconds())
                return found
        except TimeoutError:
            return NoAddress.AWAITED

    async def _opened(self, sealed: str, client: str, dialog: str) -> str | NoAddress:
        found = await OpenedText.of(self._keys, sealed, subject=client, scope=dialog, purpose=Purpose.EMAIL)
        if found.text is not None:
            return found.text
        return NoAddress.AWAITED if found.state is TextState.ERASED else NoAddress.GONE
