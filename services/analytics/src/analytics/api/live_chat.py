"""The routes under `/v1/live-chat`: summary, reviews, reconciliation."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import Annotated

from fastapi import Depends, Query, Request

from analytics.api.parameters import CloseParameters, ReviewParameters, SummaryParameters
from analytics.api.permissions import Supervisor
from analytics.api.problems import CATALOGUE
from analytics.api.schemas import Bucket, Reconciliation, Review, ReviewPage, Summary, sealed_texts
from analytics.domain.counting import Counts
from analytics.domain.numbers import numbers
from analytics.read_models.decryption import Decryptor
from analytics.read_models.documents import LiveChatDocuments, close_id
from analytics.read_models.reconcile import compare
from analytics.read_models.reviews import close_page
from analytics.read_models.snapshot import in_one_snapshot
from analytics.read_models.summary import summed
from chassis.audit import Audit
from chassis.clock import Clock
from chassis.http.problems import ChannelNotCovered, NoChannelCovered
from chassis.http.routes import Router

router = Router(
    prefix="/v1/live-chat",
    tags=["live chat"],
    responses=CATALOGUE.responses(ChannelNotCovered.code, NoChannelCovered.code),
)


@dataclass(frozen=True)
class LiveChatQueries:
    """What the routes need.

    `lag` returns how many events this replica has yet to receive; a number of fewer than `minimum_n` is
    marked as too few.
    """

    documents: LiveChatDocuments
    decryptor: Decryptor
    audit: Audit
    clock: Clock
    lag: Callable[[], int]
    minimum_n: int


async def queries(request: Request) -> LiveChatQueries:
    """The app's `queries`."""
    found: LiveChatQueries = request.app.state.queries
    return found


Queries = Annotated[LiveChatQueries, Depends(queries)]


@router.get("/summary", operation_id="get_summary")
async def get_summary(
    asked: Annotated[SummaryParameters, Query()], claims: Supervisor, queries: Queries
) -> Summary:
    """All numbers of the closes asked for, from one moment; with `by`, also per day or hour of `tz`."""
    closes = asked.close_filter(claims)
    whole, parts = await in_one_snapshot(
        queries.documents, lambda session: summed(queries.documents, session, closes, asked.starts)
    )
    since, until = asked.period
    return Summary(
        from_=asked.local(since),
        to=asked.local(until),
        tz=asked.tz,
        channels=None if closes.channels is None else sorted(closes.channels),
        buckets=buckets(asked, parts, queries.minimum_n) if asked.by else None,
        **dict(numbers(whole, queries.minimum_n)),
    )


@router.get("/reviews", operation_id="list_reviews")
async def list_reviews(
    asked: Annotated[ReviewParameters, Query()], claims: Supervisor, queries: Queries
) -> ReviewPage:
    """Closes one by one, the newest first, rated or not. Who read them is recorded first."""
    page = await close_page(
        queries.documents, asked.close_filter(claims), asked.state, asked.after, asked.limit
    )
    shown = [close_id(close.dialog, close.close_seq) for close in page.closes]
    await queries.audit.note(
        "reviews.read", claims, queries.clock.now(), asked=asked.for_audit(), closes=shown
    )
    opened = await queries.decryptor.open(sealed_texts(page.closes))
    return ReviewPage(
        reviews=[Review.of(close, opened) for close in page.closes],
        next_cursor=page.after and page.after.to_cursor(),
    )


@router.get("/reconcile", operation_id="reconcile")
async def reconcile(
    asked: Annotated[CloseParameters, Query()], claims: Supervisor, queries: Queries
) -> Reconciliation:
    """Recounts the closes asked for, and compares with the counters that the summary is made of."""
    closes = asked.close_filter(claims)
    comparison = await in_one_snapshot(
        queries.documents, lambda session: compare(queries.documents, session, closes)
    )
    return Reconciliation.of(comparison, queries.lag())


def buckets(asked: SummaryParameters, parts: Mapping[datetime, Counts], minimum_n: int) -> list[Bucket]:
    """The numbers of each part, with its bounds in the zone asked for."""
    bounds = pairwise([*map(asked.local, parts), asked.local(asked.period[1])])
    return [
        Bucket(from_=start, to=end, **dict(numbers(counts, minimum_n)))
        for (start, end), counts in zip(bounds, parts.values(), strict=True)
    ]
