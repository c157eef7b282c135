"""`python -m rating` serves; `… dead-letters …` lists and replays dead letters, `… keys …` rotates keys."""

import sys

from chassis.crypto_shredding.commands import ring_commands
from chassis.service import dead_letters, main, with_settings
from contracts.topics import RATING_KEYS
from rating.app import build
from rating.settings import RatingSettings

COMMANDS = {"dead-letters": dead_letters, "keys": with_settings(ring_commands(RATING_KEYS.name))}

if __name__ == "__main__":
    sys.exit(main(RatingSettings, build, commands=COMMANDS))
