"""Builders for tests of rating: given past events, when a command comes, then these events."""

from datetime import UTC, datetime, timedelta
from typing import Any

from rating.domain.rating.answers import KeepComment, RemoveComment, WrittenComment
from rating.domain.rating.decider import (
    RATING,
    DeclineRating,
    ExpireForm,
    ForgetClient,
    GiveRating,
    OfferForm,
    RegisterClose,
    RegisterReopening,
)
from rating.domain.rating.delivery import RecordFailure, RecordReminder, RecordSending
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
    RatingGiven,
    ReminderSent,
    ReopeningRegistered,
)
from rating.domain.rating.form_version import CancelledReason, FormVersion, NotOfferedReason, Scale, Snapshot
from rating.domain.rating.ways import DeliveryFailureReason, DeliveryWay, Way
from tests.chassis.decider_spec import DeciderSpec

CLOSED_AT = datetime(2026, 3, 29, 0, 59, 59, 999000, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
DELAY, EXPIRY, WINDOW = 5 * MINUTE, 60 * MINUTE, 15 * MINUTE
STARS = Scale(name="stars", lowest=1, highest=5, satisfied_from=4)
RULES = FormVersion(
    version=1,
    scale=STARS,
    comment_limit=2000,
    delay=timedelta(0),
    expiry=EXPIRY,
    edit_window=WINDOW,
    offer_window=timedelta(hours=24),
)
LATER = RULES.model_copy(update={"delay": DELAY})
"""The same rules, but the form comes five minutes after the close."""

SEALED_EMAIL = "eyJhbGciOiJkaXIifQ..aXY.ZW1haWw.dGFn"
MAILED = RULES.model_copy(update={"ways": (DeliveryWay(way=Way.EMAIL),)})
"""The same rules, but the form comes by e-mail alone, at once."""
BOTH = RULES.model_copy(
    update={"ways": (DeliveryWay(way=Way.WIDGET), DeliveryWay(way=Way.EMAIL, after=10 * MINUTE))}
)
"""The same rules, but the form comes by e-mail too, ten minutes after the offer."""
HOOKED = RULES.model_copy(update={"ways": (DeliveryWay(way=Way.WEBHOOK),)})
"""The same rules, but the form goes to the channel's own system alone, at once."""
EVERY_WAY = RULES.model_copy(update={"ways": (*BOTH.ways, DeliveryWay(way=Way.WEBHOOK, after=20 * MINUTE))})
"""The same rules, but the form goes by each way, to the channel's own system after twenty minutes."""


def at(minutes: float) -> datetime:
    """So many minutes after the close."""
    return CLOSED_AT + minutes * MINUTE


def just_before(minutes: float) -> datetime:
    """The last millisecond before that."""
    return at(minutes) - timedelta(milliseconds=1)


def snapshot(
    close_seq: int = 1, dialog: str = "d1", client: str = "c1", closed_at: datetime = CLOSED_AT
) -> Snapshot:
    return Snapshot(
        dialog=dialog,
        close_seq=close_seq,
        channel="shop",
        client=client,
        operator="o1",
        team="north",
        locale="en",
        closed_at=closed_at,
    )


def register(
    close_seq: int = 1,
    now: datetime = CLOSED_AT,
    rules: FormVersion = RULES,
    *,
    by: KindOfClose | None = KindOfClose.OPERATOR,
    replied: bool = True,
    erased: bool = False,
    cooling_down: bool = False,
    closed_at: datetime = CLOSED_AT,
    email: str | None = None,
    **more: Any,
) -> RegisterClose:
    """A close; `more` are facts of it."""
    return RegisterClose(
        snapshot=snapshot(close_seq, closed_at=closed_at),
        rules=rules,
        facts=facts(by, replied=replied, **more),
        erased=erased,
        now=now,
        cooling_down=cooling_down,
        email=email,
    )


def resume(
    close_seq: int = 2,
    now: datetime = CLOSED_AT,
    rules: FormVersion = RULES,
    *,
    closed_at: datetime = CLOSED_AT,
    erased: bool = False,
    **more: Any,
) -> RegisterClose:
    """A close that the system made, as nobody used the reopening of the close before."""
    resumes = close_seq - 1
    return register(
        close_seq,
        now,
        rules,
        by=KindOfClose.SYSTEM,
        replied=False,
        erased=erased,
        resumes=resumes,
        closed_at=closed_at,
        **more,
    )


def register_reopening(
    close_seq: int = 1, reopened_at: datetime = CLOSED_AT, now: datetime = CLOSED_AT
) -> RegisterReopening:
    return RegisterReopening(close_seq, reopened_at, now)


def offer(now: datetime, close_seq: int = 1) -> OfferForm:
    return OfferForm(close_seq, now)


def give(score: int, now: datetime, words: str | None = None, length: int = 0, again: str = "") -> GiveRating:
    """An answer to the first close; `words` stand for the fingerprint of a comment, None keeps what was.

    Sealing the same words again, in the same answer sent `again`, makes another text of them.
    """
    comment = KeepComment() if words is None else written(words, length, again)
    return GiveRating(1, score, now, comment)


def written(words: str, length: int = 0, again: str = "") -> WrittenComment:
    return WrittenComment(f"sealed {words}{again}", words, length)


def give_without(score: int, now: datetime) -> GiveRating:
    """An answer that removes the comment."""
    return GiveRating(1, score, now, RemoveComment())


def decline(now: datetime) -> DeclineRating:
    return DeclineRating(1, now)


def expire(now: datetime) -> ExpireForm:
    return ExpireForm(1, now)


def erase(client: str = "c1", now: datetime = CLOSED_AT) -> ForgetClient:
    return ForgetClient(client, now)


def registered(
    close_seq: int = 1,
    now: datetime = CLOSED_AT,
    rules: FormVersion = RULES,
    *,
    replied: bool = True,
    by: KindOfClose | None = KindOfClose.OPERATOR,
    closed_at: datetime = CLOSED_AT,
    email: str | None = None,
    **more: Any,
) -> CloseRegistered:
    """A close that was registered; `more` are facts of it."""
    known = facts(by, replied=replied, **more)
    return CloseRegistered(
        close_seq=close_seq,
        snapshot=snapshot(close_seq, closed_at=closed_at),
        rules=rules,
        registered_at=now,
        replied=known.operator_messages > 0,
        by_people=by in (KindOfClose.OPERATOR, KindOfClose.CLIENT, None),
        facts=known,
        email=email,
    )


def resumed(
    close_seq: int, now: datetime = CLOSED_AT, rules: FormVersion = RULES, **more: Any
) -> CloseRegistered:
    """A close that was registered, for which the one before was reopened and not used."""
    return registered(close_seq, now, rules, **{"resumes": close_seq - 1, **more})


def facts(by: KindOfClose | None = KindOfClose.OPERATOR, *, replied: bool = True, **more: Any) -> CloseFacts:
    return CloseFacts(**{"closed_by": by, "operator_messages": int(replied), **more})


def reopening_registered(close_seq: int = 1) -> ReopeningRegistered:
    return ReopeningRegistered(close_seq=close_seq, registered_at=CLOSED_AT)


def not_offered(reason: str, close_seq: int = 1, now: datetime = CLOSED_AT) -> FormNotOffered:
    return FormNotOffered(close_seq=close_seq, reason=NotOfferedReason(reason), decided_at=now)


def scheduled(close_seq: int = 1) -> FormScheduled:
    return FormScheduled(close_seq=close_seq, due_at=CLOSED_AT + DELAY)


def offered(now: datetime = CLOSED_AT, close_seq: int = 1) -> FormOffered:
    return FormOffered(close_seq=close_seq, offered_at=now, expires_at=now + EXPIRY)


def rated(score: int, now: datetime, words: str | None = None) -> RatingGiven:
    return RatingGiven(
        close_seq=1,
        score=score,
        comment=words and f"sealed {words}",
        fingerprint=words,
        given_at=now,
        editable_until=now + WINDOW,
    )


def changed(score: int, now: datetime, change: int = 1, words: str | None = None) -> RatingChanged:
    return RatingChanged(
        close_seq=1,
        score=score,
        comment=words and f"sealed {words}",
        fingerprint=words,
        change=change,
        changed_at=now,
    )


def declined(now: datetime) -> FormDeclined:
    return FormDeclined(close_seq=1, declined_at=now)


def expired(at: datetime, close_seq: int = 1) -> FormExpired:
    return FormExpired(close_seq=close_seq, expired_at=at)


def cancelled(reason: str, now: datetime = CLOSED_AT, close_seq: int = 1) -> FormCancelled:
    return FormCancelled(close_seq=close_seq, reason=CancelledReason(reason), cancelled_at=now)


def forgotten(close_seq: int = 1, now: datetime = CLOSED_AT) -> ClientForgotten:
    return ClientForgotten(close_seq=close_seq, forgotten_at=now)


def record_sending(now: datetime = CLOSED_AT, way: Way = Way.EMAIL) -> RecordSending:
    return RecordSending(1, way, now)


def record_reminder(now: datetime) -> RecordReminder:
    return RecordReminder(1, now)


def record_failure(now: datetime, reason: str = "recipient_refused", way: Way = Way.EMAIL) -> RecordFailure:
    return RecordFailure(1, way, DeliveryFailureReason(reason), now)


def sent(now: datetime = CLOSED_AT, way: Way = Way.EMAIL) -> FormSent:
    return FormSent(close_seq=1, way=way, sent_at=now)


def reminded(now: datetime) -> ReminderSent:
    return ReminderSent(close_seq=1, sent_at=now)


def delivery_failed(now: datetime, reason: str = "recipient_refused", way: Way = Way.EMAIL) -> DeliveryFailed:
    return DeliveryFailed(close_seq=1, way=way, reason=DeliveryFailureReason(reason), failed_at=now)


def undeliverable(
    now: datetime, reason: str = "recipient_refused", ways: tuple[Way, ...] = (Way.EMAIL,)
) -> FormUndeliverable:
    return FormUndeliverable(close_seq=1, ways=ways, reason=DeliveryFailureReason(reason), given_up_at=now)


given = DeciderSpec(RATING).given
