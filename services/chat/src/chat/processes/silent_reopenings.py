"""Closes a reopened dialog again in which nobody wrote: nobody takes a form away by reopening."""

from datetime import datetime, timedelta

from chassis.eventstore.handle import handle
from chassis.eventstore.repository import Repository
from chassis.timers import Document, Timers
from chat.domain.dialog.decider import DIALOG, CloseSilentReopening, silent_until
from chat.read_models.dialogs import Dialogs


def silent_reopenings(dialogs: Dialogs, repository: Repository, silent_for: timedelta) -> Timers:
    """Works through the reopenings in which nobody has written for `silent_for`."""

    async def settle(document: Document) -> datetime | None:
        command = CloseSilentReopening(silent_for, repository.clock.now())
        result = await handle(repository, DIALOG, DIALOG.stream(document["dialog"]), command)
        return silent_until(result.state, silent_for)

    return Timers("silent_reopenings", dialogs.due, settle, repository.clock, service=repository.service)
