"""The routes under `/v1/live-chat` that show closes one by one; who read them is recorded first."""

from typing import Annotated

from fastapi import Query

from analytics.api.client_texts import sealed_answers, sealed_texts
from analytics.api.close_reviews import current, shown
from analytics.api.covered_close import ACoveredClose
from analytics.api.dependencies import (
    Audit,
    Clock,
    Documents,
    Keys,
    Reader,
    Repository,
    Reviewed,
    Texts,
)
from analytics.api.parameters import ReviewParameters
from analytics.api.permissions import SupervisorClaims
from analytics.api.problems import NOT_PERMITTED
from analytics.api.review_schemas import CloseDetails, Review, ReviewCounts, ReviewPage
from analytics.api.schemas import Freshness
from analytics.read_models.documents import close_id
from analytics.read_models.reviewed import UNREVIEWED
from analytics.read_models.search import list_page
from analytics.read_models.summary import review_counts
from chassis.http.routes import Router

router = Router(prefix="/v1/live-chat", tags=["live chat"])


@router.get("/reviews", responses=NOT_PERMITTED)
async def list_reviews(
    asked: Annotated[ReviewParameters, Query()],
    claims: SupervisorClaims,
    documents: Documents,
    texts: Texts,
    reviewed: Reviewed,
    audit: Audit,
    clock: Clock,
    reader: Reader,
) -> ReviewPage:
    """Closes one by one, the newest first, rated or not. Who read them is recorded first.

    With `text` those whose comment holds these words. Comments are opened for that, 20,000 at most for a
    page (see `searched` and `complete`): one of fewer than `limit` may then have another behind it.
    """
    closes, progress = asked.close_filter(claims), await reader.read()
    wanted = asked.counts and asked.after is None
    counts = await review_counts(documents, closes) if wanted else None
    page = await list_page(documents, texts, closes, asked.text, asked.after, asked.limit, asked.statuses)
    names = [close_id(close.dialog, close.close_seq) for close in page.closes]
    await audit.note("reviews.read", claims, clock.now(), asked=asked.for_audit(), closes=names)
    opened, standings = await texts.open(sealed_texts(page.closes)), await reviewed.standings(names)
    return ReviewPage(
        **Freshness.fields(progress),
        reviews=[
            Review.of(close, opened, standings.get(name, UNREVIEWED))
            for close, name in zip(page.closes, names, strict=True)
        ],
        counts=None if counts is None else ReviewCounts.of(counts),
        next_cursor=page.after and page.after.to_cursor(),
        searched=page.searched,
        complete=page.after is None if asked.text else None,
    )


@router.get("/closes/{dialog}/{close_seq}")
async def get_close(
    asked: ACoveredClose,
    claims: SupervisorClaims,
    texts: Texts,
    repository: Repository,
    keys: Keys,
    audit: Audit,
    clock: Clock,
) -> CloseDetails:
    """One close with its timeline, and what supervisors wrote about it. Who read it is recorded first.

    One of a channel or a team that the token doesn't cover isn't there, as one that never was.
    """
    await audit.note("close.read", claims, clock.now(), closes=[asked.name])
    review = await shown(asked, await current(asked, repository), keys)
    sealed = sealed_texts([asked.close]) | sealed_answers(asked.close, asked.close.answers)
    return CloseDetails.told(asked.close, await texts.open(sealed), review)
