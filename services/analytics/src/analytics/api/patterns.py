"""The route under `/v1/live-chat` that asks how an operator's ratings came about."""

import asyncio
from typing import Annotated, Any, Final

from fastapi import Query

from analytics.api.conditional import NOT_MODIFIED, Validated
from analytics.api.dependencies import Documents, MinimumN, Reader
from analytics.api.live_chat import filtered
from analytics.api.parameters import PatternParameters
from analytics.api.permissions import SupervisorClaims
from analytics.api.problems import NOT_PERMITTED
from analytics.api.schemas import PatternRow, Patterns
from analytics.domain.patterns import pattern_numbers, total, whole_numbers
from analytics.read_models.patterns import patterns_by_operator
from analytics.read_models.snapshot import in_one_snapshot
from chassis.http.routes import Router

router = Router(prefix="/v1/live-chat", tags=["live chat"], responses=NOT_PERMITTED)

AT_ONCE: Final = 20
"""Rows that are made without a pause."""


@router.get("/patterns", responses=dict(NOT_MODIFIED))
async def list_patterns(
    asked: Annotated[PatternParameters, Query()],
    claims: SupervisorClaims,
    documents: Documents,
    reader: Reader,
    minimum_n: MinimumN,
    known: Validated,
) -> Patterns:
    """Per operator: withdrawn forms, first contacts, bursts; and which are odd beside those of all operators.

    All are those under the same filters but `operator`. Needs `from` and `to`, at most 93 days.
    """
    closes = asked.close_filter(claims)
    await known.check()

    async def read(session: Any) -> Any:
        return await reader.read(session), await patterns_by_operator(documents, session, closes)

    progress, found = await in_one_snapshot(documents, read)
    whole = total(each.counts for each in found.values())
    rows: list[PatternRow] = []
    for operator in sorted(found if closes.operators is None else closes.operators & found.keys()):
        numbers = pattern_numbers(found[operator].counts, whole, minimum_n)
        rows.append(PatternRow(operator=operator, name=found[operator].name, **dict(numbers)))
        if len(rows) % AT_ONCE == 0:
            await asyncio.sleep(0)
    about = filtered(asked, closes, progress)
    return known.mark(Patterns(**about, whole=whole_numbers(whole, minimum_n), rows=rows))
