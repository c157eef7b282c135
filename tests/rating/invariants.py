"""What holds of the events of every dialog, whatever was asked of it: one rule for each kind of event.

The rules are those of the life of a form (services/rating/README.md), said once more without the decider.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import assert_never

from rating.domain.rating.decider import RATING
from rating.domain.rating.eligibility import ReopenedPolicy, is_kind_asked, is_too_short
from rating.domain.rating.events import (
    AnswerRecorded,
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
from rating.domain.rating.form_version import CancelledReason, NotOfferedReason
from rating.domain.rating.state import (
    MOST_CHANGES,
    Declined,
    Expired,
    Form,
    Given,
    Offered,
    Rating,
    Registered,
    ReopenedFirst,
    Scheduled,
    Undeliverable,
    Unregistered,
)
from rating.domain.rating.ways import Way

ENDS = (FormNotOffered, RatingGiven, FormExpired, FormCancelled, FormUndeliverable)


def check_dialog(events: Sequence[RatingEvent]) -> Rating:
    """The dialog after its events, in the order of its stream. AssertionError if a rule is broken."""
    rating = RATING.initial
    for event in events:
        _check(rating, event)
        after = RATING.evolve(rating, event)
        _check_snapshots(rating, after)
        rating = after
    for close_seq in rating.closes:
        _check_close([event for event in events if event.close_seq == close_seq])
    return rating


def _check_close(events: Sequence[RatingEvent]) -> None:
    """One close is registered, offered, answered first and settled once."""
    kinds = [type(event) for event in events]
    for kind in (CloseRegistered, FormNotOffered, FormScheduled, FormOffered, RatingGiven, FormExpired):
        assert kinds.count(kind) <= 1, kinds
    ends = [kind for kind in kinds if kind in ENDS]
    # A reopening that was consumed late takes such an end back.
    assert len(ends) <= 1 or ends in ([FormExpired, FormCancelled], [FormUndeliverable, FormCancelled]), kinds


def _check_snapshots(before: Rating, after: Rating) -> None:
    """Whom a close belongs to and the rules of its form never change."""
    for close_seq, close in before.closes.items():
        if not isinstance(close, Unregistered | ReopenedFirst):
            kept = after.close(close_seq)
            assert not isinstance(kept, Unregistered | ReopenedFirst)
            assert kept.form == close.form


def _check(rating: Rating, event: RatingEvent) -> None:  # noqa: C901, PLR0912, PLR0915 - one rule for each event
    close = rating.close(event.close_seq)
    match event:
        case CloseRegistered():
            assert isinstance(close, Unregistered | ReopenedFirst)
            _check_registered(rating, event)
        case ReopeningRegistered():
            assert isinstance(close, Unregistered)
        case FormNotOffered():
            assert isinstance(close, Registered)
            _check_excluded(rating, close.form, event)
        case FormScheduled():
            assert isinstance(close, Registered)
            _check_asked(rating, close.form, event.due_at)
            assert close.form.registered_at < event.due_at
        case FormOffered():
            assert isinstance(close, Registered | Scheduled)
            assert event.expires_at == event.offered_at + close.form.rules.expiry
            if isinstance(close, Scheduled):
                assert event.offered_at >= close.due_at
            else:
                _check_asked(rating, close.form, event.offered_at)
        case RatingGiven():
            assert isinstance(close, Offered | Declined)
            rules = close.form.rules
            assert close.expires_at - rules.expiry <= event.given_at < close.expires_at
            assert event.editable_until == event.given_at + rules.edit_window
            _check_answer(close, event)
        case RatingChanged():
            assert isinstance(close, Given)
            assert event.changed_at < close.editable_until
            assert event.change == close.changes + 1 <= MOST_CHANGES
            assert (event.score, event.fingerprint) != (close.answer.score, close.answer.fingerprint)
            _check_answer(close, event)
        case FormDeclined():
            assert isinstance(close, Offered)
            assert event.declined_at < close.expires_at
        case FormExpired():
            assert isinstance(close, Offered)
            assert close.is_within_reach
            assert event.expired_at == close.expires_at
        case FormCancelled():
            late = isinstance(close, Expired | Undeliverable) and event.reason is CancelledReason.REOPENED
            assert late or isinstance(close, Scheduled | Offered)
        case FormSent() | DeliveryFailed():
            assert isinstance(close, Offered)
            assert event.way in close.ways
            assert event.way not in close.sent
        case ReminderSent():
            assert isinstance(close, Offered)
            assert not close.reminded
            assert Way.EMAIL in close.sent
        case FormUndeliverable():
            assert isinstance(close, Offered)
            assert not close.is_within_reach
            assert not close.ways or event.given_up_at == close.expires_at
        case ClientForgotten():
            assert isinstance(close, Given | Declined)
            assert not close.forgotten
        case _:
            assert_never(event)


def _check_answer(close: Offered | Declined | Given, event: AnswerRecorded) -> None:
    rules = close.form.rules
    assert isinstance(close, Offered) or not close.forgotten
    assert rules.scale.holds(event.score)
    assert (event.comment is None) == (event.fingerprint is None)


def _check_registered(rating: Rating, event: CloseRegistered) -> None:
    """What was written before an undone close counts for this one too, and its draw holds."""
    assert event.facts is not None
    if before := rating.withdrawn(event.close_seq - 1):
        assert event.facts.draw == before.facts.draw
        for count in ("client_messages", "operator_messages", "longest_text"):
            assert getattr(event.facts, count) >= getattr(before.facts, count)


def _check_asked(rating: Rating, form: Form, asks_at: datetime) -> None:
    """Only a close that passes every rule of its own version is asked about, and none that is too old."""
    rules, facts = form.rules.eligibility, form.facts
    assert form.rules.enabled
    assert form.registered_at < form.snapshot.closed_at + form.rules.offer_window
    assert not (facts.spam and rules.skips_spam)
    assert is_kind_asked(rules, facts)
    assert facts.operator_messages or not rules.needs_reply
    assert not is_too_short(rules, facts)
    assert facts.draw < rules.share
    assert form.ways
    asked = rating.last_asked()
    if asked and rules.reopened is ReopenedPolicy.ONCE_PER_DIALOG:
        raise AssertionError(f"{form.snapshot} is asked once more")
    if asked and rules.reopened is ReopenedPolicy.ONCE_WITHIN:
        assert asks_at >= asked + rules.once_within


def _check_excluded(rating: Rating, form: Form, event: FormNotOffered) -> None:
    """A close that asks nobody has a reason that holds of it, or of the one that it resumes."""
    rules, facts = form.rules, form.facts
    holds = {
        NotOfferedReason.DISABLED: not rules.enabled,
        NotOfferedReason.SPAM: facts.spam,
        NotOfferedReason.KIND_OF_CLOSE: not is_kind_asked(rules.eligibility, facts),
        NotOfferedReason.NO_REPLY: not facts.operator_messages,
        NotOfferedReason.TOO_SHORT: is_too_short(rules.eligibility, facts),
        NotOfferedReason.TOO_LATE: form.snapshot.closed_at + rules.offer_window <= event.decided_at,
        NotOfferedReason.OPTED_OUT: facts.opted_out and not form.ways,
        NotOfferedReason.UNREACHABLE: not form.ways,
        NotOfferedReason.SAMPLED_OUT: facts.draw >= rules.eligibility.share,
        NotOfferedReason.ONCE_PER_DIALOG: rating.last_asked() is not None,
    }
    if facts.resumes is None:
        assert holds.get(event.reason, True), f"{event.reason} of {form}"
