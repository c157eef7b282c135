"""Whatever goes wrong, the caller gets problem details with a sentence, and nobody's words come back."""

import json
import zoneinfo
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from typing import Annotated, Literal

import httpx
import pytest
from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Discriminator, Field, field_validator
from pymongo.errors import DuplicateKeyError, NotPrimaryError, ServerSelectionTimeoutError, WTimeoutError

from chassis.clock import ClockNotSet
from chassis.eventlog.decider import Refused
from chassis.eventlog.handle import Busy
from chassis.eventlog.stored import UnknownStoredEvent
from chassis.web.errors import ERRORS, errors
from chassis.web.problems import Forbidden, NotFound, Unauthenticated, Unavailable

Caller = Callable[..., AbstractAsyncContextManager[httpx.AsyncClient]]
CANARY = "kanarienvogel"


class Cat(BaseModel):
    kind: Literal["cat"]


class Dog(BaseModel):
    kind: Literal["dog"]


class Order(BaseModel):
    model_config = ConfigDict(extra="forbid")

    score: int = Field(default=1, ge=1, le=5)
    name: str = Field(default="x", pattern="^[a-z]$", max_length=3)
    at: datetime | None = None
    zone: str | None = None
    word: str | None = None
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


def shop(error: Exception | None = None) -> APIRouter:
    router = APIRouter()

    @router.put("/orders/{order}", responses=errors(401, 409, 413))
    async def put(order: str, body: Order, limit: int = 1) -> dict[str, str]:
        if error:
            raise error
        return {"order": f"{order} {body.name} {limit}"}

    return router


@pytest.mark.parametrize(
    ("error", "status", "sentence"),
    [
        (Refused("This dialog is already rated"), 409, "This dialog is already rated"),
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
        Busy("dialog:1 could not be written in time"),
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
        ({"name": CANARY[:2]}, "body.name", "must match ^[a-z]$"),
        ({"at": CANARY}, "body.at", "must be a time (RFC 3339)"),
        ({"zone": CANARY}, "body.zone", "is not valid"),
        ({"word": CANARY}, "body.word", "must be a polite word"),
        ({"pet": {"kind": CANARY}}, "body.pet", "is not valid"),
        ({CANARY: 1}, "body", "has a field that isn't known here"),
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
