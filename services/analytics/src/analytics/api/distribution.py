"""The routes under `/v1/live-chat` that divide the closes: by score, and by why they have no rating."""

from typing import Annotated, Any

from fastapi import Query

from analytics.api.conditional import NOT_MODIFIED, Validated
from analytics.api.dependencies import Documents, MinimumN, Reader
from analytics.api.live_chat import filtered
from analytics.api.parameters import CountParameters
from analytics.api.permissions import SupervisorClaims
from analytics.api.problems import NOT_PERMITTED
from analytics.api.schemas import Distribution, UnratedCloses
from analytics.domain.counting import Counts
from analytics.domain.distribution import distribution, unrated_rows
from analytics.read_models.close_filter import CloseFilter
from analytics.read_models.documents import LiveChatDocuments
from analytics.read_models.progress import Progress, ProgressReader
from analytics.read_models.snapshot import in_one_snapshot
from analytics.read_models.summary import summed
from chassis.http.routes import Router

router = Router(prefix="/v1/live-chat", tags=["live chat"], responses=NOT_PERMITTED)


@router.get("/distribution", responses=dict(NOT_MODIFIED))
async def get_distribution(
    asked: Annotated[CountParameters, Query()],
    claims: SupervisorClaims,
    documents: Documents,
    reader: Reader,
    minimum_n: MinimumN,
    known: Validated,
) -> Distribution:
    """How often each score was given, scale by scale, each share with its interval."""
    closes = asked.close_filter(claims)
    await known.check()
    progress, counts = await counted(documents, reader, closes)
    scales = distribution(counts, minimum_n)
    return known.mark(Distribution(**filtered(asked, closes, progress), scales=scales))


@router.get("/unrated", responses=dict(NOT_MODIFIED))
async def list_unrated(
    asked: Annotated[CountParameters, Query()],
    claims: SupervisorClaims,
    documents: Documents,
    reader: Reader,
    minimum_n: MinimumN,
    known: Validated,
) -> UnratedCloses:
    """Every close without a rating, in exactly one row of state and reason; they add up to closed - given."""
    closes = asked.close_filter(claims)
    await known.check()
    progress, counts = await counted(documents, reader, closes)
    rows, about = unrated_rows(counts, minimum_n), filtered(asked, closes, progress)
    return known.mark(UnratedCloses(**about, closed=counts["closed"], given=counts["given"], rows=rows))


async def counted(
    documents: LiveChatDocuments, reader: ProgressReader, closes: CloseFilter
) -> tuple[Progress, Counts]:
    """What the closes count, and as of when."""

    async def read(session: Any) -> tuple[Progress, Counts]:
        whole, _ = await summed(documents, session, closes)
        return await reader.read(session), whole

    return await in_one_snapshot(documents, read)
