"""What Prometheus reads tells nothing of people."""

from prometheus_client import REGISTRY

from chassis.telemetry import metrics

ALLOWED = {"service", "topic", "command", "outcome", "kind", "method", "route", "status", "le"}


def test_no_label_can_tell_a_score_or_a_person() -> None:
    metrics.COMMAND_SECONDS.labels("rating", "give", "done").observe(0.01)
    metrics.REQUEST_SECONDS.labels("rating", "POST", "/v1/forms/answer", "2xx").observe(0.01)
    ours = [family for family in REGISTRY.collect() if family.name.startswith("candor_")]
    assert {label for family in ours for sample in family.samples for label in sample.labels} <= ALLOWED
