"""Text in documents that expire: sealed without a key of its own, which would have to be deleted as well.

It opens as long as there is a copy of it: nothing for events, logs or messages.
"""

import hmac
from collections.abc import Sequence
from typing import Self

from chassis.crypto_shredding import jwe
from chassis.crypto_shredding.settings import SealingSettings
from chassis.settings import key_bytes


class TemporarySeal:
    """Seals with a key made from the service's master key (HMAC-SHA-256); opens also with those `before`."""

    def __init__(self, master_key: bytes, before: Sequence[bytes] = ()) -> None:
        self._kid = jwe.short_hash(master_key)
        self._keys = {
            jwe.short_hash(key): hmac.digest(key, b"candor temporary", "sha256")
            for key in (master_key, *before)
        }

    @classmethod
    def of(cls, settings: SealingSettings) -> Self:
        """The seal that `settings` describe."""
        return cls(key_bytes(settings.master_key), [key_bytes(key) for key in settings.master_keys_before])

    def seal(self, text: str, *, subject: str, purpose: str) -> str:
        """`text` sealed, to be opened for the same data subject and purpose."""
        return jwe.seal(text.encode(), self._keys[self._kid], self._kid, _context(subject, purpose))

    def open(self, sealed: str, *, subject: str, purpose: str) -> str | None:
        """The text; None if it was sealed under a master key that is gone. Raises `DecryptionFailed`."""
        context = _context(subject, purpose)
        key = self._keys.get(jwe.kid_of(sealed, context))
        return jwe.unseal(sealed, key, context).decode() if key else None


def _context(subject: str, purpose: str) -> jwe.Context:
    return jwe.Context(subject, "temporary", purpose)
