"""A close is the set of the events about it: the same whatever their order, however often they are received.

This domain imports contracts on purpose: public events are all it knows, so they are its own language.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import reduce
from typing import Final, TypeAlias

from contracts.dialogs import DialogClosed, DialogReopened
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


# Settled beats pending beats scheduled; among the settled an answer beats everything, because a declined form
# may still be answered, and whatever else is published beside an answer was decided before it was known. A
# form is cancelled after it expired only when its reopening was received too late: then it never expired.
STATE_PRECEDENCE: Final[tuple[tuple[type[CloseEvent], CloseState], ...]] = (
    (RatingChanged, CloseState.GIVEN),
    (RatingGiven, CloseState.GIVEN),
    (RatingDeclined, CloseState.DECLINED),
    (RatingCancelled, CloseState.CANCELLED),
    (RatingExpired, CloseState.EXPIRED),
    (RatingUndeliverable, CloseState.UNDELIVERABLE),
    (RatingNotOffered, CloseState.NOT_OFFERED),
    (RatingOffered, CloseState.PENDING),
    (RatingScheduled, CloseState.SCHEDULED),
)


@dataclass(frozen=True)
class Close:
    """One close: the event of each type that was received about it.

    It counts from the moment `closed` is there; rating events that came earlier wait in `events`.
    """

    dialog: str
    close_seq: int
    events: Mapping[type[CloseEvent], CloseEvent] = field(default_factory=dict)

    @property
    def closed(self) -> DialogClosed | None:
        """The closing itself, with the attribution that counts for ever."""
        event = self.events.get(DialogClosed)
        return event if isinstance(event, DialogClosed) else None

    @property
    def reopened_at(self) -> datetime | None:
        """When the close was undone, if it was."""
        event = self.events.get(DialogReopened)
        return event.reopened_at if isinstance(event, DialogReopened) else None

    @property
    def answer(self) -> RatingGiven | RatingChanged | None:
        """The answer that counts: the last change, else the first answer."""
        event = self.events.get(RatingChanged) or self.events.get(RatingGiven)
        return event if isinstance(event, RatingGiven | RatingChanged) else None

    @property
    def given_at(self) -> datetime | None:
        """When the client first answered, however often the answer was changed."""
        event = self.events.get(RatingGiven) or self.events.get(RatingChanged)
        return event.given_at if isinstance(event, RatingGiven | RatingChanged) else None

    @property
    def state(self) -> CloseState:
        """Where the rating stands, by all events that were received."""
        return next((state for kind, state in STATE_PRECEDENCE if kind in self.events), CloseState.UNDECIDED)

    @property
    def reason(self) -> NotOfferedReason | CancelledReason | None:
        """Why there is no form, or why it was withdrawn; None in every other state."""
        kinds: Mapping[CloseState, type[RatingNotOffered | RatingCancelled]]
        kinds = {CloseState.NOT_OFFERED: RatingNotOffered, CloseState.CANCELLED: RatingCancelled}
        kind = kinds.get(self.state)
        event = self.events.get(kind) if kind else None
        return event.reason if isinstance(event, RatingNotOffered | RatingCancelled) else None


def fold(close: Close, event: CloseEvent) -> Close:
    """The close after `event`; the very same object if that changes nothing."""
    known = close.events.get(type(event))
    kept = event if known is None else resolve(known, event)
    return close if kept is known else replace(close, events={**close.events, type(event): kept})


def fold_all(close: Close, events: Iterable[CloseEvent]) -> Close:
    """The close after all of the events; the very same object if they change nothing."""
    return reduce(fold, events, close)


def resolve(known: CloseEvent, received: CloseEvent) -> CloseEvent:
    """Which of two events of one type holds: the higher change of an answer, else the one that sorts first.

    The source publishes every other event once; a fixed order makes all readers agree even if it does not.
    """
    if known == received:
        return known
    if (
        isinstance(known, RatingChanged)
        and isinstance(received, RatingChanged)
        and known.change != received.change
    ):
        return max(known, received, key=lambda event: event.change)
    return min(known, received, key=lambda event: event.model_dump_json())
