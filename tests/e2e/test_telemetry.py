"""What the platform team sees: one trace through all services, and metrics that tell no score."""

import re
import secrets
from functools import partial

import httpx
import pytest
from aiokafka import AIOKafkaConsumer

from contracts.topics import DIALOGS, RATINGS
from deploy.demo.people import NotYet, until
from deploy.demo.support_floor import SupportFloor
from deploy.local.stack import METRICS, Stack
from tests.e2e.conftest import SETTLE_SECONDS

pytestmark = [pytest.mark.real, pytest.mark.timeout(120)]


async def test_one_trace_leads_from_the_request_to_the_rating_event(
    stack: Stack, floor: SupportFloor, channel: str, http: httpx.AsyncClient
) -> None:
    trace = secrets.token_hex(16)
    http.headers["traceparent"] = f"00-{trace}-{secrets.token_hex(8)}-01"
    visitor, operator = await floor.visitor(channel), floor.operator("ann")
    dialog = visitor.name_dialog()
    await visitor.open(dialog)
    await visitor.post_message(dialog, "m1", "Hello")
    await operator.take(dialog)
    await operator.post_message(dialog, "m2", "Hello")
    await operator.close(dialog, 1)
    await visitor.form(dialog, 1)

    headers = await _headers_of(stack, dialog, {"candor.dialog.closed.v1", "candor.rating.scheduled.v1"})

    assert {traceparent.split("-")[1] for traceparent in headers.values()} == {trace}


async def _headers_of(stack: Stack, dialog: str, types: set[str]) -> dict[str, str]:
    """The traceparent of the first event of each of `types` that the dialog has."""
    found: dict[str, str] = {}
    consumer = AIOKafkaConsumer(
        DIALOGS.name, RATINGS.name, **stack.servers.kafka_connection.options(), auto_offset_reset="earliest"
    )
    await consumer.start()
    try:

        async def look() -> None:
            for records in (await consumer.getmany(timeout_ms=200)).values():
                for record in records:
                    headers = {name: value.decode() for name, value in record.headers}
                    if record.key == dialog.encode() and headers["ce_type"] in types:
                        found.setdefault(headers["ce_type"], headers["traceparent"])
            if found.keys() != types:
                raise NotYet(f"received only {sorted(found)}")

        await until(look, SETTLE_SECONDS)
    finally:
        await consumer.stop()
    return found


async def test_metrics_are_there_and_no_label_tells_a_score(stack: Stack, http: httpx.AsyncClient) -> None:
    await until(partial(_all_metrics, http, stack), SETTLE_SECONDS)
    for text in await _metrics(http, stack):
        labels = set(re.findall(r'(\w+)="', text))
        assert not labels & {"score", "satisfied", "operator", "client", "channel", "dialog", "state"}, labels


async def _metrics(http: httpx.AsyncClient, stack: Stack) -> list[str]:
    urls = [f"http://127.0.0.1:{stack.base + METRICS + number}/metrics" for number in range(3)]
    return [(await http.get(url)).text for url in urls]


async def _all_metrics(http: httpx.AsyncClient, stack: Stack) -> None:
    chat, rating, analytics = await _metrics(http, stack)
    wanted = {
        "candor_outbox_backlog{": chat,
        "candor_outbox_age_seconds{": rating,
        "candor_command_seconds_count{": chat,
        "candor_consumed_records_total{": rating,
        "candor_lag_records{": analytics,
        "candor_lag_seconds{": analytics,
    }
    if missing := [name for name, text in wanted.items() if name not in text]:
        raise NotYet(f"no {missing} yet")
