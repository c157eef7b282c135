"""Four weeks on a support floor, played in minutes: real dialogs, in services whose time is moved."""

import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from rich.progress import track

from deploy.demo.people import at_once
from deploy.demo.story import Encounter, Ledger, Mood
from deploy.demo.support_floor import SupportFloor

DAYS: Final = 28
AT_ONCE: Final = 12
EXPIRY: Final = timedelta(days=3)
CHANNELS: Final = {
    "data-basics": "Course: Data basics",
    "design": "Course: Product design",
    "help": "Help centre",
}
SILENT_CHANNEL: Final = ("study-bot", "Study bot")
"""Its Quality control is off."""


@dataclass(frozen=True)
class OnDuty:
    """An operator: how many of ten dialogs are theirs, and how many of a hundred clients are satisfied."""

    name: str
    share: int
    satisfied: int


OPERATORS: Final = {
    "ann": OnDuty("Ann Lee", 8, 95),
    "mira": OnDuty("Mira Castell", 7, 89),
    "ines": OnDuty("Inès Malart", 6, 88),
    "jonas": OnDuty("Jonas Okoro", 6, 87),
    "pavel": OnDuty("Pavel Orsin", 5, 86),
    "nadia": OnDuty("Nadia Quill", 3, 84),
    "tarik": OnDuty("Tarik Benalou", 4, 62),
    "max": OnDuty("Maximiliana Oberleitner-Sundqvist", 3, 92),
    "petra": OnDuty("Petra Volk", 1, 80),
}
SAID: Final = {
    True: (
        "Solved in two minutes, and I understood why it had failed.", "Merci, tout est clair maintenant.",
        "Friendly, and quick. Thank you.", "Спасибо, теперь всё понятно.",
        "I got the certificate while we were still talking.",
    ),
    False: (
        "Had to repeat myself three times.", "Nobody could tell me when the certificate comes.",
        "Хорошо, но долго: первый ответ пришёл через двадцать минут.", "The link you sent was the wrong one.",
    ),
}  # fmt: skip
MOODS: Final = {
    Mood.RATES: 28,
    Mood.COMMENTS: 16,
    Mood.CHANGES: 2,
    Mood.DECLINES: 6,
    Mood.RETURNS: 2,
    Mood.IGNORES: 46,
}


class Month:
    """`move` sets the services' time, as what it is before now."""

    def __init__(self, floor: SupportFloor, move: Callable[[timedelta], None], dice: random.Random) -> None:
        self._floor, self._move, self._dice = floor, move, dice

    async def play(self) -> None:
        """Makes the channels, then plays day after day until now."""
        self._move(timedelta(days=DAYS))
        for channel, name in CHANNELS.items():
            await self._floor.set_up(channel, expiry=EXPIRY.total_seconds())
            await self._floor.channel(channel, name, time_zone="Europe/Paris", locales=["en", "fr", "ru"])
        await self._floor.set_up(SILENT_CHANNEL[0], enabled=False)
        await self._floor.channel(*SILENT_CHANNEL, time_zone="Europe/Paris")
        for before in track(list(self._times()), "four weeks"):
            self._move(before)
            count = self._dice.randint(9, 15)
            await at_once(AT_ONCE, [self._encounter for _ in range(count)])
        self._move(timedelta())

    def _times(self) -> list[timedelta]:
        """What times of the day dialogs are at, as times before now: fewer at weekends."""
        now = datetime.now(UTC)
        noon = now.replace(hour=12, minute=0, second=0, microsecond=0)
        found = []
        for day in range(DAYS - 1, -1, -1):
            date = noon - timedelta(days=day)
            hours = (8, 9, 11, 14, 16) if date.weekday() < 5 else (13,)
            found += [now - date.replace(hour=hour, minute=self._dice.randrange(60)) for hour in hours]
        return [before for before in found if before > timedelta()]

    async def _encounter(self) -> None:
        dice, floor = self._dice, self._floor
        ident = dice.choices(list(OPERATORS), [each.share for each in OPERATORS.values()])[0]
        operator = OPERATORS[ident]
        good = dice.randrange(100) < operator.satisfied
        mood = dice.choices(list(MOODS), list(MOODS.values()))[0]
        score = dice.choice((5, 5, 5, 4) if good else (3, 2, 1, 1))
        channel = dice.choice(list(CHANNELS)) if dice.random() < 0.9 else SILENT_CHANNEL[0]
        asked = channel in CHANNELS
        encounter = Encounter(
            await floor.visitor(channel, name="Lena Wirth", locale="en"),
            floor.operator(ident, operator.name),
            ident,
            channel,
            mood if asked else Mood.IGNORES,
            score,
            dice.choice(SAID[good]) if mood is Mood.COMMENTS else None,
        )
        await encounter.play(Ledger())
