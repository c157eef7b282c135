"""An erased client's forms are withdrawn, whenever they are written, and whatever crashes in between."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from itertools import count
from typing import Any

import pytest
from prometheus_client import REGISTRY

from chassis.errors import SubjectErased
from chassis.eventstore.handle import handle
from chassis.eventstore.store import Commit
from contracts.clients import ClientErased
from rating.domain.rating.decider import RATING, GiveRating
from rating.domain.rating.state import Given
from rating.processes.erasure import ClientErasure
from tests.rating.builders import CLOSED_AT
from tests.rating.harness import Harness, closed, open_harness
from tests.waiting import until

pytestmark = pytest.mark.real

ERASED = ClientErased(client="c1", erased_at=CLOSED_AT)


@pytest.fixture
async def still(mongo: str, database: str) -> AsyncIterator[Harness]:
    """Neither the relay nor the erasure is at work."""
    async with open_harness(mongo, database, relaying=False) as harness:
        yield harness


async def published(harness: Harness) -> list[str]:
    """The short names of what was published, in order."""
    await harness.erasures_done()
    return [event.type.removeprefix("candor.rating.").removesuffix(".v1") for event in harness.notes.ratings]


async def relay_all(harness: Harness) -> None:
    """Only the relay works, until it is through."""
    relay = asyncio.create_task(harness.relay.run())
    await harness.relayed()
    relay.cancel()
    await asyncio.wait([relay])


async def left(harness: Harness) -> tuple[int, int]:
    """How many clients and how many forms wait for the erasure."""
    pending = await harness.database["erased"].count_documents({"pending": True})
    return pending, await harness.database["forms"].count_documents({"unchecked": True})


async def test_within_a_second_nothing_is_asked_and_no_key_is_left(harness: Harness) -> None:
    await harness.inbound.on_dialog_closed(closed())
    await harness.keys.seal("a word", subject="c1", scope="d1", purpose="comment")
    await harness.relayed()
    begun = time.monotonic()
    await harness.inbound.on_client_erased(ERASED)
    await until(lambda: harness.database["forms"].find_one({"_id": "d1.1", "state": "cancelled"}))
    assert time.monotonic() - begun < 1
    with pytest.raises(SubjectErased):
        await harness.keys.seal("a word", subject="c1", scope="d1", purpose="comment")


async def test_a_form_that_is_written_after_the_search_is_withdrawn(still: Harness) -> None:
    await still.inbound.on_dialog_closed(closed())
    await still.inbound.on_client_erased(ERASED)
    assert await still.erasure.catch_up()
    assert await left(still) == (0, 0)
    async with still.at_work():
        assert await published(still) == ["offered", "cancelled"]


async def test_an_answer_that_is_written_after_the_search_is_final(still: Harness) -> None:
    await still.inbound.on_dialog_closed(closed())
    await handle(still.repository, RATING, RATING.stream("d1"), GiveRating(1, 5, CLOSED_AT))
    await still.inbound.on_client_erased(ERASED)
    assert await still.erasure.catch_up()
    async with still.at_work():
        assert await published(still) == ["offered", "given"]
    close = (await still.repository.load(RATING, RATING.stream("d1"))).state.close(1)
    assert isinstance(close, Given)
    assert close.forgotten


async def test_a_form_that_is_written_between_search_and_check_is_withdrawn(
    still: Harness, monkeypatch: pytest.MonkeyPatch
) -> None:
    await still.inbound.on_dialog_closed(closed())
    search = still.forms.open_dialogs

    async def written_right_after(client: str) -> list[str]:
        found = await search(client)
        await relay_all(still)
        return found

    monkeypatch.setattr(still.forms, "open_dialogs", written_right_after)
    await still.inbound.on_client_erased(ERASED)
    assert await still.erasure.catch_up()
    async with still.at_work():
        assert await published(still) == ["offered", "cancelled"]


async def test_a_client_who_is_erased_between_check_and_its_end_is_not_forgotten_about(
    still: Harness, monkeypatch: pytest.MonkeyPatch
) -> None:
    await still.inbound.on_dialog_closed(closed())
    await relay_all(still)
    among = still.erased.among

    async def marked_right_after(clients: Any) -> frozenset[str]:
        found = await among(clients)
        await still.inbound.on_client_erased(ERASED)
        return found

    with monkeypatch.context() as patch:
        patch.setattr(still.erased, "among", marked_right_after)
        assert await still.erasure.catch_up()
    assert await left(still) == (1, 0)
    async with still.at_work():
        assert await published(still) == ["offered", "cancelled"]


async def test_a_form_that_is_written_again_while_it_is_checked_is_checked_again(
    still: Harness, monkeypatch: pytest.MonkeyPatch
) -> None:
    await still.inbound.on_dialog_closed(closed())
    await relay_all(still)
    among = still.erased.among

    async def written_right_after(clients: Any) -> frozenset[str]:
        await handle(still.repository, RATING, RATING.stream("d1"), GiveRating(1, 5, CLOSED_AT))
        await relay_all(still)
        return await among(clients)

    with monkeypatch.context() as patch:
        patch.setattr(still.erased, "among", written_right_after)
        assert await still.erasure.catch_up()
    assert await left(still) == (0, 1)


class Crash(BaseException):
    """The process is gone: nothing catches it."""


async def test_a_crash_at_any_step_is_made_good_by_the_next_process(still: Harness) -> None:
    for crash_at in count(1):
        client, dialogs = f"c{crash_at}", [f"d{crash_at}-{number}" for number in range(2)]
        for dialog in dialogs:
            await still.inbound.on_dialog_closed(closed(dialog, client=client))
            await still.keys.seal("a word", subject=client, scope=dialog, purpose="comment")
        await relay_all(still)
        assert await still.erasure.catch_up()  # these forms are checked; the one to come isn't
        await still.inbound.on_dialog_closed(closed(f"late-{client}", client=client))
        await still.inbound.on_client_erased(ClientErased(client=client, erased_at=CLOSED_AT))
        await relay_all(still)
        crashed = await catch_up_crashing(still, crash_at)
        async with still.at_work():
            await still.erasures_done()
        states = await still.database["forms"].distinct("state", {"client": client})
        assert states == ["cancelled"]
        with pytest.raises(SubjectErased):
            await still.keys.seal("a word", subject=client, scope=dialogs[0], purpose="comment")
        if not crashed:
            assert crash_at > 6
            return


async def catch_up_crashing(harness: Harness, crash_at: int) -> bool:
    """Whether the step of that number was reached, and crashed."""
    steps = count(1)

    def crashing(step: Callable[..., Any]) -> Callable[..., Any]:
        async def crash_or_do(*args: Any) -> Any:
            if next(steps) == crash_at:
                raise Crash
            return await step(*args)

        return crash_or_do

    dying = ClientErasure(harness.repository, harness.forms, harness.erased, harness.keys)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(harness.keys, "erase", crashing(harness.keys.erase))
        for part, names in (
            (harness.forms, ("open_dialogs", "mark_checked")),
            (harness.erased, ("finish", "among")),
        ):
            for name in names:
                patch.setattr(part, name, crashing(getattr(part, name)))
        patch.setattr(harness.repository, "load", crashing(harness.repository.load))
        with suppress(Crash):
            await dying.catch_up()
            return False
    return True


async def test_replicas_at_once_do_no_harm(still: Harness) -> None:
    for number in range(20):
        await still.inbound.on_dialog_closed(closed(f"d{number}"))
    await relay_all(still)
    await still.inbound.on_client_erased(ERASED)
    replicas = [ClientErasure(still.repository, still.forms, still.erased, still.keys) for _ in range(3)]
    assert all(await asyncio.gather(*(replica.catch_up() for replica in replicas)))
    async with still.at_work():
        assert sorted(await published(still)) == ["cancelled"] * 20 + ["offered"] * 20


async def test_a_dialog_that_can_t_be_decided_holds_up_no_other(still: Harness) -> None:
    for dialog in ("d1", "d2"):
        await still.inbound.on_dialog_closed(closed(dialog))
    await still.inbound.on_dialog_closed(closed("d3", client="c2"))
    await relay_all(still)
    stored = await still.store.read(RATING.stream("d1"), limit=10)
    newer = {"type": "of-a-newer-release"}
    await still.store.append(
        Commit(RATING.stream("d1"), len(stored) + 1, stored[-1].last + 1, (newer,), CLOSED_AT)
    )
    for client in ("c1", "c2"):
        await still.inbound.on_client_erased(ClientErased(client=client, erased_at=CLOSED_AT))
    assert not await still.erasure.catch_up()
    assert await left(still) == (1, 1)
    await still.store.commits.delete_one({"events.type": "of-a-newer-release"})
    assert await still.erasure.catch_up()
    async with still.at_work():
        assert sorted(await published(still)) == ["cancelled"] * 3 + ["offered"] * 3


async def test_what_is_at_fault_itself_raises_an_alarm(
    still: Harness, monkeypatch: pytest.MonkeyPatch
) -> None:
    await still.inbound.on_dialog_closed(closed())
    await relay_all(still)
    await still.inbound.on_client_erased(ERASED)

    async def fail(*_: Any) -> None:
        raise KeyError("a bug")

    def alarms() -> float:
        labels = {"service": "rating", "kind": "erasure_failed"}
        return REGISTRY.get_sample_value("candor_alarms_total", labels) or 0

    before = alarms()
    monkeypatch.setattr(still.repository, "load", fail)
    assert not await still.erasure.catch_up()
    assert alarms() > before


@pytest.mark.parametrize(
    ("collection", "query"),
    [("forms", {"unchecked": True, "_id": {"$gt": ""}}), ("erased", {"pending": True})],
)
async def test_what_is_left_to_do_is_found_along_an_index(
    still: Harness, collection: str, query: dict[str, Any]
) -> None:
    plan = await still.database[collection].find(query).sort("_id", 1).explain()
    text = str(plan["queryPlanner"]["winningPlan"])
    assert "IXSCAN" in text
    assert "COLLSCAN" not in text
    assert next(iter(query)) in text
