"""Dialogs that are ready to be closed: what the fault test and the bench begin with."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from deploy.demo.people import Operator, Visitor, at_once
from deploy.demo.support_floor import SupportFloor

VISITORS, OPERATORS = 500, 20


@dataclass(frozen=True)
class Closing:
    """A dialog that is ready to be closed, and who will."""

    operator: Operator
    dialog: str

    async def close(self) -> None:
        """Closes it."""
        await self.operator.close(self.dialog, 1)


async def ready_dialogs(floor: SupportFloor, channel: str, count: int) -> list[Closing]:
    """Open dialogs of many visitors and some operators, a word from each side, ready to be closed."""
    await floor.channel(channel)
    operators = [floor.operator(f"bench-{number}") for number in range(OPERATORS)]
    # A client has five dialogs open at most.
    visitors = [await floor.visitor(channel) for _ in range(max(min(VISITORS, count), -(-count // 5)))]
    closings: list[Closing] = []
    jobs = []
    for number in range(count):
        visitor, operator = visitors[number % len(visitors)], operators[number % OPERATORS]
        closings.append(Closing(operator, dialog := visitor.name_dialog()))
        jobs.append(_talker(visitor, operator, dialog))
    await at_once(16, jobs)
    return closings


def _talker(visitor: Visitor, operator: Operator, dialog: str) -> Callable[[], Awaitable[None]]:
    async def talk() -> None:
        await visitor.open(dialog)
        await visitor.post_message(dialog, "m1", "Hello")
        await operator.take(dialog)
        await operator.post_message(dialog, "m2", "How can I help?")

    return talk
