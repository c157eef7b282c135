"""What asks for nothing but the request is resolved without FastAPI, and nobody sees a difference."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Annotated, Any

import httpx
import pytest
from fastapi import Depends, Header, Request, Response

from chassis.http import plain_dependencies
from chassis.http.problems import NotFound, raises
from chassis.http.routes import Router, from_state

Caller = Callable[..., AbstractAsyncContextManager[httpx.AsyncClient]]


class Counting:
    """Counts how often it was asked."""

    def __init__(self) -> None:
        self.asked = 0

    async def __call__(self, request: Request) -> str:
        self.asked += 1
        return request.url.path


class Shelf:
    """The routes, and what they were asked with."""

    def __init__(self) -> None:
        self.path = Counting()
        self.router = Router()

        async def loud(path: Annotated[str, Depends(self.path)]) -> str:
            return path.upper()

        async def greeting(name: str = "you", path: str = Depends(self.path)) -> str:
            return f"{path}: hello {name}"

        @raises(NotFound)
        async def closed(request: Request) -> None:
            if "x-closed" in request.headers:
                raise NotFound

        def slow() -> int:
            return 7

        @self.router.get("/plain/{number}", dependencies=[Depends(closed)])
        async def plain(
            number: int,
            path: Annotated[str, Depends(self.path)],
            louder: Annotated[str, Depends(loud)],
            colour: Annotated[str, from_state("colour")],
            response: Response,
        ) -> list[Any]:
            response.headers["x-colour"] = colour
            return [number, path, louder, colour]

        @self.router.get("/mixed")
        async def mixed(
            request: Request,
            path: Annotated[str, Depends(self.path)],
            hello: Annotated[str, Depends(greeting)],
            slowly: Annotated[int, Depends(slow)],
            agent: Annotated[str, Header(alias="x-agent")] = "nobody",
        ) -> list[Any]:
            return [request.method, path, hello, slowly, agent]


@pytest.fixture
def shelf() -> Shelf:
    return Shelf()


async def test_each_is_asked_once_for_a_request(calling: Caller, shelf: Shelf) -> None:
    async with calling(shelf.router, state={"colour": "red"}) as client:
        response = await client.get("/plain/3")
        assert (response.json(), response.headers["x-colour"]) == ([3, "/plain/3", "/PLAIN/3", "red"], "red")
        assert shelf.path.asked == 1
        assert (await client.get("/plain/4")).json()[:2] == [4, "/plain/4"]
        assert shelf.path.asked == 2


async def test_fastapi_resolves_what_asks_for_more(calling: Caller, shelf: Shelf) -> None:
    async with calling(shelf.router) as client:
        response = await client.get("/mixed", params={"name": "Zoë"}, headers={"x-agent": "ann"})
    assert response.json() == ["GET", "/mixed", "/mixed: hello Zoë", 7, "ann"]


async def test_what_one_refuses_is_refused_before_the_shape_is_looked_at(
    calling: Caller, shelf: Shelf
) -> None:
    async with calling(shelf.router, state={"colour": "red"}) as client:
        closed = await client.get("/plain/three", headers={"x-closed": "yes"})
        wrong = await client.get("/plain/three")
    assert (closed.status_code, wrong.status_code) == (404, 422)


async def test_the_document_shows_them_all_the_same(calling: Caller, shelf: Shelf) -> None:
    async with calling(shelf.router) as client:
        paths = (await client.get("/openapi.json")).json()["paths"]
    assert [each["name"] for each in paths["/mixed"]["get"]["parameters"]] == ["name", "x-agent"]
    assert "404" in paths["/plain/{number}"]["get"]["responses"]


async def test_fastapi_is_left_little(calling: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    left: list[int] = []
    without_plain = plain_dependencies.without_plain

    def counted(dependant: Any) -> Any:
        found = without_plain(dependant)
        left.append(len(found[0].dependencies))
        return found

    monkeypatch.setattr("chassis.http.routes.without_plain", counted)
    router = Shelf().router
    async with calling(router, state={"colour": "red"}) as client:
        await client.get("/plain/3")
    assert left[0] == 0  # of the first route
    assert 2 in left  # of the second: what asks for a query, and what is no coroutine
