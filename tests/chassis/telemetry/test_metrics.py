"""Prometheus reads numbers on a port of their own."""

from urllib.request import urlopen

from prometheus_client import REGISTRY

from chassis.telemetry import metrics
from deploy.local.ports import free_port

ALLOWED = {"service", "topic", "command", "outcome", "kind", "method", "route", "status", "le"}


def test_they_are_served_until_stopped() -> None:
    port = free_port()
    metrics.CONSUMED.labels("chat", "candor.dialogs", "done").inc()
    stop = metrics.serve_metrics(port)
    with urlopen(f"http://127.0.0.1:{port}/metrics") as answer:
        assert (
            b'candor_consumed_records_total{outcome="done",service="chat",topic="candor.dialogs"}'
            in answer.read()
        )
    stop()
    metrics.serve_metrics(port)()  # the port is free again


def test_no_label_can_tell_a_score_or_a_person() -> None:
    metrics.COMMAND_SECONDS.labels("rating", "give", "done").observe(0.01)
    metrics.REQUEST_SECONDS.labels("rating", "POST", "/v1/forms/answer", "2xx").observe(0.01)
    ours = [family for family in REGISTRY.collect() if family.name.startswith("candor_")]
    assert {label for family in ours for sample in family.samples for label in sample.labels} <= ALLOWED
