"""What did clients write? Opens sealed texts for one response; opened texts are never stored."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

import structlog

from chassis.crypto_shredding.opened_text import OpensText
from chassis.errors import DecryptionFailed

log = structlog.stdlib.get_logger(__name__)


class DecryptionState(StrEnum):
    """Whether a sealed text can be read."""

    OPEN = "open"
    ERASED = "erased"
    WAITING = "waiting"
    UNREADABLE = "unreadable"


@dataclass(frozen=True)
class DecryptedText:
    """A sealed text as it can be read now; `text` only if it is open."""

    state: DecryptionState
    text: str | None = None


class SealedText(NamedTuple):
    """A sealed text, and what it claims to be: it opens as nothing else."""

    sealed: str
    subject: str
    scope: str
    purpose: str


class Decryptor:
    """Opens sealed texts, and distinguishes erased ones from those whose key is still to be received."""

    def __init__(self, keys: OpensText, read_to_end: Callable[[], Awaitable[bool]]) -> None:
        self._keys = keys
        self._read_to_end = read_to_end

    async def open(self, texts: Collection[SealedText]) -> Mapping[SealedText, DecryptedText]:
        """Each of the sealed texts, as it can be read now."""
        opened = await self._open_all(set(texts), DecryptionState.WAITING)
        missing = {text for text, found in opened.items() if found.state is DecryptionState.WAITING}
        # Asked first, then tried again: a key that came in between is not taken for an erased one.
        if missing and await self._read_to_end():
            opened |= await self._open_all(missing, DecryptionState.ERASED)
        return opened

    async def _open_all(
        self, texts: Collection[SealedText], without_key: DecryptionState
    ) -> dict[SealedText, DecryptedText]:
        opened = await asyncio.gather(*(self._open(text, without_key) for text in texts))
        return dict(zip(texts, opened, strict=True))

    async def _open(self, of: SealedText, without_key: DecryptionState) -> DecryptedText:
        try:
            text = await self._keys.open(of.sealed, subject=of.subject, scope=of.scope, purpose=of.purpose)
        except DecryptionFailed:
            # Damaged, or another dialog's: one such text must not hide the page it stands on.
            log.error("text_unreadable", scope=of.scope, purpose=of.purpose)  # noqa: TRY400 - nothing of it to logs
            return DecryptedText(DecryptionState.UNREADABLE)
        return DecryptedText(without_key) if text is None else DecryptedText(DecryptionState.OPEN, text)
