"""The people of a support floor as HTTP clients: they use the public API and nothing else.

Every request carries ids of their own choosing, so people simply try again when a service is away.
"""

import asyncio
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx
from tenacity import AsyncRetrying, retry_if_exception_type, stop_after_delay, wait_random_exponential


class ServiceUnavailable(Exception):
    """A service is down, restarting or overloaded; nothing is known about the request."""


class NotYet(Exception):
    """What is waited for hasn't happened yet."""


@dataclass(frozen=True)
class ServiceUrls:
    """Where the three services listen, e.g. ``http://127.0.0.1:8001``."""

    chat: str
    rating: str
    analytics: str

    @classmethod
    def at(cls, port_base: int) -> "ServiceUrls":
        """The urls of a local run."""
        return cls(*(f"http://127.0.0.1:{port_base + offset}" for offset in range(3)))


class Caller:
    """One person's HTTP connection: a token, and how many seconds it waits for services."""

    def __init__(self, http: httpx.AsyncClient, token: str | None, within: float = 10.0) -> None:
        self._http = http
        self._headers = {"Authorization": f"Bearer {token}"} if token else {}
        self.within = within

    async def call(
        self, method: str, url: str, *, headers: Mapping[str, str] | None = None, **how: Any
    ) -> httpx.Response:
        """The first response that settles it: anything but 429, 502, 503, 504 or no response at all."""
        own = {**self._headers, **(headers or {})}

        async def once() -> httpx.Response:
            try:
                response = await self._http.request(method, url, headers=own, **how)
            except httpx.TransportError as error:
                raise ServiceUnavailable(f"{method} {url}: {error!r}") from error
            if response.status_code in {429, 502, 503, 504}:
                raise ServiceUnavailable(f"{method} {url}: {response.status_code} {response.text}")
            return response

        retrying = AsyncRetrying(
            retry=retry_if_exception_type(ServiceUnavailable),
            wait=wait_random_exponential(multiplier=0.05, max=1.0),
            stop=stop_after_delay(self.within),
            reraise=True,
        )
        return await retrying(once)

    async def do(self, method: str, url: str, **how: Any) -> Any:
        """The JSON of a successful response; else raises `httpx.HTTPStatusError` with the problem's text."""
        response = await self.call(method, url, **how)
        if response.is_error:
            told = f"{method} {url}: {response.status_code} {response.text}"
            raise httpx.HTTPStatusError(told, request=response.request, response=response)
        return response.json() if response.content else None


async def until(look: Callable[[], Any], within: float = 30.0) -> Any:
    """Looks until `look` no longer raises `NotYet`; raises the last one after `within` seconds."""
    retrying = AsyncRetrying(
        retry=retry_if_exception_type(NotYet),
        wait=wait_random_exponential(multiplier=0.05, max=0.5),
        stop=stop_after_delay(within),
        reraise=True,
    )

    async def once() -> Any:
        return await look()  # `look` may be a plain function that returns an awaitable

    return await retrying(once)


@dataclass
class Operator:
    """Takes dialogs, writes, closes them."""

    caller: Caller
    urls: ServiceUrls

    async def take(self, dialog: str) -> None:
        """Becomes the operator of a waiting dialog."""
        await self.caller.do("PUT", f"{self.urls.chat}/v1/dialogs/{dialog}/operator")

    async def post_message(self, dialog: str, message: str, text: str) -> None:
        """Writes a message with an id of the operator's choosing."""
        url = f"{self.urls.chat}/v1/dialogs/{dialog}/messages/{message}"
        await self.caller.do("PUT", url, json={"text": text})

    async def close(self, dialog: str, close_seq: int) -> Any:
        """Closes the dialog for the `close_seq`-th time; asking twice is asking once."""
        url = f"{self.urls.chat}/v1/dialogs/{dialog}/close"
        return await self.caller.do("POST", url, json={"close_seq": close_seq})


@dataclass
class Visitor:
    """A client in the widget: opens dialogs, writes, finds forms and answers them."""

    caller: Caller
    urls: ServiceUrls
    client: str
    _dialogs: str = field(default_factory=lambda: secrets.token_hex(6))

    @classmethod
    async def arrive(
        cls, http: httpx.AsyncClient, urls: ServiceUrls, channel: str, within: float = 10.0, **who: str
    ) -> "Visitor":
        """Gets a visitor token of a channel; `who` may hold locale, name and email."""
        url = f"{urls.chat}/v1/channels/{channel}/visitors"
        given = await Caller(http, None, within).do("POST", url, json=who)
        return cls(Caller(http, given["token"], within), urls, given["client"])

    def name_dialog(self) -> str:
        """A fresh dialog id."""
        return f"d-{self._dialogs}-{secrets.token_hex(4)}"

    async def open(self, dialog: str) -> None:
        """Opens a dialog."""
        await self.caller.do("PUT", f"{self.urls.chat}/v1/dialogs/{dialog}", json={})

    async def post_message(self, dialog: str, message: str, text: str) -> None:
        """Writes a message with an id of the client's choosing."""
        url = f"{self.urls.chat}/v1/dialogs/{dialog}/messages/{message}"
        await self.caller.do("PUT", url, json={"text": text})

    async def reopen(self, dialog: str, close_seq: int) -> None:
        """Undoes the close numbered `close_seq`."""
        url = f"{self.urls.chat}/v1/dialogs/{dialog}/reopen"
        await self.caller.do("POST", url, json={"close_seq": close_seq})

    async def form(self, dialog: str, close_seq: int, within: float = 30.0) -> dict[str, Any]:
        """The form of a close, as soon as it is offered."""

        async def look() -> dict[str, Any]:
            mine = await self.caller.do("GET", f"{self.urls.rating}/v1/forms/mine")
            for form in mine["forms"]:
                if (form["dialog"], form["close_seq"]) == (dialog, close_seq):
                    return dict(form)
            raise NotYet(f"no form for close {close_seq} of {dialog} yet")

        return dict(await until(look, within))

    async def answer(self, token: str, score: int, comment: str | None = None, **more: Any) -> httpx.Response:
        """Rates, with `more` such as tags; the response shows whether it came in time (200) or not (409)."""
        body: dict[str, Any] = {"token": token, "score": score, **more}
        if comment is not None:
            body["comment"] = comment
        return await self.caller.call("POST", f"{self.urls.rating}/v1/forms/answer", json=body)

    async def decline(self, token: str) -> httpx.Response:
        """Declines: "No, thanks"."""
        return await self.caller.call("POST", f"{self.urls.rating}/v1/forms/decline", json={"token": token})


@dataclass
class Supervisor:
    """Reads the numbers, and writes about closes."""

    caller: Caller
    urls: ServiceUrls

    async def read(self, what: str, **filters: Any) -> Any:
        """``summary``, ``reviews`` or ``reconcile``, filtered."""
        url = f"{self.urls.analytics}/v1/live-chat/{what}"
        return await self.caller.do("GET", url, params={k: v for k, v in filters.items() if v is not None})

    async def write(self, dialog: str, close_seq: int, what: str, value: Any, version: int) -> Any:
        """Writes a ``note``, ``status`` or ``score`` about a close, whose review was read at `version`."""
        path = f"closes/{dialog}/{close_seq}/review/{'own-score' if what == 'score' else what}"
        url, headers = f"{self.urls.analytics}/v1/live-chat/{path}", {"If-Match": f'"{version}"'}
        return await self.caller.do("PUT", url, json={what: value}, headers=headers)

    async def every_review(self, **filters: Any) -> list[dict[str, Any]]:
        """All reviews, page by page."""
        found: list[dict[str, Any]] = []
        cursor: str | None = None
        while True:
            page = await self.read("reviews", cursor=cursor, limit=200, **filters)
            found += page["reviews"]
            cursor = page["next_cursor"]
            if cursor is None:
                return found


async def at_once(limit: int, jobs: list[Callable[[], Any]]) -> None:
    """Runs all jobs, at most `limit` at a time; the first failure ends the rest and is raised."""
    free = asyncio.Semaphore(limit)

    async def one(job: Callable[[], Any]) -> None:
        async with free:
            await job()

    try:
        async with asyncio.TaskGroup() as group:
            for job in jobs:
                group.create_task(one(job))
    except BaseExceptionGroup as failures:
        raise failures.exceptions[0] from None
