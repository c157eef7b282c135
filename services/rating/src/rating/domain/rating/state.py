"""What a close can be: one small shape for each, so that given and expired can't be written together."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import assert_never

from rating.domain.rating.answers import Answer, FollowUpAnswer
from rating.domain.rating.eligibility import CloseFacts, KindOfClose
from rating.domain.rating.events import (
    ClientForgotten,
    CloseRegistered,
    DeliveryFailed,
    FormCancelled,
    FormDeclined,
    FormExpired,
    FormNotOffered,
    FormOffered,
    FormScheduled,
    FormSent,
    FormUndeliverable,
    RatingChanged,
    RatingEvent,
    RatingGiven,
    ReminderSent,
    ReopeningRegistered,
)
from rating.domain.rating.form_version import CancelledReason, FormVersion, NotOfferedReason, Snapshot
from rating.domain.rating.ways import DeliveryFailureReason, Way, usable

MOST_CHANGES = 20
"""Of one answer: each is kept for ever, and published to every subscriber."""


@dataclass(frozen=True)
class Form:
    """Whom the form of a close belongs to, the rules it was made from, and what was said of the close.

    `email` is the client's address, sealed.
    """

    snapshot: Snapshot
    rules: FormVersion
    facts: CloseFacts
    registered_at: datetime
    email: str | None = field(default=None, repr=False)

    @property
    def ways(self) -> tuple[Way, ...]:
        """The ways of its rules that lead to the client, best first."""
        return usable(self.rules.ways, self.facts.ways)


@dataclass(frozen=True)
class Unregistered:
    """Nothing is known of this close."""


@dataclass(frozen=True)
class ReopenedFirst:
    """Reopened before it was registered."""


@dataclass(frozen=True)
class Registered:
    """Registered, and not yet decided; lasts only within one decision."""

    form: Form


@dataclass(frozen=True)
class NotOffered:
    """There is no form and never will be."""

    form: Form
    reason: NotOfferedReason


@dataclass(frozen=True)
class Scheduled:
    """Offered later."""

    form: Form
    due_at: datetime


@dataclass(frozen=True)
class Offered:
    """Waiting for its client.

    By `ways` it can still be sent; by those in `sent` it was, at those times.
    """

    form: Form
    expires_at: datetime
    ways: tuple[Way, ...] = (Way.WIDGET,)
    sent: Mapping[Way, datetime] = field(default_factory=dict)
    reminded: bool = False

    @property
    def offered_at(self) -> datetime:
        """When it was offered."""
        return self.expires_at - self.form.rules.expiry

    @property
    def is_within_reach(self) -> bool:
        """Whether its client can see it, or could. The widget counts until the expiry."""
        return Way.WIDGET in self.ways or bool(self.sent)


@dataclass(frozen=True)
class Given:
    """Answered, and `changes` times more; the last answer counts, for good once the client is `forgotten`.

    `score_before` is that of the answer before the last one; None if there is none.
    """

    form: Form
    expires_at: datetime
    answer: Answer
    given_at: datetime
    editable_until: datetime
    changes: int = 0
    forgotten: bool = False
    score_before: int | None = None

    @property
    def is_open(self) -> bool:
        """Whether the answer may change, as long as there is time for it."""
        return self.changes < MOST_CHANGES and not self.forgotten


@dataclass(frozen=True)
class Declined:
    """Declined, and open to a change of mind until the expiry, unless the client is `forgotten`."""

    form: Form
    expires_at: datetime
    forgotten: bool = False


@dataclass(frozen=True)
class Expired:
    """Never answered."""

    form: Form
    expired_at: datetime


@dataclass(frozen=True)
class Cancelled:
    """Withdrawn; `offered` if it had been offered before."""

    form: Form
    reason: CancelledReason
    cancelled_at: datetime
    offered: bool = True


@dataclass(frozen=True)
class Undeliverable:
    """Given up: it reached its client by no way."""

    form: Form
    reason: DeliveryFailureReason
    given_up_at: datetime


CloseToRate = (
    Unregistered | ReopenedFirst | Registered | NotOffered | Scheduled
    | Offered | Given | Declined | Expired | Cancelled | Undeliverable
)  # fmt: skip


@dataclass(frozen=True)
class Rating:
    """All closes of one dialog."""

    closes: Mapping[int, CloseToRate] = field(default_factory=dict)

    def close(self, close_seq: int) -> CloseToRate:
        """The close of that number; `Unregistered` if there is none."""
        return self.closes.get(close_seq, Unregistered())

    def was_reopened(self, close_seq: int) -> bool:
        """Whether a close was reopened before it was registered: that was consumed, or a later close was."""
        is_reopened = isinstance(self.close(close_seq), ReopenedFirst)
        return is_reopened or any(later > close_seq for later in self.closes)

    def withdrawn(self, close_seq: int) -> Form | None:
        """The form of that close, if a reopening has withdrawn it."""
        match self.close(close_seq):
            case Cancelled(form, CancelledReason.REOPENED) | NotOffered(form, NotOfferedReason.REOPENED):
                return form
            case _:
                return None

    def last_asked(self) -> datetime | None:
        """When the last form was offered that the client has answered, declined, or left to expire."""
        settled = [
            (close.expired_at if isinstance(close, Expired) else close.expires_at) - close.form.rules.expiry
            for close in self.closes.values()
            if isinstance(close, Given | Declined | Expired)
        ]
        return max(settled, default=None)


def evolve(rating: Rating, event: RatingEvent) -> Rating:
    """The dialog after the event."""
    close = _after(rating.close(event.close_seq), event)
    return Rating({**rating.closes, event.close_seq: close})


def _after(close: CloseToRate, event: RatingEvent) -> CloseToRate:  # noqa: C901, PLR0911, PLR0912 - one line for each event
    if isinstance(event, CloseRegistered):
        return Registered(Form(event.snapshot, event.rules, _facts(event), event.registered_at, event.email))
    if isinstance(event, ReopeningRegistered):
        return ReopenedFirst()
    if isinstance(close, Unregistered | ReopenedFirst):
        return close
    match event:
        case FormNotOffered():
            return NotOffered(close.form, event.reason)
        case FormScheduled():
            return Scheduled(close.form, event.due_at)
        case FormOffered():
            return Offered(close.form, event.expires_at, close.form.ways)
        case RatingGiven() | RatingChanged():
            return _answered(close, event)
        case FormDeclined():
            return Declined(close.form, close.expires_at) if isinstance(close, Offered) else close
        case FormExpired():
            return Expired(close.form, event.expired_at)
        case FormCancelled():
            return Cancelled(
                close.form, event.reason, event.cancelled_at, offered=not isinstance(close, Scheduled)
            )
        case ClientForgotten():
            return replace(close, forgotten=True) if isinstance(close, Given | Declined) else close
        case FormSent() | ReminderSent() | DeliveryFailed():
            return _delivered(close, event) if isinstance(close, Offered) else close
        case FormUndeliverable():
            return Undeliverable(close.form, event.reason, event.given_up_at)
        case _:
            assert_never(event)


def _delivered(close: Offered, event: FormSent | ReminderSent | DeliveryFailed) -> Offered:
    match event:
        case FormSent():
            return replace(close, sent={**close.sent, event.way: event.sent_at})
        case ReminderSent():
            return replace(close, reminded=True)
        case DeliveryFailed():
            return replace(close, ways=tuple(way for way in close.ways if way is not event.way))
        case _:
            assert_never(event)


def _facts(event: CloseRegistered) -> CloseFacts:
    if event.facts is not None:
        return event.facts
    return CloseFacts(
        closed_by=None if event.by_people else KindOfClose.SYSTEM, operator_messages=int(event.replied)
    )


def _answered(close: CloseToRate, event: RatingGiven | RatingChanged) -> CloseToRate:
    follow_ups = {
        question: FollowUpAnswer(each.option, each.fingerprint, each.text)
        for question, each in event.follow_ups.items()
    }
    answer = Answer(event.score, event.fingerprint, event.comment, event.tags, follow_ups)
    match event:
        case RatingGiven() if isinstance(close, Offered | Declined):
            return Given(close.form, close.expires_at, answer, event.given_at, event.editable_until)
        case RatingChanged() if isinstance(close, Given):
            return replace(close, answer=answer, changes=event.change, score_before=close.answer.score)
        case _:
            return close
