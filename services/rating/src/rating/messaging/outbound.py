"""Publishes on `candor.ratings` what became of a close; only what is built here ever leaves the service."""

from typing import Any, Final, assert_never

from chassis.outbox.commit_handler import Publication, PublicEvent
from contracts import topics
from contracts.keys import KEY_EVENTS
from contracts.ratings import (
    RATING_EVENTS,
    CancelledReason,
    NotOfferedReason,
    RatingCancelled,
    RatingChanged,
    RatingDeclined,
    RatingEvent,
    RatingExpired,
    RatingGiven,
    RatingNotOffered,
    RatingOffered,
    RatingScheduled,
    RatingUndeliverable,
    Scale,
    Way,
)
from rating.domain.rating import events as stored
from rating.domain.rating.form_version import FormVersion
from rating.domain.rating.state import CloseToRate, Given, Rating, ReopenedFirst, Unregistered
from rating.read_models.form_documents import RegisteredClose

RATINGS: Final = Publication(topics.RATINGS.name, RATING_EVENTS)
KEYS: Final = Publication(topics.RATING_KEYS.name, KEY_EVENTS)
PUBLISHED: Final = (RATINGS, KEYS)


def to_public(rating: Rating, event: stored.RatingEvent) -> PublicEvent | None:
    """The public form of a private event, `rating` being the state after it; None for what stays private."""
    close = rating.close(event.close_seq)
    if isinstance(close, Unregistered | ReopenedFirst):
        return None
    # Whom the close belongs to, as it was then: nobody who is reassigned later changes it.
    of = close.form.snapshot.model_dump(exclude={"closed_at", "opened_at", "operator_name", "external_id"})
    public = _public(close, event, of, close.form.rules)
    return RATINGS.of(close.form.snapshot.dialog, public) if public else None


def _public(  # noqa: C901, PLR0911 - one line for each event
    close: RegisteredClose, event: stored.RatingEvent, of: dict[str, Any], rules: FormVersion
) -> RatingEvent | None:
    form = {**of, "form_version": rules.version}
    match event:
        case stored.CloseRegistered() | stored.ReopeningRegistered() | stored.ClientForgotten():
            return None
        case stored.FormSent() | stored.ReminderSent() | stored.DeliveryFailed():
            return None
        case stored.FormNotOffered():
            why = NotOfferedReason(event.reason)
            return RatingNotOffered(
                **of, reason=why, settings_version=rules.version, decided_at=event.decided_at
            )
        case stored.FormScheduled():
            return RatingScheduled(**form, due_at=event.due_at)
        case stored.FormOffered():
            return RatingOffered(
                **form, offered_at=event.offered_at, expires_at=event.expires_at, way=Way(close.form.ways[0])
            )
        case stored.RatingGiven():
            return RatingGiven(**of, **_answer(close, event, rules))
        case stored.RatingChanged():
            answer = _answer(close, event, rules)
            return RatingChanged(**of, **answer, change=event.change, changed_at=event.changed_at)
        case stored.FormDeclined():
            return RatingDeclined(**of, declined_at=event.declined_at)
        case stored.FormExpired():
            return RatingExpired(**of, expired_at=event.expired_at)
        case stored.FormCancelled():
            reason = CancelledReason(event.reason)
            return RatingCancelled(**of, reason=reason, cancelled_at=event.cancelled_at)
        case stored.FormUndeliverable():
            ways = tuple(Way(way) for way in event.ways)
            return RatingUndeliverable(**of, ways=ways, reason=event.reason, given_up_at=event.given_up_at)
        case _:
            assert_never(event)


def _answer(close: CloseToRate, event: stored.AnswerRecorded, rules: FormVersion) -> dict[str, Any]:
    if not isinstance(close, Given):
        raise TypeError(f"After an answer close {event.close_seq} must be given, not {type(close).__name__}")
    return {
        "scale": Scale(**rules.scale.model_dump()),
        "score": event.score,
        "satisfied": event.score >= rules.scale.satisfied_from,
        "comment": event.comment,
        "tags": event.tags,
        "answers": {
            question: each.text if each.option is None else (each.option,)
            for question, each in event.follow_ups.items()
        },
        "form_version": rules.version,
        "given_at": close.given_at,
        "editable_until": close.editable_until,
    }
