"""The route under `/v1/live-chat` that compares the versions of a form."""

from typing import Annotated, Any

from fastapi import Query

from analytics.api.conditional import NOT_MODIFIED, Validated
from analytics.api.dependencies import Clock, Documents, MinimumN, Reader
from analytics.api.live_chat import filtered, total
from analytics.api.parameters import FormVersionParameters
from analytics.api.permissions import SupervisorClaims
from analytics.api.problems import NOT_PERMITTED
from analytics.api.schemas import ComparedVersions, FormVersion, FormVersions
from analytics.domain.counting import counted
from analytics.domain.form_versions import two_of, version_changes
from analytics.domain.numbers import numbers
from analytics.domain.rows import row_numbers
from analytics.read_models.form_versions import form_versions
from analytics.read_models.snapshot import in_one_snapshot
from chassis.http.routes import Router

router = Router(prefix="/v1/live-chat", tags=["live chat"], responses=NOT_PERMITTED)


@router.get("/form-versions", responses=dict(NOT_MODIFIED))
async def list_form_versions(
    asked: Annotated[FormVersionParameters, Query()],
    claims: SupervisorClaims,
    documents: Documents,
    reader: Reader,
    clock: Clock,
    minimum_n: MinimumN,
    known: Validated,
) -> FormVersions:
    """The numbers of each version of a channel's form, and two of them compared, with intervals.

    A version belongs to the closes that were asked with it, also after the next one was saved.
    """
    closes, running = asked.close_filter(claims), asked.is_running(clock.now())
    await known.check(running)

    async def read(session: Any) -> Any:
        return await reader.read(session), await form_versions(documents, session, closes)

    progress, found = await in_one_snapshot(documents, read)
    counts = {version: counted(each.outcomes) for version, each in found.items()}
    rows = row_numbers(counts, total(counts.values()), minimum_n, unranked=frozenset(counts))
    shown = [
        FormVersion(
            version=version, first=found[version].first, last=found[version].last,
            scales=numbers(counts[version], minimum_n).scales, **dict(rows[version]),
        )
        for version in sorted(found, reverse=True)
    ]  # fmt: skip
    compared = None
    if two := two_of([*found], asked.version, asked.vs_version):
        now, before = (found[version].outcomes for version in two)
        differences, comparable = version_changes(now, before, running=running, minimum=minimum_n)
        compared = ComparedVersions(
            version=two[0], vs_version=two[1], comparable=comparable, changes=differences
        )
    about = filtered(asked, closes, progress)
    return known.mark(FormVersions(**about, versions=shown, compared=compared), running)
