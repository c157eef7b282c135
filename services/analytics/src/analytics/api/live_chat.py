"""The routes under `/v1/live-chat`: summary, reviews, reconciliation."""

from collections.abc import Mapping
from datetime import datetime
from itertools import pairwise
from typing import Annotated

from fastapi import Query

from analytics.api.dependencies import Audit, Clock, Documents, Lag, MinimumN, Texts
from analytics.api.parameters import CloseParameters, ReviewParameters, SummaryParameters
from analytics.api.permissions import SupervisorClaims
from analytics.api.problems import problems
from analytics.api.schemas import Bucket, Reconciliation, Review, ReviewPage, Summary, sealed_texts
from analytics.domain.counting import Counts
from analytics.domain.numbers import numbers
from analytics.read_models.documents import close_id
from analytics.read_models.reconcile import compare
from analytics.read_models.reviews import close_page
from analytics.read_models.snapshot import in_one_snapshot
from analytics.read_models.summary import summed
from chassis.http.problems import ChannelNotCovered, NoChannelCovered
from chassis.http.routes import Router

router = Router(
    prefix="/v1/live-chat",
    tags=["live chat"],
    responses=problems(ChannelNotCovered.code, NoChannelCovered.code),
)


@router.get("/summary")
async def get_summary(
    asked: Annotated[SummaryParameters, Query()],
    claims: SupervisorClaims,
    documents: Documents,
    minimum_n: MinimumN,
) -> Summary:
    """All numbers of the closes asked for, from one moment; with `by`, also per day or hour of `tz`."""
    closes = asked.close_filter(claims)
    whole, parts = await in_one_snapshot(
        documents, lambda session: summed(documents, session, closes, asked.starts)
    )
    since, until = asked.period
    return Summary(
        from_=asked.local(since),
        to=asked.local(until),
        tz=asked.tz,
        channels=None if closes.channels is None else sorted(closes.channels),
        buckets=buckets(asked, parts, minimum_n) if asked.by else None,
        **dict(numbers(whole, minimum_n)),
    )


@router.get("/reviews")
async def list_reviews(
    asked: Annotated[ReviewParameters, Query()],
    claims: SupervisorClaims,
    documents: Documents,
    texts: Texts,
    audit: Audit,
    clock: Clock,
) -> ReviewPage:
    """Closes one by one, the newest first, rated or not. Who read them is recorded first."""
    page = await close_page(documents, asked.close_filter(claims), asked.state, asked.after, asked.limit)
    shown = [close_id(close.dialog, close.close_seq) for close in page.closes]
    await audit.note("reviews.read", claims, clock.now(), asked=asked.for_audit(), closes=shown)
    opened = await texts.open(sealed_texts(page.closes))
    return ReviewPage(
        reviews=[Review.of(close, opened) for close in page.closes],
        next_cursor=page.after and page.after.to_cursor(),
    )


@router.get("/reconcile")
async def reconcile(
    asked: Annotated[CloseParameters, Query()], claims: SupervisorClaims, documents: Documents, lag: Lag
) -> Reconciliation:
    """Recounts the closes asked for, and compares with the counters that the summary is made of."""
    closes = asked.close_filter(claims)
    comparison = await in_one_snapshot(documents, lambda session: compare(documents, session, closes))
    return Reconciliation.of(comparison, lag())


def buckets(asked: SummaryParameters, parts: Mapping[datetime, Counts], minimum_n: int) -> list[Bucket]:
    """The numbers of each part, with its bounds in the zone asked for."""
    bounds = pairwise([*map(asked.local, parts), asked.local(asked.period[1])])
    return [
        Bucket(from_=start, to=end, **dict(numbers(counts, minimum_n)))
        for (start, end), counts in zip(bounds, parts.values(), strict=True)
    ]
