"""A process whose timers claim and decide forms, and hang before they store anything: to be killed."""

import asyncio
import sys
from collections.abc import Sequence

from chassis.clock import DatabaseClock
from chassis.eventstore.mongo import MongoEventStore
from chassis.eventstore.repository import Repository
from chassis.eventstore.store import Commit
from chassis.mongo import connect
from rating.processes.timers import form_timers
from rating.read_models.forms import Forms


class StuckStore(MongoEventStore):
    """Says how many commits it was given, and stores none of them."""

    async def append_many(self, commits: Sequence[Commit]) -> Sequence[Exception | None]:
        print(len(commits), flush=True)  # noqa: T201 - whoever kills the process waits for it
        await asyncio.Event().wait()
        return []


async def work(mongo: str, database: str) -> None:
    """Until killed."""
    client = connect(mongo)
    clock = DatabaseClock(client)
    await clock.sync()
    repository = Repository(StuckStore(client[database]), clock, service="rating")
    await form_timers(Forms(client[database]), repository).run()


if __name__ == "__main__":
    asyncio.run(work(*sys.argv[1:]))
