"""Bodies end: at 256 KiB, and within 20 seconds, however they are sent."""

import asyncio
from dataclasses import dataclass

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

LARGEST_BODY = 256 * 1024
SLOWEST_BODY = 20.0


class BodyLimit:
    """Refuses bodies that are too large (413) or too slow (408), also those sent in chunks."""

    def __init__(self, app: ASGIApp, largest: int = LARGEST_BODY, slowest: float = SLOWEST_BODY) -> None:
        self.app = app
        self.largest = largest
        self.slowest = slowest

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        deadline = asyncio.get_running_loop().time() + self.slowest
        body = _Body(receive, self.largest, deadline, _announced(scope))
        await self.app(scope, body.receive, send)


@dataclass
class _Body:
    """Raises HTTPException inside of whoever reads: the one error that FastAPI passes on while it reads."""

    source: Receive
    largest: int
    deadline: float
    size: int
    got: int = 0
    ended: bool = False

    async def receive(self) -> Message:
        if self.ended:
            return await self.source()
        if self.size > self.largest:
            raise self._too_large()
        message = await self._in_time()
        self.got += len(message.get("body", b""))
        self.ended = not message.get("more_body", False)
        if self.got > self.largest:
            raise self._too_large()
        return message

    async def _in_time(self) -> Message:
        try:
            async with asyncio.timeout_at(self.deadline):
                return await self.source()
        except TimeoutError:
            raise HTTPException(408, "The body took too long.", {"Connection": "close"}) from None

    def _too_large(self) -> HTTPException:
        # The rest of the body is not read, so the connection can't be used again.
        sentence = f"The body may be {self.largest // 1024} KiB at most."
        return HTTPException(413, sentence, {"Connection": "close"})


def _announced(scope: Scope) -> int:
    lengths = [value for name, value in scope["headers"] if name == b"content-length"]
    return max((int(value) for value in lengths if value.isdigit()), default=0)
