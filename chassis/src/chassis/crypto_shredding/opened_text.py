"""A sealed text as it is shown to who may read it: open, erased, or unreadable."""

from enum import StrEnum
from typing import Protocol, Self

import structlog
from pydantic import BaseModel, Field

from chassis.errors import DecryptionFailed

log = structlog.stdlib.get_logger(__name__)


class TextState(StrEnum):
    """Whether a sealed text can be read by the service that sealed it."""

    OPEN = "open"
    ERASED = "erased"
    UNREADABLE = "unreadable"


class OpensText(Protocol):
    """Has the keys: a key ring, or who receives them."""

    async def open(self, sealed: str, *, subject: str, scope: str, purpose: str) -> str | None:
        """The text; None without its key, such as an erased one. Raises `DecryptionFailed`."""
        ...


class OpenedText(BaseModel):
    """A text that was sealed: open, erased with whom it is of, or damaged."""

    state: TextState = Field(
        description="`unreadable`: damaged, or its key is wrapped by a master key that was taken out."
    )
    text: str | None = Field(description="The text, if it is open.", examples=["Quick and kind."])

    @classmethod
    async def of(cls, keys: OpensText, sealed: str, *, subject: str, scope: str, purpose: str) -> Self:
        """What `sealed` reads now; one that can't be opened doesn't hide the page that it stands on."""
        try:
            text = await keys.open(sealed, subject=subject, scope=scope, purpose=purpose)
        except DecryptionFailed:
            log.error("text_unreadable", scope=scope, purpose=purpose)  # noqa: TRY400 - nothing of it to logs
            return cls(state=TextState.UNREADABLE, text=None)
        return cls(state=TextState.ERASED if text is None else TextState.OPEN, text=text)
