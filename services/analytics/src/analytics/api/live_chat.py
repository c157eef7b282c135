"""The routes under `/v1/live-chat` that count: summary, operators, channels, hours; and what watches them."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime
from itertools import pairwise
from typing import Annotated, Any, Final

from fastapi import Query, Request, Response
from fastapi.responses import StreamingResponse

from analytics.api.conditional import NOT_MODIFIED, Validated
from analytics.api.dependencies import ChannelNames, Clock, Documents, Lag, Live, MinimumN, Reader, Serving
from analytics.api.parameters import (
    CloseParameters,
    CountParameters,
    HourParameters,
    OperatorParameters,
    OperatorView,
    SummaryParameters,
)
from analytics.api.permissions import SupervisorClaims, permitted_channels, permitted_teams
from analytics.api.problems import NOT_PERMITTED, problems
from analytics.api.schemas import (
    Bucket,
    Changed,
    ChannelRow,
    Channels,
    ComparedPeriod,
    Freshness,
    HourCounts,
    Hours,
    OperatorRow,
    Operators,
    Reconciliation,
    ReconciliationProgress,
    Summary,
)
from analytics.api.summary_json import json_of
from analytics.domain.changes import changes
from analytics.domain.counting import Counts
from analytics.domain.numbers import numbers
from analytics.domain.rows import funnel_of, row_numbers
from analytics.read_models.close_filter import CloseFilter
from analytics.read_models.documents import NAME
from analytics.read_models.progress import Progress
from analytics.read_models.reconcile import compare, comparing
from analytics.read_models.snapshot import in_one_snapshot
from analytics.read_models.summary import HOURS_OF_DAY, summed, summed_by, summed_by_hour
from chassis.http.live import EventStream
from chassis.http.problems import Unavailable
from chassis.http.routes import Router

router = Router(prefix="/v1/live-chat", tags=["live chat"], responses=NOT_PERMITTED)


AT_ONCE: Final = 20
"""Buckets that are made without a pause."""


class JsonLines(StreamingResponse):
    """A line of JSON after another, sent as they are made (https://jsonlines.org)."""

    media_type = "application/jsonl"

    def __init__(self, lines: AsyncIterator[str], status_code: int = 200) -> None:
        # The ingress passes on at once what says so; it keeps other responses until they are whole.
        super().__init__(lines, status_code, {"X-Accel-Buffering": "no"})


CHANGED: Final = "Server-sent events; this is the data of each."


@router.get("/summary", response_model=Summary, responses=dict(NOT_MODIFIED))
async def get_summary(
    asked: Annotated[SummaryParameters, Query()],
    claims: SupervisorClaims,
    documents: Documents,
    reader: Reader,
    clock: Clock,
    minimum_n: MinimumN,
    known: Validated,
) -> Response:
    """All numbers of the closes asked for, from one moment; with `by`, also per hour, day, week or month.

    With `vs`, or with `vs_from` and `vs_to`, beside those of another period.
    """
    closes, now = asked.close_filter(claims), clock.now()
    other = asked.compared(now)
    by_the_clock = asked.is_running(now), other
    await known.check(*by_the_clock)

    async def read(session: Any) -> tuple[Progress, Parts, Parts | None]:
        whole = await summed(documents, session, closes, asked.starts(asked.period))
        before = other and await summed(documents, session, closes.within(*other), asked.starts(other))
        return await reader.read(session), whole, before

    progress, (whole, parts), before = await in_one_snapshot(documents, read)
    found = Summary(
        **filtered(asked, closes, progress),
        **dict(numbers(whole, minimum_n)),
        running=asked.is_running(now),
        buckets=await buckets(asked, (whole, parts), asked.period[1], minimum_n),
        compared=await compared(asked, before, other, minimum_n) if before and other else None,
        changes=changes(whole, before[0], running=asked.is_running(now), minimum=minimum_n)
        if before
        else None,
    )
    known.mark(found, *by_the_clock)
    return Response(await json_of(found), headers=known.response.headers, media_type="application/json")


@router.get("/operators", responses=dict(NOT_MODIFIED))
async def list_operators(
    asked: Annotated[OperatorParameters, Query()],
    claims: SupervisorClaims,
    documents: Documents,
    reader: Reader,
    minimum_n: MinimumN,
    known: Validated,
) -> Operators:
    """The numbers of each operator whom closes count for, and of nobody, in the order of their estimates.

    With `view=took_part` of each person who took part, beside the same whole.
    """
    closes, took_part = asked.close_filter(claims), asked.view is OperatorView.TOOK_PART
    await known.check()

    async def read(session: Any) -> Any:
        found = await summed_by(documents, session, closes, "person" if took_part else "operator")
        whole, _ = await summed(documents, session, closes) if took_part else (None, None)
        return await reader.read(session), found, whole

    progress, found, whole = await in_one_snapshot(documents, read)
    parts = {operator: each.counts for operator, each in found.items() if each.counts["closed"]}
    rows = row_numbers(parts, whole or total(parts.values()), minimum_n, frozenset({None}))
    shown = [
        OperatorRow(operator=operator, name=found[operator].name, **dict(row))
        for operator, row in rows.items()
    ]
    return known.mark(Operators(**filtered(asked, closes, progress), rows=shown))


@router.get("/channels", responses=dict(NOT_MODIFIED))
async def list_channels(
    asked: Annotated[CountParameters, Query()],
    claims: SupervisorClaims,
    documents: Documents,
    names: ChannelNames,
    reader: Reader,
    minimum_n: MinimumN,
    known: Validated,
) -> Channels:
    """The numbers of each channel of the token, also without closes; with its name and its time zone."""
    closes = asked.close_filter(claims)
    named = await names.among(closes.channels)
    await known.check(named)

    async def read(session: Any) -> Any:
        return await reader.read(session), await summed_by(documents, session, closes, "channel")

    progress, found = await in_one_snapshot(documents, read)
    counted = {channel: each.counts for channel, each in found.items() if each.counts["closed"]}
    parts = {**{channel: Counter() for channel in named}, **counted}
    rows = row_numbers(parts, total(parts.values()), minimum_n)
    shown = [ChannelRow.of(channel, named.get(channel), row) for channel, row in rows.items()]
    return known.mark(Channels(**filtered(asked, closes, progress), rows=shown), named)


@router.get("/hours", responses=dict(NOT_MODIFIED))
async def get_hours(
    asked: Annotated[HourParameters, Query()],
    claims: SupervisorClaims,
    documents: Documents,
    reader: Reader,
    known: Validated,
) -> Hours:
    """The closes by weekday and hour of `tz`; needs `from` and `to`, at most 1100 days."""
    closes = asked.close_filter(claims)
    await known.check()

    async def read(session: Any) -> Any:
        return await reader.read(session), await summed_by_hour(documents, session, closes, asked.offsets)

    progress, found = await in_one_snapshot(documents, read)
    counts = [found.get(hour, Counter()) for hour in range(7 * HOURS_OF_DAY)]
    hours = [
        HourCounts(
            weekday=number // HOURS_OF_DAY + 1, hour=number % HOURS_OF_DAY, closed=each["closed"],
            given=each["given"],
        )
        for number, each in enumerate(counts)
    ]  # fmt: skip
    return known.mark(Hours(**filtered(asked, closes, progress), hours=hours))


@router.get(
    "/changes",
    response_class=EventStream,
    response_model=None,
    responses={200: {"model": Changed, "description": CHANGED}, **problems(Unavailable.code)},
)
async def watch_changes(
    request: Request, claims: SupervisorClaims, live: Live, reader: Reader
) -> EventStream:
    """A stream of server-sent events, each a `Changed`: now, and whenever more was counted.

    At most four a second. It ends after ten minutes, or with the token: then connect again.
    """
    permitted_channels(claims, ())
    permitted_teams(claims, ())

    async def look() -> Mapping[str, Any]:
        return Changed(**Freshness.fields(await reader.look())).model_dump(mode="json")

    return live.stream(request, look, [NAME])


@router.get("/reconcile")
async def reconcile(
    asked: Annotated[CloseParameters, Query()], claims: SupervisorClaims, serving: Serving, lag: Lag
) -> Reconciliation:
    """Recounts the closes asked for, and compares with the counters that the summary is made of."""
    return Reconciliation.of(await compare(lambda: serving.now, asked.close_filter(claims)), lag())


@router.get(
    "/reconcile/progress",
    response_class=JsonLines,
    response_model=None,
    responses={200: {"model": ReconciliationProgress, "description": "A line of JSON per ten days."}},
)
async def reconcile_with_progress(
    asked: Annotated[CloseParameters, Query()], claims: SupervisorClaims, serving: Serving, lag: Lag
) -> JsonLines:
    """As `reconcile`, for years of closes: a line of JSON whenever ten days more were compared.

    The last line has the `result`; without one, it was not finished: ask again.
    """
    closes = asked.close_filter(claims)

    async def lines() -> AsyncIterator[str]:
        async for found in comparing(lambda: serving.now, closes):
            yield ReconciliationProgress.of(found, lag()).model_dump_json() + "\n"

    return JsonLines(lines())


Parts = tuple[Counts, Mapping[datetime, Counts]]
"""The counts of a whole, and of each of its parts by its beginning."""


def filtered(asked: CloseParameters, closes: CloseFilter, progress: Progress) -> dict[str, Any]:
    """What a response says of its filter and of how new it is."""
    since, until = asked.period
    return {
        "from_": asked.local(since), "to": asked.local(until), "tz": asked.tz,
        "channels": None if closes.channels is None else sorted(closes.channels),
        **Freshness.fields(progress),
    }  # fmt: skip


def total(parts: Any) -> Counts:
    """The sum of all parts."""
    whole: Counts = Counter()
    for counts in parts:
        whole.update(counts)
    return whole


async def compared(
    asked: SummaryParameters, before: Parts, other: Sequence[datetime], minimum_n: int
) -> ComparedPeriod:
    """The numbers of the other period."""
    since, until = other
    return ComparedPeriod(
        from_=since.astimezone(asked.zone),
        to=until.astimezone(asked.zone),
        buckets=await buckets(asked, before, until, minimum_n),
        **dict(numbers(before[0], minimum_n)),
    )


async def buckets(
    asked: SummaryParameters, parts: Parts, until: datetime | None, minimum_n: int
) -> list[Bucket] | None:
    """The numbers of each part, with its bounds in the zone asked for; None unless it was asked for."""
    if asked.by is None:
        return None
    whole, counted = parts
    bounds = pairwise([*map(asked.local, counted), asked.local(until)])
    made: list[Bucket] = []
    for (start, end), counts in zip(bounds, counted.values(), strict=True):
        funnel = funnel_of(counts, whole, minimum_n)
        made.append(Bucket(from_=start, to=end, funnel=funnel, **dict(numbers(counts, minimum_n))))
        if len(made) % AT_ONCE == 0:
            await asyncio.sleep(0)  # a quarter of hours takes half a second
    return made
