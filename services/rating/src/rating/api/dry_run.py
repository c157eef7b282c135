"""What settings would have made of the channel's last closes, before anybody saves them."""

import asyncio

from chassis.http.routes import Router
from contracts.ratings import NotOfferedReason
from rating.api.dependencies import Channels, Forms, Versions
from rating.api.permissions import ChannelId, ChannelSupervisor
from rating.api.problems import problems
from rating.api.quality_control import settings_of
from rating.api.quality_control_schemas import DryRunBody, DryRunClose, DryRunView
from rating.domain.dry_run import dry_run
from rating.domain.quality_control.decider import check
from rating.domain.rejections import Rejection

router = Router(prefix="/v1/quality-control", tags=["quality control"])


@router.post(
    "/{channel}/dry-run",
    responses=problems(
        Rejection.THRESHOLD_NOT_ON_SCALE,
        Rejection.ALERT_ON_SATISFIED,
        Rejection.WAY_TOO_LATE,
        Rejection.REMINDER_OUT_OF_TIME,
        Rejection.WEBHOOK_URL_MISSING,
    ),
)
async def try_quality_control(
    channel: ChannelId,
    claims: ChannelSupervisor,
    body: DryRunBody,
    forms: Forms,
    versions: Versions,
    channels: Channels,
) -> DryRunView:
    """Which of the channel's last closes would have got a form under these settings. Changes nothing.

    A close that would have got one and didn't counts as one whose client does nothing about it. Of the closes
    only those of the token's teams are told, and counted.
    """
    settings = settings_of(body.settings)
    check(settings)
    saved, locale = await versions.current(channel), await channels.default_locale(channel)
    last = await forms.last_closes(channel, body.closes)
    history = await forms.earlier_closes(channel, last)
    rules = [each.form_version(saved.version, locale) for each in (settings, saved.settings)]
    now, before = [await asyncio.to_thread(dry_run, [*history, *last], each) for each in rules]
    told = [close for close in last if claims.covers_team(close.snapshot.team)]
    not_asked = [
        DryRunClose(
            dialog=close.snapshot.dialog,
            close_seq=close.snapshot.close_seq,
            closed_at=close.snapshot.closed_at,
            reason=NotOfferedReason(reason),
        )
        for close in told
        if (reason := now[close.key])
    ]
    return DryRunView(
        closes=len(told),
        asked=len(told) - len(not_asked),
        asked_as_saved=sum(before[close.key] is None for close in told),
        not_asked=not_asked,
    )
