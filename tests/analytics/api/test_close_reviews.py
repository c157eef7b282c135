"""What supervisors write about a close over HTTP: sealed, in versions, on record, erased with the client."""

import csv
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from random import Random
from typing import Any

import httpx
import pytest

from analytics.api import close_reviews
from analytics.messaging.inbound import client_consumer
from analytics.read_models import search
from analytics.read_models.decryption import SealedText
from chassis.crypto_shredding import PrivateKeyRing
from chassis.errors import SubjectErased
from chassis.kafka.connection import KafkaConnection
from chassis.kafka.publisher import Publisher
from chassis.kafka.records import ReceivedEvent
from chassis.mongo import connect
from contracts.access import Claims
from contracts.clients import ClientErased
from contracts.envelope import Envelope
from tests.analytics.builders import FACES, NOON, SEALED, ExpectedClose, after, many
from tests.analytics.harness import EVERYWHERE, Harness, supervisor_of

pytestmark = pytest.mark.real

CLARA = EVERYWHERE.model_copy(update={"sub": "clara", "name": "Clara Moen"})
SECRET = "Talk with Zoë on Tuesday"


def in_kathmandu(close: ExpectedClose) -> bool:
    return timedelta(hours=18.25) <= close.closed_at - NOON.replace(day=2, hour=0) < timedelta(hours=42.25)


NOBODY = Publisher(KafkaConnection(servers="nowhere:1"), "test")


def erased(client: str) -> ReceivedEvent[ClientErased]:
    event = ClientErased(client=client, erased_at=NOON)
    envelope = Envelope(id="1", type=event.type, source="/candor/chat", time=NOON, subject=client, sequence=1)
    return ReceivedEvent(event, envelope, client, "candor.clients", 0, 0, b"")


def test_erasures_are_consumed_and_replayed() -> None:
    ring = PrivateKeyRing(connect("mongodb://127.0.0.1:1")["x"], master_key=b"A" * 32)
    consumer = client_consumer(ring, KafkaConnection(servers="nowhere:1"), NOBODY, "candor_analytics")
    assert consumer.name == "consuming candor_analytics.clients"
    types = {topic: set(known) for topic, known in consumer._decoder._types.items()}
    known = {"candor.client.erased.v1"}
    assert types == {"candor.clients": known, "candor.analytics.replay": known}


async def put(
    harness: Harness,
    what: str,
    value: Any,
    version: int | None = 1,
    claims: Claims = EVERYWHERE,
    close: str = "d1/1",
) -> httpx.Response:
    headers = {} if version is None else {"If-Match": f'"{version}"'}
    body = {"own-score": "score", "exclusion": "reason"}.get(what, what)
    return await harness.send(
        "PUT", f"closes/{close}/review/{what}", claims, json={body: value}, headers=headers
    )


async def written(harness: Harness, what: str, value: Any, version: int = 1, **how: Any) -> Any:
    response = await put(harness, what, value, version, **how)
    assert response.status_code == 200, response.text
    assert response.headers["ETag"] == f'"{response.json()["version"]}"'
    return response.json()


async def test_a_close_has_what_was_written_and_by_whom(harness: Harness) -> None:
    await harness.receive(ExpectedClose())
    before = (await harness.ask("closes/d1/1"))["review"]
    assert before == {
        "version": 1, "status": "new", "own_score": None, "has_note": False, "excluded": None, "note": None,
        "note_written": None, "status_set": None, "own_score_set": None, "exclusion_set": None,
        "scale": {"lowest": 1, "highest": 5},
    }  # fmt: skip
    await written(harness, "note", SECRET, claims=CLARA)
    await written(harness, "status", "in_work", 2)
    last = await written(harness, "own-score", 2, 3)

    found = (await harness.ask("closes/d1/1"))["review"]
    assert found == last == await harness.ask("closes/d1/1/review")
    assert (found["version"], found["status"], found["own_score"]["score"]) == (4, "in_work", 2)
    assert found["note"] == {"state": "open", "text": SECRET}
    assert found["note_written"] == {
        "by": {"id": "clara", "name": "Clara Moen"}, "at": "2026-03-02T12:00:00.000Z"
    }  # fmt: skip
    assert found["status_set"]["by"] == {"id": "sue", "name": "sue"}


async def test_words_about_clients_are_stored_sealed(harness: Harness) -> None:
    await harness.receive(ExpectedClose())
    await written(harness, "note", SECRET)
    await harness.relayed()
    for collection in await harness.database.list_collection_names(filter={"type": "collection"}):
        assert "Tuesday" not in str(await harness.stored(collection)), collection
    (commit,) = await harness.stored("commits")
    assert (commit["_id"], commit["events"][0]["note"].count(".")) == ("review:d1.1:0000000001", 4)


async def test_a_version_says_what_was_read(harness: Harness) -> None:
    await harness.receive(ExpectedClose())
    assert (await put(harness, "note", "a", None)).status_code == 428
    assert (await put(harness, "note", "a", 9)).status_code == 412
    assert await harness.stored("keys") == []  # what is refused is not sealed
    await written(harness, "note", "a")
    refused = await put(harness, "note", "b", claims=CLARA)
    assert (refused.status_code, refused.json()["type"]) == (412, "/problems/changed-meanwhile")
    assert (await written(harness, "note", "a", claims=CLARA))["version"] == 2
    assert (await written(harness, "status", "done"))["version"] == 3
    assert (await written(harness, "note", " ", 3))["note"] is None


async def test_what_is_too_much_is_refused(harness: Harness) -> None:
    await harness.receive(ExpectedClose())
    wrong = (
        ("note", "x" * 4_001, 422),
        ("status", "open", 422),
        ("own-score", "two", 422),
        ("own-score", "5", 422),
        ("own-score", True, 422),
        ("own-score", 6, 409),
    )
    for what, value, status in wrong:
        assert (await put(harness, what, value)).status_code == status
    assert (await written(harness, "note", "\U0001f600" * 4_000))["version"] == 2


async def test_an_own_score_is_on_the_scale_of_the_answer(harness: Harness) -> None:
    await harness.receive(ExpectedClose(scale=FACES, score=1), ExpectedClose("d2", way="expired"))
    assert (await written(harness, "own-score", -1))["own_score"] == {"score": -1, "lowest": -1, "highest": 1}
    assert (await put(harness, "own-score", 2, 2)).status_code == 409
    assert (await written(harness, "own-score", 5, close="d2/1"))["scale"] == {"lowest": 1, "highest": 5}


async def test_a_close_of_another_channel_is_not_there(harness: Harness) -> None:
    await harness.receive(ExpectedClose(channel="course-b"))
    for close in ("d1/1", "d1/2", "d9/1"):
        response = await put(harness, "status", "done", claims=supervisor_of("course-a"), close=close)
        assert response.status_code == 404
        assert (await harness.get(f"closes/{close}/review", supervisor_of("course-a"))).status_code == 404
    assert await harness.stored("commits") == []


async def test_the_history_has_every_change_and_one_sitting_as_one(harness: Harness) -> None:
    await harness.receive(ExpectedClose())
    clock = harness.app.state.clock
    notes = [
        (0, CLARA, "T"), (9, CLARA, "Ta"), (9, CLARA, "Talk"), (1, EVERYWHERE, "Done"),
        (10, EVERYWHERE, "Done."),
    ]  # fmt: skip
    for version, (minutes, claims, text) in enumerate(notes, start=1):
        clock.advance(timedelta(minutes=minutes))
        await written(harness, "note", text, version, claims=claims)
    await written(harness, "status", "done", 6)
    await written(harness, "note", "", 7)

    changes = (await harness.ask("closes/d1/1/review/history"))["changes"]
    assert [(each["by"]["id"], each["kind"], (each["note"] or {}).get("text")) for each in changes] == [
        ("sue", "note", None), ("sue", "status", None), ("sue", "note", "Done."), ("sue", "note", "Done"),
        ("clara", "note", "Talk"),
    ]  # fmt: skip
    assert (changes[1]["status"], changes[1]["at"]) == ("done", "2026-03-02T12:29:00.000Z")


async def test_a_long_history_is_of_the_newest_changes(
    harness: Harness, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(close_reviews, "LAST", 2)
    await harness.receive(ExpectedClose())
    for version, status in enumerate(("in_work", "done", "new"), start=1):
        await written(harness, "status", status, version)
    changes = (await harness.ask("closes/d1/1/review/history"))["changes"]
    assert [each["status"] for each in changes] == ["new", "done"]


async def test_reading_and_writing_are_on_record(harness: Harness) -> None:
    await harness.receive(ExpectedClose())
    await written(harness, "note", SECRET)
    await put(harness, "status", "done", 9)
    await written(harness, "own-score", 2, 2)
    await written(harness, "exclusion", "test", 3)
    for path in ("review", "review/history"):
        await harness.ask(f"closes/d1/1/{path}")
    noted = [(each["what"], each["who"], each["closes"]) for each in await harness.stored("audit")]
    wrote = [f"review.{what}" for what in ("note", "status", "own_score", "exclusion")]
    assert noted == [(what, "sue", ["d1.1"]) for what in (*wrote, "review.read", "review.read")]


async def test_notes_are_erased_with_their_client_and_nothing_else(harness: Harness) -> None:
    keys = harness.app.state.key_ring
    await harness.receive(ExpectedClose("d1"), ExpectedClose("d2"))
    for close in ("d1/1", "d2/1"):
        await written(harness, "note", SECRET, close=close)
    consumer = client_consumer(keys, KafkaConnection(servers="nowhere:1"), NOBODY, "candor_analytics")
    await consumer._handler(erased("c-d1"))

    gone, kept = [(await harness.ask(f"closes/{close}/review")) for close in ("d1/1", "d2/1")]
    assert (gone["note"], gone["has_note"]) == ({"state": "erased", "text": None}, True)
    assert kept["note"]["text"] == SECRET
    assert (await put(harness, "note", "again", 2)).json()["type"] == "/problems/client-erased"
    assert (await written(harness, "status", "done", 2))["status"] == "done"
    with pytest.raises(SubjectErased):
        await keys.seal("x", subject="c-d1", scope="d1", purpose="note")
    assert "tombstones" not in await harness.database.list_collection_names()


async def test_lists_show_and_choose_by_what_was_written(harness: Harness) -> None:
    await harness.receive(*(
        ExpectedClose(f"d{n}", closed_at=after(n - 12), channel=f"course-{'ab'[n % 2]}") for n in range(12)
    ))  # fmt: skip
    for n in (1, 2, 3, 4, 7):
        await written(harness, "status", "done" if n != 4 else "in_work", close=f"d{n}/1")
    await written(harness, "note", SECRET, close="d11/1")
    await harness.relayed()

    async def chosen(*statuses: str, **asked: Any) -> list[int]:
        found, cursor = [], ""
        while cursor is not None:
            page = await harness.ask("reviews", status=statuses, limit=2, cursor=cursor, **asked)
            found += [int(each["dialog"][1:]) for each in page["reviews"]]
            cursor = page["next_cursor"]
        return found

    for axis in ("closed_at", "rated_at"):
        assert await chosen("done", axis=axis) == [7, 3, 2, 1]
        assert await chosen("done", "in_work", axis=axis) == [7, 4, 3, 2, 1]
        assert await chosen("new", axis=axis) == [11, 10, 9, 8, 6, 5, 0]
        assert await chosen("new", "in_work", axis=axis) == [11, 10, 9, 8, 6, 5, 4, 0]
        assert await chosen("done", axis=axis, channel="course-b", state="given") == [7, 3, 1]
        assert await chosen("done", axis=axis, score="1") == []
    marks = {each["dialog"]: each["review"] for each in (await harness.ask("reviews"))["reviews"]}
    assert marks["d4"] == {"status": "in_work", "own_score": None, "has_note": False, "excluded": None}
    assert marks["d11"] == {"status": "new", "own_score": None, "has_note": True, "excluded": None}
    exported = (await harness.get("export.csv", status="done")).text.splitlines()
    assert [line.partition(",")[0] for line in exported[1:]] == ["d7", "d3", "d2", "d1"]


async def test_words_and_statuses_are_searched_together(
    harness: Harness, monkeypatch: pytest.MonkeyPatch
) -> None:
    await harness.receive(*(ExpectedClose(f"d{n}", closed_at=after(n), comment=SEALED) for n in range(4)))
    harness.keys.known = {SealedText(SEALED, f"c-d{n}", f"d{n}", "comment"): "Quick" for n in range(4)}
    await written(harness, "status", "done", close="d1/1")
    await harness.relayed()
    for status, expected in (("done", ["d1"]), ("new", ["d3", "d2", "d0"])):
        found = (await harness.ask("reviews", text="quick", status=status))["reviews"]
        assert [each["dialog"] for each in found] == expected
    # Those of another status are none of the comments that are searched.
    monkeypatch.setattr(search, "MOST_SEARCHED", 1)
    page = await harness.ask("reviews", text="quick", status="done")
    assert ([each["dialog"] for each in page["reviews"]], page["complete"]) == (["d1"], True)


async def test_a_list_by_status_scans_nothing(harness: Harness) -> None:
    await harness.receive(*(ExpectedClose(f"d{n}", closed_at=after(n)) for n in range(12)))
    await written(harness, "status", "done", close="d3/1")
    await harness.relayed()
    await harness.database.command("profile", 2)
    lists: tuple[dict[str, Any], ...] = (
        {"status": "done"}, {"status": "new"}, {"status": ["done", "in_work"], "channel": "course-a"},
    )  # fmt: skip
    for asked in lists:
        await harness.ask("reviews", **asked)
    summaries: tuple[dict[str, Any], ...] = (
        {}, {"channel": "course-a"}, {"from_": "2026-03-02"}, {"axis": "rated_at"},
    )  # fmt: skip
    for asked in summaries:
        await harness.ask("summary", **asked)
    await harness.database.command("profile", 0)
    of_reviewed = {"op": "query", "ns": f"{harness.database.name}.reviewed"}
    wanted = {"$or": [{"command.aggregate": {"$exists": True}}, of_reviewed]}
    plans = [
        (entry["planSummary"], entry.get("hasSortStage"))
        async for entry in harness.database["system.profile"].find(wanted)
    ]
    assert len(plans) >= 7
    assert all("IXSCAN" in plan and not sorts for plan, sorts in plans), plans


TOOK_PART = {"view": "took_part"}


async def test_excluded_closes_are_counted_apart_everywhere(harness: Harness) -> None:
    closes = many(Random(3), 60)
    await harness.receive(*closes)
    left_out, kept = closes[:40:4], [each for number, each in enumerate(closes) if number >= 40 or number % 4]
    for each in left_out:
        await written(harness, "exclusion", "test", close=f"{each.dialog}/{each.close_seq}")
    await harness.relayed()

    questions: tuple[tuple[dict[str, Any], Callable[[ExpectedClose], bool]], ...] = (
        ({}, lambda _: True),
        ({"channel": "course-a"}, lambda each: each.channel == "course-a"),
        (
            {"operator": "ann", "state": ["given"]},
            lambda each: each.operator == "ann" and each.state == "given",
        ),
        ({"axis": "rated_at"}, lambda each: each.state == "given"),
        ({"from_": "2026-03-03", "to": "2026-03-04", "tz": "Asia/Kathmandu"}, in_kathmandu),
    )
    for asked, holds in questions:
        expected = Counter[str]()
        for each in filter(holds, kept):
            expected.update(each.counts())
        out = sum(map(holds, left_out))
        summary = await harness.ask("summary", **asked)
        for name in ("closed", "given", "satisfied", "expired", "commented"):
            assert summary[name] == expected[name], (asked, name)
        assert summary["excluded"] == out
        # Ann took part in each of them.
        for part, how in (("operators", asked), ("channels", asked), ("operators", {**asked, **TOOK_PART})):
            rows = (await harness.ask(part, **how))["rows"]
            assert sum(row["closed"] for row in rows) == expected["closed"], (how, part)
        listed = (await harness.ask("reviews", limit=200, **asked))["reviews"]
        assert len(listed) == expected["closed"] + out
        assert sum(each["review"]["excluded"] == "test" for each in listed) == out
        rows = (await harness.ask("closes", limit=200, **asked))["closes"]
        assert (len(rows), sum(row["excluded"] == "test" for row in rows)) == (len(listed), out)
    versions = (await harness.ask("form-versions", channel="course-a"))["versions"]
    asked_for = [
        each for each in kept
        if each.channel == "course-a" and each.state not in {"undecided", "not_offered"}
    ]  # fmt: skip
    assert sum(each["closed"] for each in versions) == len(asked_for)
    period: dict[str, Any] = {"from_": "2026-03-01", "to": "2026-03-08", "tz": "Europe/Paris"}
    days = (await harness.ask("summary", by="day", vs="previous", **period))["buckets"]
    hours = (await harness.ask("hours", **period))["hours"]
    assert sum(day["closed"] for day in days) == sum(hour["closed"] for hour in hours) == len(kept)
    assert sum(day["excluded"] for day in days) == len(left_out)
    assert (await harness.ask("reviews", counts=True))["counts"]["all"] == len(closes)
    assert (await harness.ask("reconcile"))["equal"]


async def test_an_excluded_close_is_taken_in_again(harness: Harness) -> None:
    await harness.receive(ExpectedClose(closed_at=after(-1)))
    await written(harness, "exclusion", "spam")
    await harness.relayed()
    summary = await harness.ask("summary")
    assert (summary["closed"], summary["excluded"], summary["csat"]["value"]) == (0, 1, None)
    rated = await harness.ask("summary", axis="rated_at", from_="2026-03-02T12:00:00Z")
    assert (rated["closed"], rated["excluded"]) == (0, 1), "closed before the period, rated in it"
    assert (await harness.ask("operators"))["rows"] == []
    (row,) = csv.DictReader((await harness.get("export.csv")).text.splitlines())
    assert (row["dialog"], row["status"], row["own_score"], row["excluded"]) == ("d1", "new", "", "spam")
    before = await harness.get("summary")
    known = {"headers": {"If-None-Match": before.headers["ETag"]}}
    assert (await harness.send("GET", "summary", EVERYWHERE, **known)).status_code == 304
    await written(harness, "exclusion", None, 2)
    await harness.relayed()
    assert (await harness.send("GET", "summary", EVERYWHERE, **known)).status_code == 200
    summary = await harness.ask("summary")
    assert (summary["closed"], summary["excluded"]) == (1, 0)
    changes = (await harness.ask("closes/d1/1/review/history"))["changes"]
    assert [each["excluded"] for each in changes] == [None, "spam"]


async def test_another_reason_makes_another_list_of_closes(harness: Harness) -> None:
    await harness.receive(ExpectedClose())
    tags = []
    for version, reason in enumerate(("spam", "test"), start=1):
        await written(harness, "exclusion", reason, version)
        await harness.relayed()
        response = await harness.get("closes")
        assert [row["excluded"] for row in response.json()["closes"]] == [reason]
        tags.append(response.headers["etag"])
    assert tags[0] != tags[1]
