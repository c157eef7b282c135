"""Topics are created as the contracts say, once, and differences are told."""

from uuid import uuid4

import pytest
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from chassis.kafka.connection import KafkaConnection
from contracts.topics import ALL, DIALOG_KEYS, RATING_KEYS, SERVICES, Kept, Topic, replay
from deploy.topics import Layout, create, main

LAYOUT = Layout(partitions=3)


def topic(**settings: str) -> Topic:
    return Topic(name=f"test.{uuid4().hex}", kept=Kept.COMPACTED, settings=settings)


def days(number: float) -> str:
    return str(round(number * 24 * 60 * 60 * 1000))


def test_every_topic_is_kept_as_long_as_was_promised() -> None:
    kept = {each.name: (each.kept.value, each.settings.get("retention.ms")) for each in ALL}
    assert kept == {
        "candor.channels": ("compact", None),
        "candor.dialogs": ("delete", "-1"),
        "candor.ratings": ("delete", "-1"),
        "candor.clients": ("delete", "-1"),
        "candor.dialogs.keys": ("compact", None),
        "candor.ratings.keys": ("compact", None),
        "candor.chat.wakeups": ("delete", days(10 / 60 / 24)),
        **{f"candor.{service}.dead": ("delete", days(30)) for service in SERVICES},
        **{f"candor.{service}.replay": ("delete", days(7)) for service in SERVICES},
    }


def test_what_joins_dialogs_and_ratings_has_as_many_partitions() -> None:
    aligned = {each.name for each in ALL if each.aligned}
    assert aligned == {"candor.dialogs", "candor.ratings", *(replay(service).name for service in SERVICES)}
    assert {each.partitions for each in ALL} == {None}


@pytest.mark.parametrize("keys", [DIALOG_KEYS, RATING_KEYS])
def test_a_deleted_key_is_gone_in_a_minute_and_its_tombstone_in_a_month(keys: Topic) -> None:
    assert keys.settings["delete.retention.ms"] == days(30)
    rolled, compacted = (int(keys.settings[name]) for name in ("segment.ms", "max.compaction.lag.ms"))
    assert rolled + compacted < 60_000


@pytest.mark.real
async def test_all_topics_are_created_once(kafka: KafkaConnection) -> None:
    renamed = [each.model_copy(update={"name": f"{each.name}.{uuid4().hex}"}) for each in ALL]

    first = await create(kafka, LAYOUT, renamed)
    second = await create(kafka, LAYOUT, renamed)

    assert sorted(first.created) == sorted(each.name for each in renamed)
    assert (list(second.created), list(second.differences)) == ([], [])


@pytest.mark.real
async def test_a_topic_that_exists_with_other_settings_is_told_and_left(kafka: KafkaConnection) -> None:
    wanted = topic(**{"segment.ms": "10000"})
    admin = AIOKafkaAdminClient(**kafka.options())
    await admin.start()
    await admin.create_topics([NewTopic(wanted.name, 2, 1, topic_configs={"cleanup.policy": "delete"})])
    await admin.close()

    report = await create(kafka, LAYOUT, [wanted])

    assert not report.created
    assert set(report.differences) == {
        f"{wanted.name} exists with partitions=2, not 3.",
        f"{wanted.name} exists with cleanup.policy=delete, not compact.",
        f"{wanted.name} exists with segment.ms=604800000, not 10000.",
    }


@pytest.mark.real
async def test_a_refused_topic_is_an_error(kafka: KafkaConnection) -> None:
    with pytest.raises(Exception, match="eplication factor"):
        await create(kafka, Layout(replication=3), [topic()])


def test_the_layout_comes_from_the_environment() -> None:
    told = {"CANDOR_PARTITIONS": "24", "CANDOR_REPLICATION": "3", "CANDOR_MIN_ISR": "2"}

    assert Layout.from_environment(told) == Layout(24, 3, 2)
    assert Layout.from_environment({}) == Layout(12, 1, 1)


@pytest.mark.parametrize("value", ["0", "-1", "many"])
def test_a_wrong_layout_is_said_by_name(value: str) -> None:
    with pytest.raises(ValueError, match="CANDOR_MIN_ISR must be a whole number"):
        Layout.from_environment({"CANDOR_MIN_ISR": value})


@pytest.mark.real
def test_a_kafka_without_an_authorizer_has_no_rights_to_grant(
    kafka: KafkaConnection, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CANDOR_KAFKA", kafka.servers)

    assert main([]) == 0

    assert "No rights granted: this Kafka has no authorizer" in capsys.readouterr().out
