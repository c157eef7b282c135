"""Says what is wrong with a field, and never repeats what the caller wrote."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, Field, GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

MOST_ERRORS = 20
_PLAIN = re.compile(r"[A-Za-z0-9_.\-]{1,64}")
_UNKNOWN = "is not valid"
_SENTENCE = "sentence"
_ONE = re.compile(r"\b1 (character|item|second|day)s\b")
_DURATION = re.compile(r"datetime\.timedelta\((?:(\w+)=)?(\d+)\)")
ID_SENTENCE = "must begin with a letter or digit and hold only letters, digits, _ and -, at most 64"

Known = Callable[[tuple[int | str, ...]], Sequence[str]]
"""The fields that there are beside the one at this place (its last part)."""

# People get a sentence, not a regular expression; what has one of its own is `Shaped`.
_PATTERNS: Mapping[str, str] = {
    r"^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$": ID_SENTENCE,
    r"^[!-~]{1,255}$": "must be 1 to 255 printable ASCII characters without blanks",
}

# By pydantic's error types; the words in braces come from the schema, never from the caller.
_SENTENCES: Mapping[str, str] = {
    "missing": "is required",
    "json_invalid": "must be JSON",
    "string_type": "must be text",
    "string_too_short": "must have at least {min_length} characters",
    "string_too_long": "must have at most {max_length} characters",
    "string_unicode": "must be text that is valid Unicode",
    "int_type": "must be a whole number",
    "int_parsing": "must be a whole number",
    "int_parsing_size": "must be a whole number that isn't as long",
    "int_from_float": "must be a whole number",
    "float_type": "must be a number",
    "float_parsing": "must be a number",
    "bool_type": "must be true or false",
    "bool_parsing": "must be true or false",
    "greater_than": "must be more than {gt}",
    "greater_than_equal": "must be at least {ge}",
    "less_than": "must be less than {lt}",
    "less_than_equal": "must be at most {le}",
    "enum": "must be one of {expected}",
    "literal_error": "must be one of {expected}",
    "list_type": "must be a list",
    "tuple_type": "must be a list",
    "set_type": "must be a list",
    "frozen_set_type": "must be a list",
    "too_long": "must have at most {max_length} items",
    "too_short": "must have at least {min_length} items",
    "dict_type": "must be an object",
    "model_type": "must be an object",
    "model_attributes_type": "must be an object",
    "datetime_type": "must be a time (RFC 3339)",
    "datetime_parsing": "must be a time (RFC 3339)",
    "datetime_from_date_parsing": "must be a time (RFC 3339)",
    "timezone_aware": "must be a time with an offset (RFC 3339)",
    "date_type": "must be a date",
    "date_parsing": "must be a date",
    "date_from_datetime_parsing": "must be a date",
    "time_delta_type": "must be a number of seconds, or ISO 8601 such as PT15M",
    "time_delta_parsing": "must be a number of seconds, or ISO 8601 such as PT15M",
}


class FieldError(BaseModel):
    """A field by its path, such as ``body.locale``, and what is wrong with it."""

    field: str = Field(description="Where it stands: path, query or body, then the names that lead to it.")
    sentence: str = Field(description="What is wrong with it, for people; it never quotes the value.")


@dataclass(frozen=True)
class Shaped:
    """Stands in an `Annotated` text: programs see the pattern in OpenAPI, people are told the sentence."""

    pattern: str
    sentence: str

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """A text that matches as a whole."""
        return core_schema.no_info_after_validator_function(self._checked, handler(source))

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        """The text with its pattern."""
        return {**handler(schema), "pattern": f"^{self.pattern}$"}

    def _checked(self, text: str) -> str:
        if not re.fullmatch(self.pattern, text):
            raise wrong(self.sentence)
        return text


def wrong(sentence: str) -> PydanticCustomError:
    """What a validator raises whose sentence is the same for every value, so that it can quote none."""
    return PydanticCustomError(_SENTENCE, sentence)


def field_errors(errors: Sequence[Any], known: Known = lambda _: ()) -> list[FieldError]:
    """Pydantic's errors as sentences; the first few are enough."""
    return [
        FieldError(field=_path(error), sentence=sentence_of(error, known)) for error in errors[:MOST_ERRORS]
    ]


def _path(error: Mapping[str, Any]) -> str:
    # The name of an unknown field, and where JSON broke, are the caller's words and not ours.
    parts = error["loc"][:-1] if error["type"] in {"extra_forbidden", "json_invalid"} else error["loc"]
    return ".".join(part if _PLAIN.fullmatch(part) else "…" for part in map(str, parts))


def sentence_of(error: Mapping[str, Any], known: Known = lambda _: ()) -> str:
    """What is wrong, by pydantic's error: "must be …"."""
    context = error.get("ctx") or {}
    match error["type"]:
        case "value_error":
            return _own_words(error)
        case "sentence":
            return str(error["msg"])
        case "string_pattern_mismatch":
            return _PATTERNS.get(context.get("pattern", ""), "doesn't have the shape that is expected")
        case "extra_forbidden":
            names = ", ".join(known(tuple(error["loc"])))
            return "has a field that isn't known here" + (f"; known are {names}" if names else "")
        case other:
            return _filled(_SENTENCES.get(other, _UNKNOWN), context)


def _filled(template: str, context: Mapping[str, Any]) -> str:
    try:
        told = _DURATION.sub(_duration, template.format_map(context))
        return _ONE.sub(r"1 \1", told)
    except KeyError:
        return _UNKNOWN


def _duration(found: re.Match[str]) -> str:
    # Pydantic itself writes "1 second", but Python's own words where a validator stands in between.
    return f"{found[2]} {found[1] or 'seconds'}"


def _own_words(error: Mapping[str, Any]) -> str:
    """The sentence of a validator of ours, unless the value has crept into it."""
    sentence = str(error["msg"]).removeprefix("Value error, ")
    value = error.get("input")
    return _UNKNOWN if isinstance(value, str) and value and value in sentence else sentence
