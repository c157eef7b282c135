"""Alive as long as it answers; ready when database, broker and every part say so."""

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager

import httpx
import pytest
from fastapi import APIRouter

from chassis.background import Supervisor
from chassis.http import health
from chassis.http.app import create
from chassis.http.health import Readiness, broker_answers, database_answers
from chassis.kafka.connection import KafkaConnection
from chassis.mongo import connect
from chassis.settings import ServiceSettings

Caller = Callable[..., AbstractAsyncContextManager[httpx.AsyncClient]]


class Consumer:
    name = "consumer"

    def __init__(self, reason: str | None = None) -> None:
        self._reason = reason

    async def run(self) -> None:
        await asyncio.Event().wait()

    def unhealthy_reason(self) -> str | None:
        return self._reason


async def well() -> None:
    return


async def badly() -> None:
    raise ConnectionError("mongodb://user:secret@host refused")


async def not_at_all() -> None:
    await asyncio.Event().wait()


async def test_ready_when_everything_is(calling: Caller) -> None:
    async with calling(parts=Supervisor([Consumer()]), checks={"database": well, "broker": well}) as client:
        live, ready = await client.get("/health/live"), await client.get("/health/ready")
    assert (live.status_code, live.json()["status"]) == (200, "ok")
    assert ready.status_code == 200
    assert ready.json() == {
        "status": "ok",
        "parts": {"database": "ok", "broker": "ok", "consumer": "ok"},
    }


async def test_not_ready_says_what_is_wrong_and_no_secrets(
    calling: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(health, "CHECK_WITHIN", 0.01)
    parts = Supervisor([Consumer("no progress for 40 seconds although 12 events wait")])
    async with calling(parts=parts, checks={"database": badly, "broker": not_at_all}) as client:
        live, ready = await client.get("/health/live"), await client.get("/health/ready")
    assert live.status_code == 200
    assert ready.status_code == 503
    assert ready.json()["status"] == "not ready"
    assert ready.json()["parts"]["database"] == "doesn't answer"
    assert ready.json()["parts"]["broker"].startswith("didn't answer within")
    assert "12 events" in ready.json()["parts"]["consumer"]
    assert "secret" not in ready.text


async def test_before_it_is_prepared_it_is_live_not_ready_and_answers_503(settings: ServiceSettings) -> None:
    database_is_up = asyncio.Event()
    router = APIRouter()

    @router.get("/things")
    async def things() -> str:
        return "things"

    parts = Supervisor([Consumer()], prepare=lambda: _until(database_is_up), first_backoff=0.01)
    app = create(settings, title="Shop", routers=[router], parts=parts, checks={})
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://shop.test") as client,
    ):
        assert (await client.get("/health/live")).status_code == 200
        ready = await client.get("/health/ready")
        assert (ready.status_code, "being prepared" in ready.text) == (503, True)
        business = await client.get("/things")
        assert business.status_code == 503
        assert business.headers["retry-after"]
        database_is_up.set()
        await parts.wait_prepared()
        assert (await client.get("/health/ready")).status_code == 200
        assert (await client.get("/things")).status_code == 200


async def _until(event: asyncio.Event) -> None:
    if not event.is_set():
        raise ConnectionError("not yet")


async def test_many_probes_make_one_check_a_second() -> None:
    asked = 0

    async def check() -> None:
        nonlocal asked
        asked += 1

    readiness = Readiness({"database": check}, dict)
    await asyncio.gather(*(readiness.report() for _ in range(50)))
    assert asked == 1


async def test_an_answer_is_not_believed_for_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "FRESH_FOR", 0)
    answers = [well, badly]

    async def check() -> None:
        await answers.pop(0)()

    readiness = Readiness({"database": check}, dict)
    assert (await readiness.report()).status == "ok"
    assert (await readiness.report()).status == "not ready"


async def test_servers_that_are_not_there_do_not_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "CHECK_WITHIN", 0.3)
    client = connect("mongodb://127.0.0.1:1")
    checks = {
        "database": database_answers(client),
        "broker": broker_answers(KafkaConnection(servers="127.0.0.1:1")),
    }
    report = await Readiness(checks, dict).report()
    client.close()
    assert report.status == "not ready"
    assert all(state != "ok" for state in report.parts.values())


@pytest.mark.real
async def test_servers_that_are_there_answer(mongo: str, kafka: KafkaConnection) -> None:
    client = connect(mongo)
    checks = {"database": database_answers(client), "broker": broker_answers(kafka)}
    report = await Readiness(checks, dict).report()
    client.close()
    assert report.parts == {"database": "ok", "broker": "ok"}
