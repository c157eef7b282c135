"""Quality control: how a channel asks, who changed it when, and older versions."""

import asyncio
from dataclasses import dataclass
from datetime import timedelta
from itertools import pairwise
from typing import Annotated, Final

from fastapi import Depends, Header, Path, Query, Response

from chassis.cursors import decode, encode
from chassis.errors import CommandRejected, InvalidCursor
from chassis.eventstore.handle import handle
from chassis.http.etags import etag, version_of
from chassis.http.problems import raises
from chassis.http.routes import Router
from chassis.validation.text import LONGEST_NAME
from contracts.access import Claims, Role
from rating.api.dependencies import (
    Channels,
    Forms,
    FormWebhooks,
    MailAvailable,
    Repository,
    Switches,
    Versions,
)
from rating.api.permissions import ChannelId, ChannelSupervisor, SupervisorClaims
from rating.api.problems import problems
from rating.api.quality_control_schemas import (
    Accent,
    ChannelEntry,
    ChannelSettings,
    EligibilityChoice,
    QualityControlList,
    QualityControlView,
    RestoreBody,
    StaffView,
    VersionDetails,
    VersionEntry,
    VersionPage,
    VersionView,
    WayChoice,
)
from rating.api.schemas import FormColoursView, FormTexts, ScaleField
from rating.api.views import colours_view
from rating.domain.form_webhook import FormWebhookState
from rating.domain.quality_control.decider import QUALITY_CONTROL, SaveQualityControl
from rating.domain.quality_control.events import StaffMember
from rating.domain.quality_control.settings import (
    SCALES,
    FollowUp,
    FormWebhook,
    LowScoreAlert,
    QualityControlSettings,
    Tag,
)
from rating.domain.quality_control.state import DEFAULT_VERSION
from rating.domain.quality_control.texts import BUILT_IN, Texts
from rating.domain.rating.eligibility import Eligibility, ReopenedPolicy
from rating.domain.rating.form_version import CommentMode, CommentRule, Scale
from rating.domain.rating.ways import DeliveryWay, Way
from rating.domain.rejections import Rejection
from rating.read_models.quality_control import SettingsVersion

CURSOR: Final = "rating.quality-control.versions"
RECENT: Final = timedelta(weeks=4)
DURATIONS: Final = ("delay", "expiry", "edit_window", "offer_window", "cool_down")
SCALE_FIELDS: Final = [
    ScaleField(name=name, lowest=lowest, highest=highest) for name, (lowest, highest) in SCALES.items()
]
BUILT_IN_TEXTS: Final = {locale: FormTexts(**dict(texts)) for locale, texts in BUILT_IN.items()}

router = Router(prefix="/v1/quality-control", tags=["quality control"])


@raises(Rejection.VERSION_MISSING)
async def _based_on(
    if_match: Annotated[
        str | None, Header(description="The ETag of the settings that were read.", examples=['"12"'])
    ] = None,
) -> int:
    if (version := version_of(if_match or "")) is None:
        raise CommandRejected(Rejection.VERSION_MISSING)
    return version


BasedOn = Annotated[int, Depends(_based_on)]
"""The version that a change was made from, by `If-Match`."""


async def _recent_closes(channel: ChannelId, forms: Forms, repository: Repository) -> int:
    return await forms.count_closes(channel, repository.clock.now() - RECENT)


RecentCloses = Annotated[int, Depends(_recent_closes)]
"""How many closes the channel in the path has had in four weeks."""


@dataclass(frozen=True)
class OneChannel:
    """The settings of the channel in the path, as they are shown and saved."""

    channel: ChannelId
    repository: Repository
    versions: Versions
    channels: Channels
    mail_available: MailAvailable
    recent_closes: RecentCloses
    webhooks: FormWebhooks
    response: Response

    async def show(self, found: SettingsVersion, webhook: FormWebhookState) -> QualityControlView:
        """A version, with its ETag."""
        self.response.headers["ETag"] = etag(found.version)
        published = await self.channels.find(self.channel)
        return QualityControlView(
            **dict(version_view(found)),
            settings=fields_of(found.settings),
            channel=self.channel,
            name=await self.channels.name(self.channel),
            locales=published.locales if published else (),
            default_locale=await self.channels.default_locale(self.channel),
            scales=SCALE_FIELDS,
            built_in_texts=BUILT_IN_TEXTS,
            mail_available=self.mail_available,
            recent_closes=self.recent_closes,
            webhook_gone=webhook.is_gone(found.version),
        )

    async def save(
        self, settings: QualityControlSettings, based_on: int, claims: Claims, restores: int | None = None
    ) -> QualityControlView:
        """The next version, be it that of an older one's settings. Raises `CommandRejected`."""
        webhook = await self.webhooks.state(self.channel)
        command = SaveQualityControl(
            settings,
            based_on,
            staff_member(claims),
            self.repository.clock.now(),
            restores=restores,
            mail_available=self.mail_available,
            webhook_gone=webhook.is_gone(based_on),
            by_admin=Role.ADMIN in claims.roles,
        )
        stream = QUALITY_CONTROL.stream(self.channel)
        result = await handle(self.repository, QUALITY_CONTROL, stream, command)
        return await self.show(self.versions.of(result.state), webhook)


OfChannel = Annotated[OneChannel, Depends()]


@router.get("")
async def list_quality_control(
    claims: SupervisorClaims, channels: Channels, switches: Switches, versions: Versions
) -> QualityControlList:
    """The channels that the token is good for, and whether they ask."""
    saved, default = await switches.all(), await versions.at("", DEFAULT_VERSION)
    entries = []
    for channel in await channels.all():
        if claims.covers(channel.channel):
            enabled, version = saved.get(channel.channel, (default.settings.enabled, default.version))
            known = channel.model_dump(include={"channel", "name", "closed"})
            entries.append(ChannelEntry(**known, enabled=enabled, version=version))
    return QualityControlList(channels=entries)


@router.get("/{channel}")
async def get_quality_control(channel: ChannelId, _: ChannelSupervisor, one: OfChannel) -> QualityControlView:
    """How the channel asks. A channel for which nothing was saved has the service's own settings."""
    return await one.show(await one.versions.current(channel), await one.webhooks.state(channel))


@router.put(
    "/{channel}",
    responses=problems(
        Rejection.SAVED_MEANWHILE,
        Rejection.NO_SUCH_VERSION,
        Rejection.THRESHOLD_NOT_ON_SCALE,
        Rejection.ALERT_ON_SATISFIED,
        Rejection.WAY_TOO_LATE,
        Rejection.REMINDER_OUT_OF_TIME,
        Rejection.MAIL_NOT_SET_UP,
        Rejection.WEBHOOK_URL_MISSING,
        Rejection.WEBHOOK_FOR_ADMINS,
    ),
)
async def save_quality_control(
    claims: ChannelSupervisor, based_on: BasedOn, body: ChannelSettings, one: OfChannel
) -> QualityControlView:
    """Saves the settings as the next version, unless somebody else saved since they were read.

    Forms that were made before keep theirs.
    """
    return await one.save(settings_of(body), based_on, claims)


@router.post(
    "/{channel}/restore",
    responses=problems(
        Rejection.SAVED_MEANWHILE,
        Rejection.NO_SUCH_VERSION,
        Rejection.MAIL_NOT_SET_UP,
        Rejection.WEBHOOK_FOR_ADMINS,
    ),
)
async def restore_quality_control(
    channel: ChannelId, claims: ChannelSupervisor, based_on: BasedOn, body: RestoreBody, one: OfChannel
) -> QualityControlView:
    """Saves an older version's settings anew, as the next version."""
    old = await one.versions.at(channel, body.version)
    return await one.save(old.settings, based_on, claims, restores=old.version)


@router.get("/{channel}/versions")
async def list_quality_control_versions(
    channel: ChannelId,
    _: ChannelSupervisor,
    versions: Versions,
    cursor: Annotated[
        str | None, Query(max_length=300, description="`next_cursor` of the page before.")
    ] = None,
    limit: Annotated[int, Query(ge=1, le=100, description="Versions per page.")] = 20,
) -> VersionPage:
    """Who changed what when, the newest first."""
    before = _before(cursor) if cursor else (await versions.current(channel)).version + 1
    found = await versions.history(channel, before, limit + 1)
    entries = [
        VersionEntry(**dict(version_view(each)), changed=_changed(each, older))
        for each, older in pairwise([*found, None])
        if each is not None
    ][:limit]
    more = len(found) > limit
    return VersionPage(versions=entries, next_cursor=encode(CURSOR, [entries[-1].version]) if more else None)


@router.get("/{channel}/versions/{version}", responses=problems(Rejection.NO_SUCH_VERSION))
async def get_quality_control_version(
    channel: ChannelId,
    _: ChannelSupervisor,
    version: Annotated[int, Path(ge=1, le=2**31 - 1, examples=[12])],
    versions: Versions,
) -> VersionDetails:
    """An older version, or the one that holds."""
    found = await versions.at(channel, version)
    return VersionDetails(**dict(version_view(found)), settings=fields_of(found.settings))


@router.get("/{channel}/colours")
async def get_form_colours(_: ChannelSupervisor, accent: Accent) -> FormColoursView:
    """The colours of forms with an accent that need not be saved: as chosen, or as near as can be read.

    Text on the accent has a contrast of 4.5, and the accent on the page one of 3 at least (WCAG 2.2).
    """
    return await asyncio.to_thread(colours_view, accent)


def _before(cursor: str) -> int:
    match decode(CURSOR, cursor):
        case [int(version)] if 0 < version < 2**31:
            return version
    raise InvalidCursor


def staff_member(claims: Claims) -> StaffMember:
    """Who saves, as they are called now."""
    return StaffMember(id=claims.sub, name=(claims.name or claims.sub)[:LONGEST_NAME])


def settings_of(body: ChannelSettings) -> QualityControlSettings:
    """The settings that a body holds."""
    lowest, highest = SCALES[body.scale.name]
    required = body.comment.required_at_or_below if body.comment.mode is CommentMode.REQUIRED else None
    return QualityControlSettings(
        enabled=body.enabled,
        scale=Scale(
            name=body.scale.name, lowest=lowest, highest=highest, satisfied_from=body.scale.satisfied_from
        ),
        comment=CommentRule(mode=body.comment.mode, required_at_or_below=required),
        texts={locale: Texts(**dict(texts)) for locale, texts in body.texts.items()},
        eligibility=_eligibility(body.eligibility),
        tags=tuple(Tag.model_validate(dict(tag)) for tag in body.tags),
        follow_ups=tuple(FollowUp.model_validate(question.model_dump()) for question in body.follow_ups),
        names_operator=body.names_operator,
        ways=tuple(_way(each) for each in body.ways),
        reminder=None if body.reminder is None else _duration(body.reminder),
        accent=body.accent,
        alert=LowScoreAlert.model_validate(dict(body.alert)) if body.alert else None,
        form_webhook=body.form_webhook and FormWebhook(url=body.form_webhook.url),
        **{name: _duration(getattr(body, name)) for name in DURATIONS},
    )


def _eligibility(chosen: EligibilityChoice) -> Eligibility:
    within = chosen.once_within if chosen.reopened is ReopenedPolicy.ONCE_WITHIN else 0
    return Eligibility.model_validate({**dict(chosen), "once_within": _duration(within)})


def _way(chosen: WayChoice) -> DeliveryWay:
    return DeliveryWay(way=chosen.way, after=_duration(0 if chosen.way is Way.WIDGET else chosen.after))


def _duration(seconds: float) -> timedelta:
    return timedelta(milliseconds=round(seconds * 1000))


def fields_of(settings: QualityControlSettings) -> ChannelSettings:
    """The settings as a body holds them."""
    durations = {name: getattr(settings, name).total_seconds() for name in DURATIONS}
    known = settings.model_dump(exclude={*DURATIONS, "scale"})
    scale = {"name": settings.scale.name, "satisfied_from": settings.scale.satisfied_from}
    eligibility = settings.eligibility
    asked = {**dict(eligibility), "once_within": eligibility.once_within.total_seconds()}
    sent = {
        "ways": [WayChoice(way=each.way, after=each.after.total_seconds()) for each in settings.ways],
        "reminder": settings.reminder and settings.reminder.total_seconds(),
    }
    return ChannelSettings.model_validate(
        {**known, "scale": scale, "eligibility": asked, **durations, **sent}
    )


def version_view(found: SettingsVersion) -> VersionView:
    """Which version it is, and who saved it when."""
    saved = found.saved
    return VersionView(
        version=found.version,
        saved_at=saved and saved.saved_at,
        saved_by=StaffView(**saved.by.model_dump()) if saved else None,
        restores=saved and saved.restores,
        from_default=saved and saved.from_default,
    )


def _changed(version: SettingsVersion, older: SettingsVersion | None) -> list[str]:
    if older is None:
        return []
    now, before = _by_name(version.settings), _by_name(older.settings)
    return [name for name, value in now.items() if value != before[name]]


def _by_name(settings: QualityControlSettings) -> dict[str, object]:
    demands = {f"eligibility.{name}": value for name, value in settings.eligibility}
    return {**{name: value for name, value in settings if name != "eligibility"}, **demands}
