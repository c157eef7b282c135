"""The start page's API: how everything is, who one can be, and demo traffic."""

from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import Annotated

import httpx
from fastapi import Depends
from pydantic import BaseModel, ConfigDict, Field

from chassis.errors import CommandRejected
from chassis.http.bodies import RequestBody
from chassis.http.problems import NotFound
from chassis.http.routes import Router, from_state
from contracts.access import Role
from deploy.demo.channels import DEMO_CHANNELS, ensure_channels
from deploy.demo.people import ServiceUnavailable
from deploy.demo.traffic import Numbers, Traffic
from deploy.local.start_page.people import PEOPLE
from deploy.local.start_page.problems import Refusal
from deploy.local.start_page.same_origin import own_page
from deploy.local.start_page.setup import Setup
from deploy.local.start_page.status import Status, look_around
from deploy.local.tokens import token

LIFETIME = timedelta(hours=12)
FASTEST = 20

router = Router(prefix="/api", dependencies=[Depends(own_page)])

Told = Annotated[Setup, from_state("setup")]
Http = Annotated[httpx.AsyncClient, from_state("http")]
Demo = Annotated[Traffic, from_state("traffic")]
Began = Annotated[datetime, from_state("started_at")]


class Person(BaseModel):
    """Somebody one can be. A client needs no token: the widget gets one."""

    id: str
    name: str
    role: Role
    team: str | None
    channels: list[str] = Field(description='Their ids; ["*"] for every channel.')
    channel_names: list[str] = Field(description="What these are called; empty for every channel.")
    does: str
    address: str = Field(description="Their page; `#token=…` after it signs in.")


class People(BaseModel):
    """All of them, in order."""

    people: list[Person]


class Given(BaseModel):
    """A token for twelve hours."""

    token: str
    expires_at: datetime


class PaceBody(RequestBody):
    """How fast."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    pace: float = Field(gt=0, le=FASTEST, allow_inf_nan=False, description="Closes a second.")


class Check(BaseModel):
    """`agrees` is null as long as some closes are on their way; `wrong` are sentences."""

    at: datetime
    agrees: bool | None
    wrong: list[str]


class Shown(BaseModel):
    """What became of all closes of the demo's channels, as Live Chat shows them; null if nobody answers."""

    closed: int
    rated: int
    declined_or_expired: int
    open: int
    fell_away: int
    not_asked: int


class DemoView(BaseModel):
    """Demo traffic. `closes` and `failed` are those since the start page started."""

    pace: float | None = Field(description="Closes a second; null if it is stopped.")
    started_at: datetime | None
    ends_at: datetime | None
    closes: int
    failed: int
    last_failure: str | None
    channels: dict[str, str]
    numbers: Shown | None
    check: Check | None


@router.get("/status")
async def get_status(setup: Told, http: Http, started_at: Began) -> Status:
    """What runs where, and how it is."""
    parts = await look_around(setup, http)
    return Status(
        started_at=started_at.isoformat(), data=str(setup.folder), sample_site=setup.sample_site,
        parts=list(parts),
    )  # fmt: skip


@router.get("/people")
async def list_people(setup: Told) -> People:
    """Whom one can be."""
    return People(
        people=[
            Person(
                id=each.id, name=each.name, role=each.role, team=each.team, channels=list(each.channels),
                channel_names=each.channel_names, does=each.does, address=each.address(setup),
            )
            for each in PEOPLE.values()
        ]
    )  # fmt: skip


@router.post("/people/{person}/token")
async def issue_token(person: str, setup: Told) -> Given:
    """A token of one of staff; a client gets theirs from chat."""
    someone = PEOPLE.get(person)
    if someone is None or someone.role is Role.VISITOR:
        raise NotFound
    return Given(
        token=token(
            setup.folder, someone.role, channels=someone.channels, sub=someone.id, name=someone.name,
            team=someone.team, hours=LIFETIME.total_seconds() / 3600,
        ),
        expires_at=datetime.now(UTC) + LIFETIME,
    )  # fmt: skip


@router.get("/demo")
async def get_demo(traffic: Demo) -> DemoView:
    """How far demo traffic is, and whether the numbers add up."""
    try:
        counts = await traffic.counts()
    except (ServiceUnavailable, httpx.HTTPStatusError):
        return _view(traffic, None, None)
    shown = Shown(**asdict(Numbers.of(counts)))
    return _view(traffic, shown, Check(**asdict(traffic.compare(counts))))


@router.post("/demo")
async def start_demo(body: PaceBody, traffic: Demo, setup: Told) -> DemoView:
    """Start demo traffic or change its pace; it stops by itself after an hour."""
    try:
        await ensure_channels(traffic.floor, setup.sample_origins)
        await traffic.start(body.pace)
    except (ServiceUnavailable, httpx.HTTPStatusError):
        raise CommandRejected(Refusal.SERVICES_AWAY) from None
    return await get_demo(traffic)


@router.delete("/demo")
async def stop_demo(traffic: Demo) -> DemoView:
    """Stop demo traffic; dialogs that are under way come to their end."""
    await traffic.stop()
    return await get_demo(traffic)


def _view(traffic: Traffic, numbers: Shown | None, check: Check | None) -> DemoView:
    return DemoView(
        pace=traffic.pace, started_at=traffic.started_at, ends_at=traffic.ends_at,
        closes=len(traffic.ledger.endings), failed=traffic.failed, last_failure=traffic.last_failure,
        channels=DEMO_CHANNELS, numbers=numbers, check=check,
    )  # fmt: skip
