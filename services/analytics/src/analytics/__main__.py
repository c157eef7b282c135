"""`python -m analytics` serves; with a word more it looks after dead letters and keys, or verifies."""

import sys

from analytics.app import build
from analytics.messaging import verification
from analytics.settings import AnalyticsSettings
from chassis.crypto_shredding.commands import reader_commands
from chassis.service import dead_letters, main, with_settings

COMMANDS = {
    "dead-letters": dead_letters,
    "keys": with_settings(reader_commands),
    "verify": with_settings(verification.command),
}

if __name__ == "__main__":
    sys.exit(main(AnalyticsSettings, build, commands=COMMANDS))
