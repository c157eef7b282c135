"""A service starts without its servers, gets up when it falls, and ends the work in hand before it stops."""

import asyncio
import json
import os
import resource
import signal
import socket
import subprocess
import sys
from collections.abc import Awaitable, Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import ClassVar

import httpx
import pytest
import structlog
from fastapi import FastAPI
from prometheus_client import REGISTRY
from tenacity import retry, stop_after_delay, wait_fixed

from chassis import background as parts_module
from chassis import service
from chassis.background import Supervisor
from chassis.service import MOST_AT_ONCE, dead_letters, main
from chassis.settings import ServiceSettings
from deploy.local import ports

QUICK = 0.001


class Worker:
    """A part that does what it is told, run by run."""

    def __init__(self, name: str, *runs: Callable[[], Awaitable[None]]) -> None:
        self.name = name
        self.runs = list(runs)
        self.begun = 0
        self.said: str | None = None
        self.steady = asyncio.Event()

    async def run(self) -> None:
        self.begun += 1
        if self.runs:
            await self.runs.pop(0)()
            return
        self.steady.set()
        await asyncio.Event().wait()

    def unhealthy_reason(self) -> str | None:
        return self.said


async def falls() -> None:
    raise RuntimeError("crashed")


async def ends() -> None:
    return


async def is_cancelled_inside() -> None:
    raise asyncio.CancelledError


def alarms() -> float:
    labels = {"service": "shop", "kind": "task_crashed"}
    return REGISTRY.get_sample_value("candor_alarms_total", labels) or 0


async def test_parts_run_once_everything_is_prepared_however_long_that_takes() -> None:
    worker, attempts = Worker("worker"), []

    async def prepare() -> None:
        attempts.append(worker.begun)
        if len(attempts) < 4:
            raise ConnectionError("the database is down")

    parts = Supervisor([worker], prepare, first_backoff=QUICK)
    async with parts.running("shop"):
        assert not parts.prepared
        assert "being prepared" in str(parts.health())
        await worker.steady.wait()
        assert parts.prepared
        assert parts.health() == {"worker": "ok"}
    assert attempts == [0, 0, 0, 0]


async def test_what_prepares_may_be_any_callable() -> None:
    prepared = asyncio.Event()

    async def prepare(event: asyncio.Event) -> None:
        event.set()

    parts = Supervisor([], lambda: prepare(prepared))
    async with parts.running("shop"):
        await parts.wait_prepared()
        assert prepared.is_set()


@pytest.mark.parametrize("run", [falls, ends, is_cancelled_inside])
async def test_a_part_that_falls_is_started_again_and_somebody_is_told(
    run: Callable[[], Awaitable[None]],
) -> None:
    before = alarms()
    worker = Worker("worker", run, run, run)
    parts = Supervisor([worker], first_backoff=QUICK)
    async with parts.running("shop"):
        await worker.steady.wait()
        assert parts.health() == {"worker": "ok"}
    assert worker.begun == 4
    assert alarms() - before == 3


async def test_a_task_that_has_crashed_is_not_healthy_and_others_go_on() -> None:
    crashed, other = Worker("crashed", falls), Worker("other")
    parts = Supervisor([crashed, other], first_backoff=1000)
    async with parts.running("shop"):
        await other.steady.wait()
        assert parts.health() == {"crashed": "crashed, and is being started again", "other": "ok"}
        other.said = "no progress"
        assert parts.health()["other"] == "no progress"


async def test_backoff_grows_to_half_a_minute_and_starts_anew_after_steady_work(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = [0.0]
    monkeypatch.setattr("chassis.background.time.monotonic", lambda: now[0])
    backoff = parts_module._Backoff(1.0)
    pauses = []
    for _ in range(7):
        pauses.append(backoff(None))  # type: ignore[arg-type]
        now[0] += pauses[-1] + 1
    assert pauses == [1, 2, 4, 8, 16, 30, 30]
    now[0] += 61
    assert backoff(None) <= 1  # type: ignore[arg-type]


async def test_parts_stop_in_reverse_order_with_their_batches_done_then_all_is_released() -> None:
    happened: list[str] = []

    def finishing(name: str) -> Callable[[], Awaitable[None]]:
        async def run() -> None:
            try:
                await asyncio.Event().wait()
            finally:
                happened.append(f"{name} told")
                await asyncio.sleep(0)
                happened.append(f"{name} finished")

        return run

    async def release() -> None:
        happened.append("released")

    names = ("publisher", "relay", "consumer")
    parts = Supervisor([Worker(name, finishing(name)) for name in names], release=release)
    async with parts.running("shop"):
        await parts.wait_prepared()
        await asyncio.sleep(0)
    assert happened == [
        "consumer told", "consumer finished", "relay told", "relay finished",
        "publisher told", "publisher finished", "released",
    ]  # fmt: skip


async def test_a_part_that_falls_while_it_stops_is_not_started_again() -> None:
    async def falls_when_told() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            raise RuntimeError("crashed while stopping")

    worker = Worker("worker", falls_when_told)
    parts = Supervisor([worker], first_backoff=QUICK)
    async with parts.running("shop"):
        await parts.wait_prepared()
        await asyncio.sleep(0)
    assert worker.begun == 1


async def test_a_part_that_swallows_the_cancellation_may_end_in_peace() -> None:
    async def returns_when_told() -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            return

    worker, before = Worker("worker", returns_when_told), alarms()
    parts = Supervisor([worker], first_backoff=QUICK)
    async with parts.running("shop"):
        await parts.wait_prepared()
        await asyncio.sleep(0)
    assert (worker.begun, alarms()) == (1, before)


async def test_a_part_that_will_not_stop_holds_nobody_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parts_module, "ONE_STOPS_SECONDS", 0.02)
    at_last = asyncio.Event()
    released = asyncio.Event()

    async def stubborn() -> None:
        while not at_last.is_set():
            try:
                await at_last.wait()
            except asyncio.CancelledError:
                continue

    async def release() -> None:
        released.set()

    parts = Supervisor([Worker("stubborn", stubborn)], release=release)
    async with asyncio.timeout(5), parts.running("shop"):
        await parts.wait_prepared()
        await asyncio.sleep(0)
    assert released.is_set()
    at_last.set()
    await asyncio.sleep(0)


async def test_stopping_needs_no_database() -> None:
    async def never() -> None:
        await asyncio.Event().wait()

    async with asyncio.timeout(5), Supervisor([Worker("worker")], never).running("shop"):
        pass


SECRET = "kanarienvogel"


async def test_no_log_quotes_what_an_error_says() -> None:
    async def cannot_prepare() -> None:
        attempts.append(1)
        if len(attempts) == 1:
            raise ConnectionError(SECRET)

    async def falls_aloud() -> None:
        raise ExceptionGroup(SECRET, [RuntimeError(SECRET)]) from ValueError(SECRET)

    async def falls_when_told() -> None:
        again.set()
        try:
            await asyncio.Event().wait()
        finally:
            raise RuntimeError(SECRET)

    attempts, again = list[int](), asyncio.Event()
    worker = Worker("worker", falls_aloud, falls_when_told)
    with structlog.testing.capture_logs() as logs:
        async with Supervisor([worker], cannot_prepare, first_backoff=QUICK).running("shop"):
            await again.wait()
    told = [line for line in logs if "error" in line]
    assert [(line["event"], line["error"]) for line in told] == [
        ("not_prepared", "ConnectionError"),
        ("task_crashed", "ExceptionGroup"),
        ("task_crashed_while_stopping", "RuntimeError"),
    ]
    assert all("test_service.py" in line["where"] for line in told)
    assert "from ValueError" in told[1]["where"]
    assert "from RuntimeError" in told[1]["where"]
    # The lines of the source stand in the frames, so the word is looked for where only its value can be.
    assert SECRET not in str([{**line, "where": ""} for line in logs])


class ShopSettings(ServiceSettings):
    """A service that has nothing of its own."""

    service: ClassVar[str] = "shop"
    offset: ClassVar[int] = 0


@pytest.mark.parametrize(
    ("arguments", "commands", "usage"),
    [
        (["nonsense"], ["dead-letters"], "Usage: python -m shop [dead-letters …]\n"),
        (["x", "keys"], ["dead-letters", "keys"], "Usage: python -m shop [dead-letters … | keys …]\n"),
        (["dead-letters", "list"], [], "Usage: python -m shop\n"),
    ],
)
def test_an_unknown_command_is_answered_with_the_known_ones(
    arguments: list[str], usage: str, capsys: pytest.CaptureFixture[str], commands: list[str]
) -> None:
    def build(_: ShopSettings) -> FastAPI:
        raise AssertionError("nothing is served")

    assert main(ShopSettings, build, commands=dict.fromkeys(commands, dead_letters), arguments=arguments) == 2
    assert capsys.readouterr().err == usage


def free_base() -> int:
    """A port that is free together with the one a hundred above it, where the metrics are."""
    return ports.free_base((0, 100))


class Shop:
    """The service as a process."""

    def __init__(self, base: int, folder: Path, output: int) -> None:
        self.base = base
        self.happened = folder / "happened"
        self.happened.touch()
        environment = {
            "PATH": os.environ["PATH"],
            "HAPPENED": str(self.happened),
            "CANDOR_ENV": "development",
            "CANDOR_KAFKA": "127.0.0.1:1",
            "CANDOR_MONGO": "mongodb://127.0.0.1:1",
            "CANDOR_STAFF_ISSUER": "https://staff.test",
            "CANDOR_STAFF_JWKS": "https://staff.test/keys",
            "CANDOR_PORT_BASE": str(base),
        }
        self.process = subprocess.Popen(
            [sys.executable, str(Path(__file__).with_name("a_service.py"))],
            env=environment, stdout=output, stderr=output, text=True,
        )  # fmt: skip

    @retry(wait=wait_fixed(0.05), stop=stop_after_delay(30))
    def until(self, what: str) -> None:
        assert what in self.happened.read_text()

    @retry(wait=wait_fixed(0.05), stop=stop_after_delay(30))
    def until_ready(self) -> None:
        assert httpx.get(f"http://127.0.0.1:{self.base}/health/ready").status_code == 200

    def ended(self) -> tuple[int, str, str]:
        out, err = self.process.communicate(timeout=25)
        return self.process.returncode, out, err


@contextmanager
def shop(base: int, folder: Path, output: int = subprocess.PIPE) -> Iterator[Shop]:
    """The service; whoever sends it many requests leaves its logs unread (``DEVNULL``), or it would wait."""
    running = Shop(base, folder, output)
    try:
        yield running
    finally:
        running.process.kill()
        running.process.communicate()


@pytest.mark.real
@pytest.mark.parametrize("sign", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_lets_requests_and_batches_end(tmp_path: Path, sign: signal.Signals) -> None:
    with shop(free_base(), tmp_path) as running, httpx.Client() as client:
        running.until_ready()
        metrics = client.get(f"http://127.0.0.1:{running.base + 100}/metrics").text
        assert "candor_http_request_seconds" in metrics
        assert 'candor_alarms_total{kind="stuck_consumer",service="shop"} 0.0' in metrics
        with closing(socket.create_connection(("127.0.0.1", running.base))) as caller:
            caller.sendall(b"GET /slow HTTP/1.1\r\nHost: shop\r\nConnection: close\r\n\r\n")
            running.until("request begun")
            running.process.send_signal(sign)
            answer = b"".join(iter(lambda: caller.recv(4096), b""))
        code, out, err = running.ended()
    assert answer.startswith(b"HTTP/1.1 200")
    assert answer.endswith(b'"done"')
    assert b"\r\nserver:" not in answer.lower()
    assert running.happened.read_text().split("\n")[1:] == ["batch finished", "released", ""]
    assert (code, err) == (0, "")
    events = [json.loads(line)["event"] for line in out.splitlines()]
    assert {"serving", "prepared", "stopped"} <= set(events)


@pytest.mark.real
@pytest.mark.parametrize(("above", "what"), [(0, "listen on"), (100, "serve metrics on")])
def test_a_port_that_is_taken_is_said_in_one_sentence(tmp_path: Path, above: int, what: str) -> None:
    base = free_base()
    with closing(socket.create_server(("127.0.0.1", base + above))), shop(base, tmp_path) as running:
        code, _, err = running.ended()
    assert code == 1
    where = f"127.0.0.1:{base + above}"
    assert (
        err
        == f"The service cannot {what} {where}: address already in use. CANDOR_PORT_BASE moves all ports.\n"
    )


def test_a_service_takes_the_descriptors_that_the_system_allows() -> None:
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (900, before[1]))
        service._allow_descriptors()
        allowed, most = resource.getrlimit(resource.RLIMIT_NOFILE)
        assert (allowed, most) == (min(before[1], 65_536), before[1])
        assert allowed > 2 * MOST_AT_ONCE
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)


@pytest.mark.real
def test_the_platform_is_answered_while_the_api_is_at_its_limit(tmp_path: Path) -> None:
    with shop(free_base(), tmp_path) as running, ExitStack() as crowd:
        running.until_ready()
        for _ in range(MOST_AT_ONCE + 1):
            crowd.enter_context(closing(socket.create_connection(("127.0.0.1", running.base))))
        api, platform = (f"http://127.0.0.1:{port}" for port in (running.base, running.base + 100))
        busy = httpx.get(f"{api}/health/ready", timeout=10)
        assert (busy.status_code, busy.headers["content-type"]) == (503, "text/plain; charset=utf-8")
        for path in ("/health/live", "/health/ready", "/metrics"):
            assert httpx.get(f"{platform}{path}", timeout=10).status_code == 200
        assert httpx.get(f"{platform}/form", timeout=10).status_code == 404
