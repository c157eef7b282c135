"""Whoever takes over a partition ends the transaction that its owner of before may have left open."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

from motor.motor_asyncio import AsyncIOMotorClientSession, AsyncIOMotorCollection

from chassis.mongo import transaction


class Fencing:
    """One session for all of a member's transactions; the checkpoints of its partitions name it.

    MongoDB keeps the transaction of a member that was killed, and all that it wrote locked, for
    `transactionLifetimeLimitSeconds`: for a minute, by default, nobody else could go on. All methods raise
    PyMongoError.
    """

    def __init__(self, checkpoints: AsyncIOMotorCollection[dict[str, Any]]) -> None:
        self._checkpoints = checkpoints
        self._client = checkpoints.database.client
        self._session: AsyncIOMotorClientSession | None = None
        self._lock = asyncio.Lock()

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[AsyncIOMotorClientSession]:
        """A transaction: committed at the end, undone by whatever is raised; the next one waits for it."""
        async with self._lock:
            session = await self._own()
            async with transaction(session):
                yield session

    async def fence_previous_owner(self, ids: Sequence[str]) -> None:
        """Ends what others have open who had these checkpoints, and puts the own session's name there.

        Somebody who still works meets an interruption, and then the compare-and-set of the checkpoint.
        """
        own = (await self._own()).delegate.session_id["id"]
        theirs = {"_id": {"$in": ids}, "session": {"$exists": True, "$ne": own}}
        if others := await self._checkpoints.distinct("session", theirs):
            # Everybody may end sessions of their own user; others' would need a privilege.
            await self._client.admin.command("killSessions", [{"id": other} for other in others])
        await self._checkpoints.update_many({"_id": {"$in": ids}}, {"$set": {"session": own}})

    async def end(self) -> None:
        """Gives the session back."""
        if self._session is not None:
            await self._session.end_session()
            self._session = None

    async def _own(self) -> AsyncIOMotorClientSession:
        if self._session is None:
            self._session = await self._client.start_session()
        return self._session
