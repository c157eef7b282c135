"""Live updates: streams of server-sent events that say that something has changed, never what it now is."""

import asyncio
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any, Final

import structlog
from fastapi import Request
from fastapi.responses import StreamingResponse
from fastapi.sse import KEEPALIVE_COMMENT, format_sse_event
from pydantic_core import to_json
from starlette.types import Receive, Scope, Send

from chassis.http.problems import Unavailable
from chassis.transient import is_transient
from contracts.access import Claims, Role

MOST_STREAMS: Final = 500
"""Of one process: half of the connections that its server takes, so that requests find one."""

FOR_STAFF: Final = 100
"""Of these. Anybody can be a visitor, and as many as they like: staff must find a place beside them."""

LONGEST_SECONDS: Final = 600.0
HEARTBEAT_SECONDS: Final = 15.0
POLL_SECONDS: Final = 5.0
LEAST_PAUSE_SECONDS: Final = 0.1
"""Between two looks of a stream, however often it is woken."""

RETRY_MS: Final = 2_000
"""After how long a client shall come back; it adds chance of its own."""

Look = Callable[[], Awaitable[Mapping[str, Any]]]
"""Gives the present positions: plain JSON, small, and never a text."""

log = structlog.stdlib.get_logger(__name__)


class LiveUpdates:
    """The streams of one process: how many are open, what wakes them, and their end with the service."""

    def __init__(
        self, *, most: int = MOST_STREAMS, for_staff: int = FOR_STAFF, poll_seconds: float = POLL_SECONDS
    ) -> None:
        self._most = most
        self._for_staff = for_staff
        self._poll_seconds = poll_seconds
        self._listening: dict[str, set[asyncio.Event]] = {}
        self._open: set[asyncio.Event] = set()
        self.ended = False

    @property
    def open(self) -> int:
        """How many streams there are now."""
        return len(self._open)

    @property
    def topics(self) -> Collection[str]:
        """What anybody listens to now."""
        return self._listening.keys()

    def wake(self, topics: Collection[str]) -> None:
        """Something about these has changed, and can be seen: whoever listens to one of them looks now."""
        for topic in topics:
            for woken in self._listening.get(topic, ()):
                woken.set()

    def end(self) -> None:
        """Ends all streams, for good: the service stops."""
        self.ended = True
        for woken in self._open:
            woken.set()

    def stream(self, request: Request, look: Look, topics: Collection[str]) -> "EventStream":
        """A response that tells what `look` gives: at once, and whenever it differs from what was told last.

        It looks when one of `topics` is woken, and every few seconds besides. It ends after ten minutes, or
        with the token of the request. Raises `Unavailable`, when it is sent, beyond the most streams.
        """
        claims: Claims = request.state.claims
        left = LONGEST_SECONDS if claims.exp is None else min(LONGEST_SECONDS, claims.exp - time.time())
        seconds = 0.0 if request.scope.get("head") else left
        most = self._most - (self._for_staff if Role.VISITOR in claims.roles else 0)
        return EventStream(self, look, frozenset(topics), most, self._poll_seconds, seconds)

    @contextmanager
    def listening(self, topics: Collection[str], most: int) -> Iterator[asyncio.Event]:
        """A place among the streams, and the event that is set whenever one of `topics` is woken.

        Clear it before looking: what happens during a look is then not missed. Raises `Unavailable` beyond
        `most`.
        """
        if self.ended or len(self._open) >= most:
            raise Unavailable
        woken = asyncio.Event()
        self._open.add(woken)
        for topic in topics:
            self._listening.setdefault(topic, set()).add(woken)
        try:
            yield woken
        finally:
            self._open.discard(woken)
            for topic in topics:
                self._listening[topic].discard(woken)
                if not self._listening[topic]:
                    del self._listening[topic]


class EventStream(StreamingResponse):
    """A response of `LiveUpdates.stream`, and the `response_class` of its route.

    FastAPI's own way, generators, takes three more tasks for each stream.
    """

    media_type = "text/event-stream"

    def __init__(
        self,
        live: LiveUpdates,
        look: Look,
        topics: frozenset[str],
        most: int,
        poll_seconds: float,
        seconds: float,
        status_code: int = 200,  # which FastAPI looks for here, for its document
    ) -> None:
        # The ingress passes on at once what says so; it keeps other responses until they are whole.
        super().__init__((), status_code, {"X-Accel-Buffering": "no"})
        self._live = live
        self._look = look
        self._topics = topics
        self._most = most
        self._poll_seconds = poll_seconds
        self._seconds = seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Sends events until the end, or until nobody is there any more."""
        with self._live.listening(self._topics, self._most) as woken:
            self.body_iterator = self._events(woken)
            await super().__call__(scope, receive, send)

    async def _events(self, woken: asyncio.Event) -> AsyncIterator[bytes]:
        now = asyncio.get_running_loop().time
        ends_at, beats_at = now() + self._seconds, now() + HEARTBEAT_SECONDS
        told: Mapping[str, Any] | None = None
        yield format_sse_event(retry=RETRY_MS)
        while now() < ends_at and not self._live.ended:
            woken.clear()
            looked_at = now()
            found = await self._looked()
            if found is not None and found != told:
                told, beats_at = found, now() + HEARTBEAT_SECONDS
                yield format_sse_event(data_str=to_json(found).decode())
            elif now() >= beats_at:
                beats_at = now() + HEARTBEAT_SECONDS
                yield KEEPALIVE_COMMENT
            with suppress(TimeoutError):
                async with asyncio.timeout_at(min(looked_at + self._polls_in(), beats_at, ends_at)):
                    await woken.wait()
                    await asyncio.sleep(looked_at + LEAST_PAUSE_SECONDS - now())

    def _polls_in(self) -> float:
        # By chance, so that streams that began together do not look together for ever.
        return self._poll_seconds * random.uniform(0.8, 1.2)  # noqa: S311 - no secret

    async def _looked(self) -> Mapping[str, Any] | None:
        try:
            return await self._look()
        except Exception as error:
            if not is_transient(error):
                raise
            log.warning("look_failed", error=type(error).__name__)
            return None
