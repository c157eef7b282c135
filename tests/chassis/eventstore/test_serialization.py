"""Storage format: what is stored reads back equal, whatever release wrote it, or is left alone."""

from datetime import UTC, datetime

import pytest
from bson import decode

from chassis.errors import UnknownStoredEvent
from chassis.eventstore.decider import Decider
from chassis.eventstore.serialization import from_document, read_events, shard_of, to_document, to_stored
from chassis.eventstore.store import Commit
from chassis.mongo import CODEC
from tests.chassis.eventstore.jar import JARS, NOON, Coin, CoinPut, Jar, JarFilled, commit


def test_events_read_back_equal_through_bytes() -> None:
    events = [
        CoinPut(
            put="a", coin=Coin.SILVER, at=datetime(2026, 7, 1, 1, 2, 3, 4_000, tzinfo=UTC), seen_by=("x", "y")
        ),
        JarFilled(),
    ]
    stored = commit("jar:a", 1, *events)
    assert read_events(JARS, from_document(decode(to_document(stored).raw, CODEC))) == events


def test_the_storage_format_stays_as_it_is() -> None:
    document = decode(to_document(commit("jar:a", 7, CoinPut(put="a", coin=Coin.SILVER))).raw, CODEC)
    assert document == {
        "_id": "jar:a:0000000007",
        "stream": "jar:a",
        "number": 7,
        "first": 7,
        "events": [
            {
                "type": "jar.coin-put",
                "put": "a",
                "coin": "silver",
                "at": "2026-03-29T12:00:00.000Z",
                "seen_by": [],
            }
        ],
        "at": NOON,
        "traceparent": None,
        "shard": shard_of("jar:a"),
        "relayed": False,
    }
    assert shard_of("jar:a") == 14


@pytest.mark.parametrize(
    "event",
    [
        {"type": "jar.smashed", "secret": "canary"},
        {"put": "canary"},
        to_stored(CoinPut(put="canary")) | {"coin": "canary"},
    ],
    ids=["type", "no type", "value"],
)
def test_what_can_t_be_read_is_named_without_what_it_holds(event: dict[str, str]) -> None:
    with pytest.raises(UnknownStoredEvent, match="commit 2 of jar:a") as raised:
        read_events(JARS, Commit("jar:a", 2, 2, (event,), NOON))
    assert "canary" not in str(raised.value)
    assert raised.value.__cause__ is None
    assert raised.value.__suppress_context__


def test_a_decider_folds_what_is_read() -> None:
    decider: Decider[Jar, object, CoinPut | JarFilled] = JARS  # type: ignore[assignment]
    assert decider.fold(Jar(), read_events(decider, commit("jar:a", 1))) == Jar(puts=("p1",))
