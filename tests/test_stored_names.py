"""What is stored for good keeps its name: categories of streams, and types of events."""

from typing import Any

import pytest

from analytics.domain.review import REVIEW
from chassis.eventstore.decider import Decider
from chat.domain.channel import CHANNEL
from chat.domain.client import CLIENT
from chat.domain.dialog.decider import DIALOG
from rating.domain.cool_down import COOL_DOWN
from rating.domain.form_webhook import FORM_WEBHOOK
from rating.domain.quality_control.decider import DEFAULT, QUALITY_CONTROL
from rating.domain.rating.decider import RATING

NAMES: dict[str, tuple[Decider[Any, Any, Any], set[str]]] = {
    "channel": (CHANNEL, {"published"}),
    "client": (CLIENT, {"registered", "dialog-reserved", "erased"}),
    "dialog": (DIALOG, {"opened", "message-posted", "operator-assigned", "closed", "reopened"}),
    "asked": (COOL_DOWN, {"question-reserved"}),
    "quality_control": (QUALITY_CONTROL, {"saved"}),
    "quality_control_default": (DEFAULT, {"saved"}),
    "form_webhook": (FORM_WEBHOOK, {"endpoint-gone", "secret-rotated"}),
    "review": (REVIEW, {"note-written", "status-set", "own-score-set", "exclusion-set"}),
    "rating": (
        RATING,
        {
            "close-registered",
            "reopening-registered",
            "not-offered",
            "scheduled",
            "offered",
            "given",
            "changed",
            "declined",
            "expired",
            "cancelled",
            "forgotten",
            "sent",
            "reminded",
            "delivery-failed",
            "undeliverable",
        },
    ),
}
"""Streams of two services are of two categories, so that an event's id is one in all topics."""


@pytest.mark.parametrize("category", NAMES)
def test_no_stored_name_changes(category: str) -> None:
    decider, types = NAMES[category]
    schema = decider.events.json_schema()
    mapping = schema.get("discriminator", {}).get("mapping") or {schema["properties"]["type"]["const"]: ""}
    assert (decider.category, set(mapping)) == (category, types)
