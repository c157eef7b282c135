"""A form that no way leads to its client by is undeliverable; one that was sent once is never given up."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import assert_never

from rating.domain.rating.events import (
    DeliveryFailed,
    FormSent,
    FormUndeliverable,
    RatingEvent,
    ReminderSent,
)
from rating.domain.rating.state import CloseToRate, Offered
from rating.domain.rating.ways import DeliveryFailureReason, Way


@dataclass(frozen=True)
class RecordSending:
    """The form was sent by this way, once or, if nobody knew, more than once."""

    close_seq: int
    way: Way
    now: datetime


@dataclass(frozen=True)
class RecordReminder:
    """The client was reminded of the form."""

    close_seq: int
    now: datetime


@dataclass(frozen=True)
class RecordFailure:
    """The form can't be sent by this way, now nor later."""

    close_seq: int
    way: Way
    reason: DeliveryFailureReason
    now: datetime


DeliveryCommand = RecordSending | RecordReminder | RecordFailure


def record(close: CloseToRate, command: DeliveryCommand) -> Sequence[RatingEvent]:
    """What became of a delivery; of a form that waits no more it doesn't matter."""
    if not isinstance(close, Offered):
        return []
    match command:
        case RecordSending():
            return _sent(close, command)
        case RecordReminder():
            if close.reminded or Way.EMAIL not in close.sent:
                return []
            return [ReminderSent(close_seq=command.close_seq, sent_at=command.now)]
        case RecordFailure():
            return _failed(close, command)
        case _:
            assert_never(command)


def _sent(close: Offered, command: RecordSending) -> Sequence[RatingEvent]:
    if command.way in close.sent or command.way not in close.ways:
        return []
    return [FormSent(close_seq=command.close_seq, way=command.way, sent_at=command.now)]


def _failed(close: Offered, command: RecordFailure) -> Sequence[RatingEvent]:
    if command.way in close.sent or command.way not in close.ways:
        return []
    failed = DeliveryFailed(
        close_seq=command.close_seq, way=command.way, reason=command.reason, failed_at=command.now
    )
    if close.ways == (command.way,):
        return [failed, undeliverable(close, command.close_seq, command.reason, command.now)]
    return [failed]


def undeliverable(
    close: Offered, close_seq: int, reason: DeliveryFailureReason, now: datetime
) -> FormUndeliverable:
    """That the form is given up, with all ways that it had."""
    return FormUndeliverable(close_seq=close_seq, ways=close.form.ways, reason=reason, given_up_at=now)
