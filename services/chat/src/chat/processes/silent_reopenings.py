"""Closes a reopened dialog again in which nobody wrote: nobody takes a form away by reopening."""

from datetime import datetime, timedelta

from chassis.eventstore.repository import Repository
from chassis.timers import Document, Timers
from chat.domain.dialog.decider import DIALOG, CloseSilentReopening, silent_until
from chat.domain.dialog.state import Dialog
from chat.read_models.dialogs import Dialogs


def silent_reopenings(dialogs: Dialogs, repository: Repository, silent_for: timedelta) -> Timers:
    """Works through the reopenings in which nobody has written for `silent_for`."""

    def command(document: Document, now: datetime) -> tuple[str, CloseSilentReopening]:
        return DIALOG.stream(document["dialog"]), CloseSilentReopening(silent_for, now)

    def due_next(_: Document, dialog: Dialog) -> datetime | None:
        return silent_until(dialog, silent_for)

    return Timers("silent_reopenings", dialogs.due, repository, DIALOG, command=command, due_next=due_next)
