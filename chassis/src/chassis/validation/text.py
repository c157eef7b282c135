"""What people write: what counts as nothing, what names and addresses may hold, what languages are called.

Which letters show nothing is in Unicode's data, as `regex` has it.
"""

from typing import Annotated, Final

import langcodes
import regex
from email_validator import EmailNotValidError, validate_email
from langcodes.tag_parser import LanguageTagError
from pydantic import AfterValidator, Field, StringConstraints

from chassis.validation.messages import FIELD_SENTENCES, wrong

LONGEST_NAME: Final = 200
LONGEST_MESSAGE: Final = 10_000
LONGEST_EMAIL: Final = 254
LONGEST_LOCALE: Final = 35
CODE_POINTS: Final = "counted as Unicode code points"

# The last ones show nothing although no property says so: a Braille pattern without dots, marks around
# annotations, a null notehead, the filler of Khitan, the blanks of hieroglyphs.
_UNSEEN: Final = (
    r"\p{White_Space}\p{Default_Ignorable_Code_Point}\p{Cc}\p{Cs}"
    r"\N{BRAILLE PATTERN BLANK}\uFFF9-\uFFFB\U0001D159\U00016FE4\U00013441\U00013442"
)
_SEEN: Final = regex.compile(f"[^{_UNSEEN}]")
_ANY_UNSEEN: Final = regex.compile(f"[{_UNSEEN}]")
_LINE_ENDS: Final = regex.compile(r"[\t-\r\x85\u2028\u2029]+")
_OFFENDING: Final = regex.compile(r"[\p{Cc}\p{Cs}\p{Bidi_Control}\uFFF9-\uFFFB]+")


def is_blank(text: str) -> bool:
    """Whether nobody would see anything in the text."""
    return _SEEN.search(text) is None


def clean_name(text: str) -> str | None:
    """A name fit for mails, logs and other people's screens; None if there is nothing to be seen in it.

    Line ends become spaces; control characters and marks of writing direction go, and so does what is beyond
    200 characters. Letters that join others stay: names of many scripts need them.
    """
    cleaned = _OFFENDING.sub("", _LINE_ENDS.sub(" ", text)).strip()[:LONGEST_NAME].rstrip()
    return None if is_blank(cleaned) else cleaned


def canonical_locale(text: str) -> str | None:
    """A language tag in BCP 47's canonical form, such as ``fr-CA`` for ``fr_ca``; None if it is none.

    Takes also what POSIX calls a locale: ``pt_BR.UTF-8``, ``en_US@euro``; ``C`` names no language.
    """
    text = text.strip().partition("@")[0].partition(".")[0]
    if len(text) > LONGEST_LOCALE:  # langcodes would take its time, and a call for each part
        return None
    try:
        tag = langcodes.standardize_tag(text)
    except LanguageTagError:
        return None
    return tag if len(tag) <= LONGEST_LOCALE else None


def _named(text: str) -> str:
    if (name := clean_name(text)) is None:
        raise wrong(FIELD_SENTENCES["blank"], "blank")
    return name


def _not_blank(text: str) -> str:
    if is_blank(text):
        raise wrong(FIELD_SENTENCES["blank"], "blank")
    return text


def _addressed(text: str) -> str:
    try:
        if _ANY_UNSEEN.search(text) is None:
            return validate_email(text, check_deliverability=False, test_environment=True).normalized
    except EmailNotValidError:
        pass
    raise wrong(FIELD_SENTENCES["not-an-email"], "not-an-email")


def _in_a_language(text: str) -> str:
    if (tag := canonical_locale(text)) is None:
        raise wrong(FIELD_SENTENCES["not-a-language-tag"], "not-a-language-tag")
    return tag


Text = Annotated[str, StringConstraints(max_length=LONGEST_MESSAGE)]
"""Any text, kept as it is. As every type here it is whole: half a surrogate is no text."""

Name = Annotated[str, StringConstraints(min_length=1, max_length=LONGEST_NAME), AfterValidator(_named)]
"""What somebody or something is called, cleaned by `clean_name`."""

Message = Annotated[
    str, StringConstraints(min_length=1, max_length=LONGEST_MESSAGE), AfterValidator(_not_blank)
]
"""Words in which something can be seen, kept as they are."""

Email = Annotated[
    str,
    StringConstraints(strip_whitespace=True, max_length=LONGEST_EMAIL),
    AfterValidator(_addressed),
    Field(json_schema_extra={"format": "email"}),
]
"""An e-mail address that can be written to (RFC 5321, 6531), as `email_validator` has it: its domain is in
lower case and in letters of its language; white space around it goes.
"""

Locale = Annotated[
    str,
    StringConstraints(max_length=LONGEST_LOCALE),
    AfterValidator(_in_a_language),
    Field(description="A language tag (BCP 47), as in fr-CA."),
]
"""A language tag in its canonical form."""

LocaleHint = Annotated[str, StringConstraints(strip_whitespace=True), AfterValidator(canonical_locale)]
"""As `Locale`, from machines: None if it is none."""
