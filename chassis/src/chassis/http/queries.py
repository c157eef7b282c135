"""Each parameter of a query is given once: of two, nobody could say which one counts."""

from collections import Counter
from typing import Any

from fastapi import FastAPI, Response
from starlette.datastructures import QueryParams
from starlette.routing import Match
from starlette.types import Scope

from chassis.http.errors import wrong_shape
from chassis.validation.messages import FieldError

ONCE = "may be given only once"


def given_twice(scope: Scope) -> Response | None:
    """The answer to a request that gives a parameter more than once, 422; None for any other.

    Also None if there is nothing at the address, which is then the answer.
    """
    counted = Counter(name for name, _ in QueryParams(scope["query_string"]).multi_items())
    twice = [name for name, times in counted.items() if times > 1]
    if not twice or not _is_there(scope):
        return None
    # A name that the API doesn't have is the caller's word and not ours.
    known = _parameters(scope["app"])
    fields = dict.fromkeys(f"query.{name}" if name in known else "query" for name in twice)
    return wrong_shape(scope["request_id"], [FieldError(field=each, sentence=ONCE) for each in fields])


def _is_there(scope: Scope) -> bool:
    app: FastAPI = scope["app"]
    return any(route.matches(dict(scope))[0] is Match.FULL for route in app.routes)


def _parameters(app: FastAPI) -> set[str]:
    operations: list[Any] = [each for path in app.openapi()["paths"].values() for each in path.values()]
    return {each["name"] for operation in operations for each in operation.get("parameters", ())}
