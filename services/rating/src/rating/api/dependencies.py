"""What routes ask for: the objects that `rating.app` has joined."""

from typing import Annotated

from chassis.audit import Audit as AuditLog
from chassis.crypto_shredding import KeyRing
from chassis.eventstore.repository import Repository as EventRepository
from chassis.http.live import LiveUpdates
from chassis.http.routes import from_state
from rating.api.form_tests import FormTests
from rating.api.tokens import FormTokens
from rating.api.views import FormViews
from rating.processes.form_webhooks import ChannelWebhooks
from rating.processes.mail_tests import MailTester as MailTesterProcess
from rating.processes.webhook_deliveries import WebhookSecrets
from rating.read_models.channels import Channels as ChannelsModel
from rating.read_models.forms import Forms as FormsModel
from rating.read_models.mail_tests import MailTests as MailTestsModel
from rating.read_models.opt_outs import OptOuts as OptOutsModel
from rating.read_models.quality_control import QualityControlSwitches, QualityControlVersions
from rating.read_models.webhooks import WebhookDeliveries as WebhookDeliveriesModel
from rating.read_models.webhooks import Webhooks as WebhooksModel

Webhooks = Annotated[WebhooksModel, from_state("webhooks")]
WebhookDeliveries = Annotated[WebhookDeliveriesModel, from_state("webhook_deliveries")]
Secrets = Annotated[WebhookSecrets, from_state("webhook_secrets")]
FormWebhooks = Annotated[ChannelWebhooks, from_state("form_webhooks")]
FormSecrets = Annotated[WebhookSecrets, from_state("form_webhook_secrets")]
Live = Annotated[LiveUpdates, from_state("live")]
Repository = Annotated[EventRepository, from_state("repository")]
Keys = Annotated[KeyRing, from_state("key_ring")]
Tokens = Annotated[FormTokens, from_state("form_tokens")]
Views = Annotated[FormViews, from_state("form_views")]
Forms = Annotated[FormsModel, from_state("forms")]
OptOuts = Annotated[OptOutsModel, from_state("opt_outs")]
MailTester = Annotated[MailTesterProcess | None, from_state("mail_tester")]
MailTests = Annotated[MailTestsModel, from_state("mail_tests")]
TestForms = Annotated[FormTests, from_state("form_tests")]
MailAvailable = Annotated[bool, from_state("mail_available")]
Channels = Annotated[ChannelsModel, from_state("channels")]
Versions = Annotated[QualityControlVersions, from_state("quality_control")]
Switches = Annotated[QualityControlSwitches, from_state("quality_control_switches")]
Audit = Annotated[AuditLog, from_state("audit")]
