"""One trace goes through HTTP, the event log and Kafka."""

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.trace import StatusCode

from chassis.telemetry import configure_tracing, continued, current_traceparent, linked

FAR = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


@pytest.fixture(autouse=True)
def _tracing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OTEL_EXPORTER_OTLP_ENDPOINT", raising=False)
    configure_tracing("chat")


def test_outside_of_a_trace_there_is_no_traceparent() -> None:
    assert current_traceparent() is None


def test_a_trace_goes_on_with_a_span_of_its_own() -> None:
    with continued(FAR, "consume"):
        here = current_traceparent()
    assert here is not None
    assert here.split("-")[1] == FAR.split("-")[1]
    assert here.split("-")[2] != FAR.split("-")[2]


@pytest.mark.parametrize("caller", [None, "", "nonsense", "00-zz-11-01"])
def test_without_a_readable_caller_a_new_trace_begins(caller: str | None) -> None:
    with continued(FAR, "outer"), continued(caller, "consume"):
        here = current_traceparent()
    assert here is not None
    assert here.split("-")[1] != FAR.split("-")[1]


def test_what_the_caller_does_not_sample_is_not_sampled() -> None:
    with continued(FAR[:-2] + "00", "consume") as span:
        assert not span.is_recording()
        here = current_traceparent()
    assert here is not None
    assert here.endswith("-00")


def test_a_batch_begins_a_trace_that_links_to_those_of_its_records() -> None:
    other = FAR.replace("b7ad6b7169203331", "00f067aa0ba902b7")
    with continued(FAR, "outer"), linked([FAR, None, FAR, "nonsense", other], "project") as span:
        assert isinstance(span, ReadableSpan)
        assert [f"{link.context.span_id:016x}" for link in span.links] == [
            "b7ad6b7169203331",
            "00f067aa0ba902b7",
        ]
        assert span.parent is None
        assert (current_traceparent() or "").split("-")[1] != FAR.split("-")[1]


def test_a_large_batch_links_to_as_many_as_a_span_keeps() -> None:
    with linked((f"{FAR[:36]}{number:016x}-01" for number in range(1, 1000)), "project") as span:
        assert isinstance(span, ReadableSpan)
        assert len(span.links) == 128
        assert not span.dropped_links


def test_an_error_marks_the_span_without_its_text() -> None:
    with pytest.raises(ValueError, match="canary"), continued(FAR, "consume") as span:
        raise ValueError("canary")
    assert isinstance(span, ReadableSpan)
    assert span.status.status_code is StatusCode.ERROR
    assert span.status.description == "ValueError"
    assert not span.events


def test_configuring_again_changes_nothing() -> None:
    before = trace.get_tracer_provider()
    configure_tracing("rating")
    assert trace.get_tracer_provider() is before
    assert isinstance(before, TracerProvider)
