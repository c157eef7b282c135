"""Which thanks a client reads, and in which language what a channel wrote is shown."""

import pytest

from rating.domain.quality_control.texts import BUILT_IN, Texts, in_language, shown

THANKS = {
    "en": Texts(thanks="Thanks.", thanks_satisfied="Glad.", thanks_unsatisfied="Sorry."),
    "fr": Texts(thanks="Merci.", thanks_unsatisfied="Désolé."),
    "de": Texts(),
}


@pytest.mark.parametrize(
    ("locale", "satisfied", "text"),
    [
        ("en", None, "Thanks."),
        ("en", True, "Glad."),
        ("en", False, "Sorry."),
        ("fr", False, "Désolé."),
        ("fr", True, "Merci."),  # in the reader's language rather than for the outcome
        ("de", True, "Glad."),  # nothing is written in German, nor built in
    ],
)
def test_thanks_are_for_the_answer_in_the_readers_language(
    *, locale: str, satisfied: bool | None, text: str
) -> None:
    assert shown(THANKS, [locale], "en", satisfied=satisfied)["thanks"][1] == text
    assert shown({}, [locale], "fr", satisfied=satisfied)["thanks"][1] == BUILT_IN[
        locale if locale in BUILT_IN else "fr"
    ].thanks  # fmt: skip


def test_a_text_of_a_list_is_shown_in_the_first_language_that_there_is() -> None:
    written = {"fr": "lent", "en": "slow", "pt-BR": "lento"}
    assert [in_language(written, [each], "en") for each in ("fr-CA", "pt-BR", "pt", "de")] == [
        "lent", "lento", "slow", "slow"
    ]  # fmt: skip
    assert in_language({"ja": "遅い"}, ["de"], "fr") == "遅い"
