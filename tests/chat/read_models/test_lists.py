"""Read models end up the same whatever is repeated, overlaps, or comes late."""

import random
from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest
from motor.motor_asyncio import AsyncIOMotorDatabase

from chassis.mongo import connect
from chassis.outbox.commit_handler import RecordedEvent
from chat.domain.channel import CHANNEL, Channel, ChannelPublished
from chat.domain.dialog.decider import DIALOG
from chat.domain.dialog.events import DialogEvent
from chat.domain.dialog.state import Dialog
from chat.read_models.channels import Channels
from chat.read_models.dialogs import Dialogs
from contracts.dialogs import DialogState
from tests.chat.builders import ANN, BO, assigned, at, closed, opened, reopened, wrote

pytestmark = pytest.mark.real

SILENT = timedelta(minutes=10)
STORY = (
    opened(),
    wrote("m1"),
    assigned(ANN, 2),
    wrote("m2", ANN),
    closed(1, 5),
    reopened(1, 6),
    assigned(BO, 7),
)


@pytest.fixture
async def db(mongo: str, database: str) -> AsyncIterator[AsyncIOMotorDatabase[dict[str, Any]]]:
    client = connect(mongo)
    yield client[database]
    client.close()


def recorded(story: Sequence[DialogEvent]) -> list[RecordedEvent[Dialog, DialogEvent]]:
    state, found = DIALOG.initial, list[RecordedEvent[Dialog, DialogEvent]]()
    for number, event in enumerate(story, 1):
        state = DIALOG.evolve(state, event)
        found.append(RecordedEvent("dialog:d1", number, number, state, event, at(number), None))
    return found


EXPECTED = {
    "_id": "d1", "position": 7, "dialog": "d1", "channel": "shop", "client": "c1", "locale": "fr",
    "state": "open", "waiting": False, "operator": "bo", "operators": ["ann", "bo"],
    "opened_at": at(0), "since": at(6), "closes": 1, "due_at": at(16), "operator_name": "Bo",
    "closed_at": None, "replies": 1, "unanswered": 0, "waiting_since": None, "version": 7,
    "last_message": {
        "position": 4, "author": "operator", "operator": "ann", "name": "Ann Lee", "posted_at": at(1),
        "text": "sealed-m2",
    },
    "moved": {"position": 7, "version": 7},
}  # fmt: skip


@pytest.mark.parametrize("seed", range(5))
async def test_a_dialog_is_listed_as_it_now_is(db: AsyncIOMotorDatabase[dict[str, Any]], seed: int) -> None:
    dialogs, dice = Dialogs(db, SILENT), random.Random(seed)
    cuts = sorted({0, len(STORY), *dice.choices(range(1, len(STORY)), k=3)})
    batches = [recorded(STORY)[start:end] for start, end in pairwise(cuts)]
    disorder = [*batches, *dice.choices(batches, k=3)]
    dice.shuffle(disorder)
    for batch in disorder:
        await dialogs.project(batch)
    assert await db["dialogs"].find().to_list(None) == [EXPECTED]


@pytest.mark.parametrize(("state", "step"), [(DialogState.OPEN, 1), (DialogState.CLOSED, -1)])
async def test_pages_hold_each_dialog_once_however_many_have_one_moment(
    db: AsyncIOMotorDatabase[dict[str, Any]], state: DialogState, step: int
) -> None:
    names = [f"d{number}" for number in range(7)]
    like = {**EXPECTED, "state": state.value}
    await db["dialogs"].insert_many(
        [{**like, "_id": name, "dialog": name, "since": at(index // 3)} for index, name in enumerate(names)]
    )
    seen, page = list[str](), await Dialogs(db, SILENT).of_operator("ann", None, state, None, 2)
    seen += [each["dialog"] for each in page.dialogs]
    while page.next and len(seen) <= len(names):
        page = await Dialogs(db, SILENT).of_operator("ann", None, state, page.next, 2)
        seen += [each["dialog"] for each in page.dialogs]
    assert seen == names[::step]


async def test_a_channel_is_listed_as_it_was_last_published(db: AsyncIOMotorDatabase[dict[str, Any]]) -> None:
    channels = Channels(db)
    first = ChannelPublished(channel="shop", name="Shop")
    second = first.model_copy(update={"name": "$name", "closed": True})
    batch: list[RecordedEvent[Channel, ChannelPublished]] = [
        RecordedEvent(
            "channel:shop", number, number, CHANNEL.evolve(CHANNEL.initial, event), event, at(0), None
        )
        for number, event in enumerate((first, second), 1)
    ]
    for repeated in (batch, batch[:1], batch[1:], batch[:1]):
        await channels.project(repeated)
    assert await channels.all() == [second]
