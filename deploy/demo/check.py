"""Does what the system says equal what the clients did? Counted apart, compared here."""

from collections.abc import Iterator, Mapping
from typing import Any

from deploy.demo.people import NotYet, Supervisor, until
from deploy.demo.story import Ledger

UNSETTLED = ("undecided", "scheduled", "pending")
SATISFIED_FROM = 4
OFFERED = ("scheduled", "pending", "given", "declined", "expired", "cancelled", "undeliverable")


async def settled(supervisor: Supervisor, channel: str, closes: int, patience: float) -> dict[str, Any]:
    """The summary of a channel once it shows all closes and waits for nobody's answer any more."""

    async def look() -> dict[str, Any]:
        summary: dict[str, Any] = await supervisor.read("summary", channel=channel)
        waiting = {state: summary[state] for state in UNSETTLED if summary[state]}
        if summary["closed"] < closes or waiting:
            raise NotYet(f"{channel}: {summary['closed']} of {closes} closes, waiting: {waiting}")
        return summary

    return dict(await until(look, patience))


def differences(summary: Mapping[str, Any], ledger: Ledger, channel: str) -> list[str]:
    """What is wrong with a settled summary, in sentences; empty if nothing is."""
    return [*_parts(summary), *_against(summary, ledger, channel)]


def _parts(summary: Mapping[str, Any]) -> Iterator[str]:
    offered = sum(summary[state] for state in OFFERED)
    if summary["offered_total"] != offered:
        yield f"offered_total is {summary['offered_total']}, its parts add up to {offered}"
    whole = summary["undecided"] + summary["not_offered"] + summary["offered_total"]
    if summary["closed"] != whole:
        yield f"closed is {summary['closed']}, its parts add up to {whole}"
    if summary["unrated"]["total"] != summary["closed"] - summary["given"]:
        yield "unrated isn't closed minus given"


def _against(summary: Mapping[str, Any], ledger: Ledger, channel: str) -> Iterator[str]:
    scores = {score: n for (place, score), n in ledger.scores.items() if place == channel}
    undone = summary["unrated"]["not_offered_by_reason"]["reopened"] + summary["cancelled"]
    counted = {
        "closed": (summary["closed"], ledger.closes[channel]),
        "given": (summary["given"], ledger.states[channel, "given"]),
        "declined": (summary["declined"], ledger.states[channel, "declined"]),
        "expired": (summary["expired"], ledger.states[channel, "expired"]),
        "undone": (undone, ledger.states[channel, "undone"]),
        "satisfied": (summary["satisfied"], sum(n for score, n in scores.items() if score >= SATISFIED_FROM)),
        "distribution": (_distribution(summary), scores),
    }
    for name, (said, done) in counted.items():
        if said != done:
            yield f"{channel}: {name} is {said} in the summary, the clients did {done}"


def _distribution(summary: Mapping[str, Any]) -> dict[int, int]:
    return {
        one["score"]: one["n"] for scale in summary["scales"] for one in scale["distribution"] if one["n"]
    }
