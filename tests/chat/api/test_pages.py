"""What chat's pages read: the console's list and card, the widget's own dialogs, and a fresh token."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from chat.api.schemas import LONGEST_BEGINNING
from chat.api.tokens import VisitorTokens
from contracts.access import Role
from tests.chat.harness import Harness, Person, done
from tests.waiting import until

pytestmark = pytest.mark.real

ZOE = {"locale": "fr", "name": "Zoë Canary", "email": "zoe.canary@school.example"}
OPEN_ZOE = {"state": "open", "text": "Zoë Canary"}
ERASED = {"state": "erased", "text": None}


async def listed(ann: Person, path: str, version: int, state: str = "open") -> dict[str, Any]:
    """The dialog in Ann's list once it has come there."""

    async def look() -> dict[str, Any]:
        dialogs = done(await ann.get(f"/v1/dialogs?state={state}"))["dialogs"]
        return next((each for each in dialogs if path.endswith(each["dialog"])), {})

    return await until(look, lambda each: each.get("version") == version)


async def test_the_list_says_who_waits_since_when_and_what_was_written_last(harness: Harness) -> None:
    channel = await harness.channel()
    ann, zoe = harness.operator("ann", channel), await harness.visitor(channel, **ZOE)
    path = await harness.dialog(zoe)
    found = await listed(ann, path, 1)
    assert (found["client_name"], found["last_message"], found["waiting_since"]) == (OPEN_ZOE, None, None)
    first = done(await zoe.put(f"{path}/messages/m1", {"text": "Bonjour"}))
    done(await zoe.put(f"{path}/messages/m2", {"text": "é" * 1000}))
    found = await listed(ann, path, 3)
    assert (found["waiting_since"], found["unanswered"]) == (first["posted_at"], 2)
    assert found["last_message"]["author"] == "client"
    assert found["last_message"]["text"] == {"state": "open", "text": "é" * LONGEST_BEGINNING}
    done(await ann.put(f"{path}/operator"))
    found = await listed(ann, path, 4)
    assert (found["unanswered"], found["operator_name"], found["waiting"]) == (2, "Ann", False)
    assert found["last_message"]["text"]["text"] == "é" * LONGEST_BEGINNING
    done(await ann.put(f"{path}/messages/m3", {"text": "Salut"}))
    found = await listed(ann, path, 5)
    assert (found["waiting_since"], found["unanswered"]) == (None, 0)
    assert (found["last_message"]["operator"], found["last_message"]["name"]) == ("ann", "Ann")
    done(await zoe.put(f"{path}/messages/m4", {"text": "Merci"}))
    done(await ann.post(f"{path}/close"))
    assert (await listed(ann, path, 7, "closed"))["unanswered"] == 0


async def test_nothing_that_a_list_keeps_can_be_read(harness: Harness) -> None:
    channel = await harness.channel()
    ann, zoe = harness.operator("ann", channel), await harness.visitor(channel, **ZOE)
    path = await harness.dialog(zoe)
    done(await zoe.put(f"{path}/messages/m1", {"text": "a canary"}))
    await listed(ann, path, 2)
    for name in ("dialogs", "clients"):
        assert "canary" not in str(await harness.database[name].find().to_list(None)).lower()


async def test_of_an_erased_client_lists_and_cards_say_nothing(harness: Harness) -> None:
    channel = await harness.channel()
    ann, zoe = harness.operator("ann", channel), await harness.visitor(channel, **ZOE)
    path = await harness.dialog(zoe, taken_by=ann)
    done(await zoe.put(f"{path}/messages/m1", {"text": "a canary"}))
    assert (await listed(ann, path, 3))["client_name"] == OPEN_ZOE
    done(await harness.admin.do("DELETE", f"/v1/clients/{zoe.id}"))
    await until(harness.unrelayed, lambda count: count == 0)
    found = await listed(ann, path, 3)
    assert (found["client_name"], found["last_message"]["text"]) == (None, ERASED)
    card = done(await ann.get(f"{path}/client"))
    assert (card["name"], card["email"], card["client"]) == (None, None, zoe.id)
    assert "canary" not in str([found, card]).lower()


async def test_the_card_of_a_client_names_their_other_dialogs(harness: Harness) -> None:
    channel = await harness.channel()
    ann, bo = harness.operator("ann", channel), harness.operator("bo", channel)
    zoe = await harness.visitor(channel, **ZOE)
    first, second, third = (
        await harness.dialog(zoe, taken_by=ann),
        await harness.dialog(zoe, taken_by=bo),
        await harness.dialog(zoe, taken_by=ann),
    )
    done(await bo.post(f"{second}/close"))
    await until(harness.unrelayed, lambda count: count == 0)
    card = done(await ann.get(f"{third}/client"))
    assert (card["name"], card["email"]["text"]) == (OPEN_ZOE, ZOE["email"])
    assert (card["channel"], card["locale"]) == (channel, "fr")
    earlier = [(each["dialog"], each["own"], each["operator_name"]) for each in card["earlier"]]
    assert earlier == [(second.split("/")[-1], False, "Bo"), (first.split("/")[-1], True, "Ann")]
    assert [each["closed_at"] is not None for each in card["earlier"]] == [True, False]
    for teams, shown in ((None, 2), (frozenset({"first-line"}), 0)):
        sue = harness.staff(Role.SUPERVISOR, "sue", channel, teams=teams)
        assert len(done(await sue.get(f"{third}/client"))["earlier"]) == shown
    dialogs, other = harness.database["dialogs"], {"_id": "other", "dialog": "other", "channel": "other"}
    await dialogs.insert_one({**(await dialogs.find_one({"dialog": first.split("/")[-1]}) or {}), **other})
    assert done(await ann.get(f"{third}/client"))["earlier"] == card["earlier"]


async def test_a_card_is_for_staff_who_may_read_the_dialog_and_supervisors_are_put_on_record(
    harness: Harness,
) -> None:
    channel = await harness.channel()
    ann, zoe = harness.operator("ann", channel), await harness.visitor(channel, **ZOE)
    path = await harness.dialog(zoe)
    assert (await ann.get(f"{path}/client")).json()["type"] == "/problems/take-it-first"
    done(await ann.put(f"{path}/operator"))
    done(await ann.get(f"{path}/client"))
    assert (await harness.operator("bo", channel).get(f"{path}/client")).status_code == 404
    assert (await zoe.get(f"{path}/client")).status_code == 403
    audit = harness.database["audit"]
    assert await audit.count_documents({"action": "client.read"}) == 0
    done(await harness.staff(Role.SUPERVISOR, "sue", channel).get(f"{path}/client"))
    assert "client.read" in str(await audit.find().to_list(None))


async def test_what_came_since_is_read_by_version(harness: Harness) -> None:
    channel = await harness.channel()
    zoe = await harness.visitor(channel)
    path = await harness.dialog(zoe)
    begin = done(await zoe.get(path))
    assert (begin["version"], begin["messages"]) == (1, [])
    for number in range(1, 4):
        done(await zoe.put(f"{path}/messages/m{number}", {"text": str(number)}))
    since = done(await zoe.get(f"{path}?after={begin['version']}&limit=2"))
    assert [each["message"] for each in since["messages"]] == ["m1", "m2"]
    rest = done(await zoe.get(f"{path}?cursor={since['next_cursor']}"))
    assert [each["message"] for each in rest["messages"]] == ["m3"]
    assert (rest["version"], rest["next_cursor"]) == (4, None)
    assert done(await zoe.get(f"{path}?after=4"))["messages"] == []
    assert (await zoe.get(f"{path}?after=-1")).status_code == 422


async def test_a_visitor_lists_their_own_dialogs(harness: Harness) -> None:
    channel = await harness.channel()
    ann, zoe = harness.operator("ann", channel), await harness.visitor(channel)
    assert done(await zoe.get("/v1/visitors/me/dialogs")) == {"dialogs": []}
    await harness.dialog(await harness.visitor(channel))
    first, second = await harness.dialog(zoe, taken_by=ann), await harness.dialog(zoe)
    done(await ann.put(f"{first}/messages/m1", {"text": "Hello"}))
    done(await ann.post(f"{first}/close"))
    await until(harness.unrelayed, lambda count: count == 0)
    newer, older = done(await zoe.get("/v1/visitors/me/dialogs"))["dialogs"]
    assert (newer["dialog"], newer["state"]) == (second.split("/")[-1], "open")
    assert (newer["version"], newer["replies"], newer["closed_at"], newer["operator_name"]) == (
        1,
        0,
        None,
        None,
    )
    assert (older["dialog"], older["state"], older["closes"]) == (first.split("/")[-1], "closed", 1)
    assert (older["version"], older["replies"], older["operator_name"]) == (4, 1, "Ann")
    assert older["closed_at"] is not None
    for other in (ann, harness.anybody):
        assert (await other.get("/v1/visitors/me/dialogs")).status_code in {401, 403}


async def test_a_dialog_may_be_called_as_anything(harness: Harness) -> None:
    channel = await harness.channel()
    zoe = await harness.visitor(channel)
    for name in ("me", "mine", "changes", "client"):
        assert done(await zoe.put(f"/v1/dialogs/{name}-{zoe.id}"))["client"] == zoe.id
    done(await zoe.put("/v1/dialogs/mine"))
    assert done(await zoe.get("/v1/dialogs/mine"))["dialog"] == "mine"


def expiring(harness: Harness, zoe: Person, channel: str) -> Person:
    """The same client, with a token whose time is nearly over."""
    tokens = VisitorTokens.of(harness.settings)
    token, _ = tokens.issue(zoe.id, channel, datetime.now(UTC) - timedelta(days=29))
    return Person(harness.http, zoe.id, token)


async def test_a_fresh_token_is_for_the_same_client_with_or_without_a_dialog(
    harness: Harness,
) -> None:
    channel = await harness.channel()
    zoe = await harness.visitor(channel, **ZOE)
    await harness.database["pending_visitors"].update_one(
        {"_id": zoe.id}, {"$set": {"expires_at": datetime.now(UTC) + timedelta(days=1)}}
    )
    given = done(await expiring(harness, zoe, channel).post("/v1/visitors/me/token"))
    assert (given["client"], given["token"] == zoe.token) == (zoe.id, False)
    assert datetime.fromisoformat(given["expires_at"]) > datetime.now(UTC) + timedelta(days=29)
    pending = await harness.database["pending_visitors"].find_one({"_id": zoe.id})
    assert pending is not None
    assert pending["expires_at"] > datetime.now(UTC) + timedelta(days=29)
    fresh = Person(harness.http, zoe.id, given["token"])
    path = await harness.dialog(fresh)
    assert done(await zoe.get(path))["client"] == zoe.id
    assert done(await fresh.post("/v1/visitors/me/token"))["client"] == zoe.id


async def test_who_was_erased_or_forgotten_gets_no_fresh_token(harness: Harness) -> None:
    channel = await harness.channel()
    zoe, max_ = await harness.visitor(channel), await harness.visitor(channel)
    await harness.dialog(zoe)
    done(await harness.admin.do("DELETE", f"/v1/clients/{zoe.id}"))
    assert (await zoe.post("/v1/visitors/me/token")).json()["type"] == "/problems/client-erased"
    await harness.database["pending_visitors"].delete_one({"_id": max_.id})
    assert (await max_.post("/v1/visitors/me/token")).json()["type"] == "/problems/visitor-expired"
    assert (await harness.operator("ann", channel).post("/v1/visitors/me/token")).status_code == 403


async def test_the_widget_begins_without_a_token(harness: Harness) -> None:
    channel = await harness.channel(locales=["fr", "en"])
    rating = harness.settings.rating_url
    assert done(await harness.anybody.get(f"/v1/channels/{channel}/widget")) == {
        "channel": channel, "name": "Shop", "locales": ["fr", "en"], "closed": False,
        "form_url": f"{rating}/form",
    }  # fmt: skip
    done(await harness.admin.put(f"/v1/channels/{channel}", {"name": "Shop", "closed": True}))
    assert done(await harness.anybody.get(f"/v1/channels/{channel}/widget"))["closed"] is True
    unknown = await harness.anybody.get("/v1/channels/nowhere/widget")
    assert (unknown.status_code, unknown.json()["type"]) == (404, "/problems/no-such-channel")
