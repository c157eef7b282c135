"""A client made from the OpenAPI documents alone can show every refusal, without reading English."""

import ast
import json
import re
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from typing import Any

import pytest

from chassis.http.bodies import RequestBody
from chassis.http.problems import PREFIX, NotFound, Problem, kinds_of
from chassis.http.routes import Route, documented, largest_body
from chassis.validation.text import LONGEST_MESSAGE
from chat.domain.rejections import Rejection as ChatRejection
from contracts.dialogs import ClosedBy, DialogState
from contracts.ratings import CloseState, FormState
from deploy import openapi
from rating.domain.rejections import Rejection as RatingRejection
from tests.declared import problems_of

ROOT = Path(__file__).parent.parent
APPS = openapi.apps()
DOCUMENTS: dict[str, dict[str, Any]] = {name: app.openapi() for name, app in APPS.items()}
REJECTIONS: dict[str, type[StrEnum]] = {"chat": ChatRejection, "rating": RatingRejection}
KIB = 1024
each_service = pytest.mark.parametrize("service", DOCUMENTS)


def operations(service: str) -> Iterator[dict[str, Any]]:
    for path in DOCUMENTS[service]["paths"].values():
        yield from path.values()


def declared(service: str) -> set[str]:
    """Every code that some route of the service declares."""
    found = (types for each in operations(service) for types in problems_of(each).values())
    return {kind.removeprefix(PREFIX) for types in found for kind in types}


def test_the_documents_are_those_that_are_committed() -> None:
    assert [str(path) for path, text in openapi.files().items() if path.read_text() != text] == []


@each_service
def test_operations_have_names_of_their_own_that_people_can_read(service: str) -> None:
    names = [each["operationId"] for each in operations(service)]
    assert len(set(names)) == len(names)
    assert all(re.fullmatch(r"[a-z]+(_[a-z]+)*", name) for name in names)


@pytest.mark.parametrize("service", REJECTIONS)
def test_every_rejection_is_raised_somewhere_and_declared_by_a_route(service: str) -> None:
    rejections = REJECTIONS[service]
    assert set(rejections) <= declared(service)
    sentences = {each.name: DOCUMENTS[service]["x-problems"][each]["sentence"] for each in rejections}
    places = {name: set(re.findall(r"{(\w+)}", sentence)) for name, sentence in sentences.items()}
    assert raised(service) == places


def raised(service: str) -> dict[str, set[str]]:
    """The members of `Rejection` that the service raises, with the names of their facts."""
    found: dict[str, set[str]] = {}
    for path in (ROOT / "services" / service / "src" / service).rglob("*.py"):
        for call in ast.walk(ast.parse(path.read_text())):
            if isinstance(call, ast.Call) and getattr(call.func, "id", "") == "CommandRejected":
                for name in named_in(call.args[0]):
                    facts = {str(each.arg) for each in call.keywords}
                    assert found.setdefault(name, facts) == facts
    return found


def named_in(code: ast.expr) -> list[str]:
    attributes = [each for each in ast.walk(code) if isinstance(each, ast.Attribute)]
    return [each.attr for each in attributes if getattr(each.value, "id", "") == "Rejection"]


def test_every_problem_of_the_chassis_is_declared_by_a_route() -> None:
    everywhere = set[str]().union(*map(declared, DOCUMENTS))
    # Where there is no route, there is none that could declare it; it stands in the list of all problems.
    assert {kind.code for kind in kinds_of(Problem)} - {NotFound.code} <= everywhere
    assert all(NotFound.code in document["x-problems"] for document in DOCUMENTS.values())


@each_service
def test_every_code_has_a_sentence_whose_places_are_facts(service: str) -> None:
    listed = DOCUMENTS[service]["x-problems"]
    assert declared(service) <= set(listed)
    for code, kind in listed.items():
        assert re.fullmatch(r"[a-z]+(-[a-z]+)*", code)
        assert kind["sentence"].endswith(".")
        assert 400 <= kind["status"] < 600


@each_service
def test_every_code_of_a_field_is_listed(service: str) -> None:
    listed = set(DOCUMENTS[service]["components"]["schemas"]["FieldError"]["properties"]["code"]["enum"])
    for folder in (
        ROOT / "services" / service / "src",
        ROOT / "chassis/src/chassis/http",
        ROOT / "contracts/src",
    ):
        for path in folder.rglob("*.py"):
            assert set(field_codes(path)) <= listed, path


def field_codes(path: Path) -> Iterator[str]:
    """The codes that validators give, by what they call with them."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call):
            texts = [str(each.value) for each in node.args if isinstance(each, ast.Constant)]
            codes = [str(each.value.value) for each in node.keywords
                     if each.arg == "code" and isinstance(each.value, ast.Constant)]  # fmt: skip
            match getattr(node.func, "id", ""):
                case "wrong" if len(texts) == 2:
                    yield texts[1]
                case "Shaped" if len(texts) == 3:
                    yield texts[2]
                case "PydanticCustomError" | "InvalidPeriod" if texts:
                    yield texts[0]
                case "FieldError" | "wrong" | "Shaped":
                    yield from codes


@each_service
def test_states_and_reasons_are_enums(service: str) -> None:
    schemas = DOCUMENTS[service]["components"]["schemas"]
    enums = {name: set(shape["enum"]) for name, shape in schemas.items() if "enum" in shape}
    expected: dict[str, dict[str, type[StrEnum]]] = {
        "chat": {"DialogState": DialogState, "ClosedBy": ClosedBy},
        "rating": {"FormState": FormState},
        "analytics": {"CloseState": CloseState, "ClosedBy": ClosedBy},
    }
    for name, values in expected[service].items():
        assert enums[name] == set(values)


@each_service
def test_every_route_reads_requests_within_limits(service: str) -> None:
    for route in documented(APPS[service]):
        assert isinstance(route.original_route, Route), route.path
        if route.body_field:
            annotation = json.dumps(str(route.body_field.field_info.annotation))
            assert largest_body(route) <= 128 * KIB, annotation


def test_bodies_of_strangers_are_small() -> None:
    largest = {route.name: largest_body(route) for app in APPS.values() for route in documented(app)}
    assert largest["admit_visitor"] == RequestBody.largest == 8 * KIB
    assert {largest[f"{verb}_form"] for verb in ("read", "answer", "decline")} == {32 * KIB}
    longest_message = json.dumps({"text": "😀" * LONGEST_MESSAGE})
    assert r"\ud83d\ude00" in longest_message
    assert len(longest_message) <= largest["post_message"] == 128 * KIB
