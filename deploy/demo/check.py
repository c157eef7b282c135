"""Is what the summary shows what the clients did? Counted apart, compared here."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from deploy.demo.people import NotYet, Supervisor, until
from deploy.demo.story import Ending, Ledger

UNSETTLED = ("undecided", "scheduled", "pending")
SATISFIED_FROM = 4
OFFERED = ("scheduled", "pending", "given", "declined", "expired", "cancelled", "undeliverable")


async def settled(
    supervisor: Supervisor, channel: str, closes: int, within: float, *, undone: int = 0
) -> dict[str, Any]:
    """The summary of a channel once it shows all closes and waits for nobody's answer any more.

    `undone` closes have to show that as well: where rating learns of a reopening late, the form has expired
    until it does, and nothing is waiting in the meantime.
    """

    async def look() -> dict[str, Any]:
        summary: dict[str, Any] = await supervisor.read("summary", channel=channel)
        waiting = {state: summary[state] for state in UNSETTLED if summary[state]}
        if summary["closed"] < closes or _undone(summary) < undone or waiting:
            raise NotYet(
                f"{channel}: {summary['closed']} of {closes} closes, {_undone(summary)} of {undone} undone, "
                f"waiting: {waiting}"
            )
        return summary

    return dict(await until(look, within))


async def differences(
    supervisor: Supervisor, summary: Mapping[str, Any], ledger: Ledger, channel: str, within: float
) -> list[str]:
    """What is wrong with a settled channel, in sentences; empty if nothing is.

    Compared are the summary, each operator's closes, and every review one by one.
    """

    async def with_words() -> list[dict[str, Any]]:
        reviews = await supervisor.every_review(channel=channel)
        if any((review["comment"] or {}).get("state") == "waiting" for review in reviews):
            raise NotYet("words wait for their key")
        return reviews

    reviews = await until(with_words, within)
    credited = Counter(ending.operator for ending in ledger.of(channel).values())
    closes = {
        operator: (await supervisor.read("summary", channel=channel, operator=operator))["closed"]
        for operator in credited
    }
    wrong = [
        *parts(summary),
        *_unrated(summary),
        *_against(summary, ledger, channel),
        *_one_by_one(reviews, ledger, channel),
    ]
    return wrong if closes == credited else [*wrong, f"closes by operator are {closes}, not {dict(credited)}"]


def _one_by_one(reviews: Sequence[Mapping[str, Any]], ledger: Ledger, channel: str) -> Iterator[str]:
    endings = ledger.of(channel)
    shown = [(review["dialog"], review["close_seq"]) for review in reviews]
    if sorted(shown) != sorted(endings):
        yield f"{channel}: {len(shown)} reviews are of other closes than the {len(endings)} that there were"
    for close, review in zip(shown, reviews, strict=True):
        if close in endings and _seen(review) != _known(endings[close]):
            yield f"{close} is {_seen(review)} in the reviews, its client knows {_known(endings[close])}"


def _seen(review: Mapping[str, Any]) -> tuple[Any, ...]:
    undone = review["reopened_at"] and review["state"] in {"cancelled", "not_offered"}
    words = (review["comment"] or {}).get("text")
    return (review["operator"], "undone" if undone else review["state"], review["score"], words)


def _known(ending: Ending) -> tuple[Any, ...]:
    return (ending.operator, ending.state, ending.score, ending.comment)


def parts(summary: Mapping[str, Any]) -> Iterator[str]:
    """Sentences for the parts of a summary that don't add up to their whole."""
    offered = sum(summary[state] for state in OFFERED)
    if summary["offered_total"] != offered:
        yield f"offered_total is {summary['offered_total']}, its parts add up to {offered}"
    whole = summary["undecided"] + summary["not_offered"] + summary["offered_total"]
    if summary["closed"] != whole:
        yield f"closed is {summary['closed']}, its parts add up to {whole}"


def _unrated(summary: Mapping[str, Any]) -> Iterator[str]:
    if summary["unrated"]["total"] != summary["closed"] - summary["given"]:
        yield "unrated isn't closed minus given"


def _against(summary: Mapping[str, Any], ledger: Ledger, channel: str) -> Iterator[str]:
    endings = ledger.of(channel).values()
    states = Counter(ending.state for ending in endings)
    scores = Counter(ending.score for ending in endings if ending.score is not None)
    answers = [answer for scale in summary["scales"] for answer in scale["distribution"] if answer["n"]]
    counted = {
        "closed": (summary["closed"], len(endings)),
        "given": (summary["given"], states["given"]),
        "declined": (summary["declined"], states["declined"]),
        "expired": (summary["expired"], states["expired"]),
        "undone": (_undone(summary), ledger.undone(channel)),
        "satisfied": (summary["satisfied"], sum(n for score, n in scores.items() if score >= SATISFIED_FROM)),
        "distribution": ({answer["score"]: answer["n"] for answer in answers}, dict(scores)),
    }
    for name, (shown, done) in counted.items():
        if shown != done:
            yield f"{channel}: {name} is {shown} in the summary, the clients did {done}"


def _undone(summary: Mapping[str, Any]) -> int:
    reopened: int = summary["unrated"]["not_offered_by_reason"]["reopened"] + summary["cancelled"]
    return reopened
