"""What a service tells about itself: logs, metrics, traces; never what a client wrote."""

from chassis.telemetry.logs import configure_logging
from chassis.telemetry.tracing import configure_tracing, continued, current_traceparent, linked

__all__ = [
    "configure_logging",
    "configure_tracing",
    "continued",
    "current_traceparent",
    "linked",
]
