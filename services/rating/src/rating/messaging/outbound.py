"""Publishes on `candor.ratings` what became of a close; only what is built here ever leaves the service."""

from typing import Any, assert_never

from chassis.outbox.commit_handler import PublicEvent
from contracts.ratings import (
    AnyRatingEvent,
    CancelledReason,
    NotOfferedReason,
    RatingCancelled,
    RatingDeclined,
    RatingExpired,
    RatingNotOffered,
    RatingOffered,
    RatingScheduled,
    Scale,
    Way,
)
from contracts.ratings import RatingChanged as PublicChanged
from contracts.ratings import RatingGiven as PublicGiven
from contracts.topics import RATINGS
from rating.domain.rating.events import (
    AnswerRecorded,
    ClientForgotten,
    CloseRegistered,
    FormCancelled,
    FormDeclined,
    FormExpired,
    FormNotOffered,
    FormOffered,
    FormScheduled,
    RatingChanged,
    RatingEvent,
    RatingGiven,
    ReopeningRegistered,
)
from rating.domain.rating.form_version import FormVersion, Snapshot
from rating.domain.rating.state import Close, Given, Rating, ReopenedFirst, Unregistered


def to_public(rating: Rating, event: RatingEvent) -> PublicEvent | None:
    """The public form of a private event, `rating` being the state after it; None for what stays private."""
    close = rating.close(event.close_seq)
    if isinstance(close, Unregistered | ReopenedFirst):
        return None
    public = _public(close, event, _of_close(close.form.snapshot), close.form.rules)
    return PublicEvent(topic=RATINGS.name, key=close.form.snapshot.dialog, event=public) if public else None


def _of_close(snapshot: Snapshot) -> dict[str, Any]:
    """Whom the close belongs to, as it was then: nobody who is reassigned later changes it."""
    return snapshot.model_dump(exclude={"closed_at"})


def _public(  # noqa: PLR0911 - one line for each event
    close: Close, event: RatingEvent, of: dict[str, Any], rules: FormVersion
) -> AnyRatingEvent | None:
    match event:
        case CloseRegistered() | ReopeningRegistered() | ClientForgotten():
            return None
        case FormNotOffered():
            reason = NotOfferedReason(event.reason)
            decided_at, version = event.decided_at, rules.version
            return RatingNotOffered(**of, reason=reason, settings_version=version, decided_at=decided_at)
        case FormScheduled():
            return RatingScheduled(**of, due_at=event.due_at, form_version=rules.version)
        case FormOffered():
            return RatingOffered(
                **of,
                offered_at=event.offered_at,
                expires_at=event.expires_at,
                way=Way.WIDGET,
                form_version=rules.version,
            )
        case RatingGiven():
            return PublicGiven(**of, **_answer(close, event, rules))
        case RatingChanged():
            answer = _answer(close, event, rules)
            return PublicChanged(**of, **answer, change=event.change, changed_at=event.changed_at)
        case FormDeclined():
            return RatingDeclined(**of, declined_at=event.declined_at)
        case FormExpired():
            return RatingExpired(**of, expired_at=event.expired_at)
        case FormCancelled():
            why = CancelledReason(event.reason)
            return RatingCancelled(**of, reason=why, cancelled_at=event.cancelled_at)
        case _:
            assert_never(event)


def _answer(close: Close, event: AnswerRecorded, rules: FormVersion) -> dict[str, Any]:
    if not isinstance(close, Given):
        raise TypeError(f"After an answer close {event.close_seq} must be given, not {type(close).__name__}")
    return {
        "scale": Scale(**rules.scale.model_dump()),
        "score": event.score,
        "satisfied": event.score >= rules.scale.satisfied_from,
        "comment": event.comment,
        "form_version": rules.version,
        "given_at": close.given_at,
        "editable_until": close.editable_until,
    }
