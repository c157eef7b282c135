"""One rule says what is nothing to be seen; names, messages, addresses and languages follow it everywhere."""

import time
from typing import Annotated, Any

import pytest
from pydantic import BaseModel, Field, TypeAdapter, ValidationError

import chat.api.schemas as chat_schemas
import rating.api.schemas as rating_schemas
from chassis.validation.messages import Shaped, field_errors
from chassis.validation.numbers import WholeNumber
from chassis.validation.text import Email, Locale, LocaleHint, Message, Name, Text, clean_name, is_blank

UNSEEN = [
    *map(chr, (0x2800, 0x3164, 0x115F, 0x1160, 0xFFA0, 0x34F, 0x17B4, 0x17B5, 0x180F, 0x2065)),
    *map(chr, range(0x180B, 0x180F)),
    *map(chr, range(0xFFF0, 0xFFFC)),
    *map(chr, (0xFE00, 0xFE0F)),
    *map(chr, (0xE0100, 0xE01EF, 0xE0001, 0x200B, 0x200D, 0x2060, 0xFEFF, 0xAD, 0x200E, 0x202E, 0x2066)),
    *map(chr, (0x13441, 0x13442)),
    *map(chr, (0x1D159, 0x1D173, 0x16FE4, 0x1BCA0, 0, 0x1B, 0x7F, 0x85, 0x2028, 0xA0, 0x3000)),
    *"\t\r\n ",
]  # fmt: skip
CODES = [f"U+{ord(letter):04X}" for letter in UNSEEN]


def adapter(of: Any) -> TypeAdapter[Any]:
    return TypeAdapter(of)


def said_of(of: Any, value: object) -> str:
    """The sentence that refuses `value`."""
    with pytest.raises(ValidationError) as refused:
        adapter(of).validate_python(value)
    [error] = field_errors(refused.value.errors())
    return error.sentence


class TestBlank:
    @pytest.mark.parametrize("letter", UNSEEN, ids=CODES)
    def test_is_what_nobody_can_see(self, letter: str) -> None:
        assert is_blank(letter)
        assert is_blank(f" {letter}{letter}\u200b")
        assert "something that can be seen" in said_of(Message, letter)
        assert "something that can be seen" in said_of(Name, letter)
        assert clean_name(letter) is None

    @pytest.mark.parametrize("letter", UNSEEN, ids=CODES)
    def test_is_nothing_that_an_address_may_hold(self, letter: str) -> None:
        assert "must be an e-mail address" in said_of(Email, f"a{letter}b@c.example")
        assert "must be an e-mail address" in said_of(Email, f"a@b{letter}c.example")

    @pytest.mark.parametrize(
        "text", [".", " a ", "\u200bé", "\N{THUMBS UP SIGN}\ufe0f", "無", "\u0301", "\u0600"]
    )
    def test_is_not_what_holds_anything_to_be_seen(self, text: str) -> None:
        assert not is_blank(text)
        assert adapter(Message).validate_python(text) == text

    def test_is_nothing_at_all(self) -> None:
        assert is_blank("")
        assert said_of(Message, "") == "must have at least 1 character"
        assert said_of(Name, "") == "must have at least 1 character"


class TestName:
    @pytest.mark.parametrize(
        ("written", "shown"),
        [
            ("Zoë O’Neil-Nuñez", "Zoë O’Neil-Nuñez"),
            ("نیکی می\u200cشود", "نیکی می\u200cشود"),
            ("👩🏽\u200d🏫 ❤\ufe0f", "👩🏽\u200d🏫 ❤\ufe0f"),
            ("\u200eAnn", "Ann"),
            ("ann\u202eeel", "anneel"),
            ("Ann\nLee", "Ann Lee"),
            ("Ann\r\n\u2028Lee", "Ann Lee"),
            ("t\0x\x1b\u061c\u2066", "tx"),
            ("  Ann ", "Ann"),
            ("A\ufff9n\ufffbn", "Ann"),
        ],
    )
    def test_is_cleaned(self, written: str, shown: str) -> None:
        assert adapter(Name).validate_python(written) == clean_name(written) == shown

    def test_is_cut_only_where_it_comes_from_a_token(self) -> None:
        assert clean_name("x" * 3_000) == "x" * 200
        assert said_of(Name, "x" * 201) == "must have at most 200 characters"
        assert adapter(Name).validate_python("👩" * 200) == "👩" * 200

    def test_without_surrogates(self) -> None:
        assert clean_name("a\ud800nn") == "ann"
        assert clean_name("\ud800") is None


class TestEmail:
    @pytest.mark.parametrize("white", [" ", "\t\r\n", "\u00a0", "\u3000"])
    def test_is_trimmed(self, white: str) -> None:
        assert adapter(Email).validate_python(f"{white}a@b.example{white}") == "a@b.example"

    @pytest.mark.parametrize("letter", [chr(code) for code in (0x200B, 0x200D, 0x2060, 0xFEFF, 0xAD, 0x3164)])
    def test_ends_in_nothing_unseen(self, letter: str) -> None:
        said_of(Email, f"a@b.example{letter}")
        said_of(Email, f"{letter}a@b.example")

    @pytest.mark.parametrize(
        "text",
        [
            "", "@", "a", "a@", "@b", "a@b@c", "a b@c", "a@b", "<a@b.example>", "Ann <a@b.example>", "..@..",
            "a..b@c.example", ".a@b.example", "a@b..example", "a@-b.example", "a@[127.0.0.1]",
            '"a b"@c.example',
        ],
    )  # fmt: skip
    def test_has_a_name_and_a_place(self, text: str) -> None:
        assert said_of(Email, text) == "must be an e-mail address, such as zoe@school.example"

    def test_is_counted_in_characters(self) -> None:
        assert said_of(Email, "é" * 289 + "@b.example") == "must have at most 254 characters"

    @pytest.mark.parametrize(
        ("written", "kept"),
        [
            ("Zoe+chat@School.Example", "Zoe+chat@school.example"),
            ("zoé@xn--bcher-kva.example", "zoé@bücher.example"),
            ("o'neil@b.test", "o'neil@b.test"),
        ],
    )
    def test_is_one_that_can_be_written_to(self, written: str, kept: str) -> None:
        assert adapter(Email).validate_python(written) == kept


class TestLocale:
    @pytest.mark.parametrize(
        ("written", "canonical"),
        [
            ("fr-CA", "fr-CA"), ("fr-ca", "fr-CA"), ("FR_ca", "fr-CA"), ("zh-hant-tw", "zh-Hant-TW"),
            ("en", "en"), ("ca-es-VALENCIA", "ca-ES-valencia"), ("sr-latn", "sr-Latn"),
            ("pt_BR", "pt-BR"), ("en-US@posix", "en-US"), ("de_DE.UTF-8", "de-DE"), (" fr ", "fr"),
        ],
    )  # fmt: skip
    def test_is_canonical(self, written: str, canonical: str) -> None:
        assert adapter(Locale).validate_python(written) == canonical
        assert adapter(LocaleHint).validate_python(written) == canonical

    @pytest.mark.parametrize("text", ["", " ", "C", "POSIX", "french", "fr-", "日本", "en--US", "@", "fr\0"])
    def test_is_a_language_or_else_dropped_as_a_hint(self, text: str) -> None:
        assert said_of(Locale, text) == "must be a language tag (BCP 47), such as fr-CA"
        assert adapter(LocaleHint).validate_python(text) is None

    def test_is_counted_in_characters(self) -> None:
        assert said_of(Locale, "fr-" + "a" * 40) == "must have at most 35 characters"

    @pytest.mark.parametrize(
        "text",
        [
            "fr-" + "a" * 40, "x" * 8_000, "en-u-" + "ab-abc-" * 1_000, "en-a" + "-bb-a" * 1_000,
            "en-" + "-".join(f"{number:05}" for number in range(1_300)),
        ],
    )  # fmt: skip
    def test_of_any_length_refuses_nobody_as_a_hint_and_costs_nothing(self, text: str) -> None:
        hint = adapter(LocaleHint)
        began = time.process_time()
        assert hint.validate_python(text) is None
        assert time.process_time() - began < 0.002

    def test_is_what_a_long_hint_begins_with_where_posix_has_it_so(self) -> None:
        assert adapter(LocaleHint).validate_python("fr_CA.UTF-8@" + "x" * 100) == "fr-CA"


BODIES = [
    body
    for module in (chat_schemas, rating_schemas)
    for body in vars(module).values()
    if isinstance(body, type) and issubclass(body, BaseModel) and body.__name__.endswith("Body")
]


@pytest.mark.parametrize("body", BODIES, ids=lambda body: body.__name__)
def test_half_a_surrogate_is_no_text_in_any_field_of_any_body(body: type[BaseModel]) -> None:
    for name in body.model_fields:
        for value in ("a\ud800@b.example", ["a\ud800"]):
            with pytest.raises(ValidationError) as refused:
                body.model_validate({name: value})
            assert name in {error["loc"][0] for error in refused.value.errors()}


@pytest.mark.parametrize("of", [Text, Name, Message, Email, Locale, LocaleHint])
def test_half_a_surrogate_is_no_text(of: Any) -> None:
    assert said_of(of, "a\ud800@b.example") == "must be text that is valid Unicode"


def test_a_shape_keeps_lengths_in_characters_wherever_they_stand() -> None:
    shape = Shaped("[a-z]*", "must be letters")
    for of in (Annotated[str, shape, Field(max_length=3)], Annotated[str, Field(max_length=3), shape]):
        assert said_of(of, "abcd") == "must have at most 3 characters"
        for wrong in ("A", "a\n"):
            assert said_of(of, wrong) == "must be letters"


@pytest.mark.parametrize("number", [5, 5.0, -1e3])
def test_a_whole_number_is_one_however_it_is_written(number: float) -> None:
    found = adapter(WholeNumber).validate_python(number)
    assert (found, type(found)) == (number, int)


@pytest.mark.parametrize("number", [5.5, True, "5", float("nan"), float("inf"), None])
def test_nothing_else_is_a_whole_number(number: object) -> None:
    with pytest.raises(ValidationError):
        adapter(WholeNumber).validate_python(number)
