"""Kafka's own list of ACLs: read, added to, taken from. aiokafka has the requests, but no client for them."""

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import Any

from aiokafka.client import AIOKafkaClient
from aiokafka.errors import SecurityDisabled, for_code
from aiokafka.protocol.admin import CreateAclsRequest, DeleteAclsRequest, DescribeAclsRequest

from chassis.kafka.clients import plain_client
from chassis.kafka.connection import KafkaConnection
from deploy.acls import Acl

# org.apache.kafka.common.resource.ResourceType, PatternType, org.apache.kafka.common.acl.AclOperation,
# AclPermissionType: the numbers are those of Kafka's protocol.
ANY = 1
RESOURCES = {2: "topic", 3: "group", 4: "cluster", 5: "transactional-id", 6: "delegation-token", 7: "user"}
PATTERNS = {3: "literal", 4: "prefixed"}
OPERATIONS = dict(
    enumerate(
        (
            "all", "read", "write", "create", "delete", "alter", "describe", "clusteraction",
            "describeconfigs", "alterconfigs", "idempotentwrite", "createtokens", "describetokens",
            "twophasecommit",
        ),
        start=2,
    )
)  # fmt: skip
PERMISSIONS = {2: "deny", 3: "allow"}


class NoAuthorizer(Exception):
    """Kafka asks nobody for rights."""


class Authorizer:
    """The ACLs of one Kafka. All methods raise KafkaError, and NoAuthorizer if there is none."""

    def __init__(self, client: AIOKafkaClient) -> None:
        self._client = client

    async def acls(self) -> set[Acl]:
        """All there are. Needs *describe* on the cluster."""
        answer = await self._send(DescribeAclsRequest(ANY, None, ANY, None, None, ANY, ANY))
        _check(answer.error_code, answer.error_message)
        return {
            Acl(
                principal, RESOURCES.get(kind, str(kind)), name, PATTERNS.get(pattern, str(pattern)),
                OPERATIONS.get(operation, str(operation)), PERMISSIONS.get(permission, str(permission)), host,
            )
            for kind, name, pattern, entries in answer.resources
            for principal, host, operation, permission in entries
        }  # fmt: skip

    async def add(self, acls: Iterable[Acl]) -> None:
        """Grants them; one that is there stays. Needs *alter* on the cluster."""
        for acl in acls:
            for code, message in (await self._send(CreateAclsRequest(*_on_the_wire(acl)))).creation_responses:
                _check(code, message)

    async def remove(self, acls: Iterable[Acl]) -> None:
        """Takes them back. Needs *alter* on the cluster."""
        for acl in acls:
            for code, message, _ in (
                await self._send(DeleteAclsRequest(*_on_the_wire(acl)))
            ).filter_responses:
                _check(code, message)

    async def _send(self, request: Any) -> Any:
        return await self._client.send(self._client.get_random_node(), request)


@asynccontextmanager
async def authorizer(connection: KafkaConnection) -> AsyncIterator[Authorizer]:
    """The authorizer of the Kafka at `connection`. Raises KafkaError if it can't be reached."""
    async with plain_client(connection) as client:
        yield Authorizer(client)


def _on_the_wire(acl: Acl) -> tuple[int, str, int, str, str, int, int]:
    return (
        _number(RESOURCES, acl.resource), acl.name, _number(PATTERNS, acl.pattern), acl.principal, acl.host,
        _number(OPERATIONS, acl.operation), _number(PERMISSIONS, acl.permission),
    )  # fmt: skip


def _number(names: dict[int, str], wanted: str) -> int:
    return next(number for number, name in names.items() if name == wanted)


def _check(code: int, message: str | None) -> None:
    error = for_code(code)
    if error is SecurityDisabled:
        raise NoAuthorizer
    if code:
        raise error(message)
