"""Answers: what was said in a dialog."""

from dataclasses import dataclass
from datetime import datetime

from chassis.eventlog.log import EventLog
from chassis.eventlog.stored import read_events
from chassis.sealing import KeyRing
from chat.domain.dialog import DIALOG
from chat.domain.dialog_events import DialogClosed, DialogEvent, DialogReopened, MessagePosted


@dataclass(frozen=True)
class Said:
    """A message; `text` is None if it was erased."""

    posted: MessagePosted
    text: str | None


@dataclass(frozen=True)
class Ending:
    """A close, and when it was undone, if it was."""

    closed: DialogClosed
    reopened_at: datetime | None


@dataclass(frozen=True)
class Transcript:
    """Everything in the order in which it happened."""

    messages: list[Said]
    closes: list[Ending]


async def transcript_of(log: EventLog, keys: KeyRing, dialog: str) -> Transcript:
    """Reads a dialog's stream, and opens its words for this one answer."""
    commits = await log.read(DIALOG.stream(dialog))
    events = [event for commit in commits for event in read_events(DIALOG, commit)]
    posted = [event for event in events if isinstance(event, MessagePosted)]
    return Transcript([Said(each, await keys.open(each.text)) for each in posted], _closes(events))


def _closes(events: list[DialogEvent]) -> list[Ending]:
    undone = {event.close_seq: event.reopened_at for event in events if isinstance(event, DialogReopened)}
    closes = [event for event in events if isinstance(event, DialogClosed)]
    return [Ending(close, undone.get(close.close_seq)) for close in closes]
