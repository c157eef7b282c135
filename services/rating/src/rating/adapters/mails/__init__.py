"""The words of mails: subject, text and HTML of each, in the reader's language.

The words are in `messages/`, a file a language; what stands around them in `templates/`.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from importlib.resources import files
from typing import Final, Literal

from babel import Locale, UnknownLocaleError
from babel.dates import format_date, format_time, get_timezone, get_timezone_location
from babel.numbers import format_decimal
from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

FORM_LANGUAGES: Final = ("en", "ru", "fr", "ar")
STAFF_LANGUAGES: Final = ("en", "ru", "fr")
LAST_RESORT: Final = "en"
TEST: Final = "[Test] "
"""Before the subject of a test, in every language."""

_TEMPLATES: Final = Environment(
    loader=PackageLoader(__name__),
    autoescape=select_autoescape(["html"]),
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


@dataclass(frozen=True, slots=True, repr=False)
class RenderedMail:
    """A mail's subject and its two parts, and the language that they are in."""

    subject: str
    text: str
    html: str
    locale: str


@dataclass(frozen=True, slots=True)
class Button:
    """The colours of a mail's button, "#rrggbb"; those on a dark page are the same, if there are none."""

    background: str
    text: str
    dark_background: str | None = None
    dark_text: str | None = None


CANDOR: Final = Button("#0b6664", "#ffffff")


def render(
    kind: Literal["invitation", "reminder", "test"],
    *,
    locale: str,
    channel: str,
    question: str,
    link: str,
    until: datetime,
    time_zone: str,
    unsubscribe: str | None,
    button: Button = CANDOR,
) -> RenderedMail:
    """The mail that asks a client, the one that reminds them, or a test of the first, marked as one.

    `locale` (BCP 47) is the client's; where there are no words in its language they are English. `question`
    is the form's own, in whatever language. `link` opens the form; scores have no links of their own, as
    scanners follow them. `until` is shown as of `time_zone` (IANA), whose city is named.
    """
    reader, zone = _reader(locale, FORM_LANGUAGES), get_timezone(time_zone)
    here = until.astimezone(zone)
    say = _sayings(
        reader,
        channel=channel,
        date=format_date(here, "long", locale=reader),
        time=format_time(here, "short", tzinfo=zone, locale=reader),
        zone=get_timezone_location(zone, locale=reader, return_city=True),
    )
    test = kind == "test"
    told = "invitation" if test else kind
    return _rendered(
        reader,
        subject=f"{TEST if test else ''}{say(f'{told}.subject')}",
        channel=channel,
        title=question,
        intro=say(f"{told}.intro"),
        open=say("open"),
        link=link,
        notes=[*([say("test.note")] if test else []), say("until"), say("unseen")],
        copy=say("copy"),
        why=say("test.why" if test else "why"),
        unsubscribe={"link": unsubscribe, "words": say("unsubscribe")} if unsubscribe else None,
        button=button,
    )


@dataclass(frozen=True, slots=True)
class More:
    """Other low scores that a mail tells of: how many, and since when, as of `time_zone` (IANA)."""

    count: int
    since: datetime
    time_zone: str


def render_low_score(
    *, locale: str, channel: str, score: int, highest: int, link: str, more: More | None = None
) -> RenderedMail:
    """The mail that tells a supervisor of a low score; without a word of the client's.

    It is in the language that `locale` has of `STAFF_LANGUAGES`, in the end English. `highest` is the end of
    the scale. `link` opens the review.
    """
    reader = _reader(locale, STAFF_LANGUAGES)
    told = _texts(reader.language)["low_score.score"].format(score=score, highest=highest)
    say = _sayings(reader, channel=channel, score=told)
    return _rendered(
        reader,
        subject=say("low_score.subject"),
        channel=channel,
        title=say("low_score.title"),
        intro=say("low_score.intro"),
        open=say("low_score.open"),
        link=link,
        notes=[_more(reader, more)] if more else [],
        copy=say("copy"),
        why=say("low_score.why"),
        unsubscribe=None,
    )


def _more(reader: Locale, more: More) -> str:
    zone = get_timezone(more.time_zone)
    say = _sayings(
        reader,
        count=format_decimal(more.count, locale=reader),
        time=format_time(more.since.astimezone(zone), "short", tzinfo=zone, locale=reader),
        zone=get_timezone_location(zone, locale=reader, return_city=True),
    )
    return say("low_score.more")


def _reader(locale: str, languages: Sequence[str]) -> Locale:
    """How dates are written where the reader is, if their language is one of `languages`; else English."""
    for each in (locale, locale.partition("-")[0]):
        with suppress(ValueError, UnknownLocaleError):
            if (found := Locale.parse(each, sep="-")).language in languages:
                return found
    return Locale(LAST_RESORT)


def _sayings(reader: Locale, **facts: str) -> Callable[[str], str]:
    """What gives a text by its name, with the facts in it."""
    texts = _texts(reader.language)
    if reader.text_direction == "rtl":  # a name in Latin letters and signs would run into the text around it
        facts = {
            name: f"\N{FIRST STRONG ISOLATE}{fact}\N{POP DIRECTIONAL ISOLATE}" for name, fact in facts.items()
        }
    return lambda name: texts[name].format_map(facts)


@cache
def _texts(language: str) -> Mapping[str, str]:
    texts: dict[str, str] = json.loads((files(__name__) / "messages" / f"{language}.json").read_text("utf-8"))
    return texts


def _rendered(reader: Locale, *, subject: str, **values: object) -> RenderedMail:
    values = {
        "button": CANDOR,
        **values,
        "subject": subject,
        "locale": reader.language,
        "direction": reader.text_direction,
    }
    text, html = (_TEMPLATES.get_template(f"mail.{each}").render(values) for each in ("txt", "html"))
    return RenderedMail(subject, text, html, reader.language)
