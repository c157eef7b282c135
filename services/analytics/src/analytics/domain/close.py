"""A close is the set of what was said about it: the same in any order, however often it was heard.

This domain imports contracts on purpose: public events are all it knows, so they are its own language.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final, TypeAlias

from contracts.dialogs import DialogClosed, DialogReopened
from contracts.ratings import (
    AnyRatingEvent,
    CloseState,
    RatingCancelled,
    RatingChanged,
    RatingDeclined,
    RatingExpired,
    RatingGiven,
    RatingNotOffered,
    RatingOffered,
    RatingScheduled,
    RatingUndeliverable,
)

CloseEvent: TypeAlias = DialogClosed | DialogReopened | AnyRatingEvent


# Settled beats pending beats scheduled; among the settled an answer beats everything, because a declined form
# may still be answered, and whatever else the source says beside an answer was said before it knew. A form
# is cancelled after it expired only when its reopening was heard too late: then it never expired.
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
    """What was said about one close, one event of each type.

    It counts from the moment `closed` is there; rating events that came earlier wait in `said`.
    """

    dialog: str
    close_seq: int
    said: Mapping[type[CloseEvent], CloseEvent] = field(default_factory=dict)

    @property
    def closed(self) -> DialogClosed | None:
        """The closing itself, with the attribution that counts for ever."""
        event = self.said.get(DialogClosed)
        return event if isinstance(event, DialogClosed) else None

    @property
    def reopened_at(self) -> datetime | None:
        """When the close was undone, if it was."""
        event = self.said.get(DialogReopened)
        return event.reopened_at if isinstance(event, DialogReopened) else None

    @property
    def answer(self) -> RatingGiven | RatingChanged | None:
        """The answer that counts: the last change, else the first answer."""
        event = self.said.get(RatingChanged) or self.said.get(RatingGiven)
        return event if isinstance(event, RatingGiven | RatingChanged) else None

    @property
    def given_at(self) -> datetime | None:
        """When the client first answered, however often the answer was changed."""
        event = self.said.get(RatingGiven) or self.said.get(RatingChanged)
        return event.given_at if isinstance(event, RatingGiven | RatingChanged) else None

    @property
    def state(self) -> CloseState:
        """Where the rating stands by everything that was heard."""
        return next((state for kind, state in STATE_PRECEDENCE if kind in self.said), CloseState.UNDECIDED)

    @property
    def reason(self) -> str | None:
        """Why there is no form, or why it was withdrawn; None in every other state."""
        kind = RatingNotOffered if self.state is CloseState.NOT_OFFERED else RatingCancelled
        event = self.said.get(kind) if self.state in {CloseState.NOT_OFFERED, CloseState.CANCELLED} else None
        return event.reason.value if isinstance(event, RatingNotOffered | RatingCancelled) else None


def fold(close: Close, event: CloseEvent) -> Close:
    """The close after hearing `event`; the very same object if that changes nothing."""
    known = close.said.get(type(event))
    kept = event if known is None else resolve(known, event)
    return close if kept is known else replace(close, said={**close.said, type(event): kept})


def resolve(known: CloseEvent, heard: CloseEvent) -> CloseEvent:
    """Which of two events of one type holds: the higher change of an answer, else the one that sorts first.

    The source says every other event once; a fixed order makes all readers agree even if it does not.
    """
    if known == heard:
        return known
    if isinstance(known, RatingChanged) and isinstance(heard, RatingChanged) and known.change != heard.change:
        return max(known, heard, key=lambda event: event.change)
    return min(known, heard, key=lambda event: event.model_dump_json())
