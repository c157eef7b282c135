"""The Live Chat questions. Supervisors ask them about their channels; an operator never does."""

from collections.abc import Callable
from itertools import pairwise
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Query
from motor.motor_asyncio import AsyncIOMotorClient

from analytics.api.asked import Asked, AskedReviews, AskedSummary
from analytics.api.models import (
    Bucket,
    Disagreement,
    Reconciliation,
    Review,
    ReviewPage,
    Summary,
    sealed_words,
)
from analytics.domain.numbers import numbers
from analytics.read_models.audit import Audit
from analytics.read_models.documents import LiveChatDocuments, close_id
from analytics.read_models.reconcile import differences
from analytics.read_models.reviews import page
from analytics.read_models.snapshot import in_one_snapshot
from analytics.read_models.summary import summed
from analytics.read_models.words import Opener
from chassis.clock import Clock
from chassis.web.auth import Verifier, allow
from chassis.web.errors import errors
from contracts.access import Claims, Role

SHOWN: Final = 100


def routes(
    *,
    client: AsyncIOMotorClient[dict[str, Any]],
    documents: LiveChatDocuments,
    audit: Audit,
    opener: Opener,
    verifier: Verifier,
    clock: Clock,
    lag: Callable[[], int],
    minimum: int,
) -> APIRouter:
    """The routes under ``/v1/live-chat``; 401 without a token, 403 for anybody but a supervisor."""
    router = APIRouter(prefix="/v1/live-chat", tags=["live chat"], responses=errors(401, 403))
    supervisor = allow(verifier, Role.SUPERVISOR, never=frozenset({Role.OPERATOR, Role.VISITOR}))
    Supervisor = Annotated[Claims, Depends(supervisor)]  # noqa: N806 - a type

    @router.get("/summary")
    async def summary(asked: Annotated[AskedSummary, Query()], claims: Supervisor) -> Summary:
        """All numbers of the closes asked for, from one moment; with `by`, also per day or hour of `tz`."""
        scope, starts = asked.scope(claims), asked.starts
        whole, parts = await in_one_snapshot(
            client, lambda session: summed(documents, session, scope, starts)
        )
        bounds = pairwise([*map(asked.local, starts), asked.local(asked.until)])
        buckets = [
            Bucket(from_=start, to=end, **dict(numbers(counts, minimum)))
            for (start, end), counts in zip(bounds, parts.values(), strict=True)
        ]
        return Summary(
            from_=asked.local(asked.since),
            to=asked.local(asked.until),
            tz=asked.tz,
            buckets=buckets if asked.by else None,
            **dict(numbers(whole, minimum)),
        )

    @router.get("/reviews")
    async def reviews(asked: Annotated[AskedReviews, Query()], claims: Supervisor) -> ReviewPage:
        """Closes one by one, the newest first, rated or not. Who read them is recorded first."""
        found = await page(documents, asked.scope(claims), asked.state, asked.after, asked.limit)
        shown = [close_id(close.dialog, close.close_seq) for close in found.closes]
        await audit.reviews_read(at=clock.now(), who=claims.sub, asked=asked.written(), closes=shown)
        opened = await opener.open(sealed_words(found.closes))
        return ReviewPage(
            reviews=[Review.of(close, opened) for close in found.closes],
            next_cursor=found.after and found.after.to_cursor(),
        )

    @router.get("/reconcile")
    async def reconcile(asked: Annotated[Asked, Query()], claims: Supervisor) -> Reconciliation:
        """Recounts the closes asked for, and compares with the counters that the summary is made of."""
        scope = asked.scope(claims)
        closes, found = await in_one_snapshot(client, lambda session: differences(documents, session, scope))
        return Reconciliation(
            equal=not found,
            closes=closes,
            disagreements=len(found),
            first=[Disagreement.of(each) for each in found[:SHOWN]],
            lag=lag(),
        )

    return router
