"""At most five dialogs of a client are open, whatever races, breaks off or is repeated."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from chassis.clock import ManualClock
from chassis.errors import CommandRejected
from chassis.eventstore import handle as handling
from chassis.eventstore.handle import handle
from chassis.eventstore.memory import InMemoryEventStore
from chassis.eventstore.repository import Repository
from chassis.eventstore.store import Commit
from chat.api.reservations import opening, reopening, reserve
from chat.domain.client import CLIENT, LONGEST_OPENING, MOST_OPEN, Registration, ReserveDialog
from chat.domain.dialog.decider import DIALOG, CloseDialog, CloseSilentReopening, OpenDialog, ReopenDialog
from chat.domain.dialog.state import Dialog, Open, Unopened
from chat.domain.rejections import Rejection
from tests.chat.builders import START, actor
from tests.chat.harness import Harness, done

DIALOGS = [f"d{number}" for number in range(8)]


async def register() -> Registration:
    return Registration("shop")


async def open_dialog(repository: Repository, dialog: str) -> None:
    command = OpenDialog(dialog, "c1", "shop", channel_closed=False, now=repository.clock.now())
    complete = opening(repository, command, register)
    await handle(repository, DIALOG, DIALOG.stream(dialog), command, complete=complete)


async def reopen_dialog(repository: Repository, dialog: str) -> None:
    command = ReopenDialog(actor(None), repository.clock.now())
    complete = reopening(repository, dialog, command)
    await handle(repository, DIALOG, DIALOG.stream(dialog), command, complete=complete)


async def close_dialog(repository: Repository, dialog: str) -> None:
    """By the client the first time, by the system when it was reopened."""
    state, now = await load(repository, dialog), repository.clock.now()
    closed_before = not isinstance(state, Unopened) and state.details.closes
    command = CloseSilentReopening(timedelta(0), now) if closed_before else CloseDialog(actor(None), now)
    await handle(repository, DIALOG, DIALOG.stream(dialog), command)


async def load(repository: Repository, dialog: str) -> Dialog:
    return (await repository.load(DIALOG, DIALOG.stream(dialog))).state


async def count_open(repository: Repository) -> int:
    return sum([isinstance(await load(repository, dialog), Open) for dialog in DIALOGS])


async def refused(request: Awaitable[None]) -> str | None:
    try:
        await request
    except CommandRejected as refusal:
        return refusal.code
    return None


class TestRace:
    async def test_of_twenty_openings_at_once_five_are_made(self) -> None:
        store, clock = InMemoryEventStore(), ManualClock(START)
        replicas = [Repository(store, clock) for _ in range(4)]
        jobs = [open_dialog(replicas[number % 4], f"race{number}") for number in range(20)]
        codes = Counter(await asyncio.gather(*map(refused, jobs)))
        assert codes == {None: MOST_OPEN, Rejection.TOO_MANY_OPEN_DIALOGS: 15}
        made = [isinstance(await load(replicas[0], f"race{number}"), Open) for number in range(20)]
        assert sum(made) == MOST_OPEN

    async def test_what_was_closed_makes_room(self) -> None:
        repository = Repository(InMemoryEventStore(), ManualClock(START))
        for dialog in DIALOGS[:5]:
            await open_dialog(repository, dialog)
        assert await refused(open_dialog(repository, "d5")) == Rejection.TOO_MANY_OPEN_DIALOGS
        await close_dialog(repository, "d0")
        await open_dialog(repository, "d5")
        assert await refused(reopen_dialog(repository, "d0")) == Rejection.TOO_MANY_OPEN_DIALOGS
        await close_dialog(repository, "d1")
        await reopen_dialog(repository, "d0")
        assert await count_open(repository) == MOST_OPEN

    async def test_a_dialog_that_another_client_opened_first_takes_no_room(self) -> None:
        clock = ManualClock(START)
        repository = Repository(InMemoryEventStore(), clock)
        await reserve(repository, ReserveDialog("c1", "theirs", START), register)
        theirs = OpenDialog("theirs", "c2", "shop", channel_closed=False, now=START)
        await handle(repository, DIALOG, DIALOG.stream("theirs"), theirs)
        clock.advance(LONGEST_OPENING)
        for dialog in DIALOGS[:MOST_OPEN]:
            await open_dialog(repository, dialog)
        assert await count_open(repository) == MOST_OPEN

    async def test_opening_what_was_opened_and_closed_takes_no_room(self) -> None:
        clock = ManualClock(START)
        repository = Repository(InMemoryEventStore(), clock)
        await open_dialog(repository, "d0")
        await close_dialog(repository, "d0")
        clock.advance(LONGEST_OPENING)
        before = await repository.load(CLIENT, CLIENT.stream("c1"))
        await open_dialog(repository, "d0")
        assert (await repository.load(CLIENT, CLIENT.stream("c1"))).position == before.position

    @pytest.mark.real
    async def test_of_twenty_requests_at_once_five_are_served(self, harness: Harness) -> None:
        zoe = await harness.visitor(await harness.channel())
        paths = [f"/v1/dialogs/race-{number}" for number in range(20)]
        responses = await asyncio.gather(*(zoe.put(path) for path in paths))
        assert Counter(response.status_code for response in responses) == {201: MOST_OPEN, 409: 15}
        assert all("too-many-open-dialogs" in each.text for each in responses if each.status_code == 409)
        opened = await harness.database["commits"].count_documents({"stream": {"$regex": "^dialog:race-"}})
        assert opened == MOST_OPEN
        for path, response in zip(paths, responses, strict=True):
            assert (await zoe.put(path)).status_code == (200 if response.status_code == 201 else 409)

    @pytest.mark.real
    async def test_an_operator_reopens_no_sixth_dialog_of_a_client(self, harness: Harness) -> None:
        ann, zoe = harness.operator(), await harness.visitor(await harness.channel())
        closed = await harness.dialog(zoe, taken_by=ann)
        done(await ann.post(f"{closed}/close"))
        others = [await harness.dialog(zoe) for _ in range(MOST_OPEN)]

        refusal = await ann.post(f"{closed}/reopen")

        assert refusal.status_code == 409
        assert refusal.json()["type"] == "/problems/too-many-open-dialogs"
        assert refusal.json()["detail"] == "5 dialogs of this client are open: close one first."
        done(await zoe.post(f"{others[0]}/close"))
        done(await ann.post(f"{closed}/reopen"))


@dataclass
class Gates:
    """Lets one call of the event store go on at a time, in a given order."""

    waiting: dict[asyncio.Task[Any], asyncio.Future[None]] = field(default_factory=dict)

    async def __call__(self) -> None:
        task = asyncio.current_task()
        assert task is not None
        self.waiting[task] = asyncio.get_running_loop().create_future()
        await self.waiting[task]


class GatedStore(InMemoryEventStore):
    def __init__(self) -> None:
        super().__init__()
        self.gates: Gates | None = None

    async def read(self, stream: str, after: int = 0, *, limit: int) -> Sequence[Commit]:
        if self.gates:
            await self.gates()
        return await super().read(stream, after, limit=limit)

    async def append(self, commit: Commit) -> None:
        if self.gates:
            await self.gates()
        await super().append(commit)


REQUESTS: dict[str, Callable[[Repository, str], Awaitable[None]]] = {
    "open": open_dialog,
    "close": close_dialog,
    "reopen": reopen_dialog,
}
requests = st.tuples(st.sampled_from(["open", "open", "close", "reopen"]), st.sampled_from(DIALOGS))
rounds = st.lists(requests, min_size=2, max_size=5)
History = list[tuple[list[tuple[str, str]], bool]]


@given(
    st.lists(st.tuples(rounds, st.booleans()), min_size=1, max_size=5),
    st.integers(3, MOST_OPEN),
    st.randoms(use_true_random=True),
)
# What fails depends on how tasks are switched, so nothing can be made smaller afterwards.
@settings(max_examples=100, deadline=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck))
def test_there_are_never_more_and_never_less_than_there_may_be(
    history: History, open_first: int, dice: Random
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(handling, "FIRST_PAUSE_SECONDS", 0)
        asyncio.run(play(history, open_first, dice))


async def play(history: History, open_first: int, dice: Random) -> None:
    store, clock = GatedStore(), ManualClock(START)
    for dialog in DIALOGS[:open_first]:
        await open_dialog(Repository(store, clock), dialog)
    for together, later in history:
        await race(store, clock, together, dice)
        if later:  # than any request takes
            clock.advance(LONGEST_OPENING)
    clock.advance(LONGEST_OPENING)
    repository = Repository(store, clock)
    before = await count_open(repository)
    code = await refused(open_dialog(repository, "last"))
    assert (code is None) == (before < MOST_OPEN)


async def race(store: GatedStore, clock: ManualClock, together: list[tuple[str, str]], dice: Random) -> None:
    """Each request on a replica of its own; some break off wherever they are.

    One goes ahead of the others until another overtakes it: few switches find more than many do.
    """
    store.gates = Gates()
    tasks = [
        asyncio.create_task(refused(REQUESTS[what](Repository(store, clock), dialog)))
        for what, dialog in together
    ]
    order = dice.sample(tasks, len(tasks))
    while True:
        for _ in range(10):  # until every task waits at a gate, or has ended
            await asyncio.sleep(0)
        waiting = {task: gate for task, gate in store.gates.waiting.items() if not gate.done()}
        if not waiting:
            break
        if dice.random() < 0.2:
            dice.shuffle(order)
        clock.advance(timedelta(milliseconds=1))
        gate = next(waiting[task] for task in order if task in waiting)
        if dice.random() < 0.02:
            gate.cancel()
        else:
            gate.set_result(None)
    assert all(task.done() for task in tasks)
    store.gates = None
    assert await count_open(Repository(store, clock)) <= MOST_OPEN
