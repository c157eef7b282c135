"""A line that nobody takes is no reason for a request to fail."""

import io
import json
import logging
from collections.abc import Iterator

import pytest
import structlog

from chassis.telemetry import configure_logging


class Broken(io.StringIO):
    """The reader of this pipe is gone."""

    def flush(self) -> None:
        raise BrokenPipeError


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    logging.captureWarnings(capture=False)
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()


def test_a_line_that_can_t_be_written_is_lost() -> None:
    configure_logging("shop", stream=Broken())
    structlog.stdlib.get_logger("here").error("nobody listens")


def test_a_stream_that_is_closed_is_no_error() -> None:
    stream = io.StringIO()
    configure_logging("shop", stream=stream)
    stream.close()
    structlog.stdlib.get_logger("here").info("nobody listens")


def test_each_level_is_told_but_debug() -> None:
    configure_logging("shop", stream=(stream := io.StringIO()))
    log = structlog.stdlib.get_logger("here")
    for tell in (log.debug, log.info, log.warning, log.error, log.critical):
        tell("said", number=1)
    lines = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert [line["level"] for line in lines] == ["info", "warning", "error", "critical"]
    assert {line["logger"] for line in lines} == {"here"}
