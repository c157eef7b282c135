"""Who wants no mails of a channel any more, and the links by which they say so."""

import hmac
from datetime import datetime
from typing import Any, Final, NamedTuple

from motor.motor_asyncio import AsyncIOMotorDatabase
from pymongo import ASCENDING

from chassis.crypto_shredding import KeyRing
from chassis.errors import CommandRejected
from chassis.mongo import durable
from rating.domain.rejections import Rejection

LINK: Final = "unsubscribe:"
"""What is signed for a link begins with it; no address does, which has an @ before any colon."""
PURPOSE: Final = "opt-out"


class Recipient(NamedTuple):
    """Somebody who gets mails of a channel, by the fingerprint of their address there."""

    channel: str
    fingerprint: str


class OptOuts:
    """The collection `opt_outs`: {_id: channel and fingerprint, channel, opted_out_at}.

    A fingerprint is an HMAC of the address with a key of the channel, one of `keys`: it can't be computed
    without it, tells nothing of the address, and is the same whatever is rotated. Links are signed with the
    same key, and so never go stale.
    """

    def __init__(self, database: AsyncIOMotorDatabase[dict[str, Any]], keys: KeyRing) -> None:
        self._opt_outs = durable(database, "opt_outs")
        self._keys = keys

    async def prepare(self) -> None:
        """Makes the index; can be repeated."""
        await self._opt_outs.create_index([("channel", ASCENDING)])

    async def recipient(self, channel: str, address: str) -> Recipient:
        """Who gets mails of the channel at this address, however it is written."""
        normalized = address.casefold()
        if (found := await self._signed(channel, normalized)) is None:
            await self._keys.seal("", **_whose(channel), purpose=PURPOSE)  # makes the channel's key
            found = await self._signed(channel, normalized)
        return Recipient(channel, str(found))

    async def token(self, recipient: Recipient) -> str:
        """What their links hold: ``<channel>.<fingerprint>.<signature>``, always the same."""
        return ".".join(
            [*recipient, str(await self._signed(recipient.channel, LINK + recipient.fingerprint))]
        )

    async def read(self, token: str) -> Recipient:
        """Whose link it is. Raises `CommandRejected` if this service has not made it."""
        match token.split("."):
            case [channel, fingerprint, signature]:
                expected = await self._signed(channel, LINK + fingerprint)
                if expected is not None and hmac.compare_digest(expected.encode(), signature.encode()):
                    return Recipient(channel, fingerprint)
        raise CommandRejected(Rejection.NO_SUCH_LINK)

    async def remember(self, recipient: Recipient, now: datetime) -> None:
        """They get no mails of the channel any more; can be repeated."""
        since = {"$setOnInsert": {"channel": recipient.channel, "opted_out_at": now}}
        await self._opt_outs.update_one({"_id": _id(recipient)}, since, upsert=True)

    async def has(self, recipient: Recipient) -> bool:
        """Whether they have opted out."""
        return await self._opt_outs.find_one({"_id": _id(recipient)}, {"_id": 1}) is not None

    async def any_in(self, channel: str) -> bool:
        """Whether anybody has, in this channel."""
        return await self._opt_outs.find_one({"channel": channel}, {"_id": 1}) is not None

    async def _signed(self, channel: str, text: str) -> str | None:
        return await self._keys.fingerprint(text, **_whose(channel))


def _whose(channel: str) -> dict[str, str]:
    # No client and no dialog has a colon in its id.
    return {"subject": f"channel:{channel}", "scope": f"opt-outs:{channel}"}


def _id(recipient: Recipient) -> str:
    return ":".join(recipient)
