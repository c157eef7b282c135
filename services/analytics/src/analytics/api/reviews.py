"""The routes under `/v1/live-chat` that show closes one by one; who read them is recorded first."""

from typing import Annotated

from fastapi import Path, Query

from analytics.api.dependencies import Audit, Clock, Documents, Reader, Texts
from analytics.api.parameters import ReviewParameters
from analytics.api.permissions import SupervisorClaims, may_see
from analytics.api.problems import NOT_PERMITTED, problems
from analytics.api.review_schemas import CloseDetails, Review, ReviewCounts, ReviewPage, sealed_texts
from analytics.api.schemas import Freshness
from analytics.read_models.documents import close_id
from analytics.read_models.reviews import close_page, one_close
from analytics.read_models.search import search_page
from analytics.read_models.summary import review_counts
from chassis.http.problems import NotFound
from chassis.http.routes import Router
from contracts.envelope import HIGHEST, Id

router = Router(prefix="/v1/live-chat", tags=["live chat"])


@router.get("/reviews", responses=NOT_PERMITTED)
async def list_reviews(
    asked: Annotated[ReviewParameters, Query()],
    claims: SupervisorClaims,
    documents: Documents,
    texts: Texts,
    audit: Audit,
    clock: Clock,
    reader: Reader,
) -> ReviewPage:
    """Closes one by one, the newest first, rated or not. Who read them is recorded first.

    With `text` those whose comment holds these words: a page of fewer than `limit` may then have another
    behind it.
    """
    closes, progress = asked.close_filter(claims), await reader.read()
    wanted = asked.counts and asked.after is None
    counts = await review_counts(documents, closes) if wanted else None
    if asked.text:
        page = await search_page(documents, texts, closes, asked.text, asked.after, asked.limit)
    else:
        page = await close_page(documents, closes, asked.after, asked.limit)
    shown = [close_id(close.dialog, close.close_seq) for close in page.closes]
    await audit.note("reviews.read", claims, clock.now(), asked=asked.for_audit(), closes=shown)
    opened = await texts.open(sealed_texts(page.closes))
    return ReviewPage(
        **Freshness.fields(progress),
        reviews=[Review.of(close, opened) for close in page.closes],
        counts=None if counts is None else ReviewCounts.of(counts),
        next_cursor=page.after and page.after.to_cursor(),
        searched=page.searched,
        complete=page.after is None if asked.text else None,
    )


@router.get("/closes/{dialog}/{close_seq}", responses=problems(NotFound.code))
async def get_close(
    dialog: Annotated[Id, Path(description="The dialog's id.")],
    close_seq: Annotated[int, Path(ge=1, le=HIGHEST, description="1 for the dialog's first close.")],
    claims: SupervisorClaims,
    documents: Documents,
    texts: Texts,
    audit: Audit,
    clock: Clock,
) -> CloseDetails:
    """One close with its timeline. Who read it is recorded first.

    One of a channel or a team that the token doesn't cover isn't there, as one that never was.
    """
    close = await one_close(documents, name := close_id(dialog, close_seq))
    if close is None or close.closed is None or not may_see(claims, close.closed):
        raise NotFound
    await audit.note("close.read", claims, clock.now(), closes=[name])
    return CloseDetails.of(close, await texts.open(sealed_texts([close])))
