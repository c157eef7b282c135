"""A close has at most one form, and a form is answered or expires, never both."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, assert_never

from chassis.errors import CommandRejected
from chassis.eventstore.decider import Decider
from rating.domain.rating.answers import (
    KEEP_COMMENT,
    Answer,
    ChosenOption,
    Comment,
    FollowUpChange,
    RemoveComment,
    WrittenComment,
    answered,
)
from rating.domain.rating.delivery import (
    DeliveryCommand,
    RecordFailure,
    RecordReminder,
    RecordSending,
    record,
    undeliverable,
)
from rating.domain.rating.eligibility import (
    PEOPLE,
    CloseFacts,
    KindOfClose,
    ReopenedPolicy,
    is_kind_asked,
    is_too_short,
)
from rating.domain.rating.events import (
    EVENTS,
    ClientForgotten,
    CloseRegistered,
    FollowUpRecorded,
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
from rating.domain.rating.form_version import (
    CancelledReason,
    CommentMode,
    FormVersion,
    NotOfferedReason,
    Snapshot,
)
from rating.domain.rating.state import (
    MOST_CHANGES,
    Cancelled,
    CloseToRate,
    Declined,
    Expired,
    Given,
    NotOffered,
    Offered,
    Rating,
    Registered,
    ReopenedFirst,
    Scheduled,
    Undeliverable,
    Unregistered,
    evolve,
)
from rating.domain.rating.ways import DeliveryFailureReason, mails, usable
from rating.domain.rejections import Rejection


@dataclass(frozen=True)
class RegisterClose:
    """A dialog was closed; `erased` if its client is already forgotten.

    `cooling_down` if the client may not be asked yet. `email` is their address, sealed.
    """

    snapshot: Snapshot
    rules: FormVersion
    facts: CloseFacts
    erased: bool
    now: datetime
    cooling_down: bool = False
    email: str | None = field(default=None, repr=False)


@dataclass(frozen=True)
class RegisterReopening:
    """A close was reopened; this may be consumed long after it was."""

    close_seq: int
    reopened_at: datetime
    now: datetime


@dataclass(frozen=True)
class OfferForm:
    """The delay may be over."""

    close_seq: int
    now: datetime


@dataclass(frozen=True)
class GiveRating:
    """A client answers, or changes their answer."""

    close_seq: int
    score: int
    now: datetime
    comment: Comment = KEEP_COMMENT
    tags: tuple[str, ...] | None = None
    follow_ups: Mapping[str, FollowUpChange] = field(default_factory=dict)

    def answer(self, rules: FormVersion, before: Answer | None = None) -> Answer:
        """The whole answer, `before` being the one that it changes."""
        return answered(rules, self.score, self.comment, before, tags=self.tags, follow_ups=self.follow_ups)


@dataclass(frozen=True)
class DeclineRating:
    """A client says "No, thanks"."""

    close_seq: int
    now: datetime


@dataclass(frozen=True)
class ExpireForm:
    """The time to answer may be over."""

    close_seq: int
    now: datetime


@dataclass(frozen=True)
class ForgetClient:
    """A client is to be forgotten: nothing more is asked of them, nor taken from them."""

    client: str
    now: datetime


RatingCommand = (
    RegisterClose | RegisterReopening | OfferForm | GiveRating | DeclineRating | ExpireForm | ForgetClient
    | DeliveryCommand
)  # fmt: skip


def decide(rating: Rating, command: RatingCommand) -> Sequence[RatingEvent]:  # noqa: PLR0911 - one for each command
    """What follows from the command; raises `CommandRejected`."""
    match command:
        case RegisterClose():
            return register_close(rating, command)
        case RegisterReopening():
            return register_reopening(rating.close(command.close_seq), command)
        case OfferForm():
            return offer(rating.close(command.close_seq), command)
        case GiveRating():
            return give(rating.close(command.close_seq), command)
        case DeclineRating():
            return decline(rating.close(command.close_seq), command)
        case ExpireForm():
            return expire(rating.close(command.close_seq), command)
        case ForgetClient():
            return forget(rating, command)
        case RecordSending() | RecordReminder() | RecordFailure():
            return record(rating.close(command.close_seq), command)
        case _:
            assert_never(command)


def register_close(rating: Rating, command: RegisterClose) -> Sequence[RatingEvent]:
    """The first time that a close is consumed decides about its form."""
    if not isinstance(rating.close(command.snapshot.close_seq), Unregistered | ReopenedFirst):
        return []
    reopenings = _implied_reopenings(rating, command)
    return [*reopenings, *_registered(RATING.fold(rating, reopenings), command)]


def _implied_reopenings(rating: Rating, command: RegisterClose) -> Sequence[RatingEvent]:
    """A close implies that those before it were reopened, which may be consumed late or never."""
    closed, resumed = command.snapshot, command.facts.resumes
    before = {close_seq for close_seq in rating.closes if close_seq < closed.close_seq}
    events: list[RatingEvent] = []
    for close_seq in sorted(before | ({resumed} if resumed is not None else set())):
        implied = RegisterReopening(close_seq, closed.closed_at, command.now)
        events += register_reopening(rating.close(close_seq), implied)
    return events


def _registered(rating: Rating, command: RegisterClose) -> Sequence[RatingEvent]:
    snapshot = command.snapshot
    if before := rating.withdrawn(snapshot.close_seq - 1):
        # Else whoever closes, reopens and closes again at once would get a close without a form.
        command = replace(command, facts=command.facts.after(before.facts))
    command, kept = decided_before(rating, command)
    registered = CloseRegistered(
        close_seq=snapshot.close_seq,
        snapshot=snapshot,
        rules=command.rules,
        registered_at=command.now,
        replied=command.facts.operator_messages > 0,
        by_people=command.facts.closed_by in (*PEOPLE, None),
        facts=command.facts,
        email=command.email,
    )
    return [registered, _decided(command, kept or exclusion_reason(command, rating.last_asked()))]


def decided_before(rating: Rating, command: RegisterClose) -> tuple[RegisterClose, NotOfferedReason | None]:
    """The command by the rules that hold for this close, and the reason that it has before any is looked at.

    What comes of it, put in again, stays as it is.
    """
    kept = None
    if command.facts.resumes is not None:
        command, kept = _resuming(rating.close(command.facts.resumes), command)
    if kept is None and rating.was_reopened(command.snapshot.close_seq):
        kept = NotOfferedReason.REOPENED
    return command, kept


def _resuming(before: CloseToRate, command: RegisterClose) -> tuple[RegisterClose, NotOfferedReason | None]:
    """The command by the rules of the close before, and the reason why that was not asked, or is settled."""
    match before:
        case (
            Cancelled(form, CancelledReason.REOPENED)
            | NotOffered(form, NotOfferedReason.REOPENED)
            | Registered(form)
            | Scheduled(form)
            | Offered(form)
        ):
            return replace(_ended_by(command, form.facts.closed_by), rules=form.rules), None
        case Unregistered() | ReopenedFirst():
            return _ended_by(command, None), None
        case NotOffered(reason=reason):
            return command, reason
        case Given() | Declined() | Expired():
            return command, NotOfferedReason.ONCE_PER_DIALOG
        case Cancelled():
            return command, NotOfferedReason.ERASED
        case Undeliverable():
            return command, NotOfferedReason.UNREACHABLE
        case _:
            assert_never(before)


def _ended_by(command: RegisterClose, kind: KindOfClose | None) -> RegisterClose:
    return replace(command, facts=command.facts.model_copy(update={"closed_by": kind}))


def exclusion_reason(command: RegisterClose, last_asked: datetime | None) -> NotOfferedReason | None:
    """The first reason that this close gets no form, if there is one; `last_asked` as in `exclusions`."""
    return next((reason for reason, applies in exclusions(command, last_asked).items() if applies), None)


def exclusions(command: RegisterClose, last_asked: datetime | None) -> Mapping[NotOfferedReason, bool]:
    """Whether each rule gives this close no form, in the order in which the rules are looked at.

    `last_asked` is when the last form of the dialog was offered that its client has dealt with.
    """
    rules, facts = command.rules.eligibility, command.facts
    nowhere = not usable(command.rules.ways, facts.ways)
    return {
        NotOfferedReason.DISABLED: not command.rules.enabled,
        NotOfferedReason.ERASED: command.erased,
        NotOfferedReason.SPAM: facts.spam and rules.skips_spam,
        NotOfferedReason.KIND_OF_CLOSE: not is_kind_asked(rules, facts),
        NotOfferedReason.NO_REPLY: rules.needs_reply and not facts.operator_messages,
        NotOfferedReason.TOO_SHORT: is_too_short(rules, facts),
        NotOfferedReason.TOO_LATE: command.snapshot.closed_at + command.rules.offer_window <= command.now,
        NotOfferedReason.ONCE_PER_DIALOG: _was_asked(command, last_asked),
        NotOfferedReason.OPTED_OUT: nowhere and facts.opted_out and mails(command.rules.ways),
        NotOfferedReason.UNREACHABLE: nowhere,
        NotOfferedReason.SAMPLED_OUT: facts.draw >= rules.share,
        NotOfferedReason.COOL_DOWN: command.cooling_down,
    }


def _was_asked(command: RegisterClose, last_asked: datetime | None) -> bool:
    rules = command.rules.eligibility
    match rules.reopened:
        case ReopenedPolicy.EACH_CLOSE:
            return False
        case ReopenedPolicy.ONCE_PER_DIALOG:
            return last_asked is not None
        case ReopenedPolicy.ONCE_WITHIN:
            return last_asked is not None and asks_at(command) < last_asked + rules.once_within
        case _:
            assert_never(rules.reopened)


def asks_at(command: RegisterClose) -> datetime:
    """When the close would be asked about."""
    # No close lies ahead, whatever its clock says.
    due_at = min(command.snapshot.closed_at, command.now) + command.rules.delay
    return max(command.now, due_at)


def _decided(command: RegisterClose, reason: NotOfferedReason | None) -> RatingEvent:
    close_seq, rules, due_at = command.snapshot.close_seq, command.rules, asks_at(command)
    if reason:
        return FormNotOffered(close_seq=close_seq, reason=reason, decided_at=command.now)
    if command.now < due_at:
        return FormScheduled(close_seq=close_seq, due_at=due_at)
    return _offered(close_seq, rules, command.now)


def question_in(events: Sequence[RatingEvent]) -> tuple[FormVersion, datetime] | None:
    """The rules of the form that these events make of a close, and when it is offered; None if they don't."""
    rules = [event.rules for event in events if isinstance(event, CloseRegistered)]
    match events:
        case [*_, FormScheduled(due_at=moment) | FormOffered(offered_at=moment)] if rules:
            return rules[-1], moment
        case _:
            return None


def _offered(close_seq: int, rules: FormVersion, now: datetime) -> FormOffered:
    return FormOffered(close_seq=close_seq, offered_at=now, expires_at=now + rules.expiry)


def register_reopening(close: CloseToRate, command: RegisterReopening) -> Sequence[RatingEvent]:
    """Reopening withdraws a form that waits, and keeps what the client has answered.

    Consumed late, it takes an expiry back: a form that was withdrawn before its deadline can't have expired.
    """
    match close:
        case Unregistered():
            return [ReopeningRegistered(close_seq=command.close_seq, registered_at=command.now)]
        case Scheduled() | Offered():
            return [_cancelled(command.close_seq, CancelledReason.REOPENED, command.now)]
        case Expired(expired_at=ended_at) | Undeliverable(given_up_at=ended_at) if (
            command.reopened_at < ended_at
        ):
            return [_cancelled(command.close_seq, CancelledReason.REOPENED, command.now)]
        case (
            ReopenedFirst() | Registered() | NotOffered() | Given() | Declined() | Expired() | Cancelled()
            | Undeliverable()
        ):  # fmt: skip
            return []
        case _:
            assert_never(close)


def _cancelled(close_seq: int, reason: CancelledReason, now: datetime) -> FormCancelled:
    return FormCancelled(close_seq=close_seq, reason=reason, cancelled_at=now)


def offer(close: CloseToRate, command: OfferForm) -> Sequence[RatingEvent]:
    """A scheduled form is offered when its time has come."""
    if isinstance(close, Scheduled) and command.now >= close.due_at:
        return [_offered(command.close_seq, close.form.rules, command.now)]
    return []


def give(close: CloseToRate, command: GiveRating) -> Sequence[RatingEvent]:
    """An answer counts until the form expires, and can be changed within the edit window of the first."""
    match close:
        case Given(forgotten=True) | Declined(forgotten=True):
            raise CommandRejected(Rejection.CLIENT_ERASED)
        case Given() if close.answer == command.answer(close.form.rules, close.answer):
            return []
        case Given() if command.now < close.editable_until and not close.is_open:
            raise CommandRejected(Rejection.CHANGED_TOO_OFTEN, most=MOST_CHANGES)
        case Given() if command.now < close.editable_until:
            return [_change(close, _checked(close.form.rules, command, close.answer))]
        case Given():
            raise CommandRejected(Rejection.CHANGE_WINDOW_OVER)
        case Offered() | Declined() if command.now < close.expires_at:
            return [_first(close.form.rules, _checked(close.form.rules, command))]
        case Offered() | Declined() | Expired():
            raise CommandRejected(Rejection.RATING_WINDOW_OVER)
        case Cancelled():
            raise CommandRejected(Rejection.FORM_WITHDRAWN)
        case Unregistered() | ReopenedFirst() | Registered() | NotOffered() | Scheduled() | Undeliverable():
            raise CommandRejected(Rejection.NO_SUCH_FORM)
        case _:
            assert_never(close)


def _checked(rules: FormVersion, command: GiveRating, before: Answer | None = None) -> GiveRating:
    if not rules.scale.holds(command.score):
        scale = rules.scale
        raise CommandRejected(Rejection.SCORE_NOT_ON_SCALE, lowest=scale.lowest, highest=scale.highest)
    if isinstance(command.comment, WrittenComment) and command.comment.length > rules.comment_limit:
        raise CommandRejected(Rejection.COMMENT_TOO_LONG, most=rules.comment_limit)
    if isinstance(command.comment, WrittenComment) and rules.comment.mode is CommentMode.OFF:
        raise CommandRejected(Rejection.COMMENT_NOT_ASKED)
    _check_tags_and_follow_ups(rules, command)
    limit, whole = rules.comment.required_at_or_below, command.answer(rules, before)
    if limit is not None and command.score <= limit and whole.comment is None:
        raise CommandRejected(Rejection.COMMENT_REQUIRED, at_or_below=limit)
    return command


def _check_tags_and_follow_ups(rules: FormVersion, command: GiveRating) -> None:
    """Refuses tags and follow-ups that the form doesn't have."""
    if not set(command.tags or ()) <= {tag.id for tag in rules.tags if tag.is_offered_with(command.score)}:
        raise CommandRejected(Rejection.TAG_NOT_OFFERED)
    questions = {question.id: question for question in rules.follow_ups}
    for name, change in command.follow_ups.items():
        question = questions.get(name)
        match change:
            case RemoveComment() if question:
                pass
            case ChosenOption(option) if question and option in question.options:
                pass
            case WrittenComment(length=length) if question and not question.options:
                if length > rules.comment_limit:
                    raise CommandRejected(Rejection.FOLLOW_UP_TOO_LONG, most=rules.comment_limit)
            case _:
                raise CommandRejected(Rejection.FOLLOW_UP_NOT_ASKED)


def _first(rules: FormVersion, command: GiveRating) -> RatingGiven:
    return RatingGiven(
        close_seq=command.close_seq,
        **_stored(command.answer(rules)),
        given_at=command.now,
        editable_until=command.now + rules.edit_window,
    )


def _change(close: Given, command: GiveRating) -> RatingChanged:
    return RatingChanged(
        close_seq=command.close_seq,
        **_stored(command.answer(close.form.rules, close.answer)),
        change=close.changes + 1,
        changed_at=command.now,
    )


def _stored(whole: Answer) -> dict[str, Any]:
    return {
        "score": whole.score,
        "comment": whole.comment,
        "fingerprint": whole.fingerprint,
        "tags": whole.tags,
        "follow_ups": {
            question: FollowUpRecorded(option=each.option, text=each.text, fingerprint=each.fingerprint)
            for question, each in whole.follow_ups.items()
        },
    }


def decline(close: CloseToRate, command: DeclineRating) -> Sequence[RatingEvent]:
    """Saying "No, thanks" settles a form that waits."""
    match close:
        case Given(forgotten=True) | Declined(forgotten=True):
            raise CommandRejected(Rejection.CLIENT_ERASED)
        case Offered() if command.now < close.expires_at:
            return [FormDeclined(close_seq=command.close_seq, declined_at=command.now)]
        case Declined():
            return []
        case Given():
            raise CommandRejected(Rejection.ALREADY_RATED)
        case Offered() | Expired():
            raise CommandRejected(Rejection.RATING_WINDOW_OVER)
        case Cancelled():
            raise CommandRejected(Rejection.FORM_WITHDRAWN)
        case Unregistered() | ReopenedFirst() | Registered() | NotOffered() | Scheduled() | Undeliverable():
            raise CommandRejected(Rejection.NO_SUCH_FORM)
        case _:
            assert_never(close)


def expire(close: CloseToRate, command: ExpireForm) -> Sequence[RatingEvent]:
    """A form that still waits at its deadline expires, as of the deadline, however late the timer.

    One that never left is undeliverable: its client was asked nothing.
    """
    if isinstance(close, Offered) and command.now >= close.expires_at:
        if not close.is_within_reach:
            late = DeliveryFailureReason.NOT_SENT_IN_TIME
            return [undeliverable(close, command.close_seq, late, close.expires_at)]
        return [FormExpired(close_seq=command.close_seq, expired_at=close.expires_at)]
    return []


def forget(rating: Rating, command: ForgetClient) -> Sequence[RatingEvent]:
    """Every form of the client that is scheduled or waits is withdrawn; what they answered stays as it is."""
    events: list[RatingEvent] = []
    for close_seq, close in rating.closes.items():
        if isinstance(close, Unregistered | ReopenedFirst) or close.form.snapshot.client != command.client:
            continue
        match close:
            case Scheduled() | Offered():
                events.append(_cancelled(close_seq, CancelledReason.ERASED, command.now))
            case Given(forgotten=False) | Declined(forgotten=False):
                events.append(ClientForgotten(close_seq=close_seq, forgotten_at=command.now))
    return events


RATING: Decider[Rating, RatingCommand, RatingEvent] = Decider(
    category="rating", initial=Rating(), evolve=evolve, decide=decide, events=EVENTS
)
