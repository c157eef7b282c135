"""`make demo`: plays a day on a support floor over the public API, and checks that the numbers add up."""

import argparse
import asyncio
import random
import secrets
import sys
from collections.abc import Callable
from functools import partial
from typing import Any

import httpx
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from deploy.demo.channels import EXPIRY_SECONDS
from deploy.demo.check import differences, settled
from deploy.demo.people import NotYet, ServiceUnavailable, ServiceUrls, at_once
from deploy.demo.story import COMMENTS, Encounter, Ledger, Mood, moods
from deploy.demo.support_floor import OPERATORS, SupportFloor
from deploy.local.failures import CannotStart, sentence
from deploy.local.launcher import AlreadyRuns, running, up
from deploy.local.stack import Addresses
from deploy.local.stopping import FOLDER
from deploy.local.tokens import token

AT_ONCE = 8
SETTLE_SECONDS = 60.0
console = Console()


async def cast(
    floor: SupportFloor, channels: dict[str, str], count: int, dice: random.Random
) -> list[Encounter]:
    """Dialogs to be played, each with a visitor of its own, on the channels in turn."""
    for channel, name in channels.items():
        await floor.channel(channel, name)
        await floor.set_up(channel, expiry=EXPIRY_SECONDS)
    encounters = []
    for index, mood in enumerate(moods(count, dice)):
        channel = list(channels)[index % len(channels)]
        operator = list(OPERATORS)[index % len(OPERATORS)]
        comment = COMMENTS[index % len(COMMENTS)] if mood is Mood.COMMENTS else None
        score = dice.choices(range(1, 6), weights=(1, 1, 2, 5, 9))[0]
        visitor = await floor.visitor(channel)
        person = floor.operator(operator, OPERATORS[operator])
        encounters.append(Encounter(visitor, person, operator, channel, mood, score, comment))
    return encounters


async def play(encounters: list[Encounter], ledger: Ledger) -> None:
    """Plays all dialogs, some at a time, with a bar."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console) as progress:
        shown = progress.add_task("dialogs played", total=len(encounters))

        def job(one: Encounter) -> Callable[[], Any]:
            async def played() -> None:
                await one.play(ledger)
                progress.advance(shown)

            return played

        await at_once(AT_ONCE, [job(one) for one in encounters])


def percent(share: dict[str, Any]) -> str:
    """A percentage with how sure it is, or a dash where there is nothing to divide by."""
    if share["value"] is None:
        return "—"
    few = ", too few" if share["too_few"] else ""
    return f"{share['value']:.0f} % ({share['low']:.0f}–{share['high']:.0f} %, n {share['n']}{few})"


def average(summary: dict[str, Any]) -> str:
    """The average on each scale that was answered on."""
    found = [f"{scale['average']:.1f} of {scale['highest']}" for scale in summary["scales"] if scale["n"]]
    return ", ".join(found) or "—"


def show_summaries(summaries: dict[str, dict[str, Any]]) -> None:
    """The numbers, a column per channel."""
    table = Table(title="Live Chat")
    table.add_column("")
    for channel in summaries:
        table.add_column(channel, justify="right")
    counts = ("closed", "not_offered", "offered_total", "given", "declined", "expired", "cancelled")
    for name in counts:
        table.add_row(name.replace("_", " "), *(str(summary[name]) for summary in summaries.values()))
    table.add_row("average", *(average(summary) for summary in summaries.values()))
    for name, title in (("csat", "satisfied"), ("response_rate", "response rate"), ("coverage", "coverage")):
        table.add_row(title, *(percent(summary[name]) for summary in summaries.values()))
    console.print(table)


def show_reviews(reviews: list[dict[str, Any]]) -> None:
    """The newest reviews, rated or not."""
    table = Table(title=f"Newest reviews of {reviews[0]['channel']}")
    for column in ("closed at (UTC)", "operator", "rating", "comment"):
        table.add_column(column)
    for review in reviews:
        rating = "★" * review["score"] if review["score"] else f"— {review['state'].replace('_', ' ')}"
        comment = review["comment"] or {}
        table.add_row(
            review["closed_at"][11:19], review["operator_name"] or "—",
            rating, comment.get("text") or comment.get("state", ""),
        )  # fmt: skip
    console.print(table)


async def story(addresses: Addresses, count: int, seed: int) -> list[str]:
    """Plays, shows, compares; returns what doesn't add up."""
    dice, ledger, run = random.Random(seed), Ledger(), secrets.token_hex(3)  # noqa: S311 - a story, not a secret
    channels = {f"demo-site-{run}": "Site", f"demo-course-{run}": "Course"}
    async with httpx.AsyncClient(timeout=15, trust_env=False) as http:
        floor = SupportFloor(http, ServiceUrls(**addresses.services), partial(token, FOLDER))
        await play(await cast(floor, channels, count, dice), ledger)
        console.print("Waiting until the last unanswered form has expired …")
        supervisor = floor.supervisor()
        summaries = {
            channel: await settled(
                supervisor, channel, len(ledger.of(channel)), SETTLE_SECONDS, undone=ledger.undone(channel)
            )
            for channel in channels
        }
        show_summaries(summaries)
        show_reviews((await supervisor.read("reviews", channel=next(iter(channels)), limit=10))["reviews"])
        wrong = [
            line
            for channel, summary in summaries.items()
            for line in await differences(supervisor, summary, ledger, channel, SETTLE_SECONDS)
        ]
        reconciled = await supervisor.read("reconcile")
        return wrong if reconciled["equal"] else [*wrong, f"counters and closes differ: {reconciled}"]


def at_least_one(text: str) -> int:
    """A number of dialogs. Raises ValueError."""
    if (number := int(text)) < 1:
        raise ValueError
    return number


def main() -> int:
    """Exit code 0 if the numbers add up, 1 if they don't or the system can't be started."""
    parser = argparse.ArgumentParser(prog="python -m deploy.demo", description=__doc__)
    parser.add_argument("--dialogs", type=at_least_one, default=60, help="how many dialogs to play (60)")
    parser.add_argument("--seed", type=int, default=1, help="the same seed plays the same dialogs (1)")
    arguments = parser.parse_args()
    try:
        if running(FOLDER) is None:
            console.print(
                "Candor is not running: starting it for the demo ([bold]make run[/] keeps it running) …"
            )
        with up(FOLDER, console) as addresses:
            wrong = asyncio.run(story(addresses, arguments.dialogs, arguments.seed))
    except (AlreadyRuns, CannotStart, ServiceUnavailable, NotYet, httpx.HTTPStatusError, OSError) as error:
        console.print("[bold]The demo could not be played to its end:[/]", end=" ")
        console.print(sentence(error), markup=False)
        return 1
    except KeyboardInterrupt:
        console.print("Stopped.")
        return 1
    for line in wrong:
        console.print(f"[bold]does not add up:[/] {line}")
    if not wrong:
        console.print("The numbers add up: what the summary shows is what the clients did.")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
