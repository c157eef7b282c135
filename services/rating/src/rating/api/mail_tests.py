"""A test of the mail that asks: sent to staff, with a form that stores nothing behind its link."""

from typing import Final

from fastapi import status

from chassis.errors import CommandRejected
from chassis.http.routes import Router
from rating.adapters.mail import MailReason
from rating.adapters.results import Delivered, Never, TryAgain
from rating.api.dependencies import Audit, Channels, MailTester, MailTests, Repository
from rating.api.permissions import ChannelId, ChannelSupervisor
from rating.api.problems import problems
from rating.api.quality_control_schemas import MailTestBody
from rating.domain.rejections import Rejection
from rating.read_models.mail_tests import MOST

UNKNOWN: Final = ""
"""What tests of all channels count for that chat has not published: anybody can make up their ids."""

router = Router(prefix="/v1/quality-control", tags=["quality control"])


@router.post(
    "/{channel}/test",
    status_code=status.HTTP_204_NO_CONTENT,
    responses=problems(
        Rejection.MAIL_NOT_SET_UP,
        Rejection.TOO_MANY_TESTS,
        Rejection.TEST_NOT_REACHED,
        Rejection.TEST_DEFERRED,
        Rejection.TEST_RECIPIENT_REFUSED,
        Rejection.TEST_REFUSED,
    ),
)
async def send_mail_test(
    channel: ChannelId,
    claims: ChannelSupervisor,
    body: MailTestBody,
    *,
    repository: Repository,
    tester: MailTester,
    tests: MailTests,
    channels: Channels,
    audit: Audit,
) -> None:
    """Sends the mail that asks, by the settings that are saved, to an address of one's own.

    It is marked as a test and counted nowhere; the form behind its link takes an answer, and stores none.
    What the mail server made of it is the response. At most ten an hour are sent from a channel, and from all
    together that chat has not published.
    """
    if tester is None:
        raise CommandRejected(Rejection.MAIL_NOT_SET_UP)
    now = repository.clock.now()
    known = await channels.find(channel) is not None
    if not await tests.take(channel if known else UNKNOWN, now):
        raise CommandRejected(Rejection.TOO_MANY_TESTS, most=MOST)
    await audit.note("mail.test", claims, now, channel=channel)
    match await tester.send(channel, body.to, body.locale, now):
        case Delivered():
            return
        case TryAgain(MailReason.DEFERRED, status=code):
            raise CommandRejected(Rejection.TEST_DEFERRED, status=code or 0)
        case TryAgain(
            MailReason.UNREACHABLE | MailReason.TIMEOUT | MailReason.CONNECTION_LOST | MailReason.TLS
        ):
            raise CommandRejected(Rejection.TEST_NOT_REACHED)
        case Never(MailReason.NOT_AN_ADDRESS | MailReason.NEEDS_SMTPUTF8 | MailReason.RECIPIENT_REFUSED):
            raise CommandRejected(Rejection.TEST_RECIPIENT_REFUSED)
        case TryAgain(status=code) | Never(status=code):
            raise CommandRejected(Rejection.TEST_REFUSED, status=code or 0)
