"""What operators are told, and what chat keeps and measures, before and after each turn of the story."""

import asyncio
import json
import re
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from operator import attrgetter
from typing import Any, Final, NamedTuple

import httpx
from bson import encode
from prometheus_client.parser import text_string_to_metric_families
from pymongo import MongoClient

from contracts.topics import SERVICES
from deploy.demo.people import NotYet, ServiceUrls, until
from deploy.demo.support_floor import SupportFloor
from deploy.local.stack import METRICS, Stack, port_of
from deploy.local.tokens import token
from tests.blindness.matrix import METRICS_PORT, Request, Route, Told, filled, requests, routes
from tests.blindness.story import COLLEAGUE, LEAST, MOST, Story
from tests.serving import told

REQUEST_ID: Final = "operator-blindness"
UNKNOWN: Final = "unknown"
_OF_A_DIALOG: Final = re.compile(r"\{(dialog|channel)\}")

UNLIKE: Final = frozenset({"date"})
"""Headers that differ from one response to the next: by the clock. A request's id is the caller's own."""

RANDOM: Final[Mapping[str, Sequence[str]]] = {
    "chat: POST /v1/channels/{channel}/visitors": ("token", "client", "expires_at")
}
"""Fields that differ from one response to the next: each visitor is new. They are compared by length."""

BESIDE: Final[Mapping[str, str]] = {
    "leases": "the relay renews its lease every few seconds",
    "tombstones": "keys of clients that other tests erased, until Kafka has compacted them away",
}
"""Collections of chat that change by themselves."""

OWN_PACE: Final = re.compile(
    r"process_|python_|candor_erasures_pending|"  # memory, processor, garbage; see `BESIDE`
    r"candor_http_request_seconds.*/changes"  # counted when the service finds that a stream's reader has left
)
"""Metrics of chat that change by themselves."""

SOON: Final = timedelta(minutes=1)


class Call(NamedTuple):
    """One request of one token; `about` is the ending of the dialog that it names, if it names one."""

    route: Route
    query: str
    about: str
    who: str


class Response(NamedTuple):
    """What came back."""

    status: int
    headers: Mapping[str, str]
    body: bytes


Responses = Mapping[Call, Response]


@dataclass(frozen=True)
class Traces:
    """What chat keeps and measures: its documents by collection and id, the values of its metrics."""

    documents: Mapping[str, bytes]
    metrics: Mapping[str, float]


@dataclass(frozen=True)
class Observed:
    """All that was seen. `turns` are the traces before and after each turn of the story."""

    story: Story
    responses: Mapping[str, Responses]
    turns: Mapping[str, tuple[Traces, Traces]]
    changes: Sequence[Any]
    metrics: Mapping[str, str]
    logs: Mapping[str, str]
    pages: Mapping[str, str]


async def observe(stack: Stack) -> Observed:
    """Plays the story on the system, with operators who look at everything."""
    async with httpx.AsyncClient(timeout=30, trust_env=False) as http:
        floor = SupportFloor(http, ServiceUrls.at(stack.base), partial(token, stack.folder), within=20)
        story = await Story.begin(floor, stack)
        await _quiet(stack, http)
        # An AsyncClient takes five times as long for a request, and there are thousands.
        with httpx.Client(timeout=30, trust_env=False) as operators:
            walk = _Walk(stack, operators, story)
            responses, turns = {"offered": walk.responses()}, {}
            async with _stream(stack, http, story) as changes:
                for name, play in {"rated": story.rate, "settled": story.settle}.items():
                    await _quiet(stack, http)
                    before = await _traces(stack, http)
                    await play()
                    turns[name] = before, await _traces(stack, http)
                    responses[name] = await asyncio.to_thread(walk.responses)
                await story.opened.visitor.post_message(story.opened.dialog, "m3", "Are you there?")
                await until(partial(_reached, changes, story.opened.dialog, version=5))
            pages = walk.pages()
        metrics = {
            name: (await http.get(f"{_url(stack, name, METRICS_PORT)}/metrics")).text for name in SERVICES
        }
        logs = {name: process.log.read_text() for name, process in stack.services.items()}
        return Observed(story, responses, turns, changes, metrics, logs, pages)


class _Walk:
    """All operators ask for everything, one request after the other."""

    def __init__(self, stack: Stack, http: httpx.Client, story: Story) -> None:
        self._stack = stack
        self._http = http
        self._story = story
        pages = {"chat": "console", "rating": "form", "analytics": "live-chat"}
        html = {name: http.get(f"{_url(stack, name)}/{page}").text for name, page in pages.items()}
        self._assets = {name: _loaded(text)[0].rpartition("/")[2] for name, text in html.items()}

    def responses(self) -> Responses:
        """What each of them is told by each route."""
        found = {}
        for route in filter(attrgetter("told"), routes()):
            for names in self._names(route):
                for request in requests(route):
                    for who, bearer in self._askers(route, names["ending"]).items():
                        call = Call(route, request.query, names["ending"], who)
                        found[call] = self._ask(route, request, names, bearer)
        return found

    def _names(self, route: Route) -> Iterator[Mapping[str, str]]:
        """What the names in its path are, for each dialog that it is asked for; the ending of none is ""."""
        story = self._story
        other = {"form": story.form, "mark": story.mark, "webhook": story.webhook, "version": "1"}
        other["name"] = self._assets[route.service]
        first, *rest = self._story.closed.values()
        yield {**first.names, **other, "ending": first.ending if _OF_A_DIALOG.search(route.path) else ""}
        if route.told is Told.WHAT_CHAT_KNOWS and _OF_A_DIALOG.search(route.path):
            yield from ({**each.names, **other, "ending": each.ending} for each in rest)
        if route.told is Told.NOTHING:
            yield {**dict.fromkeys({**first.names, **other}, UNKNOWN), "close_seq": "1", "ending": UNKNOWN}

    def _askers(self, route: Route, ending: str) -> Mapping[str, str]:
        """Tokens by their names: all for the dialog that is rated, those of least and most for others."""
        tokens = self._story.tokens
        if route.told is Told.WHAT_ANYBODY_IS:
            return {"nobody": "", "operator": tokens["operator"]}
        return tokens if ending in {"", "rated"} else {who: tokens[who] for who in (LEAST, MOST, COLLEAGUE)}

    def _ask(self, route: Route, request: Request, names: Mapping[str, str], bearer: str) -> Response:
        url = _url(self._stack, route.service, route.port) + filled(route.path + request.query, names)
        headers = {"X-Request-ID": REQUEST_ID, **request.headers}
        if bearer:
            headers["Authorization"] = f"Bearer {bearer}"
        sent = {} if request.body is None else {"json": filled(request.body, names)}
        with self._http.stream(route.method, url, headers=headers, **sent) as response:
            if response.headers.get("content-type", "").startswith("text/event-stream"):
                body = next(line for line in response.iter_lines() if line.startswith("data: ")).encode()
            else:
                body = response.read()
        if str(route) in RANDOM and response.is_success:
            found = json.loads(body)
            body = json.dumps({**found, **{name: len(found[name]) for name in RANDOM[str(route)]}}).encode()
        told = {name: value for name, value in response.headers.items() if name not in UNLIKE}
        return Response(response.status_code, told, body)

    def pages(self) -> Mapping[str, str]:
        """Chat's pages that operators are let into, with all that these load, by address."""
        found: dict[str, str] = {}
        wanted = ["/console", "/transcript"]
        while wanted:
            address = wanted.pop()
            if address not in found:
                response = self._http.get(_url(self._stack, "chat") + address)
                found[address] = response.raise_for_status().text
                wanted += _loaded(response.text)
        return found


def _loaded(text: str) -> list[str]:
    """The addresses of what a page or a module loads, also when it is used."""
    return [f"/pages/chat/assets/{name}" for name in re.findall(r"[\w-]+\.(?:js|css)\b", text)]


@asynccontextmanager
async def _stream(stack: Stack, http: httpx.AsyncClient, story: Story) -> AsyncIterator[list[Any]]:
    """What the operator's stream of changes tells while the context lasts."""
    found: list[Any] = []
    url = f"{_url(stack, 'chat')}/v1/changes"
    headers = {"Authorization": f"Bearer {story.tokens['operator']}"}

    async def listen() -> None:
        async with http.stream("GET", url, headers=headers) as response:
            async for event in told(response):
                found.append(event)  # noqa: PERF401 - each is seen when it comes

    listening = asyncio.create_task(listen())
    try:
        await until(partial(_reached, found, story.opened.dialog, version=4))
        yield found
    finally:
        listening.cancel()
        await asyncio.wait([listening])


async def _reached(found: Sequence[Any], dialog: str, version: int) -> None:
    if not found or found[-1]["dialogs"].get(dialog) != version:
        raise NotYet(f"version {version} of {dialog}: {found}")


async def _quiet(stack: Stack, http: httpx.AsyncClient) -> None:
    """Waits until chat has nothing to do, and will have nothing soon."""
    await until(partial(_idle, stack, http), 2 * SOON.total_seconds())


async def _idle(stack: Stack, http: httpx.AsyncClient) -> None:
    measured = await _measured(stack, http)
    if any(measured.get(f"candor_outbox_{what} chat", True) for what in ("backlog", "age_seconds")):
        raise NotYet("chat is still relaying, as it measures it")
    with MongoClient[dict[str, Any]](stack.addresses.mongo) as client:
        database = client["candor_chat"]
        soon = datetime.now(UTC) + SOON  # another test may have reopened a dialog in silence
        if database["commits"].count_documents({"relayed": False}):
            raise NotYet("chat has commits to relay")
        if database["dialogs"].count_documents({"due_at": {"$lt": soon}}):
            raise NotYet("chat will close a dialog that was reopened in silence")


async def _traces(stack: Stack, http: httpx.AsyncClient) -> Traces:
    documents = {}
    with MongoClient[dict[str, Any]](stack.addresses.mongo) as client:
        database = client["candor_chat"]
        for name in sorted(set(database.list_collection_names()) - BESIDE.keys()):
            for document in database[name].find():
                documents[f"{name} {document['_id']}"] = encode(document)
    return Traces(documents, await _measured(stack, http))


async def _measured(stack: Stack, http: httpx.AsyncClient) -> Mapping[str, float]:
    text = (await http.get(f"{_url(stack, 'chat', METRICS_PORT)}/metrics")).text
    samples = [each for family in text_string_to_metric_families(text) for each in family.samples]
    found = {" ".join((each.name, *each.labels.values())): each.value for each in samples}
    return {name: value for name, value in found.items() if not OWN_PACE.match(name)}


def _url(stack: Stack, service: str, port: str = "api") -> str:
    return f"http://127.0.0.1:{port_of(service, stack.base) + (METRICS if port == METRICS_PORT else 0)}"
