"""An operator's list against a straightforward computation: for every token, state and page."""

from dataclasses import dataclass
from datetime import timedelta
from itertools import product
from typing import Any

import pytest

from tests.chat.builders import START
from tests.chat.harness import Harness, Person, done

pytestmark = pytest.mark.real

CHANNELS = ("shop", "school", "help")
TOKENS: dict[str, tuple[str, ...]] = {
    "one channel": ("shop",),
    "two channels": ("shop", "school"),
    "all channels": (),
}
WHOSE = ("mine", "mine once", "nobody's", "bo's")
LIMIT = 3


@dataclass(frozen=True)
class Listed:
    """A dialog as the list should know it."""

    dialog: str
    channel: str
    state: str
    whose: str
    minutes: int

    def document(self) -> dict[str, Any]:
        operator = {"mine": "ann", "mine once": "bo", "bo's": "bo"}.get(self.whose)
        operators = {"mine": ["ann"], "mine once": ["ann", "bo"], "bo's": ["bo"]}.get(self.whose, [])
        return {
            "_id": self.dialog, "dialog": self.dialog, "channel": self.channel, "client": "c1",
            "locale": None, "state": self.state, "waiting": self.state == "open" and operator is None,
            "operator": operator, "operators": operators, "closes": 0, "position": 1, "due_at": None,
            "opened_at": START, "since": START + timedelta(minutes=self.minutes),
        }  # fmt: skip

    def is_for_ann(self, channels: tuple[str, ...]) -> bool:
        own = self.whose in {"mine", "mine once"}
        waits = self.state == "open" and self.whose == "nobody's"
        return (own or waits) and (not channels or self.channel in channels)


# Three of each kind, at moments that many share, in an order that no filter has.
KINDS = list(product(CHANNELS, ("open", "closed"), WHOSE, range(3)))
DIALOGS = [
    Listed(f"d{number * 37 % len(KINDS):02d}", channel, state, whose, number * 7 % 10)
    for number, (channel, state, whose, _) in enumerate(KINDS)
]


async def pages(ann: Person, state: str) -> list[list[str]]:
    found, cursor = list[list[str]](), ""
    while cursor is not None and len(found) <= len(DIALOGS):
        page = done(await ann.get(f"/v1/dialogs?state={state}&limit={LIMIT}&cursor={cursor}"))
        found.append([each["dialog"] for each in page["dialogs"]])
        cursor = page["next_cursor"]
    return found


async def test_every_page_holds_what_is_the_operators_in_the_tokens_channels(harness: Harness) -> None:
    await harness.database["dialogs"].insert_many([each.document() for each in DIALOGS])
    for (token, channels), state in product(TOKENS.items(), ("open", "closed")):
        theirs = [each for each in DIALOGS if each.state == state and each.is_for_ann(channels)]
        theirs.sort(key=lambda each: (each.minutes, each.dialog), reverse=state == "closed")
        expected = [each.dialog for each in theirs]
        seen = await pages(harness.operator("ann", *channels), state)
        assert seen == [expected[at : at + LIMIT] for at in range(0, len(expected), LIMIT)], (token, state)
        assert len(seen) > 1
