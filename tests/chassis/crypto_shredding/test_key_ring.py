"""One data key per dialog; whoever has it opens the words, and when it is gone, nobody does."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import Any

import pytest
from motor.motor_asyncio import AsyncIOMotorCollection, AsyncIOMotorDatabase
from pymongo import MongoClient
from pymongo.errors import DuplicateKeyError

from chassis.crypto_shredding import ErasurePace, KeyReader, KeyRing, jwe
from chassis.crypto_shredding.key_cache import KeyCache
from chassis.errors import DecryptionFailed, KeyOwnerMismatch, SubjectErased
from chassis.kafka.publisher import ProducerRecord
from contracts.envelope import Envelope
from contracts.keys import KEY_EVENTS, CompactionNudge, KeyPublished
from tests.chassis.crypto_shredding.conftest import MASTER_KEY
from tests.chassis.crypto_shredding.sealing import PURPOSE, fingerprint, kid_in, opened, receive, seal
from tests.waiting import until

pytestmark = pytest.mark.real

Store = AsyncIOMotorDatabase[dict[str, Any]]
HASTE = ErasurePace(
    resend_after=timedelta(0), settle_after=timedelta(0), nudge_every=timedelta(milliseconds=20)
)


def published(record: ProducerRecord) -> KeyPublished:
    """What a reader reads."""
    assert record.value is not None
    event = KEY_EVENTS.validate_json(record.value)
    assert isinstance(event, KeyPublished)
    return event


async def test_what_is_sealed_can_be_opened(ring: KeyRing, client: str) -> None:
    sealed = await seal(ring, "d1", client, "Спасибо, it works 🎉")
    assert "works" not in sealed
    assert await opened(ring, "d1", client, sealed) == "Спасибо, it works 🎉"


async def test_another_replica_opens_it(ring: KeyRing, replica: Callable[[], KeyRing], client: str) -> None:
    assert await opened(replica(), "d1", client, await seal(ring, "d1", client, "hello")) == "hello"


async def test_the_key_is_stored_before_the_words_are_given_out(
    ring: KeyRing, store: Store, mongo: str, client: str
) -> None:
    sealed = await seal(ring, "d1", client, "hello")
    with MongoClient[dict[str, Any]](mongo, readConcernLevel="majority") as other:
        (key,) = other[store.name]["keys"].find()
    assert (key["_id"], key["kid"], key["subject"]) == ("d1", kid_in(sealed), client)
    assert kid_in(key["wrapped"]) != key["kid"]


async def test_concurrent_creators_get_one_key(replica: Callable[[], KeyRing], client: str) -> None:
    rings = [replica() for _ in range(8)]
    sealed = await asyncio.gather(*(seal(ring, "d1", client, "hello") for ring in rings))
    assert len({kid_in(words) for words in sealed}) == 1
    assert {await opened(ring, "d1", client, words) for ring in rings for words in sealed} == {"hello"}


async def test_a_creator_that_loses_the_race_takes_the_other_ones_key(
    ring: KeyRing, replica: Callable[[], KeyRing], client: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    upsert, first = ring._keys.find_one_and_update, await seal(replica(), "d1", client, "hello")
    answers = iter([DuplicateKeyError("d1")])

    async def lost_once(*query: Any, **options: Any) -> Any:
        for error in answers:
            raise error
        return await upsert(*query, **options)

    monkeypatch.setattr(ring._keys, "find_one_and_update", lost_once, raising=False)
    assert (await ring._insert("d1", client))["kid"] == kid_in(first)


async def test_dialogs_have_keys_of_their_own(ring: KeyRing, client: str) -> None:
    one, two = [await seal(ring, dialog, client, "hello") for dialog in ("d1", "d2")]
    assert kid_in(one) != kid_in(two)


async def test_a_dialog_of_another_client_is_refused(ring: KeyRing, client: str) -> None:
    await seal(ring, "d1", client, "hello")
    with pytest.raises(KeyOwnerMismatch):
        await seal(ring, "d1", "somebody-else", "hello")


async def test_a_dialog_named_like_a_key_gets_no_foreign_key(ring: KeyRing, client: str) -> None:
    kid = kid_in(sealed := await seal(ring, "d1", client, "hello"))
    await opened(ring, "d1", client, sealed)
    assert kid_in(await seal(ring, kid, client, "hello")) != kid


async def test_ids_with_dollars_are_stored_as_they_are(ring: KeyRing) -> None:
    sealed = await seal(ring, "$kid", "$client", "hello")
    assert await opened(ring, "$kid", "$client", sealed) == "hello"


async def test_fingerprints_are_alike_for_the_same_words_only(ring: KeyRing, client: str) -> None:
    for scope in ("d1", "d2"):
        await seal(ring, scope, client, "anything")
    first = await fingerprint(ring, "d1", client, "hello")
    assert first == await fingerprint(ring, "d1", client, "hello")
    assert first != await fingerprint(ring, "d1", client, "hello!")
    assert first != await fingerprint(ring, "d2", client, "hello")


async def test_a_fingerprint_makes_no_key(ring: KeyRing, store: Store, client: str) -> None:
    assert await fingerprint(ring, "d1", client, "hello") is None
    assert await store["keys"].count_documents({}) == 0
    await seal(ring, "d1", client, "hello")
    with pytest.raises(KeyOwnerMismatch):
        await fingerprint(ring, "d1", "somebody-else", "hello")


async def test_text_opens_as_what_it_was_sealed_only(ring: KeyRing, client: str) -> None:
    place = {"subject": client, "scope": "d1", "purpose": PURPOSE}
    sealed = await seal(ring, "d1", client, "hello")
    for changed in ({"subject": "somebody-else"}, {"scope": "d2"}, {"purpose": "comment"}):
        with pytest.raises(DecryptionFailed, match="something else"):
            await ring.open(sealed, **{**place, **changed})
    await ring.erase(client)
    with pytest.raises(DecryptionFailed, match="something else"):
        await ring.open(sealed, **{**place, "scope": "d2"})


async def test_a_key_opens_no_text_of_another_scope(ring: KeyRing, store: Store, client: str) -> None:
    # Whoever has a data key can seal for any context; its document says which scope it is for.
    await seal(ring, "d1", client, "hello")
    (key,) = await store["keys"].find().to_list(None)
    raw = jwe.unseal(key["wrapped"], MASTER_KEY, jwe.key_context(client, "d1", key["kid"]))
    for elsewhere in (jwe.Context(client, "d2", PURPOSE), jwe.Context("somebody-else", "d1", PURPOSE)):
        with pytest.raises(DecryptionFailed, match="another scope's"):
            await ring.open(jwe.seal(b"hello", raw, key["kid"], elsewhere), **elsewhere._asdict())


@pytest.mark.parametrize("moved", [{"subject": "somebody-else"}, {"_id": "d2"}, {"kid": "another"}])
async def test_a_wrapped_key_is_bound_to_its_place(
    ring: KeyRing, replica: Callable[[], KeyRing], store: Store, client: str, moved: dict[str, str]
) -> None:
    await seal(ring, "d1", client, "hello")
    (key,) = await store["keys"].find().to_list(None)
    await store["keys"].delete_one({"_id": "d1"})
    await store["keys"].insert_one(key | moved)
    with pytest.raises(DecryptionFailed, match="something else"):
        await seal(replica(), moved.get("_id", "d1"), moved.get("subject", client), "hello")


async def test_another_master_key_is_named_as_the_cause(
    ring: KeyRing, replica: Callable[[], KeyRing], client: str
) -> None:
    sealed = await seal(ring, "d1", client, "hello")
    other = replica()
    other._master = jwe.WrappingKeys(b"x" * 32)
    with pytest.raises(DecryptionFailed, match="another key than those in the settings"):
        await opened(other, "d1", client, sealed)


async def test_a_published_key_opens_the_words_for_readers(
    ring: KeyRing, reader: KeyReader, publisher: Any, client: str
) -> None:
    sealed = await seal(ring, "d1", client, "hello")
    assert await opened(reader, "d1", client, sealed) is None
    await ring.publish(["d1", "unknown"])
    (record,) = publisher.records
    await receive(reader, {record.key: published(record)})
    assert await opened(reader, "d1", client, sealed) == "hello"


async def test_the_envelope_of_a_key(ring: KeyRing, publisher: Any, client: str) -> None:
    kid = kid_in(await seal(ring, "d1", client, "hello"))
    await ring.publish(["d1"])
    (record,) = publisher.records
    envelope = Envelope.from_headers(record.headers)
    assert (envelope.id, envelope.subject, envelope.sequence) == (kid, kid, 1)
    assert (envelope.type, envelope.source) == ("candor.key.published.v1", "/candor/chat")
    assert record.key == kid


async def test_a_key_is_published_once(ring: KeyRing, publisher: Any, client: str) -> None:
    await seal(ring, "d1", client, "hello")
    for _ in range(2):
        await ring.publish(["d1"])
    assert len(publisher.records) == 1


async def test_the_words_of_the_erased_are_gone(ring: KeyRing, store: Store, client: str) -> None:
    sealed = await seal(ring, "d1", client, "hello")
    other = await seal(ring, "d2", "somebody-else", "hi")
    await ring.erase(client)
    assert await opened(ring, "d1", client, sealed) is None
    assert await opened(ring, "d2", "somebody-else", other) == "hi"
    assert await store["keys"].count_documents({"subject": client}) == 0
    with pytest.raises(SubjectErased):
        await seal(ring, "d1", client, "hello again")
    assert await fingerprint(ring, "d1", client, "hello again") is None


async def test_other_replicas_stop_within_five_seconds(
    ring: KeyRing, replica: Callable[[], KeyRing], client: str
) -> None:
    elapsed = [0.0]
    other = replica()
    other._memory = KeyCache(timer=lambda: elapsed[0])
    for _ in range(2):  # a key is remembered under both of its names once it was looked up
        sealed = await seal(other, "d1", client, "hello")
        assert await opened(other, "d1", client, sealed) == "hello"
    await ring.erase(client)
    elapsed[0] = 5.1  # what is promised, whatever the constant says
    assert await opened(other, "d1", client, sealed) is None
    with pytest.raises(SubjectErased):
        await seal(other, "d1", client, "hello")


async def test_erasing_says_a_tombstone(ring: KeyRing, publisher: Any, client: str) -> None:
    kid = kid_in(await seal(ring, "d1", client, "hello"))
    await ring.publish(["d1"])
    await ring.erase(client)
    assert publisher.last(kid).value is None


async def test_erasing_can_be_repeated(ring: KeyRing, publisher: Any, client: str) -> None:
    await seal(ring, "d1", client, "hello")
    for _ in range(3):
        await ring.erase(client)
    assert len(publisher.records) == 1


async def test_a_key_that_overtakes_its_tombstone_gets_another_tombstone(
    ring: KeyRing, replica: Callable[[], KeyRing], publisher: Any, client: str
) -> None:
    kid = kid_in(await seal(ring, "d1", client, "hello"))
    publisher.during = lambda: replica().erase(client)
    await ring.publish(["d1"])
    assert [record.value is None for record in publisher.records] == [True, False, True]
    assert publisher.last(kid).value is None


async def test_a_place_that_is_written_while_its_key_is_deleted_is_noted_too(
    ring: KeyRing, replica: Callable[[], KeyRing], store: Store, client: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    note = ring._tombstones.record

    async def published_meanwhile(keys: Sequence[Mapping[str, Any]]) -> None:
        await note(keys)
        await replica().publish(["d1"])

    await seal(ring, "d1", client, "hello")
    monkeypatch.setattr(ring._tombstones, "record", published_meanwhile)
    await ring.erase(client)
    (pending,) = await store["tombstones"].find().to_list(None)
    assert pending["published"] == [{"partition": 0, "offset": 0}]
    assert await store["keys"].count_documents({}) == 0


async def test_a_key_that_was_written_before_the_topic_grew_gets_a_tombstone_there_too(
    ring: KeyRing, store: Store, publisher: Any, client: str
) -> None:
    kid = kid_in(await seal(ring, "d1", client, "hello"))
    await store["keys"].update_one({"kid": kid}, {"$set": {"published": [{"partition": 3, "offset": 7}]}})
    await ring.erase(client)
    assert [(record.partition, record.value) for record in publisher.records] == [(None, None), (3, None)]
    publisher.records.clear()
    await ring._tombstones.advance()
    assert [record.partition for record in publisher.records] == [0, 3]


async def test_the_erased_are_not_published(ring: KeyRing, publisher: Any, client: str) -> None:
    await seal(ring, "d1", client, "hello")
    publisher.down = True
    await ring.erase(client)
    publisher.down = False
    await ring.publish(["d1"])
    assert publisher.records == []


async def test_while_kafka_is_down_keys_are_deleted_and_tombstones_wait(
    ring: KeyRing, replica: Callable[..., KeyRing], store: Store, publisher: Any, client: str
) -> None:
    kid = kid_in(await seal(ring, "d1", client, "hello"))
    publisher.down = True
    await ring.erase(client)
    assert await store["keys"].count_documents({}) == 0
    publisher.down = False
    await replica()._tombstones.advance()
    assert publisher.last(kid).value is None


async def test_one_nudge_a_partition_however_many_are_pending(
    ring: KeyRing, publisher: Any, client: str
) -> None:
    for number in range(20):
        await seal(ring, f"d{number}", client, "hello")
    await ring.erase(client)
    publisher.records.clear()
    await ring._tombstones.advance()
    (nudge,) = publisher.records
    assert isinstance(KEY_EVENTS.validate_json(nudge.value), CompactionNudge)
    assert Envelope.from_headers(nudge.headers).type == "candor.key.compaction-nudge.v1"


async def test_a_tombstone_is_said_again_and_then_let_go(
    ring: KeyRing, replica: Callable[..., KeyRing], store: Store, publisher: Any, client: str
) -> None:
    await seal(ring, "d1", client, "hello")
    await ring.publish(["d1"])
    await ring.erase(client)
    hasty = replica(HASTE)
    for _ in range(3):
        await hasty._tombstones.advance()
    assert await store["tombstones"].count_documents({}) == 0
    assert [record.value is None for record in publisher.records].count(True) == 2
    publisher.records.clear()
    await hasty._tombstones.advance()
    assert publisher.records == []


@pytest.mark.parametrize("pace", [ErasurePace(), ErasurePace(resend_after=timedelta(0))])
async def test_a_tombstone_is_kept_until_it_was_said_again_and_compaction_had_its_time(
    replica: Callable[..., KeyRing], store: Store, client: str, pace: ErasurePace
) -> None:
    ring = replica(pace)
    await seal(ring, "d1", client, "hello")
    await ring.erase(client)
    for _ in range(3):
        await ring._tombstones.advance()
    assert await store["tombstones"].count_documents({}) == 1


async def test_run_works_off_what_is_pending(
    ring: KeyRing, replica: Callable[..., KeyRing], store: Store, publisher: Any, client: str
) -> None:
    await seal(ring, "d1", client, "hello")
    publisher.down = True
    await ring.erase(client)
    publisher.down = False
    running = asyncio.create_task(replica(HASTE).run())
    try:
        await until(lambda: _none_in(store["tombstones"]))
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
    assert publisher.records


async def _none_in(collection: AsyncIOMotorCollection[dict[str, Any]]) -> bool:
    return not await collection.count_documents({})


class Crash(Exception):
    """The process is gone."""


@pytest.mark.parametrize(
    ("room", "step"),
    [
        ("_tombstones", "record"),
        ("_erasure", "delete_keys"),
        ("_keys", "bulk_write"),
        ("_tombstones", "send"),
    ],
)
async def test_a_crash_anywhere_in_forgetting_is_made_good(
    ring: KeyRing, replica: Callable[..., KeyRing], store: Store, publisher: Any, client: str,
    monkeypatch: pytest.MonkeyPatch, room: str, step: str,
) -> None:  # fmt: skip
    kid = kid_in(sealed := await seal(ring, "d1", client, "hello"))
    await ring.publish(["d1"])

    async def crash(*_: Any, **__: Any) -> None:
        raise Crash

    with monkeypatch.context() as patched:
        patched.setattr(getattr(ring._erasure if room == "_keys" else ring, room), step, crash, raising=False)
        with pytest.raises(Crash):
            await ring.erase(client)
    survivor = replica()
    await survivor._erasure.resume()
    await survivor._tombstones.advance()
    assert await store["keys"].count_documents({}) == 0
    assert publisher.last(kid).value is None or kid not in {record.key for record in publisher.records}
    assert await opened(survivor, "d1", client, sealed) is None


async def test_an_erasure_between_the_look_and_the_creation_leaves_no_key(
    ring: KeyRing, replica: Callable[[], KeyRing], store: Store, client: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    insert = ring._insert

    async def erased_first(dialog: str, of: str) -> dict[str, Any]:
        await replica().erase(of)
        return await insert(dialog, of)

    monkeypatch.setattr(ring, "_insert", erased_first)
    with pytest.raises(SubjectErased):
        await seal(ring, "d1", client, "hello")
    assert await store["keys"].count_documents({}) == 0


async def test_a_creator_that_died_before_it_saw_the_mark_leaves_no_key_for_long(
    ring: KeyRing, replica: Callable[[], KeyRing], store: Store, client: str
) -> None:
    await replica().erase(client)
    await replica()._erasure.resume()
    await ring._insert("d1", client)
    await replica()._erasure.resume()
    assert await store["keys"].count_documents({}) == 0


async def test_creations_and_an_erasure_at_once_leave_no_key(
    replica: Callable[[], KeyRing], store: Store, client: str
) -> None:
    async def write(number: int) -> None:
        try:
            await seal(replica(), f"d{number}", client, "hello")
        except SubjectErased:
            return

    await asyncio.gather(
        *(write(n) for n in range(20)), replica().erase(client), *(write(n) for n in range(20, 40))
    )
    assert await store["keys"].count_documents({}) == 0
