"""Chat over HTTP, on the real servers: from the first visitor to what other services consume."""

import asyncio
from base64 import urlsafe_b64encode
from datetime import datetime
from hashlib import blake2b
from typing import Any

import pytest

from chassis.crypto_shredding import KeyReader
from chassis.cursors import SUM_BYTES, encode
from chassis.kafka.connection import KafkaConnection
from contracts.access import Role
from contracts.envelope import Envelope
from contracts.keys import KeyPublished
from tests.chassis.crypto_shredding.sealing import receive
from tests.chat.harness import Harness, Person, consume, done
from tests.waiting import until

pytestmark = pytest.mark.real

CANARY = "canary-7c41 zoë@school.example"


async def test_a_dialog_from_opening_to_its_second_close(harness: Harness, kafka: KafkaConnection) -> None:
    channel = await harness.channel()
    ann = harness.operator("ann", channel)
    zoe = await harness.visitor(channel, locale="fr-CA")
    path = await harness.dialog(zoe)
    done(await zoe.put(f"{path}/messages/m1", {"text": "Привет 👋"}))
    done(await ann.put(f"{path}/operator"))
    done(await ann.put(f"{path}/messages/m2", {"text": "Salut 👋"}))
    assert done(await ann.post(f"{path}/close", {"close_seq": 1}))["close_seq"] == 1
    done(await zoe.post(f"{path}/reopen", {"close_seq": 1}))
    done(await zoe.put(f"{path}/messages/m3", {"text": "Thanks"}))
    assert done(await zoe.post(f"{path}/close"))["close_seq"] == 2

    records = await consume(kafka, "candor.dialogs", path.rpartition("/")[2], 4)
    kinds = ["opened", "closed", "reopened", "closed"]
    assert [record.headers["ce_type"] for record in records] == [f"candor.dialog.{kind}.v1" for kind in kinds]
    assert [int(record.headers["ce_sequence"]) for record in records] == [1, 2, 3, 4]
    first, second = records[1].value, records[3].value
    assert (first["operator"], first["team"], first["locale"]) == ("ann", "first-line", "fr-CA")
    assert (first["attributed_by"], first["client_messages"], first["longest_client_text"]) == (
        "last_reply",
        1,
        8,
    )
    assert (second["attributed_by"], second["operator_messages"], second["closed_by"]) == (
        "assigned",
        0,
        "client",
    )
    assert second["first_reply_at"] is None
    for record in records:
        assert Envelope.from_headers([(name, value.encode()) for name, value in record.headers.items()])


async def test_the_transcript_shows_what_was_written(harness: Harness) -> None:
    channel = await harness.channel()
    ann, zoe = harness.operator("ann", channel), await harness.visitor(channel)
    path = await harness.dialog(zoe, taken_by=ann)
    done(await zoe.put(f"{path}/messages/m1", {"text": "Hello"}))
    done(await ann.put(f"{path}/messages/m2", {"text": "Salut 👋"}))
    done(await ann.post(f"{path}/close"))
    seen = done(await ann.get(path))
    assert [(m["author"], m["operator"], m["text"]["text"]) for m in seen["messages"]] == [
        ("client", None, "Hello"),
        ("operator", "ann", "Salut 👋"),
    ]
    assert (seen["state"], seen["operator"], len(seen["closes"])) == ("closed", "ann", 1)
    as_client = done(await zoe.get(path))
    assert [(m["operator"], m["name"]) for m in as_client["messages"]] == [(None, None), (None, "Ann")]
    assert as_client["operator"] is None


async def test_a_bot_writes_as_what_it_is_and_a_person_never_as_one(
    harness: Harness, kafka: KafkaConnection
) -> None:
    channel = await harness.channel()
    helper = harness.staff(Role.SERVICE, "helper", channel, scope="dialogs:write")
    zoe, ann = await harness.visitor(channel), harness.operator("ann", channel)
    path = await harness.dialog(zoe, taken_by=ann)
    done(await helper.put(f"{path}/messages/m1", {"text": "Hello"}))
    done(await helper.put(f"{path}/messages/m2", {"text": "Ann joins", "kind": "system"}))
    for who in (zoe, ann):
        refused = await who.put(f"{path}/messages/m3", {"text": "Beep", "kind": "bot"})
        assert (refused.status_code, refused.json()["type"]) == (403, "/problems/not-your-kind")
    assert (await helper.put(f"{path}/messages/m3", {"text": "Hi", "kind": "person"})).status_code == 422
    assert [each["name"] for each in done(await ann.get(path))["messages"]] == ["Helper", "Helper"]
    done(await ann.post(f"{path}/close"))
    [_, closed] = await consume(kafka, "candor.dialogs", path.rpartition("/")[2], 2)
    assert [(each["id"], each["kind"]) for each in closed.value["participants"]] == [("helper", "system")]
    assert (closed.value["operator"], closed.value["operator_messages"]) == ("ann", 0)


@pytest.mark.parametrize("role", [Role.SUPERVISOR, Role.ADMIN])
async def test_whoever_leads_and_reads_a_transcript_is_on_record(harness: Harness, role: Role) -> None:
    channel = await harness.channel()
    zoe, ann = await harness.visitor(channel), harness.operator()
    path = await harness.dialog(zoe, taken_by=ann)
    sue, stranger = harness.staff(role, "sue", channel), harness.staff(role, "tom", "another")
    assert (await stranger.get(path)).status_code == 404
    for reader in (ann, zoe, sue):
        done(await reader.get(path))
    entries = harness.database["audit"]
    [entry] = await entries.find({}, {"_id": 0, "at": 0}).to_list(None)
    assert entry == {
        "what": "transcript.read", "who": "sue", "roles": [role],
        "dialog": path.rpartition("/")[2], "channel": channel,
    }  # fmt: skip


async def test_a_contact_travels_sealed_and_its_readers_can_open_it(
    harness: Harness, kafka: KafkaConnection
) -> None:
    channel = await harness.channel()
    zoe = await harness.visitor(channel, name="Zoë Canary", email="zoe.canary@school.example")
    path = await harness.dialog(zoe)
    dialog = path.rpartition("/")[2]
    done(await zoe.post(f"{path}/close"))
    [_, closed] = await consume(kafka, "candor.dialogs", dialog, 2)
    assert "canary" not in str(closed.value).lower()
    key = await harness.database["keys"].find_one({"_id": dialog})
    assert key is not None
    [record] = await consume(kafka, "candor.dialogs.keys", key["kid"], 1)
    reader = KeyReader(harness.database.client[f"{harness.database.name}_r"], readers_key=b"A" * 32)
    await receive(reader, {key["kid"]: KeyPublished.model_validate(record.value)})
    contact = [
        await reader.open(closed.value["contact"][word], subject=zoe.id, scope=dialog, purpose=word)
        for word in ("name", "email")
    ]
    assert contact == ["Zoë Canary", "zoe.canary@school.example"]
    await harness.database.client.drop_database(f"{harness.database.name}_r")
    assert KeyPublished.model_validate(record.value).scope == dialog
    documents = (
        await harness.database["keys"].find({"subject": zoe.id, "published": {"$ne": []}}).to_list(None)
    )
    assert [document["_id"] for document in documents] == [dialog]


async def test_a_dialog_may_be_called_like_a_client_and_gets_no_key_of_theirs(harness: Harness) -> None:
    channel = await harness.channel()
    zoe, other = await harness.visitor(channel, name="Zoë"), await harness.visitor(channel)
    for name, who in ((zoe.id, other), (f"client-{zoe.id}", zoe), (other.id, zoe)):
        done(await who.put(f"/v1/dialogs/{name}"))
        done(await who.put(f"/v1/dialogs/{name}/messages/m1", {"text": "Hello"}))
        done(await who.post(f"/v1/dialogs/{name}/close"))
    clients = [key["subject"] async for key in harness.database["keys"].find().sort("_id", 1)]
    assert sorted(clients) == sorted([zoe.id, zoe.id, zoe.id, other.id])


async def test_an_erased_client_is_forgotten(harness: Harness, kafka: KafkaConnection) -> None:
    channel = await harness.channel()
    ann = harness.operator()
    zoe = await harness.visitor(channel, name="Zoë", email="zoe@school.example")
    path = await harness.dialog(zoe, taken_by=ann)
    done(await zoe.put(f"{path}/messages/m1", {"text": CANARY}))
    first = await harness.admin.do("DELETE", f"/v1/clients/{zoe.id}")
    assert first.status_code == 202
    assert done(await harness.admin.do("DELETE", f"/v1/clients/{zoe.id}")) == first.json()

    for writer in (zoe, ann):
        refused = await writer.put(f"{path}/messages/m2", {"text": "Still there?"})
        assert (refused.status_code, "erased" in refused.json()["detail"]) == (409, True)
    assert (await zoe.put("/v1/dialogs/another")).status_code == 409
    assert (await zoe.post(f"{path}/reopen")).status_code == 409

    [record] = await consume(kafka, "candor.clients", zoe.id, 1)
    assert record.value["client"] == zoe.id
    seen = await until(
        lambda: ann.get(path), lambda response: response.json()["messages"][0]["text"]["state"] == "erased"
    )
    assert seen.json()["messages"][0]["text"]["text"] is None

    done(await ann.post(f"{path}/close"))
    [_, closed] = await consume(kafka, "candor.dialogs", path.rpartition("/")[2], 2)
    assert closed.value["contact"] is None
    assert closed.value["client_messages"] == 1


async def test_an_erasure_is_on_record_before_it_is_done(harness: Harness) -> None:
    channel = await harness.channel()
    zoe, kim = await harness.visitor(channel), harness.staff(Role.ADMIN, "kim", channel)
    entries = harness.database["audit"]
    assert (await harness.staff(Role.ADMIN, "tom", "another").do("DELETE", f"/v1/clients/{zoe.id}")).is_error
    assert await entries.count_documents({}) == 0
    for _ in range(2):
        erased = done(await kim.do("DELETE", f"/v1/clients/{zoe.id}"))
    assert (await harness.staff(Role.ADMIN, "tom", "another").do("DELETE", f"/v1/clients/{zoe.id}")).is_error
    first, _ = await entries.find({}, {"_id": 0}).sort("at", 1).to_list(None)
    assert first.pop("at") <= datetime.fromisoformat(erased["erased_at"])
    assert first == {
        "what": "client.erased", "who": "kim", "roles": ["admin"], "client": zoe.id, "channel": channel,
    }  # fmt: skip


async def test_a_reading_that_is_refused_is_not_on_record(harness: Harness) -> None:
    channel = await harness.channel()
    sue = harness.staff(Role.SUPERVISOR, "sue", channel)
    path = await harness.dialog(await harness.visitor(channel))
    for wrong in ("nonsense", encode("chat.dialogs.open", [1]), encode("chat.messages", [0]), "a" * 201):
        refused = await sue.get(f"{path}?cursor={wrong}")
        assert (refused.status_code, refused.json()["errors"][0]["field"]) == (422, "query.cursor")
    assert await harness.database["audit"].count_documents({}) == 0
    done(await sue.get(f"{path}?cursor="))
    assert await harness.database["audit"].count_documents({"what": "transcript.read"}) == 1


async def test_what_cannot_be_put_on_record_is_not_done(harness: Harness) -> None:
    channel = await harness.channel()
    zoe, sue = await harness.visitor(channel), harness.staff(Role.SUPERVISOR, "sue", channel)
    path = await harness.dialog(zoe)
    await harness.database.drop_collection("audit")
    await harness.database.create_collection("audit", validator={"$expr": False})
    for who, method, forbidden in ((harness.admin, "DELETE", f"/v1/clients/{zoe.id}"), (sue, "GET", path)):
        assert (await who.do(method, forbidden)).status_code == 500
    done(await zoe.put(f"{path}/messages/m1", {"text": "Still here"}))


async def test_an_operator_who_was_replaced_reads_and_no_more(harness: Harness) -> None:
    channel = await harness.channel()
    ann, bob = harness.operator("ann", channel), harness.operator("bob", channel)
    path = await harness.dialog(await harness.visitor(channel), taken_by=ann)
    done(await ann.put(f"{path}/messages/m1", {"text": "Hello"}))
    done(await harness.admin.put(f"{path}/operator", {"operator": "bob", "name": "Bob"}))
    for refused in (
        await ann.put(f"{path}/messages/m2", {"text": "."}),
        await ann.post(f"{path}/close"),
    ):
        assert (refused.status_code, refused.json()["type"]) == (403, "/problems/not-your-dialog")
    assert (await ann.put(f"{path}/operator")).status_code == 409
    done(await ann.get(path))
    done(await bob.post(f"{path}/close"))
    assert (await ann.post(f"{path}/reopen")).status_code == 403
    elsewhere = harness.operator("bob", "another")
    for refused in (await elsewhere.get(path), await elsewhere.post(f"{path}/reopen")):
        assert refused.status_code == 404
    await until(
        lambda: bob.get("/v1/dialogs?state=closed"), lambda response: len(response.json()["dialogs"]) == 1
    )
    assert done(await elsewhere.get("/v1/dialogs?state=closed"))["dialogs"] == []


async def test_a_long_transcript_comes_in_pages(harness: Harness) -> None:
    zoe = await harness.visitor(await harness.channel())
    path = await harness.dialog(zoe)
    for number in range(7):
        done(await zoe.put(f"{path}/messages/m{number}", {"text": f"Number {number}"}))
        if number in {2, 5}:
            done(await zoe.post(f"{path}/close"))
            done(await zoe.post(f"{path}/reopen"))
    pages, cursor = [], ""
    while cursor is not None:
        page = done(await zoe.get(f"{path}?limit=3{cursor and f'&cursor={cursor}'}"))
        assert [close["close_seq"] for close in page["closes"]] == [1, 2]
        assert [close["closed_by"] for close in page["closes"]] == ["client", "client"]
        pages.append([message["text"]["text"] for message in page["messages"]])
        cursor = page["next_cursor"]
    numbers = [f"Number {number}" for number in range(7)]
    assert pages == [numbers[:3], numbers[3:6], numbers[6:]]
    assert done(await zoe.get(path))["next_cursor"] is None
    assert done(await zoe.get(f"{path}?limit=7"))["next_cursor"] is None
    for wrong in ("limit=0", "limit=201", "cursor=nonsense"):
        assert (await zoe.get(f"{path}?{wrong}")).status_code == 422


@pytest.mark.parametrize(
    "content", ["0001-01-01T00:00:00+23:59|a", "9999-12-31T23:59:59-23:59|a", "2026-01-01T00:00:00+00:00|\0"]
)
async def test_a_cursor_that_somebody_made_up_is_refused(harness: Harness, content: str) -> None:
    ann = harness.operator()
    made_up = urlsafe_b64encode(content.encode()).rstrip(b"=").decode()
    ours = [encode("chat.dialogs.open", [2**63, "a"]), encode("chat.dialogs.open", [-1, "a"])]
    for cursor in (made_up, *ours, encode("chat.dialogs.closed", [1, "a"])):
        assert (await ann.get(f"/v1/dialogs?cursor={cursor}")).status_code == 422
    surrogate = sealed_cursor("chat.dialogs.open", b'[1,"\\ud800"]')
    assert (await ann.get(f"/v1/dialogs?cursor={surrogate}")).status_code == 422


def sealed_cursor(kind: str, body: bytes) -> str:
    """A cursor with a right sum, whatever is in it."""
    total = blake2b(body, digest_size=SUM_BYTES, key=kind.encode()).digest()
    return urlsafe_b64encode(total + body).rstrip(b"=").decode()


async def test_words_lie_nowhere_in_clear(harness: Harness) -> None:
    channel = await harness.channel()
    zoe = await harness.visitor(channel, name=CANARY)
    path = await harness.dialog(zoe)
    done(await zoe.put(f"{path}/messages/m1", {"text": CANARY}))
    done(await zoe.post(f"{path}/close"))
    for name in await harness.database.list_collection_names():
        assert "canary-7c41" not in str(await harness.database[name].find().to_list(None)), name


async def test_nobody_can_guess_a_message_from_what_is_stored_without_its_key(harness: Harness) -> None:
    channel = await harness.channel()
    zoe = await harness.visitor(channel)
    for path in (await harness.dialog(zoe), await harness.dialog(zoe)):
        done(await zoe.put(f"{path}/messages/m1", {"text": "no"}))
    commits = await harness.database["commits"].find({"events.type": "message-posted"}).to_list(None)
    prints = {event["fingerprint"] for commit in commits for event in commit["events"]}
    assert len(prints) == 2  # the same text, and nothing to look them up by


async def test_operators_find_own_dialogs_and_those_that_wait(harness: Harness) -> None:
    channel, other = await harness.channel(), await harness.channel()
    ann, bo = harness.operator("ann", channel), harness.operator("bo", channel)
    zoe, max_ = await harness.visitor(channel), await harness.visitor(other)
    waiting = [await harness.dialog(zoe) for _ in range(3)]
    own, anothers = await harness.dialog(zoe, taken_by=ann), await harness.dialog(zoe, taken_by=bo)
    elsewhere = await harness.dialog(max_)
    expected = [path.rpartition("/")[2] for path in (*waiting, own)]

    async def found(query: str = "") -> list[str]:
        return [each["dialog"] for each in done(await ann.get(f"/v1/dialogs{query}"))["dialogs"]]

    assert await until(found, lambda seen: len(seen) == 4) == expected
    assert not {anothers.rpartition("/")[2], elsewhere.rpartition("/")[2]} & set(expected)
    page = done(await ann.get("/v1/dialogs?limit=3"))
    rest = done(await ann.get(f"/v1/dialogs?limit=3&cursor={page['next_cursor']}"))
    assert [each["dialog"] for each in page["dialogs"] + rest["dialogs"]] == expected
    assert rest["next_cursor"] is None
    done(await ann.post(f"{own}/close"))
    closed = await until(lambda: found("?state=closed"), bool)
    assert closed == [own.rpartition("/")[2]]
    assert (await ann.get("/v1/dialogs?cursor=nonsense")).status_code == 422


async def test_fifty_messages_at_once_are_all_there_once(harness: Harness) -> None:
    zoe = await harness.visitor(await harness.channel())
    path = await harness.dialog(zoe)

    async def post(number: int) -> Any:
        message, body = f"{path}/messages/m{number}", {"text": f"Number {number}"}
        # "Try again in a moment" is a response too, on a machine that is short of breath.
        return done(await until(lambda: zoe.put(message, body), lambda response: response.status_code != 503))

    await asyncio.gather(*(post(number) for number in range(50)), *(post(number) for number in range(50)))
    messages = done(await zoe.get(path))["messages"]
    assert sorted(each["text"]["text"] for each in messages) == sorted(
        f"Number {number}" for number in range(50)
    )


async def test_two_operators_reach_for_one_dialog(harness: Harness) -> None:
    channel = await harness.channel()
    path = await harness.dialog(await harness.visitor(channel))
    people = [harness.operator(f"op-{n}", channel) for n in range(5)]
    responses = await asyncio.gather(*(each.put(f"{path}/operator") for each in people))
    assert sorted(response.status_code for response in responses) == [200, 409, 409, 409, 409]


async def test_a_closed_channel_takes_nothing_new_and_lets_go_on_what_is_there(harness: Harness) -> None:
    channel = await harness.channel()
    zoe = await harness.visitor(channel)
    path = await harness.dialog(zoe)
    done(await harness.admin.put(f"/v1/channels/{channel}", {"name": "Shop", "closed": True}))
    assert (await harness.anybody.post(f"/v1/channels/{channel}/visitors")).status_code == 409
    assert (await zoe.put("/v1/dialogs/another")).status_code == 409
    assert (await zoe.put(path)).status_code == 200
    assert (await zoe.put(f"{path}/messages/m1", {"text": "Hello?"})).status_code == 201


async def test_every_request_can_be_sent_twice(harness: Harness) -> None:
    channel = await harness.channel()
    ann, zoe = harness.operator("ann", channel), await harness.visitor(channel)
    dialog = f"/v1/dialogs/{channel}-d"

    async def twice(who: Person, method: str, path: str, body: Any = None, first: int = 200) -> None:
        responses = [await who.do(method, path, body) for _ in range(2)]
        assert [response.status_code for response in responses] == [first, 200], responses[0].text
        assert responses[0].json() == responses[1].json()

    await twice(harness.admin, "PUT", f"/v1/channels/{channel}", {"name": "Renamed"})
    await twice(zoe, "PUT", dialog, {"locale": "de"}, 201)
    await twice(zoe, "PUT", f"{dialog}/messages/m1", {"text": "Hello"}, 201)
    await twice(ann, "PUT", f"{dialog}/operator")
    await twice(ann, "PUT", f"{dialog}/messages/m2", {"text": "Hi"}, 201)
    await twice(ann, "POST", f"{dialog}/close", {"close_seq": 1})
    await twice(zoe, "POST", f"{dialog}/reopen", {"close_seq": 1})
    await twice(ann, "POST", f"{dialog}/close", {"close_seq": 1})
    await twice(zoe, "PUT", f"{dialog}/messages/m1", {"text": "Hello"}, 200)
    assert (await zoe.post(f"{dialog}/close")).status_code == 409
    await twice(zoe, "PUT", f"{dialog}/messages/m3", {"text": "Thanks"}, 201)
    await twice(zoe, "POST", f"{dialog}/close")
    await twice(zoe, "POST", f"{dialog}/reopen")
    for body in ({"text": "Hello!"}, {"text": "hello"}):
        assert (await zoe.put(f"{dialog}/messages/m1", body)).status_code == 409
    assert (await zoe.put(dialog, {"locale": "fr"})).status_code == 409
    assert (await zoe.post(f"{dialog}/close", {"close_seq": 4})).status_code == 409
