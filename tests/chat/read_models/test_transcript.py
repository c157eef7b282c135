"""A transcript is read a page at a time, and others are served meanwhile."""

import asyncio
from itertools import count

import pytest

from chassis.cursors import encode
from chassis.errors import DecryptionFailed, InvalidCursor
from chassis.eventstore.memory import InMemoryEventStore
from chassis.eventstore.serialization import to_stored
from chassis.eventstore.store import Commit
from chat.domain.dialog.decider import DIALOG
from chat.read_models import transcript
from chat.read_models.transcript import commit_of, transcript_of
from tests.chat.builders import at, closed, opened, reopened, wrote


class OpenKeys:
    """Keys that open everything at once, without ever waiting."""

    async def open(self, sealed: str, *, subject: str, scope: str, purpose: str) -> str:
        assert (subject, scope, purpose) == ("c1", "d1", "message")
        return sealed.removeprefix("sealed-")


KEYS = OpenKeys()
END = 1_000
"""More commits than there are."""


async def a_dialog_of(messages: int) -> InMemoryEventStore:
    """The stream of a dialog that was closed and reopened after its first message."""
    store = InMemoryEventStore()
    first, *rest = (wrote(f"m{n}") for n in range(messages))
    for number, event in enumerate((opened(), first, closed(), reopened(), *rest), 1):
        await store.append(Commit(DIALOG.stream("d1"), number, number, (to_stored(event),), at(number)))
    return store


async def test_the_pages_are_the_whole_in_its_order() -> None:
    store, found, after = await a_dialog_of(7), list[str | None](), 0
    for more in (True, True, False):
        page = await transcript_of(store, KEYS, "d1", "c1", after, END, 3)
        found += [message.text.text for message in page.messages]
        assert (page.next is not None) is more
        after = commit_of(page.next) if page.next else after
    assert found == [f"m{n}" for n in range(7)]


@pytest.mark.parametrize("limit", [1, 2, 50])
async def test_whoever_asks_for_what_came_since_gets_all_of_it_once(limit: int) -> None:
    store, found, known = await a_dialog_of(40), list[str | None](), 0
    for version in (1, 2, 4, 5, 30, 43):  # as it was when they asked
        after: int | None = known
        while after is not None:
            page = await transcript_of(store, KEYS, "d1", "c1", after, version, limit)
            found += [message.text.text for message in page.messages]
            after = commit_of(page.next) if page.next else None
        known = version
    assert found == [f"m{n}" for n in range(40)]


async def test_a_last_page_that_is_full_is_the_last() -> None:
    assert (await transcript_of(await a_dialog_of(3), KEYS, "d1", "c1", 0, END, 3)).next is None


async def test_a_page_of_long_messages_ends_early(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transcript, "LARGEST_PAGE", 2 * len("sealed-m0"))
    store, found = await a_dialog_of(5), list[int]()
    after: int | None = 0
    while after is not None:
        page = await transcript_of(store, KEYS, "d1", "c1", after, END, 200)
        found.append(len(page.messages))
        after = commit_of(page.next) if page.next else None
    assert found == [2, 2, 1]


async def test_a_damaged_text_does_not_hide_the_page() -> None:
    class OneDamaged(OpenKeys):
        async def open(self, sealed: str, *, subject: str, scope: str, purpose: str) -> str:
            if sealed == "sealed-m1":
                raise DecryptionFailed("changed since")
            return await super().open(sealed, subject=subject, scope=scope, purpose=purpose)

    page = await transcript_of(await a_dialog_of(3), OneDamaged(), "d1", "c1", 0, END, 3)
    assert [(message.text.state, message.text.text) for message in page.messages] == [
        ("open", "m0"),
        ("unreadable", None),
        ("open", "m2"),
    ]


@pytest.mark.parametrize("values", [[0], [-1], [10**30], ["d1"], [1, 2], []])
def test_a_made_up_cursor_is_none_of_ours(values: list[str | int]) -> None:
    with pytest.raises(InvalidCursor):
        commit_of(encode(transcript.CURSOR, values))


async def test_others_get_their_turn_while_a_long_page_is_read() -> None:
    store, turns = await a_dialog_of(200), count()

    async def others() -> None:
        while True:
            next(turns)
            await asyncio.sleep(0)

    waiting = asyncio.create_task(others())
    await transcript_of(store, KEYS, "d1", "c1", 0, END, 200)
    waiting.cancel()
    assert next(turns) > 2 * 200 / transcript.SLICE - 2
