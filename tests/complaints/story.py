"""Chat's events, rating and analytics in one process: what is closed is asked about, answered and counted."""

import csv
import io
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import httpx

from chassis.clock import ManualClock
from chat.domain.dialog.decider import DIALOG
from chat.domain.dialog.events import DialogEvent
from chat.messaging.outbound import dialog_to_public
from contracts.access import Role
from contracts.clients import ClientErased
from contracts.dialogs import DialogClosed, DialogReopened
from contracts.ratings import RatingEvent
from tests.analytics import harness as analytics
from tests.chat.builders import close_it
from tests.rating import harness as rating
from tests.rating.api_client import ApiClient, open_api_client, staff

CLARA = staff(Role.SUPERVISOR, sub="clara")
AFTER_SAVING = timedelta(seconds=1)
"""How long rating remembers the settings of a channel."""


def by_chat(*past: DialogEvent, minutes: float = 5) -> DialogClosed:
    """The close by its client that follows on this past of a dialog, as chat decides and publishes it."""
    state = DIALOG.fold(DIALOG.initial, past)
    [event] = DIALOG.decide(state, close_it(minutes=minutes))
    public = dialog_to_public(DIALOG.evolve(state, event), event)
    assert public
    assert isinstance(public.event, DialogClosed)
    return public.event


@dataclass
class Channel:
    """A channel of its own for each story, and what happens there."""

    name: str
    api: ApiClient
    numbers: analytics.Harness
    told: int = 0
    dialogs: list[DialogClosed | DialogReopened] = field(default_factory=list)

    @property
    def rating(self) -> rating.Harness:
        return self.api.harness

    @property
    def now(self) -> datetime:
        return self.rating.clock.now()

    def id_of(self, name: str) -> str:
        """What a dialog or a client is called, so that no story meets another's."""
        return f"{self.name}-{name}"

    async def close(self, dialog: str = "d1", close_seq: int = 1, client: str = "c1", **more: Any) -> None:
        """A dialog is closed now, unless `closed_at` says otherwise."""
        fields = {"closed_at": self.now, "opened_at": self.now, "channel": self.name, **more}
        event = rating.closed(self.id_of(dialog), close_seq, self.id_of(client), **fields)
        await self.hear(event)

    async def hear(self, event: DialogClosed) -> None:
        """Rating consumes a close, in this channel and of names here, and publishes what follows."""
        if event.channel != self.name:
            whose = {"dialog": self.id_of(event.dialog), "client": self.id_of(event.client)}
            times = {"closed_at": self.now, "channel": self.name}
            event = event.model_copy(update={**whose, **times})
        self.dialogs.append(event)
        await self.rating.inbound.on_dialog_closed(event)
        await self.rating.relayed()

    async def reopen(self, dialog: str = "d1", close_seq: int = 1, client: str = "c1") -> None:
        event = rating.reopened(self.id_of(dialog), close_seq, self.id_of(client))
        event = event.model_copy(update={"channel": self.name, "reopened_at": self.now})
        self.dialogs.append(event)
        await self.rating.inbound.on_dialog_reopened(event)
        await self.rating.relayed()

    async def erase(self, client: str = "c1") -> None:
        erased = ClientErased(client=self.id_of(client), erased_at=self.now)
        await self.rating.inbound.on_client_erased(erased)
        await self.rating.erasures_done()

    def token(self, dialog: str = "d1", close_seq: int = 1) -> str:
        return self.api.token(self.id_of(dialog), close_seq)

    async def answer(self, score: int, dialog: str = "d1", close_seq: int = 1, **how: Any) -> httpx.Response:
        """A client answers, with a `comment` perhaps, sending `headers` along."""
        headers = how.pop("headers", {})
        body = {"token": self.token(dialog, close_seq), "score": score, **how}
        response = await self.api.post("answer", body, headers=headers)
        await self.rating.relayed()
        return response

    async def read(self, dialog: str = "d1", close_seq: int = 1) -> dict[str, Any]:
        response = await self.api.post("read", {"token": self.token(dialog, close_seq)})
        assert response.status_code == 200, response.text
        return dict(response.json())

    async def asked(self, client: str = "c1") -> list[tuple[str, int]]:
        """The forms that wait for a client: the dialog's name here, and the close's number."""
        forms = await self.api.mine(self.id_of(client), self.name)
        return [(form["dialog"].removeprefix(f"{self.name}-"), form["close_seq"]) for form in forms]

    async def pass_(self, time: timedelta) -> None:
        """Time passes, and the timers do what is due."""
        self.rating.clock.advance(time)
        while await self.rating.timers.settle_due():
            await self.rating.relayed()

    async def set_up(self, **changes: Any) -> None:
        """Saves Quality control with these changes."""
        path = f"/v1/quality-control/{self.name}"
        read = (await self.api.http.get(path, headers=CLARA)).json()
        headers = {**CLARA, "If-Match": f'"{read["version"]}"'}
        saved = await self.api.http.put(path, headers=headers, json=read["settings"] | changes)
        assert saved.is_success, saved.text
        self.rating.clock.advance(AFTER_SAVING)

    @property
    def published(self) -> Sequence[RatingEvent]:
        """What rating has published of this channel."""
        return [event for event in self.rating.notes.ratings if event.channel == self.name]

    @property
    def kinds(self) -> list[str]:
        """The names of these events, such as ``offered``."""
        return [event.type.removeprefix("candor.rating.").removesuffix(".v1") for event in self.published]

    async def look(self, path: str = "summary", **asked: Any) -> Any:
        """What a supervisor reads of this channel, once analytics has everything that was published."""
        await self._project()
        return await self.numbers.ask(path, channel=self.name, **asked)

    async def export(self, **asked: Any) -> list[dict[str, str]]:
        await self._project()
        response = await self.numbers.get("export.csv", channel=self.name, **asked)
        assert response.status_code == 200, response.text
        return list(csv.DictReader(io.StringIO(response.text, newline="")))

    async def _project(self) -> None:
        # All of it each time: an event that comes twice counts once.
        await self.numbers.receive_events([*self.dialogs, *self.published])


@asynccontextmanager
async def open_story(mongo: str, database: str) -> AsyncIterator[tuple[ApiClient, analytics.Harness]]:
    """Rating and analytics, each on a database of its own; analytics' clock is ahead of every story."""
    async with (
        rating.open_harness(mongo, f"{database}_rating", rules=None) as asking,
        open_api_client(asking) as api,
        analytics.open_harness(mongo, f"{database}_analytics") as numbers,
    ):
        clock: ManualClock = numbers.app.state.clock
        clock.advance(timedelta(days=400))
        yield api, numbers
        for harness in (asking, numbers):
            await harness.database.client.drop_database(harness.database.name)
