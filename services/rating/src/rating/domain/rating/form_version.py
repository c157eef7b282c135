"""The rules a form is made by; a form keeps those it was made from, for ever."""

from datetime import timedelta
from enum import StrEnum

from pydantic import AwareDatetime

from chassis.eventstore.decider import StoredValue


class Scale(StoredValue):
    """Scores run from `lowest` to `highest`, both included; satisfied from `satisfied_from` on."""

    name: str
    lowest: int
    highest: int
    satisfied_from: int

    def holds(self, score: int) -> bool:
        """Whether the scale has this score."""
        return self.lowest <= score <= self.highest


class FormVersion(StoredValue):
    """One version of a channel's settings.

    The form is offered `delay` after the close, waits for `expiry` from the offer, and its answer can be
    changed for `edit_window` from the first one. A close consumed `offer_window` after it happened, or later,
    gets no form. `comment_limit` is in characters. Within `cool_down` of an offer the client is asked nothing
    else in the channel; 0 for none.
    """

    version: int
    question: str
    scale: Scale
    comment_limit: int
    delay: timedelta
    expiry: timedelta
    edit_window: timedelta
    offer_window: timedelta
    cool_down: timedelta = timedelta(0)


class Snapshot(StoredValue):
    """Whom a close belongs to, as it was at that moment."""

    dialog: str
    close_seq: int
    channel: str
    client: str
    operator: str | None = None
    team: str | None = None
    locale: str | None = None
    closed_at: AwareDatetime


class NotOfferedReason(StrEnum):
    """Why a close gets no form."""

    REOPENED = "reopened"
    ERASED = "erased"
    SPAM = "spam"
    KIND_OF_CLOSE = "kind_of_close"
    NO_REPLY = "no_reply"
    TOO_LATE = "too_late"
    ONCE_PER_DIALOG = "once_per_dialog"
    COOL_DOWN = "cool_down"


class CancelledReason(StrEnum):
    """Why a form was withdrawn."""

    REOPENED = "reopened"
    ERASED = "erased"
