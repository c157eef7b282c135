"""Very many closes, with their counters, written to the collections without Kafka."""

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from random import Random
from typing import Any

from analytics.domain.close import Close, fold_all
from analytics.domain.counting import CounterKey, count, quarter_of
from analytics.read_models.documents import Document, LiveChatDocuments, counter_id, to_document
from tests.analytics.builders import NOON, SEALED, many

PARTITIONS, TEMPLATES, AT_ONCE = 12, 500, 5_000
OPERATORS = [f"operator-{number}" for number in range(40)]


async def insert_closes(documents: LiveChatDocuments, number: int, days: int) -> None:
    """Closes of two channels and forty operators, evenly over the days; and counters that agree with them.

    They are copies of some hundred closes: only id, time, operator and partition differ, not the events.
    """
    counters: defaultdict[tuple[int, CounterKey], Counter[str]] = defaultdict(Counter)
    batch: list[Document] = []
    for document, names in copies(number, days):
        batch.append(document)
        cell = CounterKey(
            document["channel"], document["operator"], document["team"], quarter_of(document["closed_at"])
        )
        counters[document["partition"], cell].update(names)
        if len(batch) == AT_ONCE:
            await documents.closes.insert_many(batch, ordered=False)
            batch = []
    if batch:
        await documents.closes.insert_many(batch, ordered=False)
    rows: list[Document] = [
        {"_id": counter_id(partition, cell), "n": dict(names)}
        for (partition, cell), names in counters.items()
    ]
    for start in range(0, len(rows), AT_ONCE):
        await documents.counters.insert_many(rows[start : start + AT_ONCE], ordered=False)


def copies(number: int, days: int) -> Iterator[tuple[Document, dict[str, int]]]:
    """The documents, each with what it counts."""
    random = Random(number)
    templates = [
        (to_document(close, 0), {name: n for (_, name), n in count(close).items()})
        for each in many(random, TEMPLATES)
        for close in [fold_all(Close(each.dialog, each.close_seq), replace(each, contact=SEALED).events())]
    ]
    for index in range(number):
        document, names = random.choice(templates)
        made: dict[str, Any] = {
            "_id": f"d{index}.1",
            "dialog": f"d{index}",
            "close_seq": 1,
            "partition": index % PARTITIONS,
            "operator": random.choice(OPERATORS),
            "closed_at": NOON + timedelta(days=days * index / number),
        }
        yield {**document, **made}, names
