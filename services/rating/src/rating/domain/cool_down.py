"""Within a channel's cool-down a client is asked once: whichever close reserves the question first.

There is a stream for each client in each channel, over all dialogs. A reservation that came to nothing is not
given back by itself: the next close that wants to ask looks at what became of it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, NamedTuple

from pydantic import AwareDatetime, TypeAdapter

from chassis.eventstore.decider import Decider, StoredValue


class QuestionReserved(StoredValue):
    """The form of this close is offered at `asks_at`, and no other within `cool_down` after that.

    Storage format: only add.
    """

    type: Literal["question-reserved"] = "question-reserved"
    dialog: str
    close_seq: int
    asks_at: AwareDatetime
    cool_down: timedelta


class AskingClose(NamedTuple):
    """A close that has a question."""

    dialog: str
    close_seq: int


@dataclass(frozen=True)
class QuestionReservation:
    """A close, and when its form is offered."""

    close: AskingClose
    asks_at: datetime


@dataclass(frozen=True)
class Questions:
    """What a client is or was asked in a channel, as far back as two cool-downs before the last question."""

    reserved: tuple[QuestionReservation, ...] = ()

    def holds(self, close: AskingClose) -> bool:
        """Whether this close may ask."""
        return any(reservation.close == close for reservation in self.reserved)

    def in_the_way(self, asks_at: datetime, cool_down: timedelta) -> Sequence[QuestionReservation]:
        """The reservations that forbid a question at that moment."""
        return [one for one in self.reserved if asks_at < one.asks_at + cool_down]


def evolve(questions: Questions, event: QuestionReserved) -> Questions:
    """What the client is asked after the event."""
    # A cool-down more than can be in its way: once it is given back, an earlier question may be asked.
    recent = [one for one in questions.reserved if event.asks_at < one.asks_at + 2 * event.cool_down]
    close = AskingClose(event.dialog, event.close_seq)
    return Questions((*recent, QuestionReservation(close, event.asks_at)))


@dataclass(frozen=True)
class ReserveQuestion:
    """Let a close ask at `asks_at`, if nothing else is asked then. `given_back` are closes that won't ask."""

    close: AskingClose
    asks_at: datetime
    cool_down: timedelta
    given_back: frozenset[AskingClose] = frozenset()


def decide(questions: Questions, command: ReserveQuestion) -> Sequence[QuestionReserved]:
    """The reservation; nothing if the close has one already, or if another one is in the way."""
    others = questions.in_the_way(command.asks_at, command.cool_down)
    if questions.holds(command.close) or any(one.close not in command.given_back for one in others):
        return []
    return [
        QuestionReserved(
            dialog=command.close.dialog,
            close_seq=command.close.close_seq,
            asks_at=command.asks_at,
            cool_down=command.cool_down,
        )
    ]


COOL_DOWN: Decider[Questions, ReserveQuestion, QuestionReserved] = Decider(
    category="asked",
    initial=Questions(),
    evolve=evolve,
    decide=decide,
    events=TypeAdapter(QuestionReserved),
)
