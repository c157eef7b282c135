"""What went wrong in the pages of a test without the test having asked."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

from playwright.async_api import BrowserContext, ConsoleMessage, Request, WebError

HERE = ("127.0.0.1", "localhost")
LOCAL_SCHEMES = ("data", "blob", "about", "chrome-error")
DISCONNECTED = re.compile("net::ERR_INTERNET_DISCONNECTED")


class Findings:
    """Uncaught errors, console errors (violations of a CSP among them), requests that leave this machine.

    `errors` says in sentences what came unexpected, and what was expected and didn't come.
    """

    def __init__(self) -> None:
        self._found: list[str] = []
        self._tolerated: list[re.Pattern[str]] = []
        self._expected: list[re.Pattern[str]] = []

    def watch(self, context: BrowserContext) -> None:
        """Collect what happens in all pages and frames of `context`."""
        context.on("weberror", self._on_error)
        context.on("console", self._on_console)
        context.on("request", self._on_request)

    def expect(self, pattern: str) -> None:
        """Findings that match are none; one has to come in the course of the test."""
        self._expected.append(re.compile(pattern))

    def tolerate(self, pattern: str) -> None:
        """Findings that match are none, whether or not one comes."""
        self._tolerated.append(re.compile(pattern))

    @asynccontextmanager
    async def offline(self, context: BrowserContext) -> AsyncIterator[None]:
        """The context has no network within; requests that fail by it are no finding."""
        self._tolerated.append(DISCONNECTED)
        await context.set_offline(offline=True)
        try:
            yield
        finally:
            await context.set_offline(offline=False)

    @property
    def errors(self) -> list[str]:
        """Empty if all is well."""
        unexpected = [each for each in self._found if not any(known.search(each) for known in self._known)]
        missing = [each.pattern for each in self._expected if not any(map(each.search, self._found))]
        return [*unexpected, *(f"expected and not seen: {pattern}" for pattern in missing)]

    @property
    def _known(self) -> list[re.Pattern[str]]:
        return [*self._expected, *self._tolerated]

    def _on_error(self, error: WebError) -> None:
        where = error.page.url if error.page else "a worker"
        self._found.append(f"uncaught in {where}: {error.error}")

    def _on_console(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self._found.append(f"console of {message.location['url']}: {message.text}")

    def _on_request(self, request: Request) -> None:
        address = urlsplit(request.url)
        if address.scheme not in LOCAL_SCHEMES and address.hostname not in HERE:
            self._found.append(f"request to a third party: {request.method} {request.url}")
