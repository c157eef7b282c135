"""What Prometheus reads. No label may tell a score, a person or a text."""

from enum import StrEnum

from prometheus_client import Counter, Gauge, Histogram

CONSUMED = Counter(
    "candor_consumed_records", "Records consumed, by what became of them", ("service", "topic", "outcome")
)
LAG_RECORDS = Gauge("candor_lag_records", "Records not yet consumed", ("service", "topic"))
LAG_SECONDS = Gauge(
    "candor_lag_seconds", "Age of the oldest record not yet consumed, 0 if none waits", ("service", "topic")
)
DEAD_LETTERS = Counter("candor_dead_letters", "Records put aside", ("service", "topic"))

OUTBOX_BACKLOG = Gauge("candor_outbox_backlog", "Commits not yet relayed", ("service",))
OUTBOX_AGE_SECONDS = Gauge(
    "candor_outbox_age_seconds", "Age of the oldest commit not yet relayed", ("service",)
)
# Without a label: the store doesn't know whose it is, and a process serves one service.
APPEND_BATCH = Histogram(
    "candor_append_batch", "Commits stored in one go", buckets=(1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)
)
SECONDS = (0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10)
COMMAND_SECONDS = Histogram(
    "candor_command_seconds",
    "From the command to its result",
    ("service", "command", "outcome"),
    buckets=SECONDS,
)
REQUEST_SECONDS = Histogram(
    "candor_http_request_seconds",
    "From the request to the end of its response",
    ("service", "method", "route", "status"),
    buckets=SECONDS,
)
ERASURES_PENDING = Gauge(
    "candor_erasures_pending", "Deleted keys that Kafka has not compacted away yet", ("service",)
)
DELIVERIES = Counter(
    "candor_deliveries", "What was sent, by what became of it", ("service", "kind", "outcome")
)
ALARMS = Counter("candor_alarms", "What a person should look at", ("service", "kind"))


class Alarm(StrEnum):
    """What a person should look at; docs/operating.md says what to do about each."""

    BATCH_FAILED = "batch_failed"
    DELIVERY_FAILED = "delivery_failed"
    ERASURE_FAILED = "erasure_failed"
    HANDLER_FAILED = "handler_failed"
    KEY_RECORD_DEAD = "key_record_dead"
    NEWER_RELEASE_AWAITED = "newer_release_awaited"
    PARTITION_STOPPED = "partition_stopped"
    PROJECTION_FAILED = "projection_failed"
    STREAM_NOT_RELAYED = "stream_not_relayed"
    STUCK_CONSUMER = "stuck_consumer"
    TASK_CRASHED = "task_crashed"
    TIMER_FAILED = "timer_failed"
    UNKNOWN_STORED_EVENT = "unknown_stored_event"


def count_alarms_from_zero(service: str) -> None:
    """Makes each alarm's count 0: what begins with 1 has not risen for Prometheus."""
    for alarm in Alarm:
        ALARMS.labels(service, alarm)


def raise_alarm(service: str, alarm: Alarm) -> None:
    """Counts an alarm, which monitoring tells a person of."""
    ALARMS.labels(service, alarm).inc()
