"""How everything is: a state, a code with its facts for the page's own words, and a sentence in English."""

import asyncio
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from typing import Any, Final, Literal

import httpx
from aiokafka.errors import KafkaError
from prometheus_client.parser import text_string_to_metric_families
from pydantic import BaseModel, Field
from pymongo import MongoClient
from pymongo.errors import PyMongoError

from chassis.errors import NotReady
from chassis.http.health import OK, broker_answers
from contracts.topics import SERVICES
from deploy.local.jars import VERSION as KAFKA_VERSION
from deploy.local.ports import HERE
from deploy.local.stack import METRICS, port_of
from deploy.local.start_page.setup import Setup

WITHIN: Final = 3.0
BEHIND_FROM: Final = 1.0
"""A service is catching up if its oldest record or commit waits longer, in seconds; less is usual."""

SENTENCES: Final = {
    "ready": "nothing waits",
    "behind": "{records} events behind, about {seconds} s",
    "unpublished": "{records} changes wait to be published, the oldest for {seconds} s",
    "not-ready": "{reason}",
    "no-answer": "nobody answers at port {port}; {log} says why",
    "broker": "answers; {kind}",
    "primary": "replica set of {members}, {kind}; a database for each service",
    "no-primary": "has no primary: {reason}",
}


Where = Literal["api", "metrics", "health"]


class Look(BaseModel):
    """Where one can look further."""

    name: Where
    address: str


class Part(BaseModel):
    """A part of the system. `sentence` is `code` and its facts in English."""

    name: str
    version: str | None = Field(description="Null where nobody can tell.")
    port: int | None
    state: Literal["ready", "catching-up", "down"]
    code: str
    facts: dict[str, str | int]
    sentence: str
    look: list[Look]


class Status(BaseModel):
    """Everything that runs."""

    started_at: str
    data: str = Field(description="The folder of data and logs.")
    sample_site: str
    parts: list[Part]


async def look_around(setup: Setup, http: httpx.AsyncClient) -> Sequence[Part]:
    """All parts, asked at once."""
    services = (_service(setup, http, service) for service in SERVICES)
    return await asyncio.gather(*services, _kafka(setup), asyncio.to_thread(_mongo, setup))


async def _service(setup: Setup, http: httpx.AsyncClient, name: str) -> Part:
    port = port_of(name, setup.base)
    api, platform = f"http://{HERE}:{port}", f"http://{HERE}:{port + METRICS}"
    log = str(setup.folder / "logs" / f"{name}.log")
    state, code, facts = await _health(http, platform, {"port": port, "log": log})
    links: Mapping[Where, str] = {
        "api": f"{api}/openapi.json",
        "metrics": f"{platform}/metrics",
        "health": f"{api}/health/ready",
    }
    return _part(name, version(f"candor-{name}"), port, state, code, facts, links)


async def _health(
    http: httpx.AsyncClient, platform: str, where: dict[str, str | int]
) -> tuple[Literal["ready", "catching-up", "down"], str, dict[str, str | int]]:
    try:
        health = (await http.get(f"{platform}/health/ready", timeout=WITHIN)).json()
        measured = _measured((await http.get(f"{platform}/metrics", timeout=WITHIN)).text)
    except (httpx.TransportError, ValueError):
        return "down", "no-answer", where
    reasons = [f"{part}: {word}" for part, word in health["parts"].items() if word != OK]
    if reasons:
        return "down", "not-ready", {"reason": "; ".join(reasons)}
    for code, records, seconds in (
        ("behind", "candor_lag_records", "candor_lag_seconds"),
        ("unpublished", "candor_outbox_backlog", "candor_outbox_age_seconds"),
    ):
        if (age := measured.get(seconds, 0)) >= BEHIND_FROM:
            return "catching-up", code, {"records": int(measured.get(records, 0)), "seconds": round(age)}
    return "ready", "ready", {}


def _measured(text: str) -> Mapping[str, float]:
    """Each gauge's value, over all topics: the largest of seconds, the sum of others."""
    found: dict[str, float] = {}
    for family in text_string_to_metric_families(text):
        values = [sample.value for sample in family.samples]
        if values:
            found[family.name] = max(values) if family.name.endswith("_seconds") else sum(values)
    return found


async def _kafka(setup: Setup) -> Part:
    release = KAFKA_VERSION if setup.kind == "embedded" else None
    port = int(setup.kafka.servers.split(",")[0].rpartition(":")[2])
    try:
        async with asyncio.timeout(WITHIN):
            await broker_answers(setup.kafka)()
    except (NotReady, KafkaError, OSError) as error:  # a timeout is an OSError
        reason = str(error) or "doesn't answer"
        return _part("kafka", release, port, "down", "not-ready", {"reason": reason})
    return _part("kafka", release, port, "ready", "broker", {"kind": setup.kind})


def _mongo(setup: Setup) -> Part:
    wait = int(WITHIN * 1000)
    with MongoClient[dict[str, Any]](setup.mongo, serverSelectionTimeoutMS=wait) as client:
        try:
            hello = client.admin.command("hello")
            release = client.server_info()["version"]
            port = (client.address or (HERE, None))[1]
        except PyMongoError as error:
            reason = str(error).partition(",")[0][:200]
            return _part("mongo", None, None, "down", "no-primary", {"reason": reason})
    facts: dict[str, str | int] = {"members": len(hello["hosts"]), "kind": setup.kind}
    return _part("mongo", release, port, "ready", "primary", facts)


def _part(
    name: str,
    release: str | None,
    port: int | None,
    state: Literal["ready", "catching-up", "down"],
    code: str,
    facts: dict[str, str | int],
    links: Mapping[Where, str] | None = None,
) -> Part:
    look = [Look(name=each, address=address) for each, address in (links or {}).items()]
    return Part(
        name=name, version=release, port=port, state=state, code=code, facts=facts,
        sentence=SENTENCES[code].format(**facts), look=look,
    )  # fmt: skip
