"""The rules a form is made by; a form keeps those it was made from, for ever."""

from datetime import timedelta
from enum import StrEnum

from pydantic import AwareDatetime

from chassis.eventstore.decider import StoredValue
from rating.domain.rating.eligibility import Eligibility
from rating.domain.rating.ways import WIDGET_ALONE, DeliveryWay


class Scale(StoredValue):
    """Scores run from `lowest` to `highest`, both included; satisfied from `satisfied_from` on."""

    name: str
    lowest: int
    highest: int
    satisfied_from: int

    def holds(self, score: int) -> bool:
        """Whether the scale has this score."""
        return self.lowest <= score <= self.highest


class CommentMode(StrEnum):
    """Whether a form has a field for a comment, and whether it may stay empty."""

    OFF = "off"
    OPTIONAL = "optional"
    REQUIRED = "required"


class CommentRule(StoredValue):
    """What a form asks of a comment; `required_at_or_below` is a score, there if the mode is `REQUIRED`."""

    mode: CommentMode = CommentMode.OPTIONAL
    required_at_or_below: int | None = None


class TagRule(StoredValue):
    """A reason that can be chosen with scores from `lowest` to `highest`, both included."""

    id: str
    lowest: int
    highest: int

    def is_offered_with(self, score: int) -> bool:
        """Whether a client who chose this score sees it."""
        return self.lowest <= score <= self.highest


class FollowUpRule(StoredValue):
    """A follow-up question: with these options, or with a field for words if there are none."""

    id: str
    options: tuple[str, ...] = ()


class FormVersion(StoredValue):
    """What a form keeps of the settings that it was made from: `version` of those of its channel.

    Its texts are those of that version, which never changes, and so they aren't copied; `default_locale` is
    where a text is taken from that isn't written in the client's language (BCP 47). If not `enabled`, no form
    is made, and only of closes that pass `eligibility`.
    The form is offered `delay` after the close, waits for `expiry` from the offer, and its answer can be
    changed for `edit_window` from the first one. A close consumed `offer_window` after it happened, or later,
    gets no form. `comment_limit` is in characters, of the comment and of each follow-up. `names_operator`
    if the form says whom the client talked to. Within `cool_down` of an offer the client is asked nothing
    else in the channel; 0 for none. It is sent by `ways`, best first. If a mail has asked, another one
    reminds `reminder` after the offer; None for none.
    """

    version: int
    scale: Scale
    comment_limit: int
    delay: timedelta
    expiry: timedelta
    edit_window: timedelta
    offer_window: timedelta
    cool_down: timedelta = timedelta(0)
    comment: CommentRule = CommentRule()
    enabled: bool = True
    default_locale: str = "en"
    eligibility: Eligibility = Eligibility()
    tags: tuple[TagRule, ...] = ()
    follow_ups: tuple[FollowUpRule, ...] = ()
    names_operator: bool = False
    ways: tuple[DeliveryWay, ...] = WIDGET_ALONE
    reminder: timedelta | None = None


class Snapshot(StoredValue):
    """Whom a close belongs to, as it was at that moment."""

    dialog: str
    close_seq: int
    channel: str
    client: str
    operator: str | None = None
    operator_name: str | None = None
    team: str | None = None
    locale: str | None = None
    external_id: str | None = None
    closed_at: AwareDatetime
    opened_at: AwareDatetime | None = None


class NotOfferedReason(StrEnum):
    """Why a close gets no form."""

    DISABLED = "disabled"
    REOPENED = "reopened"
    ERASED = "erased"
    SPAM = "spam"
    KIND_OF_CLOSE = "kind_of_close"
    NO_REPLY = "no_reply"
    TOO_SHORT = "too_short"
    TOO_LATE = "too_late"
    ONCE_PER_DIALOG = "once_per_dialog"
    SAMPLED_OUT = "sampled_out"
    COOL_DOWN = "cool_down"
    UNREACHABLE = "unreachable"
    OPTED_OUT = "opted_out"


class CancelledReason(StrEnum):
    """Why a form was withdrawn."""

    REOPENED = "reopened"
    ERASED = "erased"
