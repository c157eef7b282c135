"""Whatever goes wrong, the caller gets problem details with a sentence, and nobody's words come back."""

import json
import zoneinfo
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from typing import Annotated, Literal

import httpx
import pytest
from aiokafka.errors import KafkaConnectionError
from fastapi import Query
from pydantic import (
    BaseModel,
    ConfigDict,
    Discriminator,
    Field,
    TypeAdapter,
    ValidationError,
    field_validator,
)
from pymongo.errors import (
    DuplicateKeyError,
    NotPrimaryError,
    OperationFailure,
    ServerSelectionTimeoutError,
    WTimeoutError,
)

from chassis.errors import ClockNotSet, CommandRejected, InvalidCursor, RetriesExhausted, UnknownStoredEvent
from chassis.http.bodies import RequestBody
from chassis.http.problems import (
    MEDIA_TYPE,
    Forbidden,
    NotFound,
    ProblemCatalogue,
    ProblemDetails,
    Unauthenticated,
    Unavailable,
)
from chassis.http.routes import Router
from chassis.validation.messages import FIELD_SENTENCES, ID_SENTENCE, Shaped, field_errors
from contracts.envelope import Id
from contracts.zones import TimeZone
from tests.declared import problems_of

Caller = Callable[..., AbstractAsyncContextManager[httpx.AsyncClient]]
CANARY = "kanarienvogel"


class Cat(BaseModel):
    model_config = ConfigDict(extra="forbid")

    kind: Literal["cat"]
    lives: int = 9


class Dog(BaseModel):
    kind: Literal["dog"]


class Order(RequestBody):
    score: int = Field(default=1, ge=1, le=5)
    name: str = Field(default="x", pattern="^[a-z]$", max_length=3)
    at: datetime | None = None
    zone: str | None = None
    word: str | None = None
    code: Annotated[str, Shaped("[A-Z]-[0-9]", "must be a letter, - and a digit", "not-a-code")] = "A-1"
    id: Id = "x"
    title: str | None = Field(default=None, min_length=1)
    pet: Annotated[Cat | Dog, Discriminator("kind")] | None = None
    labels: dict[str, int] = Field(default_factory=dict)

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


SHOP = ProblemCatalogue(
    {"sold-out": "Only {left} are left.", "no-such-order": "No such order."}, {"no-such-order": 404}
)


def shop(error: Exception | None = None) -> Router:
    router = Router()

    @router.put("/orders/{order}", responses=SHOP.responses("sold-out", "no-such-order"))
    async def put(order: str, body: Order, limit: int = 1) -> dict[str, str]:
        if error:
            raise error
        return {"order": f"{order} {body.name} {limit}"}

    @router.delete("/orders/{order}")
    async def drop(order: str) -> str:
        return order

    @router.get("/orders")
    async def search(asked: Annotated[Search, Query()]) -> str | None:
        return asked.word

    return router


@pytest.mark.parametrize(
    ("error", "status", "code", "sentence", "facts"),
    [
        (CommandRejected("sold-out", left=2), 409, "sold-out", "Only 2 are left.", {"facts": {"left": 2}}),
        (CommandRejected("no-such-order"), 404, "no-such-order", "No such order.", {}),
        (Unauthenticated(), 401, "token-invalid", "A valid token is needed.", {}),
        (Forbidden(), 403, "role-not-allowed", "Your role doesn't allow this.", {}),
        (NotFound(), 404, "not-found", "There is nothing at this address.", {}),
    ],
)
async def test_a_problem_has_its_code_status_sentence_and_facts(
    calling: Caller, error: Exception, status: int, code: str, sentence: str, facts: dict[str, object]
) -> None:
    async with calling(shop(error), problems=SHOP) as client:
        answer = await client.put("/orders/1", json={})
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json() == {
        "type": f"/problems/{code}",
        "title": answer.json()["title"],
        "status": status,
        "detail": sentence,
        "instance": answer.headers["x-request-id"],
        **facts,
    }
    assert answer.status_code == status


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
        OperationFailure("stepping down", 189),
        KafkaConnectionError("127.0.0.1:9092"),
        TimeoutError(),
    ],
)
async def test_what_will_pass_is_a_503_with_the_time_to_try_again(calling: Caller, error: Exception) -> None:
    async with calling(shop(error), problems=SHOP) as client:
        answer = await client.put("/orders/1", json={})
    assert answer.status_code == 503
    assert int(answer.headers["retry-after"]) > 0
    assert "127.0.0.1" not in answer.text
    assert "dialog:1" not in answer.text


@pytest.mark.parametrize("error", [RuntimeError(CANARY), KeyError(CANARY), DuplicateKeyError(CANARY)])
async def test_a_bug_is_a_500_that_says_nothing_about_it(
    calling: Caller, error: Exception, capfd: pytest.CaptureFixture[str]
) -> None:
    async with calling(shop(error), problems=SHOP) as client:
        answer = await client.put("/orders/1", json={})
    assert answer.status_code == 500
    assert answer.headers["content-type"] == "application/problem+json"
    assert CANARY not in answer.text
    logged = capfd.readouterr().out
    assert type(error).__name__ in logged
    assert "test_errors.py" in logged
    assert f"({CANARY!r})" not in logged


async def test_an_unknown_address_and_a_wrong_method_are_problems_too(calling: Caller) -> None:
    async with calling(shop(), problems=SHOP) as client:
        unknown, method = await client.get("/nowhere"), await client.post("/orders/1")
        listed, line = await client.put("/orders"), await client.get("/orders%0a")
    assert (unknown.status_code, unknown.json()["type"]) == (404, "/problems/not-found")
    assert (method.status_code, method.json()["type"]) == (405, "/problems/method-not-allowed")
    assert method.headers["allow"] == "DELETE, PUT"
    assert (listed.status_code, listed.headers["allow"]) == (405, "GET, HEAD")
    assert line.status_code == 404


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
        ({CANARY: 1}, "body", "has a field that isn't known here"),
        ({"pet": {"kind": "cat", CANARY: 1}}, "body.pet.cat", "has a field that isn't known here"),
        ({"labels": {f"{CANARY} {CANARY}": "x"}}, "body.labels.…", "must be a whole number"),
        ([CANARY], "body", "must be an object"),
    ],
)
async def test_a_wrong_shape_names_the_field_and_never_quotes_the_value(
    calling: Caller, body: object, field: str, sentence: str
) -> None:
    async with calling(shop(), problems=SHOP) as client:
        answer = await client.put("/orders/1", json=body)
    assert answer.status_code == 422
    [error] = answer.json()["errors"]
    assert (error["field"], error["sentence"]) == (field, sentence)
    assert error["code"] in {*FIELD_SENTENCES, "not-a-code"}
    assert CANARY not in answer.text


async def test_a_wrong_field_has_a_code_and_what_its_sentence_is_filled_with(calling: Caller) -> None:
    async with calling(shop(), problems=SHOP) as client:
        answer = await client.put("/orders/1", json={"score": 9, "code": "-", "id": "-", "pet": {"kind": 1}})
    assert [(each["code"], each.get("facts")) for each in answer.json()["errors"]] == [
        ("too-large", {"le": 5}), ("not-a-code", None), ("not-an-id", None), ("not-valid", None),
    ]  # fmt: skip


async def test_a_cursor_that_a_route_refuses_is_a_wrong_shape(calling: Caller) -> None:
    async with calling(shop(InvalidCursor()), problems=SHOP) as client:
        answer = await client.put("/orders/1", json={})
    assert (answer.status_code, answer.json()["type"]) == (422, "/problems/wrong-shape")
    assert [(each["field"], each["code"]) for each in answer.json()["errors"]] == [
        ("query.cursor", "not-a-cursor")
    ]


@pytest.mark.parametrize("body", [b'{"score":', CANARY.encode(), b'{"name": "\xff"}', b"[" * 4000])
async def test_a_body_that_is_no_json_is_a_problem(calling: Caller, body: bytes) -> None:
    async with calling(shop(), problems=SHOP) as client:
        answer = await client.put("/orders/1", content=body, headers={"content-type": "application/json"})
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert CANARY not in answer.text


async def test_a_wrong_query_is_named_without_its_value(calling: Caller) -> None:
    async with calling(shop(), problems=SHOP) as client:
        answer = await client.put("/orders/1", params={"limit": CANARY}, json={})
    assert answer.json()["errors"] == [
        {"field": "query.limit", "code": "not-a-whole-number", "sentence": "must be a whole number"}
    ]
    assert CANARY not in answer.text


async def test_an_unknown_parameter_is_answered_with_the_known_ones(calling: Caller) -> None:
    async with calling(shop(), problems=SHOP) as client:
        answer = await client.get("/orders", params={CANARY: CANARY})
    assert answer.json()["errors"] == [
        {
            "field": "query",
            "code": "unknown-parameter",
            "sentence": "known parameters are word, from",
            "facts": {"known": "word, from"},
        }
    ]
    assert CANARY not in answer.text


def test_the_sentences_of_lower_layers_are_those_of_the_document() -> None:
    with pytest.raises(ValidationError) as refused:
        TypeAdapter(TimeZone).validate_python("Mars/Olympus")
    [zone] = field_errors(refused.value.errors())
    assert zone.sentence == FIELD_SENTENCES["timezone-unknown"]
    assert str(InvalidCursor()) == FIELD_SENTENCES[InvalidCursor.code]


async def test_where_there_are_no_parameters_that_is_said(calling: Caller) -> None:
    async with calling(shop(), problems=SHOP) as client:
        answer = await client.delete("/orders/1", params={CANARY: CANARY})
    assert answer.json()["errors"] == [
        {"field": "query", "code": "no-parameters", "sentence": "there are no parameters here"}
    ]


@pytest.mark.parametrize(
    ("path", "fields"),
    [
        ("/orders?word=a&word=b", ["query.word"]),
        ("/orders?word=a&word=a", ["query.word"]),
        ("/orders?word=&word=", ["query.word"]),
        ("/orders?word=a&w%6Frd=b", ["query.word"]),
        ("/orders?word=a&word=b&from=1&from=2", ["query.word", "query.from"]),
        ("/orders/1?limit=1&limit=2", ["query.limit"]),
    ],
)
async def test_a_parameter_may_be_given_only_once(calling: Caller, path: str, fields: list[str]) -> None:
    async with calling(shop(), problems=SHOP) as client:
        answer = await (client.put(path, json={}) if "/1" in path else client.get(path))
    assert (answer.status_code, answer.headers["content-type"]) == (422, "application/problem+json")
    assert answer.json()["instance"] == answer.headers["x-request-id"]
    sentence = "may be given only once"
    assert answer.json()["errors"] == [
        {"field": field, "code": "given-twice", "sentence": sentence} for field in fields
    ]
    assert CANARY not in answer.text


async def test_what_is_given_once_may_hold_anything(calling: Caller) -> None:
    async with calling(shop(), problems=SHOP) as client:
        assert (await client.get("/orders?word=a%26word=b&from=1")).json() == "a&word=b"
        assert (await client.get("/nowhere?word=a&word=b")).status_code == 404


@pytest.mark.parametrize("kind", [None, "text/plain", "application/x-www-form-urlencoded", "json", "a b/c;"])
async def test_json_that_says_it_is_something_else_is_told_what_to_say(
    calling: Caller, kind: str | None
) -> None:
    headers = {} if kind is None else {"content-type": kind}
    async with calling(shop(), problems=SHOP) as client:
        answer = await client.put("/orders/1", content=b'{"name": "k"}', headers=headers)
    assert (answer.status_code, answer.headers["content-type"]) == (415, "application/problem+json")
    assert answer.json()["type"] == "/problems/unsupported-media-type"
    assert answer.json()["detail"] == "Send the body as JSON, with Content-Type: application/json."


@pytest.mark.parametrize("kind", ["application/json", "application/json; charset=utf-8", "APPLICATION/JSON"])
async def test_json_that_says_so_is_read(calling: Caller, kind: str) -> None:
    async with calling(shop(), problems=SHOP) as client:
        answer = await client.put("/orders/1", content=b'{"name": "k"}', headers={"content-type": kind})
    assert answer.status_code == 200


async def test_a_shape_has_its_pattern_in_openapi(calling: Caller) -> None:
    async with calling(shop(), problems=SHOP) as client:
        document = (await client.get("/openapi.json")).json()
    assert document["components"]["schemas"]["Order"]["properties"]["code"]["pattern"] == "^[A-Z]-[0-9]$"


async def test_every_field_of_a_problem_and_of_health_is_described(calling: Caller) -> None:
    async with calling() as client:
        shapes = (await client.get("/openapi.json")).json()["components"]["schemas"]
    assert {"ProblemDetails", "FieldError", "Health"} <= set(shapes)
    for name, shape in shapes.items():
        for field, about in shape.get("properties", {}).items():
            assert about.get("description"), f"{name}.{field}"


async def test_openapi_shows_every_problem_of_a_route(calling: Caller) -> None:
    async with calling(shop(), problems=SHOP) as client:
        document = (await client.get("/openapi.json")).json()
    put, delete = (problems_of(document["paths"]["/orders/{order}"][each]) for each in ("put", "delete"))
    assert put == {
        "404": {"/problems/no-such-order"},
        "405": {"/problems/method-not-allowed"},
        "408": {"/problems/body-too-slow"},
        "409": {"/problems/sold-out"},
        "413": {"/problems/body-too-large"},
        "414": {"/problems/query-too-long"},
        "415": {"/problems/unsupported-media-type"},
        "422": {"/problems/wrong-shape"},
        "500": {"/problems/internal-error"},
        "503": {"/problems/service-starting", "/problems/unavailable"},
    }
    assert set(put) - set(delete) == {"404", "408", "409", "413", "415"}
    assert {"ProblemDetails", "FieldError"} <= set(document["components"]["schemas"])
    assert document["x-problems"]["sold-out"] == {"status": 409, "sentence": "Only {left} are left."}
    assert "HTTPValidationError" not in json.dumps(document)


async def test_the_example_of_a_problem_has_its_shape(calling: Caller) -> None:
    async with calling(shop(), problems=SHOP) as client:
        document = (await client.get("/openapi.json")).json()
    for status, said in document["paths"]["/orders/{order}"]["put"]["responses"].items():
        if status != "200":
            example = ProblemDetails.model_validate(said["content"][MEDIA_TYPE]["example"])
            assert example.status == int(status)
