"""Prometheus reads numbers on a port of their own."""

import socket
from urllib.request import urlopen

import pytest
from prometheus_client import REGISTRY

from chassis.telemetry import metrics

ALLOWED = {"service", "topic", "command", "outcome", "kind", "method", "route", "status", "le"}


@pytest.fixture
def port() -> int:
    """A free one."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def test_they_are_served_until_stopped(port: int) -> None:
    metrics.HEARD.labels("chat", "candor.dialogs", "done").inc()
    stop = metrics.serve_metrics(port)
    with urlopen(f"http://127.0.0.1:{port}/metrics") as answer:
        assert b'candor_heard_total{outcome="done",service="chat",topic="candor.dialogs"}' in answer.read()
    stop()
    metrics.serve_metrics(port)()  # the port is free again


def test_no_label_can_tell_a_score_or_a_person() -> None:
    metrics.COMMAND_SECONDS.labels("rating", "give", "done").observe(0.01)
    metrics.REQUEST_SECONDS.labels("rating", "POST", "/v1/forms/answer", "2xx").observe(0.01)
    ours = [family for family in REGISTRY.collect() if family.name.startswith("candor_")]
    assert {label for family in ours for sample in family.samples for label in sample.labels} <= ALLOWED
