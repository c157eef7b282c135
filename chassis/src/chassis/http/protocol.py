"""HTTP/1.1 as uvicorn speaks it, with a limit on the pieces in which a body comes."""

from typing import Final

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

MOST_PIECES: Final = 1024


class HttpProtocol(HttpToolsProtocol):
    """A piece of one byte costs the event loop as much as one of a kilobyte, and no limit of bytes sees it.

    A piece is what one chunk and one read from the socket have in common. Beyond the limit the response is
    uvicorn's to all that is no HTTP: 400 in plain text, and the connection is closed.
    """

    def on_message_begin(self) -> None:
        """Of each request."""
        super().on_message_begin()
        self._pieces = 0

    def on_body(self, body: bytes) -> None:
        """Of each piece. What it raises the parser hands to uvicorn as its own error."""
        self._pieces += 1
        if self._pieces > MOST_PIECES:
            raise OverflowError(f"a body in more than {MOST_PIECES} pieces")
        super().on_body(body)
