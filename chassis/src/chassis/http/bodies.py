"""JSON bodies: how much of one is read, and what is looked at before any model sees it."""

import asyncio
import json
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Final, NoReturn

from fastapi import Request
from pydantic import BaseModel, ConfigDict

from chassis.http.problems import BodyTooLarge, BodyTooSlow, UnsupportedMediaType, WrongShape
from chassis.validation.messages import field_error, field_errors

KIB: Final = 1024
SLOWEST: Final = 20.0
MOST_KEYS: Final = 32
MOST_ITEMS: Final = 100
DEEPEST: Final = 8

Location = tuple[int | str, ...]


class RequestBody(BaseModel):
    """What a request may hold: nothing that isn't known, in at most `largest` bytes."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    largest: ClassVar[int] = 8 * KIB


class JsonRequest(Request):
    """A request whose body was read and looked at before FastAPI asks for it."""

    content: bytes
    value: Any

    async def read(self, largest: int) -> None:
        """Reads the body. Raises a `Problem` if it is too large, too slow, or not for any model."""
        announced = self.headers.get("content-length", "")
        if announced.isdecimal() and int(announced[:20]) > largest:
            raise _too_large(largest)
        body = bytearray()
        try:
            async with asyncio.timeout(SLOWEST):
                async for piece in self.stream():
                    body += piece
                    if len(body) > largest:
                        raise _too_large(largest)
        except TimeoutError:
            raise BodyTooSlow({"Connection": "close"}) from None
        self.content = bytes(body)
        if self.content:
            if self.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
                raise UnsupportedMediaType({"Accept": "application/json"})
            self.value = parse(self.content)

    async def body(self) -> bytes:
        """What was read."""
        return self.content

    async def json(self) -> Any:
        """What it says."""
        return self.value


# The rest of such a body is not read, so the connection can't be used again.
def _too_large(largest: int) -> BodyTooLarge:
    return BodyTooLarge({"Connection": "close"}, kib=largest // KIB)


def parse(body: bytes) -> Any:
    """The JSON in `body`. Raises `WrongShape` for anything else.

    Also for a key that stands twice in an object, for objects of more than 32 keys, lists of more than 100
    items, values more than 8 deep, and half a surrogate pair: no model here takes any of these, and pydantic
    would look at all of them before it says so.
    """
    try:
        found = json.loads(body.decode(), object_pairs_hook=_object, parse_constant=_refuse)
    except (ValueError, RecursionError):
        raise _wrong((), "json_invalid") from None
    _look_at(found, ("body",))
    return found


def _object(pairs: Sequence[tuple[str, Any]]) -> Mapping[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise WrongShape([field_error("body", "key-twice")])
    return found


def _refuse(_: str) -> NoReturn:
    raise ValueError("NaN and Infinity are no JSON")


def _look_at(value: Any, location: Location) -> None:
    match value:
        case dict() | list() if len(location) > DEEPEST:
            raise WrongShape([field_error("body", "too-deep")])
        case dict():
            if len(value) > MOST_KEYS:
                raise _wrong((*location, ""), "extra_forbidden")
            for name, inner in value.items():
                _look_at(inner, (*location, name))
        case list():
            if len(value) > MOST_ITEMS:
                raise _wrong(location, "too_long", max_length=MOST_ITEMS)
            for number, inner in enumerate(value):
                _look_at(inner, (*location, number))
        case str():
            try:
                value.encode()
            except UnicodeEncodeError:
                raise _wrong(location, "string_unicode") from None


def _wrong(location: Location, kind: str, **context: int) -> WrongShape:
    return WrongShape(field_errors([{"type": kind, "loc": location or ("body", 0), "ctx": context}]))
