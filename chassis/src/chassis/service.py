"""Serves a service's API and metrics on its ports until SIGTERM or SIGINT."""

import asyncio
import gc
import os
import signal
import socket
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Literal, TypeVar, cast

import structlog
import uvicorn
from fastapi import FastAPI

from chassis.background import BackgroundTask, Supervisor
from chassis.http.app import operations
from chassis.http.protocol import HttpProtocol
from chassis.kafka.connection import KafkaConnection
from chassis.kafka.dead_letters import cli
from chassis.settings import ServiceSettings
from chassis.telemetry import configure_logging, configure_tracing
from chassis.telemetry.metrics import count_alarms_from_zero

__all__ = ["BackgroundTask", "Supervisor", "dead_letters", "main", "serve", "with_settings"]

S = TypeVar("S", bound=ServiceSettings)
Command = Callable[[type[S], Sequence[str]], int]

REQUESTS_END_WITHIN = 5
MOST_AT_ONCE = 1000
"""Connections of the API, and requests in work; uvicorn answers 503 beyond, in plain text."""

MOST_DESCRIPTORS = 65_536

log = structlog.stdlib.get_logger(__name__)


class _Server(uvicorn.Server):
    """Ends with 0 after a signal that was obeyed; uvicorn's own would raise the signal once more."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        loop = asyncio.get_running_loop()
        for sign in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(sign, self.handle_exit, sign, None)
        try:
            yield
        finally:
            for sign in (signal.SIGTERM, signal.SIGINT):
                loop.remove_signal_handler(sign)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Streams end first: uvicorn waits for each response to come to its end."""
        cast("FastAPI", self.config.app).state.live.end()
        await super().shutdown(sockets)


class _SecondServer(uvicorn.Server):
    """Leaves signals to the first one."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def main(
    kind: type[S],
    build: Callable[[S], FastAPI],
    *,
    commands: Mapping[str, Command[S]] | None = None,
    arguments: Sequence[str] | None = None,
) -> int:
    """The command line of a service; returns the exit code.

    Without arguments it builds and serves it. Else the first names one of `commands`, which gets the kind of
    settings and the rest.
    Wrong settings and anything else end with 2 and a sentence.
    """
    argv = sys.argv[1:] if arguments is None else list(arguments)
    known = commands or {}
    if argv and argv[0] not in known:
        usage = " | ".join(f"{name} …" for name in known)
        sys.stderr.write(f"Usage: python -m {kind.service}{f' [{usage}]' if usage else ''}\n")
        return 2
    if argv:
        return known[argv[0]](kind, argv[1:])
    settings = kind.load()
    serve(build(settings), settings)
    return 0


def with_settings(command: Callable[[S, Sequence[str]], int]) -> Command[S]:
    """A command that needs all settings of the service, its secrets among them."""
    return lambda kind, argv: command(kind.load(), argv)


def dead_letters(kind: type[ServiceSettings], argv: Sequence[str]) -> int:
    """The command of a service that consumes: lists, replays and dismisses what could not be handled.

    All that it needs is the connection to Kafka.
    """
    try:
        connection = KafkaConnection.read(os.environ)
    except ValueError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    return cli(kind.service, connection, argv)


def serve(app: FastAPI, settings: ServiceSettings) -> None:
    """Serves `app`, health and metrics until SIGTERM or SIGINT; then requests and tasks end, in 20 s.

    Exits with 1 and a sentence when a port is taken.
    """
    configure_logging(settings.service)
    configure_tracing(settings.service)
    count_alarms_from_zero(settings.service)
    _allow_descriptors()
    listening = _listen("listen on", settings.host, settings.port)
    watched = _listen("serve metrics on", settings.metrics_host, settings.metrics_port)
    api = _config(app, lifespan="on", most=MOST_AT_ONCE)
    collect_rarely()
    log.info("serving", host=settings.host, port=settings.port, metrics_port=settings.metrics_port)
    with listening, watched, asyncio.Runner(loop_factory=api.get_loop_factory()) as runner:
        runner.run(_serve_both(api, listening, _config(operations(app)), watched))


def collect_rarely() -> None:
    """Has Python look for garbage less often, and not in what is there by now.

    Batches make thousands of objects: to look through all of them, 700 at a time, took a third of their work.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)


async def _serve_both(
    api: uvicorn.Config, listening: socket.socket, platform: uvicorn.Config, watched: socket.socket
) -> None:
    # In the same loop, so that the platform sees at once if it stands still; with connections of its own, so
    # that it is answered when the API is at its limit.
    watching = _SecondServer(platform)
    watch = asyncio.create_task(watching.serve(sockets=[watched]))
    try:
        await _Server(api).serve(sockets=[listening])
    finally:
        watching.should_exit = True
        await watch


def _config(
    app: FastAPI, *, lifespan: Literal["on", "off"] = "off", most: int | None = None
) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        loop="uvloop" if sys.platform != "win32" else "asyncio",
        http=HttpProtocol,
        ws="none",
        lifespan=lifespan,
        log_config=None,
        log_level="warning",
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=20,
        timeout_graceful_shutdown=REQUESTS_END_WITHIN,
        limit_concurrency=most,
    )


def _allow_descriptors() -> None:
    """As many as the system allows, up to 65,536: systems begin with 1,024, fewer than connections need.

    Without a free one nobody is answered, on neither port.
    """
    if sys.platform != "win32":
        import resource  # noqa: PLC0415 - there is none on Windows

        least, most = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(least, min(most, MOST_DESCRIPTORS)), most))


def _listen(what: str, host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=2048)
    except OSError as error:
        reason = os.strerror(error.errno or 0).lower()
        sys.stderr.write(
            f"The service cannot {what} {host}:{port}: {reason}. CANDOR_PORT_BASE moves all ports.\n"
        )
        raise SystemExit(1) from None
