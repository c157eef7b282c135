"""What did clients write? Opens sealed texts for one response; opened texts are never stored."""

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple, Protocol

import structlog

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


class OpensTexts(Protocol):
    """Has the keys that were received."""

    async def open_all(self, texts: Sequence[SealedText]) -> list[str | DecryptionFailed | None]:
        """Each text in its place: None without its key, `DecryptionFailed` if it is damaged or another's."""
        ...


class Decryptor:
    """Opens sealed texts, and distinguishes erased ones from those whose key is still to be received."""

    def __init__(self, keys: OpensTexts, read_to_end: Callable[[], Awaitable[bool]]) -> None:
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

    async def readable(self, texts: Sequence[SealedText]) -> list[str | None]:
        """Each text that can be read now, in its place; None for those that can't, whatever the cause."""
        return [text if isinstance(text, str) else None for text in await self._keys.open_all(texts)]

    async def _open_all(
        self, texts: Collection[SealedText], without_key: DecryptionState
    ) -> dict[SealedText, DecryptedText]:
        given = list(texts)
        opened = await self._keys.open_all(given)
        return {of: decrypted(of, text, without_key) for of, text in zip(given, opened, strict=True)}


def decrypted(
    of: SealedText, text: str | DecryptionFailed | None, without_key: DecryptionState
) -> DecryptedText:
    """What became of a text; one that is damaged, or another dialog's, must not hide its page."""
    match text:
        case DecryptionFailed():
            log.error("text_unreadable", scope=of.scope, purpose=of.purpose)
            return DecryptedText(DecryptionState.UNREADABLE)
        case None:
            return DecryptedText(without_key)
    return DecryptedText(DecryptionState.OPEN, text)
