"""Logs: one JSON object a line on stdout, without secrets and without a client's words."""

import logging
import re
import sys
import traceback
from collections.abc import Iterator
from functools import partial
from typing import Any, TextIO

import structlog
from cachetools import TTLCache
from opentelemetry import trace
from pydantic import ValidationError
from structlog.stdlib import ProcessorFormatter
from structlog.typing import EventDict, Processor, WrappedLogger

NEVER = frozenset({
    "authorization", "comment", "cookie", "email", "password", "secret", "text", "token", "value",
})  # fmt: skip

# How pydantic quotes what it refused, also inside the repr of a failed task that asyncio logs.
QUOTED = re.compile(r"input_value=.*?, input_type=", re.DOTALL)
QUIET = ("aiokafka", "faststream", "kafka", "pymongo", "uvicorn.access", "httpx", "httpcore")


def configure_logging(service: str, *, stream: TextIO | None = None) -> None:
    """Sends structlog's and the standard library's logs to `stream` (stdout) as JSON lines.

    Fields: event, level, timestamp (RFC 3339, UTC), logger, service, trace_id, and what the caller adds.
    """
    shared, json_lines = _shared(service), structlog.processors.JSONRenderer()
    formatter = ProcessorFormatter(
        foreign_pre_chain=[structlog.stdlib.ExtraAdder(), *shared],
        processors=[ProcessorFormatter.remove_processors_meta, without_secrets, json_lines],
    )
    handler = logging.StreamHandler(stream or sys.stdout)
    handler.setFormatter(formatter)
    handler.addFilter(_OncePerHalfMinute())
    logging.basicConfig(handlers=[handler], level=logging.INFO, force=True)
    logging.captureWarnings(True)  # noqa: FBT003 - the standard library's signature
    for name in QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)
    structlog.configure(
        processors=[*shared, without_secrets, json_lines],
        logger_factory=partial(_OwnLines, handler.stream),
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
    )


class _OwnLines:
    """Writes what is rendered. Through the standard library a line costs three times as much."""

    def __init__(self, stream: TextIO, name: str = "candor") -> None:
        self._stream = stream
        self.name = name

    def line(self, rendered: str) -> None:
        try:
            self._stream.write(f"{rendered}\n")
            self._stream.flush()
        except (OSError, ValueError):  # nobody reads them any more, which is no reason for a request to fail
            return

    info = warning = error = critical = line


class _OncePerHalfMinute(logging.Filter):
    """Passes what aiokafka says, by its template, once in 30 s: it says so with every try of every client."""

    def __init__(self) -> None:
        super().__init__()
        self._passed: TTLCache[object, bool] = TTLCache(maxsize=1_000, ttl=30)

    def filter(self, record: logging.LogRecord) -> bool:
        what = record.name, record.msg
        if not record.name.startswith("aiokafka"):
            return True
        known = what in self._passed
        self._passed.setdefault(what, True)
        return not known


def without_secrets(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """Drops fields whose name says that they hold a secret or a client's words, however deep."""
    return {name: _clean(value) for name, value in event.items() if name.lower() not in NEVER}


def exception_without_values(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """Replaces `exc_info` by a traceback; pydantic's errors would quote their input, so they lose it."""
    found = event.pop("exc_info", None)
    error = sys.exc_info()[1] if found is True else found[1] if isinstance(found, tuple) else found
    if isinstance(error, BaseException):
        event["exception"] = "".join(_traceback_lines(error))
    return event


def _shared(service: str) -> list[Processor]:
    def of_service(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
        return {**event, "service": service}

    return [
        structlog.contextvars.merge_contextvars,
        of_service,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.PositionalArgumentsFormatter(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _with_trace,
        exception_without_values,
    ]


def _with_trace(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    context = trace.get_current_span().get_span_context()
    if context.is_valid:
        event["trace_id"] = trace.format_trace_id(context.trace_id)
    return event


def _clean(value: Any) -> Any:
    if isinstance(value, str) and "input_value=" in value:
        return QUOTED.sub("input_type=", value)
    if isinstance(value, dict):
        return {name: _clean(inner) for name, inner in value.items() if str(name).lower() not in NEVER}
    if isinstance(value, list | tuple):
        return [_clean(inner) for inner in value]
    return value


def _traceback_lines(error: BaseException, seen: frozenset[int] = frozenset()) -> Iterator[str]:
    cause = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    seen |= {id(error)}
    if cause is not None and id(cause) not in seen:
        yield from _traceback_lines(cause, seen)
        yield "which led to\n"
    yield from traceback.format_tb(error.__traceback__)
    if isinstance(error, ValidationError):
        found = error.errors(include_input=False, include_context=False, include_url=False)
        sentence = "; ".join(f"{'.'.join(map(str, each['loc']))}: {each['type']}" for each in found)
    else:
        sentence = str(error)
    yield f"{type(error).__qualname__}: {sentence}\n"
    if isinstance(error, BaseExceptionGroup):
        for inner in error.exceptions:
            yield from _traceback_lines(inner, seen)
