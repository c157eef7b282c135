"""Who may what on Kafka: the table of docs/operating.md, and the ACLs that grant it, and nothing else."""

import shlex
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby

from contracts import topics
from contracts.topics import SERVICES, dead, replay

PLATFORM = "platform"
GRANTED = "granted"
"""In `RIGHTS`: every subscriber that was granted the topic."""
ROLES = (*SERVICES, PLATFORM)
OURS = "candor."
"""What the names of all of Candor's topics begin with."""


@dataclass(frozen=True)
class TopicRights:
    """Who writes and who reads a topic, by role; reading and writing include describing."""

    topic: str
    writes: Sequence[str]
    reads: Sequence[str]


RIGHTS: Sequence[TopicRights] = (
    TopicRights(topics.CHANNELS.name, ["chat"], ["rating", "analytics"]),
    TopicRights(topics.DIALOGS.name, ["chat"], ["rating", "analytics", GRANTED]),
    TopicRights(topics.RATINGS.name, ["rating"], ["analytics", GRANTED]),
    TopicRights(topics.CLIENTS.name, ["chat"], ["rating", "analytics"]),
    TopicRights(topics.DIALOG_KEYS.name, ["chat"], ["chat", "rating", "analytics", GRANTED]),
    TopicRights(topics.RATING_KEYS.name, ["rating"], ["rating", "analytics", GRANTED]),
    # The platform team notes on it how a dead letter was settled.
    *(TopicRights(dead(service).name, [service, PLATFORM], [PLATFORM]) for service in SERVICES),
    *(TopicRights(replay(service).name, [PLATFORM], [service]) for service in SERVICES),
    TopicRights(topics.WAKEUPS.name, ["chat"], ["chat"]),
)
GRANTABLE = frozenset(rights.topic for rights in RIGHTS if GRANTED in rights.reads)


@dataclass(frozen=True, order=True)
class Acl:
    """One right, in Kafka's words in lower case: a literal or prefixed name, allowed or denied."""

    principal: str
    resource: str
    name: str
    pattern: str
    operation: str
    permission: str = "allow"
    host: str = "*"

    def __str__(self) -> str:
        name = f"{self.name}*" if self.pattern == "prefixed" else self.name
        return (
            f"{self.principal}: {self.permission} {self.operation} on {self.resource} {name} from {self.host}"
        )


@dataclass(frozen=True)
class Holders:
    """Whose rights they are.

    `users` are Kafka's users by role; by default they are called like the role. Consumer groups of a service
    begin with one of its `databases` and a dot. `subscribers` are users of other systems, and the topics that
    each is granted; their groups begin with their name and a dot. Raises ValueError for any other topic.
    """

    users: Mapping[str, str] = field(default_factory=dict)
    databases: Mapping[str, Sequence[str]] = field(default_factory=dict)
    subscribers: Mapping[str, Sequence[str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name, granted in self.subscribers.items():
            if wrong := sorted(set(granted) - GRANTABLE):
                known = ", ".join(sorted(GRANTABLE))
                raise ValueError(f"{', '.join(wrong)} can't be granted to {name}; granted are {known}.")

    def principal(self, role: str) -> str:
        """Kafka's name of a role."""
        return f"User:{self.users.get(role, role)}"

    def groups(self, service: str) -> list[str]:
        """What the names of the service's consumer groups begin with."""
        return [f"{database}." for database in self.databases.get(service, [f"candor_{service}"])]


def acls(holders: Holders) -> list[Acl]:
    """Every right of the table, sorted. Writing with an idempotent producer needs no more (Kafka ≥ 3.0)."""
    found = []
    for rights in RIGHTS:
        granted = [f"User:{name}" for name, names in holders.subscribers.items() if rights.topic in names]
        for operation, roles in (("write", rights.writes), ("read", rights.reads)):
            principals = [holders.principal(role) for role in roles if role != GRANTED]
            principals += granted if GRANTED in roles else []
            found += [Acl(each, "topic", rights.topic, "literal", operation) for each in principals]
    groups = [(holders.principal(each), prefix) for each in SERVICES for prefix in holders.groups(each)]
    groups += [(f"User:{name}", f"{name}.") for name in holders.subscribers]
    found += [Acl(principal, "group", prefix, "prefixed", "read") for principal, prefix in groups]
    return sorted(set(found))


def foreign(found: Iterable[Acl], holders: Holders) -> list[Acl]:
    """Those of `found` that the table doesn't name, though they reach what is Candor's or are a service's."""
    services = {holders.principal(service) for service in SERVICES}
    named = set(acls(holders))
    return sorted(
        acl for acl in found if acl not in named and (acl.principal in services or _reaches(acl, holders))
    )


def is_removable(acl: Acl, holders: Holders) -> bool:
    """Whether a foreign right allows something about Candor alone.

    One that also reaches other systems' topics and groups isn't Candor's to take away, and without one that
    denies something more would be allowed.
    """
    return acl.permission == "allow" and (
        acl.principal in {holders.principal(service) for service in SERVICES}
        or any(acl.name.startswith(prefix) for prefix in _prefixes(acl, holders))
    )


def _reaches(acl: Acl, holders: Holders) -> bool:
    return any(
        acl.name.startswith(prefix)
        or (acl.pattern == "prefixed" and prefix.startswith(acl.name))
        or (acl.pattern == "literal" and acl.name == "*")
        for prefix in _prefixes(acl, holders)
    )


def _prefixes(acl: Acl, holders: Holders) -> list[str]:
    match acl.resource:
        case "topic":
            return [OURS]
        case "group":
            return [prefix for service in SERVICES for prefix in holders.groups(service)]
    return []


def commands(wanted: Sequence[Acl], servers: str) -> list[str]:
    """How Kafka's own tool grants `wanted`: a command for each principal and resource."""
    lines = []
    for (principal, resource, name, pattern), rights in groupby(
        sorted(wanted), lambda acl: (acl.principal, acl.resource, acl.name, acl.pattern)
    ):
        operations = [part for acl in rights for part in ("--operation", acl.operation.title())]
        about = [
            f"--{resource}",
            name,
            *(["--resource-pattern-type", pattern] if pattern != "literal" else []),
        ]
        words = ["kafka-acls.sh", "--bootstrap-server", servers, "--add", "--allow-principal", principal]
        lines.append(shlex.join([*words, *operations, *about]))
    return lines
