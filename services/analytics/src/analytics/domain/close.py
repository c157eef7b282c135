"""A close is the set of the events about it: the same whatever their order, however often they are received.

This domain imports contracts on purpose: public events are all it knows, so they are its own language.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import reduce
from typing import Final, TypeAlias, TypeVar, cast

from contracts.dialogs import DialogClosed, DialogReopened, Participant, ParticipantKind
from contracts.ratings import (
    CancelledReason,
    CloseState,
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
)

CloseEvent: TypeAlias = DialogClosed | DialogReopened | RatingEvent
E = TypeVar("E", bound=CloseEvent)


# Settled beats pending beats scheduled; among the settled an answer beats everything, because a declined form
# may still be answered, and whatever else is published beside an answer was decided before it was known. A
# form is cancelled after it expired only when its reopening was received too late: then it never expired.
STATES: Final[Mapping[type[CloseEvent], CloseState]] = {
    RatingChanged: CloseState.GIVEN,
    RatingGiven: CloseState.GIVEN,
    RatingDeclined: CloseState.DECLINED,
    RatingCancelled: CloseState.CANCELLED,
    RatingExpired: CloseState.EXPIRED,
    RatingUndeliverable: CloseState.UNDELIVERABLE,
    RatingNotOffered: CloseState.NOT_OFFERED,
    RatingOffered: CloseState.PENDING,
    RatingScheduled: CloseState.SCHEDULED,
}
"""In order of precedence."""


@dataclass(frozen=True)
class Close:
    """One close: the event of each type that was received about it, and of changes of the answer all.

    It counts from the moment `closed` is there; rating events that came earlier wait in `events`. There the
    highest change stands, in `replaced` those before it.
    """

    dialog: str
    close_seq: int
    events: Mapping[type[CloseEvent], CloseEvent] = field(default_factory=dict)
    replaced: tuple[RatingChanged, ...] = ()

    def event(self, kind: type[E]) -> E | None:
        """The event of this type, if it was received; of changes the highest."""
        events = cast("Mapping[type[E], E]", self.events)
        return events.get(kind)

    @property
    def closed(self) -> DialogClosed | None:
        """The closing itself, with the attribution that counts for ever."""
        return self.event(DialogClosed)

    @property
    def people(self) -> Sequence[Participant]:
        """The persons who wrote, each once; bots and systems are none."""
        participants = self.closed.participants if self.closed else ()
        wrote = [each for each in participants if each.messages and each.kind is ParticipantKind.PERSON]
        return [*{each.id: each for each in wrote}.values()]

    @property
    def form_version(self) -> int | None:
        """The version of the form that the client was shown, or will be; None without a form."""
        form = self.answer or self.offered or self.scheduled
        return None if form is None else form.form_version

    @property
    def reopened_at(self) -> datetime | None:
        """When the close was undone, if it was."""
        event = self.event(DialogReopened)
        return event.reopened_at if event else None

    @property
    def answer(self) -> RatingGiven | RatingChanged | None:
        """The answer that counts: the last change, else the first answer."""
        return self.event(RatingChanged) or self.event(RatingGiven)

    @property
    def given_at(self) -> datetime | None:
        """When the client first answered, however often the answer was changed."""
        event = self.event(RatingGiven) or self.event(RatingChanged)
        return event.given_at if event else None

    @property
    def first_answer(self) -> RatingGiven | None:
        """The first answer, if it was received."""
        return self.event(RatingGiven)

    @property
    def scheduled(self) -> RatingScheduled | None:
        """That the form is offered later, if that was received."""
        return self.event(RatingScheduled)

    @property
    def offered(self) -> RatingOffered | None:
        """That the form was offered, if that was received."""
        return self.event(RatingOffered)

    @property
    def answers(self) -> list[RatingGiven | RatingChanged]:
        """All answers that were received, the one that counts last."""
        found = [self.event(RatingGiven), *self.replaced, self.event(RatingChanged)]
        return [answer for answer in found if answer is not None]

    @property
    def state(self) -> CloseState:
        """Where the rating stands, by all events that were received."""
        return CloseState.UNDECIDED if (event := self.deciding) is None else STATES[type(event)]

    @property
    def deciding(self) -> CloseEvent | None:
        """The event that says where the rating stands; None while nothing does."""
        for kind in STATES:
            if (event := self.events.get(kind)) is not None:
                return event
        return None

    @property
    def state_since(self) -> datetime | None:
        """When what decides the state happened.

        Of scheduled, and while nothing has, when it was closed; None before that.
        """
        event = self.deciding
        decided = self.closed if event is None or isinstance(event, RatingScheduled) else event
        return happened_at(decided) if decided else None

    @property
    def reason(self) -> NotOfferedReason | CancelledReason | None:
        """Why there is no form, or why it was withdrawn; None in every other state."""
        event = self.deciding
        return event.reason if isinstance(event, RatingNotOffered | RatingCancelled) else None


MOMENTS: Final[Mapping[type[CloseEvent], str]] = {
    DialogClosed: "closed_at",
    DialogReopened: "reopened_at",
    RatingNotOffered: "decided_at",
    # Nobody says when it was scheduled, only when it is due.
    RatingScheduled: "due_at",
    RatingOffered: "offered_at",
    RatingGiven: "given_at",
    RatingChanged: "changed_at",
    RatingDeclined: "declined_at",
    RatingExpired: "expired_at",
    RatingCancelled: "cancelled_at",
    RatingUndeliverable: "given_up_at",
}
"""The field that says when an event happened."""


def happened_at(event: CloseEvent) -> datetime:
    """When it happened, by the event itself."""
    moment: datetime = getattr(event, MOMENTS[type(event)])
    return moment


def fold(close: Close, event: CloseEvent) -> Close:
    """The close after `event`; the very same object if that changes nothing."""
    known = close.events.get(type(event))
    if known is None:
        return Close(close.dialog, close.close_seq, {**close.events, type(event): event}, close.replaced)
    if isinstance(known, RatingChanged) and isinstance(event, RatingChanged) and known.change != event.change:
        return fold_change(close, known, event)
    kept = resolve(known, event)
    return close if kept is known else replace(close, events={**close.events, type(event): kept})


def fold_change(close: Close, known: RatingChanged, event: RatingChanged) -> Close:
    """The close after another change of its answer: the highest holds, those before it are `replaced`."""
    lower, higher = sorted((known, event), key=lambda each: each.change)
    replaced = {each.change: each for each in close.replaced}
    twin = replaced.get(lower.change)
    kept = lower if twin is None else resolve(twin, lower)
    if kept is twin and higher is known:
        return close
    in_order = tuple(each for _, each in sorted({**replaced, lower.change: kept}.items()))
    return replace(close, events={**close.events, RatingChanged: higher}, replaced=in_order)


def fold_all(close: Close, events: Iterable[CloseEvent]) -> Close:
    """The close after all of the events; the very same object if they change nothing."""
    return reduce(fold, events, close)


def resolve(known: E, received: E) -> E:
    """Which of two events about the same holds: the one that sorts first.

    The source publishes every event once; a fixed order makes all readers agree even if it does not.
    """
    return known if known == received else min(known, received, key=lambda event: event.model_dump_json())
