"""Whether anything in an operator's browser hints at what comes after a dialog: words, addresses, bodies."""

import base64
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx
from playwright.async_api import CDPSession, Error, Page, Request

# Words of what comes after a dialog, as words: an "operating" or a "narrating" holds one, too.
HINTS = re.compile(
    r"(?<![a-z])ratings?(?![a-z])|(?<![a-z])rate[sd]?\b|analytics|live[-_ ]?chat|quality|(?<![a-z])score"
    r"|csat|survey|satisf|feedback|оцен|качеств|опрос|удовлетвор|qualité|enquête|évaluation"
    r"|/forms?\b|form[-_ ]?(?:tokens?|urls?|links?|ids?)\b|questionnaire|(?<![a-z])(?:un)?rated\b"
    r"|(?<![a-z])reviews?(?![a-z])|not[-_ ]?offered|(?<![a-z])expiry(?![a-z])|отзыв",
    re.IGNORECASE,
)
LOADED = re.compile(r"""["'`](?:\./|/pages/chat/)?(?:assets/)?([\w./-]+\.(?:js|css))["'`]""")
STREAM = "text/event-stream"


def hints(texts: Mapping[str, str], *more: str) -> list[str]:
    """Sentences for all hints in `texts`, by where they stand; `more` is looked for as well."""
    found = [
        f"{where}: …{around(text, match)}…" for where, text in texts.items() for match in HINTS.finditer(text)
    ]
    return found + [f"{where}: {each}" for where, text in texts.items() for each in more if each in text]


def around(text: str, match: re.Match[str]) -> str:
    """The match with what stands beside it."""
    return text[max(0, match.start() - 40) : match.end() + 40]


async def everything_loaded(http: httpx.AsyncClient, chat: str) -> Mapping[str, str]:
    """The console's HTML with its headers, and all that it loads or may load, by their addresses."""
    first = await http.get(f"{chat}/console")
    loaded = {"/console": f"{first.headers} {first.text}"}
    wanted = set(LOADED.findall(first.text))
    while wanted:
        name = Path(wanted.pop()).name
        address = f"/pages/chat/assets/{name}"
        if address in loaded:
            continue
        response = await http.get(chat + address)
        assert response.status_code == 200, address
        loaded[address] = f"{name} {response.text}"
        wanted |= set(LOADED.findall(response.text))
    return loaded


class NetworkLog:
    """All that goes to and from a page, from `follow` on: requests, responses, and streams as they come."""

    def __init__(self, page: Page) -> None:
        self._page = page
        self._requests: list[Request] = []
        self._streamed = bytearray()

    async def follow(self) -> None:
        """Keeps what is sent and received."""
        self._page.context.on("request", self._requested)
        protocol = await self._page.context.new_cdp_session(self._page)

        async def answered(event: Any) -> None:
            if event["response"]["mimeType"] == STREAM:
                await self._keep_stream(protocol, event["requestId"])

        protocol.on("Network.responseReceived", answered)
        protocol.on("Network.dataReceived", lambda event: self._keep(event.get("data", "")))
        await protocol.send("Network.enable")

    def _requested(self, request: Request) -> None:
        self._requests.append(request)

    async def texts(self) -> Mapping[str, str]:
        """Requests with their responses, each by number and address, and what the streams brought."""
        told = [(f"{at} {each.url}", await self._told(each)) for at, each in enumerate(self._requests)]
        return {**dict(told), "the streams": self._streamed.decode()}

    async def _told(self, request: Request) -> str:
        # A token in the page's own address is the operator's.
        address = request.url.partition("#")[0]
        return f"{request.method} {address} {request.post_data or ''} {await self._answer(request)}"

    async def _answer(self, request: Request) -> str:
        if request.failure:
            return request.failure
        response = await request.response()
        if response is None:
            return ""
        kind = response.headers.get("content-type", "")
        body = "" if kind.startswith(STREAM) else await response.text()
        return f"{response.headers} {body}"

    async def _keep_stream(self, protocol: CDPSession, request: str) -> None:
        try:
            before = await protocol.send("Network.streamResourceContent", {"requestId": request})
        except Error:
            return  # It has ended, before it brought anything.
        self._keep(before["bufferedData"])

    def _keep(self, data: str) -> None:
        self._streamed += base64.b64decode(data)
