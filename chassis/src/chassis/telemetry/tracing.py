"""One trace from the click to the number, through HTTP, the event log and Kafka (W3C trace context)."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import Span, SpanKind, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

PROPAGATOR = TraceContextTextMapPropagator()
ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT"


def configure_tracing(service: str) -> None:
    """Starts tracing once per process; spans leave it only when OTEL_EXPORTER_OTLP_ENDPOINT is set.

    A trace is sampled if its caller's is; OTEL_TRACES_SAMPLER may say otherwise.
    """
    if isinstance(trace.get_tracer_provider(), TracerProvider):
        return
    provider = TracerProvider(resource=Resource.create({"service.name": f"candor-{service}"}))
    if os.environ.get(ENDPOINT):
        provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    trace.set_tracer_provider(provider)


def current_traceparent() -> str | None:
    """The `traceparent` header of what is being done now, None outside of a trace."""
    carrier: dict[str, str] = {}
    PROPAGATOR.inject(carrier)
    return carrier.get("traceparent")


@contextmanager
def continued(traceparent: str | None, name: str) -> Iterator[Span]:
    """A span `name` in the trace that `traceparent` names; in a new one if it is None or unreadable."""
    caller = PROPAGATOR.extract({"traceparent": traceparent} if traceparent else {})
    with trace.get_tracer("candor").start_as_current_span(
        name,
        context=caller,
        kind=SpanKind.CONSUMER,
        # An exception's text may quote what a client wrote.
        record_exception=False,
        set_status_on_exception=False,
    ) as span:
        try:
            yield span
        except BaseException as error:
            span.set_status(StatusCode.ERROR, type(error).__name__)
            raise
