"""The route under `/v1/live-chat` that gives closes as rows, in which nobody's words are."""

from typing import Annotated
from urllib.parse import unquote

from fastapi import Query
from pydantic import BaseModel, Field

from analytics.api.conditional import NOT_MODIFIED, Validated
from analytics.api.dependencies import Audit, Clock, Documents, Reader, Reviewed
from analytics.api.parameters import PageParameters
from analytics.api.permissions import SupervisorClaims
from analytics.api.problems import NOT_PERMITTED
from analytics.api.schemas import Freshness
from analytics.domain.review import ExclusionReason
from analytics.read_models.documents import Document
from analytics.read_models.reviewed import UNREVIEWED, Standing
from analytics.read_models.reviews import row_page
from chassis.http.routes import Router
from contracts.envelope import Instant
from contracts.ratings import CancelledReason, CloseState, NotOfferedReason

router = Router(prefix="/v1/live-chat", tags=["live chat"])


class CloseRow(BaseModel):
    """One close, and what became of its rating; attribution is as it was when the dialog closed."""

    dialog: str = Field(description="The dialog's id.", examples=["d-7f3a"])
    close_seq: int = Field(description="1 for the dialog's first close, 2 for the next.", examples=[2])
    channel: str = Field(description="Where the dialog took place.", examples=["course-a"])
    operator: str | None = Field(description="Whom it counts for; null if nobody.", examples=["ann"])
    operator_name: str | None = Field(description="The operator's name then.", examples=["Ann Lee"])
    team: str | None = Field(description="The operator's team then.", examples=["first-line"])
    locale: str | None = Field(description="The client's language, a BCP 47 tag.", examples=["fr-CA"])
    closed_at: Instant = Field(description="When it was closed.")
    rated_at: Instant | None = Field(description="The first answer.")
    state: CloseState = Field(description="Where its rating stands.")
    reason: NotOfferedReason | CancelledReason | None = Field(
        description="Why there is no form, or why it was withdrawn; of not_offered and cancelled only."
    )
    scale: str | None = Field(
        description="Name, lowest and highest score, as `scale` asks for it.", examples=["stars:1:5"]
    )
    score: int | None = Field(description="The last answer, on the scale.", examples=[5])
    satisfied: bool | None = Field(description="Whether the score is at or above the threshold of its form.")
    commented: bool | None = Field(description="Whether the answer has a comment.")
    tags: list[str] | None = Field(description="The tags that the client chose.")
    form_version: int | None = Field(description="Of the form that was made for it.", examples=[4])
    excluded: ExclusionReason | None = Field(description="Why supervisors left it out of the numbers.")

    @classmethod
    def of(cls, row: Document, standing: Standing) -> "CloseRow":
        """A stored close, and how far supervisors are with it."""
        scale = row["scale"] and unquote(row["scale"].removeprefix("scale:"))
        return cls(**{**row, "scale": scale}, excluded=standing.excluded)


class ClosePage(Freshness):
    """Closes, the newest first."""

    closes: list[CloseRow] = Field(description="At most `limit` of them.")
    next_cursor: str | None = Field(description="Where the next page begins; null at the end.")


@router.get("/closes", responses={**NOT_PERMITTED, **NOT_MODIFIED})
async def list_closes(
    asked: Annotated[PageParameters, Query()],
    claims: SupervisorClaims,
    documents: Documents,
    reviewed: Reviewed,
    reader: Reader,
    audit: Audit,
    clock: Clock,
    known: Validated,
) -> ClosePage:
    """Closes one by one, the newest first, for whoever counts them elsewhere: without anybody's words.

    Who listed them is recorded first. They are as many as the summary has `closed` and `excluded` under the
    same filters.
    """
    closes = asked.close_filter(claims)
    await known.check()
    progress = await reader.read()
    await audit.note("closes.list", claims, clock.now(), asked=asked.for_audit())
    rows, after = await row_page(documents, closes, asked.after, asked.limit)
    standings = await reviewed.standings([row["_id"] for row in rows])
    shown = [CloseRow.of(row, standings.get(row["_id"], UNREVIEWED)) for row in rows]
    page = ClosePage(**Freshness.fields(progress), closes=shown, next_cursor=after and after.to_cursor())
    return known.mark(page)
