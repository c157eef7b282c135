"""Visitors who open no dialog leave nothing behind."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from chassis.crypto_shredding.temporary import TemporarySeal
from chat.read_models.pending_visitors import PendingVisitor, PendingVisitors
from contracts.access import Role
from tests.chat.harness import Harness, done
from tests.waiting import until

pytestmark = pytest.mark.real

ZOE = {"locale": "fr", "name": "Zo\u00eb Canary", "email": "zoe.canary@school.example"}
KEY = b"m" * 32


async def pending(harness: Harness, client: str) -> Any:
    return await harness.database["pending_visitors"].find_one({"_id": client})


async def commits(harness: Harness, stream: str) -> int:
    return await harness.database["commits"].count_documents({"stream": stream})


async def test_a_visitor_is_one_sealed_document_and_no_event(harness: Harness) -> None:
    channel = await harness.channel()
    before = await harness.database["commits"].count_documents({})
    zoe = await harness.visitor(channel, **ZOE)
    document = await pending(harness, zoe.id)
    assert (document["channel"], document["locale"]) == (channel, "fr")
    assert "canary" not in str(document).lower()
    assert timedelta(days=29) < document["expires_at"] - datetime.now(UTC) < timedelta(days=31)
    assert await harness.database["commits"].count_documents({}) == before
    assert await harness.database["keys"].count_documents({"subject": zoe.id}) == 0


async def test_the_first_dialog_registers_its_client(harness: Harness) -> None:
    zoe = await harness.visitor(await harness.channel(), **ZOE)
    path = await harness.dialog(zoe)
    assert done(await zoe.get(path))["locale"] == "fr"
    await harness.dialog(zoe)
    [first, _] = await harness.database["commits"].find({"stream": f"client:{zoe.id}"}).to_list(None)
    assert [event["type"] for event in first["events"]] == ["registered", "dialog-reserved"]
    assert await pending(harness, zoe.id) is None


async def test_what_is_refused_registers_nobody(harness: Harness) -> None:
    channel = await harness.channel()
    zoe = await harness.visitor(channel, **ZOE)
    done(await harness.admin.put(f"/v1/channels/{channel}", {"name": "Shop", "closed": True}))
    assert (await zoe.put("/v1/dialogs/d-refused")).status_code == 409
    assert await commits(harness, f"client:{zoe.id}") == 0
    assert await harness.database["keys"].count_documents({"subject": zoe.id}) == 0


async def test_an_expired_visitor_is_refused_before_anybody_has_swept_up(harness: Harness) -> None:
    zoe = await harness.visitor(await harness.channel(), **ZOE)
    past = {"$set": {"expires_at": datetime.now(UTC) - timedelta(seconds=1)}}
    await harness.database["pending_visitors"].update_one({"_id": zoe.id}, past)
    response = await zoe.put("/v1/dialogs/d-late")
    assert (response.status_code, "visitor-expired" in response.text) == (409, True)
    assert await commits(harness, f"client:{zoe.id}") == await commits(harness, "dialog:d-late") == 0


async def test_a_visitor_is_pending_until_the_moment_of_expiry_and_swept_up_by_an_index(
    harness: Harness,
) -> None:
    visitors = PendingVisitors(harness.database, TemporarySeal(KEY))
    zoe = PendingVisitor("c1", "shop", "fr", "zoe@school.example", "Zo\u00eb")
    end = datetime.now(UTC).replace(microsecond=0) + timedelta(hours=1)
    await visitors.add(zoe, end)
    assert await visitors.find("c1", end - timedelta(milliseconds=1)) == zoe
    assert await visitors.find("c1", end) is None
    assert await pending(harness, "c1") is not None
    indexes = await harness.database["pending_visitors"].index_information()
    assert [index["key"] for index in indexes.values() if index.get("expireAfterSeconds") == 0] == [
        [("expires_at", 1)]
    ]


async def test_a_new_master_key_loses_words_and_nobody(harness: Harness) -> None:
    end = datetime.now(UTC) + timedelta(hours=1)
    await PendingVisitors(harness.database, TemporarySeal(b"o" * 32)).add(
        PendingVisitor("c1", "shop", "fr", "a@b.c"), end
    )
    found = await PendingVisitors(harness.database, TemporarySeal(KEY)).find("c1", datetime.now(UTC))
    assert found == PendingVisitor("c1", "shop", "fr", None)


async def test_an_erased_visitor_does_not_come_back(harness: Harness) -> None:
    channel = await harness.channel()
    zoe, kim = await harness.visitor(channel, **ZOE), harness.staff(Role.ADMIN, "kim", channel)
    stranger = harness.staff(Role.ADMIN, "tom", "another")
    erasure = "DELETE", f"/v1/clients/{zoe.id}"
    assert (await stranger.do(*erasure)).status_code == 403
    assert await pending(harness, zoe.id) is not None
    done(await kim.do(*erasure))
    response = await zoe.put("/v1/dialogs/d-erased")
    assert (response.status_code, "erased" in response.text) == (409, True)

    async def gone() -> bool:
        return await pending(harness, zoe.id) is None

    await until(gone, bool)
    done(await kim.do(*erasure))
    assert (await stranger.do(*erasure)).status_code == 403
    assert (await zoe.put("/v1/dialogs/d-erased")).status_code == 409
    assert await commits(harness, "dialog:d-erased") == 0
