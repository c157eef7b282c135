"""Which comments hold these words? They are opened in memory, those of the newest closes first."""

import asyncio
import unicodedata
from collections.abc import AsyncIterator, Sequence
from typing import Final

from analytics.domain.review import ReviewStatus
from analytics.read_models.close_filter import CloseFilter
from analytics.read_models.decryption import Decryptor, SealedText
from analytics.read_models.documents import LONGEST_READ_MS, Document, LiveChatDocuments
from analytics.read_models.reviewed import reviewed_so
from analytics.read_models.reviews import ClosePage, ReviewPosition, close_page, closes_with, follows
from contracts.keys import Purpose

MOST_SEARCHED: Final = 20_000
"""Comments that are opened for one page; the next page goes on behind them."""

AT_ONCE: Final = 200
"""Comments that are opened at once."""

LONGEST_SECONDS: Final = 0.01
"""How long comments are compared without a pause: one of rare letters may take some milliseconds."""


async def list_page(
    documents: LiveChatDocuments,
    texts: Decryptor,
    closes: CloseFilter,
    words: str | None,
    after: ReviewPosition | None,
    limit: int,
    statuses: frozenset[ReviewStatus] | None = None,
) -> ClosePage:
    """At most `limit` closes that follow `after`; with `words` only those whose comment holds them."""
    if words:
        return await search_page(documents, texts, closes, words, after, limit, statuses)
    return await close_page(documents, closes, after, limit, statuses)


async def search_page(
    documents: LiveChatDocuments,
    texts: Decryptor,
    closes: CloseFilter,
    words: str,
    after: ReviewPosition | None,
    limit: int,
    statuses: frozenset[ReviewStatus] | None = None,
) -> ClosePage:
    """At most `limit` closes that follow `after`, whose comment holds every one of the `words`."""
    matching: list[str] = []
    before: Document = {}
    searched, wanted = 0, folded(words).split()
    since = (now := asyncio.get_running_loop().time)()
    async for some in candidates(documents, closes, after, statuses):
        opened = await texts.readable([sealed_comment(each) for each in some])
        for document, text in zip(some, opened, strict=True):
            if now() - since > LONGEST_SECONDS:
                await asyncio.sleep(0)
                since = now()
            if len(matching) == limit or searched == MOST_SEARCHED:
                end = ReviewPosition(before[closes.axis.value], before["_id"])
                return ClosePage(await closes_with(documents, matching), end, searched)
            searched, before = searched + 1, document
            if text is not None and holds(folded(text), wanted):
                matching.append(document["_id"])
    return ClosePage(await closes_with(documents, matching), None, searched)


async def candidates(
    documents: LiveChatDocuments,
    closes: CloseFilter,
    after: ReviewPosition | None,
    statuses: frozenset[ReviewStatus] | None,
) -> AsyncIterator[Sequence[Document]]:
    """The closes with a comment that follow `after`, some at a time; one more than are searched."""
    wanted = [closes.of_closes(), {"commented": True}, *follows(closes.axis, after)]
    fields = ["comment", "client", "dialog", closes.axis.value]
    stages: list[Document] = [
        {"$match": {"$and": wanted}}, {"$sort": dict(closes.axis.newest_first)},
        *(reviewed_so(statuses) if statuses else ()),
        {"$limit": MOST_SEARCHED + 1}, {"$project": dict.fromkeys(fields, 1)},
    ]  # fmt: skip
    found = documents.closes.aggregate(stages, maxTimeMS=LONGEST_READ_MS, batchSize=AT_ONCE)
    while some := await found.to_list(AT_ONCE):
        yield some


def sealed_comment(document: Document) -> SealedText:
    """The comment of a stored close that has one."""
    return SealedText(document["comment"], document["client"], document["dialog"], Purpose.COMMENT)


def folded(text: str) -> str:
    """A text as it is compared: in one form and without case (Unicode 3.13, compatibility caseless match)."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())


def holds(text: str, words: Sequence[str]) -> bool:
    """Whether every word stands in the text, also inside of another."""
    return all(word in text for word in words)
