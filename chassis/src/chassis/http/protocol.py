"""HTTP/1.1 as uvicorn speaks it, with limits on what no limit of a body's bytes sees."""

from typing import Any, Final

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

MOST_PIECES: Final = 1024
"""Of a body. A piece is what one chunk and one read from the socket have in common: one of a byte costs the
event loop as much as one of a kilobyte."""

MOST_BESIDE_THE_BODY: Final = 128 * 1024
"""Bytes of a request that are none of its body: its head, the frames of chunks, trailers. With each read from
the socket the parser copies what it has of a header."""


class HttpProtocol(HttpToolsProtocol):
    """Beyond the limits the response is uvicorn's to all that is no HTTP: 400, and the connection is closed.

    Trailers are dropped: they never count as headers (RFC 9110, 6.5.1).
    """

    _beside_the_body = 0
    _running: RequestResponseCycle | None = None

    def data_received(self, data: bytes) -> None:
        """Of each read from the socket."""
        self._beside_the_body += len(data)
        super().data_received(data)
        if self._beside_the_body > MOST_BESIDE_THE_BODY and not self.transport.is_closing():
            self.send_400_response("Invalid HTTP request received.")

    def on_message_begin(self) -> None:
        """Of each request."""
        super().on_message_begin()
        self._pieces, self._in_head = 0, True

    def on_header(self, name: bytes, value: bytes) -> None:
        """Of each header, and of each trailer."""
        if self._in_head:
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """Of each head."""
        self._in_head = False
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """Of each piece. What it raises the parser hands to uvicorn as its own error."""
        self._pieces += 1
        if self._pieces > MOST_PIECES:
            raise OverflowError(f"a body in more than {MOST_PIECES} pieces")
        self._beside_the_body = max(0, self._beside_the_body - len(body))
        super().on_body(body)

    def on_message_complete(self) -> None:
        """Of each request."""
        self._beside_the_body = 0
        super().on_message_complete()

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        self._running = cycle
        super()._start_asgi_task(cycle, app)

    def _unsupported_upgrade_warning(self) -> None:
        """An offer of another protocol is passed over (RFC 9110, 7.8), and no reason to install anything."""

    def connection_lost(self, exc: Exception | None) -> None:
        """Uvicorn tells only the last request of a connection, which need not be the one in work."""
        super().connection_lost(exc)
        if self._running is not None:
            self._running.disconnected = True
            self._running.message_event.set()
