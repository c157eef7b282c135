"""Text of one purpose, sealed and opened."""

import json
from base64 import urlsafe_b64decode
from collections.abc import Mapping
from typing import Any

from motor.motor_asyncio import AsyncIOMotorClientSession

from chassis.crypto_shredding import KeyReader, PrivateKeyRing
from chassis.kafka.table_checkpoints import Scan
from contracts.keys import KeyPublished

PURPOSE = "message"


async def seal(ring: PrivateKeyRing, scope: str, subject: str, text: str) -> str:
    """`text`, sealed."""
    return await ring.seal(text, subject=subject, scope=scope, purpose=PURPOSE)


async def opened(keys: PrivateKeyRing | KeyReader, scope: str, subject: str, sealed: str) -> str | None:
    """The text in `sealed`, None without its key."""
    return await keys.open(sealed, subject=subject, scope=scope, purpose=PURPOSE)


async def fingerprint(ring: PrivateKeyRing, scope: str, subject: str, text: str) -> str | None:
    """What tells whether two texts are the same."""
    return await ring.fingerprint(text, subject=subject, scope=scope)


def kid_in(sealed: str) -> Any:
    """The id of the key that opens it."""
    header = sealed.partition(".")[0]
    return json.loads(urlsafe_b64decode(header + "=" * (-len(header) % 4)))["kid"]


async def receive(
    reader: KeyReader, records: Mapping[str, KeyPublished | None], scan: Scan = Scan("keys:0", "s1")
) -> None:
    """Applies the records, with nothing else in the transaction."""

    async def nothing(_: AsyncIOMotorClientSession) -> None:
        return

    await reader.apply(records, scan, nothing)
