"""Reserves a client's question for a close, before its form is decided."""

from dataclasses import replace

from chassis.eventstore.handle import handle
from chassis.eventstore.repository import Repository
from rating.domain.cool_down import COOL_DOWN, AskingClose, ReserveQuestion
from rating.domain.rating.decider import RATING, RegisterClose, question_in
from rating.domain.rating.form_version import CancelledReason, Snapshot
from rating.domain.rating.state import Cancelled, NotOffered, Rating, ReopenedFirst, Undeliverable


async def with_cool_down(repository: Repository, command: RegisterClose, rating: Rating) -> RegisterClose:
    """The command, `cooling_down` if another close of the client in the channel has asked lately, or will.

    Only a close that would be asked, `rating` being its dialog, reserves the question; the same close again
    keeps it.
    """
    if not command.rules.cool_down and command.facts.resumes is None:
        return command  # a close that resumes another one goes by the rules of that one
    snapshot = command.snapshot
    question = question_in(RATING.decide(rating, command))
    if question is None or not question[0].cool_down:
        return command
    rules, asks_at = question
    close = AskingClose(snapshot.dialog, snapshot.close_seq)
    reservation = ReserveQuestion(close, asks_at, rules.cool_down)
    return replace(command, cooling_down=not await _reserve(repository, stream_of(snapshot), reservation))


def stream_of(snapshot: Snapshot) -> str:
    """The stream of what the client of a close is asked in its channel."""
    return COOL_DOWN.stream(f"{snapshot.channel}:{snapshot.client}")


async def _reserve(repository: Repository, stream: str, command: ReserveQuestion) -> bool:
    while True:
        questions = (await handle(repository, COOL_DOWN, stream, command)).state
        if questions.holds(command.close):
            return True
        others = [one.close for one in questions.in_the_way(command.asks_at, command.cool_down)]
        given_back = frozenset(
            [other for other in others if await _is_given_back(repository, other, command.close)]
        )
        if given_back == command.given_back:
            return False
        command = replace(command, given_back=given_back)


async def _is_given_back(repository: Repository, other: AskingClose, asking: AskingClose) -> bool:
    """Whether the other close asked nothing and won't: what it is now, it stays."""
    match (await repository.load(RATING, RATING.stream(other.dialog))).state.close(other.close_seq):
        case ReopenedFirst() | NotOffered() | Cancelled(offered=False) | Undeliverable():
            return True
        case Cancelled(reason=CancelledReason.REOPENED):
            # Its dialog was reopened, and takes the question along: else reopening would take a form away.
            return other.dialog == asking.dialog
        case _:
            return False
