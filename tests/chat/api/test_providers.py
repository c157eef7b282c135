"""Staff of each provider work in chat, set up as docs/operating.md shows it."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import pytest

from chassis.kafka.connection import KafkaConnection
from tests.chat.harness import Harness, Person, consume, done, running, settings_for
from tests.oidc.documented import HEADINGS, STAFF, Make, jwks, settings, somebody
from tests.oidc.keys import SigningKey
from tests.oidc.provider import Account, code_flow_token
from tests.oidc.provider import running as provider_running
from tests.waiting import until

pytestmark = pytest.mark.real

KEY = SigningKey.make("RS256")
Chat = Callable[[dict[str, Any]], AbstractAsyncContextManager[Harness]]


@pytest.fixture
def chat(kafka: KafkaConnection, mongo: str, database: str) -> Chat:
    """Starts a chat whose staff have this provider."""

    @asynccontextmanager
    async def chat(staff: dict[str, Any]) -> AsyncIterator[Harness]:
        async with running(settings_for(kafka, mongo, database, staff)) as harness:
            yield harness

    return chat


async def published(admin: Person, channel: str) -> str:
    return str(done(await admin.put(f"/v1/channels/{channel}", {"name": "Shop"}))["channel"])


async def listed(operator: Person, question: str, path: str) -> dict[str, Any]:
    """How a dialog stands in the operator's list, once it does."""

    async def found() -> list[dict[str, Any]]:
        dialogs = done(await operator.get(question))["dialogs"]
        return [dialog for dialog in dialogs if path.endswith(f"/{dialog['dialog']}")]

    dialogs: list[dict[str, Any]] = await until(found)
    return dialogs[0]


async def works(harness: Harness, kafka: KafkaConnection, operator: Person, channel: str, name: str) -> str:
    """An operator finds a dialog, takes it, answers and closes it; all see who it was. Its path."""
    zoe = await harness.visitor(channel)
    path = await harness.dialog(zoe)
    await listed(operator, "/v1/dialogs", path)
    done(await operator.put(f"{path}/operator"))
    done(await operator.put(f"{path}/messages/m1", {"text": "Salut"}))
    seen = done(await zoe.get(path))
    assert (seen["operator_name"], seen["messages"][0]["name"]) == (name, name)
    assert done(await operator.post(f"{path}/close", {"close_seq": 1}))["close_seq"] == 1
    assert done(await operator.get(path))["operator"] == operator.id
    assert (await listed(operator, "/v1/dialogs?state=closed", path))["operator"] == operator.id
    _, closed = await consume(kafka, "candor.dialogs", path.rpartition("/")[2], 2)
    assert closed.value["operator"] == operator.id
    assert [(each["id"], each["name"]) for each in closed.value["participants"]] == [(operator.id, name)]
    return path


@pytest.mark.parametrize("make", HEADINGS, ids=lambda make: make.__name__)
async def test_staff_of_a_provider_work(chat: Chat, kafka: KafkaConnection, make: Make) -> None:
    provider_settings = {**settings(HEADINGS[make]), "staff_discovery": "", "staff_jwks": jwks(KEY)}
    async with chat(provider_settings) as harness:

        def person(role: str, channel: str = "shop", **claims: object) -> Person:
            shape = somebody(make, role, channel).with_claims(**claims)
            return Person(harness.http, str(shape.payload["sub"]), shape.sign(KEY))

        await published(person("admin"), "shop")
        operator = person("operator")
        path = await works(harness, kafka, operator, "shop", make("operator", "shop").display_name)

        supervisor = person("supervisor")
        assert done(await supervisor.get(path))["operator"] == operator.id
        assert [each["channel"] for each in done(await supervisor.get("/v1/channels"))["channels"]] == [
            "shop"
        ]
        other = person("supervisor", **{make("supervisor", "shop").channels_at: "elsewhere.example"})
        assert (await other.get(path)).status_code == 404
        assert done(await other.get("/v1/channels"))["channels"] == []
        assert (await operator.put("/v1/channels/shop", {"name": "Mine"})).status_code == 403


async def test_staff_of_a_running_provider_sign_in_and_work(chat: Chat, kafka: KafkaConnection) -> None:
    def account(role: str, sub: str) -> Account:
        roles = {"roles": ["offline_access", f"candor-{role}"]}
        return Account(sub=sub, claims={"name": STAFF[role], "realm_access": roles, "channels": ["shop"]})

    accounts = {
        "nadia": account("operator", "f:0b5e3f5f:nadia"),
        "sue": account("supervisor", "auth0|5f7c8ec7c33c6c004bbafe82"),
        "joe": account("admin", "joe@shop.example"),
    }
    with provider_running(accounts, keys=["PS256"]) as provider:
        provider_settings = {**settings("Keycloak"), "staff_issuer": provider.issuer}
        async with chat(provider_settings) as harness:

            async def signed_in(login: str) -> Person:
                tokens = await code_flow_token(provider, login)
                return Person(harness.http, accounts[login].sub, tokens.access_token)

            await published(await signed_in("joe"), "shop")
            nadia, sue = await signed_in("nadia"), await signed_in("sue")
            path = await works(harness, kafka, nadia, "shop", STAFF["operator"])
            assert done(await sue.get(path))["messages"][0]["operator"] == nadia.id

            provider.stop()
            assert done(await sue.get(path))["operator"] == nadia.id
