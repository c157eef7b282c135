"""W3C trace context: from a request to its events, from there to their handlers and projections.

The handler of one record goes on with its trace; a batch has records of many traces, and links to each.
"""

import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from itertools import islice

from opentelemetry import trace
from opentelemetry.context import Context, attach, detach
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import Link, Span, SpanKind, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from contracts.envelope import TRACEPARENT

TRACER = trace.get_tracer("candor")
PROPAGATOR = TraceContextTextMapPropagator()
ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT"
LINKS = 128  # what a span keeps, unless OTEL_SPAN_LINK_COUNT_LIMIT says otherwise


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


def continued(traceparent: str | None, name: str) -> AbstractContextManager[Span]:
    """A span `name` in the trace that `traceparent` names; in a new one if it is None or unreadable."""
    return _span(name, _context(traceparent), ())


def linked(traceparents: Iterable[str | None], name: str) -> AbstractContextManager[Span]:
    """A span `name` in a new trace, with links to those that `traceparents` name; to the first 128."""
    known = dict.fromkeys(each for each in traceparents if each)
    callers = (trace.get_current_span(_context(each)).get_span_context() for each in islice(known, LINKS))
    return _span(name, Context(), [Link(caller) for caller in callers if caller.is_valid])


def _context(traceparent: str | None) -> Context:
    # Strangers write it too, and events keep it: their trace's two ids are taken, and nothing else.
    known = traceparent is not None and TRACEPARENT.fullmatch(traceparent)
    return PROPAGATOR.extract({"traceparent": traceparent} if known else {}, Context())


@contextmanager
def _span(name: str, context: Context, links: Sequence[Link]) -> Iterator[Span]:
    span = TRACER.start_span(name, context, SpanKind.CONSUMER, links=links)
    outer = attach(trace.set_span_in_context(span))
    try:
        yield span
    except BaseException as error:
        # Its text, which OpenTelemetry would record, may quote what a client wrote.
        span.set_status(StatusCode.ERROR, type(error).__name__)
        raise
    finally:
        detach(outer)
        span.end()
