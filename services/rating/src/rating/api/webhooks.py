"""Webhooks: who is told of ratings elsewhere, with what secret, and what became of each message."""

from datetime import UTC, datetime
from typing import Annotated, Final

from fastapi import Depends, Header, Path, Query, Response, status

from chassis.cursors import decode, encode
from chassis.errors import CommandRejected, InvalidCursor
from chassis.eventstore.handle import handle
from chassis.http.etags import etag, version_of
from chassis.http.problems import raises
from chassis.http.routes import Router
from contracts.envelope import Id
from rating.api.dependencies import Repository, Secrets, WebhookDeliveries
from rating.api.dependencies import Webhooks as WebhooksModel
from rating.api.permissions import EveryChannelsAdmin as Admin
from rating.api.problems import problems
from rating.api.webhook_schemas import (
    DeliveryPage,
    DeliveryView,
    RedeliverBody,
    RedeliveredView,
    SecretView,
    WebhookBody,
    WebhookList,
    WebhookView,
)
from rating.domain.rejections import Rejection
from rating.domain.webhook import (
    WEBHOOK,
    DeleteWebhook,
    RotateSecret,
    SaveWebhook,
    Webhook,
    WebhookSettings,
    WebhookState,
)
from rating.read_models.webhook_health import Health
from rating.read_models.webhooks import Delivery, DeliveryState

CURSOR: Final = "rating.webhooks.deliveries"
THOUSAND: Final = 1_000

router = Router(prefix="/v1/webhooks", tags=["webhooks"])
WebhookId = Annotated[Id, Path(description="The webhook's id.", examples=["crm"])]


@raises(Rejection.WEBHOOK_CHANGED)
async def _based_on(
    if_match: Annotated[
        str | None,
        Header(description="The ETag of the webhook as it was read; none for a new one.", examples=['"1"']),
    ] = None,
) -> int:
    if if_match is None:
        return 0
    if (version := version_of(if_match)) is None:
        raise CommandRejected(Rejection.WEBHOOK_CHANGED)
    return version


BasedOn = Annotated[int, Depends(_based_on)]


@router.get("")
async def list_webhooks(_: Admin, webhooks: WebhooksModel, deliveries: WebhookDeliveries) -> WebhookList:
    """Every webhook."""
    found, health = await webhooks.all(), await deliveries.health.all()
    views = [_view(name, webhook, health.get(name, Health())) for name, webhook in found.items()]
    return WebhookList(webhooks=views)


@router.get("/{webhook}", responses=problems(Rejection.NO_SUCH_WEBHOOK))
async def get_webhook(
    webhook: WebhookId,
    _: Admin,
    repository: Repository,
    deliveries: WebhookDeliveries,
    response: Response,
) -> WebhookView:
    """One webhook."""
    found = await _found(repository, webhook)
    response.headers["ETag"] = etag(found.version)
    return _view(webhook, found, await deliveries.health.of(webhook))


@router.put("/{webhook}", responses=problems(Rejection.WEBHOOK_CHANGED))
async def save_webhook(
    webhook: WebhookId,
    claims: Admin,
    based_on: BasedOn,
    body: WebhookBody,
    repository: Repository,
    deliveries: WebhookDeliveries,
    response: Response,
) -> WebhookView:
    """Makes a webhook, or makes it be like this, unless somebody changed it since it was read.

    Saving one whose endpoint was gone switches it on again.
    """
    settings = WebhookSettings.model_validate(body.model_dump())
    command = SaveWebhook(settings, based_on, claims.sub, repository.clock.now())
    state = (await handle(repository, WEBHOOK, WEBHOOK.stream(webhook), command)).state
    saved = _existing(state)
    response.headers["ETag"] = etag(saved.version)
    return _view(webhook, saved, await deliveries.health.of(webhook))


@router.delete("/{webhook}", status_code=status.HTTP_204_NO_CONTENT)
async def delete_webhook(webhook: WebhookId, claims: Admin, repository: Repository) -> None:
    """Sends nothing any more; what waits is given up. Can be repeated."""
    command = DeleteWebhook(claims.sub, repository.clock.now())
    await handle(repository, WEBHOOK, WEBHOOK.stream(webhook), command)


@router.get("/{webhook}/secret", responses=problems(Rejection.NO_SUCH_WEBHOOK))
async def get_webhook_secret(
    webhook: WebhookId, _: Admin, repository: Repository, secrets: Secrets
) -> SecretView:
    """What messages are signed with now."""
    found, now = await _found(repository, webhook), repository.clock.now()
    return SecretView(secret=secrets.of(webhook, found, now)[0])


@router.post(
    "/{webhook}/rotate",
    responses=problems(Rejection.NO_SUCH_WEBHOOK, Rejection.WEBHOOK_CHANGED, Rejection.ROTATION_UNDER_WAY),
)
async def rotate_webhook_secret(
    webhook: WebhookId, claims: Admin, based_on: BasedOn, repository: Repository, secrets: Secrets
) -> SecretView:
    """Makes a new secret. For a day messages are signed with the one before, too."""
    now = repository.clock.now()
    command = RotateSecret(based_on, claims.sub, now)
    state = (await handle(repository, WEBHOOK, WEBHOOK.stream(webhook), command)).state
    return SecretView(secret=secrets.of(webhook, _existing(state), now)[0])


@router.get("/{webhook}/deliveries")
async def list_webhook_deliveries(
    webhook: WebhookId,
    _: Admin,
    deliveries: WebhookDeliveries,
    state: Annotated[DeliveryState | None, Query(description="Only those.")] = None,
    cursor: Annotated[
        str | None, Query(max_length=300, description="`next_cursor` of the page before.")
    ] = None,
    limit: Annotated[int, Query(ge=1, le=100, description="Deliveries per page.")] = 20,
) -> DeliveryPage:
    """What was and will be sent, the newest first: ids, and no words."""
    found = await deliveries.page(webhook, state, _before(cursor) if cursor else None, limit + 1)
    page = found[:limit]
    more = len(found) > limit
    last = encode(CURSOR, _place(page[-1])) if more else None
    return DeliveryPage(deliveries=[_delivery_view(each) for each in page], next_cursor=last)


@router.post("/{webhook}/deliveries/redeliver", responses=problems(Rejection.NO_SUCH_DELIVERY))
async def redeliver(
    webhook: WebhookId, _: Admin, body: RedeliverBody, deliveries: WebhookDeliveries, repository: Repository
) -> DeliveryView:
    """Sends a message again, now, with the same id, whatever became of it."""
    found = await deliveries.again(webhook, body.delivery, repository.clock.now())
    if found is None:
        raise CommandRejected(Rejection.NO_SUCH_DELIVERY)
    return _delivery_view(found)


@router.post("/{webhook}/deliveries/redeliver-failed")
async def redeliver_failed(
    webhook: WebhookId, _: Admin, deliveries: WebhookDeliveries, repository: Repository
) -> RedeliveredView:
    """Sends all that was given up again, now, with the same ids."""
    return RedeliveredView(redelivered=await deliveries.failed_again(webhook, repository.clock.now()))


async def _found(repository: Repository, webhook: str) -> Webhook:
    return _existing((await repository.load(WEBHOOK, WEBHOOK.stream(webhook))).state)


def _existing(state: WebhookState) -> Webhook:
    if not isinstance(state, Webhook):
        raise CommandRejected(Rejection.NO_SUCH_WEBHOOK)
    return state


def _view(name: str, webhook: Webhook, health: Health) -> WebhookView:
    return WebhookView(
        webhook=name,
        version=webhook.version,
        gone=webhook.gone,
        both_until=webhook.both_until,
        delivered_at=health.delivered_at,
        failing_since=health.failing(webhook),
        **webhook.settings.model_dump(),
    )


def _delivery_view(delivery: Delivery) -> DeliveryView:
    return DeliveryView.model_validate(delivery.model_dump(include=set(DeliveryView.model_fields)))


def _place(delivery: Delivery) -> list[int | str]:
    return [round(delivery.created_at.timestamp() * THOUSAND), delivery.delivery]


def _before(cursor: str) -> tuple[datetime, str]:
    match decode(CURSOR, cursor):
        case [int(moment), str(delivery)] if 0 < moment < 2**42:
            return datetime.fromtimestamp(moment / THOUSAND, UTC), delivery
    raise InvalidCursor
