"""The texts of a form, and in which language each is shown: RFC 4647's lookup, text by text."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from chassis.eventstore.decider import StoredValue

LAST_RESORT: Final = "en"


class Texts(StoredValue):
    """A form's texts in one language; None for those that aren't written in it.

    `low_end` and `high_end` stand at the ends of the scale, `comment` over the field for a comment. `thanks`
    is said to everybody for whose score there is no thanks of its own. `expired` stands where the time to
    answer is over.
    """

    question: str | None = None
    low_end: str | None = None
    high_end: str | None = None
    comment: str | None = None
    thanks: str | None = None
    thanks_satisfied: str | None = None
    thanks_unsatisfied: str | None = None
    expired: str | None = None

    def shown(self, *, satisfied: bool | None) -> Iterator[tuple[str, str]]:
        """Its texts by their names, with the thanks for an answer that is `satisfied`, None: for any."""
        own = {True: self.thanks_satisfied, False: self.thanks_unsatisfied, None: None}[satisfied]
        for name in SHOWN:
            if (text := own or self.thanks if name == "thanks" else getattr(self, name)) is not None:
                yield name, text


SHOWN: Final = ("question", "low_end", "high_end", "comment", "thanks", "expired")
"""The texts of a form, of which the thanks depends on the answer."""

# Forms refer to these as to every version: a text that was released is never reworded.
BUILT_IN: Final[Mapping[str, Texts]] = {
    "en": Texts(
        question="How was your conversation with us?",
        low_end="Very bad",
        high_end="Very good",
        comment="Would you like to add anything?",
        thanks="Thank you for your answer.",
    ),
    "ru": Texts(
        question="Как прошёл ваш разговор с нами?",  # noqa: RUF001 - Russian
        low_end="Очень плохо",
        high_end="Очень хорошо",
        comment="Хотите что-нибудь добавить?",
        thanks="Спасибо за ваш ответ.",
    ),
    "fr": Texts(
        question="Comment s’est passé votre échange avec nous\N{NARROW NO-BREAK SPACE}?",
        low_end="Très mal",
        high_end="Très bien",
        comment="Souhaitez-vous ajouter quelque chose\N{NARROW NO-BREAK SPACE}?",
        thanks="Merci pour votre réponse.",
    ),
    "ar": Texts(
        question="كيف كانت محادثتك معنا؟",
        low_end="سيئة جدًا",
        high_end="جيدة جدًا",
        comment="هل تودّ إضافة شيء؟",
        thanks="شكرًا لك على إجابتك.",
    ),
}
"""What is shown where a channel has written nothing, by locale."""


def shown(
    written: Mapping[str, Texts],
    wanted: Sequence[str],
    default_locale: str,
    *,
    satisfied: bool | None = None,
) -> Mapping[str, tuple[str, str]]:
    """Each text by its name, as the locale that it is written in and the text itself.

    The first that is there holds: what the channel has written in a locale of `wanted` (the likeliest first),
    or in a more general one, then in its default locale; then what is built in, in the same order; then
    English. There may be no `expired`. The thanks is the one for an answer that is `satisfied`.
    """
    ranges = [each for locale in (*wanted, default_locale) for each in lookup(locale)]
    sources = [(each, written[each]) for each in ranges if each in written]
    sources += [(each, BUILT_IN[each]) for each in (*ranges, LAST_RESORT) if each in BUILT_IN]
    found: dict[str, tuple[str, str]] = {}
    for locale, texts in sources:
        for name, text in texts.shown(satisfied=satisfied):
            found.setdefault(name, (locale, text))
    return found


def in_language(texts: Mapping[str, str], wanted: Sequence[str], default_locale: str) -> str:
    """A text that is written by locale, in the first of these languages, else in any."""
    ranges = (each for locale in (*wanted, default_locale, LAST_RESORT) for each in lookup(locale))
    return next((texts[each] for each in ranges if each in texts), next(iter(texts.values()), ""))


def lookup(locale: str) -> Iterator[str]:
    """A locale, then ever more general ones: ``zh-Hant-TW``, ``zh-Hant``, ``zh`` (RFC 4647, 3.4)."""
    parts = locale.split("-")
    while parts:
        yield "-".join(parts)
        parts.pop()
        if parts and len(parts[-1]) == 1:  # introduces an extension, and says nothing alone
            parts.pop()
