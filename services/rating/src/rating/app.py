"""Joins the parts of rating."""

from collections.abc import Awaitable, Callable, Collection

from fastapi import FastAPI
from starlette.middleware import Middleware

from chassis.audit import Audit
from chassis.background import BackgroundTask, Supervisor
from chassis.clock import Clock, DatabaseClock
from chassis.crypto_shredding import KeyReader, KeyRing
from chassis.eventstore.mongo import MongoEventStore
from chassis.eventstore.repository import Repository
from chassis.http.app import create
from chassis.http.auth import verifier
from chassis.http.health import broker_answers, database_answers
from chassis.http.live import LiveUpdates
from chassis.kafka.publisher import Publisher
from chassis.mongo import connect
from chassis.outbox.relay import OutboxRelay
from chassis.settings import key_bytes
from contracts.access import AUDIENCE_RATING
from rating.adapters.mail import WITHIN_SECONDS, Mailer
from rating.adapters.webhooks import WebhookSender
from rating.api import dry_run as dry_run_api
from rating.api import form_webhooks as form_webhooks_api
from rating.api import forms as forms_api
from rating.api import mail as mail_api
from rating.api import mail_tests as mail_tests_api
from rating.api import pages
from rating.api import quality_control as quality_control_api
from rating.api import quality_control_default as default_api
from rating.api import story as story_api
from rating.api import webhooks as webhooks_api
from rating.api.form_tests import FormTests
from rating.api.origins import CrossOrigin
from rating.api.problems import CATALOGUE
from rating.api.tokens import FormTestTokens, FormTokens
from rating.api.views import FormViews
from rating.domain.rating.form_version import FormVersion
from rating.domain.rating.ways import Way
from rating.messaging.commit_handlers import commit_handlers
from rating.messaging.contacts import Contacts
from rating.messaging.inbound import Inbound, consumers, keys_reader
from rating.messaging.outbound import KEYS
from rating.messaging.webhooks import WebhookOutbox
from rating.personal_data import Addresses
from rating.processes.deliveries import MailDeliveries
from rating.processes.erasure import ClientErasure
from rating.processes.form_mails import FormMails
from rating.processes.form_webhooks import (
    SECRETS,
    ChannelWebhooks,
    FormMessages,
    FormWebhookDeliveries,
)
from rating.processes.low_score_mails import LowScoreMails
from rating.processes.mail_tests import WITHIN_SECONDS as TEST_WITHIN_SECONDS
from rating.processes.mail_tests import MailTester
from rating.processes.timers import form_timers
from rating.processes.webhook_deliveries import WebhookDispatcher, WebhookSecrets
from rating.read_models.channels import Channels
from rating.read_models.deliveries import Deliveries
from rating.read_models.erased_clients import ErasedClients
from rating.read_models.forms import Forms
from rating.read_models.low_scores import LowScores
from rating.read_models.mail_tests import MailTests
from rating.read_models.opt_outs import OptOuts
from rating.read_models.quality_control import QualityControlSwitches, QualityControlVersions
from rating.read_models.webhooks import WebhookDeliveries, Webhooks
from rating.settings import RatingSettings


def build(
    settings: RatingSettings,
    *,
    clock: Clock | None = None,
    publisher: Publisher | None = None,
    form_version_of: Callable[[str], Awaitable[FormVersion]] | None = None,
    only: Collection[str] | None = None,
) -> FastAPI:
    """The service, ready to be served; nothing is connected before it runs.

    What is given takes the place of the database's clock, of Kafka, and of Quality control's settings.
    Of the background tasks those named in `only` run, else all.
    """
    name, client, urls = settings.service, connect(settings.mongo), settings.public_urls
    database, database_clock = client[settings.database], DatabaseClock(client)
    store, forms, erased = MongoEventStore(database), Forms(database), ErasedClients(database)
    publisher = publisher or Publisher(settings.kafka, name)
    keys = KeyRing.of(settings, database, topic=KEYS.topic, publisher=publisher)
    switches, live = QualityControlSwitches(database), LiveUpdates()
    webhooks, webhook_deliveries = Webhooks(database, clock or database_clock), WebhookDeliveries(database)
    outbox = WebhookOutbox(webhooks, webhook_deliveries)
    mails_due, messages_due = Deliveries(database, Way.EMAIL), Deliveries(database, Way.WEBHOOK)
    deliveries, opt_outs = (mails_due, messages_due), OptOuts(database, keys)
    repository = Repository(store, clock or database_clock, service=name)
    channels = Channels(database, repository.clock)
    versions = QualityControlVersions(repository, settings.quality_control)
    audit, low_scores = Audit(database, "close"), LowScores(database, versions)
    handlers = commit_handlers(forms, deliveries, keys, switches, live.wake, webhooks, outbox, low_scores)
    relay = OutboxRelay(name, store, publisher, handlers)
    repository.wake = relay.wake
    erasure = ClientErasure(repository, forms, erased, keys)

    async def asked_now(channel: str) -> FormVersion:
        recent = await versions.recent(channel)
        return recent.settings.form_version(recent.version, await channels.default_locale(channel))

    form_secret, *secrets_before = map(key_bytes, (settings.form_secret, *settings.form_secrets_before))
    reader = KeyReader.of(settings, database)
    reading = keys_reader(database, settings.kafka, publisher, reader, database_clock)
    addresses = Addresses(reader, reading.read_to_end)
    mailer, test_mailer = _mailer(settings, WITHIN_SECONDS), _mailer(settings, TEST_WITHIN_SECONDS)
    form_webhooks = ChannelWebhooks(repository, versions)
    contacts = Contacts(addresses, opt_outs, mailer is not None, form_webhooks.is_gone)
    inbound = Inbound(
        repository, form_version_of or asked_now, channels, erased, erasure, contacts, form_secret
    )
    tokens = FormTokens(form_secret, secrets_before)
    test_tokens = FormTestTokens(form_secret, secrets_before)
    views = FormViews(tokens, keys, versions, channels)
    webhook_secrets = WebhookSecrets(form_secret, secrets_before)
    sender = WebhookSender(settings.webhook_private)
    dispatcher = WebhookDispatcher(repository, webhooks, webhook_deliveries, webhook_secrets, sender)
    form_secrets = WebhookSecrets(form_secret, secrets_before, purpose=SECRETS)
    messages = FormMessages(versions, urls["rating"], tokens.of)
    form_messaging = FormWebhookDeliveries(
        repository, messages_due, sender, messages, form_webhooks, form_secrets, erased
    )
    tasks: list[BackgroundTask] = [
        database_clock, keys, reading, relay, erasure, form_timers(forms, repository), dispatcher,
        form_messaging, *consumers(inbound, settings.kafka, publisher, settings.database),
    ]  # fmt: skip
    mails = FormMails(versions, channels, opt_outs, urls["rating"], tokens.of)
    alerts = LowScoreMails(low_scores, repository, versions, channels, erased, urls["analytics"])
    mailing = mailer and MailDeliveries(
        repository, mails_due, mailer, mails, alerts, addresses, opt_outs, erased
    )
    tasks += [mailing] if mailing else []

    async def prepare() -> None:
        own = (forms, *deliveries, low_scores, webhook_deliveries, erased, opt_outs, reader)
        for part in (store, *own, keys, audit):
            await part.prepare()
        await database_clock.sync()

    async def release() -> None:
        client.close()
        await publisher.stop()

    return create(
        settings,
        title="Candor rating",
        pages=[pages.person, pages.page_router(settings, channels)],
        routers=[
            forms_api.mine, forms_api.router, mail_api.router,
            quality_control_api.router, dry_run_api.router, webhooks_api.router,
            form_webhooks_api.router, mail_tests_api.router, story_api.router, default_api.router,
        ],
        problems=CATALOGUE,
        state={
            "repository": repository, "key_ring": keys, "forms": forms, "form_tokens": tokens,
            "form_views": views, "channels": channels, "mail_tests": MailTests(database),
            "form_tests": FormTests(test_tokens, versions, channels, views, repository.clock),
            "mail_tester": test_mailer
            and MailTester(test_mailer, versions, channels, urls["rating"], test_tokens.of),
            "quality_control": versions, "quality_control_switches": switches,
            "verifier": verifier(settings, visitors=AUDIENCE_RATING),
            "live": live, "webhooks": webhooks, "webhook_deliveries": webhook_deliveries,
            "webhook_secrets": webhook_secrets, "audit": audit,
            "form_webhooks": form_webhooks, "form_webhook_secrets": form_secrets,
            "opt_outs": opt_outs, "mail_available": contacts.mail_available,
            "relay": relay, "inbound": inbound, "mailing": mailing,  # what tests drive by hand
            "low_scores": low_scores, "form_messaging": form_messaging,
        },
        parts=Supervisor([task for task in tasks if only is None or task.name in only], prepare, release),
        middleware=[Middleware(CrossOrigin, urls["analytics"])],
        checks={"database": database_answers(client), "broker": broker_answers(settings.kafka)},
    )  # fmt: skip


def _mailer(settings: RatingSettings, within: float) -> Mailer | None:
    """What sends mails, each within so many seconds; None where there is no server for them."""
    if not settings.smtp or not settings.mail_from:
        return None
    return Mailer(settings.smtp, settings.mail_from, ca_file=settings.smtp_ca_file, within=within)
