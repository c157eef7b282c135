"""What mails say, in every language; nothing in them is anybody else's markup."""

import json
from datetime import UTC, datetime
from html.parser import HTMLParser
from importlib.resources import files
from string import Formatter
from typing import Any, Literal

import pytest

from rating.adapters import mails
from rating.adapters.mails import (
    FORM_LANGUAGES,
    STAFF_LANGUAGES,
    Button,
    More,
    RenderedMail,
    render,
    render_low_score,
)

KINDS: tuple[Literal["invitation", "reminder"], ...] = ("invitation", "reminder")
LINK = f"https://candor.test/form#{'a1-_' * 16}&b=<x>"
STOP = "https://candor.test/stop#0123456789"
UNTIL = datetime(2026, 12, 4, 13, 30, tzinfo=UTC)


def asking(kind: Literal["invitation", "reminder"] = "invitation", **changed: Any) -> RenderedMail:
    values = {
        "locale": "en",
        "channel": "Course A",
        "question": "How was it?",
        "link": LINK,
        "until": UNTIL,
        "time_zone": "Europe/Paris",
        "unsubscribe": STOP,
    }
    return render(kind, **{**values, **changed})


class _Elements(HTMLParser):
    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.texts: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs

    def handle_data(self, data: str) -> None:
        self.texts.append(data)

    def all(self, attribute: str) -> list[str | None]:
        return [value for name, value in self.attributes if name == attribute]


@pytest.mark.parametrize("language", FORM_LANGUAGES)
@pytest.mark.parametrize("kind", KINDS)
def test_both_parts_say_the_same(kind: Literal["invitation", "reminder"], language: str) -> None:
    mail = asking(kind, locale=language)
    html = _Elements(mail.html)
    shown = " ".join(html.texts)
    for part in (mail.text, shown):
        for fact in ("Course A", "How was it?", LINK, "2026"):
            assert fact in part
    assert html.all("href") == [LINK, LINK, STOP]
    assert STOP in mail.text
    assert html.all("lang") == [mail.locale] == [language]
    assert len(mail.html.encode()) < 10_000
    assert "{" not in mail.text + mail.subject


@pytest.mark.parametrize("language", FORM_LANGUAGES)
def test_nothing_in_it_is_fetched_or_run(language: str) -> None:
    for mail in (*(asking(kind, locale=language) for kind in KINDS), low_score(language)):
        html = _Elements(mail.html)
        assert not {"img", "script", "link", "form", "iframe", "input"} & set(html.tags)
        assert not html.all("src")
        assert "url(" not in mail.html


@pytest.mark.parametrize(
    ("language", "direction"), [("ar", "rtl"), ("en", "ltr"), ("fr", "ltr"), ("ru", "ltr")]
)
def test_it_is_written_from_its_side(language: str, direction: str) -> None:
    assert _Elements(asking(locale=language).html).all("dir")[0] == direction


def test_its_button_has_the_colours_of_the_form() -> None:
    mail = asking(button=Button("#a59400", "#15181b", "#ffe600", "#0e1113"))
    assert 'bgcolor="#a59400"' in mail.html
    assert "color: #15181b; text-decoration: none" in mail.html
    assert ".button { background: #ffe600 !important; }" in mail.html
    assert ".button a { color: #0e1113 !important; border-color: #ffe600 !important; }" in mail.html
    assert "0b6664" not in mail.html
    assert ".button" not in asking().html


def test_a_name_in_other_letters_stands_apart_in_arabic() -> None:
    assert "\u2068Course <A>\u2069" in asking(locale="ar", channel="Course <A>").text


@pytest.mark.parametrize(
    ("locale", "language"),
    [("fr-CA", "fr"), ("ar-EG", "ar"), ("en-GB", "en"), ("ru", "ru"), ("fr-u-ca-buddhist", "fr"),
     ("fr-XX", "fr"), ("de", "en"), ("zh-Hant-TW", "en"), ("tlh", "en"), ("", "en"), ("x-private", "en")],
)  # fmt: skip
def test_the_nearest_language_is_taken(locale: str, language: str) -> None:
    assert asking(locale=locale).locale == language


@pytest.mark.parametrize(
    ("locale", "zone", "shown"),
    [
        ("en", "Europe/Paris", "December 4, 2026, 2:30 PM (Paris)"),
        ("en-GB", "Asia/Kolkata", "4 December 2026, 19:00 (Kolkata)"),
        ("ru", "Europe/Moscow", "4 декабря 2026 г., 16:30 (Москва)"),  # noqa: RUF001 - Russian
        ("fr", "America/New_York", "4 décembre 2026, 08:30 (New York)"),
        ("fr", "Pacific/Auckland", "5 décembre 2026, 02:30 (Auckland)"),
        ("en", "UTC", "December 4, 2026, 1:30 PM (UTC)"),
        ("ar", "Africa/Cairo", "\u20684 ديسمبر 2026\u2069، \u20683:30 م\u2069 (\u2068القاهرة\u2069)"),  # noqa: RUF001 - Arabic
    ],
)
def test_the_deadline_is_told_where_the_reader_is(locale: str, zone: str, shown: str) -> None:
    mail = asking(locale=locale, time_zone=zone)
    assert shown in mail.text.replace("\u202f", " ").replace("\xa0", " ")
    assert shown in mail.html.replace("\u202f", " ").replace("\xa0", " ")


def test_names_and_questions_are_no_markup() -> None:
    mail = asking(channel='<b>"A" & {link}</b>', question="<script>alert(1)</script> {{ link }} {0}")
    html = _Elements(mail.html)
    assert "script" not in html.tags
    assert "b" not in html.tags
    assert "<script>alert(1)</script> {{ link }} {0}" in "".join(html.texts)
    assert '<b>"A" & {link}</b>' in mail.text
    assert mail.subject.startswith('<b>"A" & {link}</b>')


def low_score(locale: str = "en", more: More | None = None) -> RenderedMail:
    return render_low_score(locale=locale, channel="Course A", score=2, highest=5, link=LINK, more=more)


@pytest.mark.parametrize(("language", "score"), [("en", "2 of 5"), ("ru", "2 из 5"), ("fr", "2 sur 5")])
def test_a_low_score_is_told_with_its_review(language: str, score: str) -> None:
    mail = low_score(language)
    assert mail.locale == language
    for part in (mail.text, " ".join(_Elements(mail.html).texts)):
        for fact in ("Course A", score, LINK):
            assert fact in part
    assert score in mail.subject


@pytest.mark.parametrize(
    ("language", "told"),
    [
        ("en-GB", "More low scores since 14:05 (Paris): 1,234."),
        ("ru", "Ещё низких оценок с 14:05 (Париж): 1\u00a0234."),  # noqa: RUF001 - Russian
        ("fr", "Autres notes basses depuis 14:05 (Paris)\u00a0: 1\u202f234."),
    ],
)
def test_a_low_score_says_how_many_others_there_were(language: str, told: str) -> None:
    more = More(1_234, datetime(2026, 12, 4, 13, 5, tzinfo=UTC), "Europe/Paris")
    mail = low_score(language, more)
    assert told in mail.text
    assert told in " ".join(_Elements(mail.html).texts)


def test_supervisors_who_read_arabic_get_english() -> None:
    assert low_score("ar").locale == "en"


def test_every_language_has_every_text_with_the_same_facts() -> None:
    texts = {
        language: json.loads((files(mails) / "messages" / f"{language}.json").read_text("utf-8"))
        for language in FORM_LANGUAGES
    }
    english = facts_of(texts["en"])
    for language in STAFF_LANGUAGES:
        assert facts_of(texts[language]) == english
    for_clients = {name: facts for name, facts in english.items() if not name.startswith("low_score.")}
    for language in FORM_LANGUAGES:
        assert for_clients.items() <= facts_of(texts[language]).items()


def facts_of(texts: dict[str, str]) -> dict[str, set[str | None]]:
    return {name: {fact for _, fact, _, _ in Formatter().parse(text) if fact} for name, text in texts.items()}
