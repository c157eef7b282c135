"""What the messages to a channel's own system are signed with, for those who set that system up."""

from chassis.eventstore.handle import handle
from chassis.http.routes import Router
from rating.api.dependencies import FormSecrets, FormWebhooks, Repository
from rating.api.permissions import ChannelAdmin, ChannelId
from rating.api.problems import problems
from rating.api.webhook_schemas import SecretView
from rating.domain.form_webhook import FORM_WEBHOOK, RotateFormSecret
from rating.domain.rejections import Rejection

router = Router(prefix="/v1/quality-control", tags=["quality control"])


@router.get("/{channel}/form-webhook/secret")
async def get_form_webhook_secret(
    channel: ChannelId, _: ChannelAdmin, webhooks: FormWebhooks, repository: Repository, secrets: FormSecrets
) -> SecretView:
    """What messages about forms are signed with now; whether any are sent or not."""
    found = await webhooks.state(channel)
    return SecretView(secret=secrets.of(channel, found, repository.clock.now())[0])


@router.post("/{channel}/form-webhook/rotate", responses=problems(Rejection.ROTATION_UNDER_WAY))
async def rotate_form_webhook_secret(
    channel: ChannelId, claims: ChannelAdmin, repository: Repository, secrets: FormSecrets
) -> SecretView:
    """Makes a new secret. For a day messages are signed with the one before, too."""
    now = repository.clock.now()
    command = RotateFormSecret(claims.sub, now)
    state = (await handle(repository, FORM_WEBHOOK, FORM_WEBHOOK.stream(channel), command)).state
    return SecretView(secret=secrets.of(channel, state, now)[0])
