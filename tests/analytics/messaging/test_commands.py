"""What the commands of analytics say when they could not be done."""

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from datetime import timedelta
from typing import Any

import pytest
from aiokafka.errors import KafkaConnectionError
from pymongo.errors import ServerSelectionTimeoutError

from analytics.messaging import rebuilding, status, verification
from analytics.messaging.partition_work import WorkFailed
from analytics.read_models.generations import LONG_AGO, Build
from analytics.settings import AnalyticsSettings
from chassis.kafka.connection import KafkaConnection

SETTINGS = AnalyticsSettings.model_construct(
    mongo="mongodb://ann:secret@db.example:27017/?tls=true", database="none",
    kafka=KafkaConnection(servers="127.0.0.1:1"),
)  # fmt: skip

Command = Callable[[AnalyticsSettings, Sequence[str]], int]


def raising(monkeypatch: pytest.MonkeyPatch, error: BaseException) -> None:
    def run(work: Coroutine[Any, Any, Any]) -> None:
        work.close()
        raise error

    monkeypatch.setattr(asyncio, "run", run)


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (
            ServerSelectionTimeoutError("long"),
            "MongoDB at db.example:27017 did not do it: ServerSelectionTimeoutError",
        ),
        (KafkaConnectionError("long"), "Kafka at 127.0.0.1:1 did not do it: KafkaConnectionError"),
    ],
)
@pytest.mark.parametrize("command", [rebuilding.command, status.command, verification.command])
def test_the_server_that_is_away_is_named(
    command: Command, error: Exception, said: str, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    raising(monkeypatch, error)
    assert command(SETTINGS, []) == 2
    assert said in (told := capsys.readouterr().err)
    assert not {"secret", "long"} & set(told.split())


def test_what_failed_in_another_process_is_said(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    raising(monkeypatch, WorkFailed("AutoReconnect"))
    assert rebuilding.command(SETTINGS, []) == 2
    assert "one of its processes met AutoReconnect. Begin again" in capsys.readouterr().err


@pytest.mark.parametrize("command", [rebuilding.command, verification.command])
def test_an_interruption_is_a_sentence(
    command: Command, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    raising(monkeypatch, KeyboardInterrupt())
    assert command(SETTINGS, []) == 130
    assert capsys.readouterr().err.startswith("Interrupted")


@pytest.mark.parametrize("number", ["0", "-1", "33", "x"])
def test_a_number_of_processes_that_nobody_means_is_refused(
    number: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit, match="2"):
        rebuilding.command(SETTINGS, ["--processes", number])
    assert f"{number!r} is no number from 1 to 32" in capsys.readouterr().err


def test_a_rebuild_that_was_interrupted_is_no_rebuild_that_stands_still() -> None:
    now = LONG_AGO + timedelta(days=20_000)
    [line] = status._building(Build(2, "ann", began_at=now, renewed_at=LONG_AGO, done=3, total=9))
    assert line.endswith("was interrupted: begin again, it goes on")
    [line] = status._building(Build(2, "ann", now, now + timedelta(seconds=3), done=3, total=9))
    assert "3 of 9 events, 1/s, 6 s left" in line
