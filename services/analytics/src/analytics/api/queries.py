"""Answers the Live Chat questions of people whose token is valid; what they may see is decided here."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import Any, Final

from motor.motor_asyncio import AsyncIOMotorClient

from analytics.api.parameters import CloseParameters, ReviewParameters, SummaryParameters
from analytics.api.schemas import (
    Bucket,
    Disagreement,
    Reconciliation,
    Review,
    ReviewPage,
    Summary,
    sealed_words,
)
from analytics.domain.counting import Counts
from analytics.domain.numbers import numbers
from analytics.read_models.decryption import Decryptor
from analytics.read_models.documents import LiveChatDocuments, close_id
from analytics.read_models.reconcile import differences
from analytics.read_models.reviews import page
from analytics.read_models.snapshot import in_one_snapshot
from analytics.read_models.summary import summed
from chassis.audit import Audit
from chassis.clock import Clock
from contracts.access import Claims

SHOWN: Final = 100


@dataclass(frozen=True)
class LiveChatQueries:
    """One method per question. Each raises `Forbidden` for channels that are not the caller's.

    `lag` tells how many events this replica has yet to hear, `minimum` under how many a number says little.
    """

    client: AsyncIOMotorClient[dict[str, Any]]
    documents: LiveChatDocuments
    audit: Audit
    opener: Decryptor
    clock: Clock
    lag: Callable[[], int]
    minimum: int

    async def summary(self, asked: SummaryParameters, claims: Claims) -> Summary:
        """The numbers, and their buckets if they were asked for."""
        scope, starts = asked.scope(claims), asked.starts
        whole, parts = await in_one_snapshot(
            self.client, lambda session: summed(self.documents, session, scope, starts)
        )
        return Summary(
            from_=asked.local(asked.since),
            to=asked.local(asked.until),
            tz=asked.tz,
            channels=None if scope.channels is None else sorted(scope.channels),
            buckets=self._buckets(asked, parts) if asked.by else None,
            **dict(numbers(whole, self.minimum)),
        )

    def _buckets(self, asked: SummaryParameters, parts: Mapping[datetime, Counts]) -> list[Bucket]:
        bounds = pairwise([*map(asked.local, parts), asked.local(asked.until)])
        return [
            Bucket(from_=start, to=end, **dict(numbers(counts, self.minimum)))
            for (start, end), counts in zip(bounds, parts.values(), strict=True)
        ]

    async def reviews(self, asked: ReviewParameters, claims: Claims) -> ReviewPage:
        """A page of closes; on record before anybody sees it."""
        found = await page(self.documents, asked.scope(claims), asked.state, asked.after, asked.limit)
        shown = [close_id(close.dialog, close.close_seq) for close in found.closes]
        await self.audit.note("reviews.read", claims, self.clock.now(), asked=asked.written(), closes=shown)
        opened = await self.opener.open(sealed_words(found.closes))
        return ReviewPage(
            reviews=[Review.of(close, opened) for close in found.closes],
            next_cursor=found.after and found.after.to_cursor(),
        )

    async def reconcile(self, asked: CloseParameters, claims: Claims) -> Reconciliation:
        """A recount, and the first of what differs."""
        scope = asked.scope(claims)
        closes, found = await in_one_snapshot(
            self.client, lambda session: differences(self.documents, session, scope)
        )
        return Reconciliation(
            equal=not found,
            closes=closes,
            disagreements=len(found),
            first=[Disagreement.of(each) for each in found[:SHOWN]],
            lag=self.lag(),
        )
