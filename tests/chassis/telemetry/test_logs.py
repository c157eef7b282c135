"""Logs are JSON lines that hold neither secrets nor a client's words."""

import io
import json
import logging
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import structlog
from opentelemetry import trace
from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags
from pydantic import BaseModel

from chassis.telemetry import configure_logging

CANARY = "canary"
Lines = Callable[[], list[dict[str, Any]]]


class Comment(BaseModel):
    """Somebody's words, in a model."""

    stars: int


def store(document: dict[str, str]) -> None:
    """Fails as a store would: with the model's error as its cause."""
    try:
        Comment.model_validate(document)
    except ValueError as error:
        raise RuntimeError("not stored") from error


@pytest.fixture
def lines() -> Iterator[Lines]:
    """What was logged so far."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    stream = io.StringIO()
    configure_logging("rating", stream=stream)
    yield lambda: [json.loads(line) for line in stream.getvalue().splitlines()]
    logging.captureWarnings(capture=False)
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()


def test_a_line_tells_what_when_how_bad_and_who(lines: Lines) -> None:
    structlog.stdlib.get_logger("here").info("form offered", form="d1.1")
    (line,) = lines()
    assert line["event"] == "form offered"
    assert line["form"] == "d1.1"
    assert (line["level"], line["service"], line["logger"]) == ("info", "rating", "here")
    assert line["timestamp"].endswith("Z")


def test_the_standard_library_speaks_json_too(lines: Lines) -> None:
    logging.getLogger("anybody").warning("lost %d of %s", 3, "them", extra={"topic": "candor.dialogs"})
    (line,) = lines()
    assert (line["event"], line["level"], line["topic"]) == ("lost 3 of them", "warning", "candor.dialogs")


@pytest.mark.parametrize("name", ["token", "Authorization", "secret", "comment", "text", "value"])
def test_fields_that_hold_secrets_or_words_are_dropped(lines: Lines, name: str) -> None:
    structlog.stdlib.get_logger().info("said", **{name: CANARY, "deep": [{name: CANARY, "kept": 1}]})
    logging.getLogger("anybody").info("said", extra={name: CANARY})
    first, second = lines()
    assert CANARY not in json.dumps([first, second])
    assert first["deep"] == [{"kept": 1}]


@pytest.mark.parametrize("logger", [structlog.stdlib.get_logger("a"), logging.getLogger("a")])
def test_an_exception_tells_where_but_not_what_was_written(lines: Lines, logger: Any) -> None:
    try:
        store({"stars": CANARY})
    except RuntimeError:
        logger.exception("broken")
    (line,) = lines()
    assert "stars: int_parsing" in line["exception"]
    assert "RuntimeError: not stored" in line["exception"]
    assert "test_logs.py" in line["exception"]
    assert CANARY not in json.dumps(line)


def test_an_error_quoted_in_a_message_loses_its_input(lines: Lines) -> None:
    with pytest.raises(ValueError, match=CANARY) as refused:
        Comment.model_validate({"stars": f"{CANARY}, input_type=\n"})
    logging.getLogger("asyncio").error("Task failed: %r", refused.value)
    (line,) = lines()
    assert CANARY not in json.dumps(line)


def test_a_group_of_exceptions_is_told_in_full(lines: Lines) -> None:
    both = ExceptionGroup("both", [ValueError("one"), KeyError("two")])
    structlog.stdlib.get_logger().error("broken", exc_info=both)
    (line,) = lines()
    assert "ValueError: one" in line["exception"]
    assert "KeyError: 'two'" in line["exception"]


@pytest.mark.parametrize("name", ["uvicorn.access", "aiokafka.consumer", "faststream.access"])
def test_the_chatty_are_quiet(lines: Lines, name: str) -> None:
    logging.getLogger(name).info("GET /health/live 200")
    assert lines() == []


def test_a_library_that_tries_again_and_again_says_so_once(lines: Lines) -> None:
    for node in range(100):
        logging.getLogger("aiokafka").error("Unable connect to node with id %s", node)
        logging.getLogger("chassis.kafka").error("ours %s", node)
    logging.getLogger("aiokafka").error("Unable to update metadata from %s", [1])
    said = [line["event"] for line in lines() if line["logger"] == "aiokafka"]
    assert said == ["Unable connect to node with id 0", "Unable to update metadata from [1]"]
    assert len(lines()) == 102


def test_a_line_names_its_trace(lines: Lines) -> None:
    context = SpanContext(0xABC, 0xDEF, is_remote=False, trace_flags=TraceFlags(1))
    with trace.use_span(NonRecordingSpan(context)):
        structlog.stdlib.get_logger().info("inside")
    structlog.stdlib.get_logger().info("outside")
    inside, outside = lines()
    assert inside["trace_id"] == f"{0xABC:032x}"
    assert "trace_id" not in outside
