"""Chat over HTTP, on the real servers: from the first visitor to what other services hear."""

import asyncio
from base64 import urlsafe_b64encode
from datetime import datetime
from hashlib import blake2b
from typing import Any

import pytest

from chassis.crypto_shredding import KeyReader
from chassis.http.cursors import SUM_BYTES, encode
from chassis.kafka.connection import KafkaConnection
from contracts.access import Role
from contracts.envelope import Envelope
from contracts.keys import KeyPublished
from tests.chat.harness import Harness, Person, done, heard
from tests.waiting import until

pytestmark = pytest.mark.real

CANARY = "canary-7c41 zoë@school.example"


async def test_a_dialog_from_opening_to_its_second_close(house: Harness, kafka: KafkaConnection) -> None:
    channel = await house.channel()
    ann = house.operator("ann", channel)
    zoe = await house.visitor(channel, locale="fr-CA")
    path = await house.dialog(zoe)
    done(await zoe.put(f"{path}/messages/m1", {"text": "Привет 👋"}))
    done(await ann.put(f"{path}/operator"))
    done(await ann.put(f"{path}/messages/m2", {"text": "Salut 👋"}))
    assert done(await ann.post(f"{path}/close", {"close_seq": 1}))["close_seq"] == 1
    done(await zoe.post(f"{path}/reopen", {"close_seq": 1}))
    done(await zoe.put(f"{path}/messages/m3", {"text": "Thanks"}))
    assert done(await zoe.post(f"{path}/close"))["close_seq"] == 2

    records = await heard(kafka, "candor.dialogs", path.rpartition("/")[2], 4)
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


async def test_the_transcript_shows_what_was_said(house: Harness) -> None:
    channel = await house.channel()
    ann, zoe = house.operator("ann", channel), await house.visitor(channel)
    path = await house.dialog(zoe, taken_by=ann)
    done(await zoe.put(f"{path}/messages/m1", {"text": "Hello"}))
    done(await ann.put(f"{path}/messages/m2", {"text": "Salut 👋"}))
    done(await ann.post(f"{path}/close"))
    seen = done(await ann.get(path))
    assert [(m["author"], m["operator"], m["text"]) for m in seen["messages"]] == [
        ("client", None, "Hello"),
        ("operator", "ann", "Salut 👋"),
    ]
    assert (seen["state"], seen["operator"], len(seen["closes"])) == ("closed", "ann", 1)
    as_client = done(await zoe.get(path))
    assert [(m["operator"], m["name"]) for m in as_client["messages"]] == [(None, None), (None, "Ann")]
    assert as_client["operator"] is None


@pytest.mark.parametrize("role", [Role.SUPERVISOR, Role.ADMIN])
async def test_whoever_leads_and_reads_a_transcript_is_on_record(house: Harness, role: Role) -> None:
    channel = await house.channel()
    zoe, ann = await house.visitor(channel), house.operator()
    path = await house.dialog(zoe, taken_by=ann)
    sue, stranger = house.staff(role, "sue", channel), house.staff(role, "tom", "another")
    assert (await stranger.get(path)).status_code == 404
    for reader in (ann, zoe, sue):
        done(await reader.get(path))
    entries = house.database["audit"]
    [entry] = await entries.find({}, {"_id": 0, "at": 0}).to_list(None)
    assert entry == {
        "what": "transcript.read", "who": "sue", "roles": [role],
        "dialog": path.rpartition("/")[2], "channel": channel,
    }  # fmt: skip


async def test_a_contact_travels_sealed_and_its_readers_can_open_it(
    house: Harness, kafka: KafkaConnection
) -> None:
    channel = await house.channel()
    zoe = await house.visitor(channel, name="Zoë Canary", email="zoe.canary@school.example")
    path = await house.dialog(zoe)
    dialog = path.rpartition("/")[2]
    done(await zoe.post(f"{path}/close"))
    [_, closed] = await heard(kafka, "candor.dialogs", dialog, 2)
    assert "canary" not in str(closed.value).lower()
    key = await house.database["keys"].find_one({"_id": dialog})
    assert key is not None
    [record] = await heard(kafka, "candor.dialogs.keys", key["kid"], 1)
    reader = KeyReader(house.database.client[f"{house.database.name}_r"], readers_key=b"A" * 32)
    await reader.apply({key["kid"]: KeyPublished.model_validate(record.value)})
    contact = [
        await reader.open(closed.value["contact"][word], subject=zoe.id, scope=dialog, purpose=word)
        for word in ("name", "email")
    ]
    assert contact == ["Zoë Canary", "zoe.canary@school.example"]
    await house.database.client.drop_database(f"{house.database.name}_r")
    assert KeyPublished.model_validate(record.value).scope == dialog
    cards = await house.database["keys"].find({"subject": zoe.id, "published": {"$ne": []}}).to_list(None)
    assert [card["_id"] for card in cards] == [dialog]


async def test_a_dialog_may_be_called_like_a_client_and_gets_no_key_of_theirs(house: Harness) -> None:
    channel = await house.channel()
    zoe, other = await house.visitor(channel, name="Zoë"), await house.visitor(channel)
    for name, who in ((zoe.id, other), (f"client-{zoe.id}", zoe), (other.id, zoe)):
        done(await who.put(f"/v1/dialogs/{name}"))
        done(await who.put(f"/v1/dialogs/{name}/messages/m1", {"text": "Hello"}))
        done(await who.post(f"/v1/dialogs/{name}/close"))
    clients = [key["subject"] async for key in house.database["keys"].find().sort("_id", 1)]
    assert sorted(clients) == sorted([zoe.id, zoe.id, zoe.id, other.id])


async def test_an_erased_client_is_forgotten(house: Harness, kafka: KafkaConnection) -> None:
    channel = await house.channel()
    ann = house.operator()
    zoe = await house.visitor(channel, name="Zoë", email="zoe@school.example")
    path = await house.dialog(zoe, taken_by=ann)
    done(await zoe.put(f"{path}/messages/m1", {"text": CANARY}))
    first = await house.admin.do("DELETE", f"/v1/clients/{zoe.id}")
    assert first.status_code == 202
    assert done(await house.admin.do("DELETE", f"/v1/clients/{zoe.id}")) == first.json()

    for writer in (zoe, ann):
        refused = await writer.put(f"{path}/messages/m2", {"text": "Still there?"})
        assert (refused.status_code, "erased" in refused.json()["detail"]) == (409, True)
    assert (await zoe.put("/v1/dialogs/another")).status_code == 409
    assert (await zoe.post(f"{path}/reopen")).status_code == 409

    [said] = await heard(kafka, "candor.clients", zoe.id, 1)
    assert said.value["client"] == zoe.id
    seen = await until(lambda: ann.get(path), lambda answer: answer.json()["messages"][0]["erased"])
    assert seen.json()["messages"][0]["text"] is None

    done(await ann.post(f"{path}/close"))
    [_, closed] = await heard(kafka, "candor.dialogs", path.rpartition("/")[2], 2)
    assert closed.value["contact"] is None
    assert closed.value["client_messages"] == 1


async def test_an_erasure_is_on_record_before_it_is_done(house: Harness) -> None:
    channel = await house.channel()
    zoe, kim = await house.visitor(channel), house.staff(Role.ADMIN, "kim", channel)
    entries = house.database["audit"]
    assert (await house.staff(Role.ADMIN, "tom", "another").do("DELETE", f"/v1/clients/{zoe.id}")).is_error
    assert await entries.count_documents({}) == 0
    for _ in range(2):
        erased = done(await kim.do("DELETE", f"/v1/clients/{zoe.id}"))
    assert (await house.staff(Role.ADMIN, "tom", "another").do("DELETE", f"/v1/clients/{zoe.id}")).is_error
    first, _ = await entries.find({}, {"_id": 0}).sort("at", 1).to_list(None)
    assert first.pop("at") <= datetime.fromisoformat(erased["erased_at"])
    assert first == {
        "what": "client.erased", "who": "kim", "roles": ["admin"], "client": zoe.id, "channel": channel,
    }  # fmt: skip


async def test_what_cannot_be_put_on_record_is_not_done(house: Harness) -> None:
    channel = await house.channel()
    zoe, sue = await house.visitor(channel), house.staff(Role.SUPERVISOR, "sue", channel)
    path = await house.dialog(zoe)
    await house.database.drop_collection("audit")
    await house.database.create_collection("audit", validator={"$expr": False})
    for who, method, forbidden in ((house.admin, "DELETE", f"/v1/clients/{zoe.id}"), (sue, "GET", path)):
        assert (await who.do(method, forbidden)).status_code == 500
    done(await zoe.put(f"{path}/messages/m1", {"text": "Still here"}))


async def test_an_operator_who_was_replaced_reads_and_no_more(house: Harness) -> None:
    channel = await house.channel()
    ann, bob = house.operator("ann", channel), house.operator("bob", channel)
    path = await house.dialog(await house.visitor(channel), taken_by=ann)
    done(await ann.put(f"{path}/messages/m1", {"text": "Hello"}))
    done(await house.admin.put(f"{path}/operator", {"operator": "bob", "name": "Bob"}))
    for refused in (
        await ann.put(f"{path}/messages/m2", {"text": "."}),
        await ann.post(f"{path}/close"),
    ):
        assert (refused.status_code, refused.json()["type"]) == (403, "/problems/not-your-dialog")
    assert (await ann.put(f"{path}/operator")).status_code == 409
    done(await ann.get(path))
    done(await bob.post(f"{path}/close"))
    assert (await ann.post(f"{path}/reopen")).status_code == 403
    elsewhere = house.operator("bob", "another")
    for refused in (await elsewhere.get(path), await elsewhere.post(f"{path}/reopen")):
        assert refused.status_code == 404
    await until(
        lambda: bob.get("/v1/dialogs?state=closed"), lambda answer: len(answer.json()["dialogs"]) == 1
    )
    assert done(await elsewhere.get("/v1/dialogs?state=closed"))["dialogs"] == []


async def test_a_long_transcript_comes_in_pages(house: Harness) -> None:
    zoe = await house.visitor(await house.channel())
    path = await house.dialog(zoe)
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
        pages.append([said["text"] for said in page["messages"]])
        cursor = page["next_cursor"]
    numbers = [f"Number {number}" for number in range(7)]
    assert pages == [numbers[:3], numbers[3:6], numbers[6:]]
    assert done(await zoe.get(path))["next_cursor"] is None
    assert done(await zoe.get(f"{path}?limit=7"))["next_cursor"] is None
    for wrong in ("limit=0", "limit=201", "cursor=nonsense"):
        assert (await zoe.get(f"{path}?{wrong}")).status_code == 422


@pytest.mark.parametrize(
    "place", ["0001-01-01T00:00:00+23:59|a", "9999-12-31T23:59:59-23:59|a", "2026-01-01T00:00:00+00:00|\0"]
)
async def test_a_cursor_that_somebody_made_up_is_told_so(house: Harness, place: str) -> None:
    ann = house.operator()
    made_up = urlsafe_b64encode(place.encode()).rstrip(b"=").decode()
    ours = [encode("chat.dialogs.open", [2**63, "a"]), encode("chat.dialogs.open", [-1, "a"])]
    for cursor in (made_up, *ours, encode("chat.dialogs.closed", [1, "a"])):
        assert (await ann.get(f"/v1/dialogs?cursor={cursor}")).status_code == 422
    surrogate = sealed_cursor("chat.dialogs.open", b'[1,"\\ud800"]')
    assert (await ann.get(f"/v1/dialogs?cursor={surrogate}")).status_code == 422


def sealed_cursor(kind: str, body: bytes) -> str:
    """A cursor with a right sum, whatever is in it."""
    total = blake2b(body, digest_size=SUM_BYTES, key=kind.encode()).digest()
    return urlsafe_b64encode(total + body).rstrip(b"=").decode()


async def test_words_lie_nowhere_in_clear(house: Harness) -> None:
    channel = await house.channel()
    zoe = await house.visitor(channel, name=CANARY)
    path = await house.dialog(zoe)
    done(await zoe.put(f"{path}/messages/m1", {"text": CANARY}))
    done(await zoe.post(f"{path}/close"))
    for name in await house.database.list_collection_names():
        assert "canary-7c41" not in str(await house.database[name].find().to_list(None)), name


async def test_nobody_can_guess_a_message_from_what_is_stored_without_its_key(house: Harness) -> None:
    channel = await house.channel()
    zoe = await house.visitor(channel)
    for path in (await house.dialog(zoe), await house.dialog(zoe)):
        done(await zoe.put(f"{path}/messages/m1", {"text": "no"}))
    commits = await house.database["commits"].find({"events.type": "message-posted"}).to_list(None)
    prints = {event["fingerprint"] for commit in commits for event in commit["events"]}
    assert len(prints) == 2  # the same words, and nothing to look them up by


async def test_operators_find_own_dialogs_and_those_that_wait(house: Harness) -> None:
    channel, other = await house.channel(), await house.channel()
    ann, bo = house.operator("ann", channel), house.operator("bo", channel)
    zoe, max_ = await house.visitor(channel), await house.visitor(other)
    waiting = [await house.dialog(zoe) for _ in range(3)]
    own, anothers = await house.dialog(zoe, taken_by=ann), await house.dialog(zoe, taken_by=bo)
    elsewhere = await house.dialog(max_)
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


async def test_fifty_messages_at_once_are_all_there_once(house: Harness) -> None:
    zoe = await house.visitor(await house.channel())
    path = await house.dialog(zoe)

    async def post(number: int) -> Any:
        message, body = f"{path}/messages/m{number}", {"text": f"Number {number}"}
        # "Try again in a moment" is an answer too, on a machine that is short of breath.
        return done(await until(lambda: zoe.put(message, body), lambda answer: answer.status_code != 503))

    await asyncio.gather(*(post(number) for number in range(50)), *(post(number) for number in range(50)))
    said = done(await zoe.get(path))["messages"]
    assert sorted(each["text"] for each in said) == sorted(f"Number {number}" for number in range(50))


async def test_two_operators_reach_for_one_dialog(house: Harness) -> None:
    channel = await house.channel()
    path = await house.dialog(await house.visitor(channel))
    people = [house.operator(f"op-{n}", channel) for n in range(5)]
    answers = await asyncio.gather(*(each.put(f"{path}/operator") for each in people))
    assert sorted(answer.status_code for answer in answers) == [200, 409, 409, 409, 409]


async def test_a_closed_channel_takes_nothing_new_and_lets_go_on_what_is_there(house: Harness) -> None:
    channel = await house.channel()
    zoe = await house.visitor(channel)
    path = await house.dialog(zoe)
    done(await house.admin.put(f"/v1/channels/{channel}", {"name": "Shop", "closed": True}))
    assert (await house.anybody.post(f"/v1/channels/{channel}/visitors")).status_code == 409
    assert (await zoe.put("/v1/dialogs/another")).status_code == 409
    assert (await zoe.put(path)).status_code == 200
    assert (await zoe.put(f"{path}/messages/m1", {"text": "Hello?"})).status_code == 201


async def test_every_request_can_be_sent_twice(house: Harness) -> None:
    channel = await house.channel()
    ann, zoe = house.operator("ann", channel), await house.visitor(channel)
    dialog = f"/v1/dialogs/{channel}-d"

    async def twice(who: Person, method: str, path: str, body: Any = None, first: int = 200) -> None:
        answers = [await who.do(method, path, body) for _ in range(2)]
        assert [answer.status_code for answer in answers] == [first, 200], answers[0].text
        assert answers[0].json() == answers[1].json()

    await twice(house.admin, "PUT", f"/v1/channels/{channel}", {"name": "Renamed"})
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
