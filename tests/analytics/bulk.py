"""Very many closes, with their counters, written to the collections without Kafka."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from random import Random
from zoneinfo import ZoneInfo

from analytics.domain.periods import day_of
from analytics.read_models.counters import CounterMoves
from analytics.read_models.documents import Document, LiveChatDocuments
from analytics.read_models.projection import updated
from tests.analytics.builders import NOON, SEALED, many, received

PARTITIONS, TEMPLATES, AT_ONCE = 12, 500, 5_000
OPERATORS = [f"operator-{number}" for number in range(40)]
UTC = ZoneInfo("UTC")


async def insert_closes(documents: LiveChatDocuments, number: int, days: int) -> None:
    """Closes of two channels and forty operators, evenly over the days; and counters that agree with them.

    They are copies of some hundred closes: only id, time, operator and partition differ, not the events.
    """
    moves = CounterMoves()
    batch: list[Document] = []
    for document in copies(number, days):
        batch.append(document)
        moves.count(document, +1)
        if len(batch) == AT_ONCE:
            await documents.closes.insert_many(batch, ordered=False)
            batch = []
    if batch:
        await documents.closes.insert_many(batch, ordered=False)
    await documents.counters.bulk_write(moves.updates(), ordered=False)


def copies(number: int, days: int) -> Iterator[Document]:
    """The documents."""
    random = Random(number)
    templates = [
        updated(None, [received(event) for event in replace(each, contact=SEALED).events()], lambda _: UTC)
        for each in many(random, TEMPLATES)
    ]
    for index in range(number):
        closed_at = NOON + timedelta(days=days * index / number)
        template = random.choice(templates)
        assert template
        yield {
            **template,
            "_id": f"d{index}.1",
            "dialog": f"d{index}",
            "close_seq": 1,
            "partition": index % PARTITIONS,
            "operator": random.choice(OPERATORS),
            "closed_at": closed_at,
            "closed_day": day_of(closed_at, UTC).start,
        }
