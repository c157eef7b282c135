"""Says what is wrong with a field, and never repeats what the caller wrote."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import BaseModel

MOST_ERRORS = 20
_PLAIN = re.compile(r"[A-Za-z0-9_.\-]{1,64}")
_UNKNOWN = "is not valid"

# By pydantic's error types; the words in braces come from the schema, never from the caller.
_SENTENCES: Mapping[str, str] = {
    "missing": "is required",
    "json_invalid": "must be JSON",
    "extra_forbidden": "has a field that isn't known here",
    "string_type": "must be text",
    "string_too_short": "must have at least {min_length} characters",
    "string_too_long": "must have at most {max_length} characters",
    "string_pattern_mismatch": "must match {pattern}",
    "string_unicode": "must be text that is valid Unicode",
    "int_type": "must be a whole number",
    "int_parsing": "must be a whole number",
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
}


class FieldError(BaseModel):
    """A field by its path, such as ``body.locale``, and what is wrong with it."""

    field: str
    sentence: str


def field_errors(errors: Sequence[Any]) -> list[FieldError]:
    """Pydantic's errors as sentences; the first few are enough."""
    return [FieldError(field=_path(error), sentence=_sentence(error)) for error in errors[:MOST_ERRORS]]


def _path(error: Mapping[str, Any]) -> str:
    # The name of an unknown field, and where JSON broke, are the caller's words and not ours.
    parts = error["loc"][:-1] if error["type"] in {"extra_forbidden", "json_invalid"} else error["loc"]
    return ".".join(part if _PLAIN.fullmatch(part) else "…" for part in map(str, parts))


def _sentence(error: Mapping[str, Any]) -> str:
    if error["type"] == "value_error":
        return _own_words(error)
    try:
        return _SENTENCES.get(error["type"], _UNKNOWN).format_map(error.get("ctx") or {})
    except KeyError:
        return _UNKNOWN


def _own_words(error: Mapping[str, Any]) -> str:
    """The sentence of a validator of ours, unless the value has crept into it."""
    sentence = str(error["msg"]).removeprefix("Value error, ")
    value = error.get("input")
    return _UNKNOWN if isinstance(value, str) and value and value in sentence else sentence
