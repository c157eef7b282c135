"""Nobody overwrites settings that they haven't read; a version that was saved never changes."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, assert_never

from pydantic import TypeAdapter

from chassis.errors import CommandRejected
from chassis.eventstore.decider import Decider
from rating.domain.quality_control.events import QualityControlSaved, StaffMember
from rating.domain.quality_control.settings import QualityControlSettings
from rating.domain.quality_control.state import NeverSaved, QualityControl, Saved, evolve
from rating.domain.rating.form_version import CommentMode
from rating.domain.rating.ways import Way, after_of, mails
from rating.domain.rejections import Rejection


@dataclass(frozen=True)
class SaveQualityControl:
    """Make these the channel's settings, `based_on` being the version that was read before.

    `restores` is the version that they are taken from, if they are. Without `mail_available` nobody can
    choose e-mail, be it for forms or for alerts; a channel that has chosen it keeps it. If the channel's
    webhook is switched off (`webhook_gone`), the same settings are saved again, too: that switches it on.
    Only `by_admin` can `form_webhook` be changed.
    """

    settings: QualityControlSettings
    based_on: int
    by: StaffMember
    now: datetime
    restores: int | None = None
    mail_available: bool = True
    webhook_gone: bool = False
    by_admin: bool = True


@dataclass(frozen=True)
class BeginWithDefault:
    """A channel is new: its settings are those of `default`, which was saved for new channels."""

    default: QualityControlSaved
    now: datetime


QualityControlCommand = SaveQualityControl | BeginWithDefault


def decide(state: QualityControl, command: QualityControlCommand) -> Sequence[QualityControlSaved]:
    """What follows from the command; raises `CommandRejected`."""
    match command:
        case SaveQualityControl():
            return save(state, command)
        case BeginWithDefault():
            return begin(state, command)
        case _:
            assert_never(command)


def begin(state: QualityControl, command: BeginWithDefault) -> Sequence[QualityControlSaved]:
    """The first version after the service's own; nothing once any was saved."""
    if isinstance(state, Saved):
        return []
    default = command.default
    return [
        QualityControlSaved(
            version=state.version + 1,
            settings=default.settings,
            by=default.by,
            saved_at=command.now,
            from_default=default.version,
        )
    ]


def save(state: QualityControl, command: SaveQualityControl) -> Sequence[QualityControlSaved]:
    """The next version; nothing if it holds already. Raises `CommandRejected`."""
    check(command.settings)
    match state:
        case Saved(last) if (
            last.version == command.based_on
            and last.settings == command.settings
            and not command.webhook_gone
        ):
            return []
        case Saved(last) if last.version == command.based_on + 1 and _is_repeated(last, command):
            return []
        case Saved(last) if last.version > command.based_on:
            when = last.saved_at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
            raise CommandRejected(
                Rejection.SAVED_MEANWHILE, who=last.by.name, when=when, version=last.version
            )
        case Saved() | NeverSaved() if state.version < command.based_on:
            raise CommandRejected(Rejection.NO_SUCH_VERSION)
        case Saved() | NeverSaved():
            _check_mail(state, command)
            _check_webhook(state, command)
            return [
                QualityControlSaved(
                    version=state.version + 1,
                    settings=command.settings,
                    by=command.by,
                    saved_at=command.now,
                    restores=command.restores,
                )
            ]
        case _:
            assert_never(state)


def _is_repeated(last: QualityControlSaved, command: SaveQualityControl) -> bool:
    """Whether the command was done already, and only its response got lost."""
    return last.settings == command.settings and last.by.id == command.by.id


def _check_mail(state: QualityControl, command: SaveQualityControl) -> None:
    if command.mail_available:
        return
    before, now = state.settings if isinstance(state, Saved) else None, command.settings
    asks_anew = mails(now.ways) and not (before and mails(before.ways))
    alerts_anew = now.alert is not None and not (before and before.alert)
    if asks_anew or alerts_anew:
        raise CommandRejected(Rejection.MAIL_NOT_SET_UP)


def _check_webhook(state: QualityControl, command: SaveQualityControl) -> None:
    """Who is sent links to forms could answer them: that is for admins to say."""
    before = state.settings.form_webhook if isinstance(state, Saved) else None
    if not command.by_admin and command.settings.form_webhook != before:
        raise CommandRejected(Rejection.WEBHOOK_FOR_ADMINS)


def check(settings: QualityControlSettings) -> None:
    """Raises `CommandRejected` if no form can be made from these settings."""
    scale, thresholds = settings.scale, [settings.scale.satisfied_from]
    if settings.comment.mode is CommentMode.REQUIRED and settings.comment.required_at_or_below is not None:
        thresholds.append(settings.comment.required_at_or_below)
    thresholds += [score for tag in settings.tags for score in (tag.lowest, tag.highest)]
    if settings.alert is not None:
        thresholds.append(settings.alert.at_or_below)
    if not all(map(scale.holds, thresholds)):
        raise CommandRejected(Rejection.THRESHOLD_NOT_ON_SCALE, lowest=scale.lowest, highest=scale.highest)
    if settings.alert is not None and settings.alert.at_or_below >= scale.satisfied_from:
        raise CommandRejected(Rejection.ALERT_ON_SATISFIED)
    if any(each.after >= settings.expiry for each in settings.ways):
        raise CommandRejected(Rejection.WAY_TOO_LATE)
    if settings.form_webhook is None and after_of(settings.ways, Way.WEBHOOK) is not None:
        raise CommandRejected(Rejection.WEBHOOK_URL_MISSING)
    if settings.reminder is not None:
        mailed = after_of(settings.ways, Way.EMAIL)
        if mailed is None or not mailed < settings.reminder < settings.expiry:
            raise CommandRejected(Rejection.REMINDER_OUT_OF_TIME)


QUALITY_CONTROL: Decider[QualityControl, QualityControlCommand, QualityControlSaved] = Decider(
    category="quality_control",
    initial=NeverSaved(),
    evolve=evolve,
    decide=decide,
    events=TypeAdapter(QualityControlSaved),
)

DEFAULT: Decider[QualityControl, QualityControlCommand, QualityControlSaved] = Decider(
    category="quality_control_default",
    initial=NeverSaved(),
    evolve=evolve,
    decide=decide,
    events=TypeAdapter(QualityControlSaved),
)
"""What new channels begin with. There is one stream of it, and no channel has that one."""

DEFAULT_STREAM: Final = DEFAULT.stream("new-channels")
