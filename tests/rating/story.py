"""How the stories about rating are told: given what was, when a command comes, then these events."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest

from chassis.eventlog.decider import Refused
from rating.domain.answers import Kept, Removed, Written
from rating.domain.events import (
    AnyEvent,
    ClientForgotten,
    CloseHeard,
    FormCancelled,
    FormDeclined,
    FormExpired,
    FormNotOffered,
    FormOffered,
    FormScheduled,
    RatingChanged,
    RatingGiven,
    ReopenHeard,
)
from rating.domain.rating import (
    RATING,
    Command,
    DeclineRating,
    ExpireForm,
    ForgetClient,
    GiveRating,
    HearClose,
    HearReopen,
    OfferForm,
)
from rating.domain.rules import CancelledBecause, NotOfferedBecause, Rules, Scale, Snapshot

CLOSED_AT = datetime(2026, 3, 29, 0, 59, 59, 999000, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
DELAY, EXPIRY, WINDOW = 5 * MINUTE, 60 * MINUTE, 15 * MINUTE
STARS = Scale(name="stars", lowest=1, highest=5, satisfied_from=4)
RULES = Rules(
    version=1,
    question="How did we do?",
    scale=STARS,
    comment_limit=2000,
    delay=timedelta(0),
    expiry=EXPIRY,
    edit_window=WINDOW,
    offer_window=timedelta(hours=24),
)
LATER = RULES.model_copy(update={"delay": DELAY})
"""The same rules, but the form comes five minutes after the close."""


def at(minutes: float) -> datetime:
    """So many minutes after the close."""
    return CLOSED_AT + minutes * MINUTE


def just_before(minutes: float) -> datetime:
    """The last millisecond before that."""
    return at(minutes) - timedelta(milliseconds=1)


def snapshot(close_seq: int = 1, dialog: str = "d1", client: str = "c1") -> Snapshot:
    return Snapshot(
        dialog=dialog,
        close_seq=close_seq,
        channel="shop",
        client=client,
        operator="o1",
        team="north",
        locale="en",
        closed_at=CLOSED_AT,
    )


def hear(
    close_seq: int = 1,
    now: datetime = CLOSED_AT,
    rules: Rules = RULES,
    *,
    by_people: bool = True,
    spam: bool = False,
    replied: bool = True,
    erased: bool = False,
) -> HearClose:
    return HearClose(
        snapshot=snapshot(close_seq),
        rules=rules,
        by_people=by_people,
        spam=spam,
        replied=replied,
        erased=erased,
        now=now,
    )


def reopen(close_seq: int = 1, reopened_at: datetime = CLOSED_AT, now: datetime = CLOSED_AT) -> HearReopen:
    return HearReopen(close_seq, reopened_at, now)


def offer(now: datetime, close_seq: int = 1) -> OfferForm:
    return OfferForm(close_seq, now)


def give(score: int, now: datetime, words: str | None = None, length: int = 0, again: str = "") -> GiveRating:
    """An answer to the first close; `words` stand for the fingerprint of a comment, None keeps what was.

    Sealing the same words again, in the same answer sent `again`, makes another text of them.
    """
    comment = Kept() if words is None else written(words, length, again)
    return GiveRating(1, score, now, comment)


def written(words: str, length: int = 0, again: str = "") -> Written:
    return Written(f"sealed {words}{again}", words, length)


def give_without(score: int, now: datetime) -> GiveRating:
    """An answer that removes the comment."""
    return GiveRating(1, score, now, Removed())


def decline(now: datetime) -> DeclineRating:
    return DeclineRating(1, now)


def expire(now: datetime) -> ExpireForm:
    return ExpireForm(1, now)


def erase(client: str = "c1", now: datetime = CLOSED_AT) -> ForgetClient:
    return ForgetClient(client, now)


def heard(
    close_seq: int = 1, now: datetime = CLOSED_AT, rules: Rules = RULES, *, replied: bool = True
) -> CloseHeard:
    return CloseHeard(
        close_seq=close_seq, snapshot=snapshot(close_seq), rules=rules, heard_at=now, replied=replied
    )


def reopen_heard(close_seq: int = 1) -> ReopenHeard:
    return ReopenHeard(close_seq=close_seq, heard_at=CLOSED_AT)


def not_offered(reason: str, close_seq: int = 1, now: datetime = CLOSED_AT) -> FormNotOffered:
    return FormNotOffered(close_seq=close_seq, reason=NotOfferedBecause(reason), decided_at=now)


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


def expired(at: datetime) -> FormExpired:
    return FormExpired(close_seq=1, expired_at=at)


def cancelled(reason: str, now: datetime = CLOSED_AT, close_seq: int = 1) -> FormCancelled:
    return FormCancelled(close_seq=close_seq, reason=CancelledBecause(reason), cancelled_at=now)


def forgotten(close_seq: int = 1, now: datetime = CLOSED_AT) -> ClientForgotten:
    return ClientForgotten(close_seq=close_seq, forgotten_at=now)


@dataclass(frozen=True)
class Story:
    """A history and the command that comes upon it."""

    history: Sequence[AnyEvent]
    command: Command | None = None

    def when(self, command: Command) -> "Story":
        return Story(self.history, command)

    def then(self, *events: AnyEvent) -> None:
        """Exactly these events follow; none: there was nothing to do."""
        assert list(self._decide()) == list(events)

    def refused(self, *words: str) -> None:
        """The command is refused with a sentence that has these words."""
        with pytest.raises(Refused) as refusal:
            self._decide()
        assert all(word in str(refusal.value) for word in words)
        assert str(refusal.value).endswith(".")

    def _decide(self) -> Sequence[AnyEvent]:
        assert self.command is not None
        return RATING.decide(RATING.fold(RATING.initial, self.history), self.command)


def given(*history: AnyEvent) -> Story:
    return Story(history)
