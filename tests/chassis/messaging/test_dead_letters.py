"""Dead letters: listed without their payload, and heard again on the service's own replay topic."""

import asyncio
from typing import Any

import pytest

from chassis.messaging.deadletters import cli
from chassis.messaging.peeking import all_records
from chassis.messaging.records import Heard
from tests.chassis.messaging.world import World, running, until, until_later

pytestmark = pytest.mark.real


class Moody:
    def __init__(self) -> None:
        self.broken = True
        self.heard: list[tuple[str, int, int]] = []

    async def __call__(self, heard: Heard[Any]) -> None:
        if self.broken:
            raise ValueError("canary")
        self.heard.append((heard.topic, heard.partition, heard.event.number))


async def command(world: World, *argv: str) -> int:
    return await asyncio.to_thread(cli, world.service, world.kafka, argv)


async def died(world: World, moody: Moody, *numbers: int) -> None:
    await world.say(*(world.noted(f"k{number}", number, text="canary") for number in numbers))
    async with running(world.hearing(moody)):
        await until_later(lambda: _as_many(world, len(numbers)))


async def test_lists_what_died_without_its_payload(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    await died(world, Moody(), 1)
    capsys.readouterr()
    assert await command(world, "list") == 0
    said = capsys.readouterr()
    assert "canary" not in said.out
    [line] = said.out.splitlines()
    identity, at, name, replayed, cause = line.split("\t")
    assert identity.startswith(f"{world.notes}:")
    assert at.endswith("Z")
    assert (name, replayed, cause) == ("test.noted.v1", "-", "the handler raised ValueError")


async def test_replays_as_it_came_to_the_same_partition_of_its_own_topic(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    moody = Moody()
    await died(world, moody, *range(8))
    assert await command(world, "replay", "--all") == 0
    assert "8 replayed" in capsys.readouterr().out
    moody.broken = False
    async with running(world.hearing(moody, topics=[world.notes, world.replay])):
        await until(lambda: len(moody.heard) == 8)
    died_at = {letter.record.key: letter.id for letter in await world.letters()}
    for topic, partition, number in moody.heard:
        assert topic == world.replay
        assert died_at[f"k{number}".encode()].split(":")[1] == str(partition)
    again = [record for record in await all_records(world.kafka, world.replay) if record.key == b"k1"]
    [first] = [record for record in await all_records(world.kafka, world.notes) if record.key == b"k1"]
    assert again[0].value == first.value
    assert dict(again[0].headers) == {**dict(first.headers), "candor-replayed": died_at[b"k1"].encode()}
    assert len(await all_records(world.kafka, world.notes)) == 8


async def test_what_was_replayed_is_marked_and_not_replayed_again_by_all(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    await died(world, Moody(), 1, 2)
    first, second = await world.letters()
    assert await command(world, "replay", first.id) == 0
    capsys.readouterr()
    await command(world, "list")
    marks = {line.split("\t")[0]: line.split("\t")[3] for line in capsys.readouterr().out.splitlines()}
    assert marks == {first.id: "replayed", second.id: "-"}
    assert await command(world, "replay", "--all") == 0
    assert len(await all_records(world.kafka, world.replay)) == 2


async def test_a_replayed_letter_may_die_again(world: World) -> None:
    moody = Moody()
    await died(world, moody, 1)
    await command(world, "replay", "--all")
    async with running(world.hearing(moody, topics=[world.notes, world.replay])):
        await until_later(lambda: _as_many(world, 2))
    assert {letter.id.split(":")[0] for letter in await world.letters()} == {world.notes, world.replay}


async def test_an_id_that_is_not_there_is_named(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    assert await command(world, "replay", "notes:0:99") == 1
    assert "There is no dead letter notes:0:99" in capsys.readouterr().err


async def test_a_service_without_dead_letters_lists_none(
    kafka: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert await command(World(kafka), "list") == 0
    assert capsys.readouterr().out == ""


def test_a_broker_that_is_away_is_one_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli("test", "127.0.0.1:1", ["list"]) == 1
    assert "Kafka at 127.0.0.1:1" in capsys.readouterr().err


async def _as_many(world: World, expected: int) -> bool:
    return len(await world.letters()) == expected
