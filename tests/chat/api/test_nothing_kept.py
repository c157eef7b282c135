"""A command that is rejected stores nothing at all: no event, and no key for the text that came with it."""

from dataclasses import replace
from typing import Any

import pytest

from chassis.kafka.connection import KafkaConnection
from chat.domain.dialog import decider
from contracts.access import Role
from tests.chat.harness import Harness, done, running, settings_for

pytestmark = pytest.mark.real

ZOE = {"name": "Zoë", "email": "zoe@school.example"}


async def stored(harness: Harness) -> dict[str, int]:
    """How many keys, and how many commits, there are."""
    return {name: await harness.database[name].count_documents({}) for name in ("keys", "commits")}


async def test_a_message_to_a_closed_dialog(harness: Harness) -> None:
    zoe = await harness.visitor(await harness.channel())
    path = await harness.dialog(zoe)
    done(await zoe.post(f"{path}/close"))
    before = await stored(harness)
    assert before["keys"] == 0
    assert (await zoe.put(f"{path}/messages/m1", {"text": "Hello"})).status_code == 409
    assert await stored(harness) == before


async def test_a_message_to_a_dialog_that_is_full(harness: Harness, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decider, "MOST_MESSAGES", 0)
    zoe = await harness.visitor(await harness.channel())
    path = await harness.dialog(zoe)
    before = await stored(harness)
    assert (await zoe.put(f"{path}/messages/m1", {"text": "Hello"})).status_code == 409
    assert await stored(harness) == before


async def test_a_message_of_an_operator_who_lost_the_dialog(harness: Harness) -> None:
    channel = await harness.channel()
    ann, sue = harness.operator("ann"), harness.staff(Role.SUPERVISOR, "sue", channel)
    path = await harness.dialog(await harness.visitor(channel), taken_by=ann)
    done(await sue.put(f"{path}/operator", {"operator": "bo", "name": "Bo"}))
    before = await stored(harness)
    assert (await ann.put(f"{path}/messages/m1", {"text": "Hello"})).is_client_error
    assert await stored(harness) == before


async def test_a_close_with_a_wrong_number_seals_no_contact_for_the_dialog(harness: Harness) -> None:
    zoe = await harness.visitor(await harness.channel(), **ZOE)
    path = await harness.dialog(zoe)
    before = await stored(harness)
    assert before["keys"] == 1  # of what she is called
    assert (await zoe.post(f"{path}/close", {"close_seq": 7})).status_code == 409
    assert await stored(harness) == before
    done(await zoe.post(f"{path}/close", {"close_seq": 1}))
    assert (await stored(harness))["keys"] == 2


async def test_a_visitor_of_a_closed_channel(harness: Harness) -> None:
    channel = await harness.channel(closed=True)
    before = await stored(harness)
    response = await harness.anybody.post(f"/v1/channels/{channel}/visitors", ZOE)
    assert response.status_code == 409
    assert await stored(harness) == before


async def test_what_is_repeated_is_the_same_message_and_another_text_is_not(harness: Harness) -> None:
    zoe = await harness.visitor(await harness.channel())
    path = await harness.dialog(zoe)
    for status in (201, 200, 200):
        assert (await zoe.put(f"{path}/messages/m1", {"text": "Hello"})).status_code == status
    assert (await zoe.put(f"{path}/messages/m1", {"text": "Bye"})).status_code == 409
    assert [each["text"]["text"] for each in done(await zoe.get(path))["messages"]] == ["Hello"]


async def test_what_was_sealed_in_another_dialog_is_not_shown(harness: Harness) -> None:
    channel, paths = await harness.channel(), []
    for text in ("my secret", "Hello"):
        visitor = await harness.visitor(channel)
        paths.append(await harness.dialog(visitor))
        done(await visitor.put(f"{paths[-1]}/messages/m1", {"text": text}))
    secret, shown = (f"dialog:{path.rsplit('/', 1)[-1]}" for path in paths)
    of: dict[str, Any] = {"events.text": {"$exists": True}}
    foreign = await harness.database["commits"].find_one({**of, "stream": secret})
    assert foreign is not None
    changed = {"$set": {"events.0.text": foreign["events"][0]["text"]}}
    await harness.database["commits"].update_one({**of, "stream": shown}, changed)
    done(await visitor.put(f"{paths[1]}/messages/m2", {"text": "Still here"}))
    texts = [message["text"] for message in done(await visitor.get(paths[1]))["messages"]]
    assert texts == [{"state": "unreadable", "text": None}, {"state": "open", "text": "Still here"}]


async def test_a_contact_that_cannot_be_opened_keeps_no_dialog_open(
    kafka: KafkaConnection, mongo: str, database: str
) -> None:
    settings = settings_for(kafka, mongo, database)
    async with running(settings) as harness:
        channel = await harness.channel()
        for email in ("ann@school.example", "zoe@school.example"):
            zoe = await harness.visitor(channel, name="Zoë", email=email)
            path = await harness.dialog(zoe)
        commits = harness.database["commits"]
        ann, mine = await commits.find({"events.type": "registered"}).sort("_id").to_list(None)
        if ann["stream"].endswith(zoe.id):
            ann, mine = mine, ann
        anns = {"$set": {"events.0.email": ann["events"][0]["email"]}}
        await commits.update_one({"_id": mine["_id"]}, anns)
    async with running(settings) as restarted:
        zoe = replace(zoe, http=restarted.http)
        done(await zoe.post(f"{path}/close"))
        closed = await restarted.database["commits"].find_one({"events.type": "closed"})
    assert closed is not None
    [event] = closed["events"]
    assert event.get("email") is None
    assert event["name"]
