"""Whatever goes wrong, the caller gets problem details with a sentence, and nobody's words come back."""

import json
import zoneinfo
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from typing import Annotated, Literal

import httpx
import pytest
from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Discriminator, Field, field_validator
from pymongo.errors import DuplicateKeyError, NotPrimaryError, ServerSelectionTimeoutError, WTimeoutError

from chassis.errors import ClockNotSet, CommandRejected, RetriesExhausted, UnknownStoredEvent
from chassis.http.errors import ERRORS, errors
from chassis.http.problems import Forbidden, NotFound, Unauthenticated, Unavailable
from chassis.validation.messages import ID_SENTENCE, Shaped
from contracts.envelope import Id

Caller = Callable[..., AbstractAsyncContextManager[httpx.AsyncClient]]
CANARY = "kanarienvogel"


class Cat(BaseModel):
    model_config = ConfigDict(extra="forbid")

    kind: Literal["cat"]
    lives: int = 9


class Dog(BaseModel):
    kind: Literal["dog"]


class Order(BaseModel):
    model_config = ConfigDict(extra="forbid")

    score: int = Field(default=1, ge=1, le=5)
    name: str = Field(default="x", pattern="^[a-z]$", max_length=3)
    at: datetime | None = None
    zone: str | None = None
    word: str | None = None
    code: Annotated[str, Shaped("[A-Z]-[0-9]", "must be a letter, - and a digit")] = "A-1"
    id: Id = "x"
    title: str | None = Field(default=None, min_length=1)
    pet: Annotated[Cat | Dog, Discriminator("kind")] | None = None
    labels: dict[str, int] = {}

    @field_validator("zone")
    @classmethod
    def _known(cls, zone: str | None) -> str | None:
        if zone is not None and zone not in zoneinfo.available_timezones():
            raise ValueError(f"the time zone {zone} is not known")
        return zone

    @field_validator("word")
    @classmethod
    def _polite(cls, word: str | None) -> str | None:
        if word == CANARY:
            raise ValueError("must be a polite word")
        return word


class Search(BaseModel):
    model_config = ConfigDict(extra="forbid")

    word: str | None = None
    from_: int = Field(1, alias="from")


ORDER = ", ".join(Order.model_fields)


def shop(error: Exception | None = None) -> APIRouter:
    router = APIRouter()

    @router.put("/orders/{order}", responses=errors(401, 409, 413))
    async def put(order: str, body: Order, limit: int = 1) -> dict[str, str]:
        if error:
            raise error
        return {"order": f"{order} {body.name} {limit}"}

    @router.get("/orders")
    async def search(asked: Annotated[Search, Query()]) -> str | None:
        return asked.word

    return router


@pytest.mark.parametrize(
    ("error", "status", "sentence"),
    [
        (CommandRejected("This dialog is already rated"), 409, "This dialog is already rated"),
        (Unauthenticated(), 401, "A valid token is needed."),
        (Forbidden(), 403, "You may not do this."),
        (NotFound("There is no such order."), 404, "There is no such order."),
    ],
)
async def test_an_answer_that_is_a_problem_has_its_status_and_sentence(
    calling: Caller, error: Exception, status: int, sentence: str
) -> None:
    async with calling(shop(error)) as client:
        answer = await client.put("/orders/1", json={})
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json() == {
        "type": answer.json()["type"],
        "title": answer.json()["title"],
        "status": status,
        "detail": sentence,
        "instance": answer.headers["x-request-id"],
    }
    assert answer.status_code == status
    assert answer.json()["type"].startswith("/problems/")


@pytest.mark.parametrize(
    "error",
    [
        Unavailable(),
        RetriesExhausted("dialog:1 could not be written in time"),
        UnknownStoredEvent("dialog:1 holds Foo"),
        ClockNotSet("not yet"),
        ServerSelectionTimeoutError("127.0.0.1:27017 refused"),
        NotPrimaryError("stepped down"),
        WTimeoutError("too slow"),
    ],
)
async def test_what_will_pass_is_a_503_with_the_time_to_try_again(calling: Caller, error: Exception) -> None:
    async with calling(shop(error)) as client:
        answer = await client.put("/orders/1", json={})
    assert answer.status_code == 503
    assert int(answer.headers["retry-after"]) > 0
    assert "127.0.0.1" not in answer.text
    assert "dialog:1" not in answer.text


@pytest.mark.parametrize("error", [RuntimeError(CANARY), KeyError(CANARY), DuplicateKeyError(CANARY)])
async def test_a_bug_is_a_500_that_says_nothing_about_it(
    calling: Caller, error: Exception, capfd: pytest.CaptureFixture[str]
) -> None:
    async with calling(shop(error)) as client:
        answer = await client.put("/orders/1", json={})
    assert answer.status_code == 500
    assert answer.headers["content-type"] == "application/problem+json"
    assert CANARY not in answer.text
    logged = capfd.readouterr().out
    assert type(error).__name__ in logged
    assert "test_errors.py" in logged
    assert f"({CANARY!r})" not in logged


async def test_an_unknown_address_and_a_wrong_method_are_problems_too(calling: Caller) -> None:
    async with calling(shop()) as client:
        unknown, method = await client.get("/nowhere"), await client.delete("/orders/1")
    assert (unknown.status_code, unknown.json()["type"]) == (404, "/problems/not-found")
    assert (method.status_code, method.json()["type"]) == (405, "/problems/method-not-allowed")
    assert method.headers["allow"] == "PUT"


@pytest.mark.parametrize(
    ("body", "field", "sentence"),
    [
        ({"score": 9}, "body.score", "must be at most 5"),
        ({"score": CANARY}, "body.score", "must be a whole number"),
        ({"score": None}, "body.score", "must be a whole number"),
        ({"name": CANARY}, "body.name", "must have at most 3 characters"),
        ({"name": CANARY[:2]}, "body.name", "doesn't have the shape that is expected"),
        ({"id": CANARY[:1] + "."}, "body.id", ID_SENTENCE),
        # A short value may stand in a sentence without being quoted by it.
        ({"id": "-"}, "body.id", ID_SENTENCE),
        ({"code": "-"}, "body.code", "must be a letter, - and a digit"),
        ({"code": "A-1\n"}, "body.code", "must be a letter, - and a digit"),
        ({"title": ""}, "body.title", "must have at least 1 character"),
        ({"at": CANARY}, "body.at", "must be a time (RFC 3339)"),
        ({"zone": CANARY}, "body.zone", "is not valid"),
        ({"word": CANARY}, "body.word", "must be a polite word"),
        ({"pet": {"kind": CANARY}}, "body.pet", "is not valid"),
        ({CANARY: 1}, "body", f"has a field that isn't known here; known are {ORDER}"),
        (
            {"pet": {"kind": "cat", CANARY: 1}},
            "body.pet.cat",
            "has a field that isn't known here; known are kind, lives",
        ),
        ({"labels": {f"{CANARY} {CANARY}": "x"}}, "body.labels.…", "must be a whole number"),
        ([CANARY], "body", "must be an object"),
    ],
)
async def test_a_wrong_shape_names_the_field_and_never_quotes_the_value(
    calling: Caller, body: object, field: str, sentence: str
) -> None:
    async with calling(shop()) as client:
        answer = await client.put("/orders/1", json=body)
    assert answer.status_code == 422
    assert answer.json()["errors"] == [{"field": field, "sentence": sentence}]
    assert CANARY not in answer.text


@pytest.mark.parametrize("body", [b'{"score":', CANARY.encode(), b'{"name": "\xff"}', b"[" * 100_000])
async def test_a_body_that_is_no_json_is_a_problem(calling: Caller, body: bytes) -> None:
    async with calling(shop()) as client:
        answer = await client.put("/orders/1", content=body, headers={"content-type": "application/json"})
    assert answer.status_code in {400, 422}
    assert answer.headers["content-type"] == "application/problem+json"
    assert CANARY not in answer.text


async def test_a_wrong_query_is_named_without_its_value(calling: Caller) -> None:
    async with calling(shop()) as client:
        answer = await client.put("/orders/1", params={"limit": CANARY}, json={})
    assert answer.json()["errors"] == [{"field": "query.limit", "sentence": "must be a whole number"}]
    assert CANARY not in answer.text


async def test_an_unknown_parameter_is_answered_with_the_known_ones(calling: Caller) -> None:
    async with calling(shop()) as client:
        answer = await client.get("/orders", params={CANARY: CANARY})
    sentence = "has a field that isn't known here; known are word, from"
    assert answer.json()["errors"] == [{"field": "query", "sentence": sentence}]
    assert CANARY not in answer.text


@pytest.mark.parametrize(
    ("path", "fields"),
    [
        ("/orders?word=a&word=b", ["query.word"]),
        ("/orders?word=a&word=a", ["query.word"]),
        ("/orders?word=&word=", ["query.word"]),
        ("/orders?word=a&w%6Frd=b", ["query.word"]),
        ("/orders?word=a&word=b&from=1&from=2", ["query.word", "query.from"]),
        (f"/orders?{CANARY}=1&{CANARY}=2", ["query"]),
        ("/orders/1?limit=1&limit=2", ["query.limit"]),
    ],
)
async def test_a_parameter_may_be_given_only_once(calling: Caller, path: str, fields: list[str]) -> None:
    async with calling(shop()) as client:
        answer = await (client.put(path, json={}) if "/1" in path else client.get(path))
    assert (answer.status_code, answer.headers["content-type"]) == (422, "application/problem+json")
    assert answer.json()["instance"] == answer.headers["x-request-id"]
    sentence = "may be given only once"
    assert answer.json()["errors"] == [{"field": field, "sentence": sentence} for field in fields]
    assert CANARY not in answer.text


async def test_what_is_given_once_may_hold_anything(calling: Caller) -> None:
    async with calling(shop()) as client:
        assert (await client.get("/orders?word=a%26word=b&from=1")).json() == "a&word=b"
        assert (await client.get("/nowhere?word=a&word=b")).status_code == 404


@pytest.mark.parametrize("kind", [None, "text/plain", "application/x-www-form-urlencoded", "json", "a b/c;"])
async def test_json_that_says_it_is_something_else_is_told_what_to_say(
    calling: Caller, kind: str | None
) -> None:
    headers = {} if kind is None else {"content-type": kind}
    async with calling(shop()) as client:
        answer = await client.put("/orders/1", content=b'{"name": "k"}', headers=headers)
    assert (answer.status_code, answer.headers["content-type"]) == (415, "application/problem+json")
    assert answer.json()["type"] == "/problems/unknown-kind-of-body"
    assert answer.json()["detail"] == "Send the body as JSON, with Content-Type: application/json."


@pytest.mark.parametrize("kind", ["application/json", "application/json; charset=utf-8", "APPLICATION/JSON"])
async def test_json_that_says_so_is_read(calling: Caller, kind: str) -> None:
    async with calling(shop()) as client:
        answer = await client.put("/orders/1", content=b'{"name": "k"}', headers={"content-type": kind})
    assert answer.status_code == 200


async def test_a_shape_has_its_pattern_in_openapi(calling: Caller) -> None:
    async with calling(shop()) as client:
        document = (await client.get("/openapi.json")).json()
    assert document["components"]["schemas"]["Order"]["properties"]["code"]["pattern"] == "^[A-Z]-[0-9]$"


async def test_every_field_of_a_problem_and_of_health_is_described(calling: Caller) -> None:
    async with calling() as client:
        shapes = (await client.get("/openapi.json")).json()["components"]["schemas"]
    assert {"ProblemDetails", "FieldError", "Health"} <= set(shapes)
    for name, shape in shapes.items():
        for field, about in shape["properties"].items():
            assert about.get("description"), f"{name}.{field}"


async def test_openapi_shows_every_problem_with_an_example(calling: Caller) -> None:
    async with calling(shop()) as client:
        document = (await client.get("/openapi.json")).json()
    responses = document["paths"]["/orders/{order}"]["put"]["responses"]
    assert set(responses) == {"200", "401", "409", "413", "422", "500", "503"}
    for status in set(responses) - {"200"}:
        (content,) = responses[status]["content"].items()
        assert content[0] == "application/problem+json"
        assert content[1]["example"]["status"] == int(status)
        assert content[1]["schema"] == {"$ref": "#/components/schemas/ProblemDetails"}
    assert {"ProblemDetails", "FieldError"} <= set(document["components"]["schemas"])
    assert "HTTPValidationError" not in json.dumps(document)


def test_examples_have_the_shape_they_promise() -> None:
    for status, documented in ERRORS.items():
        example = documented["content"]["application/problem+json"]["example"]
        assert example["status"] == status
        assert {"type", "title", "status", "detail", "instance"} <= set(example)
