"""Connections end: whoever sends no whole request in time, or reads no answer, makes room for others."""

import asyncio
from collections.abc import Callable
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from chassis.http.problems import problem_response

HEAD_WITHIN = 10.0
NEXT_HEAD_WITHIN = 20.0
READ_WITHIN = 20.0
MOST_CONNECTIONS = 800


class _Strict(h11.Connection):
    """Tells of each whole head; refuses one that gives its body two lengths (RFC 9112, 6.1)."""

    def __init__(self, largest_head: int, heard: Callable[[], None]) -> None:
        super().__init__(h11.SERVER, largest_head)
        self._heard = heard

    def next_event(self) -> Any:
        """As h11 has it."""
        event = super().next_event()
        if isinstance(event, h11.Request):
            if {b"content-length", b"transfer-encoding"} <= {name for name, _ in event.headers}:
                raise h11.RemoteProtocolError("Content-Length together with Transfer-Encoding")
            self._heard()
        return event


class Connection(H11Protocol):
    """HTTP/1.1 of uvicorn with deadlines that no single byte puts off.

    A whole head must be here 10 s after connecting, and 20 s after an answer; an answer must be read on
    within 20 s. Beyond 800 connections, the one that has kept us waiting longest for its request goes.
    """

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        self.conn = _Strict(self.config.h11_max_incomplete_event_size or 16 * 1024, self._in_time)
        self.since = self.loop.time()
        self._deadline: asyncio.TimerHandle | None = None
        self._unread: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """The first head is waited for."""
        super().connection_made(transport)
        self._wait(HEAD_WITHIN)
        if len(self.connections) > MOST_CONNECTIONS:
            self._make_room()

    def on_response_complete(self) -> None:
        """The next head is waited for; it may be here already."""
        self._wait(NEXT_HEAD_WITHIN)
        super().on_response_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        """Nothing is waited for any more."""
        self._in_time()
        self._read_on()
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        """The caller doesn't read."""
        super().pause_writing()
        self._unread = self.loop.call_later(READ_WITHIN, self.end)

    def resume_writing(self) -> None:
        """The caller reads again."""
        self._read_on()
        super().resume_writing()

    def send_400_response(self, msg: str) -> None:
        """What isn't HTTP is answered with a problem, unless an answer is under way."""
        if self.conn.our_state not in (h11.IDLE, h11.SEND_RESPONSE):
            self.end()
            return
        problem = problem_response(400, msg, "unknown", {"Connection": "close"})
        head = h11.Response(status_code=400, headers=problem.raw_headers, reason=b"Bad Request")
        for event in (head, h11.Data(data=bytes(problem.body)), h11.EndOfMessage()):
            self.transport.write(self.conn.send(event) or b"")
        self.transport.close()

    def _make_room(self) -> None:
        all_of_them = (each for each in self.connections if isinstance(each, Connection))
        waiting = [each for each in all_of_them if each.waits]
        if waiting:
            min(waiting, key=lambda each: each.since).end()

    @property
    def waits(self) -> bool:
        """Whether its request isn't here yet, or not all of it."""
        return self.conn.their_state in (h11.IDLE, h11.SEND_BODY) and not self.transport.is_closing()

    def end(self) -> None:
        """Cuts it off; close() would wait until the caller has read everything, for ever if they don't."""
        self.transport.abort()

    def _wait(self, seconds: float) -> None:
        self._in_time()
        self.since = self.loop.time()
        self._deadline = self.loop.call_later(seconds, self.end)

    def _in_time(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _read_on(self) -> None:
        if self._unread is not None:
            self._unread.cancel()
            self._unread = None
