"""The default: what the settings of channels are that are new. Those that are there already keep theirs."""

from fastapi import Response

from chassis.errors import CommandRejected
from chassis.eventstore.handle import handle
from chassis.http.etags import etag
from chassis.http.routes import Router
from rating.api.dependencies import MailAvailable, Repository, Versions
from rating.api.permissions import EveryChannelsAdmin, SupervisorClaims
from rating.api.problems import problems
from rating.api.quality_control import (
    BUILT_IN_TEXTS,
    SCALE_FIELDS,
    BasedOn,
    fields_of,
    settings_of,
    staff_member,
    version_view,
)
from rating.api.quality_control_schemas import ChannelSettings, DefaultView
from rating.domain.quality_control.decider import DEFAULT, DEFAULT_STREAM, SaveQualityControl
from rating.domain.rejections import Rejection
from rating.read_models.quality_control import SettingsVersion

# Not under the channels: one of them may be called "default".
router = Router(prefix="/v1/quality-control-default", tags=["quality control"])


@router.get("")
async def get_default(
    _: SupervisorClaims, versions: Versions, mail_available: MailAvailable, response: Response
) -> DefaultView:
    """What a new channel begins with: the service's own settings until others are saved."""
    return _view(await versions.for_new_channels(), mail_available, response)


@router.put(
    "",
    responses=problems(
        Rejection.SAVED_MEANWHILE,
        Rejection.NO_SUCH_VERSION,
        Rejection.THRESHOLD_NOT_ON_SCALE,
        Rejection.NOT_IN_DEFAULT,
        Rejection.WAY_TOO_LATE,
        Rejection.REMINDER_OUT_OF_TIME,
        Rejection.MAIL_NOT_SET_UP,
        Rejection.WEBHOOK_URL_MISSING,
    ),
)
async def save_default(
    claims: EveryChannelsAdmin,
    based_on: BasedOn,
    body: ChannelSettings,
    *,
    repository: Repository,
    versions: Versions,
    mail_available: MailAvailable,
    response: Response,
) -> DefaultView:
    """Makes this the default, unless somebody else has changed it since it was read.

    For admins of every channel. Channels that are there keep their settings. It has no alert and no webhook
    of forms: every supervisor may read it, and the addresses of a channel concern no others.
    """
    if body.alert is not None or body.form_webhook is not None:
        raise CommandRejected(Rejection.NOT_IN_DEFAULT)
    command = SaveQualityControl(
        settings_of(body),
        based_on,
        staff_member(claims),
        repository.clock.now(),
        mail_available=mail_available,
    )
    result = await handle(repository, DEFAULT, DEFAULT_STREAM, command)
    return _view(versions.of(result.state), mail_available, response)


def _view(found: SettingsVersion, mail_available: MailAvailable, response: Response) -> DefaultView:
    response.headers["ETag"] = etag(found.version)
    return DefaultView(
        **dict(version_view(found)),
        settings=fields_of(found.settings),
        scales=SCALE_FIELDS,
        built_in_texts=BUILT_IN_TEXTS,
        mail_available=mail_available,
    )
