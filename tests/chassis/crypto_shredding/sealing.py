"""Text of one purpose, sealed and opened."""

import json
from base64 import urlsafe_b64decode
from typing import Any

from chassis.crypto_shredding import KeyReader, KeyRing

PURPOSE = "message"


async def seal(ring: KeyRing, scope: str, subject: str, text: str) -> str:
    """`text`, sealed."""
    return await ring.seal(text, subject=subject, scope=scope, purpose=PURPOSE)


async def opened(keys: KeyRing | KeyReader, scope: str, subject: str, sealed: str) -> str | None:
    """The text in `sealed`, None without its key."""
    return await keys.open(sealed, subject=subject, scope=scope, purpose=PURPOSE)


async def fingerprint(ring: KeyRing, scope: str, subject: str, text: str) -> str | None:
    """What tells whether two texts are the same."""
    return await ring.fingerprint(text, subject=subject, scope=scope)


def kid_in(sealed: str) -> Any:
    """The id of the key that opens it."""
    header = sealed.partition(".")[0]
    return json.loads(urlsafe_b64decode(header + "=" * (-len(header) % 4)))["kid"]
