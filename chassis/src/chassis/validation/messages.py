"""Says what is wrong with a field, by a code and a sentence, and never repeats what the caller wrote."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, get_args

from pydantic import BaseModel, Field, GetCoreSchemaHandler
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

MOST_ERRORS = 20
_PLAIN = re.compile(r"[A-Za-z0-9_.\-]{1,64}")
_QUOTED = re.compile(r"'([^']*)'")
_ONE = re.compile(r"\b1 (character|item|second|day)s\b")
_DURATION = re.compile(r"datetime\.timedelta\((?:(\w+)=)?(\d+)\)")
ID_SENTENCE = "must begin with a letter or digit and hold only letters, digits, _ and -, at most 64"

NOT_VALID: Final = ("not-valid", "is not valid")
UNSHAPED: Final = ("wrong-pattern", "doesn't have the shape that is expected")
UNKNOWN_FIELD: Final = ("unknown-field", "has a field that isn't known here")

# People get a sentence, not a regular expression; `Shaped` adds its own.
_PATTERNS: dict[str, tuple[str, str]] = {
    r"^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$": ("not-an-id", ID_SENTENCE),
    r"^[!-~]([ -~]{0,253}[!-~])?$": (
        "not-a-subject-id",
        "must be 1 to 255 printable ASCII characters, without blanks at the ends",
    ),
}

_WHOLE = ("not-a-whole-number", "must be a whole number")
_NUMBER = ("not-a-number", "must be a number")
_TRUE = ("not-true-or-false", "must be true or false")
_CHOICE = ("not-a-choice", "must be one of {expected}")
_LIST = ("not-a-list", "must be a list")
_OBJECT = ("not-an-object", "must be an object")
_TIME = ("not-a-time", "must be a time (RFC 3339)")
_DATE = ("not-a-date", "must be a date")
_SECONDS = ("not-a-duration", "must be a number of seconds, or ISO 8601 such as PT15M")

# By pydantic's error types; the words in braces come from the schema, never from the caller.
_PYDANTIC: Mapping[str, tuple[str, str]] = {
    "missing": ("required", "is required"),
    "extra_forbidden": UNKNOWN_FIELD,
    "json_invalid": ("not-json", "must be JSON"),
    "string_type": ("not-text", "must be text"),
    "string_unicode": ("not-unicode", "must be text that is valid Unicode"),
    "string_too_short": ("too-short", "must have at least {min_length} characters"),
    "string_too_long": ("too-long", "must have at most {max_length} characters"),
    "too_short": ("too-few", "must have at least {min_length} items"),
    "too_long": ("too-many", "must have at most {max_length} items"),
    **dict.fromkeys(("int_type", "int_parsing", "int_from_float"), _WHOLE),
    "int_parsing_size": ("number-too-long", "must be a whole number that isn't as long"),
    **dict.fromkeys(("float_type", "float_parsing"), _NUMBER),
    **dict.fromkeys(("bool_type", "bool_parsing"), _TRUE),
    "greater_than": ("not-more", "must be more than {gt}"),
    "greater_than_equal": ("too-small", "must be at least {ge}"),
    "less_than": ("not-less", "must be less than {lt}"),
    "less_than_equal": ("too-large", "must be at most {le}"),
    **dict.fromkeys(("enum", "literal_error"), _CHOICE),
    **dict.fromkeys(("list_type", "tuple_type", "set_type", "frozen_set_type"), _LIST),
    **dict.fromkeys(("dict_type", "model_type", "model_attributes_type"), _OBJECT),
    **dict.fromkeys(("datetime_type", "datetime_parsing", "datetime_from_date_parsing"), _TIME),
    "timezone_aware": ("no-offset", "must be a time with an offset (RFC 3339)"),
    **dict.fromkeys(("date_type", "date_parsing", "date_from_datetime_parsing"), _DATE),
    **dict.fromkeys(("time_delta_type", "time_delta_parsing"), _SECONDS),
}
_TYPES = frozenset(get_args(core_schema.ErrorType))

FIELD_SENTENCES: Final[Mapping[str, str]] = {
    **dict((NOT_VALID, UNSHAPED, *_PATTERNS.values(), *_PYDANTIC.values())),
    "blank": "must hold something that can be seen",
    "given-twice": "may be given only once",
    "key-twice": "has a key that is given twice",
    "no-parameters": "there are no parameters here",
    "not-a-cursor": "the cursor is not one of ours",
    "not-a-language-tag": "must be a language tag (BCP 47), such as fr-CA",
    "not-an-email": "must be an e-mail address, such as zoe@school.example",
    "timezone-unknown": "must be an IANA time zone, such as Europe/Paris",
    "too-deep": "is nested too deeply",
    "unknown-parameter": "known parameters are {known}",
}
"""What each code of a field error means, with the names of its facts in braces; services may add to it."""


class FieldError(BaseModel):
    """A field by its path, such as ``body.locale``, and what is wrong with it."""

    field: str = Field(description="Where it stands: path, query or body, then the names that lead to it.")
    code: str = Field(description="What is wrong with it, for programs.", examples=["too-long"])
    sentence: str = Field(
        description="The same for people, in the default language; it never quotes the value."
    )
    facts: dict[str, str | int] | None = Field(
        default=None, description="What the sentence is filled with, such as a limit."
    )


@dataclass(frozen=True)
class Shaped:
    """Stands in an `Annotated` text: programs get the pattern in OpenAPI, people the sentence."""

    pattern: str
    sentence: str
    code: str = UNSHAPED[0]

    def __post_init__(self) -> None:
        _PATTERNS[self._whole] = (self.code, self.sentence)

    @property
    def _whole(self) -> str:
        return f"^{self.pattern}$"

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """A text that matches as a whole: its own schema, so that lengths are still counted in characters."""
        schema = handler(source)
        if schema["type"] != "str":
            raise TypeError(f"a pattern stands before functions, not after {schema['type']}")
        return {**schema, "pattern": self._whole}


def wrong(sentence: str, code: str = NOT_VALID[0]) -> PydanticCustomError:
    """What a validator raises whose sentence is the same for every value, so that it can quote none."""
    return PydanticCustomError(code, sentence)


def field_error(field: str, code: str, **facts: str | int) -> FieldError:
    """A field error of one of the codes in `FIELD_SENTENCES`, with the facts in its sentence."""
    sentence = FIELD_SENTENCES[code].format_map(facts)
    return FieldError(field=field, code=code, sentence=sentence, facts=facts or None)


def field_errors(errors: Sequence[Any]) -> list[FieldError]:
    """Pydantic's errors as codes and sentences; the first few are enough."""
    return [_field_error(error) for error in errors[:MOST_ERRORS]]


def _field_error(error: Mapping[str, Any]) -> FieldError:
    # The name of an unknown field, and where JSON broke, are the caller's words and not ours.
    path = error["loc"][:-1] if error["type"] in {"extra_forbidden", "json_invalid"} else error["loc"]
    field = ".".join(part if _PLAIN.fullmatch(part) else "…" for part in map(str, path))
    code, template = _code_and_template(error)
    context = _context(error)
    if error["type"] == "value_error":
        facts = getattr(context.get("error"), "facts", None)
    else:
        names = re.findall(r"{(\w+)}", template) if error["type"] in _TYPES else context
        found = {name: context[name] for name in names if name in context}
        facts = {name: value if isinstance(value, int) else str(value) for name, value in found.items()}
    return FieldError(field=field, code=code, sentence=_filled(template, context), facts=facts or None)


def sentence_of(error: Mapping[str, Any]) -> str:
    """What is wrong, by pydantic's error: "must be …"."""
    return _filled(_code_and_template(error)[1], _context(error))


def _context(error: Mapping[str, Any]) -> Mapping[str, Any]:
    context = error.get("ctx") or {}
    if "expected" in context:  # pydantic joins the choices by an English word
        context = {**context, "expected": ", ".join(_QUOTED.findall(str(context["expected"])))}
    return context


def _code_and_template(error: Mapping[str, Any]) -> tuple[str, str]:
    """The code of an error, and its sentence with names in braces for the facts in it."""
    context = error.get("ctx") or {}
    match error["type"]:
        case "value_error":
            return getattr(context.get("error"), "code", NOT_VALID[0]), _own_words(error)
        case "string_pattern_mismatch":
            return _PATTERNS.get(context.get("pattern", ""), UNSHAPED)
        case known if known in _TYPES:
            return _PYDANTIC.get(known, NOT_VALID)
        case code:  # a validator's own, see `wrong`
            return str(code), _escaped(str(error["msg"]))


def _filled(template: str, context: Mapping[str, Any]) -> str:
    try:
        # Pydantic itself writes "1 second", but Python's own words where a validator stands in between.
        filled = _DURATION.sub(
            lambda found: f"{found[2]} {found[1] or 'seconds'}", template.format_map(context)
        )
        return _ONE.sub(r"1 \1", filled)
    except (KeyError, ValueError, IndexError):
        return NOT_VALID[1]


def _own_words(error: Mapping[str, Any]) -> str:
    """The sentence of a validator of ours, unless the value has crept into it."""
    sentence = str(error["msg"]).removeprefix("Value error, ")
    value = error.get("input")
    return NOT_VALID[1] if isinstance(value, str) and value and value in sentence else _escaped(sentence)


def _escaped(sentence: str) -> str:
    return sentence.replace("{", "{{").replace("}", "}}")
