"""A form's version says what it said when the form was made, whatever was saved since."""

import asyncio
from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from chassis.clock import ManualClock
from chassis.eventstore.handle import handle
from chassis.eventstore.memory import InMemoryEventStore
from chassis.eventstore.repository import Repository
from rating.domain.quality_control.decider import QUALITY_CONTROL, SaveQualityControl
from rating.domain.quality_control.events import StaffMember
from rating.domain.quality_control.settings import QualityControlSettings
from rating.domain.quality_control.texts import Texts
from rating.read_models.quality_control import MOST_REMEMBERED, REMEMBERED, QualityControlVersions
from tests.rating.builders import CLOSED_AT, STARS

CLARA = StaffMember(id="clara", name="Clara Moen")
CHANNEL = "shop"


def asking(question: str) -> QualityControlSettings:
    return QualityControlSettings.model_validate(
        {
            "enabled": True,
            "scale": STARS,
            "comment": {},
            "texts": {"en": Texts(question=question)},
            **dict.fromkeys(("delay", "expiry", "edit_window", "offer_window", "cool_down"), timedelta(1)),
        }
    )


DEFAULT = asking("What the service asks by itself?")


def versions() -> tuple[QualityControlVersions, Repository]:
    repository = Repository(InMemoryEventStore(), ManualClock(CLOSED_AT))
    return QualityControlVersions(repository, DEFAULT), repository


async def save(repository: Repository, question: str) -> None:
    stream = QUALITY_CONTROL.stream(CHANNEL)
    based_on = (await repository.load(QUALITY_CONTROL, stream)).state.version
    command = SaveQualityControl(asking(question), based_on, CLARA, CLOSED_AT)
    await handle(repository, QUALITY_CONTROL, stream, command)


@given(st.lists(st.sampled_from(["save", "close", "wait"]), max_size=30))
def test_old_forms_keep_their_version(story: list[str]) -> None:
    async def told() -> None:
        found, repository = versions()
        clock = repository.clock
        assert isinstance(clock, ManualClock)
        made = []
        for number, what in enumerate(story):
            match what:
                case "save":
                    await save(repository, f"Question {number}?")
                case "wait":
                    clock.advance(REMEMBERED)
                case _:
                    made.append(await found.recent(CHANNEL))
        for form in made:
            for cache in (found, QualityControlVersions(repository, DEFAULT)):
                assert (await cache.at(CHANNEL, form.version)).settings == form.settings

    asyncio.run(told())


@given(st.integers(0, 7), st.integers(1, 9), st.integers(1, 9))
def test_the_history_has_every_version_once(saves: int, before: int, limit: int) -> None:
    async def told() -> None:
        found, repository = versions()
        for number in range(saves):
            await save(repository, f"Question {number}?")
        numbers = [each.version for each in await found.history(CHANNEL, before, limit)]
        known = [number for number in range(saves + 1, 0, -1) if number < before]
        if before <= saves + 2:
            assert numbers == known[:limit]
        else:  # nothing leads there
            assert set(numbers) <= set(known)

    asyncio.run(told())


async def test_closes_by_the_thousand_read_the_settings_once_a_second() -> None:
    found, repository = versions()
    await save(repository, "Question?")
    reads = 0
    read = repository.store.read

    async def counted(stream: str, after: int = 0, *, limit: int) -> object:
        nonlocal reads
        reads += 1
        return await read(stream, after, limit=limit)

    repository.store.read = counted  # type: ignore[method-assign, assignment]
    for _ in range(MOST_REMEMBERED):
        assert (await found.recent(CHANNEL)).version == 2
    assert reads == 1
    for _ in range(MOST_REMEMBERED):
        await found.at(CHANNEL, 2)
    assert reads == 2
